"""What the integrity checker looked at and found. It writes here and nowhere else."""

from django.db import models

from ledger.models.chart import Account
from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class IntegrityRun(models.Model):
    """One examination of the books: of what is new since the last one, or of everything."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    full = models.BooleanField()
    requested_by_id = models.BigIntegerField(null=True)
    started_at = models.DateTimeField(db_default=ClockTimestamp())
    heartbeat_at = models.DateTimeField(db_default=ClockTimestamp())
    finished_at = models.DateTimeField(null=True)
    # Name of each check with how many objects it looked at and how many findings it had, in their order.
    progress = models.JSONField(default=list)
    postings_checked = models.BigIntegerField(default=0)
    findings_count = models.PositiveIntegerField(default=0)

    class Meta:
        db_table = "ledger_integrity_run"
        ordering = ["-id"]
        permissions = [("run_integrity", "Can run the integrity checker")]


class Severity(models.TextChoices):
    FREEZE = "freeze", "Freezes posting in its scope"
    ALARM = "alarm", "Needs somebody at once"


class IntegrityFinding(models.Model):
    """One derivable figure that is not what its postings say. It stays open until a later run finds it right."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    check_name = models.CharField(max_length=60)
    severity = models.CharField(max_length=10, choices=Severity.choices)
    object_type = models.CharField(max_length=60)
    object_id = models.CharField(max_length=200)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True)
    expected = models.JSONField(null=True)
    found = models.JSONField(null=True)
    sentence = models.TextField()
    first_run = models.ForeignKey(IntegrityRun, on_delete=models.PROTECT, related_name="findings")
    last_seen_at = models.DateTimeField(db_default=ClockTimestamp())
    resolved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "ledger_integrity_finding"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["check_name", "object_type", "object_id"],
                condition=models.Q(resolved_at__isnull=True),
                name="ledger_finding_is_open_once",
            )
        ]


class VerifiedPosition(models.Model):
    """Up to which of an account's postings the checker has re-derived its figures, and what they came to."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True)
    account_seq = models.BigIntegerField()
    debits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    credits_minor = models.DecimalField(max_digits=50, decimal_places=0)
    verified_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_verified_position"
