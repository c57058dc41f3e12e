"""What the demo company writes as a day of a chain is read back exactly, as far as a chain knows it."""

import io
from decimal import Decimal

import pytest

from ledgerops.demo.shapes import Statement
from ledgerops.demo.writers.chain import write_chain
from recon.formats import CHAIN, FORMATS, detect
from recon.formats.events import ControlRead
from tests.demo.test_round_trip_text import LINES, line, statement
from tests.recon.formats.samples import balances, errors, lines, opened

LARGE = line(123_456_789_012_345_678_901_234_567_890)
STATEMENTS = {
    "a stablecoin": statement(*LINES, opening_minor=100, asset="USDC-BASE", scale=6),
    "eighteen decimals": statement(*LINES, LARGE, opening_minor=1, asset="WETH", scale=18),
    "nothing moved": statement(opening_minor=5, asset="USDC-BASE", scale=6),
}


def exact(planned: Statement, minor: int) -> Decimal:
    return Decimal(f"{minor}E-{planned.scale}")


@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_reads_back_a_day_of_a_chain(name: str) -> None:
    planned = STATEMENTS[name]
    file = io.BytesIO(write_chain(planned))
    assert detect(file) == CHAIN
    events = list(FORMATS[CHAIN].reader(file))
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.currency, head.kind) == (planned.source.identifier, planned.source.asset, "report")
    read = lines(events)
    assert [one.amount for one in read] == [exact(planned, abs(one.amount_minor)) for one in planned.lines]
    assert [one.direction for one in read] == ["debit" if one.amount_minor < 0 else "credit" for one in planned.lines]
    assert [one.booking_date for one in read] == [one.booking_date for one in planned.lines]
    assert [one.own_reference for one in read] == [one.reference for one in planned.lines]
    assert [one.counterparty_account for one in read] == [one.counterparty_account for one in planned.lines]
    assert balances(events) == {"opening": exact(planned, planned.opening_minor), "closing": exact(planned, planned.closing_minor)}
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))
