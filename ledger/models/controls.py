"""What watches accounts: velocity limits, balance monitors, and the alerts that people see to."""

from django.db import models

from ledger.models.chart import Account, Direction
from ledgerops.lib.sql import ClockTimestamp, UUIDv7


class VelocityLimit(models.Model):
    """How much may leave or enter an account within a sliding window of recorded time, and in how many postings."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="velocity_limits")
    direction = models.CharField(max_length=6, choices=Direction.choices)
    window_minutes = models.PositiveIntegerField()
    maximum_minor = models.DecimalField(max_digits=38, decimal_places=0, null=True)
    maximum_postings = models.PositiveIntegerField(null=True)
    active = models.BooleanField(default=True)

    class Meta:
        db_table = "ledger_velocity_limit"
        constraints = [
            models.CheckConstraint(condition=models.Q(window_minutes__gt=0), name="ledger_velocity_window_positive"),
            models.CheckConstraint(
                condition=models.Q(maximum_minor__isnull=False) | models.Q(maximum_postings__isnull=False),
                name="ledger_velocity_limits_something",
            ),
        ]


class Comparison(models.TextChoices):
    BELOW = "below"
    ABOVE = "above"


class BalanceMonitor(models.Model):
    """A level of an account's balance that people want to hear about when it is crossed. It refuses nothing."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="monitors")
    comparison = models.CharField(max_length=5, choices=Comparison.choices)
    threshold_minor = models.DecimalField(max_digits=50, decimal_places=0)
    active = models.BooleanField(default=True)
    # Whether the balance was beyond the level when it was last looked at: an alert is for the crossing, not for staying there.
    tripped = models.BooleanField(default=False)
    created_by_id = models.BigIntegerField(null=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_balance_monitor"
        permissions = [("manage_monitor", "Can set balance monitors and see to alerts")]


class AlertKind(models.TextChoices):
    SHORTFALL = "shortfall", "Shortfall booked as a receivable"
    MONITOR = "monitor", "Balance crossed a level"
    INTEGRITY = "integrity", "Integrity finding"
    STATUS_CONFLICT = "status_conflict", "Impossible status reported"
    RECURRING = "recurring", "Recurring entry not posted"
    CHAIN = "chain", "Chain does not prove"
    PROOF = "proof", "Proof fails"


class Alert(models.Model):
    """Something a person must see to. It closes by somebody saying what they did."""

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    kind = models.CharField(max_length=20, choices=AlertKind.choices)
    account = models.ForeignKey(Account, on_delete=models.PROTECT, null=True, related_name="alerts", db_index=False)
    transaction_id = models.UUIDField(null=True)
    detail = models.JSONField()
    raised_at = models.DateTimeField(db_default=ClockTimestamp())
    seen_to_at = models.DateTimeField(null=True)
    seen_to_by_id = models.BigIntegerField(null=True)
    seen_to_note = models.TextField(blank=True)

    class Meta:
        db_table = "ledger_alert"
        ordering = ["-id"]
        indexes = [
            models.Index(fields=["-id"], name="ledger_alert_open", condition=models.Q(seen_to_at__isnull=True)),
            models.Index(fields=["account", "-id"], name="ledger_alert_by_account"),
        ]


class LockWait(models.Model):
    """How long, within one minute, requests waited for the balance row of an account: an estimate from samples, no fact of the books."""

    pk = models.CompositePrimaryKey("account_id", "minute")
    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="lock_waits", db_index=False)
    minute = models.DateTimeField()
    waited_ms = models.PositiveBigIntegerField()
    most_waiting = models.PositiveIntegerField()
    longest_ms = models.PositiveBigIntegerField()

    class Meta:
        db_table = "ledger_lock_wait"
        indexes = [models.Index(fields=["minute"], name="ledger_lock_wait_by_minute")]
