"""Entries that come again by themselves, on the authority of the proposal that approved them."""

from django.db import models

from ledger.models.chart import LegalEntity
from ledgerops.lib.sql import ClockTimestamp


class Frequency(models.TextChoices):
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class RecurringEntry(models.Model):
    """A template posted on each of its days; `reverses_next_day` undoes each on the first day of the following period (accruals).

    `entry` is what was approved, without a date. Occurrence n is part n of the proposal, so none is posted twice.
    """

    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    entity = models.ForeignKey(LegalEntity, on_delete=models.PROTECT)
    entry = models.JSONField()
    frequency = models.CharField(max_length=10, choices=Frequency.choices)
    # Day of the month (31 is the last day) or ISO weekday.
    day = models.PositiveSmallIntegerField(default=1)
    auto_reversing = models.BooleanField(default=False)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    next_on = models.DateField(null=True)
    occurrences = models.PositiveIntegerField(default=0)
    proposal_id = models.UUIDField()
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "ledger_recurring_entry"
        ordering = ["code"]
        indexes = [models.Index(fields=["next_on"], name="ledger_recurring_due", condition=models.Q(active=True))]
