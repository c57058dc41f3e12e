"""Dates and amounts as a mapping describes them: compiled once, so that a row costs one pattern match and one conversion.

Nothing is guessed. A text that is not exactly what the mapping says is refused with a sentence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import Literal
from zoneinfo import ZoneInfo

from iso4217 import Currency

from recon.formats.mapped_table import Cell

Negative = Literal["leading_minus", "trailing_minus", "parentheses"]

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# The tokens of a date pattern, longest first; whatever else stands in a pattern stands for itself.
_TOKENS = {
    "YYYY": r"(?P<year>[0-9]{4})", "YY": r"(?P<short>[0-9]{2})", "MMM": r"(?P<name>[A-Za-z]{3})", "MM": r"(?P<month>[0-9]{2})",
    "M": r"(?P<month>[0-9]{1,2})", "DD": r"(?P<day>[0-9]{2})", "D": r"(?P<day>[0-9]{1,2})", "hh": r"(?P<hour>[0-9]{2})",
    "h": r"(?P<hour>[0-9]{1,2})", "mm": r"(?P<minute>[0-9]{2})", "ss": r"(?P<second>[0-9]{2})", "fff": r"[0-9]{1,9}",
    "ampm": r"(?:[AaPp][Mm])", "Z": r"(?:Z|[+-][0-9]{2}:?[0-9]{2})",
}  # fmt: skip
_TOKEN = re.compile("|".join(sorted(_TOKENS, key=len, reverse=True)))
_LITERALS = frozenset("./-_:, T'")
EPOCHS = {"unix": 1, "unix_ms": 1000}
_DATES_KEPT = 5_000

# What a thousands sign may also be written as: spaces and apostrophes have several forms that look alike.
_LOOKALIKES = {" ": " \u00a0\u202f\u2009", "'": "'\u2019"}
THOUSANDS = ("", ".", ",", " ", "'")
_DIGITS_MAX = 60


class Unreadable(Exception):
    """A cell is not what the mapping says; the sentence is for the person who looks at the row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DateRule:
    column: str
    pattern: str
    time_zone: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberRule:
    """How numbers are written. `scales` gives the decimals of minor units by currency beside those of ISO 4217; `minor` uses them."""

    decimal: str
    thousands: str
    negative: Negative = "leading_minus"
    minor: bool = False
    scales: tuple[tuple[str, int], ...] = ()
    affixes: tuple[str, ...] = ()


def date_pattern(pattern: str) -> re.Pattern[str]:
    """Return the expression of a date pattern.

    :raises ValueError: with a sentence, when the pattern does not give the day, the month and the year exactly once.
    """
    parts: list[str] = []
    seen: list[str] = []
    position = 0
    while position < len(pattern):
        token = _TOKEN.match(pattern, position)
        if token:
            seen.append(token[0])
            parts.append(_TOKENS[token[0]])
            position = token.end()
        elif pattern[position] in _LITERALS:
            parts.append(re.escape(pattern[position]))
            position += 1
        else:
            raise ValueError(
                f"{pattern[position]!r} is no part of a date pattern; the parts are {', '.join(_TOKENS)} and signs between them"
            )
    for name, forms in (("day", ("DD", "D")), ("month", ("MM", "M", "MMM")), ("year", ("YYYY", "YY"))):
        if sum(seen.count(form) for form in forms) != 1:
            raise ValueError(f"a date pattern gives the {name} exactly once, such as DD.MM.YYYY or MM/DD/YYYY")
    if len(seen) != len(set(seen)):
        raise ValueError("a date pattern names no part twice")
    return re.compile("".join(parts))


def date_reader(rule: DateRule) -> Callable[[Cell], date]:
    """Return the function that reads a cell as a day, and raises :class:`Unreadable` where it is none."""
    known: dict[Cell, date] = {}
    slow = _epoch_reader(rule) if rule.pattern in EPOCHS else _pattern_reader(rule)

    def read(cell: Cell) -> date:
        day = known.get(cell)
        if day is None:
            day = slow(cell)
            if len(known) < _DATES_KEPT:  # the days of a file repeat, and a hostile file may not fill the memory
                known[cell] = day
        return day

    return read


def _pattern_reader(rule: DateRule) -> Callable[[Cell], date]:
    expression = date_pattern(rule.pattern) if rule.pattern != "cell" else None

    def read(cell: Cell) -> date:
        if isinstance(cell, date):
            return cell
        text = cell.strip() if isinstance(cell, str) else f"{cell:f}"
        match = expression.fullmatch(text) if expression else None
        if match is None:
            wanted = "a day of the spreadsheet" if expression is None else f"a day written as {rule.pattern}"
            raise Unreadable(f"This is not {wanted}." if text else "The day is missing.")
        parts = match.groupdict()
        if int(parts.get("hour") or 0) > 24 or int(parts.get("minute") or 0) > 59:
            raise Unreadable("There is no such time of day.")
        try:
            month = _MONTHS.index(parts["name"].lower()) + 1 if parts.get("name") else int(parts["month"])
            year = int(parts["year"]) if parts.get("year") else 2000 + int(parts["short"])
            return date(year, month, int(parts["day"]))
        except ValueError:
            raise Unreadable(f"There is no such day, read as {rule.pattern}.") from None

    return read


def _epoch_reader(rule: DateRule) -> Callable[[Cell], date]:
    zone, unit = ZoneInfo(rule.time_zone), EPOCHS[rule.pattern]

    def read(cell: Cell) -> date:
        text = cell.strip() if isinstance(cell, str) else f"{cell}"
        if not re.fullmatch(r"[0-9]{1,14}(\.[0-9]{1,9})?", text):
            raise Unreadable(f"This is not a number of {'seconds' if unit == 1 else 'milliseconds'} since 1970.")
        try:
            instant = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(Decimal(text) // unit))
            return instant.astimezone(zone).date()
        except OverflowError:
            raise Unreadable("This time lies beyond every calendar.") from None

    return read


def number_reader(rule: NumberRule) -> Callable[[Cell, str], Decimal]:
    """Return the function that reads a cell, in a currency, as a signed exact number, and raises :class:`Unreadable` where it is none."""
    expression = re.compile(_number(rule))
    removed = str.maketrans("", "", _LOOKALIKES.get(rule.thousands, rule.thousands))
    turned = rule.decimal not in (".", "")
    trailing, parentheses = rule.negative == "trailing_minus", rule.negative == "parentheses"
    scales = dict(rule.scales)

    def read(cell: Cell, currency: str) -> Decimal:
        if isinstance(cell, str):
            text = cell.strip()
            for affix in rule.affixes:
                text = text.removeprefix(affix).removesuffix(affix).strip()
            if not expression.fullmatch(text):
                raise Unreadable(_reason(text, rule))
            if removed:
                text = text.translate(removed)
            if turned:
                text = text.replace(rule.decimal, ".")
            if trailing and text[-1] == "-":
                text = "-" + text[:-1].rstrip()
            elif parentheses and text[0] == "(":
                text = "-" + text[1:-1].strip()
            value = Decimal(text)
        elif isinstance(cell, Decimal):
            value = cell
            if abs(value.adjusted()) > _DIGITS_MAX or int(value.as_tuple().exponent) < -_DIGITS_MAX:
                raise Unreadable("This number has more digits than any amount.")
        else:
            raise Unreadable("This is a day and no amount.")
        return _major(value, currency, scales) if rule.minor else value

    return read


def _number(rule: NumberRule) -> str:
    digits = rf"[0-9]{{1,{_DIGITS_MAX}}}"
    if rule.thousands:
        sign = "[" + "".join(map(re.escape, _LOOKALIKES.get(rule.thousands, rule.thousands))) + "]"
        digits = rf"(?:[0-9]{{1,3}}(?:{sign}[0-9]{{3}}){{1,20}}|{digits})"
    fraction = "" if not rule.decimal else rf"(?:{re.escape(rule.decimal)}[0-9]{{0,{_DIGITS_MAX}}})?"
    # An amount below one may begin with its decimal sign.
    plain = rf"(?:{digits}{fraction}|{re.escape(rule.decimal)}[0-9]{{1,{_DIGITS_MAX}}})" if fraction else digits
    if rule.negative == "trailing_minus":
        return rf"{plain} ?[+-]?"
    if rule.negative == "parentheses":
        return rf"{plain}|\({plain}\)"
    return rf"[+-]?{plain}"


def _reason(text: str, rule: NumberRule) -> str:
    if not text:
        return "The amount is missing."
    return f"This is not a number as the mapping describes it, such as {_example(rule)}."


def _example(rule: NumberRule) -> str:
    """Return a negative number as the rule has it written."""
    plain = f"1{rule.thousands}234" + (f"{rule.decimal}56" if rule.decimal else "")
    return {"trailing_minus": f"{plain}-", "parentheses": f"({plain})"}.get(rule.negative, f"-{plain}")


def _major(value: Decimal, currency: str, scales: dict[str, int]) -> Decimal:
    scale = scales.get(currency)
    if scale is None:
        scale = iso_scale(currency)
    if scale is None:
        raise Unreadable(f"The mapping does not say how many decimals the minor units of {currency} have.")
    if value != value.to_integral_value():
        raise Unreadable("An amount in minor units is a whole number.")
    # Not scaleb(): that rounds to 28 digits, and an amount of a token may have more.
    sign, digits, exponent = value.as_tuple()
    return Decimal((sign, digits, int(exponent) - scale))


@lru_cache(maxsize=512)
def iso_scale(currency: str) -> int | None:
    """Return the decimals of a currency of ISO 4217, or None where it is none."""
    try:
        exponent = Currency(currency).exponent
    except ValueError:
        return None
    return None if exponent is None else int(exponent)
