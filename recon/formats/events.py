"""What a statement reader tells as it reads: statements, balances, lines, and errors with their place in the file.

A reader is ``read(file: BinaryIO) -> Iterator[Event]``. It yields events in file order and never raises: whatever goes
wrong becomes a :class:`LocatedError`. An error that is *fatal* means that the file must be refused as a whole; one with
`row` true puts a single row into quarantine while the rest is read; any other error is a remark for the preview. After a
fatal error a statement may be left without its ``StatementClosed``. Lines, balances and controls belong to the statement
opened last. A file that names no account leaves `account` empty: it is delivered for a source that somebody chose.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import BinaryIO, Literal

AccountScheme = Literal["iban", "other"]
BalanceRole = Literal["opening", "closing", "intermediate_opening", "intermediate_closing", "other"]
Direction = Literal["credit", "debit"]
Kind = Literal["statement", "intraday", "notification", "report"]
Purpose = Literal["update", "correction", "deletion", "test"]

# What a line can be found by. `tx` is a transaction hash, `log` one event in it (hash:index), `trace` a clearing's trace number,
# `original_trace` the one that a return answers, `external` the key that our own system gave to the other one.
KEY_KINDS = frozenset(
    {
        "end_to_end", "uetr", "instruction", "mandate", "own_reference", "bank_reference", "batch", "payout", "trace", "original_trace",
        "processor_reference", "order", "dispute", "tx", "log", "external", "transfer",
    }
)  # fmt: skip

VALUE_MAX = 80


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the file: the line as an editor counts it, the byte offset where known, and the path of the field."""

    line: int | None
    offset: int | None
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementOpened:
    """The head of a statement, or of one page of it. `ordinal` counts the statements of the file from 1.

    MT940: `statement_number` and `sequence_number` are the two halves of :28C: without leading zeros; `statement_id`
    and `message_id` are :20:. camt.053: the statement number is ElctrncSeqNb, or LglSeqNb where that is absent, the
    sequence number is the page, `statement_id` is Stmt/Id and `message_id` is GrpHdr/MsgId.
    `created_at` has no time zone where the bank gave none. An intraday report or a notification counts for nothing; a report
    is what processors, custodians and operational systems deliver. A `purpose` other than "update" says that the sender
    corrects or withdraws what was delivered under the same number before, or that it is a test.
    """

    ordinal: int
    account: str
    account_scheme: AccountScheme
    account_owner: str
    servicer_bic: str
    currency: str | None
    statement_id: str
    statement_number: str
    sequence_number: str
    message_id: str
    created_at: datetime | None
    copy: bool
    place: Place
    kind: Kind = "statement"
    purpose: Purpose = "update"
    period_start: date | None = None
    period_end: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceRead:
    """A balance as the account holder sees it: positive where the bank owes us. Role "other" proves nothing."""

    role: BalanceRole
    amount: Decimal
    currency: str
    date: date | None
    code: str
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRead:
    """One line of a statement; `ordinal` counts the lines of the statement from 1.

    `direction` is the effective one: a reversed credit is already a debit. Text fields are "" where the bank gave
    nothing or a filler such as NONREF or NOTPROVIDED. `booking_date` and `value_date` stand in for each other where
    one of them is missing. `details_total` is the sum of the transaction details, given only where it differs from
    `amount`. A line with `booked` false (pending, information) must not count. `keys` are pairs of a kind in ``KEY_KINDS``
    and the reference as written, `facts` further named values that a person may want to see (gross, fee, return reason).
    """

    ordinal: int
    booking_date: date
    value_date: date
    direction: Direction
    reversal: bool
    amount: Decimal
    currency: str
    own_reference: str
    bank_reference: str
    end_to_end_id: str
    uetr: str
    counterparty_name: str
    counterparty_account: str
    transaction_code: str
    description: str
    raw: str
    details_total: Decimal | None
    booked: bool
    place: Place
    keys: tuple[tuple[str, str], ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlRead:
    """A total or count that the file declares, beside the one found by reading; a statement with a difference is not proven."""

    name: str
    declared: Decimal
    found: Decimal
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementClosed:
    ordinal: int
    lines: int
    place: Place


@dataclass(frozen=True, slots=True, kw_only=True)
class LocatedError:
    place: Place
    field: str
    value: str
    message: str
    fatal: bool
    row: bool = False
    raw: str = ""


Event = StatementOpened | BalanceRead | LineRead | ControlRead | StatementClosed | LocatedError
Reader = Callable[[BinaryIO], Iterator[Event]]


def refusal(*, place: Place, field: str, message: str, value: str = "") -> LocatedError:
    """Build an error that refuses the whole file."""
    return LocatedError(place=place, field=field, value=value[:VALUE_MAX], message=message, fatal=True)


def remark(*, place: Place, field: str, message: str, value: str = "") -> LocatedError:
    """Build an error that is shown but refuses nothing."""
    return LocatedError(place=place, field=field, value=value[:VALUE_MAX], message=message, fatal=False)


def quarantined(*, place: Place, field: str, message: str, raw: str, value: str = "") -> LocatedError:
    """Build an error that keeps one row out and lets the rest of the file in; `raw` is the row as it stands in the file."""
    return LocatedError(place=place, field=field, value=value[:VALUE_MAX], message=message, fatal=False, row=True, raw=raw)
