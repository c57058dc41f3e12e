"""Rates as the books use them: the latest that was said by an instant, its inverse, a cross only where the caller declares one; never a
stale one.

A rate says both ways what two assets are worth, so the inverse of a recorded rate is used as the exact fraction it is. What was said last
of an instant counts: a rate is corrected by another source's word, never by a change. Two rates are multiplied only where the caller names
the asset that they meet in, and both stay as evidence.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone

from ledger.models import Asset, Rate, RateAge, RateKind
from ledgerops.lib.errors import Refusal, RefusalKind

RECENT = 30


class RateMissing(Refusal):
    """Nobody has said what an asset was worth by the instant asked for."""

    code = "rate_missing"
    kind = RefusalKind.CONFLICT


class RateStale(Refusal):
    """The latest rate is older than its kind may be at the instant asked for; `detail` names it."""

    code = "rate_stale"
    kind = RefusalKind.CONFLICT


class RatePairUnknown(Refusal):
    code = "rate_pair_unknown"
    kind = RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """A recorded rate that a figure rests on, as it was said."""

    rate_id: int
    base: str
    quote: str
    kind: str
    source: str
    at: datetime
    value: Decimal

    def as_json(self) -> dict[str, Any]:
        return {
            "rate": self.rate_id,
            "base": self.base,
            "quote": self.quote,
            "kind": self.kind,
            "source": self.source,
            "at": self.at.isoformat(timespec="seconds"),
            "value": plain_rate(self.value),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedRate:
    """What one unit of `base` is worth in `quote`, with the recorded rates it comes from; one asset is worth itself without any."""

    base: str
    quote: str
    value: Fraction
    evidence: Sequence[Evidence] = ()

    @property
    def shown(self) -> str:
        """Return the rate as people read it: twelve significant digits."""
        return plain_rate(Decimal(f"{Decimal(self.value.numerator) / Decimal(self.value.denominator):.12g}"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RateBook:
    """The rates of many assets in one, at one instant; `problems` says by asset why one cannot be had."""

    quote: str
    kind: str
    at: datetime
    used: Mapping[str, UsedRate] = field(default_factory=dict)
    problems: Mapping[str, Refusal] = field(default_factory=dict)

    def refuse_problems(self) -> None:
        """:raises RateMissing, RateStale: the first problem, with all of them in `detail["problems"]`."""
        if self.problems:
            first = next(iter(self.problems.values()))
            raise type(first)(
                str(first), field="rates", **{**first.detail, "problems": {asset: str(one) for asset, one in self.problems.items()}}
            )


def plain_rate(value: Decimal) -> str:
    """Return a rate as digits with a point and no zeros that say nothing."""
    text = f"{value:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def end_of(day: date) -> datetime:
    """Return the last instant of a day, by which a closing rate of the day was said."""
    return datetime.combine(day, time.max, tzinfo=UTC)


def rate_ages() -> dict[str, timedelta]:
    """Return how old a rate of each kind may be; a kind that is not here has no limit set, and so serves nothing."""
    return {one.kind: timedelta(minutes=one.maximum_minutes) for one in RateAge.objects.all()}


def rate_at(*, base: str, quote: str, kind: str, at: datetime, through: str | None = None) -> UsedRate:
    """Return what `base` was worth in `quote` at an instant; `through` is the asset that two rates may meet in.

    :raises RateMissing: if nobody has said it by then, or there is no such asset.
    :raises RateStale: if the latest word is older than its kind may be.
    """
    book = rates_to(quote=quote, bases=[base], kind=kind, at=at, through=through)
    book.refuse_problems()
    return book.used[base]


def rates_to(*, quote: str, bases: Collection[str], kind: str, at: datetime, through: str | None = None) -> RateBook:
    """Return the rates of many assets in one at an instant, in one question; what cannot be had is told by asset."""
    ways = {base: _way(base, quote, through=through) for base in bases}
    latest = _latest({pair for way in ways.values() for pair in way}, kind=kind, at=at)
    used: dict[str, UsedRate] = {}
    problems: dict[str, Refusal] = {}
    for base, way in sorted(ways.items()):
        wrong = [problem for pair in way if (problem := _problem(pair, latest.get(pair), kind=kind, at=at))]
        if wrong:
            problems[base] = wrong[0]
        else:
            used[base] = _together(base, quote, [latest[pair][:2] for pair in way])
    return RateBook(quote=quote, kind=kind, at=at, used=used, problems=problems)


def _together(base: str, quote: str, said: Sequence[tuple[Fraction, Evidence]]) -> UsedRate:
    value = Fraction(1)
    for one, _ in said:
        value *= one
    return UsedRate(base=base, quote=quote, value=value, evidence=tuple(evidence for _, evidence in said))


def _way(base: str, quote: str, *, through: str | None) -> list[tuple[str, str]]:
    """Return the pairs that lead from one asset to another: none to itself, two where the caller declared where they meet."""
    if base == quote:
        return []
    if through is None or through in (base, quote):
        return [(base, quote)]
    return [(base, through), (through, quote)]


_Latest = tuple[Fraction, Evidence, timedelta | None]


def _problem(pair: tuple[str, str], said: _Latest | None, *, kind: str, at: datetime) -> Refusal | None:
    word, place = RateKind(kind).name.lower(), f"{pair[0]} in {pair[1]}"
    if said is None:
        return RateMissing(f"there is no {word} rate of {place} by {at:%Y-%m-%d %H:%M} UTC", base=pair[0], quote=pair[1])
    _, evidence, allowed = said
    told = {"base": pair[0], "quote": pair[1], "rate": str(evidence.rate_id), "at": evidence.at.isoformat(timespec="seconds")}
    if allowed is None:
        return RateStale(f"nobody has said how old a {word} rate may be, so that none is used", **told)
    if at - evidence.at > allowed:
        return RateStale(
            f"the {word} rate of {place} is of {evidence.at:%Y-%m-%d %H:%M} UTC, older than the {in_words(allowed)} it may be at "
            f"{at:%Y-%m-%d %H:%M} UTC",
            **told,
        )
    return None


def in_words(age: timedelta) -> str:
    """Return an age in the largest unit that says it whole."""
    minutes = age // timedelta(minutes=1)
    for unit, size in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if minutes >= size and minutes % size == 0:
            return f"{minutes // size:,} {unit}{'' if minutes == size else 's'}"
    return f"{minutes:,} minutes"


# Of each pair the latest word in either direction: two steps down one index.
_LATEST = """
    SELECT DISTINCT ON (w.base, w.quote) w.base, w.quote, r.id, r.inverse, r.source, r.at, r.value, g.maximum_minutes
    FROM unnest(%(bases)s::text[], %(quotes)s::text[]) w (base, quote)
    JOIN ledger_asset b ON b.code = w.base
    JOIN ledger_asset q ON q.code = w.quote
    LEFT JOIN ledger_rate_age g ON g.kind = %(kind)s
    CROSS JOIN LATERAL (
        (SELECT r.id, false AS inverse, r.source, r.at, r.value FROM ledger_rate r
         WHERE r.base_id = b.id AND r.quote_id = q.id AND r.kind = %(kind)s AND r.at <= %(at)s ORDER BY r.at DESC, r.id DESC LIMIT 1)
        UNION ALL
        (SELECT r.id, true, r.source, r.at, r.value FROM ledger_rate r
         WHERE r.base_id = q.id AND r.quote_id = b.id AND r.kind = %(kind)s AND r.at <= %(at)s ORDER BY r.at DESC, r.id DESC LIMIT 1)) r
    ORDER BY w.base, w.quote, r.at DESC, r.inverse
"""


def _latest(pairs: Collection[tuple[str, str]], *, kind: str, at: datetime) -> dict[tuple[str, str], _Latest]:
    """Return the latest word about each pair, and how old one of its kind may be."""
    if not pairs:
        return {}
    asked = sorted(pairs)
    rows = _rows(_LATEST, bases=[base for base, _ in asked], quotes=[quote for _, quote in asked], kind=kind, at=at)
    return {(row[0], row[1]): (*_said(row[:7], kind=kind), None if row[7] is None else timedelta(minutes=row[7])) for row in rows}


def _said(row: Sequence[Any], *, kind: str) -> tuple[Fraction, Evidence]:
    base, quote, rate_id, inverse, source, at, value = row
    there, back = (quote, base) if inverse else (base, quote)
    evidence = Evidence(rate_id=rate_id, base=there, quote=back, kind=kind, source=source, at=at, value=value)
    return (1 / Fraction(value) if inverse else Fraction(value)), evidence


# Of each month the last word about its average, in either direction.
_AVERAGES = """
    SELECT DISTINCT ON (w.base, w.quote, r.month) w.base, w.quote, r.id, r.inverse, r.source, r.at, r.value, r.month
    FROM unnest(%(bases)s::text[], %(quotes)s::text[]) w (base, quote)
    JOIN ledger_asset b ON b.code = w.base
    JOIN ledger_asset q ON q.code = w.quote
    CROSS JOIN LATERAL (
        SELECT r.id, r.base_id <> b.id AS inverse, r.source, r.at, r.value, date_trunc('month', r.at, 'UTC')::date AS month
        FROM ledger_rate r
        WHERE r.kind = 'average' AND r.at >= %(since)s AND r.at <= %(until)s
          AND (r.base_id = b.id AND r.quote_id = q.id OR r.base_id = q.id AND r.quote_id = b.id)) r
    ORDER BY w.base, w.quote, r.month, r.at DESC, r.inverse, r.id DESC
"""


def averages_to(
    *, quote: str, bases: Collection[str], since: date, until: date, through: str | None = None
) -> dict[tuple[str, date], UsedRate]:
    """Return the average rates of months by asset and first day of the month; a month without one is left out.

    The average of a month is recorded at an instant within it; until its end that is the average so far.
    """
    ways = {base: way for base in bases if (way := _way(base, quote, through=through))}
    asked = sorted({pair for way in ways.values() for pair in way})
    if not asked:
        return {}
    rows = _rows(
        _AVERAGES,
        bases=[base for base, _ in asked],
        quotes=[quote for _, quote in asked],
        since=datetime.combine(since.replace(day=1), time.min, tzinfo=UTC),
        until=end_of(until),
    )
    found = {(row[0], row[1], row[7]): _said(row[:7], kind=RateKind.AVERAGE) for row in rows}
    months = {month for _, _, month in found}
    return {
        (base, month): _together(base, quote, [found[*pair, month] for pair in way])
        for base, way in ways.items()
        for month in sorted(months)
        if all((*pair, month) in found for pair in way)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """Two assets and a kind with their latest word: how old it is, whether it still serves, and the values before it."""

    base: str
    quote: str
    kind: str
    rate_id: int
    source: str
    at: datetime
    value: Decimal
    recent: Sequence[float]
    allowed: timedelta | None
    age: timedelta

    @property
    def stale(self) -> bool:
        return self.allowed is None or self.age > self.allowed

    @property
    def label(self) -> str:
        return str(RateKind(self.kind).label)

    @property
    def shown(self) -> str:
        return plain_rate(self.value)

    @property
    def age_words(self) -> str:
        """Return the age in its largest whole unit, rounded down."""
        for unit, size in (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1))):
            if self.age >= size:
                return f"{self.age // size:,} {unit}{'' if self.age // size == 1 else 's'}"
        return "now"


# Every pair by steps along the index, however many rates each has.
_PAIRS = """
    WITH RECURSIVE pair AS (
        (SELECT r.base_id, r.quote_id, r.kind FROM ledger_rate r ORDER BY r.base_id, r.quote_id, r.kind LIMIT 1)
        UNION ALL
        SELECT n.base_id, n.quote_id, n.kind FROM pair p CROSS JOIN LATERAL (
            SELECT r.base_id, r.quote_id, r.kind FROM ledger_rate r
            WHERE (r.base_id, r.quote_id, r.kind) > (p.base_id, p.quote_id, p.kind) ORDER BY r.base_id, r.quote_id, r.kind LIMIT 1) n
    )
    SELECT b.code, q.code, p.kind, l.ids[1], l.sources[1], l.ats[1], l.said[1], l.said
    FROM pair p
    JOIN ledger_asset b ON b.id = p.base_id
    JOIN ledger_asset q ON q.id = p.quote_id
    CROSS JOIN LATERAL (
        SELECT array_agg(r.id ORDER BY r.at DESC, r.id DESC) AS ids, array_agg(r.source ORDER BY r.at DESC, r.id DESC) AS sources,
               array_agg(r.at ORDER BY r.at DESC, r.id DESC) AS ats, array_agg(r.value ORDER BY r.at DESC, r.id DESC) AS said
        FROM (SELECT r.id, r.source, r.at, r.value FROM ledger_rate r
              WHERE r.base_id = p.base_id AND r.quote_id = p.quote_id AND r.kind = p.kind
              ORDER BY r.at DESC, r.id DESC LIMIT %(recent)s) r) l
    ORDER BY b.code, q.code, p.kind
"""


def pairs(*, now: datetime | None = None) -> list[Pair]:
    """Return every pair and kind of which a rate was recorded, with its latest."""
    ages, at = rate_ages(), now or timezone.now()
    return [
        Pair(
            base=base,
            quote=quote,
            kind=kind,
            rate_id=rate_id,
            source=source,
            at=said_at,
            value=value,
            recent=[float(one) for one in reversed(recent)],
            allowed=ages.get(kind),
            age=max(at - said_at, timedelta()),
        )
        for base, quote, kind, rate_id, source, said_at, value, recent in _rows(_PAIRS, recent=RECENT)
    ]


def history_of(*, base: str, quote: str, kind: str) -> QuerySet[Rate]:
    """Return everything that was said of a pair, latest first.

    :raises RatePairUnknown: if nothing was.
    """
    found = rates().filter(base__code=base, quote__code=quote, kind=kind)
    if not found.exists():
        raise RatePairUnknown(f"no {kind} rate of {base} in {quote} was ever recorded")
    return found.order_by("-at", "-id")


def rates() -> QuerySet[Rate]:
    return Rate.objects.select_related("base", "quote")


def asset_of(code: str) -> Asset | None:
    return Asset.objects.filter(code=code).first()


def _rows(statement: str, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
