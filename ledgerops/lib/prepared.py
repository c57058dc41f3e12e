"""Statements that nearly every request asks: planned once for each session of the database, and asked without psycopg's cursor.

That cursor, which prepares, begins, adapts and waits for every statement alike, takes several times as long as these take to be answered. A
statement that is a transaction of its own goes straight to libpq, which lets other threads run meanwhile and is not interrupted before the
answer; inside the caller's transaction the cursor is used. Either way what goes wrong is Django's exception for it.

Placeholders are PostgreSQL's own ($1, $2), values go as texts, and a statement's text is the same every time.
"""

import json
from collections.abc import Iterable, Sequence
from hashlib import sha256
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

Value = str | int | UUID
Row = tuple[str | None, ...]

# A rollback elsewhere in the session makes psycopg forget what was prepared, on the server too.
_NOT_PREPARED = "26000"
# It was, and this side was interrupted before it had noted that; a name stands for one text only.
_PREPARED_ALREADY = "42P05"
# What each session has prepared: names by their statements.
_names: WeakKeyDictionary[psycopg.Connection[Any], dict[str, bytes]] = WeakKeyDictionary()


def read(statement: str, values: Sequence[Value]) -> Any:
    """Return the value of the one JSON text that a statement answers, or None where it answers no row.

    :raises django.db.Error: as a cursor of Django's; DataError also for a value that is no text to the database.
    """
    answered = rows(statement, values)
    return None if not answered or answered[0][0] is None else json.loads(answered[0][0])


def rows(statement: str, values: Sequence[Value]) -> list[Row]:
    """Return what a statement answers, each value as the text that PostgreSQL has for it.

    A session that has ended is closed here, so that the next statement begins another; this one may have been done or not.

    :raises django.db.Error: as a cursor of Django's; DataError also for a value that is no text to the database.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_thread_sharing()
    database.validate_no_broken_transaction()
    database.close_if_health_check_failed()
    database.ensure_connection()
    session: psycopg.Connection[Any] = database.connection
    started = perf_counter()
    try:
        with database.wrap_database_errors:
            return _answered(session, statement, [_text(value) for value in values])
    finally:
        if database.queries_logged:
            database.queries_log.append({"sql": statement, "time": f"{perf_counter() - started:.3f}"})
        if session.closed and session.autocommit:  # what is left of a lost transaction may not go on outside it
            database.close()


def array(numbers: Iterable[int]) -> str:
    """Return whole numbers as the text of an array."""
    return f"{{{','.join(map(str, numbers))}}}"


def _text(value: Value) -> bytes:
    """Return a value as libpq takes it, which would end it at its first NUL."""
    try:
        text = str(value).encode()
    except UnicodeEncodeError as error:
        raise psycopg.DataError("a text for the database is of whole characters") from error
    if b"\0" in text:
        raise psycopg.DataError("a text for the database has no NUL")
    return text


def _answered(session: psycopg.Connection[Any], statement: str, texts: Sequence[bytes]) -> list[Row]:
    if settings.PREPARED_STATEMENTS and session.autocommit:
        with session.lock:  # another thread may have been lent this session
            if session.pgconn.transaction_status == TransactionStatus.IDLE:
                return _rows(_alone(session, statement, texts))
    return _within(session, statement, texts)


def _alone(session: psycopg.Connection[Any], statement: str, texts: Sequence[bytes]) -> PGresult:
    names = _names.setdefault(session, {})
    name = names.get(statement) or _prepare(session, statement)
    result = session.pgconn.exec_prepared(name, texts)
    if result.status != ExecStatus.TUPLES_OK and errors.error_from_result(result).sqlstate == _NOT_PREPARED:
        result = session.pgconn.exec_prepared(_prepare(session, statement), texts)
    if result.status != ExecStatus.TUPLES_OK:
        raise _error(session, result)
    return result


def _prepare(session: psycopg.Connection[Any], statement: str) -> bytes:
    name = b"ledgerops_" + sha256(statement.encode()).hexdigest()[:32].encode()
    result = session.pgconn.prepare(name, statement.encode())
    if result.status != ExecStatus.COMMAND_OK:
        error = _error(session, result)
        if error.sqlstate != _PREPARED_ALREADY:
            raise error
    _names[session][statement] = name
    return name


def _error(session: psycopg.Connection[Any], result: PGresult) -> psycopg.Error:
    """Return what psycopg's cursor would have raised for this result."""
    if session.closed:
        return psycopg.OperationalError(session.pgconn.get_error_message())
    return errors.error_from_result(result)


def _within(session: psycopg.Connection[Any], statement: str, texts: Sequence[bytes]) -> list[Row]:
    """Ask in the transaction that the caller has begun or is about to; Django keeps psycopg from preparing anything by itself."""
    kept = session.prepare_threshold
    with psycopg.RawCursor(session) as cursor:
        if settings.PREPARED_STATEMENTS:
            session.prepare_threshold = 0
        try:
            cursor.execute(statement.encode(), [text.decode() for text in texts], prepare=settings.PREPARED_STATEMENTS)
        finally:
            session.prepare_threshold = kept
        assert cursor.pgresult is not None
        return _rows(cursor.pgresult)


def _rows(result: PGresult) -> list[Row]:
    columns = range(result.nfields)
    return [tuple([_decoded(result.get_value(row, column)) for column in columns]) for row in range(result.ntuples)]


def _decoded(value: bytes | None) -> str | None:
    return None if value is None else value.decode()
