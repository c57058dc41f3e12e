"""What people work breaks by: deadlines and routes as data, labels, watchers, and what each has seen."""

from django.conf import settings
from django.db import models

from approvals.models import ReasonCode
from ledgerops.lib.sql import ClockTimestamp
from recon.models.breaks import Break, BreakType
from recon.models.sources import Source


class ServiceLevel(models.Model):
    """By when breaks in an asset are to be resolved; the version with the highest number counts.

    `bands` are pairs of an amount in minor units and business days, ascending, the first of 0: a break of that amount or more is due so
    many business days after it occurred. What only one side shows is timing for `timing_days` business days, and true from then on.
    """

    asset = models.ForeignKey("ledger.Asset", on_delete=models.PROTECT, related_name="+", db_index=False)
    version = models.PositiveIntegerField()
    bands = models.JSONField()
    timing_days = models.PositiveSmallIntegerField()
    proposal_id = models.UUIDField(null=True)
    set_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_service_level"
        ordering = ["asset", "-version"]
        permissions = [("propose_service_level", "Can propose other deadlines for breaks")]
        constraints = [
            models.UniqueConstraint(fields=["asset", "version"], name="recon_service_level_has_one_version"),
            models.CheckConstraint(condition=models.Q(timing_days__lte=60), name="recon_timing_ends"),
            models.CheckConstraint(
                condition=models.Q(version=1) | models.Q(version__gt=1, proposal_id__isnull=False),
                name="recon_later_service_level_has_a_proposal",
            ),
        ]


class BreakRoute(models.Model):
    """Whom a new break goes to: the first route by position that it fits. Empty fields fit every break."""

    position = models.PositiveSmallIntegerField(unique=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    type = models.CharField(max_length=20, choices=BreakType.choices, blank=True)
    least_minor = models.DecimalField(max_digits=38, decimal_places=0, default=0)
    assignee = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "recon_break_route"
        ordering = ["position"]
        permissions = [("route_break", "Can say whom new breaks go to")]
        constraints = [
            models.CheckConstraint(condition=models.Q(type="") | models.Q(type__in=BreakType.values), name="recon_route_type_is_known"),
            models.CheckConstraint(condition=models.Q(least_minor__gte=0), name="recon_route_amount_is_no_debt"),
        ]


class BreakLabel(models.Model):
    """A label of the governed list on a break."""

    recon_break = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="labels", db_index=False)
    label = models.ForeignKey(ReasonCode, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "recon_break_label"
        ordering = ["label"]
        constraints = [models.UniqueConstraint(fields=["recon_break", "label"], name="recon_break_has_a_label_once")]
        indexes = [models.Index(fields=["label", "recon_break"], name="recon_break_by_label")]


class BreakWatcher(models.Model):
    """A person who is told of what happens to a break that is not theirs."""

    recon_break = models.ForeignKey(Break, on_delete=models.PROTECT, related_name="watchers", db_index=False)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", db_index=False)

    class Meta:
        db_table = "recon_break_watcher"
        constraints = [models.UniqueConstraint(fields=["user", "recon_break"], name="recon_person_watches_a_break_once")]


class HandoverMark(models.Model):
    """Until when a person has seen what happened to the breaks in their sight."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, primary_key=True, related_name="+")
    seen_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_handover_mark"
