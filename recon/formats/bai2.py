"""BAI2 balance reports: one statement per account record, proven by ledger balances and by the control totals of the file."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Generator, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import BinaryIO

from recon.formats.bai2_parts import Movement, Summary, code_kind, movement, summaries
from recon.formats.bai2_records import Record, records
from recon.formats.currencies import exponent
from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    ControlRead,
    Direction,
    Event,
    Kind,
    LineRead,
    LocatedError,
    Place,
    Purpose,
    StatementClosed,
    StatementOpened,
    refusal,
    remark,
)
from recon.formats.guard import guarded
from recon.formats.lines import encoding_of
from recon.formats.text import iban, key, one_line, short_date

OPENING, CLOSING, TOTAL_CREDITS, TOTAL_DEBITS = "010", "015", "100", "400"
_ROLES: dict[str, BalanceRole] = {OPENING: "opening", CLOSING: "closing"}
_PURPOSES: dict[str, Purpose] = {"": "update", "1": "update", "2": "deletion", "3": "correction", "4": "test"}
# As-of date modifiers: interim previous day, final previous day, interim same day, final same day.
_KINDS: dict[str, Kind] = {"": "statement", "1": "intraday", "2": "statement", "3": "intraday", "4": "statement"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,30}")
_REVERSALS = frozenset({"252", "258", "552", "558"})
_DEFAULT_CURRENCY = "USD"


@dataclass(slots=True)
class _Group:
    currency: str
    as_of: date
    kind: Kind
    purpose: Purpose
    accounts: int = 0
    total: int = 0
    records: int = 0
    currency_said: bool = False


@dataclass(slots=True)
class _Account:
    ordinal: int
    place: Place
    currency: str
    scale: int
    summaries: list[Summary]
    total: int = 0
    records: int = 0
    lines: int = 0
    credits: int = 0
    credits_minor: int = 0
    debits: int = 0
    debits_minor: int = 0


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a BAI2 file, record by record. See :mod:`recon.formats.events` for the promise of a reader."""
    encoding = encoding_of(file)
    file.seek(0)
    reader = _Reader()
    for record in records(file, encoding=encoding):
        if isinstance(record, LocatedError):
            yield record
        else:
            yield from reader.take(record)
    yield from reader.finish()


class _Reader:
    """Turns records into events. A statement stays open until its successor begins, so that later totals belong to it."""

    def __init__(self) -> None:
        self._message = ""
        self._created: datetime | None = None
        self._begun = self._ended = False
        self._group: _Group | None = None
        self._account: _Account | None = None
        self._unclosed: StatementClosed | None = None
        self._statements = self._groups = self._total = self._records = 0
        self._named: Counter[tuple[str, str, date]] = Counter()

    def take(self, record: Record) -> Iterator[Event]:
        self._records += record.physical
        if self._group:
            self._group.records += record.physical
        if self._account:
            self._account.records += record.physical
        if self._ended:
            message = "A record stands after the end of the file (record 99)."
            yield refusal(place=record.place(record.code), field="record code", value=record.raw[0], message=message)
            return
        match record.code:
            case "01":
                yield from self._begin_file(record)
            case "02":
                yield from self._begin_group(record)
            case "03":
                yield from self._begin_account(record)
            case "16":
                yield from self._movement(record)
            case "49":
                yield from self._end_account(record)
            case "98":
                yield from self._end_group(record)
            case _:
                yield from self._end_file(record)

    def finish(self) -> Iterator[Event]:
        if self._unclosed:
            yield self._unclosed
        place = Place(None, None, "file")
        if not self._begun:
            yield refusal(place=Place(1, 0, "01"), field="01", message="The file has no BAI2 file header (record 01).")
        elif not self._ended:
            message = "The file has no end (record 99): it was cut off. Ask the bank for the whole file."
            yield refusal(place=Place(self._records, None, "99"), field="99", message=message)
        elif not self._statements:
            yield refusal(place=place, field="03", message="The file holds no account (record 03).")

    def _begin_file(self, record: Record) -> Iterator[Event]:
        fields = _padded(record.fields(), 8)
        place = record.place("01")
        if self._begun:
            yield refusal(
                place=place, field="01", value=record.raw[0], message="A second file begins before the first has ended (record 99)."
            )
        if fields[7] not in ("", "2"):
            message = "The header says that this is not BAI version 2; only that version is read."
            yield refusal(place=place, field="version", value=fields[7], message=message)
        self._begun = True
        self._message = "-".join(part for part in (fields[2], fields[4]) if part)
        day = _day(fields[2])
        self._created = datetime.combine(day, _time(fields[3])) if day else None

    def _begin_group(self, record: Record) -> Iterator[Event]:
        place, fields = record.place("02"), _padded(record.fields(), 7)
        if not self._begun or self._group:
            message = "A group begins (record 02) before the file has begun (01) or the group before has ended (98)."
            yield refusal(place=place, field="02", value=record.raw[0], message=message)
        self._groups += 1
        self._group, self._account = None, None
        status, day, currency, modifier = fields[2], _day(fields[3]), fields[5], fields[6]
        if day is None:
            message = "The as-of date of the group cannot be read: expected YYMMDD."
            yield refusal(place=place, field="as-of date", value=fields[3], message=message)
            return
        if status not in _PURPOSES or modifier not in _KINDS:
            message = "The group status or the as-of date modifier is none of 1 to 4, so it is unknown whether the group counts."
            yield refusal(place=place, field="group status", value=f"{status}, {modifier}", message=message)
            return
        self._group = _Group(currency, day, _KINDS[modifier], _PURPOSES[status], records=record.physical)

    def _begin_account(self, record: Record) -> Iterator[Event]:
        if self._unclosed:
            yield self._unclosed
            self._unclosed = None
        group, place = self._group, record.place(f"03[{self._statements + 1}]")
        if group is None or self._account:
            message = "An account begins (record 03) outside a group (02), or before the account before has ended (49)."
            yield refusal(place=place, field="03", value=record.raw[0], message=message)
            self._account = None
            return
        fields = _padded(record.fields(), 2)
        currency = fields[1] or group.currency or _DEFAULT_CURRENCY
        scale, found = exponent(currency), summaries(record)
        if not fields[0]:
            yield refusal(place=place, field="account", value=record.raw[0], message="The record 03 does not name its account.")
        if scale is None:
            message = "The currency is not in ISO 4217, so it is unknown how many decimals the amounts have."
            yield refusal(place=place, field="currency", value=currency, message=message)
        if isinstance(found, LocatedError):
            yield found
        if scale is None or isinstance(found, LocatedError):
            return
        self._statements += 1
        group.accounts += 1
        self._account = _Account(self._statements, place, currency, scale, found, records=record.physical)
        yield self._opened(account=fields[0], group=group, place=place, currency=currency)
        if not fields[1] and not group.currency and not group.currency_said:
            group.currency_said = True
            message = "Neither the account nor its group names a currency; BAI2 then means US dollars."
            yield remark(place=place, field="currency", message=message)
        yield from _balances(self._account, day=group.as_of)

    def _opened(self, *, account: str, group: _Group, place: Place, currency: str) -> StatementOpened:
        international = iban(account)
        named = (account, currency, group.as_of)
        self._named[named] += 1
        again = f"-{self._named[named]}" if self._named[named] > 1 else ""
        return StatementOpened(
            ordinal=self._statements,
            account=international or account,
            account_scheme="iban" if international else "other",
            account_owner="",
            servicer_bic="",
            currency=currency,
            statement_id=group.as_of.isoformat() + again,
            statement_number="",
            sequence_number="",
            message_id=self._message,
            created_at=self._created,
            copy=False,
            place=place,
            kind=group.kind,
            purpose=group.purpose,
            period_start=group.as_of,
            period_end=group.as_of,
        )

    def _movement(self, record: Record) -> Iterator[Event]:
        account, group = self._account, self._group
        if account is None or group is None:
            message = "A movement (record 16) stands outside an account (record 03)."
            yield refusal(place=record.place("16"), field="16", value=record.raw[0], message=message)
            return
        place = record.place(f"{account.place.path}/16[{account.lines + 1}]")
        found = movement(record, place=place)
        if isinstance(found, LocatedError):
            yield found
            return
        account.lines += 1
        account.total += found.amount_minor
        direction: Direction = "debit" if code_kind(found.code) == "debit" else "credit"
        if direction == "credit" and found.counts:
            account.credits, account.credits_minor = account.credits + 1, account.credits_minor + found.amount_minor
        elif direction == "debit":
            account.debits, account.debits_minor = account.debits + 1, account.debits_minor + found.amount_minor
        yield _line(found, account=account, day=group.as_of, direction=direction, raw="\n".join(record.raw), place=place)

    def _end_account(self, record: Record) -> Iterator[Event]:
        account, group, place = self._account, self._group, record.place("49")
        self._account = None
        if account is None or group is None:
            message = "An account ends (record 49) that has not begun (record 03)."
            yield refusal(place=place, field="49", value=record.raw[0], message=message)
            return
        yield from _totals_of_summary(account)
        fields = _padded(record.fields(), 2)
        if not fields[0] and _NUMBER.fullmatch(fields[1]):
            # Some banks leave the sum out where nothing moved; the count still has to agree.
            message = "The trailer of the account declares no sum (record 49); its count of records is compared alone."
            yield remark(place=place, field="49", value=record.raw[0], message=message)
            group.total += account.total
            yield _control("records of the account", int(fields[1]), account.records, place)
            self._unclosed = StatementClosed(ordinal=account.ordinal, lines=account.lines, place=place)
            return
        declared = yield from _declared(record, 2)
        if declared:
            group.total += declared[0]
            yield _control("account control total", declared[0], account.total, place)
            yield _control("records of the account", declared[1], account.records, place)
        self._unclosed = StatementClosed(ordinal=account.ordinal, lines=account.lines, place=place)

    def _end_group(self, record: Record) -> Iterator[Event]:
        group, place = self._group, record.place("98")
        if group is None or self._account:
            message = "A group ends (record 98) that has not begun (02), or whose last account has not ended (49)."
            yield refusal(place=place, field="98", value=record.raw[0], message=message)
        self._group = self._account = None
        declared = yield from _declared(record, 3)
        if declared and group:
            self._total += declared[0]
            found = (group.total, group.accounts, group.records)
            yield from self._controls(("group control total", "accounts of the group", "records of the group"), declared, found, place)

    def _end_file(self, record: Record) -> Iterator[Event]:
        place = record.place("99")
        if self._group:
            yield refusal(
                place=place, field="99", value=record.raw[0], message="The file ends (record 99) before its last group has ended (98)."
            )
        self._ended, self._group, self._account = True, None, None
        declared = yield from _declared(record, 3)
        if declared:
            found = (self._total, self._groups, self._records)
            yield from self._controls(("file control total", "groups of the file", "records of the file"), declared, found, place)

    def _controls(self, names: tuple[str, ...], declared: list[int], found: tuple[int, ...], place: Place) -> Iterator[Event]:
        for name, said, counted in zip(names, declared, found, strict=True):
            if self._unclosed:
                yield _control(name, said, counted, place)
            elif said != counted:
                message = f"The trailer declares {said} ({name}), the file has {counted}: part of it is missing."
                yield refusal(place=place, field=name, value=str(said), message=message)


def _line(found: Movement, *, account: _Account, day: date, direction: Direction, raw: str, place: Place) -> LineRead:
    facts = (("funds", found.funds),) if found.funds else ()
    said = found.said
    name, number = ("DBNM", "DACT") if direction == "credit" else ("CRNM", "CACT")
    return LineRead(
        ordinal=account.lines,
        booking_date=day,
        value_date=found.value_date or day,
        direction=direction,
        reversal=found.code in _REVERSALS,
        amount=_amount(found.amount_minor, scale=account.scale),
        currency=account.currency,
        own_reference=key(found.customer_reference),
        bank_reference=key(found.bank_reference),
        end_to_end_id=key(said.get("EREF", "")),
        uetr="",
        counterparty_name=said.get(name, ""),
        counterparty_account=said.get(number, ""),
        transaction_code=found.code,
        description=one_line(said.get("", "")),
        raw=raw,
        details_total=None,
        booked=found.counts,
        place=place,
        facts=facts,
    )


def _balances(account: _Account, *, day: date) -> Iterator[Event]:
    seen: set[str] = set()
    for summary in account.summaries:
        if summary.amount_minor is None:
            continue
        account.total += summary.amount_minor
        if summary.code in (OPENING, CLOSING) and summary.code in seen:
            message = "The account has two opening or two closing ledger balances."
            yield refusal(place=account.place, field=summary.code, value=str(summary.amount_minor), message=message)
        seen.add(summary.code)
        if code_kind(summary.code) == "status":
            yield BalanceRead(
                role=_ROLES.get(summary.code, "other"),
                amount=_amount(summary.amount_minor, scale=account.scale),
                currency=account.currency,
                date=day,
                code=summary.code,
                place=account.place,
            )


def _totals_of_summary(account: _Account) -> Iterator[Event]:
    """Compare the totals of credits (100) and debits (400) with the movements."""
    for summary in account.summaries:
        if summary.code not in (TOTAL_CREDITS, TOTAL_DEBITS) or summary.amount_minor is None:
            continue
        side = "credits" if summary.code == TOTAL_CREDITS else "debits"
        number, minor = (account.credits, account.credits_minor) if side == "credits" else (account.debits, account.debits_minor)
        declared, found = (_amount(amount, scale=account.scale) for amount in (summary.amount_minor, minor))
        yield ControlRead(name=f"sum of {side}", declared=declared, found=found, place=account.place)
        if summary.items is not None:
            yield _control(f"number of {side}", summary.items, number, account.place)


def _declared(record: Record, count: int) -> Generator[Event, None, list[int] | None]:
    """Read the numbers of a trailer; what is none refuses the file."""
    fields = _padded(record.fields(), count)[:count]
    if all(_NUMBER.fullmatch(field) for field in fields):
        return [int(field) for field in fields]
    message = "The control totals of this trailer cannot be read: expected a sum and counts. The file may have been cut off here."
    yield refusal(place=record.place(record.code), field=record.code, value=record.raw[0], message=message)
    return None


def _control(name: str, declared: int, found: int, place: Place) -> ControlRead:
    return ControlRead(name=name, declared=Decimal(declared), found=Decimal(found), place=place)


def _amount(minor: int, *, scale: int) -> Decimal:
    return Decimal(minor).scaleb(-scale)


def _padded(fields: list[str], count: int) -> list[str]:
    return fields + [""] * (count - len(fields))


def _day(text: str) -> date | None:
    return short_date(text) if len(text) == 6 and text.isdecimal() and text.isascii() else None


def _time(text: str) -> time:
    """Read HHMM, or HH:MM:SS as some banks write; 2400 and 9999 both mean the end of the day."""
    text = text.replace(":", "")
    try:
        return time(int(text[:2]), int(text[2:4]))
    except ValueError:
        return time.max.replace(microsecond=0) if text in ("2400", "9999") else time.min
