"""Who money belongs to and where it may go. Personal data stands apart, so that the books never carry it."""

from django.db import models
from simple_history.models import HistoricalRecords

from ledger.models.chart import Asset
from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class PartyKind(models.TextChoices):
    CUSTOMER = "customer"
    BENEFICIAL_OWNER = "beneficial_owner", "Beneficial owner"
    COUNTERPARTY = "counterparty"
    PROGRAM = "program"


class PartyStatus(models.TextChoices):
    ACTIVE = "active"
    CLOSED = "closed"


class Party(models.Model):
    """A customer, beneficial owner, counterparty or program, known to the books by its code alone."""

    code = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=20, choices=PartyKind.choices)
    status = models.CharField(max_length=10, choices=PartyStatus.choices, default=PartyStatus.ACTIVE)
    program = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="members")
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_party"
        ordering = ["code"]
        permissions = [("manage_party", "Can add parties and propose where their money may go")]
        constraints = [
            models.CheckConstraint(condition=models.Q(kind__in=PartyKind.values), name="ledger_party_kind_is_known"),
            models.CheckConstraint(condition=models.Q(status__in=PartyStatus.values), name="ledger_party_status_is_known"),
        ]

    def __str__(self) -> str:
        return self.code


class PartyDetails(models.Model):
    """A party's personal data. Reading it needs a right of its own and is on the trail; it can be erased without touching the books."""

    party = models.OneToOneField(Party, on_delete=models.PROTECT, primary_key=True, related_name="details")
    name = models.CharField(max_length=140)
    address = models.TextField(blank=True)
    country = models.CharField(max_length=2, blank=True)
    state = models.CharField(max_length=3, blank=True)
    tax_number = models.CharField(max_length=40, blank=True)
    born_on = models.DateField(null=True)

    class Meta:
        db_table = "ledger_party_details"


class OwnershipCapacity(models.TextChoices):
    """In which right and capacity somebody owns what is held for them, as deposit insurance counts it."""

    SINGLE = "SGL", "Single"
    JOINT = "JNT", "Joint"
    REVOCABLE_TRUST = "REV", "Revocable trust"
    IRREVOCABLE_TRUST = "IRR", "Irrevocable trust"
    CERTAIN_RETIREMENT = "CRA", "Certain retirement account"
    EMPLOYEE_BENEFIT = "EBP", "Employee benefit plan"
    BUSINESS = "BUS", "Business or organisation"
    GOVERNMENT = "GOV", "Government"
    MORTGAGE_SERVICING = "MSA", "Mortgage servicing"
    PUBLIC_BOND = "PBA", "Public bond"
    DISBURSEMENT = "DIT", "Depository institution as trustee"
    ANNUITY = "ANC", "Annuity contract"
    CUSTODIAN = "BIA", "Bank in its own right"
    DOE = "DOE", "Documentation outstanding"


class BeneficialOwnership(models.Model):
    """That one party owns a share of what another party's accounts hold, in a capacity, while it lasts."""

    customer = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="owners")
    owner = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="owned")
    share_basis_points = models.PositiveIntegerField()
    capacity = models.CharField(max_length=3, choices=OwnershipCapacity.choices)
    since_on = models.DateField()
    until_on = models.DateField(null=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_beneficial_ownership"
        constraints = [
            models.CheckConstraint(
                condition=models.Q(share_basis_points__gt=0) & models.Q(share_basis_points__lte=10_000),
                name="ledger_ownership_share_is_a_part",
            ),
            models.CheckConstraint(condition=models.Q(capacity__in=OwnershipCapacity.values), name="ledger_ownership_capacity_is_known"),
            models.UniqueConstraint(
                fields=["customer", "owner", "capacity"], condition=models.Q(until_on__isnull=True), name="ledger_owner_is_named_once"
            ),
        ]


class ExternalAccountKind(models.TextChoices):
    BANK = "bank", "Bank account"
    WALLET = "wallet", "Wallet"


class ExternalAccountStatus(models.TextChoices):
    PROPOSED = "proposed"
    ALLOWED = "allowed"
    REVOKED = "revoked"


class ExternalAccount(models.Model):
    """A bank account or wallet outside of the books to which a party's money may go once a second person agreed."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    party = models.ForeignKey(Party, on_delete=models.PROTECT, related_name="external_accounts")
    kind = models.CharField(max_length=10, choices=ExternalAccountKind.choices)
    asset = models.ForeignKey(Asset, on_delete=models.PROTECT)
    # IBAN or account number with the servicer's BIC or routing number; address with its network.
    identifier = models.CharField(max_length=140)
    servicer = models.CharField(max_length=140, blank=True)
    label = models.CharField(max_length=140, blank=True)
    status = models.CharField(max_length=10, choices=ExternalAccountStatus.choices, default=ExternalAccountStatus.PROPOSED)
    proposal_id = models.UUIDField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())
    allowed_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "ledger_external_account"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(status__in=ExternalAccountStatus.values), name="ledger_external_status_is_known"),
            models.CheckConstraint(
                condition=~models.Q(status=ExternalAccountStatus.ALLOWED) | models.Q(proposal_id__isnull=False),
                name="ledger_allowed_account_has_a_proposal",
            ),
            models.UniqueConstraint(
                fields=["party", "kind", "asset", "identifier"],
                condition=~models.Q(status=ExternalAccountStatus.REVOKED),
                name="ledger_external_account_is_listed_once",
            ),
        ]
