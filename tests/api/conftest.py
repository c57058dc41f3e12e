"""People at the API, and a bank account to reconcile."""

from collections.abc import Callable

import pytest

from approvals.models import User
from recon.models import Source
from tests.api.caller import Caller
from tests.concurrency.scene import bank
from tests.fixtures import signed_in


@pytest.fixture
def api() -> Callable[[User], Caller]:
    """Return a function that seats a person at the API: `api(maker).get("/accounts")`."""
    return lambda user: Caller(signed_in(user))


@pytest.fixture
def source(roles: None) -> Source:
    return bank()
