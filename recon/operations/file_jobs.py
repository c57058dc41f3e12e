"""Carrying out work on large files, with a heartbeat from a connection of its own: the work itself is one transaction."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from approvals.models import User
from audit.context import SYSTEM, Origin, acting_from
from audit.operations import act, record_event
from ledgerops.lib.errors import Busy, Refusal
from ledgerops.lib.transactions import busy_of, will_pass
from recon import queries
from recon.models import FileJob, Job, JobStatus, Run, Source, StatementFile
from recon.operations.file_queue import claim_job
from recon.operations.intake import read_stored_file, take_in
from recon.operations.progress import Progress

HEARTBEAT_SECONDS = 2.0


def execute_job(*, job_id: UUID) -> list[Run]:
    """Claim a job and do it; returns the reconciliation runs that it started. One already taken is left alone.

    A job that could not get a lock in time, or lost its server, is left to the sweep; one that cannot be done ends as failed.
    """
    claim = claim_job(job_id=job_id)
    if claim is None:
        return []
    job = FileJob.objects.select_related("file__source", "requested_by").get(pk=job_id)
    requester = job.requested_by
    progress = Progress()
    with (
        acting_from(lambda: Origin(user_id=requester.pk, user_name=requester.username) if requester else SYSTEM),
        _heartbeat(job_id=job_id, claim=claim, progress=progress),
    ):
        try:
            runs, remark = _carry_out(job, progress=progress)
        except Busy:
            raise
        except Refusal as refusal:
            _end(job, claim=claim, status=JobStatus.FAILED, failure=str(refusal), progress=progress)
            return []
        except Exception as error:
            if not will_pass(error) and busy_of(error) is None:
                _end(job, claim=claim, status=JobStatus.FAILED, failure=f"{type(error).__name__}: {error}", progress=progress)
            raise
        _end(job, claim=claim, status=JobStatus.DONE, failure=remark, progress=progress)
    return runs


def _carry_out(job: FileJob, *, progress: Progress) -> tuple[list[Run], str]:
    """Do what the job says; the text is what a person has to know of it."""
    if job.job == Job.READ:
        read_stored_file(file_id=job.file_id, progress=progress)
        return [], ""
    source_ids = _sources_of(job.requested_by, file=job.file)
    restating = [UUID(pk) for pk in job.restating]
    try:
        return take_in(file_id=job.file_id, source_ids=source_ids, restating=restating, unread=job.job == Job.TAKE, progress=progress), ""
    except Refusal as refusal:
        if job.job != Job.TAKE or isinstance(refusal, Busy):
            raise
        # It came without a person: it is read, and waits on its page for one.
        read_stored_file(file_id=job.file_id, progress=progress)
        return [], str(refusal)


def _sources_of(requester: User | None, *, file: StatementFile) -> list[int]:
    """Return the sources that the requester may deliver for; what came for a source by itself belongs to that one, in every currency."""
    if requester is not None:
        return list(queries.sources_for(requester).order_by().values_list("pk", flat=True))
    if file.source is None:
        return []
    return list(Source.objects.filter(identifier=file.source.identifier).values_list("pk", flat=True))


def _end(job: FileJob, *, claim: datetime, status: str, failure: str, progress: Progress) -> None:
    with act("recon.file.worked", target_type="recon.file", target_id=job.file_id):
        done_bytes, done_lines = progress.now()
        own = FileJob.objects.filter(pk=job.pk, status=JobStatus.RUNNING, started_at=claim)
        ended = own.update(
            status=status, finished_at=Now(), failure=failure[:500], bytes_done=done_bytes, lines_done=done_lines, heartbeat_at=Now()
        )
        if ended:
            record_event(
                "recon.file.worked",
                target_type="recon.file",
                target_id=job.file_id,
                outcome="done" if status == JobStatus.DONE else "failed",
                reason=failure[:200],
                after={"job": job.job, "lines": done_lines},
            )


@contextmanager
def _heartbeat(*, job_id: UUID, claim: datetime, progress: Progress) -> Iterator[None]:
    """Say every few seconds how far the work is, while the block runs."""
    stop = Event()

    def beat() -> None:
        try:
            while not stop.wait(HEARTBEAT_SECONDS):
                done_bytes, done_lines = progress.now()
                own = FileJob.objects.filter(pk=job_id, status=JobStatus.RUNNING, started_at=claim)
                own.update(heartbeat_at=Now(), bytes_done=done_bytes, lines_done=done_lines)
        finally:
            connection.close()  # this thread's own

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
