"""Periodic work on proposals."""

from celery import shared_task

from approvals import operations


@shared_task(name="approvals.tasks.expire_proposals")
def expire_proposals() -> int:
    return operations.expire_overdue()
