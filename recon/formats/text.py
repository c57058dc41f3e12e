"""Small readings of text that both statement formats share."""

from __future__ import annotations

import re
from datetime import date
from functools import lru_cache

# What banks write into a mandatory reference field when there is no reference. None of them may ever match anything.
FILLERS = frozenset({"NONREF", "NOREF", "NOTPROVIDED", "NOTAVAILABLE", "NONE"})

_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")
_BIC = re.compile(r"[A-Z]{6}[A-Z0-9]{2}([A-Z0-9]{3})?")


def key(text: str) -> str:
    """Return a reference ready to be matched on: trimmed, and empty where it is a filler."""
    trimmed = " ".join(text.split())
    return "" if trimmed.upper().replace(" ", "") in FILLERS else trimmed


def one_line(text: str) -> str:
    return " ".join(text.split())


@lru_cache(maxsize=4096)
def iban(text: str) -> str:
    """Return the IBAN without spaces, or "" where the text is not one (ISO 13616, check digits included)."""
    compact = text.replace(" ", "").upper()
    if not _IBAN.fullmatch(compact):
        return ""
    digits = "".join(str(int(sign, 36)) for sign in compact[4:] + compact[:4])
    return compact if int(digits) % 97 == 1 else ""


def bic(text: str) -> str:
    """Return the BIC without the XXX of a head office, or "" where the text is not one."""
    compact = text.strip().upper()
    return compact.removesuffix("XXX") if _BIC.fullmatch(compact) else ""


def short_date(text: str) -> date | None:
    """Read YYMMDD, or None where there is no such day; 80 to 99 are of the last century."""
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None
