"""Exchange: what a rate makes of whole minor units, without the database.

A rate says how many units of its quote one unit of its base is worth: EUR in USD is 1.08 whatever the scales are. It is kept as a decimal
and worked with as a fraction, so that nothing is lost before the one rounding at the end, to the nearest whole minor unit and a half to the
even one. That rounding treats both signs alike: what is owed and what is owned at one rate still cancel.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from itertools import cycle, islice

from ledgerops.lib.errors import Refusal, RefusalKind

# A rate is stored with at most 20 digits before the point and 18 after it.
_RATE = re.compile(r"[0-9]{1,20}(?:\.[0-9]{1,18})?", re.ASCII)


class RateTextRefused(Refusal):
    """A text that says no rate."""

    code = "rate_text_refused"
    kind = RefusalKind.INVALID


def rate_from_text(text: object, *, field: str = "value") -> Decimal:
    """Return the rate that a plain decimal text says, exactly.

    :raises RateTextRefused: for anything but digits with at most one point, above zero; exponents, signs and commas are no rates.
    """
    if not isinstance(text, str) or not _RATE.fullmatch(text):
        raise RateTextRefused('a rate is a decimal above zero as text, such as "1.0842"', field=field, value=repr(text)[:80])
    value = Decimal(text)
    if not value:
        raise RateTextRefused("a rate is above zero", field=field, value=text)
    return value


def price_of(rate: Fraction, *, base_scale: int, quote_scale: int) -> Fraction:
    """Return how many minor units of the quote one minor unit of the base is worth."""
    return rate * Fraction(10) ** (quote_scale - base_scale)


def whole(exact: Fraction) -> int:
    """Return the nearest whole number, a half to the even one, whatever the sign."""
    return round(exact)


def converted(minor: int, *, rate: Fraction, base_scale: int, quote_scale: int) -> int:
    """Return an amount of the base in whole minor units of the quote."""
    return whole(minor * price_of(rate, base_scale=base_scale, quote_scale=quote_scale))


def apportioned(exact: Sequence[Fraction], *, kept: Collection[int] = ()) -> list[int]:
    """Return whole parts whose sum is the rounded sum of the exact ones, each less than one away from its own.

    Each part is rounded by itself; what the sum lacks or has too much goes to those that are nearest to the next whole number, the first
    among equals. The places that are `kept` stay as they are rounded by themselves, as long as there are others.
    """
    parts = [whole(part) for part in exact]
    missing = whole(sum(exact, Fraction(0))) - sum(parts)
    step = 1 if missing > 0 else -1
    nearest = sorted(range(len(exact)), key=lambda place: (place in kept, step * (parts[place] - exact[place])))
    for place in islice(cycle(nearest), abs(missing)):
        parts[place] += step
    return parts


@dataclass(frozen=True, slots=True, kw_only=True)
class Valuation:
    """A position in a foreign asset beside its book value, both as debits less credits.

    A position account takes the other side of what was bought, so its book value has the other sign: after the adjustment the two cancel.
    """

    position_minor: int
    equivalent_minor: int
    value_minor: int

    @property
    def adjustment_minor(self) -> int:
        """Return what the book value lacks, which is the exchange result not booked yet: a gain above zero, a loss below."""
        return -self.value_minor - self.equivalent_minor


def valued(*, position_minor: int, equivalent_minor: int, rate: Fraction, scale: int, functional_scale: int) -> Valuation:
    """Return what a position is worth at a rate, beside what the books carry it at."""
    value = converted(position_minor, rate=rate, base_scale=scale, quote_scale=functional_scale)
    return Valuation(position_minor=position_minor, equivalent_minor=equivalent_minor, value_minor=value)
