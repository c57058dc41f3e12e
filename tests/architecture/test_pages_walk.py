"""Every route of every page: each says which permission it needs, and is refused to every role that lacks it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter, StringConverter, UUIDConverter

from approvals.models import User
from ledgerops.reference import ROLES
from tests.fixtures import signed_in

# Routes of libraries and of machines, with who may open them; everything else is ours and carries its mark.
NOT_PAGES = ("account/", "api/", "healthz/", "favicon")
SAMPLES: dict[type, Any] = {UUIDConverter: "01900000-0000-7000-8000-000000000000", IntConverter: 1, StringConverter: "none"}


def our_routes(patterns: list[Any] | None = None, prefix: str = "", namespace: str = "") -> Iterator[tuple[str, str, URLPattern]]:
    """Yield (path, name, pattern) of every page."""
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from our_routes(pattern.url_patterns, path, inner)
        elif not path.startswith(NOT_PAGES):
            yield path, f"{namespace}{pattern.name}", pattern


ROUTES = list(our_routes())


@pytest.mark.parametrize(("path", "name", "pattern"), ROUTES, ids=[path or "/" for path, _, _ in ROUTES])
def test_route_says_what_it_needs_it(path: str, name: str, pattern: URLPattern) -> None:
    assert hasattr(pattern.callback, "required_permission"), f"{path} is open to whoever is signed in, without saying so"
    assert not name.endswith("None"), f"{path} has no name"


@pytest.mark.usefixtures("nothing_counted")
@pytest.mark.parametrize("role", sorted(ROLES))
def test_each_role_opens_what_its_permissions_say_it(role: str, person: Callable[[str, str], User]) -> None:
    client = signed_in(person("somebody", role))
    wrong = []
    for path, name, pattern in ROUTES:
        needed = pattern.callback.required_permission  # type: ignore[attr-defined]
        allowed = needed is None or needed in ROLES[role]
        statuses = {method: _status(client, method, name, pattern) for method in ("get", "post")}
        refused = [method for method, status in statuses.items() if status == 403]
        if (allowed and refused == ["get", "post"]) or (not allowed and any(status not in (403, 405) for status in statuses.values())):
            wrong.append((path, needed, statuses))
    assert wrong == []


@pytest.mark.django_db
def test_visitor_is_sent_to_sign_in_it(chart: dict[str, Any]) -> None:
    for _, name, pattern in ROUTES:
        response = Client().get(_address(name, pattern))
        assert response.status_code == 302, name
        assert response.headers["Location"].startswith("/account/login/"), name


def _address(name: str, pattern: URLPattern) -> str:
    converters = pattern.pattern.converters
    return reverse(name, kwargs={key: SAMPLES.get(type(converter), "none") for key, converter in converters.items()})


def _status(client: Client, method: str, name: str, pattern: URLPattern) -> int:
    return int(getattr(client, method)(_address(name, pattern)).status_code)
