"""A lock that somebody else holds: an answer that says so and when to ask again, and nothing written."""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from django.db import OperationalError, connection, connections
from django.test import Client, RequestFactory

from approvals.models import User
from ledgerops.lib.http import RefusalMiddleware
from recon.models import Break, Source
from tests.api.caller import Caller
from tests.concurrency.scene import bank, break_of, mt940, reconcile
from tests.fixtures import signed_in
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db(transaction=True)

SENTENCE = "somebody else holds this at the moment; try again in a moment"


@pytest.fixture
def source(roles: None) -> Source:
    return bank()


@pytest.fixture
def held(source: Source, maker: User) -> Iterator[Break]:
    """A break whose row another session has locked; we wait for it no longer than 50 ms."""
    reconcile(mt940(("D", 250, "FEE-20261102")), source=source, by=maker)
    found = break_of(reference="FEE-20261102")
    own = connections["default"].settings_dict
    with psycopg.connect(host=own["HOST"], port=own["PORT"], dbname=own["NAME"], user=own["USER"], password=own["PASSWORD"]) as other:
        other.execute("SELECT FROM recon_break WHERE id = %s FOR UPDATE", [found.pk])
        with connection.cursor() as cursor:
            cursor.execute("SET lock_timeout = '50ms'")
        yield found
        other.rollback()
    connection.close()


def test_held_break_is_503_as_a_page_and_can_be_asked_for_again(held: Break, maker: User) -> None:
    with writes_nothing():
        response = signed_in(maker).post(f"/breaks/{held.pk}/assign/", {"assignee": maker.pk})
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert f"{SENTENCE}." in response.text
    assert "Somebody else holds this" in response.text
    assert "Nothing was changed." in response.text
    assert "<html" in response.text


def test_held_break_is_503_as_a_fragment(held: Break, maker: User) -> None:
    response = signed_in(maker).post(f"/breaks/{held.pk}/assign/", {"assignee": maker.pk}, headers={"HX-Request": "true"})
    assert (response.status_code, response["Retry-After"]) == (503, "1")
    assert f"{SENTENCE}." in response.text
    assert "<html" not in response.text


def test_held_break_is_503_by_the_api(held: Break, maker: User) -> None:
    caller = Caller(signed_in(maker))
    with writes_nothing():
        error = caller.refused(f"/breaks/{held.pk}/assign", {"assignee": "maker"}, answers=503)
    assert error == {"code": "busy", "message": SENTENCE, "field": None, "detail": {}}
    assert caller.response["Retry-After"] == "1"


def test_every_other_failure_of_the_database_stays_a_failure(client: Client, rf: RequestFactory) -> None:
    answer: Callable[..., object] = RefusalMiddleware(lambda _: pytest.fail("not asked")).process_exception
    assert answer(rf.get("/"), OperationalError("the server is gone")) is None
