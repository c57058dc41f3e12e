"""When a source's reports are due: days, instants and words from plain values alone.

Days are those that are reported on, in the calendar of the feed; instants are UTC. An hour that a clock change leaves out is the one
after it, an hour that comes twice is the second: nothing is called late before the clock on the wall has passed it.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from ledgerops.lib.calendars import business_day_after, is_business_day


class DayState(StrEnum):
    """How it stands with the report on one day.

    `quiet` has no report of its own, and the next one goes on from the one before: nothing is missing. `arrived` came, and nobody had said
    yet when it was due.
    """

    EXPECTED = "expected"
    DUE = "due"
    LATE = "late"
    MISSING = "missing"
    ON_TIME = "on_time"
    ARRIVED_LATE = "arrived_late"
    ARRIVED = "arrived"
    QUIET = "quiet"
    WAIVED = "waived"


OUTSTANDING = frozenset({DayState.LATE, DayState.MISSING})
SETTLED = frozenset({DayState.ON_TIME, DayState.ARRIVED_LATE, DayState.ARRIVED, DayState.QUIET, DayState.WAIVED})
_WEEK = 7
_LONGEST_PERIOD = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is expected from a source; the names are those of `recon.models.Feed`."""

    frequency: str
    calendar: str
    timezone: str
    due_time: time
    days_after: int
    grace_minutes: int
    weekday: int | None
    starts_on: date
    ends_on: date | None


def expected_days(terms: Terms, *, since: date, until: date) -> list[date]:
    """Return the days from `since` to `until` that are reported on."""
    first = max(since, terms.starts_on)
    last = until if terms.ends_on is None else min(until, terms.ends_on)
    return [day for day in _days(first, last) if _is_expected(terms, day)]


def next_days(terms: Terms, *, after: date, count: int) -> list[date]:
    """Return the next days after one that are reported on, as many as there are up to `count`."""
    last = terms.ends_on or after + timedelta(days=count * 32 + 40)
    found: list[date] = []
    for day in _days(max(after + timedelta(days=1), terms.starts_on), last):
        if len(found) == count:
            break
        if _is_expected(terms, day):
            found.append(day)
    return found


def due_at(terms: Terms, *, day: date) -> datetime:
    """Return the instant at which the report on a day is due."""
    due_day = business_day_after(day, count=terms.days_after, calendar=terms.calendar)
    zone = ZoneInfo(terms.timezone)
    return max(datetime.combine(due_day, terms.due_time, tzinfo=zone).replace(fold=fold).astimezone(UTC) for fold in (0, 1))


def missing_from(terms: Terms, *, day: date) -> datetime:
    """Return the instant up to which the report on a day is late, and after which it is missing."""
    return due_at(terms, day=day) + timedelta(minutes=terms.grace_minutes)


def reported_from(terms: Terms, *, day: date) -> date:
    """Return the earliest closing date that is a report on the day: a period that ends on a holiday closes on the business day before."""
    current = day
    while (
        terms.frequency in ("weekly", "monthly") and not is_business_day(current, calendar=terms.calendar) and (day - current).days < _WEEK
    ):
        current -= timedelta(days=1)
    return current


def shown_by(terms: Terms, *, day: date) -> tuple[date, date]:
    """Return the first and the last day of which the report on a day is the one that shows what was booked."""
    before = day - timedelta(days=1)
    for _ in range(_LONGEST_PERIOD):
        if _is_expected(terms, before):
            break
        before -= timedelta(days=1)
    return before + timedelta(days=1), day


def state_while_waiting(terms: Terms, *, day: date, now: datetime) -> DayState:
    """Return how it stands with a report that has not come; at its very minute it is not late yet."""
    due = due_at(terms, day=day)
    if now > due + timedelta(minutes=terms.grace_minutes):
        return DayState.MISSING
    if now > due:
        return DayState.LATE
    zone = ZoneInfo(terms.timezone)
    return DayState.DUE if now.astimezone(zone).date() >= due.astimezone(zone).date() else DayState.EXPECTED


def state_once_arrived(terms: Terms, *, day: date, arrived_at: datetime, set_at: datetime) -> DayState:
    """Return how a report came that has come; `set_at` is when somebody said when it is due."""
    due = due_at(terms, day=day)
    if arrived_at <= due:
        return DayState.ON_TIME
    return DayState.ARRIVED if due < set_at else DayState.ARRIVED_LATE


def _is_expected(terms: Terms, day: date) -> bool:
    if terms.frequency == "daily":
        return True
    if terms.frequency == "weekly":
        return day.weekday() == terms.weekday
    if terms.frequency == "monthly":
        return (day + timedelta(days=1)).day == 1
    return is_business_day(day, calendar=terms.calendar)


def _days(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        yield day
        day += timedelta(days=1)
