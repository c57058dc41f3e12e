"""Doorbells: each does one call, may run twice, and finds in the rows what is to be done."""

from celery import shared_task

from ledger import operations


@shared_task
def expire_holds() -> int:
    return operations.expire_holds()
