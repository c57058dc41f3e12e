"""Acts at the same moment: real threads, each with a connection of its own, that start from one barrier."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread
from typing import Any

from django.db import connections, transaction

PATIENCE_S = 60


def at_once(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """Run the acts at the same moment; returns, in their order, what each returned or the exception it raised."""
    barrier = Barrier(len(acts))

    def start(act: Callable[[], Any]) -> Any:
        try:
            with connections["default"].cursor() as cursor:  # connected before the barrier, so that the acts meet and not the log-ins
                cursor.execute("SELECT 1")
            barrier.wait(timeout=PATIENCE_S)
            return act()
        except Exception as error:  # noqa: BLE001 the exception is the outcome
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=PATIENCE_S) for future in [pool.submit(start, act) for act in acts]]


def of_type(outcomes: Sequence[Any], kind: type[Any]) -> list[Any]:
    """Return the outcomes of one type, exceptions included."""
    return [outcome for outcome in outcomes if isinstance(outcome, kind)]


@contextmanager
def meanwhile(act: Callable[[], object], *, undone: bool = False) -> Iterator[Callable[[], None]]:
    """Run an act in a transaction of another connection that stays open until the block calls what it is given, or ends."""
    held, release = Event(), Event()
    problems: list[Exception] = []

    def hold() -> None:
        try:
            with transaction.atomic():
                act()
                held.set()
                release.wait(timeout=30)
                transaction.set_rollback(undone)
        except Exception as error:  # noqa: BLE001 shown below
            problems.append(error)
            held.set()
        finally:
            connections.close_all()

    thread = Thread(target=hold)
    thread.start()
    held.wait(timeout=30)

    def commit() -> None:
        release.set()
        thread.join()

    try:
        yield commit
    finally:
        commit()
        assert problems == []


def waits_for_a_lock() -> bool:
    """Return whether a session of this database waits for a lock."""
    with connections["default"].cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")
        return bool(cursor.fetchone()[0])


def start(act: Callable[[], object], into: list[object]) -> Thread:
    def work() -> None:
        try:
            into.append(act())
        except Exception as error:  # noqa: BLE001 the exception is the outcome
            into.append(error)
        finally:
            connections.close_all()

    thread = Thread(target=work)
    thread.start()
    return thread


def until_it_waits(*, seconds: float = 10) -> None:
    tick = Event()
    for _ in range(int(seconds / 0.02)):
        if waits_for_a_lock():
            return
        tick.wait(0.02)
    raise AssertionError("nobody came to wait for a lock")
