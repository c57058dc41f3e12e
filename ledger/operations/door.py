"""The call of the posting function: the one statement whose client time is as long as a good part of its server time."""

import json
from collections.abc import Mapping
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakSet

import psycopg
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg import errors
from psycopg.pq import ExecStatus, TransactionStatus
from psycopg.pq.abc import PGresult

_POST = "SELECT draft_position, outcome, posted_id, code, detail FROM ledger_post_entries_v1($1, $2::jsonb)"
_NAME = b"ledger_post"
# A rollback elsewhere in the session makes psycopg forget what was prepared, on the server too.
_NOT_PREPARED = "26000"

# The sessions in which the statement is prepared.
_prepared: WeakSet[psycopg.Connection[Any]] = WeakSet()


class Answer(NamedTuple):
    """What the books say of the draft at `position`, from 1."""

    position: int
    outcome: str
    posted_id: UUID | None
    code: str | None
    detail: Mapping[str, Any]


def post(*, scope: str, drafts: str) -> list[Answer]:
    """Call the posting function with drafts as a JSON array, and return its answers, in any order.

    A call that is a transaction of its own goes straight to libpq: psycopg's cursor, which prepares, begins, adapts and waits for every
    statement alike, takes three times as long on this side. Inside the caller's transaction that cursor is used.
    """
    database = connections[DEFAULT_DB_ALIAS]
    database.validate_no_broken_transaction()
    database.close_if_health_check_failed()
    database.ensure_connection()
    session: psycopg.Connection[Any] = database.connection
    with database.wrap_database_errors:
        alone = session.autocommit and session.pgconn.transaction_status == TransactionStatus.IDLE
        if not (alone and settings.PREPARED_STATEMENTS):
            return _within(session, scope=scope, drafts=drafts)
        result = _executed(session, values=[scope.encode(), drafts.encode()])
        return [_answer(result, row) for row in range(result.ntuples)]


def _executed(session: psycopg.Connection[Any], *, values: list[bytes]) -> PGresult:
    if session not in _prepared:
        _prepare(session)
    result = session.pgconn.exec_prepared(_NAME, values)
    if result.status != ExecStatus.TUPLES_OK and errors.error_from_result(result).sqlstate == _NOT_PREPARED:
        _prepare(session)
        result = session.pgconn.exec_prepared(_NAME, values)
    if result.status != ExecStatus.TUPLES_OK:
        raise errors.error_from_result(result)
    return result


def _prepare(session: psycopg.Connection[Any]) -> None:
    result = session.pgconn.prepare(_NAME, _POST.encode())
    if result.status != ExecStatus.COMMAND_OK:
        raise errors.error_from_result(result)
    _prepared.add(session)


def _answer(result: PGresult, row: int) -> Answer:
    position, outcome, posted_id, code, detail = (result.get_value(row, column) for column in range(5))
    assert position is not None
    assert outcome is not None
    return Answer(
        position=int(position),
        outcome=outcome.decode(),
        posted_id=UUID(posted_id.decode()) if posted_id else None,
        code=code.decode() if code else None,
        detail=json.loads(detail) if detail else {},
    )


def _within(session: psycopg.Connection[Any], *, scope: str, drafts: str) -> list[Answer]:
    """Call it in the transaction that the caller has begun or is about to; Django keeps psycopg from preparing anything by itself."""
    kept = session.prepare_threshold
    with psycopg.RawCursor(session) as cursor:
        if settings.PREPARED_STATEMENTS:
            session.prepare_threshold = 0
        try:
            cursor.execute(_POST, [scope, drafts], prepare=settings.PREPARED_STATEMENTS)
        finally:
            session.prepare_threshold = kept
        rows = cursor.fetchall()
    return [
        Answer(position, outcome, posted_id, code, json.loads(detail) if isinstance(detail, str) else detail or {})
        for position, outcome, posted_id, code, detail in rows
    ]
