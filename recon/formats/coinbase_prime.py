"""Coinbase Prime: transactions of a portfolio as the API answers them, one statement for each wallet and symbol.

A conversion between dollars and USDC is at par and has two legs. Network fees are in the native asset of their chain and lines of
their own where they are paid in another symbol than the transfer.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import BinaryIO

from recon.formats.events import Event, Place
from recon.formats.guard import guarded
from recon.formats.report_json import Record, amount, list_of, records, text
from recon.formats.report_rows import Movement, Unreadable, day_of, statements

NAMED = "Coinbase Prime report"
IN = frozenset(
    {"DEPOSIT", "INTERNAL_DEPOSIT", "SWEEP_DEPOSIT", "PROXY_DEPOSIT", "BILLING_DEPOSIT", "COINBASE_DEPOSIT", "REWARD", "CLAIM_REWARDS"}
)
OUT = frozenset({"WITHDRAWAL", "INTERNAL_WITHDRAWAL", "SWEEP_WITHDRAWAL", "PROXY_WITHDRAWAL", "BILLING_WITHDRAWAL", "COINBASE_WITHDRAWAL"})
DONE = frozenset({"TRANSACTION_DONE", "TRANSACTION_IMPORTED"})


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read an answer, one statement for each wallet and symbol."""
    return statements(file, partial(records, under=("transactions",), movements=_movements), named=NAMED)


def recognise(head: str) -> bool:
    return all(f'"{name}"' in head for name in ("portfolio_id", "symbol", "wallet_id", "status"))


def _movements(record: Record, place: Place, raw: str) -> Iterator[Movement]:
    kind = text(record, "type").upper().removeprefix("TRANSACTION_TYPE_")
    value = amount(record, "amount")
    symbol = text(record, "symbol").upper()
    if kind == "CONVERSION":
        bought = text(record, "destination_symbol").upper()
        if not bought:
            raise Unreadable("destination_symbol", "", "A conversion has two legs, and this one names one symbol.")
        legs = [(symbol, -value), (bought, value)]
    elif kind in IN | OUT:
        legs = [(symbol, value if kind in IN else -value)]
    else:
        raise Unreadable("type", kind, "Nothing says which way a transaction of this type moves the wallet.")
    fee, fee_symbol = text(record, "network_fees") or "0", text(record, "fee_symbol").upper() or symbol
    if kind in OUT and fee_symbol != symbol and amount(record, "network_fees"):
        legs.append((fee_symbol, -amount(record, "network_fees")))
    done = text(record, "completed_at") or text(record, "created_at")
    hashes = [one.lower() for one in list_of(record, "blockchain_ids")]
    for currency, moved in legs:
        yield Movement(
            account=text(record, "wallet_id"),
            currency=currency,
            amount=moved,
            day=day_of(done, column="completed_at"),
            own_reference=text(record, "idempotency_key"),
            bank_reference=text(record, "id"),
            counterparty=text(record, "transfer_to", "type") if moved < 0 else text(record, "transfer_from", "type"),
            counterparty_account=text(record, "transfer_to", "value") if moved < 0 else text(record, "transfer_from", "value"),
            code=kind,
            booked=text(record, "status").upper() in DONE,
            keys=(
                ("transfer", text(record, "id")), ("external", text(record, "idempotency_key")),
                *(("tx", one) for one in hashes),
            ),
            facts=(("status", text(record, "status")), *((("network fee", fee), ("fee symbol", fee_symbol)) if fee != "0" else ())),
            raw=raw,
            place=place,
        )  # fmt: skip
