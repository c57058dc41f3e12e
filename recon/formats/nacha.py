"""NACHA (ACH) files: one statement per batch, proven by nothing but its control totals; entries, returns and notifications of change.

Every amount is in US dollars. See :mod:`recon.formats.nacha_entry` for which way the money goes, :mod:`recon.formats.nacha_side` for whom.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import BinaryIO

from recon.formats.events import ControlRead, Event, LocatedError, Place, StatementClosed, StatementOpened, refusal, remark
from recon.formats.guard import guarded
from recon.formats.nacha_entry import KNOWN_ADDENDA, Batch, Entry, fault, line_of
from recon.formats.nacha_records import Record, records
from recon.formats.nacha_side import account_of_receiver
from recon.formats.text import one_line, short_date

_HASH_MODULUS = 10**10
_SERVICE_CLASSES = frozenset({"200", "220", "225"})
_FAR_DAYS = 366


@dataclass(slots=True)
class _Sums:
    """What the entries of a batch or a file add up to, to be held against its control record."""

    records: int = 0
    hash: int = 0
    debits_minor: int = 0
    credits_minor: int = 0

    def add(self, entry: Entry) -> None:
        amount = entry.record.number(30, 39) or 0
        self.hash += entry.record.number(4, 11) or 0
        if entry.credits:
            self.credits_minor += amount
        else:
            self.debits_minor += amount

    def include(self, other: _Sums) -> None:
        self.records += other.records
        self.hash += other.hash
        self.debits_minor += other.debits_minor
        self.credits_minor += other.credits_minor

    def controls(self, record: Record, *, of: str, positions: tuple[tuple[int, int], ...], place: Place) -> Iterator[Event]:
        names = ("entries and addenda", "entry hash", "total debits", "total credits")
        found = (self.records, self.hash % _HASH_MODULUS, self.debits_minor, self.credits_minor)
        for name, position, counted in zip(names, positions, found, strict=True):
            yield from _control(record, f"{name} of the {of}", position, counted, place=place, money=name.startswith("total"))


@dataclass(slots=True)
class _Open:
    """The batch being read."""

    ordinal: int
    place: Place
    head: Batch
    number: int | None
    service_class: str
    lines: int = 0
    sums: _Sums = field(default_factory=_Sums)
    said: set[str] = field(default_factory=set)


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read NACHA batches, record by record. See :mod:`recon.formats.events` for the promise of a reader."""
    receiver = account_of_receiver(file)
    if isinstance(receiver, LocatedError):
        yield receiver
        return
    reader = _Reader(receiver)
    for record in records(file):
        if isinstance(record, LocatedError):
            yield record
        else:
            yield from reader.take(record)
    yield from reader.finish()


class _Reader:
    """Turns records into events. A statement stays open until its successor begins, so that the file's controls belong to it."""

    def __init__(self, receiver: str) -> None:
        self._receiver = receiver
        self._header: Record | None = None
        self._created_on = date.min
        self._ended = False
        self._batch: _Open | None = None
        self._entry: Entry | None = None
        self._unclosed: StatementClosed | None = None
        self._statements = self._batches = self._records = self._line = 0
        self._sums = _Sums()

    def take(self, record: Record) -> Iterator[Event]:
        self._line = record.line
        if record.filler and (self._ended or not self._batch):
            return
        self._records += 1
        if record.kind not in ("6", "7"):
            yield from self._flush()
        match record.kind:
            case "1":
                yield from self._begin_file(record)
            case "5":
                yield from self._begin_batch(record)
            case "6":
                yield from self._begin_entry(record)
            case "7":
                yield from self._addendum(record)
            case "8":
                yield from self._end_batch(record)
            case "9":
                yield from self._end_file(record)
            case _:
                message = "The record type is none of 1, 5, 6, 7, 8 and 9."
                yield refusal(place=record.place("record"), field="record type", value=record.text.strip(), message=message)

    def finish(self) -> Iterator[Event]:
        yield from self._flush()
        if self._unclosed:
            yield self._unclosed
        if self._header is None:
            message = "The file does not begin with a NACHA file header (record 1)."
            yield refusal(place=Place(1, 0, "1"), field="1", message=message)
        elif not self._ended:
            message = "The file has no file control (record 9): it was cut off. Ask the bank for the whole file."
            yield refusal(place=Place(self._line, None, "9"), field="9", message=message)

    def _misplaced(self, record: Record, message: str) -> LocatedError:
        return refusal(place=record.place(record.kind), field="record type", value=record.text.strip(), message=message)

    def _begin_file(self, record: Record) -> Iterator[Event]:
        if self._header is not None and not self._ended:
            yield self._misplaced(record, "A second file begins (record 1) before the first has ended (record 9).")
        if self._unclosed:
            yield self._unclosed
            self._unclosed = None
        self._header, self._ended, self._batch, self._sums, self._batches, self._records = record, False, None, _Sums(), 0, 1
        created = short_date(record.get(24, 29)) if record.number(24, 29) is not None else None
        if created is None:
            message = "The creation date of the file cannot be read: expected YYMMDD."
            yield refusal(place=record.place("1"), field="creation date", value=record.get(24, 29), message=message)
        self._created_on = created or date(2000, 1, 1)

    def _begin_batch(self, record: Record) -> Iterator[Event]:
        if self._header is None or self._ended or self._batch:
            yield self._misplaced(record, "A batch begins (record 5) outside a file (1), or before the batch before has ended (8).")
            if self._header is None:
                return
        if self._unclosed:
            yield self._unclosed
            self._unclosed = None
        service_class, sec = record.get(2, 4), record.get(51, 53)
        if service_class == "280" or sec == "ADV":
            yield self._misplaced(record, "This batch is an accounting advice (ADV), which moves no money of an account and is not read.")
        elif service_class not in _SERVICE_CLASSES:
            message = "The service class of the batch is none of 200, 220 and 225."
            yield refusal(place=record.place("5"), field="service class", value=service_class, message=message)
        self._statements += 1
        self._batches += 1
        head = self._head(record)
        place = record.place(f"5[{self._batches}]")
        self._batch = _Open(self._statements, place, head, record.number(88, 94), service_class)
        yield self._opened(record, head=head, place=place)

    def _head(self, record: Record) -> Batch:
        written = short_date(record.get(70, 75)) if record.number(70, 75) is not None else None
        effective = written if written and abs(written - self._created_on) <= timedelta(days=_FAR_DAYS) else None
        international = record.get(51, 53) == "IAT"
        return Batch(
            company=one_line("" if international else record.get(5, 20)),
            sec=record.get(51, 53),
            description=one_line(record.get(54, 63)),
            same_day=record.get(64, 69) if not international and record.get(64, 69).startswith("SD") else "",
            currencies="/".join(part for part in (record.get(64, 66), record.get(67, 69)) if part) if international else "",
            effective=effective,
            settled_on=_day_of_year(record.number(76, 78), near=effective or self._created_on),
            created_on=self._created_on,
            received_from=record.get(41, 50) if self._receiver else "",
        )

    def _opened(self, record: Record | None, *, head: Batch | None, place: Place) -> StatementOpened:
        header = self._header
        assert header is not None
        number = f"-{record.get(88, 94).lstrip('0')}" if record else ""
        if self._receiver and record:  # batches of several banks may have the same number
            number = f"-{record.get(80, 87)}{number}"
        day = (head.settled_on or head.effective if head else None) or self._created_on
        return StatementOpened(
            ordinal=self._statements,
            account=self._receiver or (record.get(41, 50) if record else ""),
            account_scheme="other",
            account_owner=head.company if head and not self._receiver else "",
            servicer_bic="",
            currency="USD",
            statement_id=f"{self._created_on:%Y%m%d}{header.get(34, 34)}{number}",
            statement_number="",
            sequence_number="",
            message_id=header.get(87, 94),
            created_at=datetime.combine(self._created_on, _time(header)),
            copy=False,
            place=place,
            kind="report",
            period_start=day,
            period_end=day,
        )

    def _begin_entry(self, record: Record) -> Iterator[Event]:
        yield from self._flush()
        if self._batch is None:
            yield self._misplaced(record, "An entry (record 6) stands outside a batch (record 5).")
            return
        self._batch.sums.records += 1
        self._batch.lines += 1
        path = f"{self._batch.place.path}/6[{self._batch.lines}]"
        self._entry = Entry(record, self._batch.lines, path)

    def _addendum(self, record: Record) -> Iterator[Event]:
        if self._entry is None or self._batch is None:
            yield self._misplaced(record, "An addendum (record 7) stands outside an entry (record 6).")
            return
        self._batch.sums.records += 1
        self._entry.addenda.append(record)
        if record.get(2, 3) not in KNOWN_ADDENDA and "addenda" not in self._batch.said:
            self._batch.said.add("addenda")
            message = "The batch has addenda of a type that is not known here; they are kept in the raw text of their entries."
            yield remark(place=record.place(f"{self._entry.path}/7"), field="addenda type", value=record.get(2, 3), message=message)

    def _flush(self) -> Iterator[Event]:
        """Yield the entry whose addenda are complete now."""
        entry, batch = self._entry, self._batch
        self._entry = None
        if entry is None or batch is None:
            return
        batch.sums.add(entry)
        if error := fault(entry):
            yield error
            return
        one_sided = {"220": True, "225": False}.get(batch.service_class)
        if entry.kind == "forward" and one_sided not in (None, entry.credits) and "class" not in batch.said:
            batch.said.add("class")
            message = "The service class says that the batch has credits only (220) or debits only (225), but it has both."
            yield remark(place=entry.place, field="service class", value=batch.service_class, message=message)
        if entry.kind == "return" and entry.addendum("99") is None and "reason" not in batch.said:
            batch.said.add("reason")
            message = "An entry is a return by its transaction code, but no addendum (99) says why."
            yield remark(place=entry.place, field="addenda 99", value=entry.code, message=message)
        yield line_of(entry, batch.head)

    def _end_batch(self, record: Record) -> Iterator[Event]:
        batch, place = self._batch, record.place("8")
        self._batch = None
        if batch is None:
            yield self._misplaced(record, "A batch ends (record 8) that has not begun (record 5).")
            return
        yield from batch.sums.controls(record, of="batch", positions=((5, 10), (11, 20), (21, 32), (33, 44)), place=place)
        if batch.number is not None:
            yield from _control(record, "batch number", (88, 94), batch.number, place=place)
        self._sums.include(batch.sums)
        self._unclosed = StatementClosed(ordinal=batch.ordinal, lines=batch.lines, place=place)

    def _end_file(self, record: Record) -> Iterator[Event]:
        place = record.place("9")
        if self._header is None or self._ended or self._batch:
            yield self._misplaced(record, "The file ends (record 9) before it has begun (1) or its last batch has ended (8).")
            self._batch = None
            if self._header is None:
                return
        self._ended = True
        if self._unclosed is None:
            # A file without batches says that there was nothing; it is taken in for the source that somebody chose.
            self._statements += 1
            yield self._opened(None, head=None, place=place)
            self._unclosed = StatementClosed(ordinal=self._statements, lines=0, place=place)
        yield from _control(record, "batches of the file", (2, 7), self._batches, place=place)
        yield from _control(record, "blocks of the file", (8, 13), -(-self._records // 10), place=place)
        yield from self._sums.controls(record, of="file", positions=((14, 21), (22, 31), (32, 43), (44, 55)), place=place)


def _control(
    record: Record, name: str, position: tuple[int, int], found: int, *, place: Place, money: bool = False
) -> Generator[Event, None, None]:
    first, last = position
    declared = record.number(first, last)
    if declared is None:
        message = (
            f"The control record does not have its digits at positions {first} to {last} ({name}). The file may have been cut off here."
        )
        yield refusal(place=place, field=name, value=record.get(first, last), message=message)
        return
    scale = -2 if money else 0
    yield ControlRead(name=name, declared=Decimal(declared).scaleb(scale), found=Decimal(found).scaleb(scale), place=place)


def _day_of_year(number: int | None, *, near: date) -> date | None:
    """Give the settlement day, counted from 1 January, the year that brings it closest to `near`: it has none of its own."""
    if not number or number > _FAR_DAYS:
        return None
    days = [date(year, 1, 1) + timedelta(days=number - 1) for year in (near.year - 1, near.year, near.year + 1)]
    return min(days, key=lambda candidate: abs(candidate - near))


def _time(header: Record) -> time:
    hour, minute = header.number(30, 31), header.number(32, 33)
    return time(hour, minute) if hour is not None and minute is not None and hour < 24 and minute < 60 else time.min
