"""Business days. Without a calendar's name, a business day is Monday to Friday; a named calendar knows its weekends and holidays."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache

import holidays

SATURDAY = 5
WEEKDAYS = "WEEKDAYS"
EVERY_DAY = "EVERY_DAY"
# Of payment systems, by the code that `holidays` gives them.
_SYSTEMS = {"TARGET": ("ECB", "TARGET, euro payments"), "FED": ("FED", "Federal Reserve, US dollar payments")}
# How far a search for a business day goes: no calendar has a longer run of holidays.
_SEARCHED_DAYS = 40


def business_days_between(start: date, end: date) -> int:
    """Return how many business days passed after `start` up to and including `end`; 0 when `end` is not later."""
    if end <= start:
        return 0
    weeks, rest = divmod((end - start).days, 7)
    return weeks * 5 + sum((start + timedelta(days=weeks * 7 + n)).weekday() < SATURDAY for n in range(1, rest + 1))


def business_days_apart(start: date, end: date, *, calendar: str) -> int:
    """Return how many business days of a calendar passed from `start` to `end`, below zero where `end` is the earlier.

    As many as the numbers of `recon.BusinessDay` lie apart.
    """
    if end < start:
        return -business_days_apart(end, start, calendar=calendar)
    if calendar == WEEKDAYS:
        return business_days_between(start, end)
    works = _rule(calendar)
    return sum(works(start + timedelta(days=n)) for n in range(1, (end - start).days + 1))


def business_days_before(day: date, *, count: int) -> date:
    """Return the latest date that lies at least `count` business days before `day`."""
    current = day
    while business_days_between(current, day) < count:
        current -= timedelta(days=1)
    return current


def is_business_day(day: date, *, calendar: str = WEEKDAYS) -> bool:
    """Return whether a calendar counts the day as one of business.

    :raises KeyError: if there is no such calendar.
    """
    return _rule(calendar)(day)


def calendar_exists(code: str) -> bool:
    return code in calendar_names()


def business_day_after(day: date, *, count: int, calendar: str) -> date:
    """Return the business day that lies `count` business days after `day`; with 0 the day itself, or else the next business day."""
    works = _rule(calendar)
    current = day
    for step in range(count + 1):
        current += timedelta(days=1 if step else 0)
        for _ in range(_SEARCHED_DAYS):
            if works(current):
                break
            current += timedelta(days=1)
    return current


@lru_cache(maxsize=1)
def calendar_names() -> dict[str, str]:
    """Return every calendar's code with its name: weekdays and every day, payment systems, then countries by their ISO code."""
    names = {WEEKDAYS: "Monday to Friday", EVERY_DAY: "Every day", **{code: name for code, (_, name) in _SYSTEMS.items()}}
    return {**names, **{code: f"{code}, public holidays" for code in sorted(holidays.list_supported_countries(include_aliases=False))}}


@lru_cache(maxsize=64)
def _rule(code: str) -> Callable[[date], bool]:
    if code not in calendar_names():
        raise KeyError(code)
    if code == WEEKDAYS:
        return lambda day: day.weekday() < SATURDAY
    if code == EVERY_DAY:
        return lambda day: True  # noqa: ARG005
    if code in _SYSTEMS:
        # Payment systems rest on Saturdays and Sundays, whatever weekend the library knows for a market.
        closed = holidays.financial_holidays(_SYSTEMS[code][0])
        return lambda day: day.weekday() < SATURDAY and day not in closed
    return holidays.country_holidays(code).is_working_day


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
