"""Whether this process could serve a request: each thing it needs, asked briefly."""

from collections.abc import Callable

import structlog
from django.db import DatabaseError, connection
from kombu.exceptions import OperationalError

from ledgerops.celery import app

log = structlog.get_logger(__name__)


def unready() -> list[str]:
    """Return the names of what does not answer; the reasons are in the log, not in the answer."""
    return [name for name, ask in ASKED.items() if not ask()]


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        log.warning("database does not answer", error=str(error))
        return False
    return True


def _broker_answers() -> bool:
    try:
        with app.connection_for_write(connect_timeout=2) as broker:
            broker.ensure_connection(max_retries=1, interval_start=0, timeout=2)
    except (OperationalError, OSError) as error:
        log.warning("broker does not answer", error=str(error))
        return False
    return True


ASKED: dict[str, Callable[[], bool]] = {"database": _database_answers, "broker": _broker_answers}
