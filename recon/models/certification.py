"""What two people signed of an account: its days, the figures of each, and everything they were shown."""

from django.conf import settings
from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.matching import Reconciliation


class Certificate(models.Model):
    """A period of an account as it was prepared by one person and reviewed by another. Nothing of it ever changes.

    `content` is all that was shown, `canonical` its canonical JSON (the evidence pack that programs read), `digest` the SHA-256 of that;
    `pack` is the same for people, as PDF/A. It is withdrawn by the executed proposal `withdrawal_id`, and by nothing else.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="certificates")
    account = models.ForeignKey("ledger.Account", on_delete=models.PROTECT, related_name="+")
    first_day = models.DateField()
    last_day = models.DateField()
    content = models.JSONField()
    canonical = models.TextField()
    digest = models.CharField(max_length=64)
    pack = models.BinaryField()
    pack_digest = models.CharField(max_length=64)
    prepared_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    reviewed_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    proposal_id = models.UUIDField(unique=True)
    certified_at = models.DateTimeField(db_default=ClockTimestamp())
    withdrawal_id = models.UUIDField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_certificate"
        ordering = ["-last_day", "-id"]
        permissions = [("prepare_certificate", "Can prepare certificates of accounts, and ask that one is withdrawn")]
        constraints = [
            models.CheckConstraint(condition=models.Q(last_day__gte=models.F("first_day")), name="recon_certificate_is_of_days"),
            models.CheckConstraint(condition=~models.Q(reviewed_by=models.F("prepared_by")), name="recon_reviewer_is_not_preparer"),
            models.CheckConstraint(
                condition=models.Q(withdrawal_id=None, withdrawn_at=None)
                | models.Q(withdrawal_id__isnull=False, withdrawn_at__isnull=False),
                name="recon_certificate_is_withdrawn_by_a_proposal",
            ),
        ]
        indexes = [models.Index(fields=["reconciliation", "-last_day"], name="recon_certificate_by_day")]

    @property
    def is_live(self) -> bool:
        return self.withdrawn_at is None


class CertifiedDay(models.Model):
    """A day of a certificate, with its figures. A day of a reconciliation is certified once, and only with nothing unexplained."""

    certificate = models.ForeignKey(Certificate, on_delete=models.PROTECT, related_name="days")
    reconciliation = models.ForeignKey(Reconciliation, on_delete=models.PROTECT, related_name="+", db_index=False)
    day = models.DateField()
    ledger_minor = models.DecimalField(max_digits=50, decimal_places=0)
    external_minor = models.DecimalField(max_digits=50, decimal_places=0)
    open_minor = models.DecimalField(max_digits=50, decimal_places=0)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_certified_day"
        ordering = ["day"]
        constraints = [
            models.UniqueConstraint(
                fields=["reconciliation", "day"], condition=models.Q(withdrawn_at=None), name="recon_day_is_certified_once"
            ),
            models.CheckConstraint(
                condition=models.Q(ledger_minor=models.F("external_minor") + models.F("open_minor")),
                name="recon_certified_day_is_explained",
            ),
        ]


class CertificationTerms(models.Model):
    """What of a reconciliation's live breaks keeps a day from being certified: those older than a limit, and those without an owner.

    `break_days` is in business days of the reconciliation's calendar. Where there is no row, the defaults hold.
    """

    reconciliation = models.OneToOneField(Reconciliation, on_delete=models.PROTECT, primary_key=True, related_name="certification_terms")
    break_days = models.PositiveSmallIntegerField(default=30)
    owners_required = models.BooleanField(default=True)
    set_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", null=True)
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_certification_terms"
        permissions = [("set_certification_terms", "Can say which breaks keep a day from being certified")]
