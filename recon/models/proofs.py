"""Daily proofs: that customers' money is there to the cent, and that what was issued is covered."""

from django.conf import settings
from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class ProofKind(models.TextChoices):
    CUSTOMER_MONEY = "customer_money", "Customer money"
    RESERVES = "reserves"


class ProofOutcome(models.TextChoices):
    """A surplus is not nothing: it is money of our own among that of customers. `incomplete` lacks a balance or a block."""

    HOLDS = "holds"
    SURPLUS = "surplus"
    SHORTFALL = "shortfall"
    MISMATCH = "mismatch", "Supply is not what the books say"
    INCOMPLETE = "incomplete"


class ProofDefinition(models.Model):
    """What is proven every day, as data. It never changes: another version of its code takes its place.

    `terms` of customer money: `sources` (codes of the banks' accounts), `programs` (codes; none means every customer), `in_transit`
    (codes of accounts whose balances are on their way to the banks) and `own` (codes of accounts of our own money at these banks).
    `terms` of reserves: `chain` (code of the source that follows issuance), `liability` (code of the account of what was issued),
    `reserve_asset` and `freezes_mint`.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField(default=1)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=20, choices=ProofKind.choices)
    entity = models.ForeignKey("ledger.LegalEntity", on_delete=models.PROTECT, related_name="+")
    asset = models.ForeignKey("ledger.Asset", on_delete=models.PROTECT, related_name="+")
    terms = models.JSONField()
    starts_on = models.DateField()
    defined_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    defined_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_proof_definition"
        ordering = ["code", "-version"]
        permissions = [
            ("define_proof", "Can define what is proven every day"),
            ("run_proof", "Can have proofs made and propose to certify them"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["code", "version"], name="recon_proof_version_is_numbered_once"),
            models.CheckConstraint(condition=models.Q(kind__in=ProofKind.values), name="recon_proof_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.name


class ProofResult(models.Model):
    """What was proven of one day as it was known at an instant, frozen: `canonical` is all of it, `digest` its SHA-256.

    A later result of the same day is stored only where something differs from the one before; `n` counts them.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    definition = models.ForeignKey(ProofDefinition, on_delete=models.PROTECT, related_name="results", db_index=False)
    day = models.DateField()
    n = models.PositiveIntegerField()
    known_at = models.DateTimeField()
    outcome = models.CharField(max_length=12, choices=ProofOutcome.choices)
    difference_minor = models.DecimalField(max_digits=50, decimal_places=0, null=True)
    canonical = models.TextField()
    digest = models.CharField(max_length=64)
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_proof_result"
        ordering = ["-day", "-n"]
        constraints = [
            models.UniqueConstraint(fields=["definition", "day", "n"], name="recon_proof_result_is_numbered_once"),
            models.CheckConstraint(condition=models.Q(outcome__in=ProofOutcome.values), name="recon_proof_outcome_is_known"),
            models.CheckConstraint(
                condition=models.Q(outcome="incomplete", difference_minor=None)
                | models.Q(outcome="holds", difference_minor__gte=0)
                | models.Q(outcome="surplus", difference_minor__gt=0)
                | models.Q(outcome="shortfall", difference_minor__lt=0)
                | models.Q(outcome="mismatch", difference_minor__isnull=False),
                name="recon_proof_outcome_is_its_difference",
            ),
        ]

    @property
    def holds(self) -> bool:
        return self.outcome == ProofOutcome.HOLDS

    @property
    def fails(self) -> bool:
        """Whether it says that something is wrong, and not only that something has not come yet."""
        return self.outcome not in (ProofOutcome.HOLDS, ProofOutcome.INCOMPLETE)


class ProofCertificate(models.Model):
    """Two people's word on one result: who prepared it is not who certified it, as the executed proposal says."""

    result = models.OneToOneField(ProofResult, on_delete=models.PROTECT, primary_key=True, related_name="certificate")
    digest = models.CharField(max_length=64)
    proposal_id = models.UUIDField(unique=True)
    prepared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    certified_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    certified_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_proof_certificate"
        constraints = [
            models.CheckConstraint(
                condition=~models.Q(prepared_by=models.F("certified_by")), name="recon_proof_certifier_is_not_its_preparer"
            ),
        ]
