"""What a statement reader tells as it reads: statements, balances, lines, and errors with their place in the file.

A reader is ``read(file: BinaryIO) -> Iterator[Event]``. It yields events in file order and never raises: whatever goes
wrong becomes a :class:`LocatedError`. An error that is *fatal* means that the file must be refused as a whole; any
other error is a remark for the preview. After a fatal error a statement may be left without its ``StatementClosed``.
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
    `created_at` has no time zone where the bank gave none.
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
    `amount`. A line with `booked` false (pending, information) must not count.
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


Event = StatementOpened | BalanceRead | LineRead | StatementClosed | LocatedError
Reader = Callable[[BinaryIO], Iterator[Event]]


def refusal(*, place: Place, field: str, message: str, value: str = "") -> LocatedError:
    """Build an error that refuses the whole file."""
    return LocatedError(place=place, field=field, value=value[:VALUE_MAX], message=message, fatal=True)


def remark(*, place: Place, field: str, message: str, value: str = "") -> LocatedError:
    """Build an error that is shown but refuses nothing."""
    return LocatedError(place=place, field=field, value=value[:VALUE_MAX], message=message, fatal=False)
