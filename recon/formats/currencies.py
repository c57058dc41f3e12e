"""How many decimals a currency has, for formats that write amounts without a decimal point."""

from __future__ import annotations

from iso4217 import Currency

_EXPONENTS: dict[str, int] = {str(one.value): int(one.exponent) for one in Currency if one.exponent is not None}


def exponent(code: str) -> int | None:
    """Return the decimals of an ISO 4217 currency (JPY 0, USD 2, BHD 3), or None where there is no such currency."""
    return _EXPONENTS.get(code)
