"""Who is acting, and from where: set once at each edge (request, task, command), read when an event is written."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The edge an act came through. `user_id` is None for the system itself and for visitors not signed in."""

    user_id: int | None = None
    user_name: str = "system"
    anonymous: bool = False
    session_digest: str = ""
    ip: str | None = None
    request_id: str = ""


SYSTEM = Origin()
# A callable, since a token's user is known only after the middleware has run.
_origin: ContextVar[Callable[[], Origin]] = ContextVar("audit_origin", default=lambda: SYSTEM)
_refused: ContextVar[bool] = ContextVar("audit_refused", default=False)


def current_origin() -> Origin:
    """Return the origin of the act that is running."""
    return _origin.get()()


def note_refusal() -> None:
    """Remember that the act that is running left its refusal on the trail."""
    _refused.set(True)


def refusals_recorded() -> bool:
    """Return whether a refusal was recorded since the edge was entered."""
    return _refused.get()


@contextmanager
def acting_from(resolve: Callable[[], Origin]) -> Iterator[None]:
    """Attribute every event written inside the block to what `resolve` returns at that moment."""
    token, refused = _origin.set(resolve), _refused.set(False)
    try:
        yield
    finally:
        _origin.reset(token)
        _refused.reset(refused)
