"""Acts at the same moment: real threads, each with a connection of its own, that start from one barrier."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from django.db import connections

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
