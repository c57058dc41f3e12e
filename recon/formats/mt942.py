"""What an MT942 intraday report has that a statement has not: floor limits, the time it was made, and totals.

Its lines are those of MT940. It has no balances and counts for nothing: the statement of the day brings its lines again.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Literal

from recon.formats.events import ControlRead, Direction, Event, LineRead, refusal, remark
from recon.formats.mt940_fields import Field
from recon.formats.mt940_line import amount_of

_AMOUNT = r"([0-9]{1,20}(?:[,.][0-9]{0,6})?|[,.][0-9]{1,6})"
_FLOOR = re.compile(rf"([A-Z]{{3}})([CD])?{_AMOUNT}")
_TOTAL = re.compile(rf"([0-9]{{1,9}})?([A-Z]{{3}}){_AMOUNT}")
_MADE = re.compile(r"([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([0-9]{2})([+-][0-9]{2})?([0-9]{2})?")
_NAMES = {"90D": "debits", "90C": "credits"}


@dataclass(frozen=True, slots=True)
class Floor:
    """Movements below `amount` are not listed. One without a direction holds for both."""

    currency: str
    direction: Direction | None
    amount: Decimal


@dataclass(slots=True)
class Sums:
    """What the lines of a report add up to in one direction, those that are only expected apart."""

    number: int = 0
    amount: Decimal = Decimal(0)
    expected_number: int = 0
    expected_amount: Decimal = Decimal(0)

    def add(self, line: LineRead) -> None:
        self.number += 1
        self.amount += line.amount
        if not line.booked:
            self.expected_number += 1
            self.expected_amount += line.amount


def floor_limit(item: Field) -> Floor | None:
    match = _FLOOR.fullmatch(item.text.replace(" ", ""))
    if match is None:
        return None
    side: dict[str | None, Literal["credit", "debit"]] = {"C": "credit", "D": "debit"}
    return Floor(match[1], side.get(match[2]), amount_of(match[3]))


def made_at(item: Field) -> datetime | None:
    """Read :13D: YYMMDDHHMM with its offset, or :13: without; None where it is no time."""
    match = _MADE.fullmatch(item.text.replace(" ", ""))
    if match is None:
        return None
    try:
        return datetime.fromisoformat(
            f"20{match[1]}-{match[2]}-{match[3]}T{match[4]}:{match[5]}" + (f"{match[6]}:{match[7]}" if match[7] else "")
        )
    except ValueError:
        return None


def controls(item: Field, *, currency: str, sums: Sums, floors: Iterable[Floor]) -> Iterator[Event]:
    """Compare the totals of :90D: or :90C: with the lines of the report.

    Banks count expected lines in or leave them out. Where a floor limit hides small movements, totals that are larger
    than the lines are no contradiction.
    """
    field, name, match = f":{item.tag}:", _NAMES[item.tag], _TOTAL.fullmatch(item.text.replace(" ", ""))
    if match is None:
        message = "The totals cannot be read: expected number, currency and amount, such as 3EUR250,00."
        yield refusal(place=item.place, field=field, value=item.text, message=message)
        return
    if match[2] != currency:
        message = f"The totals are in {match[2]}, the report in {currency}."
        yield refusal(place=item.place, field=field, value=item.text, message=message)
        return
    amount, found_number, found_amount = amount_of(match[3]), sums.number, sums.amount
    booked = sums.number - sums.expected_number
    # Some banks leave the number out: then the sums alone are compared.
    number = int(match[1]) if match[1] else booked if amount == sums.amount - sums.expected_amount else sums.number
    if number == booked and amount == sums.amount - sums.expected_amount:
        found_number, found_amount = number, amount
    side: Direction = "debit" if item.tag == "90D" else "credit"
    hidden = any(floor.amount and floor.direction in (None, side) for floor in floors)
    if hidden and number >= found_number and amount >= found_amount:
        if number > found_number:
            message = f"The totals say {number} {name}, the report lists {found_number}: the others are below the floor limit."
            yield remark(place=item.place, field=field, value=item.text, message=message)
        return
    yield ControlRead(name=f"number of {name}", declared=Decimal(number), found=Decimal(found_number), place=item.place)
    yield ControlRead(name=f"sum of {name}", declared=amount, found=found_amount, place=item.place)
