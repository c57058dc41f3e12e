"""What the reports of processors and custodians have in common: rows that move a balance, one statement for each account and currency.

A report mixes currencies, statements do not, so the rows are gone through once for each balance that they move. Rows that
cannot be read go into quarantine once; a file of which no row can be read is refused.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import BinaryIO

from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    ControlRead,
    Event,
    LineRead,
    LocatedError,
    Place,
    StatementClosed,
    StatementOpened,
    quarantined,
    refusal,
)
from recon.formats.text import key, one_line

STATEMENTS_MAX = 500

_DAY = re.compile(r"([0-9]{4})[-/]([0-9]{2})[-/]([0-9]{2})(?![0-9])", re.ASCII)


class Unreadable(Exception):
    """A row is not what its report promises; `column` and the sentence are for the person who looks at it."""

    def __init__(self, column: str, value: str, message: str) -> None:
        super().__init__(message)
        self.column, self.value, self.message = column, value, message


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """A row that moves a balance by `amount`, signed as we see it. `account` is "" where the report does not name it."""

    currency: str
    amount: Decimal
    day: date
    value_day: date | None = None
    account: str = ""
    batch: str = ""
    own_reference: str = ""
    bank_reference: str = ""
    counterparty: str = ""
    counterparty_account: str = ""
    code: str = ""
    description: str = ""
    reversal: bool = False
    booked: bool = True
    keys: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    raw: str = ""
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What a report says of one balance beside its rows; `account` and `batch` choose the statement as a movement does."""

    currency: str
    account: str = ""
    batch: str = ""
    opening: Decimal | None = None
    closing: Decimal | None = None
    controls: tuple[ControlRead, ...] = ()
    period_start: date | None = None
    period_end: date | None = None
    place: Place


@dataclass(slots=True)
class _Balance:
    """The statement of one account, batch and currency, as the first pass found it."""

    lines: int = 0
    first: date | None = None
    last: date | None = None
    stated: list[Stated] = field(default_factory=list)
    place: Place | None = None

    def take(self, day: date, place: Place) -> None:
        self.lines += 1
        self.first = min(self.first or day, day)
        self.last = max(self.last or day, day)
        self.place = self.place or place


Item = Movement | Stated | LocatedError
Rows = Callable[[BinaryIO], Iterator[Item]]


def statements(file: BinaryIO, rows: Rows, *, named: str) -> Iterator[Event]:
    """Turn the rows of a report into events; `named` is what people call the report.

    :param rows: goes through the file from its beginning, each time it is called in the same way.
    """
    balances: dict[tuple[str, str, str], _Balance] = {}
    stopped = False
    for item in rows(file):
        if isinstance(item, LocatedError):
            yield item
            stopped = stopped or item.fatal
        else:
            balance = balances.setdefault((item.account, item.batch, item.currency), _Balance())
            if isinstance(item, Movement):
                balance.take(item.day, item.place)
            else:
                balance.stated.append(item)
    if stopped:
        return
    if not balances or len(balances) > STATEMENTS_MAX:
        message = (
            f"The {named} holds no row that can be read." if not balances else f"The {named} is of more than {STATEMENTS_MAX} balances."
        )
        yield refusal(place=Place(1, None, "file"), field="file", message=message)
        return
    for ordinal, (which, balance) in enumerate(balances.items(), start=1):
        yield from _statement(file, rows, which=which, balance=balance, ordinal=ordinal)


def _statement(file: BinaryIO, rows: Rows, *, which: tuple[str, str, str], balance: _Balance, ordinal: int) -> Iterator[Event]:
    account, batch, currency = which
    place = balance.place or balance.stated[0].place
    starts = next((one.period_start for one in balance.stated if one.period_start), balance.first)
    ends = next((one.period_end for one in balance.stated if one.period_end), balance.last)
    yield StatementOpened(
        ordinal=ordinal, account=account, account_scheme="other", account_owner="", servicer_bic="", currency=currency, statement_id=batch,
        statement_number=batch, sequence_number="", message_id="", created_at=None, copy=False, place=place, kind="report",
        period_start=starts, period_end=ends,
    )  # fmt: skip
    roles: tuple[tuple[BalanceRole, str], ...] = (("opening", "opening"), ("closing", "closing"))
    for stated in balance.stated:
        for role, name in roles:
            amount = getattr(stated, name)
            if amount is not None:
                day = starts if role == "opening" else ends
                yield BalanceRead(role=role, amount=amount, currency=currency, date=day, code=role, place=stated.place)
    lines = 0
    for item in rows(file) if balance.lines else ():
        if isinstance(item, Movement) and (item.account, item.batch, item.currency) == which:
            lines += 1
            yield _line(item, ordinal=lines)
    for stated in balance.stated:
        yield from stated.controls
    yield StatementClosed(ordinal=ordinal, lines=lines, place=place)


def _line(row: Movement, *, ordinal: int) -> LineRead:
    keys = tuple((kind, value) for kind, said in row.keys if (value := key(said)))
    return LineRead(
        ordinal=ordinal,
        booking_date=row.day,
        value_date=row.value_day or row.day,
        direction="debit" if row.amount < 0 else "credit",
        reversal=row.reversal,
        amount=abs(row.amount),
        currency=row.currency,
        own_reference=key(row.own_reference),
        bank_reference=key(row.bank_reference),
        end_to_end_id="",
        uetr="",
        counterparty_name=one_line(row.counterparty),
        counterparty_account=one_line(row.counterparty_account),
        transaction_code=one_line(row.code),
        description=one_line(row.description),
        raw=row.raw,
        details_total=None,
        booked=row.booked,
        place=row.place,
        keys=keys,
        facts=tuple((name, value) for name, value in row.facts if value),
    )


def amount_of(text: str, *, column: str) -> Decimal:
    """Return an amount written with a decimal point.

    :raises Unreadable: if it is anything else; nothing is guessed.
    """
    stripped = text.strip()
    digits = stripped.removeprefix("-")
    if not digits or not digits.isascii() or digits.count(".") > 1 or not digits.replace(".", "").isdigit() or len(digits) > 60:
        raise Unreadable(column, text, "This is not an amount written with digits and a decimal point.")
    try:
        return Decimal(stripped)
    except InvalidOperation:
        raise Unreadable(column, text, "This is not an amount written with digits and a decimal point.") from None


def day_of(text: str, *, column: str) -> date:
    """Return the day of a date, or of an instant, that begins YYYY-MM-DD or YYYY/MM/DD.

    :raises Unreadable: if it is anything else.
    """
    match = _DAY.match(text.strip())
    try:
        if match:
            return date(int(match[1]), int(match[2]), int(match[3]))
    except ValueError:
        pass
    raise Unreadable(column, text, "This is not a day written as 2026-11-30.")


def unreadable(error: Unreadable, *, place: Place, raw: str) -> LocatedError:
    """Put the row into quarantine."""
    return quarantined(place=place, field=error.column, value=error.value, message=error.message, raw=raw)


def missing(columns: Sequence[str], *, of: Sequence[str], named: str) -> Iterator[LocatedError]:
    """Refuse a report in which columns that are needed have no name."""
    absent = [name for name in of if name not in columns]
    if absent:
        message = f"The {named} has no column {absent[0]}: export it with all its columns."
        yield refusal(place=Place(1, None, "row of names"), field=absent[0], message=message)
