"""Each system check is silent when all is well and speaks when it is not."""

import pytest
from django.core.checks import CheckMessage
from django.db import connection, connections
from pytest_django.fixtures import Settings

from ledgerops import checks


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_runtime_role_passes_and_another_server_version_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_postgresql_version(databases=["default", "owner"]) == []
    assert checks.check_runtime_role(databases=["default"]) == []
    monkeypatch.setattr(checks, "POSTGRESQL_MINIMUM", 99)
    assert ids(checks.check_postgresql_version(databases=["default"])) == ["ledgerops.E001"]


@pytest.mark.django_db(databases=["default", "owner"])
def test_serving_requests_as_the_owner_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "connections", {"default": connections["owner"]})
    assert ids(checks.check_runtime_role(databases=["default"])) == ["ledgerops.E002"]


@pytest.mark.django_db
def test_a_check_that_was_not_asked_about_a_database_asks_none() -> None:
    with connection.execute_wrapper(refuse_queries):
        assert checks.check_postgresql_version(databases=None) == []
        assert checks.check_runtime_role(databases=["owner"]) == []


def test_production_is_not_served_with_debug_pages_or_unnamed_hosts(settings: Settings) -> None:
    assert checks.check_production() == []
    settings.PRODUCTION = True
    settings.DEBUG = True
    settings.ALLOWED_HOSTS = ["localhost"]
    assert ids(checks.check_production()) == ["ledgerops.E003", "ledgerops.E004"]
    settings.DEBUG = False
    settings.ALLOWED_HOSTS = ["ledger.example.com"]
    assert checks.check_production() == []
    settings.ALLOWED_HOSTS = ["*"]
    assert ids(checks.check_production()) == ["ledgerops.E004"]


def test_the_two_database_urls_are_two_logins_of_one_database(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert checks.check_database_aliases() == []
    monkeypatch.setitem(settings.DATABASES, "owner", {**settings.DATABASES["default"], "NAME": "another"})
    assert ids(checks.check_database_aliases()) == ["ledgerops.E005", "ledgerops.E006"]


def ids(messages: list[CheckMessage]) -> list[str | None]:
    return [message.id for message in messages]


def refuse_queries(*_arguments: object) -> None:
    raise AssertionError("a query")
