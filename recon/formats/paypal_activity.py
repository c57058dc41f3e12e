"""PayPal: the activity download. Its dates and numbers follow the language of the account, so nothing of them is taken for granted.

The order of day and month is what all rows of the file allow; where both are possible the file is refused, not guessed. The same
goes for the decimal sign: every amount has two decimals (none where the currency has none). Memo rows and rows that are not completed
do not move the balance. The legs of an exchange are rows of their own that share a reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from recon.formats.currencies import exponent
from recon.formats.events import Event, LocatedError, Place, refusal
from recon.formats.guard import guarded
from recon.formats.mapped_table import Head, Row, Undecodable
from recon.formats.report_csv import Cells, named_rows, table
from recon.formats.report_rows import Item, Movement, Unreadable, missing, statements

NAMED = "activity download"
NEEDED = ("Date", "Type", "Status", "Currency", "Gross", "Fee", "Net", "Transaction ID")
_DATE = re.compile(r"([0-9]{1,4})([./-])([0-9]{1,2})\2([0-9]{1,4})", re.ASCII)
_WHOLE = r"(?P<minus>-?)(?P<whole>[0-9]{1,3}(?:(?P<group>[., '\u00a0\u202f])[0-9]{3}(?:(?P=group)[0-9]{3})*)?|[0-9]+)"
_AMOUNTS = {
    decimals: re.compile(_WHOLE + (rf"(?P<sign>[.,])(?P<fraction>[0-9]{{{decimals}}})" if decimals else ""), re.ASCII)
    for decimals in range(5)
}


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a download, one statement for each currency."""
    order, wrong = _order_of(file)
    if wrong is not None:
        return iter((wrong,))
    return statements(file, partial(_rows, order), named=NAMED)


def recognise(columns: frozenset[str]) -> bool:
    return {"Date", "TimeZone", "Status", "Transaction ID", "Net"} <= columns


def _order_of(file: BinaryIO) -> tuple[str, LocatedError | None]:
    """Return YMD, DMY or MDY, whichever alone all dates of the file allow, or the reason why there is none."""
    possible = {"YMD", "DMY", "MDY"}
    columns: tuple[str, ...] = ()
    rows = 0
    try:
        for item in table(header_row=1).read(file, ()):
            if isinstance(item, Head):
                columns = item.columns
            elif isinstance(item, Row) and "Date" in columns and len(item.cells) == len(columns):
                written = str(item.cells[columns.index("Date")])
                fits = {order for order in ("YMD", "DMY", "MDY") if _day(written, order=order)}
                rows += bool(fits)
                possible &= fits or possible
    except Undecodable as error:
        return "", error.error
    if len(possible) == 1 or not rows:
        return min(possible), None
    if possible:
        message = (
            "Every date of the file could be day before month or month before day: map this source and say which, or export a longer span."
        )
    else:
        message = "The dates of the file contradict each other in the order of day and month."
    return "", refusal(place=Place(2, None, "Date"), field="Date", message=message)


def _day(written: str, *, order: str) -> date | None:
    match = _DATE.fullmatch(written.strip())
    if match is None:
        return None
    parts = dict(zip(order, (match[1], match[3], match[4]), strict=True))
    if len(parts["Y"]) != 4:
        return None
    try:
        return date(int(parts["Y"]), int(parts["M"]), int(parts["D"]))
    except ValueError:
        return None


def _rows(order: str, file: BinaryIO) -> Iterator[Item]:
    return named_rows(file, begin=_begin, movement=partial(_movement, order))


def _begin(columns: tuple[str, ...]) -> Iterator[LocatedError]:
    return missing(columns, of=NEEDED, named=NAMED)


def _movement(order: str, cells: Cells, place: Place, raw: str) -> Iterator[Movement]:
    said = {name: cell.strip() for name, cell in cells.items()}
    day = _day(said["Date"], order=order)
    if day is None:
        raise Unreadable("Date", said["Date"], "This is no day in the order of the file's other dates.")
    gross, fee, net = (_amount(said[name], column=name, currency=said["Currency"].upper()) for name in ("Gross", "Fee", "Net"))
    if gross + fee != net:
        raise Unreadable("Net", said["Net"], "Gross and fee do not sum to the net of this row.")
    memo = said.get("Balance Impact", "").lower() == "memo"
    yield Movement(
        currency=said["Currency"].upper(),
        amount=net,
        day=day,
        own_reference=said.get("Invoice Number", ""),
        bank_reference=said["Transaction ID"],
        counterparty=said.get("Name", ""),
        code=said["Type"],
        description=said.get("Subject", ""),
        reversal="reversal" in said["Type"].lower(),
        booked=not memo and said["Status"].lower() == "completed",
        keys=(
            ("processor_reference", said["Transaction ID"]), ("order", said.get("Invoice Number", "")),
            ("transfer", said.get("Reference Txn ID", "")),
        ),
        facts=(
            ("gross", f"{gross:f}"), ("fee", f"{-fee:f}" if fee else ""), ("status", said["Status"]),
            ("time zone", said.get("TimeZone", "")), ("balance", said.get("Balance", "")),
        ),
        raw=raw,
        place=place,
    )  # fmt: skip


def _amount(written: str, *, column: str, currency: str) -> Decimal:
    """Read an amount, which has as many decimals as its currency: so the last sign in it is the decimal sign, whatever it is."""
    decimals = exponent(currency)
    if decimals is None:
        raise Unreadable("Currency", currency, "There is no such currency in ISO 4217.")
    match = _AMOUNTS[decimals].fullmatch(written)
    if match is None or (decimals and match["group"] == match["sign"]):
        raise Unreadable(column, written, f"This is not an amount in {currency}, which has {decimals} decimals.")
    digits = re.sub(r"[^0-9]", "", match["whole"])
    return Decimal(f"{match['minus']}{digits}" + (f".{match['fraction']}" if decimals else ""))
