"""Background work: ids in, one operation call. Each task may run twice."""

from uuid import UUID

from celery import shared_task

from recon import operations


@shared_task(name="recon.tasks.execute_run")
def execute_run(*, run_id: str) -> None:
    operations.execute_run(run_id=UUID(run_id))


@shared_task(name="recon.tasks.sweep_runs")
def sweep_runs() -> int:
    """Ring again for runs no worker was told about, or whose worker died."""
    overdue = operations.overdue_runs()
    for run_id in overdue:
        execute_run.delay(run_id=str(run_id))
    return len(overdue)
