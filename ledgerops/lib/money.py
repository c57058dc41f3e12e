"""Exact amounts: whole minor units of an asset, and the decimal text people read and write."""

import re
from decimal import Decimal

from ledgerops.lib.errors import Refusal, RefusalKind

MAXIMUM_DIGITS = 38
_MINOR = re.compile(r"[0-9]{1,38}", re.ASCII)
_DECIMAL = re.compile(r"-?[0-9]+(?:\.[0-9]+)?", re.ASCII)


class AmountRefused(Refusal):
    code = "amount_refused"
    kind = RefusalKind.INVALID


def minor_from_string(text: object, *, field: str) -> int:
    """Return the whole number of minor units that a string of digits says.

    :raises AmountRefused: for anything but 1 to 38 ASCII digits above zero; a float is refused even if whole.
    """
    if not isinstance(text, str) or not _MINOR.fullmatch(text):
        raise AmountRefused('an amount is a string of digits in minor units, such as "1234"', field=field, value=repr(text)[:80])
    amount = int(text)
    if amount == 0:
        raise AmountRefused("an amount must be above zero", field=field, value=text)
    return amount


def minor_from_decimal(value: Decimal, *, scale: int) -> int:
    """Return `value` in minor units, exactly.

    :raises AmountRefused: if `value` has more decimals than the asset's scale or more than 38 digits.
    """
    if not value.is_finite():
        raise AmountRefused(f"{value} is not a number", value=str(value))
    if value.adjusted() + scale >= MAXIMUM_DIGITS and value:
        raise AmountRefused(f"{value} has more than {MAXIMUM_DIGITS} digits", value=str(value))
    numerator, denominator = value.as_integer_ratio()
    number, remainder = divmod(numerator * int(10**scale), denominator)
    if remainder:
        raise AmountRefused(f"{value} has more than {scale} decimals", value=str(value), scale=scale)
    return number


def minor_from_text(text: str, *, scale: int, field: str) -> int:
    """Return the minor units a person typed: `1,234.50`, `(30)` and `30-` are understood; exponents are not.

    :raises AmountRefused: naming the field.
    """
    compact = text.strip().replace("\u2212", "-").replace(" ", "")
    negative = False
    if compact.startswith("(") and compact.endswith(")"):
        compact, negative = compact[1:-1], True
    elif compact.endswith("-"):
        compact, negative = compact[:-1], True
    if re.fullmatch(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?", compact, re.ASCII):
        compact = compact.replace(",", "")
    if not _DECIMAL.fullmatch(compact):
        raise AmountRefused("write an amount like 1,234.50", field=field, value=text[:80])
    try:
        minor = minor_from_decimal(Decimal(compact), scale=scale)
    except AmountRefused as refusal:
        raise AmountRefused(str(refusal), field=field, **refusal.detail) from None
    return -minor if negative else minor


def plain(minor: int, *, scale: int) -> str:
    """Return the amount as digits with a point, for machines and the clipboard: -18900.00."""
    digits = str(abs(minor)).rjust(scale + 1, "0")
    whole, fraction = (digits[:-scale], digits[-scale:]) if scale else (digits, "")
    return ("-" if minor < 0 else "") + whole + ("." + fraction if fraction else "")


def grouped(minor: int, *, scale: int, signed: bool = False) -> str:
    """Return the amount as a person reads it: true minus, thousands separated, a plus only where `signed`."""
    text = plain(abs(minor), scale=scale)
    whole, _, fraction = text.partition(".")
    shown = f"{int(whole):,}" + ("." + fraction if fraction else "")
    if minor < 0:
        return "\u2212" + shown
    return "+" + shown if signed and minor > 0 else shown
