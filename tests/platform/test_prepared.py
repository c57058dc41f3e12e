"""Prepared statements: the same alone and inside a transaction, after they were forgotten, and when something is wrong with them."""

import pytest
from django.db import DataError, InterfaceError, OperationalError, connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from ledgerops.lib.prepared import read

pytestmark = pytest.mark.django_db(transaction=True)

SUM = "SELECT json_build_array($1::int + $2::int)::text"
NOTHING = "SELECT '1' WHERE $1::int = 0"
BACKEND = "SELECT pg_backend_pid()::text WHERE $1::int = 1"


def test_it_answers_alone_and_inside_a_transaction() -> None:
    assert (read(SUM, [1, 2]), read(SUM, [2, 3]), read(NOTHING, [1])) == ([3], [5], None)
    with transaction.atomic():
        assert (read(SUM, [3, 4]), read(NOTHING, [1])) == ([7], None)
        with transaction.atomic():
            assert read(SUM, [4, 5]) == [9]
    assert read(SUM, [5, 6]) == [11]


def test_it_is_prepared_again_where_the_server_has_forgotten_it() -> None:
    assert read(SUM, [1, 2]) == [3]
    with connection.cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    assert read(SUM, [1, 2]) == [3]
    assert read(NOTHING, [1]) is None


def test_what_is_wrong_is_the_error_that_django_has_for_it() -> None:
    for _ in range(2):
        with pytest.raises(DataError):
            read(SUM, ["none", 2])
    assert read(SUM, [1, 2]) == [3]


def test_a_session_that_was_ended_is_an_error_that_will_pass_and_the_next_one_answers() -> None:
    first = read(BACKEND, [1])
    another = connections.create_connection("default")
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
    another.close()
    # In the middle of a request its connection is not looked at again.
    connection.health_check_done = True  # type: ignore[attr-defined]
    with pytest.raises((OperationalError, InterfaceError)):
        read(BACKEND, [1])
    connection.close_if_unusable_or_obsolete()
    assert read(BACKEND, [1]) != first


def test_it_is_counted_with_django_s_own_statements() -> None:
    with CaptureQueriesContext(connection) as asked:
        read(SUM, [1, 2])
    assert [query["sql"] for query in asked] == [SUM]
