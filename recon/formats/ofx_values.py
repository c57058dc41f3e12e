"""Amounts, dates and character sets as OFX files write them, by the rule and against it."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO

from recon.formats.lines import CHUNK, encoding_of

_AMOUNT = re.compile(r"([+-]?)([0-9]{1,3}(?:([ .,'\u00a0\u202f])[0-9]{3})(?:\3[0-9]{3})*|[0-9]*)(?:([.,])([0-9]*))?")
_DATE = re.compile(
    r"([0-9]{4})([0-9]{2})([0-9]{2})([0-9]{2})?([0-9]{2})?([0-9]{2})?[0-9.:]*\s*(?:\[([+-]?[0-9]{1,2})?(?:\.[0-9]+)?[^\]]*\]?)?"
)
_CHARSET = re.compile(rb"CHARSET:\s*([A-Za-z0-9_-]+)|encoding\s*=\s*[\"']([A-Za-z0-9_-]+)[\"']")
_WINDOWS = re.compile(r"(?:WINDOWS-|CP)?(125[0-8])")
_ISO = re.compile(r"(?:ISO-)?8859-([0-9]{1,2})")


def amount(text: str, *, scale: int | None) -> Decimal | None:
    """Return the amount exactly, or None where it is none or can be read in two ways.

    A lone sign before three digits ("1,234") is a thousands sign to some and a decimal sign to others; it is refused unless the
    currency has three decimals.
    """
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    sign, whole, grouping, decimal_sign, decimals = match.groups()
    if not whole and not decimals:
        return None
    if grouping and grouping == decimal_sign:
        return None
    if grouping in (".", ",") and decimal_sign is None and whole.count(grouping) == 1:
        if scale != 3 and not whole.startswith("0"):
            return None
        whole, decimals = whole.split(grouping)
        grouping = None
    digits = whole.replace(grouping, "") if grouping else whole
    return Decimal(f"{sign}{digits or 0}.{decimals or 0}") if decimals else Decimal(f"{sign}{digits}")


def day(text: str) -> date | None:
    """Return the calendar day as the bank wrote it, whatever the time zone behind it."""
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def instant(text: str) -> datetime | None:
    match = _DATE.fullmatch(text)
    if match is None or day(text) is None:
        return None
    zone = f"{int(match[7]):+03d}:00" if match[7] else ""
    clock = ":".join(part or "00" for part in match.group(4, 5, 6))
    try:
        return datetime.fromisoformat(f"{match[1]}-{match[2]}-{match[3]}T{clock}{zone}")
    except ValueError:
        return None


def decoded(file: BinaryIO) -> tuple[str, str, str]:
    """Return the text, the encoding it was read in, and the one that the header declares ("" where it declares none).

    Headers are often wrong: valid UTF-8 is UTF-8 whatever they say.
    """
    content = bytearray()
    while chunk := file.read(CHUNK):
        content += chunk
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", errors="replace"), "utf-16", "utf-16"
    # Programs that write strings of C leave their end in the file.
    content = content.rstrip(b"\x00\x1a")
    match = _CHARSET.search(content[:2000])
    declared = _named((match[1] or match[2]).decode("ascii").upper()) if match else ""
    if content.isascii():
        return content.decode("ascii"), declared or "ascii", declared
    file.seek(0)
    encoding = "utf-8" if encoding_of(file) == "utf-8" else declared if declared not in ("", "utf-8", "ascii") else "cp1252"
    return content.decode(encoding, errors="replace").removeprefix("\ufeff"), encoding, declared


def _named(charset: str) -> str:
    """Return Python's name for a character set of a header, or "" where it names none that is read."""
    if match := _WINDOWS.fullmatch(charset):
        return f"cp{match[1]}"
    if (match := _ISO.fullmatch(charset)) and match[1] in ("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "13", "14", "15", "16"):
        return f"iso8859-{match[1]}"
    return {"UTF-8": "utf-8", "UTF8": "utf-8", "UNICODE": "utf-8", "US-ASCII": "ascii", "USASCII": "ascii"}.get(charset, "")
