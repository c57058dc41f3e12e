"""Sources and what they deliver; items, matches and breaks."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Abs
from guardian.models import GroupObjectPermissionBase
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class Source(models.Model):
    """An account elsewhere that delivers statements, and the ledger account that must agree with it."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    servicer = models.CharField(max_length=120, blank=True)
    identifier = models.CharField(max_length=60)
    asset = models.ForeignKey("ledger.Asset", on_delete=models.PROTECT)
    account = models.OneToOneField("ledger.Account", on_delete=models.PROTECT, related_name="source")
    registered_at = models.DateTimeField(db_default=ClockTimestamp())
    history = HistoricalRecords()

    class Meta:
        db_table = "recon_source"
        ordering = ["name"]
        permissions = [("register_source", "Can register sources")]
        constraints = [models.UniqueConstraint(fields=["identifier", "asset"], name="recon_source_is_registered_once")]

    def __str__(self) -> str:
        return self.name


class SourceGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Source, on_delete=models.PROTECT)


class FileStatus(models.TextChoices):
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class StatementFile(models.Model):
    """A file as delivered: its bytes are kept under their SHA-256 and never change; a refused file is kept too."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    name = models.CharField(max_length=255)
    format = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, choices=FileStatus.choices)
    errors = models.JSONField(default=list)
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField(db_default=ClockTimestamp())
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_file"
        ordering = ["-id"]
        permissions = [("upload_statement", "Can upload and accept statements")]
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="recon_file_is_stored_once"),
            models.CheckConstraint(condition=models.Q(status__in=FileStatus.values), name="recon_file_status_is_known"),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="recon_file_by_status")]

    @property
    def storage_name(self) -> str:
        return f"{self.sha256[:2]}/{self.sha256}"


class ProofStatus(models.TextChoices):
    PROVEN = "proven"
    UNPROVEN = "unproven"
    NO_BALANCE = "no_balance"


class Statement(models.Model):
    """One delivered statement of one source. Balances are signed as the account holder sees them at the bank."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="statements")
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="statements")
    ordinal = models.PositiveIntegerField()
    number = models.CharField(max_length=60, blank=True)
    opening_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    closing_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    opening_date = models.DateField(null=True)
    closing_date = models.DateField()
    line_count = models.PositiveIntegerField()
    movements_minor = models.DecimalField(max_digits=38, decimal_places=0)
    proof = models.CharField(max_length=10, choices=ProofStatus.choices)
    difference_minor = models.DecimalField(max_digits=38, decimal_places=0)
    gap_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    content_digest = models.CharField(max_length=64)
    accepted_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_statement"
        ordering = ["-closing_date", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["file", "ordinal"], name="recon_statement_has_one_place_in_its_file"),
            models.UniqueConstraint(fields=["source", "content_digest"], name="recon_statement_is_accepted_once"),
            models.CheckConstraint(condition=models.Q(proof__in=ProofStatus.values), name="recon_statement_proof_is_known"),
        ]
        indexes = [
            models.Index(fields=["source", "-closing_date"], name="recon_statement_by_source"),
            models.Index(fields=["-closing_date", "-id"], name="recon_statement_by_closing"),
            models.Index(fields=["proof", "-closing_date", "-id"], name="recon_statement_by_proof"),
        ]


class Flow(models.TextChoices):
    """Which way value moved for the company: into the account or out of it."""

    IN = "in"
    OUT = "out"


class StatementLine(models.Model):
    """One row of a statement, with its place in the file and the bytes it was read from."""

    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="statement_lines")
    ordinal = models.PositiveIntegerField()
    booking_date = models.DateField()
    value_date = models.DateField()
    flow = models.CharField(max_length=3, choices=Flow.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    reversal = models.BooleanField(default=False)
    booked = models.BooleanField(default=True)
    reference = models.CharField(max_length=140, blank=True)
    bank_reference = models.CharField(max_length=140, blank=True)
    end_to_end_id = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    counterparty_account = models.CharField(max_length=60, blank=True)
    transaction_code = models.CharField(max_length=60, blank=True)
    description = models.TextField(blank=True)
    raw = models.TextField()
    place = models.CharField(max_length=200)

    class Meta:
        db_table = "recon_statement_line"
        ordering = ["statement", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "ordinal"], name="recon_line_has_one_place_in_its_statement"),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="recon_line_amount_not_negative"),
            models.CheckConstraint(condition=models.Q(flow__in=Flow.values), name="recon_line_flow_is_known"),
        ]


class Reconciliation(models.Model):
    """A ledger account and a source that must agree. `rules_version` names what the passes demand."""

    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="reconciliation")
    name = models.CharField(max_length=120)
    date_tolerance_days = models.PositiveSmallIntegerField(default=1)
    rules_version = models.PositiveIntegerField(default=1)
    last_account_seq = models.BigIntegerField(default=0)
    history = HistoricalRecords(excluded_fields=["last_account_seq"])

    class Meta:
        db_table = "recon_reconciliation"
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Run(models.Model):
    """One execution of a reconciliation. The row is the queue: a sweep finds what no worker was told about."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="runs")
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    requested_at = models.DateTimeField(db_default=ClockTimestamp())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=20, blank=True)
    items_total = models.PositiveIntegerField(default=0)
    items_done = models.PositiveIntegerField(default=0)
    ledger_items = models.PositiveIntegerField(default=0)
    statement_items = models.PositiveIntegerField(default=0)
    matches_made = models.PositiveIntegerField(default=0)
    breaks_opened = models.PositiveIntegerField(default=0)
    breaks_resolved = models.PositiveIntegerField(default=0)
    through_account_seq = models.BigIntegerField(null=True)
    rules_version = models.PositiveIntegerField(default=1)
    failure = models.TextField(blank=True)

    class Meta:
        db_table = "recon_run"
        ordering = ["-id"]
        permissions = [("run_reconciliation", "Can start reconciliation runs")]
        constraints = [
            # A second request while one waits would do the same work: the waiting one covers both.
            models.UniqueConstraint(
                fields=["reconciliation"], condition=models.Q(status="queued"), name="recon_one_queued_run_per_reconciliation"
            ),
            models.UniqueConstraint(
                fields=["reconciliation"], condition=models.Q(status="running"), name="recon_one_running_run_per_reconciliation"
            ),
            models.CheckConstraint(condition=models.Q(status__in=RunStatus.values), name="recon_run_status_is_known"),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="recon_run_by_status")]

    @property
    def is_active(self) -> bool:
        return self.status in (RunStatus.QUEUED, RunStatus.RUNNING)

    @property
    def seconds(self) -> float | None:
        """How long it worked, the last time that a worker took it up."""
        return (self.finished_at - self.started_at).total_seconds() if self.started_at and self.finished_at else None


class Side(models.TextChoices):
    LEDGER = "ledger"
    STATEMENT = "statement"


class Item(models.Model):
    """A posting or a statement line as the matcher sees it. `match_key` is empty where there is nothing strong to match by."""

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="items")
    side = models.CharField(max_length=9, choices=Side.choices)
    entry_id = models.UUIDField(null=True)
    entry_line = models.PositiveSmallIntegerField(null=True)
    statement_line = models.OneToOneField(StatementLine, on_delete=models.PROTECT, null=True, related_name="item")
    flow = models.CharField(max_length=3, choices=Flow.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    item_date = models.DateField()
    match_key = models.CharField(max_length=140, blank=True)
    reference = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    open = models.BooleanField(default=True)

    class Meta:
        db_table = "recon_item"
        constraints = [
            models.UniqueConstraint(fields=["reconciliation", "entry_id", "entry_line"], name="recon_posting_is_one_item"),
            models.CheckConstraint(
                condition=(
                    models.Q(side="ledger", entry_id__isnull=False, entry_line__isnull=False, statement_line__isnull=True)
                    | models.Q(side="statement", entry_id__isnull=True, entry_line__isnull=True, statement_line__isnull=False)
                ),
                name="recon_item_has_one_origin",
            ),
        ]
        indexes = [
            models.Index(
                fields=["reconciliation", "side", "match_key", "amount_minor"], name="recon_item_open_by_key", condition=models.Q(open=True)
            ),
            models.Index(
                fields=["reconciliation", "side", "amount_minor", "item_date"],
                name="recon_item_open_by_amount",
                condition=models.Q(open=True),
            ),
        ]

    @property
    def signed_minor(self) -> int:
        return int(self.amount_minor) if self.flow == Flow.IN else -int(self.amount_minor)


class MatchMethod(models.TextChoices):
    EXACT = "exact"
    MANUAL = "manual"
    ADJUSTMENT = "adjustment"


class Match(models.Model):
    """A group of items that explain each other: both sides sum to the same."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="matches")
    method = models.CharField(max_length=10, choices=MatchMethod.choices)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="matches")
    proposal_id = models.UUIDField(null=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    explanation = models.JSONField()
    made_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_match"
        permissions = [("match_items", "Can match items by hand")]
        constraints = [
            models.CheckConstraint(condition=models.Q(method__in=MatchMethod.values), name="recon_match_method_is_known"),
            models.CheckConstraint(
                condition=~models.Q(method="manual") | models.Q(made_by__isnull=False), name="recon_manual_match_has_a_maker"
            ),
            models.CheckConstraint(
                condition=~models.Q(method="adjustment") | models.Q(proposal_id__isnull=False), name="recon_adjustment_match_has_a_proposal"
            ),
        ]


class Allocation(models.Model):
    """An item's whole amount given to a match. Append only but for the instant of revocation."""

    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="allocations")
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="allocations", db_constraint=False, db_index=False)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_allocation"
        constraints = [
            models.UniqueConstraint(fields=["item"], condition=models.Q(revoked_at__isnull=True), name="recon_item_is_matched_once"),
        ]


class BreakType(models.TextChoices):
    MISSING_EXTERNAL = "missing_external"
    MISSING_INTERNAL = "missing_internal"
    AMOUNT = "amount"
    DATE = "date"
    DUPLICATE_EXTERNAL = "duplicate_external"
    DUPLICATE_INTERNAL = "duplicate_internal"
    AMBIGUOUS = "ambiguous"


class BreakState(models.TextChoices):
    OPEN = "open"
    INVESTIGATING = "investigating"
    PROPOSED = "proposed"
    RESOLVED = "resolved"


class Break(models.Model):
    """An item, or a pair that should have agreed, left unexplained. Closed only by a match of its items."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="breaks")
    type = models.CharField(max_length=20, choices=BreakType.choices)
    state = models.CharField(max_length=15, choices=BreakState.choices, default=BreakState.OPEN)
    ledger_item = models.ForeignKey(Item, on_delete=models.PROTECT, null=True, related_name="ledger_breaks", db_index=False)
    statement_item = models.ForeignKey(Item, on_delete=models.PROTECT, null=True, related_name="statement_breaks", db_index=False)
    difference_minor = models.DecimalField(max_digits=38, decimal_places=0)
    occurred_on = models.DateField()
    reference = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="breaks_assigned")
    opened_by_run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="breaks", null=True)
    opened_at = models.DateTimeField(db_default=ClockTimestamp())
    resolved_by = models.ForeignKey(Match, on_delete=models.PROTECT, null=True, related_name="breaks")
    resolved_at = models.DateTimeField(null=True)
    version = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "recon_break"
        ordering = ["occurred_on", "number"]
        permissions = [
            ("work_break", "Can assign and comment on breaks"),
            ("propose_adjustment", "Can propose adjustments"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(type__in=BreakType.values), name="recon_break_type_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=BreakState.values), name="recon_break_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(ledger_item__isnull=False) | models.Q(statement_item__isnull=False), name="recon_break_has_an_item"
            ),
            models.CheckConstraint(
                condition=models.Q(state="resolved", resolved_by__isnull=False, resolved_at__isnull=False)
                | (~models.Q(state="resolved") & models.Q(resolved_by__isnull=True)),
                name="recon_break_closes_by_a_match",
            ),
            models.UniqueConstraint(
                fields=["ledger_item"], condition=~models.Q(state="resolved"), name="recon_ledger_item_has_one_live_break"
            ),
            models.UniqueConstraint(
                fields=["statement_item"], condition=~models.Q(state="resolved"), name="recon_statement_item_has_one_live_break"
            ),
        ]
        indexes = [
            models.Index(fields=["state", "occurred_on", "number"], name="recon_break_by_state"),
            models.Index(fields=["reconciliation", "state", "occurred_on"], name="recon_break_by_reconciliation"),
            models.Index(fields=["assignee", "state"], name="recon_break_by_assignee"),
            # The list of what lives, in its two orders; each is read from either end.
            models.Index(fields=["occurred_on", "number"], name="recon_break_live_by_date", condition=~models.Q(state="resolved")),
            models.Index(
                Abs("difference_minor"), models.F("number"), name="recon_break_live_by_size", condition=~models.Q(state="resolved")
            ),
            models.Index(models.F("state"), Abs("difference_minor"), models.F("number"), name="recon_break_by_state_and_size"),
        ]

    @property
    def public_number(self) -> str:
        return f"BRK-{self.number}"

    @property
    def is_live(self) -> bool:
        return self.state != BreakState.RESOLVED


class BreakComment(models.Model):
    recon_break = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="comments")
    author = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    text = models.TextField()
    written_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_break_comment"
        ordering = ["id"]


class SavedView(models.Model):
    """A name for a query string of a list, private to its owner unless shared."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="saved_views")
    name = models.CharField(max_length=60)
    query = models.CharField(max_length=500)
    shared = models.BooleanField(default=False)

    class Meta:
        db_table = "recon_saved_view"
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["owner", "name"], name="recon_saved_view_is_named_once")]
