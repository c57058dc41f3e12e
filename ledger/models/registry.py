"""The registry: business movements, the rules they post by, their two axes of status, holds and reversals.

Rows here are written by the SQL functions of `ledger/sql` alone; the runtime role holds no INSERT on them.
"""

from django.db import models

from ledger.models.chart import Account, Direction, LegalEntity
from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class Origin(models.TextChoices):
    RULE = "rule", "Posting rules of its type"
    MANUAL = "manual", "An approved proposal"
    AUTOMATIC = "automatic", "An approved recurring rule"


class TransactionType(models.Model):
    """One version of a transaction type's posting rules. The posting function takes an entry's origin from here.

    `legs` is the rule for people and for making drafts: a list of {role, direction, classes, account, amount, optional}, where account and
    amount name parameters. `roles` is the same as the posting function reads it: {direction: {owner class: role}}; `required_roles` are the
    roles an entry of this type must have.
    """

    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    origin = models.CharField(max_length=10, choices=Origin.choices)
    legs = models.JSONField()
    roles = models.JSONField()
    required_roles = models.JSONField(default=list)
    parameters = models.JSONField(default=list)
    # An external fact has happened: limits and freezes do not refuse it, a shortfall becomes a receivable.
    external = models.BooleanField(default=False)
    reversible = models.BooleanField(default=True)
    # Its entries undo another one leg by leg, which it must name.
    mirrors = models.BooleanField(default=False)
    settles = models.BooleanField(default=False)
    multi_capture = models.BooleanField(default=False)
    in_soft_lock = models.BooleanField(default=False)
    backdating_days = models.PositiveIntegerField(null=True)
    current = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_transaction_type"
        ordering = ["code", "-version"]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="ledger_transaction_type_version_is_numbered_once"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(current=True), name="ledger_transaction_type_has_one_current_version"
            ),
            models.CheckConstraint(condition=models.Q(origin__in=Origin.values), name="ledger_transaction_type_origin_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class TransactionStatus(models.TextChoices):
    INITIATED = "initiated"
    PENDING = "pending"
    POSTED = "posted"
    FAILED = "failed"
    CANCELLED = "cancelled"
    REVERSED = "reversed"


class SettlementStatus(models.TextChoices):
    NOT_APPLICABLE = "not_applicable", "Not applicable"
    EXPECTED = "expected"
    SENT = "sent"
    CONFIRMED = "confirmed"
    SETTLED = "settled"
    RETURNED = "returned"


class Transaction(models.Model):
    """A business movement somebody asked for under an idempotency key, and what became of it.

    It posts at most one entry, which has its id; further entries belong to further transactions that name this one as their parent (a
    capture of a hold, a reversal). A refusal of the books is kept here too: the same request hears it again.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    scope = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    content = models.JSONField()
    type = models.ForeignKey(TransactionType, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False)
    status = models.CharField(max_length=10, choices=TransactionStatus.choices)
    settlement = models.CharField(max_length=15, choices=SettlementStatus.choices)
    # Set once it has posted; together they name the entry's last posting, which must exist at commit (ledger/sql/guards_v1.sql).
    entry = models.ForeignKey(
        "ledger.JournalEntry", on_delete=models.PROTECT, null=True, db_constraint=False, db_index=False, related_name="transactions"
    )
    lines = models.SmallIntegerField(null=True)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children", db_index=False)
    refusal_code = models.CharField(max_length=60, null=True)
    refusal_detail = models.JSONField(null=True)
    # What the books said while they posted it: historical days below a limit, a shortfall, a rolled date.
    warnings = models.JSONField(null=True)
    actor_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_transaction"
        ordering = ["-id"]
        permissions = [("record_transaction", "Can record transactions"), ("record_status", "Can report what became of transactions")]
        indexes = [
            models.Index(fields=["type", "id"], name="ledger_transaction_by_type"),
            models.Index(fields=["parent"], name="ledger_transaction_by_parent", condition=models.Q(parent__isnull=False)),
            models.Index(fields=["status", "id"], name="ledger_transaction_unusual", condition=~models.Q(status="posted")),
            models.Index(
                fields=["settlement", "id"],
                name="ledger_transaction_unsettled",
                condition=~models.Q(settlement__in=["not_applicable", "settled"]),
            ),
        ]
        constraints = [
            models.UniqueConstraint(fields=["scope", "key"], name="ledger_one_key_posts_once"),
        ]

    @property
    def reference(self) -> str:
        return str(self.content.get("reference", ""))


class KeyUse(models.Model):
    """That a key came again: with the same content (a replay) or with another (a mismatch, naming the fields)."""

    id = models.BigAutoField(primary_key=True)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="uses")
    mismatch = models.BooleanField()
    fields = models.JSONField(default=list)
    actor_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    used_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_key_use"
        ordering = ["-id"]
        indexes = [models.Index(fields=["-id"], name="ledger_key_mismatches", condition=models.Q(mismatch=True))]


class Axis(models.TextChoices):
    STATUS = "status"
    SETTLEMENT = "settlement"


class EventOutcome(models.TextChoices):
    APPLIED = "applied"
    LATE = "late"
    CONFLICT = "conflict"


class TransactionEvent(models.Model):
    """What a source said became of a transaction. A late one changes nothing; an impossible one is kept as a status conflict."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="events")
    axis = models.CharField(max_length=10, choices=Axis.choices)
    from_status = models.CharField(max_length=15)
    to_status = models.CharField(max_length=15)
    outcome = models.CharField(max_length=10, choices=EventOutcome.choices)
    source = models.CharField(max_length=60)
    source_event_id = models.CharField(max_length=200)
    source_at = models.DateTimeField(null=True)
    note = models.TextField(blank=True)
    # How often the source delivered it: a repeat counts and does nothing else.
    deliveries = models.PositiveIntegerField(default=1)
    actor_id = models.BigIntegerField(null=True)
    recorded_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_transaction_event"
        ordering = ["id"]
        indexes = [models.Index(fields=["-id"], name="ledger_status_conflicts", condition=models.Q(outcome="conflict"))]
        constraints = [
            models.UniqueConstraint(fields=["source", "source_event_id"], name="ledger_source_event_is_recorded_once"),
            models.CheckConstraint(condition=models.Q(outcome__in=EventOutcome.values), name="ledger_event_outcome_is_known"),
        ]


class Hold(models.Model):
    """Money of an account set aside. Its transaction is pending until it is captured in full, released or expired."""

    transaction = models.OneToOneField(Transaction, on_delete=models.PROTECT, primary_key=True, related_name="hold")
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="holds", db_index=False)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    captured_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    released_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    multi_capture = models.BooleanField()
    expires_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_hold"
        ordering = ["-transaction_id"]
        permissions = [("manage_hold", "Can place, capture and release holds")]
        indexes = [
            models.Index(fields=["account", "-transaction"], name="ledger_hold_by_account"),
            models.Index(fields=["expires_at"], name="ledger_hold_expiring", condition=models.Q(closed_at__isnull=True)),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="ledger_hold_amount_positive"),
            models.CheckConstraint(
                condition=models.Q(captured_minor__gte=0)
                & models.Q(released_minor__gte=0)
                & models.Q(amount_minor__gte=models.F("captured_minor") + models.F("released_minor")),
                name="ledger_hold_gives_no_more_than_it_holds",
            ),
            models.CheckConstraint(
                condition=models.Q(closed_at__isnull=True) | models.Q(amount_minor=models.F("captured_minor") + models.F("released_minor")),
                name="ledger_closed_hold_holds_nothing",
            ),
        ]

    @property
    def remaining_minor(self) -> int:
        return int(self.amount_minor - self.captured_minor - self.released_minor)


class HoldAct(models.TextChoices):
    PLACED = "placed"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class HoldEvent(models.Model):
    """What happened to a hold. `transaction` is the capture's; `terminal` marks the one that left nothing held."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="events")
    act = models.CharField(max_length=10, choices=HoldAct.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    terminal = models.BooleanField(default=False)
    transaction = models.ForeignKey(Transaction, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    actor_id = models.BigIntegerField(null=True)
    happened_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_hold_event"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(fields=["hold"], condition=models.Q(terminal=True), name="ledger_hold_ends_once"),
            models.UniqueConstraint(fields=["hold"], condition=models.Q(act="placed"), name="ledger_hold_is_placed_once"),
            models.CheckConstraint(condition=models.Q(act__in=HoldAct.values), name="ledger_hold_act_is_known"),
        ]


class ReversedLeg(models.Model):
    """How much of an entry's legs on one account and side has been undone: never more than was posted."""

    pk = models.CompositePrimaryKey("entry_id", "account_id", "direction")
    entry = models.ForeignKey("ledger.JournalEntry", on_delete=models.PROTECT, related_name="reversed_legs", db_index=False)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, db_index=False)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    amount_minor = models.DecimalField(max_digits=50, decimal_places=0)
    reversed_minor = models.DecimalField(max_digits=50, decimal_places=0)

    class Meta:
        db_table = "ledger_reversed_leg"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reversed_minor__gt=0) & models.Q(reversed_minor__lte=models.F("amount_minor")),
                name="ledger_reversal_stays_under_its_cap",
            ),
        ]
