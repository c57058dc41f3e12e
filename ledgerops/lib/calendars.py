"""Business days. A business day is Monday to Friday until calendars of holidays are attached to sources."""

from datetime import date, timedelta

SATURDAY = 5


def business_days_between(start: date, end: date) -> int:
    """Return how many business days passed after `start` up to and including `end`; 0 when `end` is not later."""
    if end <= start:
        return 0
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start + timedelta(days=weeks * 7 + n)).weekday() < SATURDAY for n in range(1, rest + 1))


def business_days_before(day: date, *, count: int) -> date:
    """Return the latest date that lies at least `count` business days before `day`."""
    current = day
    while business_days_between(current, day) < count:
        current -= timedelta(days=1)
    return current
