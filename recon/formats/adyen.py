"""Adyen: the settlement details report. A batch of a merchant account in one net currency is one statement.

Every row moves the batch by net credit less net debit; the payout row takes out what the others sum to, which is a control of the
batch. The batch number stands on the bank's line, so it is the key of them all. Psp references are texts.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from recon.formats.events import ControlRead, Event, LocatedError, Place
from recon.formats.guard import guarded
from recon.formats.report_csv import Cells, named_rows
from recon.formats.report_rows import Item, Movement, Stated, Unreadable, amount_of, day_of, missing, statements

NAMED = "settlement details report"
NEEDED = (
    "Merchant Account", "Psp Reference", "Merchant Reference", "Creation Date", "TimeZone", "Type", "Modification Reference",
    "Net Currency", "Net Debit (NC)", "Net Credit (NC)", "Batch Number",
)  # fmt: skip
PAYOUT = "MerchantPayout"
_REVERSALS = frozenset(
    {"Chargeback", "SecondChargeback", "ChargebackReversed", "RefundedReversed", "PaidOutReversed", "BankInstructionReturned"}
)
_FACTS = (
    "Payment Method", "Gross Currency", "Gross Debit (GC)", "Gross Credit (GC)", "Exchange Rate", "Commission (NC)", "Markup (NC)",
    "Scheme Fees (NC)", "Interchange (NC)", "Modification Merchant Reference", "TimeZone",
)  # fmt: skip


@dataclass(slots=True)
class _Batch:
    settled: Decimal = Decimal(0)
    paid: Decimal | None = None
    place: Place = field(default_factory=lambda: Place(1, None, "file"))


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a report, one statement for each merchant account, batch and net currency."""
    return statements(file, _rows, named=NAMED)


def recognise(columns: frozenset[str]) -> bool:
    return {"Psp Reference", "Net Currency", "Batch Number"} <= columns


def _rows(file: BinaryIO) -> Iterator[Item]:
    batches: dict[tuple[str, str, str], _Batch] = defaultdict(_Batch)
    yield from named_rows(file, begin=_begin, movement=partial(_movement, batches))
    for (account, number, currency), batch in batches.items():
        if batch.paid is not None:
            control = ControlRead(name=f"payout of batch {number}", declared=batch.paid, found=batch.settled, place=batch.place)
            yield Stated(account=account, batch=number, currency=currency, controls=(control,), place=batch.place)


def _begin(columns: tuple[str, ...]) -> Iterator[LocatedError]:
    return missing(columns, of=NEEDED, named=NAMED)


def _movement(batches: dict[tuple[str, str, str], _Batch], cells: Cells, place: Place, raw: str) -> Iterator[Movement]:
    said = {name: cell.strip() for name, cell in cells.items()}
    credit, debit = (_amount(said, f"Net {side} (NC)") for side in ("Credit", "Debit"))
    amount = credit - debit
    for needed in ("Merchant Account", "Net Currency", "Batch Number", "Type"):
        if not said[needed]:
            raise Unreadable(needed, "", "This is empty.")
    day = day_of(said["Creation Date"], column="Creation Date")
    which = (said["Merchant Account"], said["Batch Number"], said["Net Currency"].upper())
    if said["Type"] == PAYOUT:
        batches[which].paid, batches[which].place = (batches[which].paid or Decimal(0)) - amount, place
    else:
        batches[which].settled += amount
    yield Movement(
        account=which[0],
        batch=which[1],
        currency=which[2],
        amount=amount,
        day=day,
        own_reference=said["Merchant Reference"],
        bank_reference=said["Psp Reference"],
        code=said["Type"],
        description=said["Modification Reference"] if said["Type"] == PAYOUT else "",
        reversal=said["Type"] in _REVERSALS,
        keys=(
            ("processor_reference", said["Psp Reference"]), ("transfer", said["Modification Reference"]),
            ("order", said["Merchant Reference"]), ("batch", which[1]),
        ),
        facts=tuple((name.lower(), said.get(name, "")) for name in _FACTS),
        raw=raw,
        place=place,
    )  # fmt: skip


def _amount(said: dict[str, str], column: str) -> Decimal:
    return amount_of(said[column], column=column) if said[column] else Decimal(0)
