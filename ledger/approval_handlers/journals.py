"""What posts entries by approval: journals, reversals, opening balances, recurring entries."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.operations import cutover, journals, recurring, reversals
from ledger.queries.journal_reviews import amount_of, journal_review, recurring_facts
from ledger.queries.journals import entity_scopes_for, scales

Facts = Callable[[Mapping[str, Any]], Sequence[tuple[str, str]]]


def _no_facts(_: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return ()


def _file_facts(payload: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [("File", payload["source"])] if payload["source"] else []


def _opening_facts(payload: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [("Cutover", payload["cutover_date"]), ("Open items", str(payload["open_items"])), *_file_facts(payload)]


def _reversal_facts(payload: Mapping[str, Any]) -> Sequence[tuple[str, str]]:
    return [("Undoes", payload["original"]), ("Of it", "chosen legs" if payload["amounts"] else "all that is left")]


def _start(*, payload: Mapping[str, Any], proposal_id: UUID, **_: Any) -> None:
    recurring.start_recurring(payload=payload, proposal_id=proposal_id)


@dataclass(slots=True, kw_only=True)
class EntryHandler:
    """Carries out one kind of proposal whose payload holds the entries that it posts."""

    kind: str
    label: str
    understand: Callable[..., Command]
    carry_out: Callable[..., None]
    facts: Facts = _no_facts

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return self.understand(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: an entry that nobody has posted touches nothing, and the proposal's own lock keeps others off its object."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        self.carry_out(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        return journal_review(payload=payload, executed=executed, proposal_id=proposal_id, facts=self.facts(payload))

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        scale_of = scales()
        return [amount_of(payload["entries"] if "entries" in payload else [payload["entry"]], scale_of=scale_of) for payload in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return entity_scopes_for(user)


HANDLERS = (
    EntryHandler(
        kind=journals.JOURNAL, label="Entry by hand", understand=journals.check_journal, carry_out=journals.post_journal, facts=_file_facts
    ),
    EntryHandler(
        kind=reversals.REVERSAL,
        label="Undoing entry",
        understand=reversals.check_reversal,
        carry_out=reversals.post_reversal,
        facts=_reversal_facts,
    ),
    EntryHandler(
        kind=cutover.OPENING,
        label="Opening of the books",
        understand=cutover.check_opening,
        carry_out=cutover.post_opening,
        facts=_opening_facts,
    ),
    EntryHandler(
        kind=recurring.START, label="Entry that recurs", understand=recurring.check_recurring, carry_out=_start, facts=recurring_facts
    ),
)
