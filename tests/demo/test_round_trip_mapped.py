"""What the demo company's banks write without a format of its own, and as camt reports, is read back exactly."""

import io
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

import pytest

from ledgerops.demo.camt053 import write_camt053
from ledgerops.demo.shapes import Statement
from ledgerops.demo.writers.camt import write_camt052, write_camt054
from ledgerops.demo.writers.tables import definition, write_csv, write_fixed, write_json, write_xlsx, write_xml
from recon.formats import FORMATS, detect
from recon.formats.events import ControlRead, Event
from recon.formats.mapped import Mapping
from recon.formats.proof import chain, pages
from tests.demo.test_round_trip_text import LINES, line, statement
from tests.recon.formats.samples import balances, errors, lines, opened

ODD = line(10**14, remittance='a;b "quoted" ; grün = <tag> & more', counterparty="O'Neil, Ltd")
STATEMENTS = {
    "credit": statement(*LINES, ODD, opening_minor=100),
    "overdrawn": statement(*LINES, opening_minor=-9_000_000),
    "no decimals": statement(*LINES, opening_minor=100, asset="JPY", scale=0),
    "three decimals": statement(*LINES, opening_minor=100, asset="BHD", scale=3),
    "a token": statement(*LINES, line(123_456_789_012_345_678_901_234_567_890), opening_minor=1, asset="WETH", scale=18),
}
TABLES: dict[str, Callable[[Statement], bytes]] = {
    "csv": write_csv,
    "fixed": write_fixed,
    "xlsx": write_xlsx,
    "json": write_json,
    "xml": write_xml,
}
MESSAGES = {"camt052": (write_camt052, "intraday"), "camt053": (write_camt053, "statement"), "camt054": (write_camt054, "notification")}


def same(planned: Statement, events: list[Event]) -> None:
    """Assert that the lines that were read are those that were planned, in every field."""
    assert not [error for error in errors(events) if error.fatal or error.row]
    (head,) = opened(events)
    assert (head.account, head.currency) == (planned.source.identifier, planned.source.asset)
    read = lines(events)
    assert [(one.booking_date, one.value_date) for one in read] == [(one.booking_date, one.value_date) for one in planned.lines]
    assert [one.amount for one in read] == [exact(planned, abs(one.amount_minor)) for one in planned.lines]
    assert [one.direction for one in read] == ["debit" if one.amount_minor < 0 else "credit" for one in planned.lines]
    assert [one.end_to_end_id for one in read] == [one.reference for one in planned.lines]
    assert [one.bank_reference for one in read] == [one.bank_reference for one in planned.lines]
    assert [one.counterparty_name for one in read] == [one.counterparty for one in planned.lines]
    assert [one.counterparty_account for one in read] == [one.counterparty_account for one in planned.lines]
    assert [one.description for one in read] == [one.remittance for one in planned.lines]
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))


def exact(planned: Statement, amount_minor: int) -> Decimal:
    """Return an amount in major units, which Decimal's own arithmetic would round to 28 digits."""
    return Decimal((int(amount_minor < 0), tuple(map(int, str(abs(amount_minor)))), -planned.scale))


def proofs(planned: Statement, events: list[Event]) -> list[str]:
    found = chain(pages(events, to_minor=lambda amount, _currency: int(Decimal(amount) * 10**planned.scale)))
    return [whole.proof.status for whole in found]


@pytest.mark.parametrize("code", sorted(TABLES))
@pytest.mark.parametrize("name", sorted(STATEMENTS))
def test_reads_back_an_export_by_its_mapping(code: str, name: str) -> None:
    planned = STATEMENTS[name]
    mapping = Mapping.from_json(definition(code, planned))
    assert mapping.format == code
    events = list(mapping.reader()(io.BytesIO(TABLES[code](planned))))
    same(replace(planned, lines=planned.lines[::-1]) if code == "csv" else planned, events)
    assert balances(events) == {"opening": exact(planned, planned.opening_minor), "closing": exact(planned, planned.closing_minor)}
    assert not errors(events) or code == "fixed"


@pytest.mark.parametrize("code", sorted(MESSAGES))
@pytest.mark.parametrize("name", [name for name in STATEMENTS if name != "a token"])
def test_reads_back_every_camt_message(code: str, name: str) -> None:
    write, kind = MESSAGES[code]
    planned = STATEMENTS[name]
    file = io.BytesIO(write(planned))
    assert detect(file) == code
    events = list(FORMATS[code].reader(file))
    assert not errors(events)
    assert opened(events)[0].kind == kind
    same(planned, events)
    assert proofs(planned, events) == ["no_balance" if code == "camt054" else "proven"]
    assert sum(isinstance(event, ControlRead) for event in events) == 4


def test_a_mapping_that_says_the_other_order_or_sign_does_not_prove() -> None:
    planned = STATEMENTS["credit"]
    wrong = definition("csv", planned) | {"order": "oldest_first"}
    events = list(Mapping.from_json(wrong).reader()(io.BytesIO(write_csv(planned))))
    assert [event.declared == event.found for event in events if isinstance(event, ControlRead)] == [False]
