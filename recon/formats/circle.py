"""Circle: transfers, deposits and payouts of a Mint account or wallet as the API answers them.

A transfer between two wallets of ours moves both, each in a statement of its own. Only what is complete counts; a confirmed one may
still fail. The transaction's hash is the key to the chain, the transfer's id the one to Circle.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from recon.formats.events import Event, Place
from recon.formats.guard import guarded
from recon.formats.report_json import Record, amount, records, text
from recon.formats.report_rows import Movement, Unreadable, day_of, statements

NAMED = "Circle report"
COMPLETE = frozenset({"complete", "paid", "settled"})
NOT_YET = frozenset({"pending", "confirmed", "running", "failed", "denied", "cancelled", "initiated", "queued", "sent"})


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read an answer, one statement for each wallet and currency."""
    return statements(file, partial(records, under=("data", "transfers"), movements=_movements), named=NAMED)


def recognise(head: str) -> bool:
    return all(f'"{name}"' in head for name in ("amount", "currency", "createDate", "status"))


def _movements(record: Record, place: Place, raw: str) -> Iterator[Movement]:
    status = text(record, "status").lower()
    if status not in COMPLETE | NOT_YET:
        raise Unreadable("status", status, "The state of this transfer is none that is known.")
    value = amount(record, "amount", "amount")
    sides = [(end, text(record, end, "id")) for end in ("source", "destination") if text(record, end, "type") == "wallet"]
    if not sides:
        # A deposit or payout of the account itself names a bank account at the other end, and no wallet at ours.
        merchant = text(record, "merchantWalletId") or text(record, "sourceWalletId")
        sides = [("source" if text(record, "destination", "type") in ("wire", "bank", "cubix") else "destination", merchant)]
    for end, wallet in sides:
        other = "destination" if end == "source" else "source"
        yield Movement(
            account=wallet,
            currency=text(record, "amount", "currency").upper(),
            amount=-value if end == "source" else value,
            day=day_of(text(record, "createDate"), column="createDate"),
            own_reference=text(record, "idempotencyKey"),
            bank_reference=text(record, "id"),
            counterparty=text(record, other, "type"),
            counterparty_account=text(record, other, "address") or text(record, other, "id"),
            code=text(record, other, "type"),
            booked=status in COMPLETE,
            keys=(
                ("transfer", text(record, "id")), ("tx", text(record, "transactionHash").lower()),
                ("external", text(record, "idempotencyKey")), ("trace", text(record, "trackingRef")),
            ),
            facts=(
                ("status", status), ("chain", text(record, other, "chain")), ("fee", text(record, "fees", "amount")),
            ),
            raw=raw,
            place=place,
        )  # fmt: skip
