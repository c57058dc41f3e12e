"""Assets, legal entities and the chart of accounts."""

from django.db import models
from guardian.models import GroupObjectPermissionBase
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp


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


class ReserveClass(models.TextChoices):
    """What a stablecoin's reserve may be held in, as the statute lists it."""

    CASH = "cash", "Coins and currency"
    CENTRAL_BANK = "central_bank", "Balance at a central bank"
    DEMAND_DEPOSIT = "demand_deposit", "Demand deposit at an insured institution"
    TREASURY = "treasury", "Treasury bill, note or bond of 93 days or less"
    REPO = "repo", "Overnight repurchase agreement"
    REVERSE_REPO = "reverse_repo", "Overnight reverse repurchase agreement"
    MONEY_FUND = "money_fund", "Government money market fund"
    OTHER = "other", "Other asset approved by the regulator"


class AccountStatus(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class AccountPurpose(models.TextChoices):
    """Accounts that the books themselves look for: at most one of a purpose for each entity and asset."""

    RETAINED_EARNINGS = "retained_earnings", "Retained earnings"
    FX_POSITION = "fx_position", "Position in this asset"
    FX_RESULT = "fx_result", "Result of exchange differences"
    ROUNDING = "rounding", "Rounding"
    SHORTFALL = "shortfall", "Receivable for what customers overdrew"
    OPENING = "opening", "Opening balances"


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
    """Who owns accounts. Its books are shown in its functional asset, in which exchange results are booked."""

    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=100)
    functional_asset = models.ForeignKey(Asset, on_delete=models.PROTECT, null=True, related_name="+")
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
    reserve_class = models.CharField(max_length=20, choices=ReserveClass.choices, blank=True)
    # A control account has no postings of its own: it holds what the accounts under it hold.
    is_control = models.BooleanField(default=False)
    purpose = models.CharField(max_length=30, choices=AccountPurpose.choices, blank=True)
    # The foreign asset whose position this account carries at its value in the functional asset.
    equivalent_of = models.ForeignKey(Asset, on_delete=models.PROTECT, null=True, related_name="+")
    party = models.ForeignKey("ledger.Party", on_delete=models.PROTECT, null=True, related_name="accounts")
    status = models.CharField(max_length=10, choices=AccountStatus.choices, default=AccountStatus.OPEN)
    opened_at = models.DateTimeField(db_default=ClockTimestamp())
    closed_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_account"
        ordering = ["code"]
        permissions = [
            ("open_account", "Can open accounts"),
            ("propose_account_change", "Can propose changes of limits, status and structure"),
            ("freeze_account", "Can freeze an account at once"),
        ]
        constraints = [
            # Target of a composite foreign key: a posting carries its account's true asset and entity.
            models.UniqueConstraint(fields=["id", "asset", "entity"], name="ledger_account_has_one_asset_and_entity"),
            models.CheckConstraint(condition=models.Q(type__in=AccountType.values), name="ledger_account_type_is_known"),
            models.CheckConstraint(condition=models.Q(owner_class__in=OwnerClass.values), name="ledger_account_owner_class_is_known"),
            models.CheckConstraint(condition=models.Q(status__in=AccountStatus.values), name="ledger_account_status_is_known"),
            models.CheckConstraint(
                condition=(models.Q(owner_class=OwnerClass.RESERVE) & models.Q(reserve_class__in=ReserveClass.values))
                | (~models.Q(owner_class=OwnerClass.RESERVE) & models.Q(reserve_class="")),
                name="ledger_reserve_account_has_its_class",
            ),
            models.CheckConstraint(condition=models.Q(purpose__in=["", *AccountPurpose.values]), name="ledger_account_purpose_is_known"),
            models.UniqueConstraint(
                fields=["entity", "asset", "purpose"], condition=~models.Q(purpose=""), name="ledger_account_purpose_has_one_account"
            ),
            models.UniqueConstraint(
                fields=["entity", "equivalent_of"],
                condition=models.Q(equivalent_of__isnull=False),
                name="ledger_position_has_one_equivalent",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @property
    def normal_side(self) -> Direction:
        return NORMAL_SIDE[AccountType(self.type)]
