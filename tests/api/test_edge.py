"""Who may come in, how errors look, and what the description says of itself."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
from knox.models import AuthToken

from approvals.models import User
from audit.models import AuditEvent
from ledgerops.api_urls import DOCS_POLICY
from tests.api.caller import Caller, description, registry
from tests.fixtures import signed_in

Api = Callable[[User], Caller]
ACCOUNTS = "/api/v1/accounts"


def token_of(user: User) -> str:
    said = StringIO()
    call_command("api_token", user.username, stdout=said)
    return said.getvalue().strip()


def bearing(token: str) -> int:
    return Client(headers={"Authorization": f"Bearer {token}"}).get(ACCOUNTS).status_code


def test_a_token_acts_as_its_person_and_its_issue_is_on_the_trail(maker: User, auditor: User) -> None:
    token = token_of(maker)
    assert bearing(token) == 200
    event = AuditEvent.objects.get(action="approvals.token.issued")
    assert (event.target_id, event.outcome, token not in str(event.after)) == (str(maker.pk), "done", True)
    kept = AuthToken.objects.get()
    assert token not in (kept.digest, kept.token_key), "only a digest is kept"
    # The trail names the person, though the request came without a session.
    Client(headers={"Authorization": f"Bearer {token}"}).get("/api/v1/audit/events")
    assert AuditEvent.objects.filter(action="approvals.access.refused", actor_id=maker.pk).exists()


def test_a_token_ends_with_its_time_and_with_its_person(maker: User) -> None:
    token = token_of(maker)
    assert AuthToken.objects.get().expiry < timezone.now() + timedelta(days=91)
    maker.is_active = False
    maker.save()
    assert bearing(token) == 401
    with pytest.raises(CommandError, match="no active user maker"):
        token_of(maker)
    maker.is_active = True
    maker.save()
    AuthToken.objects.update(expiry=timezone.now() - timedelta(seconds=1))
    assert bearing(token) == 401


@pytest.mark.parametrize("token", ["", "nonsense", "a b", "a\0b", "\xff\xfe", "0" * 64])
def test_a_wrong_token_is_401_in_json(maker: User, token: str) -> None:
    response = Client(headers={"Authorization": f"Bearer {token}"}).get(ACCOUNTS)
    assert (response.status_code, response.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert set(response.json()["error"]) == {"code", "message", "field", "detail"}


def test_a_session_needs_its_csrf_token_to_change_anything(maker: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(maker, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get(ACCOUNTS).status_code == 200
    response = client.post("/api/v1/transactions", "{}", content_type="application/json")
    assert (response.status_code, response.json()["error"]["code"]) == (403, "permission_denied")
    token = Client(enforce_csrf_checks=True, headers={"Authorization": f"Bearer {token_of(maker)}"})
    assert token.post("/api/v1/transactions", "{}", content_type="application/json").status_code == 422


def test_every_error_has_one_form(maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = signed_in(maker)
    client.raise_request_exception = False

    def fail(*_: Any, **__: Any) -> None:
        raise RuntimeError("not for strangers")

    answers = {
        401: Client().get(ACCOUNTS),
        403: client.get("/api/v1/audit/events"),
        404: client.get("/api/v1/nothing"),
        405: client.delete(ACCOUNTS),
        415: client.post("/api/v1/transactions", "x", content_type="text/plain"),
        422: client.get(ACCOUNTS, {"typo": "1"}),
    }
    monkeypatch.setattr("ledger.queries.accounts_for", fail)
    answers[500] = client.get(ACCOUNTS)
    for status, response in answers.items():
        assert response.status_code == status, response.content
        assert response.headers["Content-Type"] == "application/json"
        assert set(response.json()["error"]) == {"code", "message", "field", "detail"}
    failure = answers[500].json()["error"]
    assert "strangers" not in str(failure)
    assert failure["detail"]["request_id"] == answers[500].headers["X-Request-ID"]


def test_whatever_form_is_asked_for_the_answer_is_json(maker: User) -> None:
    for accept in ("text/html", "application/xml", "*/*"):
        response = signed_in(maker).get(ACCOUNTS, headers={"Accept": accept})
        assert (response.status_code, response.headers["Content-Type"]) == (200, "application/json")


def test_the_description_is_generated_without_a_warning() -> None:
    call_command("spectacular", "--validate", "--fail-on-warn", stdout=StringIO())


def test_every_example_is_what_its_body_may_be() -> None:
    tried = 0
    for route, operations in description()["paths"].items():
        for method, operation in operations.items():
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                pointer = f"{route.replace('/', '~1')}/{method}/requestBody/content/{kind.replace('/', '~1')}/schema"
                validator = Draft202012Validator({"$ref": f"urn:api#/paths/{pointer}"}, registry=registry())
                for example in content.get("examples", {}).values():
                    validator.validate(example["value"])
                    tried += 1
    assert tried >= 3


def test_the_documentation_asks_to_sign_in_and_alone_has_its_own_policy(maker: User) -> None:
    assert Client().get("/api/v1/docs/").headers["Location"].startswith("/account/login/")
    assert Client().get("/api/v1/schema/").status_code == 401
    client = signed_in(maker)
    docs = client.get("/api/v1/docs/")
    policy = docs.headers["Content-Security-Policy"]
    assert docs.status_code == 200
    assert "script-src 'self';" in f"{policy};", "scripts are the product's own everywhere"
    for directive, (source,) in DOCS_POLICY.items():
        assert f"{directive} 'self' {source}" in policy
        assert source not in client.get("/api/v1/schema/").headers["Content-Security-Policy"]
    assert "application/javascript" in client.get("/api/v1/docs/", {"script": ""}).headers["Content-Type"]
