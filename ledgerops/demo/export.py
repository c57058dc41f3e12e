"""Writes a planned company's statement files and its truth table to a folder."""

import json
from dataclasses import asdict
from pathlib import Path

from ledgerops.demo.shapes import Company

TRUTH_FILE = "truth.json"


def write_folder(company: Company, *, folder: Path) -> tuple[Path, ...]:
    """Write the statement files, those to be uploaded by hand in `to-upload`, and the truth table; return the paths written."""
    written = []
    for file in company.files:
        path = folder / ("statements" if file.imported else "to-upload") / file.filename
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.content)
        written.append(path)
    truth = [asdict(difference) | {"amount_minor": str(difference.amount_minor)} for difference in company.truth]
    path = folder / TRUTH_FILE
    path.write_text(json.dumps({"entity": company.entity_code, "truth": truth}, default=str, indent=2) + "\n", encoding="utf-8")
    return (*written, path)
