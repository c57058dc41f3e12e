"""Files as delivered, and the rows of them that could not be read."""

from django.conf import settings
from django.db import models

from ledgerops.lib.sql import ClockTimestamp, UUIDv7
from recon.models.sources import MappingVersion, Source


class FileStatus(models.TextChoices):
    """A large file is stored first and read by a worker; once it can be read it is received, and waits to be accepted."""

    STORED = "stored"
    RECEIVED = "received"
    ACCEPTED = "accepted"
    REFUSED = "refused"


class Channel(models.TextChoices):
    """How a file came: by hand, from a watched folder, pushed over the API, read from a chain."""

    UPLOAD = "upload"
    FOLDER = "folder"
    API = "api"
    CHAIN = "chain"


class StatementFile(models.Model):
    """A file as delivered: its bytes are kept under their SHA-256 and never change; a refused file is kept too.

    `source` is who it was delivered for where it names no account itself, `mapping` how it was read the last time. `summary` is what
    the reading found, in the bounded form of `recon.intake.reading`. Nobody received what came without a person. `delivery_key` is the
    idempotency key that a program delivered it under.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    sha256 = models.CharField(max_length=64)
    size_bytes = models.BigIntegerField()
    name = models.CharField(max_length=255)
    format = models.CharField(max_length=20, blank=True)
    status = models.CharField(max_length=10, choices=FileStatus.choices)
    errors = models.JSONField(default=list)
    channel = models.CharField(max_length=6, choices=Channel.choices, default=Channel.UPLOAD)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, null=True, related_name="files")
    mapping = models.ForeignKey(MappingVersion, on_delete=models.PROTECT, null=True, related_name="files")
    summary = models.JSONField(default=dict)
    delivery_key = models.CharField(max_length=100, blank=True)
    received_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    received_at = models.DateTimeField(db_default=ClockTimestamp())
    accepted_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "recon_file"
        ordering = ["-id"]
        permissions = [("upload_statement", "Can upload and accept statements")]
        constraints = [
            models.UniqueConstraint(fields=["sha256"], name="recon_file_is_stored_once"),
            models.UniqueConstraint(
                fields=["source", "delivery_key"], condition=~models.Q(delivery_key=""), name="recon_delivery_key_is_used_once"
            ),
            models.CheckConstraint(condition=models.Q(status__in=FileStatus.values), name="recon_file_status_is_known"),
            models.CheckConstraint(condition=models.Q(channel__in=Channel.values), name="recon_file_channel_is_known"),
        ]
        indexes = [models.Index(fields=["status", "-id"], name="recon_file_by_status")]

    @property
    def storage_name(self) -> str:
        return f"{self.sha256[:2]}/{self.sha256}"


class Job(models.TextChoices):
    """What a worker does with a file: read it, accept what was read, or both in one go."""

    READ = "read"
    ACCEPT = "accept"
    TAKE = "take"


class JobStatus(models.TextChoices):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class FileJob(models.Model):
    """Work on a file that is too large to be waited for. The row is the queue: a sweep finds what no worker was told about.

    `restating` are the statements that the requester agreed to replace. A worker that is alive says so in `heartbeat_at`, from a
    connection of its own, since what it writes is one transaction.
    """

    id = models.UUIDField(primary_key=True, db_default=UUIDv7(), editable=False)
    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="jobs")
    job = models.CharField(max_length=6, choices=Job.choices)
    status = models.CharField(max_length=8, choices=JobStatus.choices, default=JobStatus.QUEUED)
    restating = models.JSONField(default=list)
    requested_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(db_default=ClockTimestamp())
    started_at = models.DateTimeField(null=True)
    heartbeat_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    bytes_done = models.BigIntegerField(default=0)
    lines_done = models.BigIntegerField(default=0)
    failure = models.TextField(blank=True)

    class Meta:
        db_table = "recon_file_job"
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["file"], condition=models.Q(status__in=["queued", "running"]), name="recon_file_has_one_live_job"
            ),
            models.CheckConstraint(condition=models.Q(job__in=Job.values), name="recon_file_job_is_known"),
            models.CheckConstraint(condition=models.Q(status__in=JobStatus.values), name="recon_file_job_status_is_known"),
        ]
        indexes = [models.Index(fields=["id"], name="recon_file_job_live", condition=models.Q(status__in=["queued", "running"]))]

    @property
    def is_live(self) -> bool:
        return self.status in (JobStatus.QUEUED, JobStatus.RUNNING)

    @property
    def percent(self) -> int:
        return min(100, 100 * self.bytes_done // max(1, self.file.size_bytes))


class QuarantineState(models.TextChoices):
    OPEN = "open"
    DISMISSED = "dismissed"
    READ_AGAIN = "read_again"


class QuarantinedRow(models.Model):
    """A row that could not be read while the rest of its file could; nothing counts it, and it is open until somebody says why not.

    It leaves the quarantine by a reading of the file that understands it (`read_again`), or dismissed with a reason.
    """

    file = models.ForeignKey(StatementFile, on_delete=models.PROTECT, related_name="quarantined_rows")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="quarantined_rows")
    place = models.CharField(max_length=200)
    field = models.CharField(max_length=60, blank=True)
    value = models.CharField(max_length=80, blank=True)
    message = models.TextField()
    raw = models.TextField()
    state = models.CharField(max_length=10, choices=QuarantineState.choices, default=QuarantineState.OPEN)
    ended_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    ended_at = models.DateTimeField(null=True)
    reason = models.CharField(max_length=200, blank=True)
    quarantined_at = models.DateTimeField(db_default=ClockTimestamp())

    class Meta:
        db_table = "recon_quarantined_row"
        ordering = ["-id"]
        permissions = [("work_quarantine", "Can dismiss rows in quarantine and have files read again")]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=QuarantineState.values), name="recon_quarantine_state_is_known"),
            models.CheckConstraint(
                condition=models.Q(state="open", ended_at=None) | (~models.Q(state="open") & models.Q(ended_at__isnull=False)),
                name="recon_quarantine_ends_once",
            ),
        ]
        indexes = [models.Index(fields=["state", "-id"], name="recon_quarantine_by_state")]
