"""What kinds of proposal exist. Apps above register their handlers; this app never learns who they are."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from uuid import UUID

from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from approvals.models import User


class UnknownKind(Refusal):
    code = "unknown_proposal_kind"
    kind = RefusalKind.NOT_FOUND


class PreconditionChanged(Refusal):
    """The world is no longer the one the maker saw; raised by `Handler.execute`, which makes the proposal stale."""

    code = "precondition_changed"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a handler understood of a payload: everything the proposal row and its first screen need."""

    payload: Mapping[str, Any]
    title: str
    scope: str
    target_type: str
    target_id: str
    locked_object: str
    preconditions: Mapping[str, Any]
    reason_code: str
    narrative: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """How a proposal is shown to its checker: a template and what it needs, plus checks as (passed, sentence, topic)."""

    template: str
    context: Mapping[str, Any]
    checks: tuple[tuple[bool, str, str], ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Amount:
    """How much a proposal is about, for lists."""

    minor: int
    asset: str
    scale: int


class Handler(Protocol):
    """Carries out one kind of proposal on behalf of the app that registered it."""

    kind: str
    label: str

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        """Understand a payload against the present state, locking what the proposal will hold.

        :raises Refusal: naming the field that is wrong.
        """

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Mark what the proposal holds, so that nobody else works on it."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Undo `hold` after the proposal ended without being executed."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        """Carry the command out, comparing every precondition under lock first.

        :raises PreconditionChanged: if one no longer holds.
        :raises Refusal: if the books refuse it.
        """

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        """Return what the checker must see."""

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        """Return what each payload is worth, in the same order, without a query for each."""

    def scopes_for(self, *, user: "User") -> Collection[str]:
        """Return the scopes whose proposals the user may see."""


_HANDLERS: dict[str, Handler] = {}


def register_handler(handler: Handler) -> None:
    assert handler.kind not in _HANDLERS, f"two handlers for {handler.kind}"
    _HANDLERS[handler.kind] = handler


def handler_of(kind: str) -> Handler:
    """Return who carries out a kind.

    :raises UnknownKind: if nobody does.
    """
    try:
        return _HANDLERS[kind]
    except KeyError:
        raise UnknownKind(f"there is no proposal of kind {kind}", field="kind") from None


def handlers() -> list[Handler]:
    return list(_HANDLERS.values())


# What a switch may be limited to, beside everywhere: `entity:CODE`. Apps above say which of them exist.
_SCOPES: dict[str, Callable[[str], bool]] = {}


def register_scope(prefix: str, *, exists: Callable[[str], bool]) -> None:
    assert prefix not in _SCOPES, f"scope {prefix} is registered twice"
    _SCOPES[prefix] = exists


def scope_exists(scope: str) -> bool:
    """Return whether a scope such as `entity:CODE` names something that is there."""
    prefix, _, code = scope.partition(":")
    exists = _SCOPES.get(prefix)
    return bool(code) and exists is not None and exists(code)


def scope_prefixes() -> list[str]:
    return list(_SCOPES)
