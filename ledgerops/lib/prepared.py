"""Statements that nearly every request asks: planned once for each connection, and not composed anew by the mapper.

Composing a query of four tables and planning it takes several times as long as answering it.
"""

from collections.abc import Sequence
from time import perf_counter
from typing import Any

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections


def read(statement: str, values: Sequence[Any]) -> list[tuple[Any, ...]]:
    """Return the rows that a statement in PostgreSQL's own placeholders ($1, $2) answers; its text must be the same every time."""
    connection = connections[DEFAULT_DB_ALIAS]
    connection.validate_no_broken_transaction()
    connection.close_if_health_check_failed()
    connection.ensure_connection()
    session, started = connection.connection, perf_counter()
    with connection.wrap_database_errors, psycopg.RawCursor(session) as cursor:
        # Django keeps psycopg from preparing anything.
        kept, session.prepare_threshold = session.prepare_threshold, 0
        try:
            cursor.execute(statement.encode(), values, prepare=settings.PREPARED_STATEMENTS)
        finally:
            session.prepare_threshold = kept
        rows = cursor.fetchall()
    if connection.queries_logged:
        connection.queries_log.append({"sql": statement, "time": f"{perf_counter() - started:.3f}"})
    return rows
