"""Days on which the demo company's banks book: the business days of `ledgerops.lib.calendars`."""

from datetime import date, timedelta

from ledgerops.lib.calendars import SATURDAY


def is_bank_day(day: date) -> bool:
    return day.weekday() < SATURDAY


def bank_day_after(day: date, *, count: int = 1) -> date:
    for _ in range(count):
        day += timedelta(days=1)
        while not is_bank_day(day):
            day += timedelta(days=1)
    return day


def bank_day_before(day: date) -> date:
    day -= timedelta(days=1)
    while not is_bank_day(day):
        day -= timedelta(days=1)
    return day


def bank_day_of_year(day: date) -> int:
    """Return how many bank days the year has had, `day` included: banks number their daily statements so."""
    first = date(day.year, 1, 1)
    return sum(is_bank_day(first + timedelta(days=offset)) for offset in range((day - first).days + 1))
