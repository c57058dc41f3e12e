"""Statements that nearly every request asks: planned once for each connection, and answered as one JSON value.

Composing a query of four tables and planning it takes several times as long as answering it; and so does psycopg's cursor, which prepares,
begins, adapts and waits for every statement alike. One on its own goes straight to libpq, which lets other threads run meanwhile.
"""

import json
from collections.abc import Sequence
from time import perf_counter
from typing import Any
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

# A rollback elsewhere in the session makes psycopg forget what was prepared, on the server too.
_NOT_PREPARED = "26000"
# What each session has prepared: statements by their text, with the names they have there.
_names: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()


def read(statement: str, values: Sequence[str | int | UUID]) -> Any:
    """Return the value of the one JSON text that a statement answers, or None where it answers no row.

    Its placeholders are PostgreSQL's own ($1, $2), and its text is the same every time.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_no_broken_transaction()
    database.close_if_health_check_failed()
    database.ensure_connection()
    session: psycopg.Connection[Any] = database.connection
    texts, started = [str(value) for value in values], perf_counter()
    with database.wrap_database_errors:
        alone = session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE
        answer = _alone(session, statement, texts) if alone and settings.PREPARED_STATEMENTS else _within(session, statement, texts)
    if database.queries_logged:
        database.queries_log.append({"sql": statement, "time": f"{perf_counter() - started:.3f}"})
    return None if answer is None else json.loads(answer)


def _alone(session: psycopg.Connection[Any], statement: str, texts: Sequence[str]) -> bytes | None:
    names = _names.setdefault(session, {})
    values = [text.encode() for text in texts]
    if statement not in names:
        _prepare(session, statement)
    result = session.pgconn.exec_prepared(names[statement], values)
    if result.status != ExecStatus.TUPLES_OK and errors.error_from_result(result).sqlstate == _NOT_PREPARED:
        _prepare(session, statement)
        result = session.pgconn.exec_prepared(names[statement], values)
    _check(session, result, ExecStatus.TUPLES_OK)
    return result.get_value(0, 0) if result.ntuples else None


def _prepare(session: psycopg.Connection[Any], statement: str) -> None:
    names = _names[session]
    name = names.get(statement, f"ledgerops_{len(names)}".encode())
    _check(session, session.pgconn.prepare(name, statement.encode()), ExecStatus.COMMAND_OK)
    names[statement] = name


def _check(session: psycopg.Connection[Any], result: PGresult, expected: ExecStatus) -> None:
    """Raise what psycopg's cursor would have raised for this result."""
    if result.status == expected:
        return
    if session.closed:
        raise psycopg.OperationalError(session.pgconn.get_error_message())
    raise errors.error_from_result(result)


def _within(session: psycopg.Connection[Any], statement: str, texts: Sequence[str]) -> str | None:
    """Ask in the transaction that the caller has begun or is about to; Django keeps psycopg from preparing anything by itself."""
    kept = session.prepare_threshold
    with psycopg.RawCursor(session) as cursor:
        if settings.PREPARED_STATEMENTS:
            session.prepare_threshold = 0
        try:
            cursor.execute(statement.encode(), texts, prepare=settings.PREPARED_STATEMENTS)
        finally:
            session.prepare_threshold = kept
        row = cursor.fetchone()
    return row[0] if row else None
