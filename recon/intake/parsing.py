"""Reads a statement file whole: what it says, whether it proves itself, and every error with its place."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from ledgerops.lib.money import AmountRefused, minor_from_decimal
from recon.formats import FORMATS, detect
from recon.formats.events import BalanceRead, Event, LineRead, LocatedError, Place, StatementClosed, StatementOpened
from recon.formats.proof import chain, pages

MAXIMUM_ERRORS = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedLine:
    """A statement line in minor units; `flow` says which way value moved for the account holder."""

    booking_date: date
    value_date: date
    flow: str
    amount_minor: int
    reversal: bool
    booked: bool
    reference: str
    bank_reference: str
    end_to_end_id: str
    counterparty: str
    counterparty_account: str
    transaction_code: str
    description: str
    raw: str
    place: str


@dataclass(slots=True, kw_only=True)
class ParsedStatement:
    """One statement with all its pages. Balances are signed as the account holder sees them."""

    ordinal: int
    account: str
    scheme: str
    currency: str
    number: str
    place: str
    opening_minor: int | None = None
    opening_date: date | None = None
    closing_minor: int | None = None
    closing_date: date | None = None
    movements_minor: int = 0
    proof: str = "no_balance"
    difference_minor: int = 0
    lines: list[ParsedLine] = field(default_factory=list)

    def content_digest(self) -> str:
        """Return a digest of what the statement says, whatever file it came in."""
        content = asdict(self)
        for mechanical in ("ordinal", "place"):
            content.pop(mechanical)
        for line in content["lines"]:
            line.pop("raw"), line.pop("place")
        return hashlib.sha256(json.dumps(content, sort_keys=True, default=str).encode()).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class ParseError:
    """What is wrong, where, in words a banker understands. A fatal error refuses the file."""

    where: str
    field: str
    value: str
    message: str
    fatal: bool


@dataclass(slots=True, kw_only=True)
class ParsedFile:
    format: str | None
    statements: list[ParsedStatement] = field(default_factory=list)
    errors: list[ParseError] = field(default_factory=list)

    @property
    def refused(self) -> bool:
        return any(error.fatal for error in self.errors)


def parse(file: BinaryIO, *, scales: Mapping[str, int]) -> ParsedFile:
    """Read a file in whatever format it is; `scales` gives the decimals of each known asset."""
    code = detect(file)
    if code is None:
        return ParsedFile(format=None, errors=[_fatal("start of file", "this is no statement format known here (MT940, camt.053)")])
    parsed = ParsedFile(format=code)
    located: list[Event] = []
    for event in FORMATS[code].reader(file):
        if isinstance(event, LocatedError):
            _add_error(parsed, _from_located(event))
        else:
            located.append(event)
    if not located and not parsed.errors:
        parsed.errors.append(_fatal("start of file", "the file holds no statement"))
    if not parsed.refused:
        _collect(parsed, located, scales=scales)
    if parsed.refused:
        parsed.statements.clear()
    return parsed


def describe(place: Place) -> str:
    """Return a place as a person finds it: line 41, :61:."""
    said = [f"line {place.line}"] if place.line is not None else [f"byte {place.offset}"] if place.offset is not None else []
    return ", ".join([*said, place.path] if place.path else said) or "start of file"


def _collect(parsed: ParsedFile, events: list[Event], *, scales: Mapping[str, int]) -> None:
    by_ordinal: dict[int, ParsedStatement] = {}
    minor: dict[tuple[Decimal, str], int] = {}
    for event in events:
        for error in _convert(event, scales=scales, minor=minor):
            _add_error(parsed, error)
    if parsed.refused:
        return
    for event in events:
        _take(event, by_ordinal=by_ordinal, minor=minor)
    events = _with_currencies(events, by_ordinal=by_ordinal)
    foreign = list(_foreign_lines(events))
    for error in foreign:
        _add_error(parsed, error)
    if foreign:
        return
    for chained in chain(pages(events, to_minor=lambda amount, currency: minor[amount, currency])):
        first = by_ordinal[chained.pages[0].ordinal]
        for page in chained.pages[1:]:
            _append_page(first, by_ordinal[page.ordinal])
        first.movements_minor = sum(page.movements_minor for page in chained.pages)
        first.proof = chained.proof.status
        first.difference_minor = chained.proof.difference_minor or 0
        if first.closing_date is None:
            first.closing_date = max((line.booking_date for line in first.lines), default=first.opening_date)
        if first.closing_date is None:
            _add_error(parsed, _fatal(first.place, "the statement has neither a balance nor a line with a date"))
        parsed.statements.append(first)


def _with_currencies(events: list[Event], *, by_ordinal: Mapping[int, ParsedStatement]) -> list[Event]:
    """Give each statement that names no currency the one of its first balance or line."""
    return [
        replace(event, currency=by_ordinal[event.ordinal].currency) if isinstance(event, StatementOpened) and not event.currency else event
        for event in events
    ]


def _foreign_lines(events: list[Event]) -> Iterator[ParseError]:
    """Minor units of another currency would be taken for the account's own."""
    currency: str | None = None
    for event in events:
        if isinstance(event, StatementOpened):
            currency = event.currency
        elif isinstance(event, LineRead) and event.currency != currency:
            sentence = f"the line is in {event.currency}, its statement in {currency}"
            yield _fatal(describe(event.place), sentence, field="currency", value=event.currency)


def _convert(event: Event, *, scales: Mapping[str, int], minor: dict[tuple[Decimal, str], int]) -> Iterator[ParseError]:
    """Fill `minor` with the exact minor units of the event's amount, or say why there are none."""
    if not isinstance(event, BalanceRead | LineRead):
        return
    if event.currency not in scales:
        yield _fatal(describe(event.place), f"there is no asset {event.currency!r} in the ledger", field="currency", value=event.currency)
        return
    try:
        minor[event.amount, event.currency] = minor_from_decimal(event.amount, scale=scales[event.currency])
    except AmountRefused as refusal:
        yield _fatal(describe(event.place), f"{refusal}, {event.currency} cannot hold it", field="amount", value=str(event.amount))


def _take(event: Event, *, by_ordinal: dict[int, ParsedStatement], minor: Mapping[tuple[Decimal, str], int]) -> None:
    match event:
        case StatementOpened():
            by_ordinal[event.ordinal] = ParsedStatement(
                ordinal=event.ordinal,
                account=event.account,
                scheme=event.account_scheme,
                currency=event.currency or "",
                number="/".join(part for part in (event.statement_number, event.sequence_number) if part) or event.statement_id,
                place=describe(event.place),
            )
        case BalanceRead():
            _take_balance(next(reversed(by_ordinal.values())), event, minor[event.amount, event.currency])
        case LineRead():
            statement = next(reversed(by_ordinal.values()))
            statement.currency = statement.currency or event.currency
            statement.lines.append(_line(event, minor[event.amount, event.currency]))
        case StatementClosed() | LocatedError():
            pass


def _take_balance(statement: ParsedStatement, event: BalanceRead, amount_minor: int) -> None:
    if event.role != "other":  # what proves nothing may be in any currency
        statement.currency = statement.currency or event.currency
    if event.role in ("opening", "intermediate_opening"):
        statement.opening_minor, statement.opening_date = amount_minor, event.date
    elif event.role in ("closing", "intermediate_closing"):
        statement.closing_minor, statement.closing_date = amount_minor, event.date


def _append_page(first: ParsedStatement, page: ParsedStatement) -> None:
    first.lines.extend(page.lines)
    first.closing_minor, first.closing_date = page.closing_minor, page.closing_date


def _line(event: LineRead, amount_minor: int) -> ParsedLine:
    return ParsedLine(
        booking_date=event.booking_date,
        value_date=event.value_date,
        flow="in" if event.direction == "credit" else "out",
        amount_minor=amount_minor,
        reversal=event.reversal,
        booked=event.booked,
        reference=event.own_reference[:140],
        bank_reference=event.bank_reference[:140],
        end_to_end_id=event.end_to_end_id[:140],
        counterparty=event.counterparty_name[:200],
        counterparty_account=event.counterparty_account[:60],
        transaction_code=event.transaction_code[:60],
        description=event.description,
        raw=event.raw,
        place=describe(event.place)[:200],
    )


def _from_located(error: LocatedError) -> ParseError:
    return ParseError(where=describe(error.place), field=error.field, value=error.value, message=error.message, fatal=error.fatal)


def _fatal(where: str, message: str, *, field: str = "", value: str = "") -> ParseError:
    return ParseError(where=where, field=field, value=value[:80], message=message, fatal=True)


def _add_error(parsed: ParsedFile, error: ParseError) -> None:
    if len(parsed.errors) < MAXIMUM_ERRORS or (error.fatal and not parsed.refused):
        parsed.errors.append(error)
