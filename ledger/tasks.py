"""Doorbells: each does one call, may run twice, and finds in the rows what is to be done."""

from uuid import UUID

import structlog
from celery import shared_task
from django.utils.timezone import localdate
from kombu.exceptions import OperationalError

from ledger import operations
from ledger.operations import recurring

log = structlog.get_logger(__name__)


@shared_task
def expire_holds() -> int:
    return operations.expire_holds()


@shared_task
def roll_deferred() -> int:
    return operations.roll_deferred()


@shared_task
def sample_lock_waits() -> int:
    return operations.sample_lock_waits()


@shared_task
def check_monitors() -> int:
    return operations.check_monitors()


@shared_task
def post_recurring() -> int:
    return recurring.post_due(today=localdate())


@shared_task
def note_ended_reopenings() -> int:
    return operations.note_ended_reopenings()


@shared_task
def check_what_is_new() -> None:
    """Hold what was posted since the last time against the books."""
    operations.check_what_is_new()


@shared_task
def check_everything() -> None:
    """Examine all of the books, each night."""
    operations.check_books(full=True)


@shared_task
def execute_integrity_run(*, run_id: str) -> None:
    operations.execute_integrity_run(run_id=UUID(run_id))


@shared_task
def sweep_integrity_runs() -> int:
    """Ring again for full runs no worker was told about, or whose worker died."""
    waiting = operations.waiting_integrity_runs()
    for run_id in waiting:
        execute_integrity_run.delay(run_id=str(run_id))
    return len(waiting)


def ring_integrity(run_id: UUID) -> None:
    """Tell a worker of a run that is committed. Where no broker answers the sweep will find it, so nobody is refused for that."""
    try:
        execute_integrity_run.delay(run_id=str(run_id))
    except OperationalError as error:
        log.warning("integrity_run_not_announced", run_id=str(run_id), error=str(error))
