"""Conversions: from a quote to whole minor units, without the database.

A rate is evidence and never a multiplier of what is posted later: the integers are worked out once, here, and posted as they are. The sold
asset parts into what the position takes and the spread; the bought asset comes out of the position at the rate, and what no minor unit can
hold goes to rounding. So each asset balances by itself, and no amount is ever a fraction.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction

from ledger.accounting import MAXIMUM_AMOUNT
from ledgerops.lib.errors import Refusal, RefusalKind

BASIS_POINTS = 10_000
_RATE = re.compile(r"[0-9]{1,18}(?:\.[0-9]{1,18})?", re.ASCII)


class ConversionRefused(Refusal):
    """The quote cannot be posted: `field` says which of its values is wrong."""

    code = "conversion_refused"
    kind = RefusalKind.INVALID


class Rounding(StrEnum):
    """How the customer's amount becomes whole. The position always takes the nearest whole unit, a half to the even one."""

    DOWN = "down"
    HALF_EVEN = "half_even"
    HALF_UP = "half_up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What was agreed: so much of one asset for another at a rate, bought units for one sold.

    Either `spread_bps` is taken from the sold amount, or `bought_minor` was agreed and the spread is what it leaves at the rate.
    """

    quote_id: str
    rate: str
    quoted_at: datetime
    sold_minor: int
    sold_scale: int
    bought_scale: int
    spread_bps: int | None = None
    bought_minor: int | None = None
    rounding: Rounding = Rounding.DOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Amounts:
    """The legs of a conversion in minor units; in each asset what comes in is what goes out."""

    sold_amount: int
    sold_position_amount: int
    spread_amount: int
    bought_position_amount: int
    bought_amount: int
    rounding_gain: int
    rounding_loss: int

    def as_parameters(self) -> Mapping[str, int]:
        """Return the amounts by the names that the rule of a conversion gives them."""
        return {name: getattr(self, name) for name in self.__slots__}


def amounts_of(quote: Quote) -> Amounts:
    """Return the integer legs of a quote.

    :raises ConversionRefused: naming the field: a rate that is no plain decimal, a spread and a bought amount at once or neither, a bought
        amount that is worth more than what is sold, an amount too small or too large to post.
    """
    rate = rate_of(quote.rate)
    _check(quote)
    # Bought minor units for one sold minor unit.
    price = rate * Fraction(10) ** (quote.bought_scale - quote.sold_scale)
    if quote.bought_minor is None:
        # Downwards: a spread never takes more than was agreed.
        position = quote.sold_minor - quote.sold_minor * (quote.spread_bps or 0) // BASIS_POINTS
        bought = rounded(position * price, rule=quote.rounding)
    else:
        bought = quote.bought_minor
        position = rounded(bought / price, rule=Rounding.HALF_EVEN)
        if position > quote.sold_minor:
            raise ConversionRefused("at this rate the bought amount is worth more than what is sold", field="bought_amount")
    out = rounded(position * price, rule=Rounding.HALF_EVEN)
    if min(position, out, bought) <= 0:
        raise ConversionRefused("this is too little to convert: a side would be below its smallest unit", field="sold_amount")
    if max(out, bought) > MAXIMUM_AMOUNT:
        raise ConversionRefused("an amount has at most 38 digits", field="sold_amount")
    return Amounts(
        sold_amount=quote.sold_minor,
        sold_position_amount=position,
        spread_amount=quote.sold_minor - position,
        bought_position_amount=out,
        bought_amount=bought,
        rounding_gain=max(out - bought, 0),
        rounding_loss=max(bought - out, 0),
    )


def rate_of(text: object) -> Fraction:
    """Return the rate that a decimal text says, exactly.

    :raises ConversionRefused: for anything but digits with at most one point; exponents and signs are no rates.
    """
    if not isinstance(text, str) or not _RATE.fullmatch(text) or not Fraction(text):
        raise ConversionRefused('a rate is a decimal above zero as text, such as "1.0842"', field="rate")
    return Fraction(text)


def rounded(value: Fraction, *, rule: Rounding) -> int:
    """Return a value that is not negative as a whole number."""
    whole = value.numerator // value.denominator
    rest = value - whole
    if rule is Rounding.DOWN or rest < Fraction(1, 2):
        return whole
    if rest > Fraction(1, 2) or rule is Rounding.HALF_UP:
        return whole + 1
    return whole + whole % 2


def _check(quote: Quote) -> None:
    if not 0 < len(quote.quote_id) <= 100:
        raise ConversionRefused("a quote has an id of at most 100 characters", field="quote_id")
    if quote.quoted_at.tzinfo is None:
        raise ConversionRefused("the instant of a quote names its time zone", field="quoted_at")
    if type(quote.sold_minor) is not int or not 0 < quote.sold_minor <= MAXIMUM_AMOUNT:
        raise ConversionRefused("an amount is a whole number above zero of at most 38 digits", field="sold_amount")
    if (quote.spread_bps is None) == (quote.bought_minor is None):
        raise ConversionRefused("say either the spread or the bought amount that was agreed", field="spread_bps")
    if quote.spread_bps is not None and not 0 <= quote.spread_bps < BASIS_POINTS:
        raise ConversionRefused(f"a spread has 0 to {BASIS_POINTS - 1:,} basis points", field="spread_bps")
    if quote.bought_minor is not None and (type(quote.bought_minor) is not int or not 0 < quote.bought_minor <= MAXIMUM_AMOUNT):
        raise ConversionRefused("an amount is a whole number above zero of at most 38 digits", field="bought_amount")
