"""Sessions that go around the operations: of the owner, whom no privilege stops, and of the runtime role."""

from collections.abc import Iterator

import pytest

from tests.database.around import Session, session_of


@pytest.fixture
def owner() -> Iterator[Session]:
    """A session of the owner, in one transaction that is rolled back."""
    with session_of("owner") as session:
        session.execute("SET ROLE ledgerops_owner")
        yield session
        session.rollback()


@pytest.fixture
def runtime() -> Iterator[Session]:
    """A session of the runtime role, in one transaction that is rolled back."""
    with session_of("default") as session:
        yield session
        session.rollback()
