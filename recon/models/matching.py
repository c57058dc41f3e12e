"""What must agree: reconciliations, their runs, items and matches."""

from django.conf import settings
from django.db import models
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.sources import Source
from recon.models.statements import Flow, Statement, StatementLine


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
    """A posting or a statement line as the matcher sees it. `match_key` is empty where there is nothing strong to match by.

    A statement line's item is the `occurrence`-th that counts with its content; when the statement is restated, it moves on to
    the line of the new version that says the same, or is withdrawn by the version that no longer says it, for good.
    """

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="items", db_index=False)
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
    content_key = models.CharField(max_length=32, blank=True, db_default="")
    occurrence = models.PositiveIntegerField(null=True)
    withdrawn_by = models.ForeignKey(Statement, on_delete=models.PROTECT, null=True, related_name="withdrawn_items", db_index=False)

    class Meta:
        db_table = "recon_item"
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "content_key", "occurrence"],
                condition=models.Q(side="statement", withdrawn_by=None),
                name="recon_line_counts_once",
            ),
            models.CheckConstraint(condition=models.Q(withdrawn_by=None) | models.Q(open=False), name="recon_withdrawn_item_is_not_open"),
            models.UniqueConstraint(
                fields=["reconciliation", "entry_id", "entry_line"],
                condition=models.Q(side="ledger"),
                name="recon_posting_is_one_item",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(side="ledger", entry_id__isnull=False, entry_line__isnull=False, statement_line__isnull=True)
                    | models.Q(side="statement", entry_id__isnull=True, entry_line__isnull=True, statement_line__isnull=False)
                ),
                name="recon_item_has_one_origin",
            ),
        ]
        indexes = [
            models.Index(fields=["withdrawn_by"], name="recon_item_by_withdrawal", condition=models.Q(withdrawn_by__isnull=False)),
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
