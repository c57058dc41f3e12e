"""A pytest plugin that takes one guard away before the tests of a process run; see test_guards_matter."""

import os
from importlib import import_module

import psycopg
import pytest
from django.db import connections
from pytest_django.plugin import DjangoDbBlocker

from tests.faults.guard import Guard
from tests.faults.guards import GUARDS

BROKEN_GUARD = "LEDGEROPS_BROKEN_GUARD"


@pytest.fixture(scope="session", autouse=True)
def _guard_is_gone(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    (guard,) = [guard for guard in GUARDS if guard.name == os.environ[BROKEN_GUARD]]
    if guard.python:
        _edit_python(guard)
        return
    own = connections["owner"].settings_dict
    address = {"host": own["HOST"], "port": own["PORT"], "dbname": own["NAME"], "user": own["USER"], "password": own["PASSWORD"]}
    with psycopg.connect(**address) as session:
        session.execute("SET ROLE ledgerops_owner")
        session.execute((guard.sql or _edited_function(session, guard)).encode())


def _edited_function(session: psycopg.Connection, guard: Guard) -> str:
    row = session.execute("SELECT pg_get_functiondef(%s::regprocedure)", [guard.function]).fetchone()
    assert row is not None
    assert guard.text in row[0], f"{guard.name}: the text to leave out is not in the function"
    return str(row[0]).replace(guard.text, "")


def _edit_python(guard: Guard) -> None:
    module_name, _, name = guard.python.rpartition(".")
    module = import_module(module_name)
    current = getattr(module, name)
    if callable(current):
        setattr(module, name, lambda **_: None)
        return
    assert guard.text in current, f"{guard.name}: the text to leave out is not in {name}"
    setattr(module, name, current.replace(guard.text, ""))
