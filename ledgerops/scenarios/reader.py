"""The statements of a scenario as files of a format of their own, which only whoever loads a scenario knows."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from typing import Any, BinaryIO

from ledgerops.scenarios.shapes import PlannedItem
from recon.formats import FORMATS, Format
from recon.formats.events import BalanceRead, Event, LineRead, Place, StatementClosed, StatementOpened
from recon.formats.guard import guarded

CODE = "scenario"
_NOWHERE = Place(None, None, "items")


@contextmanager
def format_known() -> Iterator[None]:
    """Let files of scenarios be read for as long as this lasts."""
    FORMATS[CODE] = Format(code=CODE, label="Labelled scenario", reader=read, sniff=lambda _file: False, proves=True)
    try:
        yield
    finally:
        del FORMATS[CODE]


def statement_file(items: Sequence[PlannedItem], *, account: str, asset: str, scale: int, first: date, last: date) -> bytes:
    """Return the one statement of an account, from the day before the first to the last day, whichever version it is."""
    lines = [
        {
            "id": item.id,
            "day": item.day.isoformat(),
            "direction": "credit" if item.flow == "in" else "debit",
            "amount": str(Decimal(item.amount_minor).scaleb(-scale)),
            "reference": item.reference,
            "counterparty": item.counterparty,
            "description": item.description,
            "keys": dict(item.keys),
        }
        for item in items
    ]
    closing = sum(item.amount_minor if item.flow == "in" else -item.amount_minor for item in items)
    said = {
        "account": account,
        "asset": asset,
        "first": first.isoformat(),
        "last": last.isoformat(),
        "closing": str(Decimal(closing).scaleb(-scale)),
        "lines": lines,
    }
    return json.dumps(said).encode()


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a statement of a scenario; its number is always the same, so that a later one is its next version."""
    said = json.load(file)
    yield _opened(said)
    yield _balance(said, role="opening", amount=Decimal(0), day=date.fromisoformat(said["first"]))
    for ordinal, line in enumerate(said["lines"], start=1):
        yield _line(line, ordinal=ordinal, currency=said["asset"])
    yield _balance(said, role="closing", amount=Decimal(said["closing"]), day=date.fromisoformat(said["last"]))
    yield StatementClosed(ordinal=1, lines=len(said["lines"]), place=_NOWHERE)


def _opened(said: dict[str, Any]) -> StatementOpened:
    return StatementOpened(
        ordinal=1,
        account=said["account"],
        account_scheme="other",
        account_owner="",
        servicer_bic="",
        currency=said["asset"],
        statement_id="1",
        statement_number="1",
        sequence_number="1",
        message_id="",
        created_at=None,
        copy=False,
        place=_NOWHERE,
    )


def _balance(said: dict[str, Any], *, role: Any, amount: Decimal, day: date) -> BalanceRead:
    return BalanceRead(role=role, amount=amount, currency=said["asset"], date=day, code="", place=_NOWHERE)


def _line(line: dict[str, Any], *, ordinal: int, currency: str) -> LineRead:
    day = date.fromisoformat(line["day"])
    return LineRead(
        ordinal=ordinal,
        booking_date=day,
        value_date=day,
        direction=line["direction"],
        reversal=False,
        amount=Decimal(line["amount"]),
        currency=currency,
        own_reference=line["reference"],
        bank_reference="",
        end_to_end_id="",
        uetr=line["keys"].get("uetr", ""),
        counterparty_name=line["counterparty"],
        counterparty_account="",
        transaction_code="",
        description=line["description"],
        raw=line["id"],
        details_total=None,
        booked=True,
        place=_NOWHERE,
        keys=tuple(line["keys"].items()),
    )
