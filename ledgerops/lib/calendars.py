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


def is_business_day(day: date) -> bool:
    return day.weekday() < SATURDAY


def modified_following(day: date) -> date:
    """Return the day itself, or else the next business day; if that lies in the next month, the last one before."""
    following = day
    while not is_business_day(following):
        following += timedelta(days=1)
    if following.month == day.month:
        return following
    while not is_business_day(day):
        day -= timedelta(days=1)
    return day
