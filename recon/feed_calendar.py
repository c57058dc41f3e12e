"""What has come of what was expected, day by day; derived each time from the feed and the statements, kept nowhere."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from recon import due
from recon.due import OUTSTANDING, DayState, Terms
from recon.models import Feed, FeedWaiver, Statement, StatementKind

# How far back a missing day is looked for.
LOOKED_BACK = timedelta(days=120)
# Evidence of what a statement will say, and no statement.
FORERUNNERS = (StatementKind.INTRADAY, StatementKind.NOTIFICATION)


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedDay:
    """One day of a feed. `statement` is the report that covers it, `waiver` why none will come."""

    day: date
    due_at: datetime
    missing_from: datetime
    state: DayState
    statement: Statement | None
    waiver: FeedWaiver | None

    @property
    def outstanding(self) -> bool:
        return self.state in OUTSTANDING


def terms_of(feed: Feed) -> Terms:
    return Terms(
        frequency=feed.frequency,
        calendar=feed.calendar,
        timezone=feed.timezone,
        due_time=feed.due_time,
        days_after=feed.days_after,
        grace_minutes=feed.grace_minutes,
        weekday=feed.weekday,
        starts_on=feed.starts_on,
        ends_on=feed.ends_on,
    )


def local_day(feed: Feed, *, now: datetime) -> date:
    """Return which day it is where the feed is."""
    return now.astimezone(ZoneInfo(feed.timezone)).date()


def days_of(feeds: Sequence[Feed], *, since: date, until: date, now: datetime) -> dict[int, list[ExpectedDay]]:
    """Return the expected days of each feed by its source, first to last, at a cost that does not grow with their number."""
    sources = [feed.source_id for feed in feeds]
    # One statement before the first day: what goes on from it covers the days between.
    known = _statements(sources).filter(closing_date__gte=since - LOOKED_BACK / 2).order_by("closing_date", "id")
    statements: dict[int, list[Statement]] = {source: [] for source in sources}
    for statement in known:
        statements[statement.source_id].append(statement)
    waivers: dict[int, dict[date, FeedWaiver]] = {feed.pk: {} for feed in feeds}
    for waiver in FeedWaiver.objects.filter(feed__in=feeds, day__gte=since, day__lte=until).select_related("waived_by"):
        waivers[waiver.feed_id][waiver.day] = waiver
    return {
        feed.source_id: _of_feed(feed, since=since, until=until, now=now, waivers=waivers[feed.pk], statements=statements[feed.source_id])
        for feed in feeds
    }


def calendar_of(feed: Feed, *, back: int, ahead: int, now: datetime) -> list[ExpectedDay]:
    """Return the feed's days of the last `back` calendar days, today and the next `ahead` expected ones."""
    today = local_day(feed, now=now)
    coming = due.next_days(terms_of(feed), after=today, count=ahead)
    until = coming[-1] if coming else today
    return days_of([feed], since=today - timedelta(days=back), until=until, now=now)[feed.source_id]


def missing_days(feeds: Sequence[Feed], *, now: datetime) -> dict[int, list[ExpectedDay]]:
    """Return by source the days that are missing now, first to last."""
    if not feeds:
        return {}
    days = days_of(feeds, since=min(local_day(feed, now=now) for feed in feeds) - LOOKED_BACK, until=now.date(), now=now)
    return {source: [one for one in found if one.state == DayState.MISSING] for source, found in days.items()}


def next_due(feed: Feed, *, now: datetime) -> tuple[date, datetime] | None:
    """Return the next report that is to come, with the instant at which it is due; None once the feed has ended."""
    terms = terms_of(feed)
    today = local_day(feed, now=now)
    # A report that is due today may be about a day some business days ago.
    candidates = due.expected_days(terms, since=today - timedelta(days=terms.days_after * 2 + 10), until=today)
    for day in [*candidates, *due.next_days(terms, after=today, count=3)]:
        if (instant := due.due_at(terms, day=day)) >= now:
            return day, instant
    return None


def _statements(sources: Sequence[int]) -> QuerySet[Statement]:
    current = Statement.objects.filter(source__in=sources, superseded_by=None)
    return current.exclude(kind__in=FORERUNNERS).select_related("file")


def _of_feed(
    feed: Feed, *, since: date, until: date, now: datetime, waivers: Mapping[date, FeedWaiver], statements: Sequence[Statement]
) -> list[ExpectedDay]:
    terms = terms_of(feed)
    # The statement after which nothing is missing up to it.
    goes_on = [(before.closing_date, after) for before, after in pairwise(statements) if after.gap_minor == 0]
    found = []
    for day in due.expected_days(terms, since=since, until=until):
        earliest = due.reported_from(terms, day=day)
        own = next((one for one in statements if _reports_on(one, day=day, earliest=earliest)), None)
        waiver = waivers.get(day)
        later = None if own or waiver else next((one for before, one in goes_on if before < day < one.closing_date), None)
        if own is not None:
            arrived = own.file.received_at
            state = due.state_once_arrived(terms, day=day, arrived_at=arrived, set_at=feed.set_at)
        elif waiver is not None:
            state = DayState.WAIVED
        else:
            state = DayState.QUIET if later else due.state_while_waiting(terms, day=day, now=now)
        due_at = due.due_at(terms, day=day)
        found.append(
            ExpectedDay(
                day=day,
                due_at=due_at,
                missing_from=due_at + timedelta(minutes=terms.grace_minutes),
                state=state,
                statement=own or later,
                waiver=waiver,
            )
        )
    return found


def _reports_on(statement: Statement, *, day: date, earliest: date) -> bool:
    if earliest <= statement.closing_date <= day:
        return True
    return statement.period_start is not None and statement.period_start <= day <= statement.closing_date
