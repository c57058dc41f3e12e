"""Reports of custodians: what their API answers, kept as a file. Read whole, so they end at 50 MB; amounts are texts or exact numbers."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from typing import Any, BinaryIO

from recon.formats.events import Place, quarantined, refusal
from recon.formats.report_rows import Item, Movement, Unreadable, amount_of, unreadable

SIZE_MAX = 50 * 1024 * 1024
RAW_MAX = 10_000

Record = Mapping[str, Any]


def records(file: BinaryIO, *, under: tuple[str, ...], movements: Callable[[Record, Place, str], Iterator[Movement]]) -> Iterator[Item]:
    """Go through the records of an answer: a list, or a list under one of the names.

    :param movements: reads a record, which may move several balances, and raises :class:`Unreadable` where it cannot.
    """
    file.seek(0)
    content = file.read(SIZE_MAX + 1)
    start = Place(1, None, "file")
    if len(content) > SIZE_MAX:
        message = f"The file is larger than {SIZE_MAX // 1024**2} MB: deliver the report in parts, a day or a week each."
        yield refusal(place=start, field="file", message=message)
        return
    try:
        answer = json.loads(content.decode("utf-8-sig"), parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except RecursionError:
        yield refusal(place=start, field="file", message="The file is nested deeper than any report.")
        return
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        yield refusal(place=Place(line, None, "file"), field="JSON", value=str(error), message="The file is not whole JSON in UTF-8.")
        return
    found = answer if isinstance(answer, list) else next((answer[name] for name in under if name in answer), None)
    if not isinstance(found, list):
        message = f"The report has no list of records ({' or '.join(under)})."
        yield refusal(place=start, field="JSON", message=message)
        return
    for number, record in enumerate(found, start=1):
        yield from _record(record, place=Place(None, None, f"record {number}"), movements=movements)


def _record(record: Any, *, place: Place, movements: Callable[[Record, Place, str], Iterator[Movement]]) -> Iterator[Item]:
    raw = json.dumps(record, ensure_ascii=False, default=str)[:RAW_MAX]
    if not isinstance(record, dict):
        yield quarantined(place=place, field="record", value=raw, message="This is no record.", raw=raw)
        return
    try:
        yield from list(movements(record, place, raw))
    except Unreadable as error:
        yield unreadable(error, place=place, raw=raw)


def text(record: Record, *path: str) -> str:
    """Return a value as text, "" where it is absent.

    :raises Unreadable: if a list or a record stands there.
    """
    value: Any = record
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    if isinstance(value, dict | list):
        raise Unreadable(".".join(path), str(value), "A single value was expected here.")
    if value is None:
        return ""
    return f"{value:f}" if isinstance(value, Decimal) else str(value)


def amount(record: Record, *path: str) -> Decimal:
    """Return an amount that is not negative; which way it goes is said elsewhere in the record.

    :raises Unreadable: if it is absent or anything else.
    """
    found = amount_of(text(record, *path), column=".".join(path))
    if found < 0:
        raise Unreadable(".".join(path), str(found), "An amount here has no sign.")
    return found


def list_of(record: Record, name: str) -> list[str]:
    value = record.get(name)
    return [str(one) for one in value] if isinstance(value, list) else []


def _no_number(word: str) -> Decimal:
    raise ValueError(f"{word} is no number")
