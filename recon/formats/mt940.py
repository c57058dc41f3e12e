"""MT940 customer statements and MT942 intraday reports: every statement and line with its place, whatever the bank wraps around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import BinaryIO

from recon.formats import mt942
from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    Direction,
    Event,
    Kind,
    LineRead,
    Place,
    StatementClosed,
    StatementOpened,
    refusal,
    remark,
)
from recon.formats.guard import guarded
from recon.formats.lines import SMALL_MAX, encoding_of, size_of
from recon.formats.mt940_fields import Field, fields
from recon.formats.mt940_line import amount_of, last_of_month, read_line
from recon.formats.text import bic, iban, short_date

_INTRADAY_TAGS = frozenset({"13", "13D", "34F", "90C", "90D"})

_BALANCE = re.compile(r"([CDcd])([0-9]{6})([A-Z]{3})?([0-9]{1,20}(?:[,.][0-9]{0,6})?|[,.][0-9]{1,6})")
_NUMBER = re.compile(r"([0-9]+)(?:/([0-9]+))?")
_BLOCK_2 = re.compile(r"\{2:(?:I(?P<input>[0-9]{3})|O(?P<output>[0-9]{3})[0-9]{10}(?P<sender>[A-Z0-9]{12}))")
_BLOCK_1 = re.compile(r"\{1:F[0-9]{2}(?P<address>[A-Z0-9]{12})")
_ROLES: dict[str, BalanceRole] = {
    "60F": "opening",
    "60M": "intermediate_opening",
    "62F": "closing",
    "62M": "intermediate_closing",
}


@dataclass(slots=True)
class _Statement:
    """What is known of the message being read. `entry` is a :61: that still gathers its narrative."""

    ordinal: int
    reference: str
    place: Place
    bic: str
    account: str = ""
    scheme_iban: bool = False
    number: str = ""
    page: str = ""
    currency: str | None = None
    opened: bool = False
    has_opening: bool = False
    has_closing: bool = False
    intraday: bool = False
    created_at: datetime | None = None
    floors: list[mt942.Floor] = field(default_factory=list)
    totals: list[Field] = field(default_factory=list)
    sums: dict[Direction, mt942.Sums] = field(default_factory=lambda: {"credit": mt942.Sums(), "debit": mt942.Sums()})
    lines: int = 0
    entry: Field | None = None
    details: list[Field] = field(default_factory=list)

    @property
    def kind(self) -> Kind:
        """A message with an opening balance is a statement, whatever else it carries."""
        return "intraday" if self.intraday and not self.has_opening else "statement"


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read MT940 statements and MT942 intraday reports; flat in memory, 25 MB at most.

    See :mod:`recon.formats.events` for the promise of a reader. A file may hold messages of both types.
    """
    if size_of(file) > SMALL_MAX:
        message = "The file is larger than 25 MB, more than any bank puts into one MT940 file. Ask for one file per account or day."
        yield refusal(place=Place(1, 0, "file"), field="file", message=message)
        return
    encoding = encoding_of(file)
    if encoding != "utf-8":
        message = (
            "The file is not UTF-8 and was read as Latin-1 (ISO 8859-1): accented letters in names may look wrong, "
            "amounts, dates and references are not affected."
        )
        yield remark(place=Place(None, None, "file"), field="encoding", value=encoding, message=message)
    file.seek(0)
    reader = _Reader()
    for item in fields(file, encoding=encoding):
        yield from reader.take(item)
    yield from reader.finish()


class _Reader:
    """Turns fields into events, one statement at a time."""

    def __init__(self) -> None:
        self._statements = 0
        self._current: _Statement | None = None
        self._bic = ""
        self._intraday_header = False
        self._block_opened: Place | None = None

    def take(self, item: Field) -> Iterator[Event]:
        if item.too_long:
            message = f"The field :{item.tag}: is longer than any bank writes; the file looks damaged."
            yield refusal(place=item.place, field=f":{item.tag}:", value=item.texts[0] if item.texts else "", message=message)
        match item.tag:
            case "{":
                yield from self._close()
                self._header(item)
            case "}":
                yield from self._end(item)
            case "20":
                yield from self._begin(item)
            case _ if self._current is None:
                yield from self._outside(item)
            case _:
                yield from self._inside(item, self._current)

    def finish(self) -> Iterator[Event]:
        yield from self._close()
        if self._block_opened:
            message = 'The message has no end mark ("-}"): the file was cut off.'
            yield refusal(place=self._block_opened, field="{4:", message=message)
        if not self._statements:
            message = "The file holds no MT940 statement or MT942 report: no field :20: with which each begins was found."
            yield refusal(place=Place(1, 0, "file"), field=":20:", message=message)

    def _header(self, item: Field) -> None:
        text = item.texts[0]
        block_1, block_2 = _BLOCK_1.search(text), _BLOCK_2.search(text)
        address = block_1["address"] if block_1 else ""
        if block_2:
            # In an outgoing copy the bank is named by the input reference of block 2, else by block 1.
            address = block_2["sender"] or address
            self._intraday_header = (block_2["input"] or block_2["output"]) == "942"
        if address:
            self._bic = bic(address[:8] + address[9:])
        if "{4:" in text:
            self._block_opened = item.place

    def _end(self, item: Field) -> Iterator[Event]:
        place = item.place
        yield from self._close()
        text = item.texts[0]
        if text.startswith("-}"):
            self._block_opened = None
        if "{PDE:" in text or "{PDM:" in text:
            message = "The network marked this message as a possible duplicate of one sent before."
            yield remark(place=place, field="{5:", value=text, message=message)

    def _begin(self, item: Field) -> Iterator[Event]:
        yield from self._close()
        self._statements += 1
        reference = item.text
        self._current = _Statement(ordinal=self._statements, reference=reference, place=item.place, bic=self._bic)
        self._current.intraday = self._intraday_header

    def _outside(self, item: Field) -> Iterator[Event]:
        if item.tag in ("25", "60F", "60M", "61", "62F", "62M"):
            message = (
                f"The field :{item.tag}: stands outside any statement: a statement begins with :20:. The file is only a part of what "
                "the bank sent; ask for the whole file."
            )
            yield refusal(place=item.place, field=f":{item.tag}:", value=item.text, message=message)

    def _inside(self, item: Field, statement: _Statement) -> Iterator[Event]:
        if item.tag in ("86", "NS"):
            statement.details.append(item)
            return
        yield from _line(statement)
        match item.tag:
            case "25" | "25P":
                yield from _account(item, statement)
            case "28" | "28C":
                if match := _NUMBER.match(item.text.replace(" ", "")):
                    statement.number, statement.page = _unpadded(match[1]), _unpadded(match[2] or "")
            case "60F" | "60M":
                yield from _opening(item, statement)
            case "62F" | "62M":
                yield from _closing(item, statement)
            case "61":
                yield from _entry(item, statement)
            case "":
                message = "This text belongs to no field of the statement and was left out."
                yield remark(place=item.place, field="text", value=item.text, message=message)
            case tag if tag in _INTRADAY_TAGS:
                yield from _intraday(item, statement)
            case tag if tag.startswith("6"):
                yield from _other_balance(item, statement)

    def _close(self) -> Iterator[Event]:
        statement, self._current = self._current, None
        if statement is None:
            return
        yield from _line(statement)
        if statement.intraday:
            yield from _open(statement)
        if not statement.opened:
            message = "The statement has neither balances nor lines: only its head is in the file. Ask the bank for the whole file."
            yield refusal(place=statement.place, field=":60F:", value=statement.reference, message=message)
            return
        for total in statement.totals:
            sums = statement.sums["debit" if total.tag == "90D" else "credit"]
            yield from mt942.controls(total, currency=statement.currency or "", sums=sums, floors=statement.floors)
        if not statement.has_closing and statement.kind == "statement":
            message = "The statement has no closing balance (:62F:): it cannot be proven, and may have been cut off."
            yield remark(place=statement.place, field=":62F:", value=statement.reference, message=message)
        yield StatementClosed(ordinal=statement.ordinal, lines=statement.lines, place=statement.place)


def _account(item: Field, statement: _Statement) -> Iterator[Event]:
    first, *more = [text.strip() for text in item.texts if text.strip()] or [""]
    if statement.account or statement.opened:
        if first != statement.account:
            message = (
                "The statement names a second account (:25:): it is not clear to which account its lines belong. Ask the bank for a "
                "corrected file."
            )
            yield refusal(place=item.place, field=":25:", value=first, message=message)
        return
    statement.account = first
    with_currency = re.fullmatch(r"(.+?)([A-Z]{3})", first)
    for candidate in (first, with_currency[1] if with_currency else ""):
        if iban(candidate):
            statement.account, statement.scheme_iban = iban(candidate), True
            break
    if item.tag == "25P" and more:
        statement.bic = bic(more[0]) or statement.bic


def _open(statement: _Statement) -> Iterator[Event]:
    """Announce the statement once its head is complete, which is at the first balance or line."""
    if statement.opened:
        return
    statement.opened = True
    if not statement.account:
        message = "The statement does not name its account (:25:). Ask the bank for a corrected file."
        yield refusal(place=statement.place, field=":25:", value=statement.reference, message=message)
    yield StatementOpened(
        ordinal=statement.ordinal,
        account=statement.account,
        account_scheme="iban" if statement.scheme_iban else "other",
        account_owner="",
        servicer_bic=statement.bic,
        currency=statement.currency,
        statement_id=statement.reference,
        statement_number=statement.number,
        sequence_number=statement.page,
        message_id=statement.reference,
        created_at=statement.created_at,
        copy=False,
        place=statement.place,
        kind=statement.kind,
        period_end=statement.created_at.date() if statement.created_at else None,
    )


def _opening(item: Field, statement: _Statement) -> Iterator[Event]:
    place, tag = item.place, f":{item.tag}:"
    if statement.opened:
        message = "The opening balance stands twice, or after the first line of the statement."
        yield refusal(place=place, field=tag, value=item.text, message=message)
        return
    balance = _balance(item, currency=None)
    statement.has_opening = True
    if balance is None:
        message = "The opening balance cannot be read: expected C or D, date, currency and amount, such as C241231EUR1000,00."
        yield refusal(place=place, field=tag, value=item.text, message=message)
        yield from _open(statement)
        return
    statement.currency = balance.currency
    yield from _open(statement)
    if balance.date is None:
        message = "The date of the opening balance does not exist; the balance is used without it."
        yield remark(place=place, field=tag, value=item.text, message=message)
    yield balance


def _closing(item: Field, statement: _Statement) -> Iterator[Event]:
    place, tag = item.place, f":{item.tag}:"
    if statement.has_closing:
        message = "The statement has two closing balances."
        yield refusal(place=place, field=tag, value=item.text, message=message)
        return
    statement.has_closing = True
    balance = _balance(item, currency=statement.currency)
    if balance and balance.date is None and (day := last_of_month(item.text.replace(" ", "")[1:7])):
        message = "The date of the closing balance does not exist (its month is shorter); the last day of the month is used."
        yield remark(place=place, field=tag, value=item.text, message=message)
        balance = replace(balance, date=day)
    if balance is None or balance.date is None:
        message = "The closing balance cannot be read: expected C or D, date, currency and amount, such as C241231EUR1000,00."
        yield refusal(place=place, field=tag, value=item.text, message=message)
        yield from _open(statement)
        return
    if not statement.has_opening:
        message = "The statement has no opening balance (:60F:): it cannot be proven."
        yield remark(place=statement.place, field=":60F:", value=statement.reference, message=message)
    statement.currency = statement.currency or balance.currency
    yield from _open(statement)
    if balance.currency != statement.currency:
        message = f"The closing balance is in {balance.currency}, the opening balance in {statement.currency}."
        yield refusal(place=place, field=tag, value=item.text, message=message)
    yield balance


def _other_balance(item: Field, statement: _Statement) -> Iterator[Event]:
    balance = _balance(item, currency=statement.currency)
    if balance:
        yield balance
    else:
        message = "This balance cannot be read. It is for information only and proves nothing, so it was left out."
        yield remark(place=item.place, field=f":{item.tag}:", value=item.text, message=message)


def _balance(item: Field, *, currency: str | None) -> BalanceRead | None:
    match = _BALANCE.fullmatch(item.text.replace(" ", ""))
    if match is None or not (match[3] or currency):
        return None
    amount = amount_of(match[4])
    return BalanceRead(
        role=_ROLES.get(item.tag, "other"),
        amount=amount if match[1] in "Cc" else -amount,
        currency=match[3] or currency or "",
        date=short_date(match[2]),
        code=item.tag,
        place=item.place,
    )


def _intraday(item: Field, statement: _Statement) -> Iterator[Event]:
    if item.tag in ("13", "13D"):
        statement.created_at = mt942.made_at(item)
        return
    statement.intraday = True
    if item.tag != "34F":
        yield from _open(statement)
        statement.totals.append(item)
        return
    floor = mt942.floor_limit(item)
    if floor is None or statement.currency not in (None, floor.currency):
        message = "The floor limit cannot be read: expected the currency of the account and an amount, such as EURD0,00."
        yield refusal(place=item.place, field=":34F:", value=item.text, message=message)
        return
    statement.floors.append(floor)
    statement.currency = floor.currency


def _entry(item: Field, statement: _Statement) -> Iterator[Event]:
    """Hold the line back until its narrative is complete."""
    if statement.kind == "intraday" and not statement.opened:
        yield from _open(statement)
        if statement.currency is None:
            message = "A line stands before the floor limit (:34F:), so its currency is unknown."
            yield refusal(place=item.place, field=":61:", value=item.text, message=message)
    if not statement.opened:
        message = "A line stands before the opening balance (:60F:), so its currency is unknown."
        yield refusal(place=item.place, field=":61:", value=item.text, message=message)
        yield from _open(statement)
    if statement.has_closing:
        message = "A line stands after the closing balance of its statement."
        yield refusal(place=item.place, field=":61:", value=item.text, message=message)
    statement.entry = item


def _line(statement: _Statement) -> Iterator[Event]:
    """Yield the line that was held back, if there is one."""
    item, details = statement.entry, statement.details
    statement.entry, statement.details = None, []
    if item is None:
        return
    for event in read_line(item, details, ordinal=statement.lines + 1, currency=statement.currency or ""):
        if isinstance(event, LineRead):
            statement.lines += 1
            statement.sums[event.direction].add(event)
        yield event


def _unpadded(number: str) -> str:
    return number.lstrip("0") or number[:1]
