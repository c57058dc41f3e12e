"""Reading what sources delivered, how one statement goes on from another, and what became of the lines."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Case, Count, F, IntegerField, OuterRef, Q, QuerySet, Subquery, Value, When
from django.utils import timezone

from ledger.models import JournalEntry
from ledgerops.lib.calendars import SATURDAY, business_days_between
from recon import feed_calendar
from recon.due import DayState
from recon.feed_calendar import ExpectedDay
from recon.models import Allocation, Break, BreakState, Item, Match, ProofStatus, Run, RunStatus, Side, Source, Statement, StatementLine
from recon.queries import runs_for, sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

FEED_DAYS = 10
MISSING_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Continuity:
    """What a statement should go on from.

    `gap_minor` is its opening, with the lines that it repeats, less that closing; None where one of them is missing.
    """

    previous: Statement | None
    gap_minor: int | None


def continuity_of(
    *,
    source: Source,
    closing_date: date,
    opening_minor: int | None,
    closing_minor: int | None,
    superseded: Statement | None = None,
) -> Continuity:
    """Return how a statement that is about to be accepted goes on from those there are, less the one that it takes the place of."""
    others = _previous(source=source.pk, closing_date=closing_date, opening=opening_minor, closing=closing_minor)
    previous = (others.exclude(pk=superseded.pk) if superseded else others).first()
    return _continuity(previous, opening_minor=opening_minor)


def continuity_now(statement: Statement) -> Continuity:
    """Return how an accepted statement goes on as things stand, since one that was missing may have come later."""
    opening, closing = statement.opening_minor, statement.closing_minor
    if opening is not None:
        opening += statement.repeated_minor
    previous = _previous(
        source=statement.source_id,
        closing_date=statement.closing_date,
        opening=opening,
        closing=closing,
        own_id=statement.pk,
        own_at=statement.accepted_at,
    ).first()
    return _continuity(previous, opening_minor=None if opening is None else int(opening))


def _continuity(previous: Statement | None, *, opening_minor: int | None) -> Continuity:
    if previous is None or previous.closing_minor is None or opening_minor is None:
        return Continuity(previous=previous, gap_minor=None)
    return Continuity(previous=previous, gap_minor=opening_minor - int(previous.closing_minor))


def missing_between(previous: Any, following: Any) -> Sequence[int]:
    """Return the numbers that stand between those of two statements; none where one has none, or the count began anew."""
    if previous.sequence is None or following.sequence is None or previous.closing_date.year != following.closing_date.year:
        return ()
    return range(previous.sequence + 1, following.sequence)[:MISSING_SHOWN]


def came_after(statement: Statement) -> Statement | None:
    """Return a later statement of its source that was accepted before this one: then it came out of order."""
    later = Statement.objects.counting().filter(source=statement.source_id, closing_date__gt=statement.closing_date)
    return later.filter(accepted_at__lt=statement.accepted_at).order_by("closing_date").first() if statement.version == 1 else None


def with_continuity(statements: QuerySet[Statement]) -> QuerySet[Statement]:
    """Add `previous_id` and `gap_now_minor`, which are what `continuity_now` says of each."""
    previous = _previous(
        source=OuterRef("source"),
        closing_date=OuterRef("closing_date"),
        opening=OuterRef("opening_minor") + OuterRef("repeated_minor"),
        closing=OuterRef("closing_minor"),
        own_id=OuterRef("pk"),
        own_at=OuterRef("accepted_at"),
    )
    begins = F("opening_minor") + F("repeated_minor")
    return statements.annotate(
        previous_id=Subquery(previous.values("pk")[:1]), gap_now_minor=begins - Subquery(previous.values("closing_minor")[:1])
    )


def _previous(*, source: Any, closing_date: Any, opening: Any, closing: Any, own_id: Any = None, own_at: Any = None) -> QuerySet[Statement]:
    """Return what a statement may go on from, best first; of one day never the one that goes on from it."""
    earlier = Q() if own_id is None else Q(accepted_at__lt=own_at)
    same_day = Q(closing_date=closing_date) & (Q(closing_minor=opening) | (earlier & ~Q(opening_minor=closing)))
    # That none is later is implied by the rest, and what lets the index begin at that day.
    none_later = Statement.objects.counting().filter(source=source, closing_date__lte=closing_date, closing_minor__isnull=False)
    others = none_later.filter(Q(closing_date__lt=closing_date) | same_day)
    fits = Case(When(closing_minor=opening, then=Value(0)), default=Value(1), output_field=IntegerField())
    # An order may not refer to an outer query, an annotation may.
    fitting = others.annotate(fits=fits)
    return (fitting if own_id is None else fitting.exclude(pk=own_id)).order_by("-closing_date", "fits", "-accepted_at", "-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedDay:
    """What a source delivered for one bank day: proven, unproven, gap, quiet (nothing, and nothing is missing) or missing.

    Where it was said what is expected, a day may also be due, late or waived.
    """

    day: date
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Feed:
    """How a source delivers. `state` is nothing, missing, late, gap, unproven or current.

    `days_behind` counts bank days since the latest statement, or the reports that have not come where it was said what is expected.
    """

    source: Source
    latest: Statement | None
    gap_minor: int | None
    days_behind: int
    state: str
    days: Sequence[FeedDay]


def feeds_for(user: "AbstractUser", *, today: date, now: datetime | None = None) -> list[Feed]:
    """Return how each source in the user's scope has delivered; where nobody said otherwise, a day's statement is due on the next one."""
    instant = now or timezone.now()
    sources = list(sources_for(user).select_related("feed"))
    days: list[date] = []
    day = today
    while len(days) < FEED_DAYS:
        day -= timedelta(days=1)
        if day.weekday() < SATURDAY:
            days.insert(0, day)
    known = with_continuity(Statement.objects.filter(source__in=sources)).select_related("file")
    # One look into each source's statements; which one is the latest must be known before any is asked what it goes on from.
    of_source = Statement.objects.filter(source=OuterRef("pk")).order_by("-closing_date", "-id").values("pk")[:1]
    looked_at = Source.objects.filter(pk__in=[source.pk for source in sources]).annotate(latest=Subquery(of_source))
    latest_ids = list(looked_at.exclude(latest=None).values_list("latest", flat=True))
    latest: dict[int, Statement] = {}
    recent: dict[int, list[Statement]] = {}
    for statement in known.filter(Q(pk__in=latest_ids) | Q(closing_date__gte=days[0])).order_by("closing_date", "id"):
        latest[statement.source_id] = statement
        if statement.closing_date >= days[0]:
            recent.setdefault(statement.source_id, []).append(statement)
    said = [terms for source in sources if (terms := getattr(source, "feed", None)) is not None]
    expected = feed_calendar.days_of(said, since=today - feed_calendar.LOOKED_BACK, until=today, now=instant)
    return [
        _said_feed(source, latest=latest.get(source.pk), recent=recent.get(source.pk, []), days=expected[source.pk])
        if source.pk in expected
        else _feed(source, latest=latest.get(source.pk), recent=recent.get(source.pk, []), days=days)
        for source in sources
    ]


def _said_feed(source: Source, *, latest: Statement | None, recent: Sequence[Statement], days: Sequence[ExpectedDay]) -> Feed:
    """Return how a source delivers of which it was said what is expected."""
    passed = [one for one in days if one.state != DayState.EXPECTED]
    shown = [FeedDay(day=one.day, state=_said_state(one)) for one in passed[-FEED_DAYS:]]
    missing = sum(one.state == DayState.MISSING for one in passed)
    late = sum(one.state == DayState.LATE for one in passed)
    gaps = [gap for statement in (*([latest] if latest else []), *recent) if (gap := _gap(statement))]
    states = (
        ("missing", missing > 0),
        ("late", late > 0),
        ("nothing", latest is None),
        ("gap", bool(gaps)),
        ("unproven", latest is not None and latest.proof == ProofStatus.UNPROVEN),
        ("current", True),
    )
    state = next(name for name, applies in states if applies)
    return Feed(source=source, latest=latest, gap_minor=gaps[-1] if gaps else 0, days_behind=missing + late, state=state, days=shown)


def _said_state(one: ExpectedDay) -> str:
    if one.statement is None or one.state == DayState.QUIET:
        return one.state.value
    if one.statement.gap_minor:
        return "gap"
    return "unproven" if one.statement.proof == ProofStatus.UNPROVEN else "proven"


def _feed(source: Source, *, latest: Statement | None, recent: Sequence[Statement], days: Sequence[date]) -> Feed:
    shown = [FeedDay(day=day, state=_day_state(day, latest=latest, recent=recent)) for day in days]
    if latest is None:
        return Feed(source=source, latest=None, gap_minor=None, days_behind=0, state="nothing", days=shown)
    behind = business_days_between(latest.closing_date, days[-1])
    gaps = [gap for statement in (latest, *recent) if (gap := _gap(statement))]
    states = (("late", behind > 0), ("gap", bool(gaps)), ("unproven", latest.proof != ProofStatus.PROVEN), ("current", True))
    state = next(name for name, applies in states if applies)
    return Feed(source=source, latest=latest, gap_minor=gaps[-1] if gaps else 0, days_behind=behind, state=state, days=shown)


def _gap(statement: Statement) -> int:
    return int(getattr(statement, "gap_now_minor", None) or 0)


def _day_state(day: date, *, latest: Statement | None, recent: Sequence[Statement]) -> str:
    delivered = [statement for statement in recent if statement.closing_date == day]
    if not delivered:
        return "missing" if latest is None or latest.closing_date < day else "quiet"
    if any(_gap(statement) for statement in delivered):
        return "gap"
    return "proven" if all(statement.proof == ProofStatus.PROVEN for statement in delivered) else "unproven"


def active_runs_for(user: "AbstractUser") -> QuerySet[Run]:
    """Return the runs that wait or work."""
    return runs_for(user).filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING])


def matched_lines_of(statements: Sequence[Statement]) -> dict[UUID, int]:
    """Return how many lines of each statement have found their match."""
    at_home = Item.objects.filter(reconciliation__home=True, withdrawn_by=None)
    matched = at_home.filter(statement_line__statement__in=[statement.pk for statement in statements], open=False)
    return dict(matched.values_list("statement_line__statement").annotate(count=Count("pk")))


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchedItems:
    """A match with its items, each posting with the entry that it stands in."""

    match: Match
    ledger: Sequence[tuple[Item, JournalEntry]]
    statement: Sequence[Item]

    @property
    def amount_minor(self) -> int:
        """What its first population has of it, as the match counts it: every other one has the same."""
        items = [item for item, _ in self.ledger] or self.statement
        first = min(item.population_id for item in items)
        return sum(item.population.sign * item.signed_minor for item in items if item.population_id == first)


def items_of(matches: Sequence[Match]) -> list[MatchedItems]:
    """Return the matches with what they match, in their order."""
    found: dict[UUID, list[Item]] = {match.pk: [] for match in matches}
    for allocation in (
        Allocation.objects.filter(match__in=found, revoked_at__isnull=True)
        .select_related("item__statement_line", "item__population")
        .order_by("item")
    ):
        found[allocation.match_id].append(allocation.item)
    entries = JournalEntry.objects.in_bulk({item.entry_id for items in found.values() for item in items if item.entry_id})
    return [
        MatchedItems(
            match=match,
            ledger=[(item, entries[item.entry_id]) for item in found[match.pk] if item.entry_id],
            statement=[item for item in found[match.pk] if item.side == Side.STATEMENT],
        )
        for match in matches
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class LineState:
    """What became of a statement line.

    `word` is matched, open, withdrawn (a newer version no longer has it) or not_counted (not booked, of no amount, repeated, replaced).
    """

    line: StatementLine
    word: str
    matched: MatchedItems | None
    recon_break: Break | None


def states_of(lines: Sequence[StatementLine]) -> list[LineState]:
    """Return what became of statement lines, in their order."""
    items = {line.pk: item for line in lines if (item := line.item) is not None}
    ids = [item.pk for item in items.values()]
    held = dict(Allocation.objects.filter(item__in=ids, revoked_at__isnull=True).values_list("item", "match"))
    matched = {found.match.pk: found for found in items_of(list(Match.objects.filter(pk__in=held.values()).select_related("made_by")))}
    breaks = {found.statement_item_id: found for found in Break.objects.filter(statement_item__in=ids).exclude(state=BreakState.RESOLVED)}
    states = []
    for line in lines:
        item = items.get(line.pk)
        if item is None:
            states.append(LineState(line=line, word="not_counted", matched=None, recon_break=None))
            continue
        match = matched[held[item.pk]] if item.pk in held else None
        word = "open" if item.open else "matched" if match is not None else "withdrawn"
        states.append(LineState(line=line, word=word, matched=match, recon_break=breaks.get(item.pk)))
    return states
