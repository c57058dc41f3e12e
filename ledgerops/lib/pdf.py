"""Tables as PDF/A-2a and PDF/UA-1: made for paper and for reading aloud, the same bytes for the same table."""

import functools
import json
from datetime import date, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

import typst
from django.conf import settings
from fontTools.ttLib import TTFont

from ledgerops.lib import money
from ledgerops.lib.tables import Amount, Cell, Table, Tally, instant

# A longer word may be broken between pieces: a reference can be wider than its column. Nothing is put into the text itself.
UNBROKEN_MAXIMUM = 18
PIECE = 4


def pdf(table: Table) -> bytes:
    """Return the table as a PDF on landscape A4, with what it says about itself at its end and in short below every page."""
    tally = Tally(table)
    rows = [{"cells": [_pieces(_text(_written(cell))) for cell in cells], "total": is_total} for cells, is_total in tally.passing()]
    shown = {
        "title": _text(table.title),
        "subtitles": [_text(line) for line in table.subtitles],
        "columns": [{"title": _text(column.title), "right": column.is_right, "wide": column.wide} for column in table.columns],
        "rows": rows,
        "facts": [(_text(label), _text(_written(value))) for label, value in tally.facts()],
        "running": _text(" \u00b7 ".join([f"{label}: {value}" for label, value in table.facts] + [f"Rows: {tally.rows:,}"])),
    }
    return _compiled(shown, at=int(table.made_at.timestamp()))


def _compiled(shown: dict[str, Any], *, at: int) -> bytes:
    return typst.compile(
        Path(settings.BASE_DIR) / "templates" / "typst" / "table.typ",
        font_paths=_fonts(),
        format="pdf",
        sys_inputs={"table": json.dumps(shown)},
        pdf_standards=["a-2a", "ua-1"],
        timestamp=at,
    )


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Amount():
            return money.grouped(cell.minor, scale=cell.scale)
        case datetime():
            return instant(cell)
        case date():
            return cell.isoformat()
        case _:
            return str(cell)


def _text(text: str) -> str:
    """Return a text with what the typeface cannot draw spelled out by its number: an archive may not hold an empty box."""
    return "".join(sign if sign == " " or ord(sign) in _drawable() else f"[U+{ord(sign):04X}]" for sign in " ".join(text.split()))


def _pieces(text: str) -> list[str]:
    """Return the text in pieces between which a line may end, beside where it may anyhow."""
    pieces = [""]
    for word in text.split(" "):
        size = PIECE if len(word) > UNBROKEN_MAXIMUM else len(word) or 1
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
