"""Background work: ids in, one operation call. Each task may run twice."""

import time
from collections.abc import Iterable
from uuid import UUID

import structlog
from celery import shared_task
from django.conf import settings
from django.utils import timezone
from kombu.exceptions import OperationalError

from recon import operations
from recon.operations import chain_reading, proofs, trials

log = structlog.get_logger(__name__)


@shared_task(name="recon.tasks.execute_run")
def execute_run(*, run_id: str) -> None:
    operations.execute_run(run_id=UUID(run_id))


@shared_task(name="recon.tasks.count_figures")
def count_figures() -> int:
    """Count the days of reports that have changed since they were last counted."""
    return operations.count_all_figures()


@shared_task(name="recon.tasks.count_all_figures")
def count_all_figures() -> int:
    """Count every day of reports anew; what a long transaction left out is in it."""
    return operations.count_all_figures(whole=True)


@shared_task(name="recon.tasks.prove_days")
def prove_days() -> int:
    """Prove the days that ended and have no proof yet, or whose proof lacked a statement or a block."""
    return proofs.prove_days(today=timezone.now().date())


@shared_task(name="recon.tasks.sweep_runs")
def sweep_runs() -> int:
    """Ring again for runs no worker was told about, or whose worker died."""
    overdue = operations.overdue_runs()
    for run_id in overdue:
        execute_run.delay(run_id=str(run_id))
    return len(overdue)


@shared_task(name="recon.tasks.execute_trial")
def execute_trial(*, trial_id: str) -> None:
    trials.execute_trial(trial_id=UUID(trial_id))


@shared_task(name="recon.tasks.sweep_trials")
def sweep_trials() -> int:
    """Ring again for rules to be tried that no worker was told about, or whose worker died."""
    overdue = trials.overdue_trials()
    ring_trials(overdue)
    return len(overdue)


def ring_trials(trial_ids: Iterable[UUID]) -> None:
    """Tell a worker of rules to be tried; what nobody hears of, the sweep finds."""
    for trial_id in trial_ids:
        try:
            execute_trial.delay(trial_id=str(trial_id))
        except OperationalError as error:
            log.warning("trial_not_announced", trial_id=str(trial_id), error=str(error))
            return


@shared_task(name="recon.tasks.sweep_feeds")
def sweep_feeds() -> int:
    """Open, change and resolve the breaks of sources that have not delivered."""
    done = operations.sweep_feeds()
    return done.opened + done.changed + done.resolved


@shared_task(name="recon.tasks.read_chain")
def read_chain(*, source_id: int) -> None:
    chain_reading.read_chain(source_id=source_id)


@shared_task(name="recon.tasks.sweep_chains")
def sweep_chains() -> int:
    """Have every chain source read that nobody reads at the moment."""
    waiting = chain_reading.waiting_chains()
    for source_id in waiting:
        read_chain.delay(source_id=source_id)
    return len(waiting)


def ring_chain(source_id: int) -> None:
    """Tell a worker that a chain source has something new. Where no broker answers the sweep will find it."""
    try:
        read_chain.delay(source_id=source_id)
    except OperationalError as error:
        log.warning("chain_not_announced", source_id=source_id, error=str(error))


@shared_task(name="recon.tasks.work_on_file")
def work_on_file(*, job_id: str) -> None:
    ring(run.pk for run in operations.execute_job(job_id=UUID(job_id)))


@shared_task(name="recon.tasks.sweep_files")
def sweep_files() -> int:
    """Ring again for work on files that no worker was told about, or whose worker died."""
    overdue = operations.overdue_jobs()
    ring_jobs(overdue)
    return len(overdue)


@shared_task(name="recon.tasks.take_dropped_files")
def take_dropped_files() -> int:
    """Take in what was put into the watched folder, if there is one."""
    if settings.DROP_DIR is None:
        return 0
    runs = operations.take_dropped(folder=settings.DROP_DIR, now=time.time())
    ring(run.pk for run in runs)
    return len(runs)


def ring_jobs(job_ids: Iterable[UUID]) -> None:
    """Tell a worker of work on files that is committed; what nobody hears of, the sweep finds."""
    for job_id in job_ids:
        try:
            work_on_file.delay(job_id=str(job_id))
        except OperationalError as error:
            log.warning("file_not_announced", job_id=str(job_id), error=str(error))
            return


def ring(run_ids: Iterable[UUID]) -> None:
    """Tell a worker of runs that are committed. Where no broker answers the sweep will find them, so nobody is refused for that."""
    for run_id in run_ids:
        try:
            execute_run.delay(run_id=str(run_id))
        except OperationalError as error:
            log.warning("run_not_announced", run_id=str(run_id), error=str(error))
            return
