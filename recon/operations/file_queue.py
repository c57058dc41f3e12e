"""Work on large files: who has it in hand. The row is the queue; a worker that went silent loses its claim."""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Q
from django.db.models.functions import Now

from audit.operations import record_event
from ledgerops.lib.transactions import database_now
from recon.models import FileJob, JobStatus, StatementFile

# A worker that is alive says so every few seconds; one that has been silent this long is gone.
SILENCE = timedelta(minutes=2)
LIVE = (JobStatus.QUEUED, JobStatus.RUNNING)


def queue_job(*, file: StatementFile, job: str, requested_by_id: int | None, restating: Collection[UUID] = ()) -> FileJob:
    """Queue work on a file inside the caller's transaction; what is queued or under way already is returned."""
    live = FileJob.objects.filter(file=file, status__in=LIVE).first()
    if live is not None:
        return live
    queued = FileJob.objects.create(file=file, job=job, requested_by_id=requested_by_id, restating=[str(pk) for pk in restating])
    record_event("recon.file.queued", target_type="recon.file", target_id=file.pk, after={"job": job, "restating": queued.restating})
    return queued


def claim_job(*, job_id: UUID) -> datetime | None:
    """Take a queued job, or one whose worker has gone silent; None if somebody else has it or it has ended.

    The instant returned is the claim: whoever was given up and wakes up again finds another one on the job.
    """
    claim = database_now()
    claimable = Q(status=JobStatus.QUEUED) | Q(status=JobStatus.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    taken = FileJob.objects.filter(claimable, pk=job_id).update(status=JobStatus.RUNNING, started_at=claim, heartbeat_at=claim)
    return claim if taken else None


def overdue_jobs() -> list[UUID]:
    """Return the jobs that wait for a worker: queued ones and those whose worker has gone silent."""
    waiting = Q(status=JobStatus.QUEUED) | Q(status=JobStatus.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    return list(FileJob.objects.filter(waiting).order_by("id").values_list("pk", flat=True))


def live_jobs_of(file_id: UUID) -> list[UUID]:
    """Return the jobs of a file that a worker is to be told about."""
    return list(FileJob.objects.filter(file=file_id, status__in=LIVE).values_list("pk", flat=True))
