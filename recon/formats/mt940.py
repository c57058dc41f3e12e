"""MT940 customer statements: every statement and line with its place, whatever the bank wraps around them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    Direction,
    Event,
    LineRead,
    Place,
    StatementClosed,
    StatementOpened,
    refusal,
    remark,
)
from recon.formats.guard import guarded
from recon.formats.mt940_fields import Field, encoding_of, fields
from recon.formats.mt940_narrative import Narrative, narrative, old_narrative
from recon.formats.text import bic, iban, key, one_line

INTRADAY = (
    "This is an intraday report (MT942): it carries no booked balances and cannot prove an account. "
    "Load the end-of-day statement (MT940) of this account instead."
)
_INTRADAY_TAGS = frozenset({"34F", "90C", "90D"})

_BALANCE = re.compile(r"([CD])([0-9]{6})([A-Z]{3})?([0-9]{1,20}(?:[,.][0-9]{0,6})?)")
_NUMBER = re.compile(r"([0-9]+)(?:/([0-9]+))?")
_LINE = re.compile(
    r"(?P<value>[0-9]{6})(?P<entry>[0-9]{4}| {4})?\s*"
    r"(?P<mark>R[CD]|E[CD]|[CD])(?P<funds>[A-Z])?(?P<amount>[0-9]{1,20}(?:[,.][0-9]{0,6})?)(?![0-9,.])\s*"
    r"(?P<type>[A-Z][A-Z0-9 ]{3})?(?P<references>.*)"
)
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
    lines: int = 0
    entry: Field | None = None
    details: list[Field] = field(default_factory=list)


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read MT940 statements; flat in memory. See :mod:`recon.formats.events` for the promise of a reader."""
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


@guarded
def refuse_intraday(file: BinaryIO) -> Iterator[Event]:
    """Refuse an MT942 report at the first field that shows what it is."""
    place = Place(1, 0, "file")
    for item in fields(file, encoding="latin-1"):
        if item.tag in _INTRADAY_TAGS or (item.tag == "{" and "{2:" in item.texts[0]):
            place = _place(item)
            break
    yield refusal(place=place, field="message type", value="MT942", message=INTRADAY)


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
            yield refusal(place=_place(item), field=f":{item.tag}:", value=item.texts[0] if item.texts else "", message=message)
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
            message = "The file holds no MT940 statement: no field :20: was found."
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
            self._block_opened = _place(item)

    def _end(self, item: Field) -> Iterator[Event]:
        place = _place(item)
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
        reference = _text(item)
        self._current = _Statement(ordinal=self._statements, reference=reference, place=_place(item), bic=self._bic)
        if self._intraday_header:
            self._current.intraday = True
            yield refusal(place=_place(item), field="message type", value="MT942", message=INTRADAY)

    def _outside(self, item: Field) -> Iterator[Event]:
        if item.tag in ("25", "60F", "60M", "61", "62F", "62M"):
            message = f"The field :{item.tag}: stands outside any statement: a statement begins with :20:."
            yield refusal(place=_place(item), field=f":{item.tag}:", value=_text(item), message=message)

    def _inside(self, item: Field, statement: _Statement) -> Iterator[Event]:
        if statement.intraday:
            return
        if item.tag in ("86", "NS"):
            statement.details.append(item)
            return
        yield from _line(statement)
        match item.tag:
            case "25" | "25P":
                yield from _account(item, statement)
            case "28" | "28C":
                if match := _NUMBER.match(_text(item).replace(" ", "")):
                    statement.number, statement.page = _unpadded(match[1]), _unpadded(match[2] or "")
            case "60F" | "60M":
                yield from _opening(item, statement)
            case "62F" | "62M":
                yield from _closing(item, statement)
            case "61":
                yield from _entry(item, statement)
            case "":
                message = "This text belongs to no field of the statement and was left out."
                yield remark(place=_place(item), field="text", value=_text(item), message=message)
            case tag if tag in _INTRADAY_TAGS:
                statement.intraday = True
                yield refusal(place=_place(item), field=f":{tag}:", value=_text(item), message=INTRADAY)
            case tag if tag.startswith("6"):
                yield from _other_balance(item, statement)

    def _close(self) -> Iterator[Event]:
        statement, self._current = self._current, None
        if statement is None or statement.intraday:
            return
        yield from _line(statement)
        if not statement.opened:
            message = "The statement has neither balances nor lines."
            yield refusal(place=statement.place, field=":60F:", value=statement.reference, message=message)
            return
        if not statement.has_closing:
            message = "The statement has no closing balance (:62F:): it cannot be proven, and may have been cut off."
            yield remark(place=statement.place, field=":62F:", value=statement.reference, message=message)
        yield StatementClosed(ordinal=statement.ordinal, lines=statement.lines, place=statement.place)


def _account(item: Field, statement: _Statement) -> Iterator[Event]:
    first, *more = [text.strip() for text in item.texts if text.strip()] or [""]
    if statement.account or statement.opened:
        if first != statement.account:
            message = "The statement names a second account: it is not clear to which account its lines belong."
            yield refusal(place=_place(item), field=":25:", value=first, message=message)
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
        message = "The statement does not name its account (:25:)."
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
        created_at=None,
        copy=False,
        place=statement.place,
    )


def _opening(item: Field, statement: _Statement) -> Iterator[Event]:
    place, tag = _place(item), f":{item.tag}:"
    if statement.opened:
        message = "The opening balance stands twice, or after the first line of the statement."
        yield refusal(place=place, field=tag, value=_text(item), message=message)
        return
    balance = _balance(item, currency=None)
    statement.has_opening = True
    if balance is None:
        message = "The opening balance cannot be read: expected C or D, date, currency and amount, such as C241231EUR1000,00."
        yield refusal(place=place, field=tag, value=_text(item), message=message)
        yield from _open(statement)
        return
    statement.currency = balance.currency
    yield from _open(statement)
    if balance.date is None:
        message = "The date of the opening balance does not exist; the balance is used without it."
        yield remark(place=place, field=tag, value=_text(item), message=message)
    yield balance


def _closing(item: Field, statement: _Statement) -> Iterator[Event]:
    place, tag = _place(item), f":{item.tag}:"
    if statement.has_closing:
        message = "The statement has two closing balances."
        yield refusal(place=place, field=tag, value=_text(item), message=message)
        return
    statement.has_closing = True
    balance = _balance(item, currency=statement.currency)
    if balance is None or balance.date is None:
        message = "The closing balance cannot be read: expected C or D, date, currency and amount, such as C241231EUR1000,00."
        yield refusal(place=place, field=tag, value=_text(item), message=message)
        yield from _open(statement)
        return
    if not statement.has_opening:
        message = "The statement has no opening balance (:60F:): it cannot be proven."
        yield remark(place=statement.place, field=":60F:", value=statement.reference, message=message)
    statement.currency = statement.currency or balance.currency
    yield from _open(statement)
    if balance.currency != statement.currency:
        message = f"The closing balance is in {balance.currency}, the opening balance in {statement.currency}."
        yield refusal(place=place, field=tag, value=_text(item), message=message)
    yield balance


def _other_balance(item: Field, statement: _Statement) -> Iterator[Event]:
    balance = _balance(item, currency=statement.currency)
    if balance:
        yield balance
    else:
        message = "This balance cannot be read. It is for information only and proves nothing, so it was left out."
        yield remark(place=_place(item), field=f":{item.tag}:", value=_text(item), message=message)


def _balance(item: Field, *, currency: str | None) -> BalanceRead | None:
    match = _BALANCE.fullmatch(_text(item).replace(" ", ""))
    if match is None or not (match[3] or currency):
        return None
    amount = _amount(match[4])
    return BalanceRead(
        role=_ROLES.get(item.tag, "other"),
        amount=amount if match[1] == "C" else -amount,
        currency=match[3] or currency or "",
        date=_date(match[2]),
        code=item.tag,
        place=_place(item),
    )


def _entry(item: Field, statement: _Statement) -> Iterator[Event]:
    """Hold the line back until its narrative is complete."""
    if not statement.opened:
        message = "A line stands before the opening balance (:60F:), so its currency is unknown."
        yield refusal(place=_place(item), field=":61:", value=_text(item), message=message)
        yield from _open(statement)
    if statement.has_closing:
        message = "A line stands after the closing balance of its statement."
        yield refusal(place=_place(item), field=":61:", value=_text(item), message=message)
    statement.entry = item


def _line(statement: _Statement) -> Iterator[Event]:
    """Yield the line that was held back, if there is one."""
    item, details = statement.entry, statement.details
    statement.entry, statement.details = None, []
    if item is None:
        return
    place, text = _place(item), _text(item)
    match = _LINE.fullmatch(text) or _LINE.fullmatch("".join(item.texts[:2]))  # a line broken before its amount
    if match is None:
        message = "The line cannot be read: expected value date, entry date, C or D, amount, type and reference."
        yield refusal(place=place, field=":61:", value=text, message=message)
        return
    value_date = _date(match["value"])
    if value_date is None and match["value"][2:] in ("0229", "0230"):
        # Banks that count 30 days a month value at 30 February, which no calendar has.
        value_date = _date(match["value"][:2] + "0229") or _date(match["value"][:2] + "0228")
        message = "The value date does not exist (months of 30 days); the last day of February is used."
        yield remark(place=place, field="value date", value=match["value"], message=message)
    if value_date is None:
        message = "The value date of the line does not exist."
        yield refusal(place=place, field="value date", value=match["value"], message=message)
        return
    booking_date: date | None = value_date
    if (match["entry"] or "").strip():
        booking_date = _near(value_date, match["entry"])
    if booking_date is None:
        message = "The entry date of the line does not exist; its value date is used."
        yield remark(place=place, field="entry date", value=match["entry"], message=message)
    statement.lines += 1
    yield _line_read(item, details, statement=statement, match=match, dates=(booking_date or value_date, value_date))


def _line_read(item: Field, details: list[Field], *, statement: _Statement, match: re.Match[str], dates: tuple[date, date]) -> LineRead:
    own, _, bank = match["references"].partition("//")
    # Some banks pad the reference to its 16 characters and let a name follow.
    own, *aside = re.split(r"\s{2,}", own.strip(), maxsplit=1)
    said = _said(details)
    supplement = one_line(" ".join([*aside, *item.texts[1:]]))
    in_narrative = own.rstrip("+").upper() in ("KREF", "EREF")
    return LineRead(
        ordinal=statement.lines,
        booking_date=dates[0],
        value_date=dates[1],
        direction=_direction(match["mark"]),
        reversal=match["mark"].startswith("R"),
        amount=_amount(match["amount"]),
        currency=statement.currency or "",
        own_reference=said.own_reference if in_narrative else key(own) or said.own_reference,
        bank_reference=key(bank),
        end_to_end_id=said.end_to_end_id,
        uetr=said.uetr,
        counterparty_name=said.counterparty_name,
        counterparty_account=said.counterparty_account,
        transaction_code=(match["type"] or "").strip(),
        description=said.description or supplement,
        raw="\n".join(f":{part.tag}:" + "\n".join(part.texts) for part in (item, *details)),
        details_total=None,
        booked=not match["mark"].startswith("E"),
        place=_place(item),
    )


def _said(details: list[Field]) -> Narrative:
    if any(part.tag == "NS" for part in details):
        return old_narrative([text for part in details for text in part.texts])
    return narrative([text for part in details for text in part.texts])


def _direction(mark: str) -> Direction:
    """RC takes a credit back and so is a debit; RD gives a debit back."""
    return "credit" if mark in ("C", "EC", "RD") else "debit"


def _amount(text: str) -> Decimal:
    return Decimal(text.replace(",", ".").rstrip("."))


def _date(text: str) -> date | None:
    """Read YYMMDD; SWIFT counts 80 to 99 as the last century."""
    year = int(text[:2])
    try:
        return date(year + (1900 if year >= 80 else 2000), int(text[2:4]), int(text[4:6]))
    except ValueError:
        return None


def _near(value_date: date, entry: str) -> date | None:
    """Give the entry date MMDD the year that brings it closest to the value date: it has none of its own."""
    candidates = []
    for year in (value_date.year, value_date.year - 1, value_date.year + 1):
        try:
            candidates.append(date(year, int(entry[:2]), int(entry[2:])))
        except ValueError:
            continue
    return min(candidates, key=lambda candidate: abs(candidate - value_date), default=None)


def _unpadded(number: str) -> str:
    return number.lstrip("0") or number[:1]


def _text(item: Field) -> str:
    return item.texts[0].strip() if item.texts else ""


def _place(item: Field) -> Place:
    return Place(item.line, item.offset, f":{item.tag}:" if item.tag not in ("", "{", "}") else "text")
