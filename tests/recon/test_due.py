"""When reports are due: holidays, clock changes, late against missing at the minute, and what a period's report covers."""

from datetime import UTC, date, datetime, time, timedelta

import pytest

from ledgerops.lib.calendars import business_day_after, calendar_exists, calendar_names, is_business_day
from recon import due
from recon.due import DayState, Terms

TUESDAY = date(2026, 11, 3)


def terms(**values: object) -> Terms:
    usual: dict[str, object] = {
        "frequency": "business_daily", "calendar": "TARGET", "timezone": "Europe/Berlin", "due_time": time(7, 30), "days_after": 1,
        "grace_minutes": 120, "weekday": None, "starts_on": date(2026, 1, 1), "ends_on": None,
    }  # fmt: skip
    return Terms(**{**usual, **values})  # type: ignore[arg-type]


# Business days


@pytest.mark.parametrize(
    ("day", "calendar", "works"),
    [
        (date(2026, 4, 3), "TARGET", False),  # Good Friday
        (date(2026, 4, 6), "TARGET", False),  # Easter Monday
        (date(2026, 4, 3), "FED", True),
        (date(2026, 5, 1), "TARGET", False),
        (date(2026, 11, 26), "FED", False),  # Thanksgiving
        (date(2026, 11, 26), "TARGET", True),
        (date(2026, 7, 3), "FED", True),  # the 4th is a Saturday, and the Federal Reserve does not move it
        (date(2026, 12, 25), "WEEKDAYS", True),
        (date(2026, 11, 7), "WEEKDAYS", False),
        (date(2026, 11, 7), "EVERY_DAY", True),
        (date(2026, 10, 3), "DE", False),
        (date(2026, 11, 20), "SA", False),  # a Friday
    ],
)
def test_calendar_knows_its_holidays(day: date, calendar: str, *, works: bool) -> None:
    assert is_business_day(day, calendar=calendar) is works


def test_without_a_calendar_a_business_day_is_a_weekday() -> None:
    assert is_business_day(date(2026, 12, 25))
    assert not is_business_day(date(2026, 12, 26))


def test_names_are_complete_and_no_other_name_is_a_calendar() -> None:
    assert {"WEEKDAYS", "EVERY_DAY", "TARGET", "FED", "US", "DE"} <= set(calendar_names())
    assert not calendar_exists("target")
    assert not calendar_exists("")
    with pytest.raises(KeyError):
        is_business_day(TUESDAY, calendar="NOWHERE")


def test_next_business_day_steps_over_easter() -> None:
    assert business_day_after(date(2026, 4, 2), count=1, calendar="TARGET") == date(2026, 4, 7)
    assert business_day_after(date(2026, 4, 4), count=0, calendar="TARGET") == date(2026, 4, 7)


# Which days


def test_holidays_are_not_reported_on() -> None:
    assert due.expected_days(terms(), since=date(2026, 4, 1), until=date(2026, 4, 8)) == [
        date(2026, 4, 1), date(2026, 4, 2), date(2026, 4, 7), date(2026, 4, 8)
    ]  # fmt: skip


def test_weekly_and_monthly_reports_have_their_days() -> None:
    assert due.expected_days(terms(frequency="weekly", weekday=4), since=date(2026, 11, 1), until=date(2026, 11, 20)) == [
        date(2026, 11, 6), date(2026, 11, 13), date(2026, 11, 20)
    ]  # fmt: skip
    assert due.expected_days(terms(frequency="monthly"), since=date(2026, 1, 1), until=date(2026, 3, 31)) == [
        date(2026, 1, 31), date(2026, 2, 28), date(2026, 3, 31)
    ]  # fmt: skip


def test_nothing_is_expected_before_the_start_or_after_the_end() -> None:
    bounded = terms(starts_on=TUESDAY, ends_on=TUESDAY + timedelta(days=1))
    assert due.expected_days(bounded, since=date(2026, 1, 1), until=date(2026, 12, 31)) == [TUESDAY, TUESDAY + timedelta(days=1)]
    assert due.next_days(bounded, after=TUESDAY, count=5) == [TUESDAY + timedelta(days=1)]


def test_month_that_ends_on_a_weekend_closes_on_the_friday_before() -> None:
    assert due.reported_from(terms(frequency="monthly"), day=date(2026, 1, 31)) == date(2026, 1, 30)
    assert due.reported_from(terms(), day=TUESDAY) == TUESDAY


def test_report_after_a_long_weekend_shows_all_of_it() -> None:
    assert due.shown_by(terms(), day=date(2026, 4, 7)) == (date(2026, 4, 3), date(2026, 4, 7))
    assert due.shown_by(terms(frequency="daily"), day=TUESDAY) == (TUESDAY, TUESDAY)


# Which instant


def test_report_is_due_on_the_next_business_day_where_the_feed_is() -> None:
    assert due.due_at(terms(), day=TUESDAY) == datetime(2026, 11, 4, 6, 30, tzinfo=UTC)
    assert due.due_at(terms(), day=date(2026, 4, 2)) == datetime(2026, 4, 7, 5, 30, tzinfo=UTC)


def test_summer_time_keeps_the_time_on_the_wall() -> None:
    before, after = date(2026, 10, 22), date(2026, 10, 23)
    assert due.due_at(terms(), day=before) == datetime(2026, 10, 23, 5, 30, tzinfo=UTC)
    assert due.due_at(terms(), day=after) == datetime(2026, 10, 26, 6, 30, tzinfo=UTC)


def test_hour_that_a_clock_change_leaves_out_is_the_one_after_it() -> None:
    at_night = terms(frequency="daily", calendar="EVERY_DAY", due_time=time(2, 30), days_after=0)
    assert due.due_at(at_night, day=date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)  # 03:30 on the wall


def test_hour_that_comes_twice_is_the_second() -> None:
    at_night = terms(frequency="daily", calendar="EVERY_DAY", due_time=time(2, 30), days_after=0)
    assert due.due_at(at_night, day=date(2026, 10, 25)) == datetime(2026, 10, 25, 1, 30, tzinfo=UTC)


def test_grace_is_minutes_that_pass_whatever_the_clock_does() -> None:
    at_night = terms(frequency="daily", calendar="EVERY_DAY", due_time=time(1, 30), days_after=0, grace_minutes=60)
    assert due.missing_from(at_night, day=date(2026, 3, 29)) == datetime(2026, 3, 29, 1, 30, tzinfo=UTC)


# Late against missing


@pytest.mark.parametrize(
    ("after_due", "state"),
    [
        (timedelta(hours=-8), DayState.EXPECTED),
        (timedelta(hours=-7), DayState.DUE),
        (timedelta(0), DayState.DUE),
        (timedelta(seconds=1), DayState.LATE),
        (timedelta(minutes=120), DayState.LATE),
        (timedelta(minutes=120, seconds=1), DayState.MISSING),
    ],
)
def test_report_is_late_after_its_minute_and_missing_after_the_grace(after_due: timedelta, state: DayState) -> None:
    now = due.due_at(terms(), day=TUESDAY) + after_due
    assert due.state_while_waiting(terms(), day=TUESDAY, now=now) == state


def test_report_that_came_on_its_very_minute_is_on_time() -> None:
    instant, early = due.due_at(terms(), day=TUESDAY), datetime(2026, 1, 1, tzinfo=UTC)
    assert due.state_once_arrived(terms(), day=TUESDAY, arrived_at=instant, set_at=early) == DayState.ON_TIME
    later = instant + timedelta(seconds=1)
    assert due.state_once_arrived(terms(), day=TUESDAY, arrived_at=later, set_at=early) == DayState.ARRIVED_LATE


def test_what_was_due_before_anybody_said_so_is_not_called_late() -> None:
    instant = due.due_at(terms(), day=TUESDAY)
    said = instant + timedelta(days=1)
    assert due.state_once_arrived(terms(), day=TUESDAY, arrived_at=instant + timedelta(hours=1), set_at=said) == DayState.ARRIVED
