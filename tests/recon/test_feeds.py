"""Feeds: what is expected, what is waived, and the one break of a source that has not delivered."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest

from approvals.models import User
from audit.models import AuditEvent
from ledger.models import AccountingPeriod
from ledgerops.lib.errors import Refusal
from recon import feed_calendar, operations, source_queries
from recon.closing_checks import statements
from recon.due import DayState, Terms
from recon.feeds import feeds_for
from recon.models import Break, Feed, FeedWaiver, Source
from recon.operations.adjustments import AdjustmentRequest
from recon.web.sources.words import STATE_WORDS
from tests.concurrency import scene
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing

# DAY is Monday, 2 November 2026. Its report is due on Tuesday at 08:00 in Berlin, and missing two hours later.
MONDAY, TUESDAY, WEDNESDAY, THURSDAY = (DAY + timedelta(days=n) for n in range(4))
MISSING_AT = datetime(2026, 11, 3, 9, 0, 1, tzinfo=UTC)
NEXT_MISSING_AT = MISSING_AT + timedelta(days=1)


def terms(**values: Any) -> Terms:
    usual: dict[str, Any] = {
        "frequency": "business_daily", "calendar": "TARGET", "timezone": "Europe/Berlin", "due_time": time(8, 0), "days_after": 1,
        "grace_minutes": 120, "weekday": None, "starts_on": MONDAY, "ends_on": WEDNESDAY,
    }  # fmt: skip
    return Terms(**{**usual, **values})


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def feed(bank: Source) -> Feed:
    """A feed that nothing is missing of until somebody sweeps at an instant of their choice."""
    return Feed.objects.create(source=bank, **{name: getattr(terms(), name) for name in Terms.__slots__})


Deliver = Callable[..., None]


@pytest.fixture
def deliver(bank: Source, maker: User) -> Deliver:
    """Return a function that accepts and reconciles the bank's statement of a day."""

    def take(day: date, *rows: tuple[str, int, str], number: int = 1, opening_minor: int = 0) -> None:
        scene.reconcile(scene.mt940(*rows, day=day, number=number, opening_minor=opening_minor), source=bank, by=maker)

    return take


def states(feed: Feed, *, now: datetime) -> dict[date, str]:
    days = feed_calendar.days_of([feed], since=MONDAY, until=THURSDAY, now=now)[feed.source_id]
    return {one.day: one.state.value for one in days}


def stale() -> Break:
    return Break.objects.exclude(state="resolved").get(type="stale_feed")


# What came of what was expected


def test_days_are_what_the_calendar_and_the_statements_say(feed: Feed, deliver: Deliver) -> None:
    deliver(MONDAY, ("C", 100, "INV-0001"))
    assert states(feed, now=NEXT_MISSING_AT) == {MONDAY: "arrived", TUESDAY: "missing", WEDNESDAY: "expected"}


def test_day_without_a_statement_is_quiet_where_the_next_goes_on_from_the_one_before(feed: Feed, deliver: Deliver) -> None:
    deliver(MONDAY, ("C", 100, "INV-0001"))
    deliver(WEDNESDAY, ("C", 50, "INV-0002"), number=2, opening_minor=100)
    assert states(feed, now=NEXT_MISSING_AT)[TUESDAY] == "quiet"


def test_day_without_a_statement_is_missing_where_the_next_opens_elsewhere(feed: Feed, deliver: Deliver) -> None:
    deliver(MONDAY, ("C", 100, "INV-0001"))
    deliver(WEDNESDAY, ("C", 50, "INV-0002"), number=2, opening_minor=170)
    assert states(feed, now=NEXT_MISSING_AT)[TUESDAY] == "missing"


def test_strip_of_the_statements_page_says_the_same(feed: Feed, deliver: Deliver, maker: User) -> None:
    deliver(MONDAY, ("C", 100, "INV-0001"))
    (shown,) = feeds_for(maker, today=THURSDAY, now=NEXT_MISSING_AT)
    assert (shown.state, shown.days_behind) == ("missing", 1)
    assert [one.state for one in shown.days] == ["proven", "missing"]


# Saying what is expected


def test_setting_a_feed_is_on_the_trail_with_what_it_replaced(bank: Source) -> None:
    operations.set_feed(source_id=bank.pk, terms=terms())
    operations.set_feed(source_id=bank.pk, terms=terms(grace_minutes=30))
    events = AuditEvent.objects.filter(action="recon.feed.set", outcome="done").order_by("id")
    assert [(event.before or {}).get("grace_minutes") for event in events] == [None, 120]
    assert Feed.objects.get().grace_minutes == 30


def test_same_terms_again_change_nothing(bank: Source) -> None:
    operations.set_feed(source_id=bank.pk, terms=terms())
    with writes_nothing():
        operations.set_feed(source_id=bank.pk, terms=terms())
    assert AuditEvent.objects.filter(action="recon.feed.set").count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"frequency": "hourly"}, "frequency"),
        ({"calendar": "MARS"}, "calendar"),
        ({"timezone": "Europe/Atlantis"}, "timezone"),
        ({"days_after": 40}, "days_after"),
        ({"grace_minutes": -1}, "grace_minutes"),
        ({"frequency": "weekly"}, "weekday"),
        ({"weekday": 2}, "weekday"),
        ({"ends_on": MONDAY - timedelta(days=1)}, "ends_on"),
        ({"due_time": time(8, 0, tzinfo=UTC)}, "due_time"),
    ],
)
def test_feed_that_cannot_be_is_refused_at_its_field(bank: Source, values: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(operations.FeedInvalid) as caught:
        operations.set_feed(source_id=bank.pk, terms=terms(**values))
    assert caught.value.field == field


# Waiving


def test_waived_day_is_nothing_to_wait_for(feed: Feed, maker: User) -> None:
    operations.waive_day(source_id=feed.source_id, day=MONDAY, reason="Bank closed for the migration", waived_by_id=maker.pk)
    assert states(feed, now=MISSING_AT)[MONDAY] == "waived"
    assert AuditEvent.objects.get(action="recon.feed.day_waived", outcome="done").reason == "Bank closed for the migration"


@pytest.mark.parametrize(("day", "reason"), [(DAY - timedelta(days=1), "Nothing on a Sunday"), (MONDAY, "no")])
def test_day_that_is_not_expected_or_a_reason_that_says_nothing_is_refused(feed: Feed, maker: User, day: date, reason: str) -> None:
    with writes_nothing(), pytest.raises(operations.FeedInvalid):
        operations.waive_day(source_id=feed.source_id, day=day, reason=reason, waived_by_id=maker.pk)


def test_day_that_has_come_or_is_waived_is_not_waived(feed: Feed, maker: User, deliver: Deliver) -> None:
    deliver(MONDAY, ("C", 100, "INV-0001"))
    operations.waive_day(source_id=feed.source_id, day=TUESDAY, reason="Bank holiday of its own", waived_by_id=maker.pk)
    for day in (MONDAY, TUESDAY):
        with writes_nothing(), pytest.raises(operations.FeedDayRefused):
            operations.waive_day(source_id=feed.source_id, day=day, reason="Once more", waived_by_id=maker.pk)
    assert FeedWaiver.objects.count() == 1


# The break of a missing file


def test_nothing_is_opened_while_the_report_is_late_only(feed: Feed) -> None:
    with writes_nothing():
        operations.sweep_feeds(now=MISSING_AT - timedelta(seconds=1))


def test_missing_day_opens_one_break_and_a_second_one_joins_it(feed: Feed) -> None:
    assert operations.sweep_feeds(now=MISSING_AT).opened == 1
    assert (stale().occurred_on, stale().missing_days) == (MONDAY, ["2026-11-02"])
    with writes_nothing():
        operations.sweep_feeds(now=MISSING_AT + timedelta(minutes=5))
    assert operations.sweep_feeds(now=NEXT_MISSING_AT).changed == 1
    assert stale().missing_days == ["2026-11-02", "2026-11-03"]
    assert Break.objects.count() == 1


def test_break_ends_by_itself_when_the_day_has_come(feed: Feed, deliver: Deliver) -> None:
    operations.sweep_feeds(now=MISSING_AT)
    deliver(MONDAY, ("C", 100, "INV-0001"))
    assert operations.sweep_feeds(now=MISSING_AT + timedelta(minutes=1)).resolved == 1
    ended = Break.objects.get(type="stale_feed")
    assert (ended.state, ended.resolution, ended.resolved_by_id) == ("resolved", "1 day came", None)
    assert AuditEvent.objects.filter(action="recon.feed.complete", target_id=str(ended.pk)).count() == 1


def test_break_ends_with_the_waiver_of_its_last_day(bank: Source, maker: User) -> None:
    # Long ago for the database's clock, so that the waiver itself sees what is missing.
    long_ago = terms(starts_on=date(2026, 10, 1), ends_on=date(2026, 10, 2), calendar="WEEKDAYS")
    operations.set_feed(source_id=bank.pk, terms=long_ago)
    assert stale().missing_days == ["2026-10-01", "2026-10-02"]
    operations.waive_day(source_id=bank.pk, day=date(2026, 10, 1), reason="Never existed", waived_by_id=maker.pk)
    assert stale().missing_days == ["2026-10-02"]
    operations.waive_day(source_id=bank.pk, day=date(2026, 10, 2), reason="Never existed", waived_by_id=maker.pk)
    assert Break.objects.get().resolution == "1 day waived"


def test_breaks_that_only_wait_for_the_file_are_grouped_under_it(feed: Feed, deliver: Deliver, post: Post, maker: User) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-0007", day=TUESDAY)
    deliver(MONDAY, ("C", 100, "INV-0001"))
    deliver(WEDNESDAY, ("C", 50, "INV-0002"), number=3, opening_minor=170)
    operations.sweep_feeds(now=NEXT_MISSING_AT)
    child = Break.objects.get(reference="INV-0007")
    assert (child.type, child.parent) == ("missing_external", stale())
    assert source_queries.waiting_for(stale(), now=NEXT_MISSING_AT).total == 1
    shown = signed_in(maker).get("/breaks/").content.decode()
    assert child.public_number not in shown
    assert stale().public_number in shown
    assert child.public_number in signed_in(maker).get(f"/breaks/?parent={stale().number}").content.decode()
    assert child.public_number in signed_in(maker).get("/breaks/?q=INV-0007").content.decode()


def test_what_waited_is_in_the_queue_again_once_the_file_has_come_without_it(feed: Feed, deliver: Deliver, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-0007", day=TUESDAY)
    deliver(MONDAY, ("C", 100, "INV-0001"))
    deliver(WEDNESDAY, ("C", 50, "INV-0002"), number=3, opening_minor=170)
    operations.sweep_feeds(now=NEXT_MISSING_AT)
    deliver(TUESDAY, ("C", 70, "INV-0003"), number=2, opening_minor=100)
    operations.sweep_feeds(now=NEXT_MISSING_AT)
    assert Break.objects.get(reference="INV-0007").parent is None


def test_postings_after_the_last_statement_are_counted_and_open_no_break(feed: Feed, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-0007", day=MONDAY)
    operations.execute_run(run_id=operations.request_run(reconciliation_id=feed.source.reconciliation.pk, requested_by_id=None).pk)  # type: ignore[arg-type]
    operations.sweep_feeds(now=MISSING_AT)
    held_up = source_queries.waiting_for(stale(), now=MISSING_AT)
    assert (held_up.children_count, held_up.items_count, held_up.items_minor) == (0, 1, 1000)


def test_run_leaves_the_break_of_a_missing_file_alone(feed: Feed, deliver: Deliver) -> None:
    operations.sweep_feeds(now=NEXT_MISSING_AT)
    deliver(MONDAY, ("C", 100, "INV-0001"))
    assert stale().state == "open"


def test_nobody_matches_it_or_adjusts_it_away(feed: Feed, maker: User) -> None:
    operations.sweep_feeds(now=MISSING_AT)
    with writes_nothing(), pytest.raises(operations.BreakRefused):
        operations.match_by_hand(break_id=stale().pk, version=1, item_ids=[1], matched_by_id=maker.pk)
    wish = AdjustmentRequest(
        break_id=stale().pk, item_ids=[], reason_code="BANK_FEE", narrative="The file never came, so book it away",
        counter_account="6420", effective_date=DAY,
    )  # fmt: skip
    with writes_nothing(), pytest.raises(Refusal):
        operations.propose_adjustment(request=wish, maker_id=maker.pk)


def test_its_page_says_what_is_missing_and_what_waits(feed: Feed, maker: User, post: Post) -> None:
    operations.sweep_feeds(now=MISSING_AT)
    response = signed_in(maker).get(f"/breaks/{stale().pk}/")
    assert response.status_code == 200
    assert "Mon 2 Nov 2026" in response.content.decode()
    assert "Accept match" not in response.content.decode()


def test_day_state_words_cover_every_state() -> None:
    assert set(STATE_WORDS) == set(DayState)


# Closing a period


def test_period_is_complete_once_every_expected_day_has_come_or_is_waived(bank: Source, deliver: Deliver, maker: User) -> None:
    operations.set_feed(source_id=bank.pk, terms=terms(ends_on=TUESDAY))
    deliver(MONDAY, ("C", 100, "INV-0001"))
    period = AccountingPeriod.objects.get()
    assert not statements(period).passed
    operations.waive_day(source_id=bank.pk, day=TUESDAY, reason="Nothing was booked", waived_by_id=maker.pk)
    assert statements(period).passed
