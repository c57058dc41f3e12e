"""Statements and their lines."""

from typing import TYPE_CHECKING

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Coalesce

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.files import StatementFile
from recon.models.sources import MappingVersion, Source

if TYPE_CHECKING:
    from recon.models.matching import Item


class ProofStatus(models.TextChoices):
    PROVEN = "proven"
    UNPROVEN = "unproven"
    NO_BALANCE = "no_balance"


class StatementKind(models.TextChoices):
    """A statement's lines count. Intraday reports and notifications are evidence of what a statement will say, and count for nothing.

    A report is what processors, custodians and operational systems deliver: its lines count, its balances may be missing.
    """

    STATEMENT = "statement"
    INTRADAY = "intraday"
    NOTIFICATION = "notification"
    REPORT = "report"


COUNTING_KINDS = (StatementKind.STATEMENT, StatementKind.REPORT)


class Purpose(models.TextChoices):
    """What the sender meant by it: a correction replaces what came under the same number before, a deletion withdraws it."""

    UPDATE = "update"
    CORRECTION = "correction"
    DELETION = "deletion"


class StatementSet(models.QuerySet["Statement"]):
    def counting(self) -> "StatementSet":
        """Keep the newest versions of statements and reports that nobody has withdrawn."""
        counted = self.filter(kind__in=COUNTING_KINDS).exclude(purpose=Purpose.DELETION)
        return counted.alias(replaced=_is_replaced()).filter(replaced=False)

    def with_replaced(self) -> "StatementSet":
        """Add `is_replaced`: whether a newer version is in."""
        return self.annotate(is_replaced=_is_replaced())


def _is_replaced() -> Coalesce:
    """Return whether a row has a newer version, as a value.

    EXISTS would be a join or a hash of all statements even where fifty rows are looked at, and of "IS NULL" the planner expects that
    next to none pass, so that it sorts a source's whole history to find the one before.
    """
    newer = Statement.objects.filter(supersedes=models.OuterRef("pk")).order_by().values(found=models.Value(value=True))
    return Coalesce(models.Subquery(newer[:1]), models.Value(value=False), output_field=models.BooleanField())


class Statement(models.Model):
    """One delivered statement of one source. Balances are signed as the account holder sees them at the bank.

    A corrected delivery is another row: `supersedes` names the version it takes the place of, and only the newest one counts.
    `controls` are the totals that the file declares beside those that were found. `sequence` is its number as a number, where
    it has one. Rows in quarantine and repeated lines (RepeatedLine) are not counted; `repeated_minor` is the signed sum of the lines that
    were repeated when it was accepted: by so much its opening lies before the closing balance that it goes on from. `booked_from` and
    `booked_to` are the first and the last booking date of its lines.
    """

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
    repeated_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0, db_default=0)
    content_digest = models.CharField(max_length=64)
    kind = models.CharField(max_length=12, choices=StatementKind.choices, default=StatementKind.STATEMENT)
    purpose = models.CharField(max_length=10, choices=Purpose.choices, default=Purpose.UPDATE)
    version = models.PositiveIntegerField(default=1)
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True, related_name="superseded_by")
    mapping = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, null=True, related_name="statements")
    period_start = models.DateField(null=True)
    booked_from = models.DateField(null=True)
    booked_to = models.DateField(null=True)
    sequence = models.PositiveIntegerField(null=True)
    controls = models.JSONField(default=list)
    quarantined = models.PositiveIntegerField(default=0)
    accepted_at = models.DateTimeField(db_default=ClockTimestamp())
    objects = StatementSet.as_manager()

    class Meta:
        db_table = "recon_statement"
        ordering = ["-closing_date", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["file", "ordinal", "version"], name="recon_statement_has_one_place_in_its_file"),
            models.CheckConstraint(condition=models.Q(kind__in=StatementKind.values), name="recon_statement_kind_is_known"),
            models.CheckConstraint(condition=models.Q(purpose__in=Purpose.values), name="recon_statement_purpose_is_known"),
            models.CheckConstraint(
                condition=models.Q(version=1, supersedes=None) | models.Q(version__gt=1, supersedes__isnull=False),
                name="recon_later_version_supersedes_one",
            ),
            models.UniqueConstraint(fields=["source", "content_digest"], name="recon_statement_is_accepted_once"),
            models.CheckConstraint(condition=models.Q(proof__in=ProofStatus.values), name="recon_statement_proof_is_known"),
        ]
        indexes = [
            models.Index(fields=["source", "-closing_date"], name="recon_statement_by_source"),
            models.Index(fields=["source", "booked_to"], name="recon_statement_by_booking"),
            models.Index(fields=["-closing_date", "-id"], name="recon_statement_by_closing"),
            models.Index(fields=["proof", "-closing_date", "-id"], name="recon_statement_by_proof"),
        ]

    @property
    def counts(self) -> bool:
        """Whether its lines count, as long as no newer version is in."""
        return self.kind in COUNTING_KINDS and self.purpose != Purpose.DELETION

    @property
    def differing_controls(self) -> list[dict[str, str]]:
        return [control for control in self.controls if control["declared"] != control["found"]]


class StandingGap(models.Model):
    """What is missing before a statement as things stand: its opening, with what it repeats, less the closing balance it should go on from.

    Derived from the statements of its source each time one of them is accepted; one that goes on, or is the first, has no row.
    `closing_date` is the statement's: a list of gaps is in its order, and reads nothing else.
    """

    statement = models.OneToOneField(Statement, on_delete=models.PROTECT, primary_key=True, related_name="standing_gap")
    gap_minor = models.DecimalField(max_digits=38, decimal_places=0)
    closing_date = models.DateField()

    class Meta:
        db_table = "recon_standing_gap"
        constraints = [models.CheckConstraint(condition=~models.Q(gap_minor=0), name="recon_standing_gap_is_one")]
        indexes = [models.Index(fields=["-closing_date", "-statement"], name="recon_standing_gap_by_closing")]


class Flow(models.TextChoices):
    """Which way value moved for the company: into the account or out of it."""

    IN = "in"
    OUT = "out"


class StatementLine(models.Model):
    """One row of a statement, with its place in the file and the bytes it was read from.

    `content_key` is a digest of what the line says wherever it stands. `facts` are further named values of its format,
    `details_total_minor` the sum of its details where that is not its amount. `keys` are the references strong enough to find it by,
    each as kind:value, of the kinds of the readers' events and in the normal form of `recon.matching.keys`; `match_key` is the first of
    its end-to-end id and its reference in that form.
    """

    # Lines come by the million: that what they name is there is asked for each statement of SQL, not for each row (sql/intake_v1.sql).
    statement = models.ForeignKey(Statement, on_delete=models.PROTECT, related_name="statement_lines", db_index=False, db_constraint=False)
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
    facts = models.JSONField(default=dict)
    details_total_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    content_key = models.CharField(max_length=32, blank=True)
    match_key = models.CharField(max_length=140, blank=True)
    keys = ArrayField(models.TextField(), default=list)

    class Meta:
        db_table = "recon_statement_line"
        ordering = ["statement", "ordinal"]
        constraints = [
            models.UniqueConstraint(fields=["statement", "ordinal"], name="recon_line_has_one_place_in_its_statement"),
            models.CheckConstraint(condition=models.Q(amount_minor__gte=0), name="recon_line_amount_not_negative"),
            models.CheckConstraint(condition=models.Q(flow__in=Flow.values), name="recon_line_flow_is_known"),
        ]

    @property
    def item(self) -> "Item | None":
        """Its item in the home of its source, from `home_items` where those were fetched; None where the line does not count."""
        told = self.__dict__.get("home_items")
        return next(iter(self.items.filter(reconciliation__home=True) if told is None else told), None)


class RepeatedLine(models.Model):
    """A line that an earlier, overlapping delivery said already: it is kept, and makes no item.

    `repeats` is the line that counts. Where somebody says that it is no duplicate, a second person agrees, and `proposal_id` is
    the executed proposal by which it counts after all.
    """

    line = models.OneToOneField(StatementLine, on_delete=models.PROTECT, primary_key=True, related_name="repetition")
    repeats = models.ForeignKey(StatementLine, on_delete=models.PROTECT, related_name="repeated_by")
    proposal_id = models.UUIDField(null=True)
    counted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_repeated_line"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(proposal_id=None, counted_at=None) | models.Q(proposal_id__isnull=False, counted_at__isnull=False),
                name="recon_repeated_line_counts_by_proposal",
            ),
        ]
