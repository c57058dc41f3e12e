"""Connections that are kept from one request to the next: replaced when the server ended them, and not asked about when it did not."""

from unittest.mock import patch

import pytest
from django.db import close_old_connections, connection, connections
from django.db.backends.postgresql.base import DatabaseWrapper as Djangos

pytestmark = pytest.mark.django_db(transaction=True)


def backend() -> int:
    """Return the process that serves this thread's connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        return int(cursor.fetchone()[0])


def begin_a_request() -> None:
    close_old_connections()


def test_a_connection_that_the_server_ended_is_replaced() -> None:
    first = backend()
    another = connections.create_connection("default")
    with another.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [first])
        assert cursor.fetchone() == (True,)
    another.close()
    begin_a_request()
    assert backend() != first


def test_a_connection_that_stands_is_kept_without_a_question() -> None:
    first = backend()
    begin_a_request()
    with patch.object(Djangos, "is_usable", side_effect=AssertionError("the server was asked")):
        assert backend() == first


def test_a_connection_that_was_closed_is_not_usable() -> None:
    backend()
    connection.connection.close()
    assert not connection.is_usable()
