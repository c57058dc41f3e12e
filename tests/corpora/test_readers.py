"""Statement files of other people's making: each gives statements or located errors, and the proof says which add up.

`python tests/corpora/test_readers.py` prints the table of all files.
"""

from __future__ import annotations

import io
import os
import sys
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import mt940 as other_reader
import pytest
from mt940.options import Options

from recon.formats import FORMATS, MT940, bai2, camt053, detect, mt940, nacha, ofx
from recon.formats.events import ControlRead, Event, LineRead, LocatedError, Reader, StatementOpened
from recon.formats.proof import Chain, chain, pages

SCALE = 5

CORPORA = Path(os.environ.get("LEDGEROPS_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
FILES = sorted(path for folder in ("mt940", "camt", "bai2", "ofx", "ach") for path in (CORPORA / folder).rglob("*") if path.is_file())
BY_FOLDER: dict[str, Reader] = {"mt940": mt940.read, "camt": camt053.read, "bai2": bai2.read, "ofx": ofx.read, "ach": nacha.read}

pytestmark = pytest.mark.skipif(not FILES, reason=f"the statement corpora are not at {CORPORA} (set LEDGEROPS_CORPORA)")


def read(path: Path) -> tuple[str | None, list[Event]]:
    """Read a file in the format it is in, or in the one its folder says where its content says nothing."""
    file = io.BytesIO(path.read_bytes())
    code = detect(file)
    by_folder = BY_FOLDER[path.relative_to(CORPORA).parts[0]]
    return code, list((FORMATS[code].reader if code else by_folder)(file))


def proofs(events: list[Event]) -> list[Chain]:
    return chain(pages(events, to_minor=lambda amount, _currency: int(amount.scaleb(SCALE))))


def refused(events: list[Event]) -> list[LocatedError]:
    return [event for event in events if isinstance(event, LocatedError) and event.fatal]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(CORPORA)))
def test_gives_statements_or_located_errors(path: Path) -> None:
    code, events = read(path)
    statements = [event for event in events if isinstance(event, StatementOpened)]
    errors = refused(events)
    assert statements or errors
    for error in errors:
        assert error.message.endswith(".")
        assert error.place.line is not None
    if code is None:
        assert errors
    if not errors:
        assert len(statements) == sum(len(whole.pages) for whole in proofs(events))
        for whole in proofs(events):
            assert whole.proof.status == "no_balance" or whole.proof.difference_minor is not None


def test_proves_the_reversals_that_add_up_only_when_signed_right() -> None:
    (path,) = [path for path in FILES if path.name == "sepa_mt9401.sta"]
    _, events = read(path)
    assert Counter(whole.proof.status for whole in proofs(events)) == {"proven": 20}
    assert sum(event.reversal for event in events if isinstance(event, LineRead)) == 2


def test_reads_a_bai2_file_packed_onto_a_few_lines_with_all_its_control_totals() -> None:
    (path,) = [path for path in FILES if path.relative_to(CORPORA).parts[0] == "bai2" and path.name == "sample3.txt"]
    _, events = read(path)
    assert Counter(whole.proof.status for whole in proofs(events)) == {"proven": 15}
    assert sum(isinstance(event, LineRead) for event in events) == 26
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead))


@pytest.mark.parametrize(
    "path",
    [path for path in FILES if path.relative_to(CORPORA).parts[0] == "ach" and "invalid" not in path.name],
    ids=lambda path: path.name,
)
def test_the_batches_of_nacha_files_agree_with_their_controls(path: Path) -> None:
    _, events = read(path)
    assert not refused(events)
    assert all(event.declared == event.found for event in events if isinstance(event, ControlRead) and event.name.endswith("of the batch"))


def other_lines(content: bytes) -> list[tuple[Decimal, str]] | None:
    """Read signed amounts and references with the mt-940 package, or None where it does not read the file."""
    try:
        statements: Any = other_reader.parse_statements(content, options=Options.all())
    except Exception:  # noqa: BLE001 (whatever it raises, it has no second opinion)
        return None
    return [
        (line.data["amount"].amount, str(line.data["amount"].currency))
        for statement in statements
        for line in statement.transactions
        if line.data.get("amount")
    ]


@pytest.mark.parametrize("path", [path for path in FILES if path.suffix in (".sta", ".txt")], ids=lambda path: path.name)
def test_agrees_with_a_second_reader_of_mt940(path: Path) -> None:
    code, events = read(path)
    second = other_lines(path.read_bytes())
    if code != MT940 or refused(events) or second is None:
        return
    ours = [(line.amount if line.direction == "credit" else -line.amount, line.currency) for line in events if isinstance(line, LineRead)]
    assert ours == second


def _outcome(events: list[Event]) -> str:
    errors = refused(events)
    if errors:
        return f"refused: line {errors[0].place.line}, {errors[0].field}: {errors[0].message}"
    found = [
        whole.proof.status
        if not whole.proof.difference_minor
        else f"unproven by {Decimal(whole.proof.difference_minor).scaleb(-SCALE).normalize():f}"
        for whole in proofs(events)
    ]
    return ", ".join(f"{count} x {outcome}" for outcome, count in Counter(found).items())


def _table() -> None:
    for path in FILES:
        code, events = read(path)
        statements = sum(isinstance(event, StatementOpened) for event in events)
        lines = sum(isinstance(event, LineRead) for event in events)
        remarks = sum(isinstance(event, LocatedError) and not event.fatal for event in events)
        controls = sum(isinstance(event, ControlRead) and event.declared != event.found for event in events)
        row = (path.relative_to(CORPORA), code or "unknown", f"{statements} statements", f"{lines} lines", _outcome(events))
        sys.stdout.write(
            " | ".join(map(str, row))
            + (f" | {remarks} remarks" if remarks else "")
            + (f" | {controls} controls differ\n" if controls else "\n")
        )


if __name__ == "__main__":
    _table()
