"""What must agree: reconciliations, their runs, items and matches."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.sources import Source
from recon.models.statements import Flow, Statement, StatementLine


class Reconciliation(models.Model):
    """Two or more populations of movements in one asset that must agree, and the rules by which they are matched.

    `source` gives its asset and who may see it. Each source has one reconciliation of its own, its `home`: it against its ledger
    account. Further ones name any populations.
    """

    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="reconciliations")
    home = models.BooleanField(default=False)
    name = models.CharField(max_length=120)
    calendar = models.CharField(max_length=20, default="WEEKDAYS")
    rules_version = models.PositiveIntegerField(default=1)
    history = HistoricalRecords()

    class Meta:
        db_table = "recon_reconciliation"
        ordering = ["name"]
        permissions = [("define_reconciliation", "Can define reconciliations and draft their rules")]
        constraints = [
            models.UniqueConstraint(fields=["source"], condition=models.Q(home=True), name="recon_source_has_one_home"),
            models.UniqueConstraint(fields=["name"], name="recon_reconciliation_is_named_once"),
        ]

    def __str__(self) -> str:
        return self.name


class Side(models.TextChoices):
    LEDGER = "ledger"
    STATEMENT = "statement"


class Population(models.Model):
    """One side of a reconciliation: postings of ledger accounts, or lines of a source.

    `sign` is -1 where what comes in here goes out on the other sides, as a processor's payout does. With `codes`, only lines with one
    of these transaction codes belong to it, with `without_codes` only those without.
    """

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="populations")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=120)
    side = models.CharField(max_length=9, choices=Side.choices)
    sign = models.SmallIntegerField(default=1)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="populations")
    codes = ArrayField(models.CharField(max_length=60), default=list, blank=True)
    without_codes = ArrayField(models.CharField(max_length=60), default=list, blank=True)

    class Meta:
        db_table = "recon_population"
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(fields=["reconciliation", "position"], name="recon_population_has_one_place"),
            models.UniqueConstraint(fields=["reconciliation", "name"], name="recon_population_is_named_once"),
            models.CheckConstraint(condition=models.Q(sign__in=(-1, 1)), name="recon_population_sign_is_known"),
            models.CheckConstraint(
                condition=models.Q(side="ledger", source=None) | models.Q(side="statement", source__isnull=False),
                name="recon_population_has_one_origin",
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PopulationAccount(models.Model):
    """A ledger account whose postings belong to a population, and how far they have been taken in."""

    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="population_accounts", db_index=False)
    account = models.ForeignKey("ledger.Account", on_delete=models.PROTECT, related_name="+")
    last_account_seq = models.BigIntegerField(default=0)

    class Meta:
        db_table = "recon_population_account"
        constraints = [models.UniqueConstraint(fields=["population", "account"], name="recon_account_is_in_a_population_once")]


class PopulationStatement(models.Model):
    """A statement whose lines a population has taken in; the home of a source takes them in as they are accepted."""

    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="population_statements", db_index=False)
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="+")

    class Meta:
        db_table = "recon_population_statement"
        constraints = [models.UniqueConstraint(fields=["population", "statement"], name="recon_statement_is_in_a_population_once")]


class RunStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Run(models.Model):
    """One execution of a reconciliation. The row is the queue: a sweep finds what no worker was told about.

    `passes_done` is where it goes on after its worker was lost. `watermark` says what it has seen: per population the accounts with
    their last sequence and how many statement versions; a run with the watermark and the rules of the last one has nothing to do.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="runs")
    status = models.CharField(max_length=10, choices=RunStatus.choices, default=RunStatus.QUEUED)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    requested_at = models.DateTimeField(db_default=ClockTimestamp())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    step = models.CharField(max_length=40, blank=True)
    passes_done = models.PositiveSmallIntegerField(default=0)
    passes_total = models.PositiveSmallIntegerField(default=0)
    watermark = models.CharField(max_length=64, blank=True)
    cancel_asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    cancel_asked_at = models.DateTimeField(null=True)
    items_total = models.PositiveIntegerField(default=0)
    items_done = models.PositiveIntegerField(default=0)
    ledger_items = models.PositiveIntegerField(default=0)
    statement_items = models.PositiveIntegerField(default=0)
    matches_made = models.PositiveIntegerField(default=0)
    breaks_opened = models.PositiveIntegerField(default=0)
    breaks_resolved = models.PositiveIntegerField(default=0)
    suggestions_made = models.PositiveIntegerField(default=0)
    challenges_raised = models.PositiveIntegerField(default=0)
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


class Item(models.Model):
    """A posting or a statement line as a reconciliation sees it, in one of its populations.

    `match_key` is empty where there is nothing strong to match by; `keys` are all its references, each as kind:value. `open_minor` is
    what no match has taken of its amount; it is `open` while that is not zero.

    A statement line's item is the `occurrence`-th that counts with its content; when the statement is restated, it moves on to
    the line of the new version that says the same, or is withdrawn by the version that no longer says it, for good.

    Items, matches and allocations are written by the million: what they name is asked for by a statement, not by each row.
    """

    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="items", db_index=False, db_constraint=False)
    population = models.ForeignKey(Population, on_delete=models.PROTECT, related_name="items", db_index=False, db_constraint=False)
    side = models.CharField(max_length=9, choices=Side.choices)
    entry_id = models.UUIDField(null=True)
    entry_line = models.PositiveSmallIntegerField(null=True)
    statement_line = models.ForeignKey(
        StatementLine, on_delete=models.PROTECT, null=True, related_name="items", db_index=False, db_constraint=False
    )
    flow = models.CharField(max_length=3, choices=Flow.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    item_date = models.DateField()
    match_key = models.CharField(max_length=140, blank=True)
    reference = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    keys = ArrayField(models.TextField(), default=list, db_default=models.Value([], ArrayField(models.TextField())))
    open_minor = models.DecimalField(max_digits=38, decimal_places=0)
    open = models.GeneratedField(
        expression=models.Case(models.When(open_minor__gt=0, then=True), default=False), output_field=models.BooleanField(), db_persist=True
    )
    content_key = models.CharField(max_length=32, blank=True, db_default="")
    occurrence = models.PositiveIntegerField(null=True)
    withdrawn_by = models.ForeignKey(
        Statement, on_delete=models.PROTECT, null=True, related_name="withdrawn_items", db_index=False, db_constraint=False
    )

    class Meta:
        db_table = "recon_item"
        constraints = [
            models.UniqueConstraint(
                fields=["population", "content_key", "occurrence"],
                condition=models.Q(side="statement", withdrawn_by=None),
                name="recon_line_counts_once",
            ),
            models.UniqueConstraint(
                fields=["statement_line", "reconciliation"],
                condition=models.Q(statement_line__isnull=False),
                name="recon_line_is_one_item",
            ),
            models.CheckConstraint(condition=models.Q(withdrawn_by=None) | models.Q(open_minor=0), name="recon_withdrawn_item_is_not_open"),
            models.CheckConstraint(
                condition=models.Q(open_minor__gte=0, open_minor__lte=models.F("amount_minor")), name="recon_item_is_open_for_no_more"
            ),
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
            # Of those that are matched, too: what comes later may be a duplicate, or make a tie of what was no tie.
            models.Index(
                fields=["reconciliation", "match_key", "amount_minor"], name="recon_item_by_key", condition=~models.Q(match_key="")
            ),
            models.Index(
                fields=["reconciliation", "amount_minor", "item_date"],
                name="recon_item_open_by_amount",
                condition=models.Q(open_minor__gt=0),
            ),
            # The items of some days are counted anew after each run; an index of each item would cost every one that is written.
            BrinIndex(fields=["item_date"], pages_per_range=32, name="recon_item_by_day"),
        ]

    @property
    def signed_minor(self) -> int:
        return int(self.amount_minor) if self.flow == Flow.IN else -int(self.amount_minor)

    @property
    def open_signed_minor(self) -> int:
        return int(self.open_minor) if self.flow == Flow.IN else -int(self.open_minor)


class MatchMethod(models.TextChoices):
    RULE = "rule"
    MANUAL = "manual"
    ADJUSTMENT = "adjustment"
    WRITE_OFF = "write_off"
    REBOOKING = "rebooking"


# Made by posting what a second person approved: they rest on an entry, and end by reversing it.
BY_POSTING = (MatchMethod.ADJUSTMENT, MatchMethod.WRITE_OFF, MatchMethod.REBOOKING)


class Match(models.Model):
    """A group of items that explain each other: every population in it sums to the same, one alone to nothing.

    `pass_id` names the pass of the rules' version by which a run made it. It is undone by revoking its allocations, and by nothing else.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="matches", db_constraint=False)
    method = models.CharField(max_length=10, choices=MatchMethod.choices)
    run = models.ForeignKey(Run, on_delete=models.PROTECT, null=True, related_name="matches", db_constraint=False)
    rules_version = models.PositiveIntegerField(null=True)
    pass_id = models.CharField(max_length=40, blank=True, db_default="")
    proposal_id = models.UUIDField(null=True)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    explanation = models.JSONField()
    made_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_match"
        permissions = [("match_items", "Can match items by hand"), ("undo_match", "Can undo matches of open periods")]
        constraints = [
            models.CheckConstraint(condition=models.Q(method__in=MatchMethod.values), name="recon_match_method_is_known"),
            models.CheckConstraint(
                condition=~models.Q(method="manual") | models.Q(made_by__isnull=False), name="recon_manual_match_has_a_maker"
            ),
            models.CheckConstraint(
                condition=~models.Q(method__in=("adjustment", "write_off", "rebooking")) | models.Q(proposal_id__isnull=False),
                name="recon_adjustment_match_has_a_proposal",
            ),
        ]


class MatchUndoing(models.Model):
    """Who undid a match, and why."""

    match = models.OneToOneField(Match, on_delete=models.PROTECT, primary_key=True, related_name="undoing")
    reason = models.CharField(max_length=500)
    undone_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    undone_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_match_undoing"


class Allocation(models.Model):
    """An item's amount given to a match, the whole of it unless `partial`. Append only but for the instant of revocation."""

    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="allocations", db_constraint=False)
    item = models.ForeignKey(Item, on_delete=models.PROTECT, related_name="allocations", db_constraint=False, db_index=False)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    partial = models.BooleanField(default=False, db_default=False)
    revoked_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_allocation"
        constraints = [
            models.UniqueConstraint(
                fields=["item"], condition=models.Q(revoked_at__isnull=True, partial=False), name="recon_item_is_matched_once"
            ),
            models.UniqueConstraint(
                fields=["item", "match"], condition=models.Q(revoked_at__isnull=True, partial=True), name="recon_item_is_in_a_match_once"
            ),
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="recon_allocation_is_of_something"),
        ]
        # The guards sum what is taken of an item, whole and in parts: neither of the partial indexes above answers that.
        indexes = [models.Index(fields=["item"], name="recon_allocation_by_item")]
