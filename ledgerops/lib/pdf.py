"""Tables as PDF/A-2a and PDF/UA-1: made for paper and for reading aloud, the same bytes for the same table."""

import functools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from fontTools.ttLib import TTFont

from ledgerops.lib import money
from ledgerops.lib.tables import Amount, Cell, Kind, Table, Tally

# Longer words, and shorter ones that have digits, may be broken between pieces: a reference can be wider than its column.
WORD_MAXIMUM, REFERENCE_MAXIMUM = 18, 10
PIECE = 4


def pdf(table: Table) -> bytes:
    """Return the table as a PDF on landscape A4, with what it says about itself at its end and in short below every page."""
    tally = Tally(table)
    breaks = [column.kind is Kind.TEXT for column in table.columns]
    rows = [
        {"cells": [_cell(cell, breaks=may) for cell, may in zip(cells, breaks, strict=True)], "total": is_total}
        for cells, is_total in tally.passing()
    ]
    shown = {
        "title": _text(table.title),
        "subtitles": [_text(line) for line in table.subtitles],
        "columns": [{"title": _text(column.heading), "right": column.is_right, "wide": column.wide} for column in table.columns],
        "rows": rows,
        "facts": [(_text(label), _text(_written(value))) for label, value in tally.facts()],
        "running": _text(" \u00b7 ".join([f"{label}: {value}" for label, value in table.facts] + [f"Rows: {tally.rows:,}"])),
    }
    return _compiled(shown, at=int(table.made_at.timestamp()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A table of a report, its cells as texts. A column is a title and whether it stands to the right; `wide` are those that take room."""

    title: str
    columns: Sequence[tuple[str, bool]]
    rows: Sequence[Sequence[str]]
    wide: Sequence[int] = ()


def report(
    *,
    title: str,
    subtitles: Sequence[str],
    sections: Sequence[Section],
    facts: Sequence[tuple[str, str]],
    running: str,
    made_at: datetime,
) -> bytes:
    """Return several tables as one PDF on landscape A4: facts first, `running` below every page."""
    shown = {
        "title": _text(title),
        "subtitles": [_text(line) for line in subtitles],
        "facts": [(_text(label), _pieces(_text(value))) for label, value in facts],
        "sections": [
            {
                "title": _text(section.title),
                "columns": [
                    {"title": _text(word), "right": right, "wide": n in section.wide} for n, (word, right) in enumerate(section.columns)
                ],
                "rows": [
                    [[_text(cell)] if right else _pieces(_text(cell)) for cell, (_, right) in zip(row, section.columns, strict=True)]
                    for row in section.rows
                ],
            }
            for section in sections
        ],
        "running": _text(running),
    }
    return _compiled(shown, at=int(made_at.timestamp()), template="report.typ")


def _compiled(shown: dict[str, Any], *, at: int, template: str = "table.typ") -> bytes:
    return typst.compile(
        Path(settings.BASE_DIR) / "templates" / "typst" / template,
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"table": json.dumps(shown)},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=at,
    )


def _cell(cell: Cell, *, breaks: bool) -> list[str]:
    text = _text(_written(cell))
    return _pieces(text) if breaks else [text]


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Amount():
            return money.grouped(cell.minor, scale=cell.scale)
        case datetime():
            return f"{cell.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def _text(text: str) -> str:
    """Return a text with what the typeface cannot draw spelled out by its number: an archive may not hold an empty box."""
    return "".join(sign if sign == " " or ord(sign) in _drawable() else f"[U+{ord(sign):04X}]" for sign in " ".join(text.split()))


def _pieces(text: str) -> list[str]:
    """Return the text in pieces between which a line may end, beside where it may anyhow; together they are the text and nothing else."""
    pieces = [""]
    for word in text.split(" "):
        unbroken = REFERENCE_MAXIMUM if any(sign.isdigit() for sign in word) else WORD_MAXIMUM
        size = PIECE if len(word) > unbroken else len(word) or 1
        first, *more = [word[at : at + size] for at in range(0, len(word), size)] or [""]
        pieces[-1] += first
        pieces += more
        pieces[-1] += " "
    return [*pieces[:-1], pieces[-1].rstrip()]


@functools.cache
def _fonts() -> typst.Fonts:
    """The typeface comes with the product, whatever the machine has: other fonts would be other bytes."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[str(_typeface().parent)])


@functools.cache
def _drawable() -> frozenset[int]:
    with TTFont(_typeface(), lazy=True) as font:
        return frozenset(font.getBestCmap())


def _typeface() -> Path:
    return Path(str(files("justmytype_western_core"))) / "fonts" / "ofl" / "inter" / "Inter[opsz,wght].ttf"
