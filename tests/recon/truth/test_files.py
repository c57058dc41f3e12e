"""Files of labelled reconciliations as others write them: what is meant is read, what is wrong is refused with its path."""

import io
import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from ledgerops.scenarios.judge import judge, outcome_of
from ledgerops.scenarios.load import load
from ledgerops.scenarios.shapes import ScenarioRefused, as_json, from_json

SMALL: dict[str, Any] = {
    "format": "ledgerops.scenario/1",
    "name": "Two sales",
    "populations": [{"name": "Ledger", "side": "ledger"}, {"name": "Bank", "side": "statement"}],
    "items": [
        {"id": "L1", "population": "Ledger", "date": "2026-05-04", "flow": "in", "amount_minor": "12000", "reference": "INV-7001"},
        {"id": "B1", "population": "Bank", "date": "2026-05-05", "flow": "in", "amount_minor": "12000", "reference": "INV-7001"},
        {"id": "B2", "population": "Bank", "date": "2026-05-06", "flow": "out", "amount_minor": "300", "description": "Charges"},
    ],
    "groups": [{"scenario": "sale", "items": ["L1", "B1"]}],
    "breaks": [{"scenario": "charges", "items": ["B2"], "type": "missing_internal"}],
}


def changed(path: str, value: object) -> dict[str, Any]:
    whole = deepcopy(SMALL)
    place: Any = whole
    *way, last = path.split(".")
    for step in way:
        place = place[int(step)] if step.isdigit() else place[step]
    place[int(last) if last.isdigit() else last] = value
    return whole


@pytest.mark.parametrize(
    "written", [b"\xef\xbb\xbf" + json.dumps(SMALL).encode(), json.dumps(SMALL, indent=1).replace("\n", "\r\n").encode()]
)
def test_file_may_begin_with_a_mark_and_end_its_lines_as_windows_does(written: bytes, tmp_path: Path) -> None:
    told, again = tmp_path / "told.json", tmp_path / "again.json"
    told.write_bytes(written)
    call_command("recon_scenario", told, "--no-run", "--write", again, stdout=io.StringIO())
    assert from_json(json.loads(again.read_text())) == from_json(SMALL)


def test_amount_may_be_a_whole_number() -> None:
    assert from_json(changed("items.0.amount_minor", 12000)) == from_json(SMALL)
    assert as_json(from_json(changed("items.0.amount_minor", 12000)))["items"][0]["amount_minor"] == "12000"


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("items.0.amount_minor", 120.0, "items.0.amount_minor"),
        ("items.0.amount_minor", True, "items.0.amount_minor"),
        ("items.0.amount_minor", 0, "items.0.amount_minor"),
        ("items.0.amount_minor", -5, "items.0.amount_minor"),
        ("items.0.amount_minor", "1" + "0" * 38, "items.0.amount_minor"),
        ("items.0.amount_minor", "\uff11\uff12", "items.0.amount_minor"),
        ("items.1.date", "05/05/2026", "items.1.date"),
        ("items.1.flow", "credit", "items.1.flow"),
        ("items.1.population", "Vault", "items.1.population"),
        ("items.1.id", "L1", "items.1.id"),
        ("items.1.amount", "12000", "items.1.amount"),
        ("groups.0.items", ["L1", "B9"], "groups.0.items"),
        ("populations.1.name", "Ledger", "populations"),
        ("items", [], "items"),
        ("format", "ledgerops.scenario/2", "format"),
    ],
)
def test_what_cannot_be_is_refused_with_its_path(path: str, value: object, field: str, tmp_path: Path) -> None:
    with pytest.raises(ScenarioRefused) as refused:
        from_json(changed(path, value))
    assert refused.value.field == field
    told = tmp_path / "told.json"
    told.write_text(json.dumps(changed(path, value)))
    with pytest.raises(CommandError, match=field):
        call_command("recon_scenario", told, "--no-run", stdout=io.StringIO())


@pytest.mark.django_db
@pytest.mark.parametrize("empty", ["Ledger", "Bank"])
def test_side_without_items_leaves_the_other_open(empty: str) -> None:
    whole = deepcopy(SMALL)
    whole["items"] = [item for item in whole["items"] if item["population"] != empty]
    kind = "missing_internal" if empty == "Ledger" else "missing_external"
    whole |= {"groups": [], "breaks": [{"items": [item["id"]], "type": kind} for item in whole["items"]]}
    scenario = from_json(whole)
    verdict = judge(scenario, outcome_of(load(scenario).reconciliation))
    assert (verdict.matches, verdict.wrong) == (0, ())
    assert [right - of for right, of in verdict.breaks.values()] == [0]
