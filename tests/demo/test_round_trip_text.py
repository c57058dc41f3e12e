"""What the demo company's banks write in a text format is read back exactly."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import pytest

from ledgerops.demo.shapes import PlannedSource, Statement, StatementLine
from ledgerops.demo.writers.bai2 import write_bai2
from ledgerops.demo.writers.mt942 import write_mt942
from ledgerops.demo.writers.nacha import write_nacha
from ledgerops.demo.writers.ofx import write_ofx, write_ofx_sgml
from recon.formats import FORMATS, detect
from recon.formats.events import ControlRead
from recon.formats.proof import chain, pages
from tests.recon.formats.samples import balances, errors, lines, opened

DAY = date(2026, 11, 20)
ACCOUNT = "DE89370400440532013000"


def line(amount_minor: int, **said: object) -> StatementLine:
    planned = StatementLine(
        booking_date=DAY,
        value_date=DAY,
        amount_minor=amount_minor,
        reference="INV-2026-4711",
        bank_reference="BF261120000001",
        category="deposit",
        counterparty="Example Trading GmbH",
        counterparty_account="DE02120300000000202051",
        remittance="Invoice 4711, second part/rest",
    )
    return replace(planned, **said)  # type: ignore[arg-type]


LINES = (
    line(1_234_567),
    line(-5, reference="PAY-261120-0001", bank_reference="BF261120000002", value_date=date(2026, 11, 23), category="fee"),
    line(-99, reference="PAY-261120-0002", bank_reference="BF261120000003", category="bank_charge", counterparty_account=""),
    line(1_234_567, bank_reference="BF261120000004", category="interest"),
)


def statement(*planned: StatementLine, opening_minor: int, asset: str = "EUR", scale: int = 2) -> Statement:
    source = PlannedSource(
        code="bank-one",
        name="Bank One",
        format="",
        account_code="1100",
        identifier=ACCOUNT,
        asset=asset,
        servicer="Bank One",
        bic="COBADEFF",
    )
    return Statement(
        source=source,
        scale=scale,
        owner="Meridian",
        statement_date=DAY,
        opening_date=date(2026, 11, 19),
        number=324,
        opening_minor=opening_minor,
        lines=planned,
    )


@dataclass(frozen=True)
class Trip:
    """A writer, the code its bytes are recognised by, and what they can prove."""

    write: Callable[[Statement], bytes]
    code: str
    proof: str


TRIPS = {
    "mt942": Trip(write_mt942, "mt942", "no_balance"),
    "bai2": Trip(write_bai2, "bai2", "proven"),
    "ofx 1": Trip(write_ofx_sgml, "ofx", "no_balance"),
    "ofx 2": Trip(write_ofx, "ofx", "no_balance"),
}


@pytest.mark.parametrize("name", sorted(TRIPS))
@pytest.mark.parametrize(
    "planned",
    [
        statement(*LINES, opening_minor=100),
        statement(*LINES, opening_minor=-9_000_000),
        statement(opening_minor=0),
        statement(*LINES, opening_minor=100, asset="JPY", scale=0),
        statement(*LINES, opening_minor=100, asset="BHD", scale=3),
    ],
    ids=["credit", "overdrawn", "empty", "no decimals", "three decimals"],
)
def test_reads_back_what_was_written(name: str, planned: Statement) -> None:
    trip = TRIPS[name]
    file = io.BytesIO(trip.write(planned))
    assert detect(file) == trip.code
    events = list(FORMATS[trip.code].reader(file))
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.currency) == (planned.source.identifier, planned.source.asset)
    assert [(one.booking_date, one.value_date) for one in lines(events)] == [(one.booking_date, one.value_date) for one in planned.lines]
    scaled = [one.amount if one.direction == "credit" else -one.amount for one in lines(events)]
    assert scaled == [Decimal(one.amount_minor).scaleb(-planned.scale) for one in planned.lines]
    assert [one.end_to_end_id or one.own_reference for one in lines(events)] == [one.reference for one in planned.lines]
    assert [one.bank_reference for one in lines(events)] == [one.bank_reference for one in planned.lines]
    assert [one.counterparty_name for one in lines(events)] == [one.counterparty for one in planned.lines]
    assert [one.counterparty_account for one in lines(events)] == [one.counterparty_account for one in planned.lines]
    assert all(one.remittance in said.description for one, said in zip(planned.lines, lines(events), strict=True))
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))
    found = chain(pages(events, to_minor=lambda amount, _currency: int(amount.scaleb(planned.scale))))
    assert [whole.proof.status for whole in found] == [trip.proof]
    if trip.proof == "proven":
        assert balances(events)["opening"] == Decimal(planned.opening_minor).scaleb(-planned.scale)
    if trip.code != "mt942":
        assert balances(events)["closing"] == Decimal(planned.closing_minor).scaleb(-planned.scale)


@pytest.mark.parametrize("planned", [(), LINES], ids=["empty", "two dates"])
def test_reads_back_the_entries_of_a_nacha_file(planned: tuple[StatementLine, ...]) -> None:
    whole = statement(*planned, opening_minor=0, asset="USD")
    whole = replace(whole, source=replace(whole.source, identifier="1234567890"))
    file = io.BytesIO(write_nacha(whole))
    assert detect(file) == "nacha"
    events = list(FORMATS["nacha"].reader(file))
    assert not errors(events)
    assert {head.account for head in opened(events)} == ({"1234567890"} if planned else {""})
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))
    found = lines(events)
    assert [one.value_date for one in found] == [one.value_date for one in planned]
    assert [one.amount if one.direction == "credit" else -one.amount for one in found] == [
        Decimal(one.amount_minor).scaleb(-2) for one in planned
    ]
    assert [one.own_reference for one in found] == [one.reference for one in planned]
    assert [one.counterparty_name for one in found] == [one.counterparty for one in planned]
    assert [one.counterparty_account for one in found] == [one.counterparty_account[:17] for one in planned]
    assert all(one.remittance in said.description for one, said in zip(planned, found, strict=True))
    assert len({one.bank_reference for one in found}) == len(found)
