"""The demo company's statements in every format that is read: each is recognised and read back exactly."""

import io
import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledgerops.demo.company import plan_statements
from ledgerops.demo.shapes import Statement
from ledgerops.demo.writers.registry import WRITERS
from recon.formats import FORMATS, detect
from recon.formats.events import ControlRead
from recon.formats.mapped import Mapping
from tests.recon.formats.samples import fatal, lines

MAPPED = {"csv", "fixed", "xlsx", "json", "xml"}
# A payout closes an Adyen batch: it is a row of the report and no line of the plan.
NOT_PLANNED = "MerchantPayout"


@pytest.fixture(scope="module")
def planned() -> tuple[Statement, ...]:
    found = plan_statements(seed=7, days=5, customers=20, last_day=date(2026, 11, 20))
    return tuple(one for one in found if one.lines)


def test_every_format_that_is_read_can_be_written() -> None:
    assert set(WRITERS) == set(FORMATS) | MAPPED


@pytest.mark.parametrize("code", sorted(WRITERS))
def test_a_generated_statement_is_read_back_exactly(code: str, planned: tuple[Statement, ...]) -> None:
    writer = WRITERS[code]
    statements = [one for one in planned if writer.asset in ("", one.source.asset)]
    assert statements
    for statement in statements:
        file = io.BytesIO(writer.write(statement))
        if writer.mapping:
            reader = Mapping.from_json(json.loads(writer.mapping(statement))).reader()
        else:
            assert detect(file) == code
            reader = FORMATS[code].reader
        events = list(reader(file))
        assert not fatal(events)
        assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))
        read = [one for one in lines(events) if one.transaction_code != NOT_PLANNED]
        amounts = [one.amount if one.direction == "credit" else -one.amount for one in read]
        written = [Decimal(one.amount_minor).scaleb(-statement.scale) for one in statement.lines]
        assert sorted(amounts) == sorted(written)


def test_writes_the_files_and_repeats_itself(tmp_path: Path) -> None:
    options = {"format": "csv", "seed": 3, "days": 3, "customers": 5, "last_day": date(2026, 11, 20)}
    call_command("demo_files", out=tmp_path / "one", **options)
    call_command("demo_files", out=tmp_path / "two", **options)
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert "RHEIN-EUR.mapping.json" in one
    assert "RHEIN-EUR_2026-11-20.csv" in one


def test_says_what_is_missing() -> None:
    with pytest.raises(CommandError, match="--formats"):
        call_command("demo_files", format="bai2")


@pytest.mark.parametrize("code", sorted(code for code, writer in WRITERS.items() if writer.quiet_days and not writer.mapping))
def test_a_quiet_day_has_a_file_that_is_taken_in(code: str, planned: tuple[Statement, ...]) -> None:
    quiet = replace(next(one for one in planned if WRITERS[code].asset in ("", one.source.asset)), lines=())
    events = list(FORMATS[code].reader(io.BytesIO(WRITERS[code].write(quiet))))
    assert not fatal(events)
    assert not lines(events) or code == "adyen"
