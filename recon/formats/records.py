"""Records that an operational system pushes: our own JSON, described in docs/formats.md.

A delivery holds at most ``RECORDS_MAX`` records and is read whole; a record that cannot be read is quarantined, the others stay.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, BinaryIO

from recon.formats.events import (
    KEY_KINDS,
    Event,
    LineRead,
    LocatedError,
    Place,
    StatementClosed,
    StatementOpened,
    quarantined,
    refusal,
)
from recon.formats.guard import guarded
from recon.formats.text import key, one_line

FORMAT = "ledgerops.records/1"
RECORDS_MAX = 10_000
BYTES_MAX = 50 * 1024 * 1024
TEXT_MAX = 2_000

_TEXTS = ("reference", "end_to_end_id", "uetr", "counterparty", "counterparty_account", "type", "description")
_HALF = r"This text holds half a character (such as a lone \ud800), which cannot be stored."
_FIELDS = frozenset({"id", "booked_on", "value_on", "direction", "amount", "currency", "keys", "facts", *_TEXTS})


class _Unreadable(Exception):
    def __init__(self, field: str, message: str, value: object = "") -> None:
        super().__init__(message)
        self.field, self.value = field, str(value)


class _Repeated(dict[str, Any]):
    """An object of which a name stands twice: Python would keep the last, and lose the others in silence."""


@dataclass(frozen=True, slots=True)
class _Delivery:
    account: str
    key: str
    records: list[Any]


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a push of records: one report for each currency in it. See :mod:`recon.formats.events`."""
    try:
        delivery = _delivery(file.read(BYTES_MAX + 1))
    except _Unreadable as error:
        yield refusal(place=Place(None, None, "records"), field=_whole(error.field), value=_whole(error.value), message=str(error))
        return
    lines, errors = _read(delivery.records)
    for ordinal, currency in enumerate(dict.fromkeys(line.currency for line in lines), start=1):
        own = [line for line in lines if line.currency == currency]
        yield _opened(ordinal, delivery, currency=currency)
        if ordinal == 1:
            yield from errors
        for number, line in enumerate(own, start=1):
            yield replace(line, ordinal=number)
        yield StatementClosed(ordinal=ordinal, lines=len(own), place=Place(None, None, "records"))
    if not lines:
        yield from errors
        yield refusal(place=Place(None, None, "records"), field="records", message="None of the records could be read.")


def _delivery(content: bytes) -> _Delivery:
    if len(content) > BYTES_MAX:
        raise _Unreadable("records", f"A delivery of records has at most {BYTES_MAX // 1024**2} MB: push it in several.")
    try:
        said = json.loads(content, parse_float=Decimal, object_pairs_hook=_object)
    except (ValueError, RecursionError) as error:
        raise _Unreadable("JSON", "The delivery is no JSON.", error) from error
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("records"), list):
        raise _Unreadable("format", f'The delivery must be an object with "format": "{FORMAT}" and a list "records".')
    if isinstance(said, _Repeated):
        raise _Unreadable(
            "JSON", "A name stands twice in the delivery: what one of the two says would be lost. Push it with each name once."
        )
    if not 0 < len(said["records"]) <= RECORDS_MAX:
        raise _Unreadable("records", f"A delivery holds 1 to {RECORDS_MAX} records.", len(said["records"]))
    account, own_key = said.get("account", ""), said.get("delivery", "")
    if not isinstance(account, str) or not isinstance(own_key, str):
        raise _Unreadable("account", 'The fields "account" and "delivery" are texts.')
    if _whole(account + own_key) != account + own_key:
        raise _Unreadable("account", _HALF, account or own_key)
    return _Delivery(account=account, key=own_key, records=said["records"])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else _Repeated(found)


def _whole(text: str) -> str:
    r"""Return the text with half characters (a lone \ud800, which nothing can store) written out."""
    return text.encode(errors="backslashreplace").decode()


def _read(records: list[Any]) -> tuple[list[LineRead], list[LocatedError]]:
    lines: list[LineRead] = []
    errors: list[LocatedError] = []
    for index, record in enumerate(records, start=1):
        place = Place(None, None, f"records[{index}]")
        try:
            lines.append(_line(record, place=place))
        except _Unreadable as error:
            raw = _whole(json.dumps(record, default=str, ensure_ascii=False))[:TEXT_MAX]
            where, value = _whole(error.field), _whole(error.value)
            errors.append(quarantined(place=place, field=where, value=value, message=str(error), raw=raw))
    return lines, errors


def _line(record: Any, *, place: Place) -> LineRead:
    if not isinstance(record, dict):
        raise _Unreadable("record", "A record is an object.", record)
    if isinstance(record, _Repeated):
        raise _Unreadable("record", "A name stands twice in the record: which of the two is meant cannot be known.")
    if unknown := sorted(set(record) - _FIELDS):
        raise _Unreadable(unknown[0], "This field is not known: it is misspelt, or belongs into facts.", record[unknown[0]])
    texts = {name: _text(record, name) for name in _TEXTS}
    own_id, currency = _text(record, "id"), _text(record, "currency")
    if not own_id:
        raise _Unreadable("id", "A record needs the id that the sending system gave it.")
    if not currency:
        raise _Unreadable("currency", "A record needs its currency.")
    booked = _day(record, "booked_on")
    direction = record.get("direction")
    if direction not in ("credit", "debit"):
        raise _Unreadable("direction", "The direction is credit (value came in) or debit (value went out).", direction)
    return LineRead(
        ordinal=0,
        booking_date=booked,
        value_date=_day(record, "value_on") if "value_on" in record else booked,
        direction="credit" if direction == "credit" else "debit",
        reversal=False,
        amount=_amount(record),
        currency=currency,
        own_reference=key(texts["reference"]),
        bank_reference=own_id,
        end_to_end_id=key(texts["end_to_end_id"]),
        uetr=key(texts["uetr"]),
        counterparty_name=one_line(texts["counterparty"]),
        counterparty_account=one_line(texts["counterparty_account"]),
        transaction_code=one_line(texts["type"]),
        description=texts["description"],
        raw=json.dumps(record, default=str, ensure_ascii=False),
        details_total=None,
        booked=True,
        place=place,
        keys=(("external", own_id), *_pairs(record, "keys", known=KEY_KINDS)),
        facts=tuple(_pairs(record, "facts", known=None)),
    )


def _text(record: Mapping[str, Any], name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        raise _Unreadable(name, "This field is a text.", value)
    if len(value) > TEXT_MAX:
        raise _Unreadable(name, f"This field has at most {TEXT_MAX} characters.", value)
    if _whole(value) != value:
        raise _Unreadable(name, _HALF, value)
    return value.strip()


def _day(record: Mapping[str, Any], name: str) -> date:
    value = record.get(name)
    try:
        return date.fromisoformat(value) if isinstance(value, str) and len(value) == 10 else _no_day(name, value)
    except ValueError:
        return _no_day(name, value)


def _no_day(name: str, value: object) -> date:
    raise _Unreadable(name, "The date is written as 2026-11-02.", value)


def _amount(record: Mapping[str, Any]) -> Decimal:
    value = record.get("amount")
    message = 'The amount is a text with the decimals of its currency, such as "10.50", and not negative: the direction says the rest.'
    if not isinstance(value, str) or not value.isascii() or not value.replace(".", "", 1).isdigit() or len(value) > 60:
        raise _Unreadable("amount", message, value)
    try:
        return Decimal(value)
    except InvalidOperation as error:
        raise _Unreadable("amount", message, value) from error


def _pairs(record: Mapping[str, Any], name: str, *, known: frozenset[str] | None) -> Iterator[tuple[str, str]]:
    pairs = record.get(name, {})
    if not isinstance(pairs, dict):
        raise _Unreadable(name, "This field is an object of texts.", pairs)
    if isinstance(pairs, _Repeated):
        raise _Unreadable(name, "A name stands twice in this field: which of the two is meant cannot be known.")
    for kind, value in pairs.items():
        if not isinstance(value, str) or len(value) > TEXT_MAX:
            raise _Unreadable(f"{name}.{kind}", "This field is a text.", value)
        if _whole(kind + value) != kind + value:
            raise _Unreadable(f"{name}.{kind}", _HALF, value)
        if known is not None and kind not in known:
            raise _Unreadable(f"{name}.{kind}", f"No such kind of key; there are {', '.join(sorted(known))}.", value)
        if known is None or key(value):
            yield kind, value if known is None else key(value)


def _opened(ordinal: int, delivery: _Delivery, *, currency: str) -> StatementOpened:
    return StatementOpened(
        ordinal=ordinal,
        account=delivery.account,
        account_scheme="other",
        account_owner="",
        servicer_bic="",
        currency=currency,
        statement_id="",
        statement_number="",
        sequence_number="",
        message_id=delivery.key,
        created_at=None,
        copy=False,
        place=Place(None, None, "records"),
        kind="report",
    )
