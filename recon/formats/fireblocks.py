"""Fireblocks: transactions as the API answers them, one statement for each vault account and asset.

A transaction between two vaults of ours moves both. It counts once it is COMPLETED and stands in a block: before that the vault's
balance does not show it. What the vault pays is the amount; what arrives may be less (`netAmount`). The network fee is a line of its
own in its own asset, paid by the source.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from recon.formats.events import Event, Place
from recon.formats.guard import guarded
from recon.formats.report_json import Record, amount, records, text
from recon.formats.report_rows import Movement, Unreadable, amount_of, statements

NAMED = "Fireblocks report"
VAULT = "VAULT_ACCOUNT"


@dataclass(frozen=True, slots=True)
class _Leg:
    vault: str
    asset: str
    amount: Decimal
    fee: bool


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read an answer, one statement for each vault account and asset."""
    return statements(file, partial(records, under=("transactions", "data"), movements=_movements), named=NAMED)


def recognise(head: str) -> bool:
    return all(f'"{name}"' in head for name in ("assetId", "status", "source", "destination"))


def _movements(record: Record, place: Place, raw: str) -> Iterator[Movement]:
    asset, status = text(record, "assetId"), text(record, "status").upper()
    if not asset or not status:
        raise Unreadable("assetId" if not asset else "status", "", "This is empty.")
    paid = amount(record, "amountInfo", "amount") if text(record, "amountInfo", "amount") else amount(record, "amount")
    arrived = amount(record, "netAmount") if text(record, "netAmount") else paid
    legs = [
        _Leg(text(record, end, "id"), asset, moved, fee=False)
        for end, moved in (("source", -paid), ("destination", arrived))
        if text(record, end, "type").upper() == VAULT
    ]
    fee = text(record, "networkFee") or text(record, "feeInfo", "networkFee")
    if fee and text(record, "source", "type").upper() == VAULT and (value := amount_of(fee, column="networkFee")) > 0:
        legs.append(_Leg(text(record, "source", "id"), text(record, "feeCurrency") or asset, -value, fee=True))
    in_block = bool(text(record, "blockInfo", "blockHash")) or not text(record, "txHash")
    for leg in legs:
        other = "destination" if leg.amount < 0 else "source"
        yield Movement(
            account=leg.vault,
            currency=leg.asset,
            amount=leg.amount,
            day=_day(record),
            own_reference=text(record, "externalTxId"),
            bank_reference=text(record, "id"),
            counterparty="" if leg.fee else text(record, other, "name"),
            counterparty_account="" if leg.fee else text(record, f"{other}Address"),
            code="NETWORK_FEE" if leg.fee else text(record, "operation") or "TRANSFER",
            description=text(record, "note"),
            # What fails in a block moves nothing, but its fee is paid.
            booked=in_block and (status == "COMPLETED" or (leg.fee and status == "FAILED" and bool(text(record, "txHash")))),
            keys=(("transfer", text(record, "id")), ("external", text(record, "externalTxId")), ("tx", text(record, "txHash").lower())),
            facts=(
                ("status", status),
                ("block", text(record, "blockInfo", "blockHeight")),
                ("block hash", text(record, "blockInfo", "blockHash")),
                ("amount in USD", text(record, "amountUSD")),
            ),
            raw=raw,
            place=place,
        )


def _day(record: Record) -> date:
    """Return the day of the last change, which is a number of milliseconds."""
    written = text(record, "lastUpdated") or text(record, "createdAt")
    try:
        return datetime.fromtimestamp(int(written) / 1000, tz=UTC).date()
    except (ValueError, OverflowError, OSError):
        raise Unreadable("lastUpdated", written, "This is no instant in milliseconds.") from None
