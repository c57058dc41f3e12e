"""What becomes of files of other people's making: one row for each, as a table for the documentation.

A file is read in the format that its content shows; where it shows none, by a mapping named after it, else in the format
that its folder is for, so that the refusal says what is wrong with it. `FOLDERS` is where a new folder is added.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import BinaryIO

from recon.formats import BAI2, CAMT053, FORMATS, MT940, NACHA, OFX, detect
from recon.formats.events import ControlRead, Event, LineRead, LocatedError, Reader, StatementOpened
from recon.formats.mapped import Mapping
from recon.formats.proof import chain, pages

BEGIN, END = "<!-- table of the corpora -->", "<!-- end of the table -->"
# More decimals than any asset has, so that sums are whole numbers.
SCALE = 40

FOLDERS = {"mt940": MT940, "camt": CAMT053, "bai2": BAI2, "ofx": OFX, "ach": NACHA}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    file: str
    format: str
    statements: int
    lines: int
    proof: str
    remark: str


def outcomes(corpora: Path, *, mappings: Path) -> Iterator[Outcome]:
    """Read every file of the corpora, in the order of their names."""
    for path in sorted(corpora.rglob("*")):
        within = path.relative_to(corpora)
        if path.is_file() and len(within.parts) > 1:
            yield _outcome(path, name=within.as_posix(), folder=within.parts[0], mappings=mappings)


def table(rows: Iterator[Outcome]) -> str:
    """Return the rows as a Markdown table."""
    head = ["| file | format | statements | lines | proof | difference, or first error |", "|---|---|---|---|---|---|"]
    body = [
        f"| {row.file} | {row.format} | {row.statements or ''} | {row.lines or ''} | {row.proof} | {row.remark.replace('|', '/')} |"
        for row in rows
    ]
    return "\n".join([*head, *body])


def _outcome(path: Path, *, name: str, folder: str, mappings: Path) -> Outcome:
    with path.open("rb") as file:
        code, reader = _reader(file, path=path, folder=folder, mappings=mappings)
        if reader is None:
            remark = "in no format known here, and without a mapping: map its columns in the browser, if it is a statement at all"
            return Outcome(file=name, format="", statements=0, lines=0, proof="refused", remark=remark)
        events = list(reader(file))
    fatal = [event for event in events if isinstance(event, LocatedError) and event.fatal]
    read = Outcome(
        file=name,
        format=code,
        statements=sum(isinstance(event, StatementOpened) for event in events),
        lines=sum(isinstance(event, LineRead) for event in events),
        proof="refused",
        remark=_said(fatal[0]) if fatal else "",
    )
    return read if fatal else _proven(read, events)


def _reader(file: BinaryIO, *, path: Path, folder: str, mappings: Path) -> tuple[str, Reader | None]:
    code = detect(file)
    if code is None and (definition := mappings / f"{path.stem}.json").exists():
        mapping = Mapping.from_json(json.loads(definition.read_text()))
        return f"{mapping.format} by mapping", mapping.reader()
    code = code or FOLDERS.get(folder)
    return (code, FORMATS[code].reader) if code else ("", None)


def _proven(read: Outcome, events: list[Event]) -> Outcome:
    found = chain(pages(events, to_minor=_whole))
    every = [page for whole in found for page in whole.pages]
    balanced = [page for page in every if page.proof.status != "no_balance"]
    # A page proves itself, and nothing is proven in a statement whose pages do not join.
    proven = [page for whole in found if whole.proof.status == "proven" for page in whole.pages if page.proof.status == "proven"]
    remarks = [
        f"statement {whole.pages[0].ordinal} differs by {_plain(whole.proof.difference_minor)}"
        for whole in found
        if whole.proof.difference_minor
    ]
    remarks += [
        f"{event.name}: {event.declared:f} declared, {event.found:f} found"
        for event in events
        if isinstance(event, ControlRead) and event.declared != event.found
    ]
    rows = [event for event in events if isinstance(event, LocatedError) and event.row]
    if rows:
        remarks.append(f"{len(rows)} in quarantine, the first: {_said(rows[0])}")
    proof = f"{len(proven)} of {len(every)}" if balanced else "no balances"
    more = f" and {len(remarks) - 3} more" if len(remarks) > 3 else ""
    return Outcome(
        file=read.file,
        format=read.format,
        statements=read.statements,
        lines=read.lines,
        proof=proof,
        remark="; ".join(remarks[:3]) + more,
    )


def _said(error: LocatedError) -> str:
    where = f"line {error.place.line}, " if error.place.line else ""
    return f"{where}{error.field}: {error.message}"


def _whole(amount: Decimal, _currency: str) -> int:
    sign, digits, exponent = amount.as_tuple()
    whole = int("".join(map(str, digits)) + "0" * (SCALE + int(exponent)))
    return -whole if sign else whole


def _plain(difference: int) -> str:
    whole, decimals = divmod(abs(difference), 10**SCALE)
    said = f"{whole}.{decimals:0{SCALE}d}".rstrip("0").rstrip(".")
    return f"-{said}" if difference < 0 else said
