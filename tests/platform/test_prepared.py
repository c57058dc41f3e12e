"""Prepared statements: the same alone and inside a transaction, after they were forgotten, and when something is wrong with them."""

import os
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from threading import Barrier
from typing import Any

import pytest
from django.db import (
    DatabaseError,
    DataError,
    IntegrityError,
    OperationalError,
    close_old_connections,
    connection,
    connections,
    transaction,
)
from django.test.utils import CaptureQueriesContext, override_settings
from psycopg.pq import TransactionStatus

from ledgerops.lib import prepared
from ledgerops.lib.prepared import read, rows
from ledgerops.lib.transactions import busy_of, constraint_of, retried, sqlstate_of, will_pass

pytestmark = pytest.mark.django_db(transaction=True)

SUM = "SELECT json_build_array($1::int + $2::int)::text"
NOTHING = "SELECT '1' WHERE $1::int = 0"
BACKEND = "SELECT pg_backend_pid()::text WHERE $1::int = 1"
LOCKED = "SELECT pg_advisory_xact_lock($1::bigint)"
TYPES = """SELECT jsonb_build_object('b', 1.50, 'a', $1::text), numeric '1.50', true, NULL, 7::bigint,
                  uuid '0196a000-0000-7000-8000-000000000001', date '2026-11-22'"""
MANY = "SELECT n, md5(n::text) FROM generate_series(1, $1::int) n"
ECHO = "SELECT to_json($1::text)::text"
LOCK = 20261122
WAITING = """SELECT max(l.pid) FROM (SELECT pg_sleep(0.01)) slept, pg_locks l
             WHERE l.locktype = 'advisory' AND l.objid = %s AND NOT l.granted"""
# What a transaction leaves behind without a table: a setting, which goes with it.
TELL = "SELECT set_config('ledgerops.told', $1, false)"
TOLD = "SELECT current_setting('ledgerops.told', true)"
# A session of somebody's browser, since the runtime role has no table of its own to try with.
SIGN_IN = "INSERT INTO django_session (session_key, session_data, expire_date) VALUES ($1, '', now()) RETURNING session_key"
NOTED = "SELECT to_json(pg_cancel_backend($1::int))::text"

# Each statement goes to libpq by itself, and by psycopg's cursor inside a transaction.
either_way = pytest.mark.parametrize("inside", [False, True], ids=["alone", "inside"])


@contextmanager
def as_asked(*, inside: bool) -> Iterator[None]:
    if inside:
        with transaction.atomic():
            yield
    else:
        yield


def execute(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@contextmanager
def another_session() -> Iterator[Callable[..., Any]]:
    """Give a function that asks one value in a session of its own."""
    another = connections.create_connection("default")

    def ask(statement: str, *values: Any) -> Any:
        with another.cursor() as cursor:
            cursor.execute(statement, values)
            (value,) = cursor.fetchone()
        return value

    try:
        yield ask
    finally:
        another.close()


@contextmanager
def in_a_thread(act: Callable[[], Any]) -> Iterator[Any]:
    """Run something in a thread with a connection of its own."""

    def acted() -> Any:
        try:
            return act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(acted)


def waiting_backend(ask: Callable[..., Any]) -> int:
    """Return the session that waits for the lock of these tests, as soon as one does."""
    for _ in range(400):
        found = ask(
            "SELECT max(pid) FROM (SELECT pg_sleep(0.01)) s, pg_locks WHERE locktype = 'advisory' AND objid = %s AND NOT granted", LOCK
        )
        if found is not None:
            return int(found)
    raise AssertionError("nobody waits, or whoever does keeps every other thread from running")


def end(backend: int) -> None:
    with another_session() as ask:
        assert ask("SELECT pg_terminate_backend(%s, 5000)", backend)


def in_mid_request() -> None:
    """Go on as in the middle of a request, where its connection is not looked at again."""
    connection.health_check_done = True  # type: ignore[attr-defined]


def test_it_answers_alone_and_inside_a_transaction() -> None:
    assert (read(SUM, [1, 2]), read(SUM, [2, 3]), read(NOTHING, [1])) == ([3], [5], None)
    with transaction.atomic():
        assert (read(SUM, [3, 4]), read(NOTHING, [1])) == ([7], None)
        with transaction.atomic():
            assert read(SUM, [4, 5]) == [9]
    assert read(SUM, [5, 6]) == [11]


def test_every_type_is_the_same_text_alone_and_inside_a_transaction() -> None:
    alone = rows(TYPES, ["é\t'"])
    with transaction.atomic():
        assert rows(TYPES, ["é\t'"]) == alone
    assert alone == [('{"a": "é\\t\'", "b": 1.50}', "1.50", "t", None, "7", "0196a000-0000-7000-8000-000000000001", "2026-11-22")]


def test_ten_thousand_rows_are_the_same_alone_and_inside_a_transaction() -> None:
    alone = rows(MANY, [10_000])
    with transaction.atomic():
        assert rows(MANY, [10_000]) == alone
    assert [number for number, _ in alone] == [str(number) for number in range(1, 10_001)]


def test_inside_a_transaction_it_is_part_of_it() -> None:
    rows(TELL, ["kept"])
    with transaction.atomic():
        rows(TELL, ["lost"])
        transaction.set_rollback(True)
    assert rows(TOLD, []) == [("kept",)]
    connection.close()


def test_without_autocommit_it_begins_the_transaction_that_the_caller_ends() -> None:
    rows(TELL, ["kept"])
    connection.set_autocommit(False)
    try:
        rows(TELL, ["lost"])
        assert connection.connection.pgconn.transaction_status == TransactionStatus.INTRANS
        connection.rollback()
    finally:
        connection.set_autocommit(True)
    assert rows(TOLD, []) == [("kept",)]
    connection.close()


def test_it_is_prepared_again_where_the_server_has_forgotten_it() -> None:
    assert read(SUM, [1, 2]) == [3]
    execute("DEALLOCATE ALL")
    assert read(SUM, [1, 2]) == [3]
    assert read(NOTHING, [1]) is None


def test_it_is_prepared_again_after_a_rollback() -> None:
    for _ in range(3):
        assert read(SUM, [1, 2]) == [3]
        with transaction.atomic():
            assert read(SUM, [1, 2]) == [3]
            transaction.set_rollback(True)


def test_it_goes_on_with_what_the_session_had_prepared_before_it_was_interrupted() -> None:
    assert read(SUM, [1, 2]) == [3]
    prepared._names.clear()
    assert (read(SUM, [1, 2]), read(SUM, [2, 3])) == ([3], [5])


@override_settings(PREPARED_STATEMENTS=False)
def test_behind_a_pooler_nothing_is_prepared() -> None:
    execute("DEALLOCATE ALL")
    assert read(SUM, [1, 2]) == [3]
    with transaction.atomic():
        assert read(SUM, [1, 2]) == [3]
    assert rows("SELECT name FROM pg_prepared_statements", []) == []


@either_way
def test_what_is_wrong_is_the_error_that_django_has_for_it(*, inside: bool) -> None:
    for _ in range(2):
        with pytest.raises(DataError) as caught, as_asked(inside=inside):
            read(SUM, ["none", 2])
        assert sqlstate_of(caught.value) == "22P02"
    assert read(SUM, [1, 2]) == [3]


@either_way
@pytest.mark.parametrize("text", ["cut\0off", "half a \ud83d character"])
def test_what_is_no_text_to_the_database_is_no_value_for_it(*, inside: bool, text: str) -> None:
    with pytest.raises(DataError), as_asked(inside=inside):
        read(ECHO, [text])
    assert read(ECHO, ["whole 🙂"]) == "whole 🙂"


@either_way
def test_a_constraint_is_named_and_a_race_for_it_is_run_again(*, inside: bool) -> None:
    rows(SIGN_IN, ["taken"])
    keys = ["taken", "taken", "free"]

    def sign_in() -> Any:
        with as_asked(inside=inside):
            return rows(SIGN_IN, [keys.pop(0)])

    with pytest.raises(IntegrityError) as caught:
        sign_in()
    assert (sqlstate_of(caught.value), constraint_of(caught.value)) == ("23505", "django_session_pkey")
    assert retried(sign_in, lost_to={"django_session_pkey"}) == [("free",)]


@either_way
def test_a_lock_not_had_in_time_is_busy(*, inside: bool) -> None:
    execute("SET lock_timeout = '20ms'")
    try:
        with another_session() as ask:
            ask("SELECT pg_advisory_lock(%s)::text", LOCK)
            with pytest.raises(OperationalError) as caught, as_asked(inside=inside):
                rows(LOCKED, [LOCK])
        assert (sqlstate_of(caught.value), busy_of(caught.value) is not None) == ("55P03", True)
    finally:
        connection.close()


@either_way
def test_a_statement_out_of_time_is_an_error_after_which_the_session_goes_on(*, inside: bool) -> None:
    first = read(BACKEND, [1])
    execute("SET statement_timeout = '20ms'")
    with pytest.raises(OperationalError) as caught, as_asked(inside=inside):
        rows("SELECT pg_sleep($1::int)", [5])
    assert sqlstate_of(caught.value) == "57014"
    assert read(BACKEND, [1]) == first
    connection.close()


def test_other_threads_run_while_a_statement_waits_and_may_cancel_it() -> None:
    with another_session() as ask:
        ask("SELECT pg_advisory_lock(%s)::text", LOCK)
        with in_a_thread(partial(rows, LOCKED, [LOCK])) as waits:
            assert ask("SELECT pg_cancel_backend(%s)", waiting_backend(ask))
            error = waits.exception()
    assert isinstance(error, OperationalError)
    assert sqlstate_of(error) == "57014"


def test_threads_that_share_a_session_take_turns() -> None:
    at_once, shared = Barrier(2), connections["default"]

    def many(start: int) -> bool:
        connections["default"] = shared
        at_once.wait()
        return all(read(SUM, [start, number]) == [start + number] for number in range(200))

    shared.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(many, [1000, 2000])) == [True, True]
    finally:
        shared.dec_thread_sharing()


def test_a_session_of_another_thread_is_not_taken() -> None:
    mine = connections["default"]

    def take() -> Any:
        connections["default"] = mine
        return read(SUM, [1, 2])

    with ThreadPoolExecutor(1) as pool, pytest.raises(DatabaseError, match="thread"):
        pool.submit(take).result()


def test_a_child_of_the_process_asks_in_a_session_of_its_own() -> None:
    first = read(BACKEND, [1])
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            # As Celery's workers do, so that the parent's session is not told goodbye.
            os.close(connection.connection.fileno())
            connection.close()
            os.write(writing, str(read(BACKEND, [1])).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    os.close(writing)
    with os.fdopen(reading) as said:
        other = said.read()
    assert other.isdigit()
    assert read(BACKEND, [1]) == first != int(other)


def test_a_connection_that_was_closed_for_its_age_is_opened_again() -> None:
    first = read(BACKEND, [1])
    connection.close_at = 0
    close_old_connections()
    assert read(BACKEND, [1]) != first
    assert read(SUM, [1, 2]) == [3]


def test_a_session_that_was_ended_is_an_error_that_will_pass_and_the_next_statement_has_another() -> None:
    first = read(BACKEND, [1])
    end(first)
    in_mid_request()
    with pytest.raises(OperationalError) as caught:
        read(BACKEND, [1])
    assert will_pass(caught.value)
    assert connection.connection is None
    assert read(BACKEND, [1]) != first


def test_a_server_that_vanished_without_a_word_is_an_error_that_will_pass() -> None:
    first = read(BACKEND, [1])
    with socket.socket(fileno=os.dup(connection.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)
    in_mid_request()
    with pytest.raises(OperationalError) as caught:
        read(BACKEND, [1])
    assert will_pass(caught.value)
    assert read(BACKEND, [1]) != first


def test_a_session_that_is_ended_while_it_is_asked_is_an_error_that_will_pass() -> None:
    def lost() -> bool:
        with pytest.raises(OperationalError) as caught:
            rows(LOCKED, [LOCK])
        return will_pass(caught.value) and read(SUM, [1, 2]) == [3]

    with another_session() as ask:
        ask("SELECT pg_advisory_lock(%s)::text", LOCK)
        with in_a_thread(lost) as waits:
            assert ask("SELECT pg_terminate_backend(%s, 5000)", waiting_backend(ask))
            assert waits.result() is True


def test_a_session_that_ended_is_replaced_between_two_requests_without_an_error() -> None:
    first = read(BACKEND, [1])
    end(first)
    close_old_connections()
    assert read(BACKEND, [1]) != first


def test_a_session_lost_inside_a_transaction_is_replaced_after_it_only() -> None:
    first = read(BACKEND, [1])

    def lose() -> None:
        with transaction.atomic():
            end(read(BACKEND, [1]))
            with suppress(OperationalError):
                read(BACKEND, [1])
            read(BACKEND, [1])

    with pytest.raises(OperationalError) as caught:
        lose()
    assert will_pass(caught.value)
    close_old_connections()
    assert read(BACKEND, [1]) != first


def test_a_session_lost_without_autocommit_is_not_replaced_behind_the_callers_back() -> None:
    connection.set_autocommit(False)
    first = read(BACKEND, [1])
    end(first)
    for _ in range(2):
        with pytest.raises(OperationalError):
            read(BACKEND, [1])
    close_old_connections()
    assert read(BACKEND, [1]) != first
    assert connection.get_autocommit()


def test_a_transaction_in_error_answers_nothing_more() -> None:
    def go_on() -> None:
        with transaction.atomic():
            with suppress(DataError):
                read(SUM, ["none", 2])
            read(SUM, [1, 2])

    with pytest.raises(DatabaseError) as caught:
        go_on()
    assert sqlstate_of(caught.value) == "25P02"
    assert read(SUM, [1, 2]) == [3]


@either_way
def test_what_the_server_notes_reaches_whoever_listens(*, inside: bool) -> None:
    noted: list[str | None] = []
    read(SUM, [1, 2])
    connection.connection.add_notice_handler(lambda notice: noted.append(notice.severity_nonlocalized))
    with as_asked(inside=inside):
        assert read(NOTED, [2**31 - 1]) is False
    assert noted == ["WARNING"]
    connection.close()


def test_it_is_counted_with_django_s_own_statements_even_if_it_fails() -> None:
    with CaptureQueriesContext(connection) as asked:
        read(SUM, [1, 2])
        with pytest.raises(DataError):
            read(SUM, ["none", 2])
    assert [query["sql"] for query in asked] == [SUM, SUM]
