"""The two records of BAI2 that carry amounts: summaries of an account (03) and movements (16)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from typing import Literal

from recon.formats.bai2_records import Record, Segment
from recon.formats.events import Direction, LocatedError, Place, refusal
from recon.formats.text import one_line, short_date

_AMOUNT = re.compile(r"[+-]?[0-9]{1,20}")
_UNSIGNED = re.compile(r"\+?[0-9]{1,20}")
_TYPE = re.compile(r"[0-9]{3}")
_SAID = re.compile(r"([A-Z]{4}): ?(.*)")
_INFORMATION = "890"
_SUMMARIES_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Summary:
    """An amount of the account record; `amount_minor` is None where the bank left it empty."""

    code: str
    amount_minor: int | None
    items: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A movement; `counts` is false for code 890, which carries words and no money. `said` has the words that banks mark."""

    code: str
    amount_minor: int
    counts: bool
    funds: str
    value_date: date | None
    bank_reference: str
    customer_reference: str
    said: dict[str, str]


def code_kind(code: str) -> Direction | Literal["status"] | None:
    """Tell what a type code stands for, or None where it is not laid down which way the money went."""
    match int(code):
        case number if 1 <= number <= 99 or 900 <= number <= 919:
            return "status"
        case number if 100 <= number <= 399 or 720 <= number <= 729 or 920 <= number <= 959:
            return "credit"
        case number if 400 <= number <= 699 or 760 <= number <= 769 or 960 <= number <= 999:
            return "debit"
    return None


def summaries(record: Record) -> list[Summary] | LocatedError:
    """Read the summaries of an account record, or say which one cannot be read."""
    strict = _summaries(record.fields()[2:], record=record, starts=frozenset(start - 2 for start in record.starts()))
    if isinstance(strict, list):
        return strict
    loose = _summaries(record.fields(loose=True)[2:], record=record)
    return loose if isinstance(loose, list) else strict


def _summaries(fields: list[str], *, record: Record, starts: frozenset[int] = frozenset()) -> list[Summary] | LocatedError:
    """Read the summaries; `starts` are the positions at which a physical record begins, as far as they are known."""
    found: list[Summary] = []
    position = 0
    while any(fields[position : position + 4]) or len(fields) - position > 4:
        code, amount, items, funds = (*fields[position : position + 4], "", "", "", "")[:4]
        if not code and position + 1 in starts and _TYPE.fullmatch(amount):
            position += 1  # one comma too many at the end of a physical record; the next one begins with a type code
            continue
        if not code and not amount:
            position += 4
            continue
        if not _TYPE.fullmatch(code) or (amount and not _AMOUNT.fullmatch(amount)) or (items and not items.isdigit()):
            message = (
                "The summaries of the account cannot be read here: expected type code, amount without decimal point, count, funds type."
            )
            return refusal(place=record.place("03"), field=f"summary {len(found) + 1}", value=f"{code},{amount},{items}", message=message)
        width = _width(funds.upper(), fields[position + 4 : position + 5])
        if width is None or len(found) >= _SUMMARIES_MAX:
            message = "The funds type is none of 0, 1, 2, S, V, D and Z."
            return refusal(place=record.place("03"), field="funds type", value=f"{code},{amount},{items},{funds}", message=message)
        found.append(Summary(code, int(amount) if amount else None, int(items) if items else None))
        position += 4 + width
    return found


def _width(funds: str, following: list[str]) -> int | None:
    """Return how many fields a funds type adds, or None where there is no such type."""
    if funds in ("", "0", "1", "2", "Z"):
        return 0
    if funds == "V":
        return 2
    if funds == "S":
        return 3
    if funds == "D" and following and following[0].isdigit() and len(following[0]) < 3:
        return 1 + 2 * int(following[0])
    return None


def movement(record: Record, *, place: Place) -> Movement | LocatedError:
    """Read a movement, or say why it cannot be read."""
    cursor = _Cursor(record.segments)
    code, amount, funds = cursor.take(), cursor.take(), cursor.take().upper()
    if not _TYPE.fullmatch(code):
        return refusal(place=place, field="type code", value=code, message="The type code of the movement is not a number of three digits.")
    kind = code_kind(code)
    if code != _INFORMATION and (kind not in ("credit", "debit") or code in ("100", "400")):
        message = (
            f"The type code {code} stands for a balance, a total or something whose direction BAI2 does not lay down, not for a movement. "
            "Ask the bank what it means by it."
        )
        return refusal(place=place, field="type code", value=code, message=message)
    if not _UNSIGNED.fullmatch(amount or ("0" if code == _INFORMATION else "")):
        message = "The amount of the movement must be digits without sign or decimal point: its direction is the type code's to say."
        return refusal(place=place, field="amount", value=amount, message=message)
    width = _width(funds, [cursor.peek()])
    if width is None:
        return refusal(place=place, field="funds type", value=funds, message="The funds type is none of 0, 1, 2, S, V, D and Z.")
    more = [cursor.take() for _ in range(width)]
    bank, customer = cursor.reference(), cursor.reference()
    return Movement(
        code=code,
        amount_minor=int(amount or 0),
        counts=code != _INFORMATION,
        funds=" ".join([funds, *more]).strip() if width else funds,
        value_date=_value_date(more) if funds == "V" else None,
        bank_reference=bank,
        customer_reference=customer,
        said=_said(cursor.rest()),
    )


def _value_date(more: list[str]) -> date | None:
    return short_date(more[0]) if re.fullmatch("[0-9]{6}", more[0]) else None


def _said(texts: list[str]) -> dict[str, str]:
    """Split the text into words that some banks mark, one a line ("EREF: 1111"), and the rest, which has the key ""."""
    found: dict[str, str] = {}
    for text in texts:
        match = _SAID.fullmatch(text.strip())
        if match:
            found.setdefault(match[1], one_line(match[2]))
        found[""] = f"{found.get('', '')} {text}"
    return found


class _Cursor:
    """Takes the fields of a movement one after the other, over the ends of its physical records, and then its text."""

    def __init__(self, segments: list[Segment]) -> None:
        self._parts = [segment.text.split(",") for segment in segments]
        self._index = self._field = 0

    def take(self) -> str:
        text = self.peek()
        self._field += 1
        return text

    def peek(self) -> str:
        while self._index < len(self._parts) and self._field >= len(self._parts[self._index]):
            self._index, self._field = self._index + 1, 0
        return self._parts[self._index][self._field].strip() if self._index < len(self._parts) else ""

    def reference(self) -> str:
        """Take a reference. A continuation that begins with words is text already: no reference has spaces there."""
        text = self.peek()
        if self._index and self._field == 0 and " " in text:
            return ""
        return self.take()

    def rest(self) -> list[str]:
        self.peek()
        first = [",".join(self._parts[self._index][self._field :])] if self._index < len(self._parts) else []
        return first + [",".join(parts) for parts in self._parts[self._index + 1 :]]
