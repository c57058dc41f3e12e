"""Transactions: acts whose refusal is remembered, retries, and constraint names as refusals."""

import random
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TypeVar

from django.db import IntegrityError, InterfaceError, OperationalError, connection, transaction

from ledgerops.lib.errors import Busy

T = TypeVar("T")

# Deadlock, serialization failure: the statement was right, the moment was wrong.
TRANSIENT_SQLSTATES = frozenset({"40P01", "40001"})
# Somebody else was first: the two above, and a lock not had in time.
CONTENDED_SQLSTATES = TRANSIENT_SQLSTATES | {"55P03"}
# Likewise the server going down or not yet up; and, by their class, lost connections.
PASSING_SQLSTATES = CONTENDED_SQLSTATES | {"57P01", "57P02", "57P03"}
CONNECTION_LOST_CLASS = "08"


def sqlstate_of(error: BaseException) -> str | None:
    """Return PostgreSQL's five-character error code behind a Django database error."""
    return getattr(error.__cause__, "sqlstate", None)


def constraint_of(error: BaseException) -> str | None:
    """Return the name of the constraint or guard that a database error reports; its message text is never read."""
    diagnosis = getattr(error.__cause__, "diag", None)
    return getattr(diagnosis, "constraint_name", None) or None


def will_pass(error: BaseException) -> bool:
    """Return whether the same act may well succeed later as it is: the moment was wrong, or the server was gone."""
    if isinstance(error, InterfaceError):
        return True
    if not isinstance(error, OperationalError):
        return False
    sqlstate = sqlstate_of(error)  # none where the server could not say anything any more
    return sqlstate is None or sqlstate in PASSING_SQLSTATES or sqlstate.startswith(CONNECTION_LOST_CLASS)


def busy_of(error: BaseException) -> Busy | None:
    """Return the refusal that a lock not had, or a race lost, is to a person; None for every other failure.

    A server that is gone is no such refusal: whether its last commit stands is not known.
    """
    if not isinstance(error, OperationalError) or sqlstate_of(error) not in CONTENDED_SQLSTATES:
        return None
    return Busy("somebody else holds this at the moment; try again in a moment")


def database_now() -> datetime:
    """Return the instant by the database's clock, which alone says when something was recorded."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
    instant: datetime = now
    return instant


def check_constraints_now() -> None:
    """Fire every deferred constraint of this transaction, then defer again."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")


@contextmanager
def savepoint_with_constraints() -> Iterator[None]:
    """Run a block in a savepoint whose deferred constraints have all held by its end."""
    with transaction.atomic():
        yield
        check_constraints_now()


def retried(act: Callable[[], T], *, attempts: int = 5, lost_to: Collection[str] = ()) -> T:
    """Run a whole transaction again, with jitter, when it lost a deadlock, a serialization race or a race for one of the constraints.

    :raises OperationalError, IntegrityError: the last one, when every attempt lost.
    """
    for attempt in range(1, attempts + 1):
        try:
            return act()
        except (OperationalError, IntegrityError) as error:
            lost = sqlstate_of(error) in TRANSIENT_SQLSTATES or constraint_of(error) in lost_to
            if not lost or attempt == attempts:
                raise
            time.sleep(random.uniform(0.005, 0.02) * 2**attempt)  # noqa: S311 jitter, no secret
    raise AssertionError("unreachable")
