"""Reading the reports: how much was matched, what came up and was resolved, what is open, who delivered, who works on what.

What is of a day is read from the day's figures or from a stretch of an index, what is open from an index of what is open: no view reads
every break or every item there ever was.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Count, Exists, Min, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Abs, TruncDate

from ledgerops.lib.calendars import business_days_before, business_days_between
from ledgerops.lib.errors import Refusal, RefusalKind
from recon import feed_calendar
from recon.break_clock import Clock
from recon.break_queries import LIMIT_DAYS, queue_for
from recon.due import DayState
from recon.feed_calendar import ExpectedDay
from recon.models import (
    Allocation,
    Break,
    BreakState,
    DayFigures,
    FiguresCount,
    Item,
    Match,
    MatchMethod,
    ProofStatus,
    Reconciliation,
    Source,
    Statement,
)
from recon.queries import breaks_for, reconciliations_for, sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

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

    @property
    def matched(self) -> Matched:
        return _sum(one.matched for one in self.reconciliations)

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
        states, proofs = _added(one.states for one in self.delivered), _added(one.proofs for one in self.delivered)
        return Delivered(source=self.delivered[0].source, states=states, proofs=proofs)


def report_for(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> Report:
    """Return the figures of the days as far as this user's roles and scopes reach."""
    sees_breaks = user.has_perm("recon.view_break")
    reconciliations = list(reconciliations_for(user))
    figures = _matched_by(reconciliations, span=span)
    ageing = _ageing(user, reconciliations, today=today) if sees_breaks else None
    counts = FiguresCount.objects.filter(reconciliation__in=reconciliations).values_list("counted_at", flat=True)
    counted = list(counts)
    return Report(
        span=span,
        today=today,
        counted_at=min(counted) if counted and len(counted) == len(reconciliations) else None,
        reconciliations=[ReconciliationFigures(reconciliation=one, matched=figures.get(one.pk, Matched())) for one in reconciliations],
        assets=_assets(reconciliations, figures=figures, ageing=ageing or ()),
        days=_days(user, reconciliations, span=span, sees_breaks=sees_breaks),
        ageing=ageing,
        load=_load(user, reconciliations, span=span, today=today) if sees_breaks else None,
        delivered=_delivered(user, span=span, today=today, now=now) if user.has_perm("recon.view_statement") else None,
    )


def _sum(each: Iterable[Matched]) -> Matched:
    return sum(each, Matched())


def _added(each: Iterable[Mapping[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for counts in each:
        for name, count in counts.items():
            found[name] = found.get(name, 0) + count
    return found


def _matched_by(reconciliations: Sequence[Reconciliation], *, span: Span) -> dict[int, Matched]:
    rows = DayFigures.objects.filter(reconciliation__in=reconciliations, day__range=(span.since, span.until)).order_by()
    summed = rows.values_list("reconciliation").annotate(**{f"sum_{name}": Sum(name) for name in MATCHED})
    return {pk: Matched(**{name: int(value) for name, value in zip(MATCHED, values, strict=True)}) for pk, *values in summed}


def _assets(reconciliations: Sequence[Reconciliation], *, figures: Mapping[int, Matched], ageing: Sequence[Ageing]) -> list[AssetFigures]:
    assets = {one.source.asset.code: one.source.asset for one in reconciliations}
    return [
        AssetFigures(
            code=code,
            scale=asset.scale,
            matched=_sum(figures.get(one.pk, Matched()) for one in reconciliations if one.source.asset.code == code),
            at_risk_minor=sum(one.at_risk_minor for one in ageing if one.source.asset.code == code),
            put_off_minor=sum(one.put_off_minor for one in ageing if one.source.asset.code == code),
            open_breaks=sum(one.total for one in ageing if one.source.asset.code == code),
        )
        for code, asset in sorted(assets.items())
    ]


def _days(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, span: Span, sees_breaks: bool) -> list[DayMovement]:
    rows = DayFigures.objects.filter(reconciliation__in=reconciliations, day__range=(span.since, span.until)).order_by()
    dated = {row["day"]: row for row in rows.values("day").annotate(all_items=Sum("items"), by_runs=Sum("automatic"))}
    opened = _by_day(opened_in(breaks_for(user), span=span), "opened_at") if sees_breaks else {}
    resolved = _by_day(resolved_in(breaks_for(user), span=span), "resolved_at") if sees_breaks else {}
    return [
        DayMovement(
            day=day,
            items=dated[day]["all_items"] if day in dated else 0,
            automatic=dated[day]["by_runs"] if day in dated else 0,
            opened=opened.get(day, 0),
            resolved=resolved.get(day, 0),
        )
        for day in span.days
    ]


def opened_in(breaks: QuerySet[Break], *, span: Span) -> QuerySet[Break]:
    return breaks.filter(opened_at__gte=span.begins_at, opened_at__lt=span.ends_at)


def resolved_in(breaks: QuerySet[Break], *, span: Span) -> QuerySet[Break]:
    """Keep what was resolved within the days and still is."""
    return breaks.filter(state=BreakState.RESOLVED, resolved_at__gte=span.begins_at, resolved_at__lt=span.ends_at)


def _by_day(breaks: QuerySet[Break], instant: str) -> dict[date, int]:
    counted = breaks.order_by().annotate(at_day=TruncDate(instant)).values("at_day").annotate(n=Count("*"))
    return {row["at_day"]: row["n"] for row in counted}


def _ageing(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, today: date) -> list[Ageing]:
    since = {days: business_days_before(today, count=days) for days in BANDS[1:]}
    # What is counted is in the index of what lives, so that nothing else is read.
    older = {f"from_{days}": Count("occurred_on", filter=Q(occurred_on__lte=day)) for days, day in since.items()}
    past = Clock(today=today).due_when("breached", reconciliations=reconciliations)
    live = queue_for(user, today=today).exclude(state=BreakState.RESOLVED).order_by().values("reconciliation__source")
    sums = {"total": Count("*"), "at_risk": Sum(Abs("difference_minor")), "oldest": Min("occurred_on")}
    counted = live.annotate(**sums, past_due=Count("occurred_on", filter=past), **older)
    put_off = _put_off(user, today=today)
    of_source: dict[int, dict[str, Any]] = {row["reconciliation__source"]: dict(row) for row in counted}
    found = []
    for source in sources_for(user):
        row = of_source.get(source.pk)
        edges = [row["total"], *(row[f"from_{days}"] for days in BANDS[1:]), 0] if row else [0] * (len(BANDS) + 1)
        first, second, third, fourth = (edges[n] - edges[n + 1] for n in range(len(BANDS)))
        found.append(
            Ageing(
                source=source,
                bands=(first, second, third, fourth),
                past_due=row["past_due"] if row else 0,
                at_risk_minor=int(row["at_risk"]) if row else 0,
                oldest=row["oldest"] if row else None,
                put_off=put_off.get(source.pk, (0, 0))[0],
                put_off_minor=put_off.get(source.pk, (0, 0))[1],
            )
        )
    return sorted(found, key=lambda one: -one.total)


def _put_off(user: "AbstractUser", *, today: date) -> dict[int, tuple[int, int]]:
    """Return how many live breaks of each source are put off beyond the day, and their differences without signs."""
    live = breaks_for(user).filter(parent=None, snoozed_until__gte=today).exclude(state=BreakState.RESOLVED).order_by()
    rows = live.values_list("reconciliation__source").annotate(n=Count("*"), minor=Sum(Abs("difference_minor")))
    return {source: (n, int(minor)) for source, n, minor in rows}


def _load(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, span: Span, today: date) -> list[Load]:
    late = business_days_before(today, count=LIMIT_DAYS)
    live = queue_for(user, today=today).exclude(state=BreakState.RESOLVED).filter(assignee__isnull=False).order_by()
    who = ("assignee__username", "assignee__first_name", "assignee__last_name")
    held = live.values(*who).annotate(n=Count("*"), late=Count("occurred_on", filter=Q(occurred_on__lte=late)), oldest=Min("occurred_on"))
    made = matches_in(span=span).filter(reconciliation__in=reconciliations, made_by__isnull=False).order_by()
    by = ("made_by__username", "made_by__first_name", "made_by__last_name")
    matched = {tuple(row[:3]): row[3] for row in made.values_list(*by).annotate(n=Count("*"))}
    working = {tuple(row[name] for name in who): row for row in held}
    found = []
    for person in sorted({*working, *matched}):
        row = working.get(person)
        username, first, last = person
        found.append(
            Load(
                username=username,
                name=f"{first} {last}".strip() or username,
                live=row["n"] if row else 0,
                past_limit=row["late"] if row else 0,
                oldest=row["oldest"] if row else None,
                matches=matched.get(person, 0),
            )
        )
    return sorted(found, key=lambda one: (-one.live, one.username))


def _delivered(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> list[Delivered]:
    sources = list(sources_for(user).select_related("feed"))
    states: dict[int, dict[str, int]] = {}
    for day in expected_days_for(user, span=span, today=today, now=now):
        of_source = states.setdefault(day.source.pk, {})
        of_source[day.expected.state] = of_source.get(day.expected.state, 0) + 1
    proofs: dict[int, dict[str, int]] = {}
    counted = statements_in(user, span=span).order_by().values_list("source", "proof").annotate(n=Count("*"))
    for source_id, proof, count in counted:
        proofs.setdefault(source_id, {})[proof] = count
    return [Delivered(source=one, states=states.get(one.pk, {}), proofs=proofs.get(one.pk, {})) for one in sources]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    source: Source
    expected: ExpectedDay


def expected_days_for(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> list[SourceDay]:
    """Return the days of which reports were expected, latest first, of every source of which it was said what is."""
    said = [(source, terms) for source in sources_for(user).select_related("feed") if (terms := getattr(source, "feed", None)) is not None]
    days = feed_calendar.days_of([terms for _, terms in said], since=span.since, until=min(span.until, today), now=now)
    found = [SourceDay(source=source, expected=day) for source, _ in said for day in days[source.pk]]
    return sorted(found, key=lambda one: (one.expected.day, one.source.code), reverse=True)


def statements_in(user: "AbstractUser", *, span: Span) -> QuerySet[Statement]:
    """Return the statements that count and close within the days, latest first."""
    found = Statement.objects.counting().filter(source__in=sources_for(user).order_by().values("pk"))
    within = found.filter(closing_date__range=(span.since, span.until))
    return within.select_related("source__asset").order_by("-closing_date", "-id")


def matches_in(*, span: Span) -> QuerySet[Match]:
    """Return the matches made within the days.

    Their ids are of the time at which they were made, within a second or so: that is where an index finds them.
    """
    near = timedelta(minutes=1)
    found = Match.objects.filter(pk__gte=_id_at(span.begins_at - near), pk__lt=_id_at(span.ends_at + near))
    return found.filter(made_at__gte=span.begins_at, made_at__lt=span.ends_at)


def _id_at(instant: datetime) -> UUID:
    """Return what no id of that instant or later lies below."""
    return UUID(int=int(instant.timestamp()) * 1000 << 80)


def matches_for(user: "AbstractUser", *, span: Span) -> QuerySet[Match]:
    """Return the matches made within the days that this user may see, latest first, with who made and who undid them."""
    seen = matches_in(span=span).filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"))
    return seen.select_related("reconciliation__source__asset", "made_by", "undoing__undone_by", "run").order_by("-id")


def items_for(user: "AbstractUser", *, span: Span) -> QuerySet[Item]:
    """Return the items dated within the days that count and that this user may see, latest first.

    Each has the match that holds it, or the first of them, as `match_id`; `by_runs` says that no person had a part in it.
    """
    held = Allocation.objects.filter(item=OuterRef("pk"), revoked_at=None)
    by_others = held.exclude(match__method=MatchMethod.RULE)
    seen = Item.objects.filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"), withdrawn_by=None)
    within = seen.filter(item_date__range=(span.since, span.until))
    return (
        within.select_related("reconciliation__source__asset", "population", "statement_line")
        .annotate(match_id=Subquery(held.order_by("pk").values("match")[:1]))
        .alias(by_others=Exists(by_others), held=Exists(held))
        .order_by("-id")
    )


def standing(items: QuerySet[Item], *, word: str) -> QuerySet[Item]:
    """Keep the items that stand so: `automatic`, `by_people` or `open`, as `DayFigures` counts them."""
    conditions: dict[str, Any] = {
        "automatic": Q(open_minor=0, held=True, by_others=False),
        "by_people": Q(open_minor=0) & (Q(by_others=True) | Q(held=False)),
        "open": Q(open_minor__gt=0),
    }
    return items.filter(conditions[word])
