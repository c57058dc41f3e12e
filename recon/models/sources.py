"""Sources, how their files are mapped, and when they are due."""

from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from guardian.models import GroupObjectPermissionBase
from simple_history.models import HistoricalRecords

from ledgerops.lib.sql import ClockTimestamp, UUIDv7

if TYPE_CHECKING:
    from recon.models.matching import Reconciliation

# The format of a source whose files say nothing of themselves.
MAPPED = "mapped"


class SourceKind(models.TextChoices):
    BANK = "bank"
    PROCESSOR = "processor"
    CUSTODIAN = "custodian"
    CHAIN = "chain"
    OPERATIONAL = "operational"


class Source(models.Model):
    """An account elsewhere that delivers statements, and the ledger account that must agree with it.

    `identifier` is the account as its statements name it; where files name none, the source is chosen when they are delivered.
    `format` is the code of the reader of its files, or MAPPED for those that its approved mapping reads; where it is empty, a file is
    recognised by its content, and the mapping reads what cannot be.
    """

    kind = models.CharField(max_length=12, choices=SourceKind.choices, default=SourceKind.BANK)
    code = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    servicer = models.CharField(max_length=120, blank=True)
    identifier = models.CharField(max_length=60)
    format = models.CharField(max_length=20, blank=True)
    asset = models.ForeignKey("ledger.Asset", on_delete=models.PROTECT)
    account = models.OneToOneField("ledger.Account", on_delete=models.PROTECT, related_name="source")
    registered_at = models.DateTimeField(db_default=ClockTimestamp())
    history = HistoricalRecords()

    class Meta:
        db_table = "recon_source"
        ordering = ["name"]
        permissions = [("register_source", "Can register sources")]
        constraints = [
            models.UniqueConstraint(fields=["identifier", "asset"], name="recon_source_is_registered_once"),
            models.CheckConstraint(condition=models.Q(kind__in=SourceKind.values), name="recon_source_kind_is_known"),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def reconciliation(self) -> "Reconciliation":
        """Its own reconciliation: it against its ledger account."""
        return self.reconciliations.get(home=True)


class SourceGroupObjectPermission(GroupObjectPermissionBase):
    content_object = models.ForeignKey(Source, on_delete=models.PROTECT)


class MappingStatus(models.TextChoices):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    APPROVED = "approved"
    REJECTED = "rejected"


class MappingVersion(models.Model):
    """How a source's files without a format of their own are read. Its definition never changes; another one is another version.

    `definition` is what `recon.formats.mapped.Mapping.from_json` takes; `digest` is the SHA-256 of its canonical JSON. A version
    reads files once a second person has approved the proposal that carries its digest.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="mappings")
    number = models.PositiveIntegerField()
    definition = models.JSONField()
    digest = models.CharField(max_length=64)
    status = models.CharField(max_length=10, choices=MappingStatus.choices, default=MappingStatus.DRAFT)
    sample = models.ForeignKey("recon.StatementFile", on_delete=models.PROTECT, null=True, related_name="+")
    drafted_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    drafted_at = models.DateTimeField(db_default=ClockTimestamp())
    proposal_id = models.UUIDField(null=True)
    approved_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_mapping_version"
        ordering = ["source", "-number"]
        permissions = [("map_source", "Can draft mappings of sources and submit them")]
        constraints = [
            models.UniqueConstraint(fields=["source", "number"], name="recon_mapping_version_is_numbered_once"),
            models.CheckConstraint(condition=models.Q(status__in=MappingStatus.values), name="recon_mapping_status_is_known"),
            models.CheckConstraint(
                condition=~models.Q(status="approved") | models.Q(proposal_id__isnull=False, approved_at__isnull=False),
                name="recon_approved_mapping_has_a_proposal",
            ),
        ]


class FeedFrequency(models.TextChoices):
    BUSINESS_DAILY = "business_daily"
    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Feed(models.Model):
    """What is expected from a source when. The report of a day is due at `due_time` in `timezone`, `days_after` business days later.

    `calendar` names the business days (see `ledgerops.lib.calendars`). Later than `due_time` is late, later than that by
    `grace_minutes` is missing. `weekday` (0 is Monday) belongs to weekly feeds, monthly ones report the last day of the month.
    Nothing that was due before `set_at` counts as late: nobody had said yet when it was due.
    """

    source = models.OneToOneField(Source, on_delete=models.PROTECT, related_name="feed")
    frequency = models.CharField(max_length=14, choices=FeedFrequency.choices, default=FeedFrequency.BUSINESS_DAILY)
    calendar = models.CharField(max_length=20, default="WEEKDAYS")
    timezone = models.CharField(max_length=60, default="UTC")
    due_time = models.TimeField()
    days_after = models.PositiveSmallIntegerField(default=1)
    grace_minutes = models.PositiveIntegerField(default=120)
    set_at = models.DateTimeField(db_default=ClockTimestamp())
    weekday = models.PositiveSmallIntegerField(null=True)
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    history = HistoricalRecords()

    class Meta:
        db_table = "recon_feed"
        permissions = [("set_feed", "Can say what is expected from a source when")]
        constraints = [
            models.CheckConstraint(condition=models.Q(frequency__in=FeedFrequency.values), name="recon_feed_frequency_is_known"),
            models.CheckConstraint(
                condition=models.Q(frequency="weekly", weekday__range=(0, 6)) | (~models.Q(frequency="weekly") & models.Q(weekday=None)),
                name="recon_weekly_feed_has_a_weekday",
            ),
            models.CheckConstraint(
                condition=models.Q(ends_on=None) | models.Q(ends_on__gte=models.F("starts_on")), name="recon_feed_ends_after_it_starts"
            ),
        ]


class FeedWaiver(models.Model):
    """Nothing will come for one day, and somebody said why."""

    feed = models.ForeignKey(Feed, on_delete=models.PROTECT, related_name="waivers")
    day = models.DateField()
    reason = models.CharField(max_length=200)
    waived_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    waived_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_feed_waiver"
        constraints = [models.UniqueConstraint(fields=["feed", "day"], name="recon_feed_day_is_waived_once")]
