"""The two axes of a transaction as tracks: every declared state, the arrows that leave it, and which were taken, when and by whom."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ledger.models import Axis, EventOutcome, SettlementStatus, Transaction, TransactionEvent, TransactionStatus
from ledger.registry import ARROWS


@dataclass(slots=True, kw_only=True)
class State:
    """One state of an axis."""

    value: str
    label: str
    current: bool = False
    reached_at: datetime | None = None
    # By whom: a source, the request itself, a hold's end, an undoing entry.
    by: str = ""
    arrows: list[tuple[str, bool]] = field(default_factory=list)

    @property
    def left(self) -> bool:
        """Whether one of its arrows was taken."""
        return any(taken for _, taken in self.arrows)

    @property
    def reached(self) -> bool:
        return self.reached_at is not None or self.current


@dataclass(frozen=True, slots=True, kw_only=True)
class Track:
    name: str
    states: Sequence[State]


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """An arrow that was taken."""

    to: str
    at: datetime
    by: str
    origin: str = ""


def tracks_of(transaction: Transaction, *, events: Sequence[TransactionEvent], children: Sequence[Transaction]) -> list[Track]:
    """Return both axes; the second only where the transaction settles anywhere."""
    status = Track(
        name="Status",
        states=_states(Axis.STATUS, TransactionStatus.choices, now=transaction.status, moves=_status_moves(transaction, events, children)),
    )
    if transaction.settlement == SettlementStatus.NOT_APPLICABLE:
        return [status]
    first = Move(to=SettlementStatus.EXPECTED, at=transaction.created_at, by="its type settles outside")
    moves = [first, *_reported(events, axis=Axis.SETTLEMENT)]
    choices = [choice for choice in SettlementStatus.choices if choice[0] != SettlementStatus.NOT_APPLICABLE]
    return [status, Track(name="Settlement", states=_states(Axis.SETTLEMENT, choices, now=transaction.settlement, moves=moves))]


def _states(axis: Axis, choices: Sequence[tuple[str, str]], *, now: str, moves: Sequence[Move]) -> list[State]:
    states = {value: State(value=value, label=str(label), current=value == now) for value, label in choices}
    taken = set()
    previous = ""
    for move in moves:
        state = states[move.to]
        state.reached_at, state.by = move.at, move.by
        taken.add((move.origin or previous, move.to))
        previous = move.to
    for value, state in states.items():
        state.arrows = [(states[to].label.lower(), (value, to) in taken) for to in ARROWS[axis][value]]
    return list(states.values())


def _status_moves(transaction: Transaction, events: Sequence[TransactionEvent], children: Sequence[Transaction]) -> list[Move]:
    initiated = bool(transaction.content.get("initiate"))
    is_hold = transaction.content.get("act") == "place"
    refused = transaction.refusal_code is not None
    moves = []
    if refused:
        return [Move(to=TransactionStatus.FAILED, at=transaction.created_at, by=f"the books: {transaction.refusal_code}")]
    if initiated:
        moves.append(Move(to=TransactionStatus.INITIATED, at=transaction.created_at, by="the request"))
    if is_hold:
        moves.append(Move(to=TransactionStatus.PENDING, at=transaction.created_at, by="the hold was placed"))
    moves += _reported(events, axis=Axis.STATUS)
    if transaction.entry is not None:
        told = next((event for event in events if event.axis == Axis.STATUS and event.to_status == TransactionStatus.POSTED), None)
        by = told.source if told and initiated else "somebody's word to post it" if initiated else "the request"
        moves.append(Move(to=TransactionStatus.POSTED, at=transaction.entry.posted_at, by=by))
    undoing = [child for child in children if child.entry is not None and child.content.get("reverses") == str(transaction.pk)]
    if transaction.status == TransactionStatus.REVERSED and undoing and undoing[-1].entry:
        moves.append(Move(to=TransactionStatus.REVERSED, at=undoing[-1].entry.posted_at, by=undoing[-1].entry.public_number))
    if is_hold and transaction.status in (TransactionStatus.POSTED, TransactionStatus.CANCELLED):
        ended = transaction.hold.closed_at or transaction.created_at
        moves.append(Move(to=transaction.status, at=ended, by="the hold ended"))
    return moves


def _reported(events: Sequence[TransactionEvent], *, axis: Axis) -> list[Move]:
    return [
        Move(to=event.to_status, at=event.recorded_at, by=event.source, origin=event.from_status)
        for event in events
        if event.axis == axis and event.outcome == EventOutcome.APPLIED
    ]
