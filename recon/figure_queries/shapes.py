"""What a report says: its days, and the figures of each of its tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from ledgerops.lib.calendars import business_days_between
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.due import DayState
from recon.models import ProofStatus, Reconciliation, Source

DAYS_SHOWN = 30
DAYS_MOST = 366
# Business days from which a band of ages begins; the last one has no end.
BANDS = (0, 2, 4, 8)
# Whether a delivery of a day was there when it was due; of the others nobody can say so.
PUNCTUAL, UNPUNCTUAL = (DayState.ON_TIME,), (DayState.ARRIVED_LATE, DayState.LATE, DayState.MISSING)


class SpanInvalid(Refusal):
    """The days asked for end before they begin, or are too many."""

    code = "span_invalid"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Days from the first to the last, both included."""

    since: date
    until: date

    @property
    def days(self) -> list[date]:
        return [self.since + timedelta(days=n) for n in range((self.until - self.since).days + 1)]

    @property
    def begins_at(self) -> datetime:
        return datetime.combine(self.since, time(), tzinfo=UTC)

    @property
    def ends_at(self) -> datetime:
        """The first instant after it."""
        return datetime.combine(self.until + timedelta(days=1), time(), tzinfo=UTC)


def span_of(*, since: date | None, until: date | None, today: date) -> Span:
    """Return the days that were asked for; without them the last thirty.

    :raises SpanInvalid: if they end before they begin, or are more than a year.
    """
    last = until or today
    first = since or last - timedelta(days=DAYS_SHOWN - 1)
    if first > last:
        raise SpanInvalid("the first day is after the last one", field="since")
    if (last - first).days >= DAYS_MOST:
        raise SpanInvalid(f"at most {DAYS_MOST} days are shown at once", field="since")
    return Span(since=first, until=last)


def share_of(part: int, whole: int) -> str | None:
    """Return how many percent one number is of another, cut after one decimal: 99.9 until it is all of it."""
    if not whole:
        return None
    thousandths = 1000 * part // whole
    return f"{thousandths // 10}.{thousandths % 10}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Items dated within the days, by how they stand, and the matches that runs made on these days. Amounts are sums without signs."""

    items: int = 0
    automatic: int = 0
    by_people: int = 0
    open_items: int = 0
    items_minor: int = 0
    automatic_minor: int = 0
    by_people_minor: int = 0
    open_items_minor: int = 0
    rule_matches: int = 0
    rule_matches_undone: int = 0

    @property
    def rate(self) -> str | None:
        return share_of(self.automatic, self.items)

    @property
    def value_rate(self) -> str | None:
        return share_of(self.automatic_minor, self.items_minor)

    @property
    def undo_rate(self) -> str | None:
        return share_of(self.rule_matches_undone, self.rule_matches)

    def __add__(self, other: "Matched") -> "Matched":
        return Matched(**{name: getattr(self, name) + getattr(other, name) for name in MATCHED})


MATCHED = (
    "items", "automatic", "by_people", "open_items", "items_minor", "automatic_minor", "by_people_minor", "open_items_minor",
    "rule_matches", "rule_matches_undone",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconciliationFigures:
    reconciliation: Reconciliation
    matched: Matched


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetFigures:
    """One asset by itself: amounts of different assets have no sum. `at_risk_minor` adds differences of open breaks without their signs."""

    code: str
    scale: int
    matched: Matched
    at_risk_minor: int
    put_off_minor: int
    open_breaks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DayMovement:
    """What was dated, came up and was resolved on one day; `items` and `automatic` are of what is dated on it."""

    day: date
    items: int
    automatic: int
    opened: int
    resolved: int

    @property
    def rate(self) -> str | None:
        return share_of(self.automatic, self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ageing:
    """The live breaks of a source by age in business days; `at_risk_minor` adds their differences without signs.

    `past_due` are those past the day that their service level gives them. What is put off is in no band, and at risk all the same: it has
    figures of its own.
    """

    source: Source
    bands: tuple[int, int, int, int]
    past_due: int
    at_risk_minor: int
    oldest: date | None
    put_off: int
    put_off_minor: int

    @property
    def total(self) -> int:
        return sum(self.bands)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """How a source delivered: expected days by their state, and the statements that count by their proof."""

    source: Source
    states: Mapping[str, int]
    proofs: Mapping[str, int]

    @property
    def on_time(self) -> int:
        return sum(self.states.get(state, 0) for state in PUNCTUAL)

    @property
    def not_on_time(self) -> int:
        return sum(self.states.get(state, 0) for state in UNPUNCTUAL)

    @property
    def statements(self) -> int:
        return sum(self.proofs.values())

    @property
    def proven(self) -> int:
        return self.proofs.get(ProofStatus.PROVEN, 0)

    @property
    def unproven(self) -> int:
        return self.proofs.get(ProofStatus.UNPROVEN, 0)

    @property
    def without_balance(self) -> int:
        return self.proofs.get(ProofStatus.NO_BALANCE, 0)

    @property
    def punctuality(self) -> str | None:
        return share_of(self.on_time, self.on_time + self.not_on_time)

    @property
    def proven_share(self) -> str | None:
        return share_of(self.proven, self.statements)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one person has: live breaks, those past the limit, the oldest, and the matches they made within the days."""

    username: str
    name: str
    live: int
    past_limit: int
    oldest: date | None
    matches: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All figures of the report. Breaks or deliveries are None where the reader's roles do not include them.

    What is of items and matches is as it was `counted_at`, which is None where something was never counted.
    """

    span: Span
    today: date
    counted_at: datetime | None
    reconciliations: Sequence[ReconciliationFigures]
    assets: Sequence[AssetFigures]
    days: Sequence[DayMovement]
    ageing: Sequence[Ageing] | None
    load: Sequence[Load] | None
    delivered: Sequence[Delivered] | None
    certified_days: int
    account_days: int

    @property
    def certified_share(self) -> str | None:
        """Of the days of accounts that have ended, how many two people signed."""
        return share_of(self.certified_days, self.account_days)

    @property
    def matched(self) -> Matched:
        return sum_of(one.matched for one in self.reconciliations)

    @property
    def opened(self) -> int:
        return sum(day.opened for day in self.days)

    @property
    def resolved(self) -> int:
        return sum(day.resolved for day in self.days)

    @property
    def open_breaks(self) -> int:
        return sum(one.total for one in self.ageing or ())

    @property
    def past_due(self) -> int:
        return sum(one.past_due for one in self.ageing or ())

    @property
    def put_off(self) -> int:
        return sum(one.put_off for one in self.ageing or ())

    @property
    def oldest(self) -> Ageing | None:
        """The source with the oldest live break."""
        return min((one for one in self.ageing or () if one.oldest), key=lambda one: one.oldest or self.today, default=None)

    @property
    def oldest_days(self) -> int:
        return business_days_between(self.oldest.oldest, self.today) if self.oldest and self.oldest.oldest else 0

    @property
    def deliveries(self) -> Delivered | None:
        """Every source together, under the first one's name."""
        if not self.delivered:
            return None
        states, proofs = added(one.states for one in self.delivered), added(one.proofs for one in self.delivered)
        return Delivered(source=self.delivered[0].source, states=states, proofs=proofs)


def sum_of(each: Iterable[Matched]) -> Matched:
    """Return several figures as one."""
    return sum(each, Matched())


def added(each: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return counts by name as one."""
    found: dict[str, int] = {}
    for counts in each:
        for name, count in counts.items():
            found[name] = found.get(name, 0) + count
    return found
