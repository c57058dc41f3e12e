"""The folder of a planned company: files byte for byte, the last days apart, and the truth table."""

import json
from datetime import date
from pathlib import Path

from ledgerops.demo.company import plan
from ledgerops.demo.export import write_folder


def test_it_writes_each_file_and_the_truth(tmp_path: Path) -> None:
    company = plan(seed=5, days=12, customers=10, last_day=date(2026, 11, 20))

    written = write_folder(company, folder=tmp_path)

    assert {path for path in tmp_path.rglob("*") if path.is_file()} == set(written)
    for file in company.files:
        folder = "statements" if file.imported else "to-upload"
        assert (tmp_path / folder / file.filename).read_bytes() == file.content
    truth = json.loads((tmp_path / "truth.json").read_text(encoding="utf-8"))
    assert truth["entity"] == "MERIDIAN"
    assert [(item["kind"], item["statement_date"], int(item["amount_minor"])) for item in truth["truth"]] == [
        (difference.kind, difference.statement_date.isoformat(), difference.amount_minor) for difference in company.truth
    ]
