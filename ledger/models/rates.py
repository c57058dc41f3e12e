"""Rates between assets, and how old one may be."""

from django.db import models

from ledger.models.chart import Asset
from ledgerops.lib.sql import ClockTimestamp


class RateKind(models.TextChoices):
    CLOSING = "closing", "Closing rate of a day"
    SPOT = "spot", "Rate of an instant"
    AVERAGE = "average", "Average of a month"


class Rate(models.Model):
    """How many units of `quote` one unit of `base` was worth at an instant, as a source said. Never changes.

    Units, not minor units: EUR in USD is 1.08 whatever the scales are.
    """

    base = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    quote = models.ForeignKey(Asset, on_delete=models.PROTECT, related_name="+", db_index=False)
    kind = models.CharField(max_length=10, choices=RateKind.choices)
    source = models.CharField(max_length=60)
    at = models.DateTimeField()
    value = models.DecimalField(max_digits=38, decimal_places=18)
    recorded_at = models.DateTimeField(db_default=ClockTimestamp())
    recorded_by_id = models.BigIntegerField(null=True)

    class Meta:
        db_table = "ledger_rate"
        ordering = ["-at", "-id"]
        permissions = [("record_rate", "Can record rates")]
        indexes = [models.Index(fields=["base", "quote", "kind", "-at"], name="ledger_rate_latest")]
        constraints = [
            models.CheckConstraint(condition=models.Q(value__gt=0), name="ledger_rate_is_positive"),
            models.CheckConstraint(condition=~models.Q(base=models.F("quote")), name="ledger_rate_is_between_two_assets"),
            models.CheckConstraint(condition=models.Q(kind__in=RateKind.values), name="ledger_rate_kind_is_known"),
            models.UniqueConstraint(fields=["base", "quote", "kind", "source", "at"], name="ledger_rate_is_said_once"),
        ]


class RateAge(models.Model):
    """How old a rate of a kind may be before whatever needs it is refused."""

    kind = models.CharField(max_length=10, choices=RateKind.choices, primary_key=True)
    maximum_minutes = models.PositiveIntegerField()

    class Meta:
        db_table = "ledger_rate_age"
