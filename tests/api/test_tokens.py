"""Tokens: one statement lets their bearer in, and whatever is taken from a person is gone with their next request."""

import json
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from guardian.shortcuts import remove_perm
from knox.models import AuthToken

from approvals.models import User
from approvals.operations import issue_token, set_switch
from approvals.queries import bearers
from ledger.models import AccountGroup, JournalEntry, LegalEntity
from tests.api.test_transactions import deposit

ANALYST = "Analyst"


@pytest.fixture
def bearer(maker: User, chart: Any) -> Client:
    return Client(headers={"Authorization": f"Bearer {issue_token(username=maker.username)}"})


def post(client: Client) -> Any:
    headers = {"Idempotency-Key": uuid.uuid4().hex}
    return client.post("/api/v1/transactions", json.dumps(deposit()), content_type="application/json", headers=headers)


def lose_sight_of(model: type[LegalEntity] | type[AccountGroup]) -> None:
    for one in model.objects.all():
        remove_perm(f"view_{model._meta.model_name}", Group.objects.get(name=ANALYST), one)


def analyst_may_no_more(codename: str) -> None:
    role = Group.objects.get(name=ANALYST)
    role.permissions.remove(role.permissions.get(codename=codename))


@pytest.mark.parametrize(
    ("taken", "status"),
    [
        (lambda: AuthToken.objects.all().delete(), 401),
        (lambda: AuthToken.objects.update(expiry=timezone.now()), 401),
        (lambda: User.objects.filter(username="maker").update(is_active=False), 401),
        (lambda: User.objects.get(username="maker").groups.set([]), 403),
        (lambda: analyst_may_no_more("record_transaction"), 403),
        (lambda: lose_sight_of(LegalEntity), 404),
        (lambda: lose_sight_of(AccountGroup), 404),
        (lambda: set_switch(function="posting", scope="", reason="why", passes_approved=False), 409),
    ],
    ids=["token", "time", "person", "role", "permission", "entity", "group", "switch"],
)
def test_what_is_taken_is_gone_with_the_next_request(bearer: Client, taken: Callable[[], object], status: int) -> None:
    assert post(bearer).status_code == 201
    taken()
    assert post(bearer).status_code == status
    assert JournalEntry.objects.count() == 1


def test_a_posting_asks_the_database_four_times(bearer: Client) -> None:
    post(bearer)
    with CaptureQueriesContext(connection) as asked:
        assert post(bearer).status_code == 201
    # Who it is with what they may do, what they see, the posting, and what it became.
    assert len(asked) == 4, [query["sql"] for query in asked]


def test_the_digest_and_not_the_beginning_says_whose_a_token_is(maker: User, checker: User, bearer: Client) -> None:
    own = AuthToken.objects.get()
    AuthToken.objects.create(user=checker)
    AuthToken.objects.filter(user=checker).update(token_key=own.token_key)
    assert post(bearer).json()["actor_id"] == maker.pk
    AuthToken.objects.filter(user=maker).delete()
    assert post(bearer).status_code == 401


def test_an_ended_token_is_deleted_and_another_of_the_same_person_goes_on(maker: User, bearer: Client) -> None:
    ended, _ = AuthToken.objects.create(user=maker, expiry=timedelta(days=1))
    AuthToken.objects.filter(pk=ended.pk).update(expiry=timezone.now() - timedelta(seconds=1))
    assert post(bearer).status_code == 201
    assert not AuthToken.objects.filter(pk=ended.pk).exists()


def test_who_bears_a_token_is_read_without_what_a_request_has_no_use_for(maker: User) -> None:
    (found,) = bearers(token=issue_token(username=maker.username))
    assert "password" in found.user.get_deferred_fields()
    assert (found.user, found.user.username, found.user.get_all_permissions()) == (maker, "maker", maker.get_all_permissions())


def test_an_answer_of_the_api_carries_the_headers_of_every_page(bearer: Client) -> None:
    answer, page = post(bearer).headers, Client().get("/account/login/").headers
    for name in ("Content-Security-Policy", "X-Content-Type-Options", "X-Frame-Options", "Referrer-Policy", "Cross-Origin-Opener-Policy"):
        assert answer[name] == page[name], name
    assert "default-src 'none'" in answer["Content-Security-Policy"]
    assert len(answer["X-Request-ID"]) == 32
