"""Reads a delivered file once, in bounded memory: what it says, whether it proves itself, every error with its place.

Whoever wants the lines as well gives a :class:`Sink`, which is handed each of them as it is read.
"""

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from hashlib import blake2b
from typing import Any, BinaryIO, Protocol

from ledgerops.lib.money import AmountRefused, minor_from_decimal
from recon.formats import FORMATS, detect
from recon.formats.events import BalanceRead, ControlRead, Event, LineRead, LocatedError, Reader, StatementClosed, StatementOpened
from recon.formats.proof import prove
from recon.intake.errors import describe, fatal, from_located
from recon.intake.summary import MAXIMUM_CONTROLS, MAXIMUM_ROWS_BEFORE, MAXIMUM_STATEMENTS, ParsedFile, ParsedStatement

UNKNOWN = "this is no statement format known here; a file whose columns must be mapped is delivered for a source that has a mapping"
_MARKS = {(reversal, booked): f"\x1e{reversal:d}{booked:d}" for reversal in (False, True) for booked in (False, True)}
TEST = "the sender marked this delivery as a test: nothing of it may count"


class Sink(Protocol):
    """Takes the lines of a file as they are read. A statement's figures are complete only when the file is."""

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None: ...

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None: ...


def read_file(
    file: BinaryIO,
    *,
    scales: Mapping[str, int],
    format_code: str = "",
    reader: Reader | None = None,
    sink: Sink | None = None,
    watched: Callable[[ParsedFile], None] | None = None,
) -> ParsedFile:
    """Read a file in whatever format it is, or with the reader given; `scales` gives the decimals of each known asset.

    `watched` is handed the result before it grows.
    """
    parsed = ParsedFile(format=format_code or None)
    if reader is None:
        parsed.format = detect(file)
        if parsed.format is None:
            parsed.add_error(fatal("start of file", UNKNOWN))
            return parsed
        reader = FORMATS[parsed.format].reader
    if watched is not None:
        watched(parsed)
    reading = _Reading(parsed, scales=scales, sink=sink)
    for event in reader(file):
        reading.take(event)
    return reading.finish()


@dataclass(slots=True)
class _Page:
    """One statement message: a statement alone, or a page of one."""

    opened: StatementOpened
    currency: str
    opening_minor: int | None = None
    closing_minor: int | None = None
    opening_date: date | None = None
    closing_date: date | None = None
    opens: bool = False
    closes: bool = False
    movements_minor: int = 0
    statement: "_Statement | None" = None

    @property
    def identity(self) -> tuple[str, str, str]:
        return (self.opened.account, self.currency, self.opened.statement_number or self.opened.statement_id)


@dataclass(slots=True)
class _Statement:
    parsed: ParsedStatement
    last: _Page
    lines: Any = field(default_factory=hashlib.sha256)
    pages_hold: bool = True


class _Reading:
    """Gathers the events of one file."""

    def __init__(self, parsed: ParsedFile, *, scales: Mapping[str, int], sink: Sink | None) -> None:
        self.parsed = parsed
        self._scales = scales
        self._sink = sink
        self._page: _Page | None = None
        self._current: _Statement | None = None
        self._seen = False
        # Rows for the quarantine that no statement has taken yet: they may stand before the first row that opens one.
        self._rows: list[LocatedError] = []

    def take(self, event: Event) -> None:
        match event:
            case LineRead():
                self._line(event)
            case LocatedError():
                self._error(event)
            case StatementOpened():
                self._open(event)
            case BalanceRead():
                self._balance(event)
            case ControlRead():
                self._control(event)
            case StatementClosed():
                self._close()

    def finish(self) -> ParsedFile:
        """Return what the file says; nothing of a refused one is said."""
        self._close()
        self._quarantine(self._current)
        self._finish_statement()
        parsed = self.parsed
        if not self._seen and not parsed.errors:
            parsed.add_error(fatal("start of file", "the file holds no statement"))
        if parsed.quarantined and not parsed.line_count and not parsed.refused:
            parsed.add_error(fatal("file", f"none of its {parsed.quarantined} rows could be read"))
        if parsed.refused:
            parsed.statements.clear()
        return parsed

    def _open(self, event: StatementOpened) -> None:
        self._close()
        self._seen = True
        self._page = _Page(opened=event, currency=event.currency or "")
        if event.purpose == "test":
            self.parsed.add_error(fatal(describe(event.place), TEST, field="purpose", value="test"))

    def _close(self) -> None:
        page, self._page = self._page, None
        if page is None:
            return
        statement = self._settled(page)
        if statement is None:
            return
        if prove(opening=page.opening_minor, closing=page.closing_minor, movements=page.movements_minor).status != "proven":
            statement.pages_hold = False
        if page.statement is not None and statement.last is not page and statement.last.closing_minor != page.opening_minor:
            statement.pages_hold = False
        said = statement.parsed
        said.last_ordinal = page.opened.ordinal
        self._quarantine(statement)
        said.movements_minor += page.movements_minor
        if statement.last is page:
            said.opening_minor, said.opening_date = page.opening_minor, page.opening_date
        said.closing_minor, said.closing_date = page.closing_minor, page.closing_date or said.closing_date
        statement.last = page

    def _settled(self, page: _Page) -> "_Statement | None":
        """Return the statement that a page belongs to: the one before, if the balance carried goes on, else one of its own."""
        if page.statement is not None:
            return page.statement
        current = self._current
        if current is not None and _continues(current.last, page):
            page.statement = current
            return current
        self._finish_statement()
        if len(self.parsed.statements) >= MAXIMUM_STATEMENTS:
            if not self.parsed.refused:
                self.parsed.add_error(
                    fatal(describe(page.opened.place), f"the file holds more than {MAXIMUM_STATEMENTS} statements: split it")
                )
            return None
        page.statement = self._current = _Statement(parsed=_parsed(page), last=page)
        self.parsed.statements.append(self._current.parsed)
        return self._current

    def _finish_statement(self) -> None:
        statement, self._current = self._current, None
        if statement is None:
            return
        said = statement.parsed
        said.currency = said.currency or statement.last.currency
        proof = prove(opening=said.opening_minor, closing=said.closing_minor, movements=said.movements_minor)
        differs = any(control["declared"] != control["found"] for control in said.controls)
        holds = proof.status != "proven" or statement.pages_hold
        said.proof = "unproven" if differs or not holds else proof.status
        said.difference_minor = proof.difference_minor or 0
        said.closing_date = said.closing_date or said.booked_to or said.opening_date
        if said.closing_date is None:
            self.parsed.add_error(fatal(said.place, "the statement has neither a balance nor a line with a date"))
        said.digest = _digest(said, lines=statement.lines.hexdigest())

    def _line(self, event: LineRead) -> None:
        page, minor = self._page, self._minor(event)
        if page is None or minor is None:
            return
        page.currency = page.currency or event.currency
        if event.currency != page.currency:
            sentence = f"the line is in {event.currency}, its statement in {page.currency}"
            self.parsed.add_error(fatal(describe(event.place), sentence, field="currency", value=event.currency))
            return
        if minor < 0:
            self.parsed.add_error(
                fatal(describe(event.place), "the amount of a line is never negative", field="amount", value=str(event.amount))
            )
            return
        statement = page.statement or self._settled(page)
        if statement is None:
            return
        said = statement.parsed
        said.currency = said.currency or page.currency
        if self._rows:
            self._quarantine(statement)
        if event.booked:
            page.movements_minor += minor if event.direction == "credit" else -minor
        said.line_count += 1
        self.parsed.line_count += 1
        day = event.booking_date
        if said.booked_from is None or said.booked_to is None:
            said.booked_from = said.booked_to = day
        elif day < said.booked_from:
            said.booked_from = day
        elif day > said.booked_to:
            said.booked_to = day
        content, rest = _content(event, minor)
        key = blake2b(content, digest_size=16).hexdigest()
        statement.lines.update(content + rest)
        if self._sink is not None and not self.parsed.refused:
            self._sink.line(said, event, amount_minor=minor, content_key=key)

    def _balance(self, event: BalanceRead) -> None:
        page = self._page
        if page is None or event.role == "other":  # what proves nothing may be in any currency
            return
        minor = self._minor(event)
        if minor is None:
            return
        page.currency = page.currency or event.currency
        if event.currency != page.currency:
            sentence = f"the balance is in {event.currency}, its statement in {page.currency}"
            self.parsed.add_error(fatal(describe(event.place), sentence, field="currency", value=event.currency))
        elif event.role.endswith("opening"):
            page.opening_minor, page.opening_date, page.opens = minor, event.date, event.role == "opening"
        else:
            page.closing_minor, page.closing_date, page.closes = minor, event.date, event.role == "closing"

    def _control(self, event: ControlRead) -> None:
        statement = self._settled(self._page) if self._page else None
        if statement is None:
            return
        control = {"name": event.name, "declared": _plain(event.declared), "found": _plain(event.found), "place": describe(event.place)}
        # One that differs is never dropped for those that agree.
        if len(statement.parsed.controls) < MAXIMUM_CONTROLS or control["declared"] != control["found"]:
            statement.parsed.controls.append(control)

    def _error(self, event: LocatedError) -> None:
        self.parsed.add_error(from_located(event))
        if not event.row:
            return
        self.parsed.quarantined += 1
        if len(self._rows) <= MAXIMUM_ROWS_BEFORE:
            self._rows.append(event)
        page = self._page
        if page is None:
            self._quarantine(self._current)
        elif page.statement is not None and page.statement.parsed.currency:
            self._quarantine(page.statement)
        if len(self._rows) > MAXIMUM_ROWS_BEFORE and not self.parsed.refused:
            sentence = f"the first {len(self._rows)} rows cannot be read: this is no file of that kind"
            self.parsed.add_error(fatal(describe(event.place), sentence))

    def _quarantine(self, statement: "_Statement | None") -> None:
        """Let the rows that wait be those of a statement, if there is one."""
        if statement is None or not self._rows:
            return
        statement.parsed.quarantined += len(self._rows)
        for row in self._rows:
            if self._sink is not None and not self.parsed.refused:
                self._sink.quarantined(statement.parsed, row)
        self._rows.clear()

    def _minor(self, event: BalanceRead | LineRead) -> int | None:
        """Return the exact minor units of the event's amount, or say why there are none."""
        scale = self._scales.get(event.currency)
        if scale is None:
            sentence = f"there is no asset {event.currency!r} in the ledger"
            self.parsed.add_error(fatal(describe(event.place), sentence, field="currency", value=event.currency))
            return None
        try:
            return minor_from_decimal(event.amount, scale=scale)
        except AmountRefused as refusal:
            sentence = f"{refusal}, {event.currency} cannot hold it"
            self.parsed.add_error(fatal(describe(event.place), sentence, field="amount", value=str(event.amount)))
            return None


def _continues(page: _Page, following: _Page) -> bool:
    carried = page.closing_minor is not None and not page.closes
    taken_up = following.opening_minor is not None and not following.opens
    return carried and taken_up and page.identity == following.identity


def _parsed(page: _Page) -> ParsedStatement:
    event = page.opened
    number = event.statement_number
    return ParsedStatement(
        ordinal=event.ordinal,
        last_ordinal=event.ordinal,
        account=event.account[:60],
        scheme=event.account_scheme,
        currency=page.currency,
        number=("/".join(part for part in (number, event.sequence_number) if part) or event.statement_id)[:60],
        sequence=int(number) if number.isascii() and number.isdigit() and len(number) <= 9 else None,
        kind=event.kind,
        purpose=event.purpose,
        place=describe(event.place),
        period_start=event.period_start,
        closing_date=event.period_end,
    )


def _content(event: LineRead, minor: int) -> tuple[bytes, bytes]:
    """Return what makes two lines the same line, and the rest of what a line says."""
    booked, valued = event.booking_date, event.value_date
    day = booked.isoformat()
    content = (
        f"{day}\x1f{day if valued == booked else valued.isoformat()}\x1f{event.direction}\x1f{minor}\x1f{event.own_reference}"
        f"\x1f{event.bank_reference}\x1f{event.end_to_end_id}\x1f{event.description}"
    )
    keys = "".join([f"{kind}\x1d{value}\x1f" for kind, value in event.keys])
    facts = "".join([f"\x1f{name}\x1d{value}" for name, value in event.facts]) if event.facts else ""
    rest = (
        f"{_MARKS[event.reversal, event.booked]}\x1f{event.uetr}\x1f{event.counterparty_name}\x1f{event.counterparty_account}"
        f"\x1f{event.transaction_code}\x1f{keys}\x1e{facts}\x1f\x1d"
    )
    return content.encode(errors="replace"), rest.encode(errors="replace")


def _digest(said: ParsedStatement, *, lines: str) -> str:
    content = {
        name: getattr(said, name)
        for name in ("account", "currency", "number", "kind", "purpose", "opening_minor", "opening_date", "closing_minor", "closing_date")
    }
    return hashlib.sha256(json.dumps([content, lines], sort_keys=True, default=str).encode()).hexdigest()


def _plain(number: Any) -> str:
    """Return a number in one form, so that two of the same value read the same."""
    text = f"{number:f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
