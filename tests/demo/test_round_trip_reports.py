"""What the demo company's processors and custodians report is read back exactly."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal

import pytest

from ledgerops.demo.shapes import Statement
from ledgerops.demo.writers.custodians import write_circle, write_coinbase_prime, write_fireblocks
from ledgerops.demo.writers.processors import write_adyen, write_paypal_activity, write_paypal_settlement, write_stripe
from recon.formats import FORMATS, detect
from recon.formats.events import ControlRead
from recon.formats.proof import chain, pages
from tests.demo.test_round_trip_text import DAY, LINES, statement
from tests.recon.formats.samples import errors, lines, opened

# These reports have one date a row; it is what the balance moves at.
PLANNED = tuple(replace(line, value_date=line.booking_date) for line in LINES)


@dataclass(frozen=True)
class Trip:
    """A writer, and what its report carries: the account, the counterparty's name, its account; a payout row closes a batch."""

    write: Callable[[Statement], bytes]
    names_account: bool = True
    counterparty: bool = False
    counterparty_account: bool = False
    payout: bool = False
    proof: str = "no_balance"


TRIPS = {
    "stripe": Trip(write_stripe, names_account=False),
    "adyen": Trip(write_adyen, payout=True),
    "paypal_settlement": Trip(write_paypal_settlement, proof="proven"),
    "paypal_activity": Trip(write_paypal_activity, names_account=False, counterparty=True),
    "circle": Trip(write_circle, counterparty_account=True),
    "coinbase_prime": Trip(write_coinbase_prime, counterparty_account=True),
    "fireblocks": Trip(write_fireblocks, counterparty=True, counterparty_account=True),
}


@pytest.mark.parametrize("code", sorted(TRIPS))
@pytest.mark.parametrize(
    "planned",
    [
        statement(*PLANNED, opening_minor=100),
        statement(*PLANNED, opening_minor=-9_000_000),
        statement(*PLANNED, opening_minor=0, asset="JPY", scale=0),
        statement(*PLANNED, opening_minor=0, asset="BHD", scale=3),
    ],
    ids=["credit", "overdrawn", "no decimals", "three decimals"],
)
def test_reads_back_what_was_written(code: str, planned: Statement) -> None:
    trip = TRIPS[code]
    file = io.BytesIO(trip.write(planned))
    assert detect(file) == code
    events = list(FORMATS[code].reader(file))
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.currency, head.kind) == (
        planned.source.identifier if trip.names_account else "",
        planned.source.asset,
        "report",
    )
    read = [one for one in lines(events) if one.transaction_code != "MerchantPayout"]
    assert [one.booking_date for one in read] == [one.booking_date for one in planned.lines]
    signed = [one.amount if one.direction == "credit" else -one.amount for one in read]
    assert signed == [Decimal(one.amount_minor).scaleb(-planned.scale) for one in planned.lines]
    assert [one.own_reference for one in read] == [one.reference for one in planned.lines]
    assert [one.bank_reference for one in read] == [one.bank_reference for one in planned.lines]
    assert all(one.booked for one in read)
    if trip.counterparty:
        assert [one.counterparty_name for one in read] == [one.counterparty for one in planned.lines]
    if trip.counterparty_account:
        assert [one.counterparty_account for one in read] == [one.counterparty_account for one in planned.lines]
    assert (len(lines(events)) > len(read)) == trip.payout
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))
    found = chain(pages(events, to_minor=lambda amount, _currency: int(amount.scaleb(planned.scale))))
    assert [whole.proof.status for whole in found] == [trip.proof]


def test_dates_that_could_be_either_order_are_not_guessed() -> None:
    written = write_paypal_activity(statement(*[replace(line, booking_date=DAY.replace(day=5)) for line in PLANNED], opening_minor=0))
    (refused,) = errors(list(FORMATS["paypal_activity"].reader(io.BytesIO(written))))
    assert refused.fatal
    assert "day before month" in refused.message
