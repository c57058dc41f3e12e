"""The Celery application; tasks are doorbells, the rows they read are the queue."""

import os
from typing import Any

from celery import Celery
from celery.signals import setup_logging, worker_process_init

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "ledgerops.settings")

app = Celery("ledgerops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def keep_django_logging(**_kwargs: Any) -> None:
    """Do nothing: being connected is what keeps Celery from setting up logging of its own."""


@worker_process_init.connect
def forget_inherited_connections(**_kwargs: Any) -> None:
    """Let a forked worker open its own connections; closing the inherited ones would end those of its parent."""
    from django.db import connections  # noqa: PLC0415 - Django is set up by the time a worker forks, not when this is imported

    for connection in connections.all(initialized_only=True):
        connection.connection = None
