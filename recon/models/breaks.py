"""What is left unexplained."""

from django.conf import settings
from django.db import models
from django.db.models.functions import Abs

from approvals.models import ReasonCode
from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.matching import Item, Match, Reconciliation, Run
from recon.models.statements import Statement


class BreakType(models.TextChoices):
    MISSING_EXTERNAL = "missing_external"
    MISSING_INTERNAL = "missing_internal"
    AMOUNT = "amount"
    DATE = "date"
    DUPLICATE_EXTERNAL = "duplicate_external"
    DUPLICATE_INTERNAL = "duplicate_internal"
    AMBIGUOUS = "ambiguous"
    STALE_FEED = "stale_feed"
    CHAIN_REORG = "chain_reorg"


# Breaks of a source, not of an item: they end with what they wait for, and say how.
OF_A_SOURCE = ("stale_feed", "chain_reorg")


class BreakState(models.TextChoices):
    OPEN = "open"
    INVESTIGATING = "investigating"
    PROPOSED = "proposed"
    RESOLVED = "resolved"


class Break(models.Model):
    """An item, or a pair that should have agreed, left unexplained. Closed only by a match of its items.

    Where a restated statement no longer has the line that it was about, it is closed too: `withdrawn_by` that statement.
    `cause` is what the amounts suggest where a pair differs: its kind (fee, transposed, decimal shift, doubled, sign) and what it
    rests on. Breaks of one ambiguity have the first of them as their `parent`.
    Two are of a source and have no item; each ends with its `resolution`. A stale feed: `missing_days` of a source have not come, until
    they have or were waived; breaks that are open only because of it have it as their `parent`. A chain reorganisation: the chain has
    other blocks where some were final, until they are back, or two people accepted the other chain and its days were delivered anew;
    `cause` has the fork, the blocks and the transfers with what they were and what they are now.
    What a break is by nature, and when it is due, is asked of the clock and the service level in force: `recon.break_clock`.
    `root_cause` is what a person found, of a governed list. One that is snoozed is looked at again after `snoozed_until`.
    """

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
    withdrawn_by = models.ForeignKey(Statement, on_delete=models.PROTECT, null=True, related_name="withdrawn_breaks", db_index=False)
    resolved_at = models.DateTimeField(null=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    cause = models.JSONField(default=dict, db_default=models.Value({}, models.JSONField()))
    missing_days = models.JSONField(default=list, db_default=models.Value([], models.JSONField()))
    resolution = models.CharField(max_length=200, blank=True, db_default="")
    previous_assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    root_cause = models.ForeignKey(ReasonCode, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    snoozed_until = models.DateField(null=True)
    snooze_reason = models.CharField(max_length=200, blank=True, db_default="")
    version = models.PositiveIntegerField(default=1)

    class Meta:
        db_table = "recon_break"
        ordering = ["occurred_on", "number"]
        permissions = [
            ("work_break", "Can assign and comment on breaks"),
            ("propose_adjustment", "Can propose adjustments"),
            ("accept_chain", "Can propose that another chain than the one that was final is accepted"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(type__in=BreakType.values), name="recon_break_type_is_known"),
            models.CheckConstraint(condition=models.Q(state__in=BreakState.values), name="recon_break_state_is_known"),
            models.CheckConstraint(
                condition=(
                    ~models.Q(type__in=OF_A_SOURCE) & (models.Q(ledger_item__isnull=False) | models.Q(statement_item__isnull=False))
                    | models.Q(type__in=OF_A_SOURCE, ledger_item=None, statement_item=None)
                ),
                name="recon_break_has_an_item",
            ),
            models.CheckConstraint(
                condition=(
                    models.Q(state="resolved", resolved_by__isnull=False, withdrawn_by=None, resolved_at__isnull=False)
                    & ~models.Q(type__in=OF_A_SOURCE)
                    | models.Q(state="resolved", resolved_by=None, withdrawn_by__isnull=False, resolved_at__isnull=False)
                    & ~models.Q(type__in=OF_A_SOURCE)
                    | (
                        models.Q(state="resolved", type__in=OF_A_SOURCE, resolved_by=None, withdrawn_by=None, resolved_at__isnull=False)
                        & ~models.Q(resolution="")
                    )
                    | (~models.Q(state="resolved") & models.Q(resolved_by=None, withdrawn_by=None))
                ),
                name="recon_break_closes_by_a_match",
            ),
            models.CheckConstraint(
                condition=models.Q(type="stale_feed", parent=None)
                | models.Q(type="chain_reorg", parent=None, missing_days=[])
                | (~models.Q(type__in=OF_A_SOURCE) & models.Q(missing_days=[], resolution="")),
                name="recon_only_a_stale_feed_waits_for_days",
            ),
            models.CheckConstraint(
                condition=models.Q(snoozed_until=None, snooze_reason="")
                | (models.Q(snoozed_until__isnull=False) & ~models.Q(snooze_reason="")),
                name="recon_break_is_snoozed_with_a_reason",
            ),
            models.UniqueConstraint(
                fields=["reconciliation"],
                condition=models.Q(type="stale_feed") & ~models.Q(state="resolved"),
                name="recon_source_has_one_live_stale_feed",
            ),
            models.UniqueConstraint(
                fields=["reconciliation"],
                condition=models.Q(type="chain_reorg") & ~models.Q(state="resolved"),
                name="recon_source_has_one_live_reorganisation",
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
            models.Index(fields=["snoozed_until"], name="recon_break_put_off", condition=models.Q(snoozed_until__isnull=False)),
            # The list of what lives, in its two orders; each is read from either end.
            models.Index(fields=["occurred_on", "number"], name="recon_break_live_by_date", condition=~models.Q(state="resolved")),
            models.Index(
                Abs("difference_minor"), models.F("number"), name="recon_break_live_by_size", condition=~models.Q(state="resolved")
            ),
            models.Index(models.F("state"), Abs("difference_minor"), models.F("number"), name="recon_break_by_state_and_size"),
            # What reports count: what lives by account, and what came up and was resolved within days.
            models.Index(
                fields=["reconciliation", "occurred_on"],
                include=["difference_minor", "assignee", "snoozed_until"],
                name="recon_break_live_by_account",
                condition=~models.Q(state="resolved") & models.Q(parent=None),
            ),
            models.Index(fields=["opened_at"], include=["reconciliation"], name="recon_break_by_opening"),
            models.Index(
                fields=["resolved_at"], include=["reconciliation"], name="recon_break_by_resolution", condition=models.Q(state="resolved")
            ),
        ]

    @property
    def public_number(self) -> str:
        return f"BRK-{self.number}"

    @property
    def is_of_a_source(self) -> bool:
        """Whether it is of no item, so that there is nothing to match or to correct."""
        return self.type in OF_A_SOURCE

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
