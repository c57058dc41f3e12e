"""How well one item explains another, in points that each carry their reason."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from enum import StrEnum

SIMILAR = 0.8


class Verdict(StrEnum):
    AGREES = "agrees"
    CLOSE = "close"
    DIFFERS = "differs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """An item as the score sees it; `signed_minor` is positive where value came in."""

    signed_minor: int
    item_date: date
    match_key: str
    counterparty: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    topic: str
    verdict: Verdict
    points: int
    detail: str = ""


def reasons_between(item: Side, candidate: Side) -> list[Reason]:
    """Return why `candidate` could be the other side of `item`; the score is the sum of the points, at most 100."""
    return [
        _reference(item.match_key, candidate.match_key),
        _amount(item.signed_minor, candidate.signed_minor),
        _date(item.item_date, candidate.item_date),
        _counterparty(item.counterparty, candidate.counterparty),
    ]


def score_of(reasons: Sequence[Reason]) -> int:
    return sum(reason.points for reason in reasons)


def _reference(left: str, right: str) -> Reason:
    if not left or not right:
        return Reason(topic="Reference", verdict=Verdict.DIFFERS, points=0, detail="missing")
    if left == right:
        return Reason(topic="Reference", verdict=Verdict.AGREES, points=45)
    if SequenceMatcher(None, left, right, autojunk=False).ratio() >= SIMILAR:
        differing = sum(a != b for a, b in zip(left, right, strict=False)) + abs(len(left) - len(right))
        return Reason(topic="Reference", verdict=Verdict.CLOSE, points=25, detail=f"{differing} characters")
    return Reason(topic="Reference", verdict=Verdict.DIFFERS, points=0)


def _amount(left: int, right: int) -> Reason:
    if left == right:
        return Reason(topic="Amount", verdict=Verdict.AGREES, points=35)
    if left * right > 0 and abs(left - right) * 50 <= max(abs(left), abs(right)):
        return Reason(topic="Amount", verdict=Verdict.CLOSE, points=20, detail="within 2 %")
    return Reason(topic="Amount", verdict=Verdict.DIFFERS, points=0)


def _date(left: date, right: date) -> Reason:
    days = (right - left).days
    if days == 0:
        return Reason(topic="Date", verdict=Verdict.AGREES, points=10)
    if abs(days) <= 3:
        return Reason(topic="Date", verdict=Verdict.CLOSE, points=5, detail=f"{days:+d} d")
    return Reason(topic="Date", verdict=Verdict.DIFFERS, points=0, detail=f"{days:+d} d")


def _counterparty(left: str, right: str) -> Reason:
    if left and left.casefold() == right.casefold():
        return Reason(topic="Counterparty", verdict=Verdict.AGREES, points=10)
    if left and right and SequenceMatcher(None, left.casefold(), right.casefold(), autojunk=False).ratio() >= SIMILAR:
        return Reason(topic="Counterparty", verdict=Verdict.CLOSE, points=6)
    return Reason(topic="Counterparty", verdict=Verdict.DIFFERS, points=0, detail="" if left and right else "missing")
