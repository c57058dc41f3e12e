"""How well one item explains another: log-odds per criterion, each with its reason, and the likelihood they add up to.

A point is a doubling of the odds. What agrees weighs by how rarely it agrees by chance: one amount among many equal ones says little.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from math import log2

from rapidfuzz import fuzz
from rapidfuzz.distance import Levenshtein

SIMILAR = 0.8
WINDOW_DAYS = 90
# Odds against any one candidate before anything is compared, and the least number of items that frequencies are reckoned among: of
# fewer, chance cannot be told.
START = Decimal(-6)
AMONG_LEAST = 200
# How often true pairs agree in a criterion, from labelled reconciliations of the generator.
AGREE = {"Reference": 0.9, "Amount": 0.95, "Counterparty": 0.8}
RAREST = Decimal("8.0")
_TENTH = Decimal("0.1")


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
class Frequencies:
    """How many items of the last `WINDOW_DAYS` days there are, and how many of them have the candidate's amount, key and counterparty."""

    items: int = 0
    same_amount: int = 1
    same_key: int = 1
    same_counterparty: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One criterion: `points` are log-odds to the base two, to a tenth."""

    topic: str
    verdict: Verdict
    points: Decimal
    detail: str = ""

    @property
    def said(self) -> str:
        """Return it as a step of the waterfall: `+6.1 reference equal`."""
        word = {Verdict.AGREES: "equal", Verdict.CLOSE: "near", Verdict.DIFFERS: "differs"}[self.verdict]
        word = "missing" if self.detail == "missing" else word
        detail = "" if self.detail in ("", "missing") else f" ({self.detail})"
        return f"{self.points:+} {self.topic.lower()} {word}{detail}"


def reasons_between(item: Side, candidate: Side, *, frequencies: Frequencies | None = None, days: int | None = None) -> list[Reason]:
    """Return why `candidate` could be the other side of `item`; `days` are the business days between them, or else all."""
    known = frequencies or Frequencies()
    return [
        _reference(item.match_key, candidate.match_key, known),
        _amount(item.signed_minor, candidate.signed_minor, known),
        _date((candidate.item_date - item.item_date).days if days is None else days),
        _counterparty(item.counterparty, candidate.counterparty, known),
    ]


def log_odds(reasons: Sequence[Reason]) -> Decimal:
    """Return the odds that the two belong together, to the base two."""
    return START + sum((reason.points for reason in reasons), Decimal(0))


def score_of(reasons: Sequence[Reason]) -> int:
    """Return the likelihood of 100 that the log-odds stand for, never quite 0 or 100."""
    return likelihood_of(log_odds(reasons))


def likelihood_of(odds: Decimal) -> int:
    """Return the likelihood of 100 that log-odds stand for, never quite 0 or 100."""
    return min(99, max(1, round(100 / (1 + 2 ** -float(odds)))))


def waterfall(reasons: Sequence[Reason]) -> str:
    """Return how the score came about: `+6.1 reference equal · +3.9 amount equal (12 with this amount in 90 days)`."""
    return " · ".join(reason.said for reason in reasons)


def likeness(left: str, right: str) -> int:
    """Return how alike two texts are, of 100, whatever the order of their words."""
    return int(fuzz.token_sort_ratio(left.casefold(), right.casefold())) if left and right else 0


def signs_between(left: str, right: str) -> int:
    """Return how many signs of one reference are to be changed to make it the other."""
    return int(Levenshtein.distance(left, right))


def _rarity(topic: str, same: int, among: int) -> Decimal:
    """Return what agreement weighs: how often true pairs agree, over how often any two do."""
    weight = log2(AGREE[topic] * max(among, AMONG_LEAST) / max(same, 1))
    return min(RAREST, max(Decimal(0), _points(weight)))


def _points(value: float) -> Decimal:
    return Decimal(value).quantize(_TENTH, rounding=ROUND_HALF_EVEN)


def _reference(left: str, right: str, known: Frequencies) -> Reason:
    if not left or not right:
        return Reason(topic="Reference", verdict=Verdict.DIFFERS, points=Decimal("0.0"), detail="missing")
    if left == right:
        return Reason(topic="Reference", verdict=Verdict.AGREES, points=_rarity("Reference", known.same_key, known.items))
    signs = signs_between(left, right)
    if 1 - signs / max(len(left), len(right)) >= SIMILAR or sorted(left) == sorted(right):
        return Reason(topic="Reference", verdict=Verdict.CLOSE, points=Decimal("5.0"), detail=_counted(signs, "sign"))
    return Reason(topic="Reference", verdict=Verdict.DIFFERS, points=Decimal("-3.3"))


def _amount(left: int, right: int, known: Frequencies) -> Reason:
    if left == right:
        many = f"{known.same_amount} with this amount in {WINDOW_DAYS} days" if known.same_amount > 1 else ""
        return Reason(topic="Amount", verdict=Verdict.AGREES, points=_rarity("Amount", known.same_amount, known.items), detail=many)
    if left * right > 0 and abs(left - right) * 50 <= max(abs(left), abs(right)):
        return Reason(topic="Amount", verdict=Verdict.CLOSE, points=Decimal("1.5"), detail="within 2 %")
    return Reason(topic="Amount", verdict=Verdict.DIFFERS, points=Decimal("-3.0"))


def _date(days: int) -> Reason:
    if days == 0:
        return Reason(topic="Date", verdict=Verdict.AGREES, points=Decimal("1.5"))
    if abs(days) <= 3:
        points = (Decimal("0.5"), Decimal("-0.7"), Decimal("-1.2"))[abs(days) - 1]
        return Reason(topic="Date", verdict=Verdict.CLOSE, points=points, detail=f"{days:+d} d")
    return Reason(topic="Date", verdict=Verdict.DIFFERS, points=max(Decimal("-5.0"), Decimal("-0.5") * abs(days)), detail=f"{days:+d} d")


def _counterparty(left: str, right: str, known: Frequencies) -> Reason:
    if not left or not right:
        return Reason(topic="Counterparty", verdict=Verdict.DIFFERS, points=Decimal("0.0"), detail="missing")
    if left.casefold() == right.casefold():
        points = _rarity("Counterparty", known.same_counterparty, known.items)
        return Reason(topic="Counterparty", verdict=Verdict.AGREES, points=min(points, Decimal("6.0")))
    if likeness(left, right) >= SIMILAR * 100:
        return Reason(topic="Counterparty", verdict=Verdict.CLOSE, points=Decimal("2.0"))
    return Reason(topic="Counterparty", verdict=Verdict.DIFFERS, points=Decimal("-1.5"))


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
