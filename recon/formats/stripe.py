"""Stripe: balance transactions and the itemized payout reconciliation, told apart by their names.

The list of the API has minor units (with Stripe's own idea of which currencies have none), the reports have major ones. A line
is what the balance moves by, the net; gross, fee and category are facts. `reporting_category` says what a row is where it is
there, since `type` calls several things by one name. A payout leaves the balance: its row and all that it pays out share the key
`payout`. Only automatic payouts list what they pay.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import BinaryIO

from recon.formats.currencies import exponent
from recon.formats.events import Event, LocatedError, Place, refusal
from recon.formats.guard import guarded
from recon.formats.report_csv import Cells, named_rows
from recon.formats.report_rows import Item, Movement, Unreadable, amount_of, day_of, statements

NAMED = "Stripe report"
# Where Stripe's minor units are not those of ISO 4217.
_OWN_EXPONENTS = {"ISK": 2, "UGX": 2, "MGA": 0}

# Names of one thing in the list of the API, the dashboard's export and the reports.
_NAMES = {
    "id": ("balance_transaction_id", "id"),
    "gross": ("gross", "amount", "Amount"),
    "fee": ("fee", "Fee"),
    "net": ("net", "Net"),
    "currency": ("currency", "Currency"),
    "created": ("created_utc", "created", "Created (UTC)", "Created"),
    "available": ("available_on_utc", "available_on", "Available On (UTC)", "Available On"),
    "category": ("reporting_category", "type", "Type"),
    "source": ("source_id", "source", "Source"),
    "description": ("description", "Description"),
    "payout": ("automatic_payout_id", "payout_id", "Transfer"),
}
_NEEDED = ("id", "gross", "fee", "net", "currency", "created", "category")
_KINDS = {
    "charge": "charges", "refund": "refunds", "dispute": "disputes", "payout": "payouts", "payment_intent": "payment intents",
    "fee": "fees", "transfer": "transfers", "link": "what each payout pays",
}  # fmt: skip
# What tells the other lists of Stripe apart, so that the refusal can name the one to export.
_OTHER_LISTS = (
    ("fraud_details_stripe_report", "charge"), ("evidence_details_due_by", "dispute"), ("charge_id", "refund"),
    ("amount_capturable", "payment_intent"), ("arrival_date", "payout"), ("destination_payment_id", "transfer"),
    ("payout_id", "link"), ("balance_transaction_id", "fee"),
)  # fmt: skip

_OWN_NAMES = frozenset({
    "balance_transaction", "amount_capturable", "amount_refunded", "arrival_date", "client_secret", "evidence_details_due_by",
    "payment_intent", "payment_intent_id", "source_transaction", "statement_descriptor",
})  # fmt: skip


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read a report, one statement for each currency."""
    return statements(file, _rows, named=NAMED)


def recognise(columns: frozenset[str]) -> bool:
    """Return whether these are the names of a Stripe list, of whatever kind."""
    balance = {"fee", "net", "currency", "type"} <= columns and bool({"source", "Source"} & columns)
    report = {"reporting_category", "net", "currency"} <= columns
    exported = {"id", "Type", "Net", "Available On (UTC)"} <= columns
    # What others call livemode and currency too is no list of Stripe without a name that only Stripe has.
    other = "balance_transaction_id" in columns or ({"id", "livemode", "currency"} <= columns and bool(_OWN_NAMES & columns))
    return balance or report or exported or other


def _rows(file: BinaryIO) -> Iterator[Item]:
    names: dict[str, str] = {}
    return named_rows(file, begin=partial(_begin, names), movement=partial(_movement, names))


def _begin(names: dict[str, str], columns: tuple[str, ...]) -> Iterator[LocatedError]:
    for thing, possible in _NAMES.items():
        found = next((name for name in possible if name in columns), None)
        if found:
            names[thing] = found
    absent = [thing for thing in _NEEDED if thing not in names]
    if absent:
        other = next((kind for column, kind in _OTHER_LISTS if column in columns), "")
        of = f"This is Stripe's list of {_KINDS[other]}, which does not say how the balance moved" if other else "The report is not whole"
        message = f"{of}: export the balance transactions, or the itemized payout reconciliation."
        yield refusal(place=Place(1, None, "row of names"), field=_NAMES[absent[0]][0], message=message)


def _movement(names: dict[str, str], cells: Cells, place: Place, raw: str) -> Iterator[Movement]:
    said = {thing: cells[name].strip() for thing, name in names.items()}
    currency = said["currency"].upper()
    amounts = {thing: _amount(said, thing, currency=currency, minor=names["gross"] == "amount") for thing in ("gross", "fee", "net")}
    if amounts["gross"] - amounts["fee"] != amounts["net"]:
        raise Unreadable("net", said["net"], "Gross less fee is not the net of this row.")
    category, source, payout = said["category"], said.get("source", ""), said.get("payout", "")
    if category in ("payout", "payout_reversal", "payout_cancel", "payout_failure") and source.startswith("po_"):
        payout = source
    yield Movement(
        currency=currency,
        amount=amounts["net"],
        day=day_of(said["created"], column=names["created"]),
        value_day=day_of(said["available"], column=names["available"]) if said.get("available") else None,
        own_reference=source,
        bank_reference=said["id"],
        code=category,
        description=said.get("description", ""),
        reversal=category in ("payout_failure", "payout_cancel", "refund_failure", "dispute_reversal"),
        keys=(("processor_reference", said["id"]), ("order", source), ("payout", payout)),
        facts=(
            ("gross", f"{amounts['gross']:f}"), ("fee", f"{amounts['fee']:f}"), ("category", category), ("payout", payout),
        ),
        raw=raw,
        place=place,
    )  # fmt: skip


def _amount(said: dict[str, str], thing: str, *, currency: str, minor: bool) -> Decimal:
    decimals = _OWN_EXPONENTS.get(currency, exponent(currency))
    if decimals is None:
        raise Unreadable("currency", currency, "There is no such currency in ISO 4217.")
    amount = amount_of(said[thing].replace(",", "") if not minor else said[thing], column=thing)
    if not minor:
        return amount
    if amount != amount.to_integral_value():
        raise Unreadable(thing, said[thing], "The list of the API has whole minor units, and this is none.")
    return amount.scaleb(-decimals)
