"""The table of the corpora: every file has a row, and every refusal a reason."""

import os
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from ledgerops.corpora import BEGIN, END, Outcome, outcomes

CORPORA = Path(os.environ.get("LEDGEROPS_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))
MAPPINGS = Path(__file__).parent / "mappings"

pytestmark = pytest.mark.skipif(not CORPORA.is_dir(), reason=f"the statement corpora are not at {CORPORA} (set LEDGEROPS_CORPORA)")


@pytest.fixture(scope="module")
def rows() -> dict[str, Outcome]:
    return {row.file: row for row in outcomes(CORPORA, mappings=MAPPINGS)}


def test_every_file_is_read_or_refused_with_a_reason(rows: dict[str, Outcome]) -> None:
    files = {path.relative_to(CORPORA).as_posix() for path in CORPORA.rglob("*") if path.is_file() and path.parent != CORPORA}
    assert set(rows) == files
    for row in rows.values():
        assert row.proof
        assert row.remark or row.proof != "refused", row


def test_the_reversals_prove_message_by_message(rows: dict[str, Outcome]) -> None:
    (row,) = [row for name, row in rows.items() if name.endswith("sepa_mt9401.sta")]
    assert (row.statements, row.proof, row.remark) == (26, "26 of 26", "")


def test_exports_are_read_by_their_mappings(rows: dict[str, Outcome]) -> None:
    read = {name.rpartition("/")[2]: row for name, row in rows.items() if name.startswith("csv-bank/")}
    assert all(row.format == "csv by mapping" for row in read.values())
    assert {name: row.proof for name, row in read.items() if row.proof != "no balances"} == {
        "sample_split_amounts.csv": "1 of 1",
        "sample_statement.csv": "1 of 1",
        "pain_file.csv": "refused",
    }
    assert {name: row.lines for name, row in read.items()}["csv_garbled_amount.csv"] == 1
    assert "1 in quarantine" in read["csv_garbled_amount.csv"].remark


def test_the_command_replaces_what_stands_between_the_marks(tmp_path: Path) -> None:
    folder = tmp_path / "corpora" / "mt940"
    folder.mkdir(parents=True)
    (folder / "a.sta").write_text("no statement")
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nstale rows\n{END}\nafter\n")
    for _ in range(2):
        call_command("formats_table", corpora=tmp_path / "corpora", docs=page)
    text = page.read_text()
    assert text.startswith("before\n")
    assert text.endswith("after\n")
    assert "stale rows" not in text
    assert text.count("| mt940/a.sta | mt940 |  |  | refused |") == 1
    page.write_text("no marks")
    with pytest.raises(CommandError):
        call_command("formats_table", corpora=tmp_path / "corpora", docs=page)
