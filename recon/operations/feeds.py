"""What is expected from a source and when, days of which nothing will come, and the one break of a source that has not delivered."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import available_timezones

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q

from audit.operations import act, record_event
from ledgerops.lib.calendars import calendar_exists
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried
from recon import due, feed_calendar
from recon.due import Terms
from recon.feed_calendar import ExpectedDay
from recon.models import Break, BreakState, BreakType, Feed, FeedFrequency, FeedWaiver, Reconciliation
from recon.operations.service_levels import route_break
from recon.operations.sources import source_code

REASON_MINIMUM = 5
DAYS_AFTER_MAXIMUM = 31
GRACE_MAXIMUM = 7 * 24 * 60


class FeedInvalid(Refusal):
    """What was said of a feed cannot be; `field` says where."""

    code = "feed_invalid"
    kind = RefusalKind.INVALID


class FeedDayRefused(Refusal):
    """The day is not one that could be waived as things stand."""

    code = "feed_day_refused"
    kind = RefusalKind.CONFLICT


@dataclass(slots=True, kw_only=True)
class SweepOutcome:
    """How many breaks of sources that had not delivered a sweep opened, changed and resolved."""

    opened: int = 0
    changed: int = 0
    resolved: int = 0


def set_feed(*, source_id: int, terms: Terms) -> Feed:
    """Say what is expected from a source and when; days that are missing by that are a break from this moment on.

    :raises FeedInvalid: naming the field.
    """
    return retried(lambda: _set_once(source_id=source_id, terms=terms), lost_to={"recon_feed_source_id_key"})


def _set_once(*, source_id: int, terms: Terms) -> Feed:
    with act("recon.feed.set", target_type="recon.source", target_id=source_code(source_id)):
        _refuse_unsound(terms)
        reconciliation = _locked(source_id)
        feed = Feed.objects.filter(source=source_id).first()
        before = _said(feed_calendar.terms_of(feed)) if feed else None
        wanted = _said(terms)
        if before == wanted and feed is not None:
            return feed
        feed = feed or Feed(source_id=source_id)
        for name, value in asdict(terms).items():
            setattr(feed, name, value)
        feed.save()
        feed.refresh_from_db()
        record_event("recon.feed.set", target_type="recon.source", target_id=source_code(source_id), before=before, after=wanted)
        _settle(feed, reconciliation=reconciliation, now=database_now())
        return feed


def waive_day(*, source_id: int, day: date, reason: str, waived_by_id: int) -> FeedWaiver:
    """Say that nothing will come for one day, and why; a break that waited for that day alone ends with it.

    :raises FeedInvalid: if the source has no feed, the feed no such day, or the reason says nothing.
    :raises FeedDayRefused: if the report on that day has come, or the day is waived already.
    """
    with act("recon.feed.day_waived", target_type="recon.source", target_id=source_code(source_id)):
        said = reason.strip()
        if not REASON_MINIMUM <= len(said) <= 200:
            raise FeedInvalid(f"say why in {REASON_MINIMUM} to 200 characters", field="reason")
        reconciliation = _locked(source_id)
        feed = Feed.objects.filter(source=source_id).first()
        if feed is None:
            raise FeedInvalid("nothing is expected from this source, so there is nothing to waive", field="day")
        now = database_now()
        expected = feed_calendar.days_of([feed], since=day, until=day, now=now)[source_id]
        if not expected:
            raise FeedInvalid(f"{day} is not a day on which this source reports", field="day")
        found = expected[0]
        if found.waiver is not None:
            raise FeedDayRefused(f"{day} is waived already: {found.waiver.reason}", field="day")
        if found.statement is not None:
            raise FeedDayRefused(f"the report on {day} has come", field="day", statement_id=str(found.statement.pk))
        waiver = FeedWaiver.objects.create(feed=feed, day=day, reason=said, waived_by_id=waived_by_id)
        record_event(
            "recon.feed.day_waived",
            target_type="recon.source",
            target_id=source_code(source_id),
            reason=said,
            after={"day": day, "waiver": waiver.pk},
        )
        _settle(feed, reconciliation=reconciliation, now=now)
        return waiver


def sweep_feeds(*, now: datetime | None = None) -> SweepOutcome:
    """Open, keep up to date and resolve the one break of each source that has not delivered. Safe to run at any time and twice."""
    instant = now or database_now()
    outcome = SweepOutcome()
    feeds = list(Feed.objects.order_by("source_id"))
    missing = feed_calendar.missing_days(feeds, now=instant)
    live = Break.objects.filter(type=BreakType.STALE_FEED).exclude(state=BreakState.RESOLVED)
    waiting = set(live.values_list("reconciliation__source", flat=True))
    for feed in feeds:
        if missing[feed.source_id] or feed.source_id in waiting:
            _count(outcome, retried(lambda feed=feed: _sweep_one(feed, now=instant)))  # type: ignore[misc]
    return outcome


def _sweep_one(feed: Feed, *, now: datetime) -> str:
    with act("recon.feed.missing", target_type="recon.source", target_id=source_code(feed.source_id)):
        reconciliation = _locked(feed.source_id)
        # What was read before the lock may have been settled by another sweep since.
        return _settle(Feed.objects.get(pk=feed.pk), reconciliation=reconciliation, now=now)


def _count(outcome: SweepOutcome, what: str) -> None:
    outcome.opened += what == "opened"
    outcome.changed += what == "changed"
    outcome.resolved += what == "resolved"


def _settle(feed: Feed, *, reconciliation: Reconciliation, now: datetime) -> str:
    """Make the source's break what the calendar says, inside the caller's transaction, which has the reconciliation locked."""
    missing = feed_calendar.missing_days([feed], now=now)[feed.source_id]
    days = [one.day.isoformat() for one in missing]
    stale = (
        Break.objects.select_for_update(of=("self",))
        .filter(reconciliation=reconciliation, type=BreakType.STALE_FEED)
        .exclude(state=BreakState.RESOLVED)
        .first()
    )
    if stale is None and not missing:
        return ""
    if stale is None:
        stale = _open(reconciliation, missing=missing, days=days)
        what = "opened"
    elif not missing:
        _resolve(stale, feed=feed, now=now)
        return "resolved"
    else:
        what = _change(stale, missing=missing, days=days)
    _gather(stale, feed=feed, missing=missing)
    return what


def _open(reconciliation: Reconciliation, *, missing: Sequence[ExpectedDay], days: Sequence[str]) -> Break:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('recon_break_number')")
        (number,) = cursor.fetchone()
    stale = Break(
        number=number,
        reconciliation=reconciliation,
        type=BreakType.STALE_FEED,
        difference_minor=0,
        occurred_on=missing[0].day,
        missing_days=list(days),
    )
    try:
        with transaction.atomic():
            stale.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) != "recon_source_has_one_live_stale_feed":
            raise
        raise AssertionError("the lock on the reconciliation keeps a second stale feed away") from error
    since = missing[0].missing_from
    record_event("recon.feed.missing", target_type="recon.break", target_id=stale.pk, after={"days": days, "since": since})
    route_break(stale)
    stale.refresh_from_db(fields=["assignee", "version"])
    return stale


def _change(stale: Break, *, missing: Sequence[ExpectedDay], days: Sequence[str]) -> str:
    if stale.missing_days == list(days):
        return ""
    before = stale.missing_days
    stale.missing_days, stale.occurred_on = list(days), missing[0].day
    stale.version += 1
    stale.save(update_fields=["missing_days", "occurred_on", "version"])
    record_event("recon.feed.missing_changed", target_type="recon.break", target_id=stale.pk, before={"days": before}, after={"days": days})
    return "changed"


def _resolve(stale: Break, *, feed: Feed, now: datetime) -> None:
    waited = [date.fromisoformat(day) for day in stale.missing_days]
    found = feed_calendar.days_of([feed], since=waited[0], until=waited[-1], now=now)[feed.source_id]
    ends = {one.day.isoformat(): one.state.value for one in found if one.day in waited}
    waived = sum(state == due.DayState.WAIVED for state in ends.values())
    came = sum(state in due.SETTLED for state in ends.values()) - waived
    parts = [(came, "came"), (waived, "waived"), (len(waited) - came - waived, "no longer expected")]
    stale.resolution = "; ".join(f"{count} day{'' if count == 1 else 's'} {word}" for count, word in parts if count)
    stale.children.exclude(state=BreakState.RESOLVED).update(parent=None, version=F("version") + 1)
    stale.state, stale.resolved_at = BreakState.RESOLVED, now
    stale.version += 1
    stale.save(update_fields=["state", "resolved_at", "resolution", "version"])
    record_event("recon.feed.complete", target_type="recon.break", target_id=stale.pk, reason=stale.resolution, after={"days": ends})


def _gather(stale: Break, *, feed: Feed, missing: Sequence[ExpectedDay]) -> None:
    """Let the breaks that a missing report would show on the other side wait for it, and let go of those that no longer do."""
    terms = feed_calendar.terms_of(feed)
    shown = Q(pk__in=[])
    for one in missing:
        shown |= Q(occurred_on__range=due.shown_by(terms, day=one.day))
    of_source = Break.objects.filter(reconciliation=stale.reconciliation_id)
    waits = of_source.filter(shown, type=BreakType.MISSING_EXTERNAL, state__in=[BreakState.OPEN, BreakState.INVESTIGATING])
    stays = list(waits.values_list("pk", flat=True))
    stale.children.exclude(state=BreakState.RESOLVED).exclude(pk__in=stays).update(parent=None, version=F("version") + 1)
    of_source.filter(pk__in=stays, parent=None).update(parent=stale, version=F("version") + 1)


def _locked(source_id: int) -> Reconciliation:
    return Reconciliation.objects.select_for_update(no_key=True).get(source=source_id, home=True)


def _said(terms: Terms) -> dict[str, Any]:
    return {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in asdict(terms).items()}


def _refuse_unsound(terms: Terms) -> None:
    weekly = terms.frequency == FeedFrequency.WEEKLY
    wrong = [
        (terms.frequency not in FeedFrequency.values, "frequency", f"there is no frequency {terms.frequency}"),
        (not calendar_exists(terms.calendar), "calendar", f"there is no calendar {terms.calendar}"),
        (
            terms.timezone not in available_timezones(),
            "timezone",
            f"there is no time zone {terms.timezone}; it is named like Europe/Berlin",
        ),
        (not 0 <= terms.days_after <= DAYS_AFTER_MAXIMUM, "days_after", f"a report is due 0 to {DAYS_AFTER_MAXIMUM} business days later"),
        (not 0 <= terms.grace_minutes <= GRACE_MAXIMUM, "grace_minutes", f"the grace is 0 to {GRACE_MAXIMUM} minutes"),
        (weekly and terms.weekday not in range(7), "weekday", "a weekly feed says on which weekday it reports"),
        (not weekly and terms.weekday is not None, "weekday", "only a weekly feed has a weekday"),
        (terms.ends_on is not None and terms.ends_on < terms.starts_on, "ends_on", "it ends on or after the day on which it starts"),
        (terms.due_time.tzinfo is not None, "due_time", "the time of day has no zone of its own"),
    ]
    for applies, field, sentence in wrong:
        if applies:
            raise FeedInvalid(sentence, field=field)
