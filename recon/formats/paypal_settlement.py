"""PayPal: the settlement report (STL), rows of several kinds with a section for each account and currency.

Amounts are unsigned and without a decimal sign, so the currency says how many decimals they have and a column beside them which
way they go. The footer of a section states credits, debits, fees and the balances at both ends in one currency: these are
controls and the proof. RC and SC count the rows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from recon.formats.currencies import exponent
from recon.formats.events import ControlRead, Event, LocatedError, Place, quarantined, refusal
from recon.formats.guard import guarded
from recon.formats.mapped_table import Head, Row, Undecodable
from recon.formats.report_csv import table
from recon.formats.report_rows import Item, Movement, Stated, Unreadable, day_of, missing, statements, unreadable

NAMED = "settlement report"
NEEDED = (
    "Transaction ID", "Invoice ID", "PayPal Reference ID", "Transaction Event Code", "Transaction Completion Date",
    "Transaction Debit or Credit", "Gross Transaction Amount", "Gross Transaction Currency", "Fee Debit or Credit", "Fee Amount",
    "Fee Currency",
)  # fmt: skip
_SIGNS = {"CR": 1, "DR": -1}
_ROW_KINDS = frozenset({"RH", "FH", "SH", "CH", "SB", "SF", "SC", "RF", "RC", "FF"})


@dataclass(slots=True)
class _Section:
    """What has been read of a section: its names, and the sums that its footer states."""

    account: str = ""
    start: date | None = None
    end: date | None = None
    columns: tuple[str, ...] = ()
    rows: int = 0
    sums: dict[tuple[str, str], Decimal] = field(default_factory=lambda: defaultdict(Decimal))


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a report, one statement for each account and currency."""
    return statements(file, _rows, named=NAMED)


def recognise(head: str) -> bool:
    """Return whether a file begins as these reports do."""
    first = head.lstrip("\ufeff").split("\n", 2)
    kinds = [line.split(",", 1)[0].strip().strip('"') for line in first[:2]]
    return kinds == ["RH", "FH"]


def _rows(file: BinaryIO) -> Iterator[Item]:
    section = _Section()
    total = 0
    try:
        for item in table(header_row=0).read(file, ()):
            if isinstance(item, LocatedError):
                yield item
            elif isinstance(item, Row):
                cells = [str(cell).strip() for cell in item.cells]
                place = Place(item.line, None, f"{cells[0]} {item.path}")
                total += cells[0] == "SB"
                if cells[0] == "SH":
                    section = _section(cells)
                yield from _row(cells, section=section, total=total, place=place, raw=item.raw)
            else:
                assert isinstance(item, Head)
    except Undecodable as error:
        yield error.error


def _section(cells: Sequence[str]) -> _Section:
    days: list[date | None] = []
    for cell in (*cells[1:3], "", "")[:2]:
        try:
            days.append(day_of(cell, column="SH"))
        except Unreadable:
            days.append(None)
    return _Section(account=cells[3] if len(cells) > 3 else "", start=days[0], end=days[1])


def _row(cells: list[str], *, section: _Section, total: int, place: Place, raw: str) -> Iterator[Item]:
    kind = cells[0]
    if kind not in _ROW_KINDS:
        message = "The row is of no kind that a settlement report has (RH, FH, SH, CH, SB, SF, SC, RF, RC, FF)."
        yield quarantined(place=place, field="row type", value=kind, message=message, raw=raw)
    elif kind == "CH":
        section.columns = tuple(cells[1:])
        yield from missing(section.columns, of=NEEDED, named=NAMED)
    elif kind == "SB":
        section.rows += 1
        yield from _body(cells, section=section, place=place, raw=raw)
    elif kind == "SF":
        yield from _footer(cells, section=section, place=place)
    elif kind in ("SC", "RC"):
        found = section.rows if kind == "SC" else total
        if len(cells) < 2 or not cells[1].isdigit() or int(cells[1]) != found:
            said = cells[1] if len(cells) > 1 else ""
            message = (
                f"The report says that there are {said or 'no'} rows here, and {found} were found: rows are missing, or there are too many."
            )
            yield refusal(place=place, field=kind, value=said, message=message)


def _body(cells: list[str], *, section: _Section, place: Place, raw: str) -> Iterator[Item]:
    # A row may end before its last columns, which are empty then.
    said = dict(zip(section.columns, [*cells[1:], *[""] * len(section.columns)], strict=False))
    try:
        if not section.columns:
            raise Unreadable("row", raw, "A row stands before the names of its columns.")  # noqa: TRY301 (one end for every row)
        movement = _movement(said, account=section.account, place=place, raw=raw)
        gross, fee = _gross(said), _fee(said)
    except Unreadable as error:
        yield unreadable(error, place=place, raw=raw)
        return
    currency = movement.currency
    section.sums[currency, "gross credits" if gross >= 0 else "gross debits"] += abs(gross)
    section.sums[currency, "fee credits" if fee >= 0 else "fee debits"] += abs(fee)
    yield movement


def _movement(said: dict[str, str], *, account: str, place: Place, raw: str) -> Movement:
    gross, fee, currency = _gross(said), _fee(said), said["Gross Transaction Currency"].upper()
    if fee and said["Fee Currency"].upper() != currency:
        raise Unreadable("Fee Currency", said["Fee Currency"], "The fee is in another currency than its transaction.")
    return Movement(
        account=account,
        currency=currency,
        amount=gross + fee,
        day=day_of(said["Transaction Completion Date"], column="Transaction Completion Date"),
        own_reference=said["Invoice ID"],
        bank_reference=said["Transaction ID"],
        code=said["Transaction Event Code"],
        description=said.get("Custom Field", ""),
        reversal=said["Transaction Event Code"].startswith(("T11", "T12")),
        keys=(
            ("processor_reference", said["Transaction ID"]), ("order", said["Invoice ID"]),
            ("transfer", said["PayPal Reference ID"]), ("bank_reference", said.get("Bank Reference ID", "")),
        ),
        facts=(("gross", f"{gross:f}"), ("fee", f"{-fee:f}" if fee else ""), ("store", said.get("Store ID", ""))),
        raw=raw,
        place=place,
    )  # fmt: skip


def _gross(said: dict[str, str]) -> Decimal:
    return _signed(said["Gross Transaction Amount"], sign=said["Transaction Debit or Credit"], currency=said["Gross Transaction Currency"])


def _fee(said: dict[str, str]) -> Decimal:
    if not said["Fee Amount"]:
        return Decimal(0)
    return _signed(said["Fee Amount"], sign=said["Fee Debit or Credit"], currency=said["Fee Currency"])


def _signed(digits: str, *, sign: str, currency: str) -> Decimal:
    decimals = exponent(currency.upper())
    if decimals is None:
        raise Unreadable("currency", currency, "There is no such currency in ISO 4217.")
    if not digits.isascii() or not digits.isdigit() or len(digits) > 40:
        raise Unreadable("amount", digits, "Amounts here have digits alone, in the smallest unit of their currency.")
    if sign not in _SIGNS and int(digits):
        raise Unreadable("debit or credit", sign, "An amount needs CR or DR beside it.")
    return Decimal(int(digits) * _SIGNS.get(sign, 1)).scaleb(-decimals)


def _footer(cells: list[str], *, section: _Section, place: Place) -> Iterator[Item]:
    """Read SF: currency, gross credits and debits, fee credits and debits, then balances as pairs of CR or DR and an amount."""
    try:
        if len(cells) < 10:
            raise Unreadable("SF", ",".join(cells), "The footer of the section was cut off.")  # noqa: TRY301 (one end for every footer)
        currency = cells[1].upper()
        declared = [_signed(cell, sign="CR", currency=currency) for cell in cells[2:6]]
        opening = _signed(cells[7], sign=cells[6], currency=currency)
        closing = _signed(cells[9], sign=cells[8], currency=currency)
    except Unreadable as error:
        yield refusal(place=place, field=error.column, value=error.value, message=error.message)
        return
    names = ("gross credits", "gross debits", "fee credits", "fee debits")
    yield Stated(
        account=section.account,
        currency=currency,
        opening=opening,
        closing=closing,
        controls=tuple(
            ControlRead(name=name, declared=amount, found=section.sums[currency, name], place=place)
            for name, amount in zip(names, declared, strict=True)
        ),
        period_start=section.start,
        period_end=section.end,
        place=place,
    )
