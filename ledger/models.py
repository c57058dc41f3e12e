"""Assets, chart of accounts, posted facts and their balances.

Posted facts enter through the SQL function `ledger_post_entries_v1` alone; the runtime role holds no INSERT on them.
"""

from django.db import models
from guardian.models import GroupObjectPermissionBase
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class Direction(models.TextChoices):
    DEBIT = "debit"
    CREDIT = "credit"


class AccountType(models.TextChoices):
    ASSET = "asset"
    LIABILITY = "liability"
    EQUITY = "equity"
    INCOME = "income"
    EXPENSE = "expense"


NORMAL_SIDE = {
    AccountType.ASSET: Direction.DEBIT,
    AccountType.EXPENSE: Direction.DEBIT,
    AccountType.LIABILITY: Direction.CREDIT,
    AccountType.EQUITY: Direction.CREDIT,
    AccountType.INCOME: Direction.CREDIT,
}


class OwnerClass(models.TextChoices):
    CUSTOMER = "customer"
    PLATFORM = "platform"
    SETTLEMENT = "settlement"
    SAFEGUARDING = "safeguarding"
    NOSTRO = "nostro"
    WALLET = "wallet"
    SUSPENSE = "suspense"
    FEE = "fee"
    FX_POSITION = "fx_position"
    RESERVE = "reserve"
    EQUITY = "equity"


class AccountStatus(models.TextChoices):
    OPEN = "open"
    FROZEN = "frozen"
    CLOSED = "closed"


class Asset(models.Model):
    """A unit of account. Its scale is how many decimals one unit has, and never changes."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    scale = models.PositiveSmallIntegerField()
    network = models.CharField(max_length=40, blank=True)
    contract = models.CharField(max_length=100, blank=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_asset"
        ordering = ["code"]
        constraints = [models.CheckConstraint(condition=models.Q(scale__lte=18), name="ledger_asset_scale_is_at_most_18")]

    def __str__(self) -> str:
        return self.code


class LegalEntity(models.Model):
    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_entity"

    def __str__(self) -> str:
        return self.name


class LegalEntityGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)


class AccountGroup(models.Model):
    """What a role is given sight of, instead of accounts one by one."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_account_group"

    def __str__(self) -> str:
        return self.name


class AccountGroupGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(AccountGroup, on_delete=models.PROTECT)


class Account(models.Model):
    """A node of the chart of accounts, in one asset and one legal entity."""

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    group = models.ForeignKey(AccountGroup, on_delete=models.PROTECT)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT)
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="children")
    type = models.CharField(max_length=10, choices=AccountType.choices)
    owner_class = models.CharField(max_length=20, choices=OwnerClass.choices)
    status = models.CharField(max_length=10, choices=AccountStatus.choices, default=AccountStatus.OPEN)
    opened_at = models.DateTimeField(db_default=ClockTimestamp())
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_account"
        ordering = ["code"]
        permissions = [("open_account", "Can open accounts")]
        constraints = [
            # Target of a composite foreign key: a posting carries its account's true asset and entity.
            models.UniqueConstraint(fields=["id", "asset", "entity"], name="ledger_account_has_one_asset_and_entity"),
            models.CheckConstraint(condition=models.Q(type__in=AccountType.values), name="ledger_account_type_is_known"),
            models.CheckConstraint(condition=models.Q(owner_class__in=OwnerClass.values), name="ledger_account_owner_class_is_known"),
            models.CheckConstraint(condition=models.Q(status__in=AccountStatus.values), name="ledger_account_status_is_known"),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def normal_side(self) -> Direction:
        return NORMAL_SIDE[AccountType(self.type)]


class TransactionType(models.Model):
    """One version of a transaction type's posting rules. The posting function takes an entry's origin from here."""

    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField()
    name = models.CharField(max_length=100)
    origin = models.CharField(max_length=10)
    debit_classes = models.JSONField()
    credit_classes = models.JSONField()
    current = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_transaction_type"
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="ledger_transaction_type_version_is_numbered_once"),
            models.UniqueConstraint(
                fields=["code"], condition=models.Q(current=True), name="ledger_transaction_type_has_one_current_version"
            ),
            models.CheckConstraint(condition=models.Q(origin__in=["rule", "manual"]), name="ledger_transaction_type_origin_is_known"),
        ]


class PeriodStatus(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class AccountingPeriod(models.Model):
    """An interval of effective dates, both ends included. Periods of one entity do not overlap (exclusion constraint)."""

    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    starts_on = models.DateField()
    ends_on = models.DateField()
    status = models.CharField(max_length=10, choices=PeriodStatus.choices, default=PeriodStatus.OPEN)
    closed_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_period"
        ordering = ["entity", "starts_on"]
        permissions = [("close_period", "Can close accounting periods")]
        constraints = [
            models.CheckConstraint(condition=models.Q(starts_on__lte=models.F("ends_on")), name="ledger_period_ends_after_it_starts"),
            models.CheckConstraint(condition=models.Q(status__in=PeriodStatus.values), name="ledger_period_status_is_known"),
        ]


class JournalEntry(models.Model):
    """A posted entry: a fact, inserted once. A correction is another entry.

    Foreign keys without a constraint here are composite ones, in `ledger/sql/guards_v1.sql`.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    number = models.BigIntegerField(unique=True)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    type = models.ForeignKey(TransactionType, on_delete=models.PROTECT, db_index=False)
    origin = models.CharField(max_length=10)
    period = models.ForeignKey(AccountingPeriod, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    effective_date = models.DateField()
    posted_at = models.DateTimeField(db_default=ClockTimestamp())
    lines = models.PositiveSmallIntegerField()
    description = models.TextField()
    reference = models.CharField(max_length=140, blank=True)
    counterparty = models.CharField(max_length=140, blank=True)
    metadata = models.JSONField(default=dict)
    actor_id = models.BigIntegerField(null=True)
    request_id = models.CharField(max_length=64, blank=True)
    proposal_id = models.UUIDField(null=True)

    class Meta:
        db_table = "ledger_entry"
        ordering = ["-id"]
        permissions = [("record_transaction", "Can record transactions"), ("view_trial_balance", "Can read the trial balance")]
        indexes = [
            models.Index(fields=["reference"], name="ledger_entry_by_reference", condition=~models.Q(reference="")),
            models.Index(fields=["effective_date", "id"], name="ledger_entry_by_effective_date"),
        ]
        constraints = [
            models.CheckConstraint(condition=models.Q(lines__gte=2), name="ledger_entry_has_two_lines"),
            models.UniqueConstraint(fields=["id", "lines"], name="ledger_entry_declares_its_lines"),
            models.CheckConstraint(
                condition=~models.Q(origin="manual") | models.Q(proposal_id__isnull=False), name="ledger_manual_entry_has_a_proposal"
            ),
            models.UniqueConstraint(
                fields=["proposal_id"], condition=models.Q(proposal_id__isnull=False), name="ledger_proposal_posts_once"
            ),
        ]

    @property
    def public_number(self) -> str:
        return f"LE-{self.number}"


class Posting(models.Model):
    """A posted leg. `balance_after_minor` is the account's balance on its normal side once this leg was posted."""

    pk = models.CompositePrimaryKey("entry_id", "line")
    entry = models.ForeignKey(JournalEntry, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    line = models.PositiveSmallIntegerField()
    lines = models.PositiveSmallIntegerField()
    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="postings", db_constraint=False, db_index=False)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT, db_constraint=False, db_index=False)
    direction = models.CharField(max_length=6, choices=Direction.choices)
    amount_minor = models.DecimalField(max_digits=38, decimal_places=0)
    account_seq = models.BigIntegerField()
    balance_after_minor = models.DecimalField(max_digits=50, decimal_places=0)

    class Meta:
        db_table = "ledger_posting"
        constraints = [
            models.CheckConstraint(condition=models.Q(amount_minor__gt=0), name="ledger_posting_amount_positive"),
            models.CheckConstraint(condition=models.Q(direction__in=Direction.values), name="ledger_posting_direction_is_known"),
            models.CheckConstraint(
                condition=models.Q(line__gte=1) & models.Q(line__lte=models.F("lines")), name="ledger_posting_line_is_declared"
            ),
            models.UniqueConstraint(fields=["account", "account_seq"], name="ledger_posting_account_seq"),
        ]


class Balance(models.Model):
    """What an account holds, derived from its postings in the same transaction; `version` is its last account_seq.

    Wider than an amount, so that no sum of amounts can ever break a posting.
    """

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    posted_debits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    posted_credits_minor = models.DecimalField(max_digits=50, decimal_places=0, default=0)
    version = models.BigIntegerField(default=0)

    class Meta:
        db_table = "ledger_balance"


class IdempotencyKey(models.Model):
    """What a caller asked under a key, and the answer: an entry, or a refusal that a retry gets again."""

    pk = models.CompositePrimaryKey("scope", "key")
    scope = models.CharField(max_length=60)
    key = models.CharField(max_length=200)
    content = models.JSONField()
    entry_id = models.UUIDField(null=True)
    refusal_code = models.CharField(max_length=60, null=True)
    refusal_detail = models.JSONField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_idempotency_key"
