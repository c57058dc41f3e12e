"""Doorbells: each does one call, may run twice, and finds in the rows what is to be done."""

from celery import shared_task
from django.utils.timezone import localdate

from ledger import operations
from ledger.operations import recurring


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
