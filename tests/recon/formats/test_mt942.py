"""Intraday reports: lines as in MT940, no balances, totals to compare with."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from recon.formats.events import ControlRead, Event
from tests.recon.formats.samples import (
    balances,
    chains,
    differing,
    errors,
    fatal,
    lines,
    mt940_text,
    mt942_text,
    opened,
    read_mt940,
    signed,
)

IN = ":61:2401030103C12,50NTRFINV-7//BANK-9"
OUT = ":61:2401030103D2,50NTRFNONREF"


def controls(events: list[Event]) -> dict[str, tuple[object, object]]:
    return {event.name: (event.declared, event.found) for event in events if isinstance(event, ControlRead)}


def test_reads_a_report_as_intraday_without_balances() -> None:
    events = read_mt940(mt942_text(IN, ":86:Invoice 7", OUT, totals=(":90D:1EUR2,50", ":90C:1EUR12,50")))
    assert not errors(events)
    (head,) = opened(events)
    assert (head.kind, head.currency, head.statement_number, head.sequence_number) == ("intraday", "EUR", "7", "1")
    assert head.created_at == datetime(2024, 1, 3, 16, 30, tzinfo=UTC)
    assert head.period_end == date(2024, 1, 3)
    assert signed(events) == [Decimal("12.50"), Decimal("-2.50")]
    assert lines(events)[0].description == "Invoice 7"
    assert not balances(events)
    assert [whole.proof.status for whole in chains(events)] == ["no_balance"]
    assert controls(events) == {
        "number of debits": (1, 1),
        "sum of debits": (Decimal("2.50"), Decimal("2.50")),
        "number of credits": (1, 1),
        "sum of credits": (Decimal("12.50"), Decimal("12.50")),
    }


def test_says_what_was_declared_and_what_was_found() -> None:
    said = controls(read_mt940(mt942_text(IN, totals=(":90C:2EUR20,",))))
    assert said == {"number of credits": (2, 1), "sum of credits": (Decimal(20), Decimal("12.50"))}


def test_counts_a_reversal_on_the_side_it_has_effect_on() -> None:
    said = controls(read_mt940(mt942_text(":61:2401030103RC5,NTRFNONREF", totals=(":90D:1EUR5,",))))
    assert said == {"number of debits": (1, 1), "sum of debits": (5, 5)}


@pytest.mark.parametrize("total", [":90C:1EUR12,50", ":90C:2EUR15,"])
def test_takes_totals_with_expected_lines_or_without(total: str) -> None:
    events = read_mt940(mt942_text(IN, ":61:2401030103EC2,50NTRFNONREF", totals=(total,)))
    assert [line.booked for line in lines(events)] == [True, False]
    assert all(declared == found for declared, found in controls(events).values())


@pytest.mark.parametrize("floors", [("EUR10,",), ("EURD1,", "EURC10,")])
def test_totals_above_a_floor_limit_are_no_contradiction(floors: tuple[str, ...]) -> None:
    events = read_mt940(mt942_text(IN, floors=floors, totals=(":90C:5EUR30,",)))
    assert not controls(events)
    (said,) = errors(events)
    assert not said.fatal
    assert "below the floor limit" in said.message


def test_the_floor_limit_of_one_side_says_nothing_of_the_other() -> None:
    assert controls(read_mt940(mt942_text(IN, floors=("EURD5,", "EURC0,"), totals=(":90C:5EUR30,",))))["sum of credits"] == (
        30,
        Decimal("12.50"),
    )


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (":13D:2401031730-0500", datetime.fromisoformat("2024-01-03T17:30-05:00")),
        (":13:2401031730", datetime.fromisoformat("2024-01-03T17:30")),
        (":13D:2413031730+0000", None),
        (":13D:noon", None),
    ],
)
def test_reads_when_the_report_was_made(made: str, expected: datetime | None) -> None:
    (head,) = opened(read_mt940(mt942_text(IN, made=made)))
    assert head.created_at == expected
    if expected and expected.tzinfo:
        assert expected.utcoffset() == timedelta(hours=-5)


def test_reads_several_reports_and_statements_from_one_file() -> None:
    events = read_mt940(mt942_text(IN) + mt940_text(OUT, closing="C240103EUR997,50") + mt942_text())
    assert not errors(events)
    assert [(head.ordinal, head.kind) for head in opened(events)] == [(1, "intraday"), (2, "statement"), (3, "intraday")]
    assert [whole.proof.status for whole in chains(events)] == ["no_balance", "proven", "no_balance"]


def test_knows_a_report_by_its_header_alone() -> None:
    report = mt942_text(IN, floors=(), account="12345").replace(":25:12345", ":25:12345\r\n:34F:EUR0,")
    header = "{1:F01BANKDEFFAXXX0000000000}{2:O9421506240103BANKBEBBA1230000000000240103N}{4:\r\n"
    assert opened(read_mt940(header + report.rstrip("\r\n") + "}"))[0].kind == "intraday"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (mt942_text(IN, floors=()), ":61:"),
        (mt942_text(IN, floors=("EUR",)), ":34F:"),
        (mt942_text(IN, floors=("EURD0,", "USDC0,")), ":34F:"),
        (mt942_text(IN, totals=(":90C:many",)), ":90C:"),
        (mt942_text(IN, totals=(":90C:1USD12,50",)), ":90C:"),
        (mt942_text(":61:nonsense"), ":61:"),
    ],
)
def test_refuses_what_cannot_be_read(text: str, field: str) -> None:
    assert field in [error.field for error in fatal(read_mt940(text))]


def test_totals_without_a_number_are_compared_by_their_sum() -> None:
    text = mt942_text(":61:2401030103D,02NTRFNONREF", totals=(":90D:EUR,02", ":90C:EUR,00"))
    assert differing(read_mt940(text)) == {}
    assert not fatal(read_mt940(text))
    assert list(differing(read_mt940(text.replace(":90D:EUR,02", ":90D:EUR,03")))) == ["sum of debits"]
