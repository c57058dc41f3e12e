"""Rows of a spreadsheet. Its numbers are doubles and its days are numbers: both are read as true values, and only where they are exact.

Formulas are refused where the mapping reads them, because what they show depends on who computes them; so are workbooks
with macros. A workbook is capped in size: its texts stand apart from its rows and must be held in memory.
"""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, BinaryIO

import openpyxl

from recon.formats.events import VALUE_MAX, LocatedError, Place, quarantined, refusal
from recon.formats.mapped_parts import Part
from recon.formats.mapped_table import Cell, Head, Row, Undecodable, first_rows, without_footer

UNPACKED_MAX = 256 * 1024 * 1024
RATIO_MAX = 200
MEMBERS_MAX = 500
COLUMNS_MAX = 256
ROWS_MAX = 1_048_576
HEADER_MAX = 100
# A spreadsheet's numbers are doubles: beyond so many digits they are not what was typed.
EXACT_DIGITS = 15

_OLE = b"\xd0\xcf\x11\xe0"


class _Odd(Exception):
    """A cell holds what no statement should."""

    def __init__(self, cell: Any, message: str) -> None:
        super().__init__(message)
        self._cell = cell

    def at(self, cells: Sequence[Any]) -> int:
        return next(at for at, cell in enumerate(cells) if cell is self._cell)


@dataclass(frozen=True, slots=True, kw_only=True)
class Xlsx:
    """`sheet` is a name, "" for the first one; rows are counted as the spreadsheet numbers them."""

    sheet: str
    header_row: int
    columns: tuple[str, ...]
    skip_rows: int
    footer_rows: int

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]:  # noqa: ARG002
        _refuse_hostile(file)
        book = _workbook(file)
        try:
            sheets = {one.title: one for one in book.worksheets}
            name = self.sheet or next(iter(sheets), "")
            if name not in sheets:
                raise _refused("sheet", f"The workbook has no sheet of this name; it has {', '.join(sheets)[:200] or 'none'}.", name)
            sheets[name].reset_dimensions()  # what the sheet says of its own size is not believed
            rows = sheets[name].iter_rows(max_row=ROWS_MAX, max_col=COLUMNS_MAX)
            yield from self._table(rows, name, frozenset(wanted))
        finally:
            book.close()

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]:
        return first_rows(self.read(file, ()), rows)

    def _table(self, rows: Iterator[Sequence[Any]], name: str, wanted: frozenset[str]) -> Iterator[Head | Row | LocatedError]:
        above: dict[int, Sequence[Cell]] = {}
        columns = self.columns
        numbered = enumerate(rows, start=1)
        for number, cells in numbered if self.header_row else ():
            if number == self.header_row:
                columns = tuple(" ".join(_shown(cell).split()) for cell in _filled(cells))
                break
            above[number] = [_above(cell) for cell in cells]
        yield Head(columns=columns, place=Place(self.header_row or 1, None, name), above=above)
        body = self._rows(numbered, above, columns, [column in wanted for column in columns], name)
        yield from without_footer(body, self.footer_rows)

    def _rows(
        self,
        numbered: Iterator[tuple[int, Sequence[Any]]],
        above: dict[int, Sequence[Cell]],
        columns: tuple[str, ...],
        wanted: list[bool],
        name: str,
    ) -> Iterator[Row | LocatedError]:
        first = self.header_row + self.skip_rows + 1
        for number, cells in numbered:
            if number < first:
                above[number] = [_above(cell) for cell in cells]
                continue
            filled = _filled(cells)
            if not filled:
                continue
            path, raw = f"{name}, row {number}", "\t".join(map(_shown, filled))
            try:
                read = [_cell(cell, strict=at < len(wanted) and wanted[at]) for at, cell in enumerate(filled)]
            except _Odd as odd:
                at = odd.at(filled)
                yield quarantined(
                    place=Place(number, None, f"{path}, {columns[at]}"),
                    field=columns[at][:60],
                    value=_shown(filled[at]),
                    message=str(odd),
                    raw=raw,
                )
                continue
            yield Row(number, path, read + [""] * (len(columns) - len(read)), raw)


def xlsx_table(layout: Part, encoding: str) -> Xlsx:  # noqa: ARG001 (a workbook says its own)
    """Read the layout of a spreadsheet.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    header_row = layout.number("header_row", low=0, high=HEADER_MAX)
    table = Xlsx(
        sheet=layout.text("sheet") if layout.has("sheet") else "",
        header_row=header_row,
        columns=layout.texts("columns") if not header_row else (),
        skip_rows=layout.number("skip_rows", low=0, high=HEADER_MAX, default=0),
        footer_rows=layout.number("footer_rows", low=0, high=HEADER_MAX, default=0),
    )
    layout.done()
    return table


def _refused(field: str, message: str, value: str = "") -> Undecodable:
    return Undecodable(refusal(place=Place(None, None, "workbook"), field=field, value=value, message=message))


def _refuse_hostile(file: BinaryIO) -> None:
    """Refuse what is no plain workbook before anything of it is unpacked.

    :raises Undecodable: saying what it is instead.
    """
    file.seek(0)
    if file.read(4) == _OLE:
        raise _refused("workbook", "This is an old (.xls) or encrypted workbook: save it as .xlsx without a password.")
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if len(members) > MEMBERS_MAX or sum(one.file_size for one in members) > UNPACKED_MAX:
                limit = f"{UNPACKED_MAX // 1024**2} MB or {MEMBERS_MAX} parts"
                raise _refused("workbook", f"The workbook unpacks to more than {limit}: deliver it in parts, or as CSV.")
            for one in members:
                if one.flag_bits & 1:
                    raise _refused("workbook", "The workbook is encrypted: save it without a password.", one.filename)
                if one.file_size > RATIO_MAX * max(one.compress_size, 1024):
                    raise _refused(
                        "workbook", "A part of the workbook unpacks to many times its size, which no statement does.", one.filename
                    )
                if one.filename.lower().endswith(("vbaproject.bin", ".xlm")) or "macrosheets/" in one.filename.lower():
                    raise _refused("workbook", "The workbook holds macros: save it as .xlsx, which has none.", one.filename)
                with archive.open(one) as part:
                    if b"<!doctype" in part.read(4096).lower():
                        raise _refused("workbook", "A part of the workbook defines entities, which no spreadsheet does.", one.filename)
            if "xl/workbook.xml" not in archive.namelist():
                raise _refused("workbook", "This is an archive and no workbook.")
            if b"macroEnabled" in archive.read("[Content_Types].xml"):
                raise _refused("workbook", "The workbook may hold macros: save it as .xlsx, which has none.")
    except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, NotImplementedError, EOFError, RuntimeError):
        raise _refused("workbook", "This is no workbook in the format .xlsx, or it is damaged.") from None


def _workbook(file: BinaryIO) -> Any:
    file.seek(0)
    try:
        return openpyxl.load_workbook(file, read_only=True, data_only=False, keep_links=False)
    except Exception as error:
        raise _refused("workbook", f"The workbook is damaged: it cannot be opened ({type(error).__name__}).") from error


def _filled(cells: Sequence[Any]) -> Sequence[Any]:
    """Return the cells up to the last that holds anything."""
    end = len(cells)
    while end and cells[end - 1].value in (None, ""):
        end -= 1
    return cells[:end]


def _shown(cell: Any) -> str:
    value = cell.value
    return "" if value is None else value.isoformat() if isinstance(value, date) else str(value)


def _cell(cell: Any, *, strict: bool) -> Cell:
    """Return the value of a cell: a text, an exact number or a day. What no statement holds is odd where the mapping reads it."""
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str) and cell.data_type not in ("f", "e"):
        return value
    if not strict:
        return _shown(cell)[:VALUE_MAX]
    if cell.data_type == "f":
        raise _Odd(cell, "This is a formula, which shows what whoever opens the file computes: save the workbook with values only.")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _exact(cell)
    if isinstance(value, date):
        return value.date() if isinstance(value, datetime) else value
    raise _Odd(cell, "This is an error of the spreadsheet, or neither a text, a number nor a day.")


def _above(cell: Any) -> Cell:
    try:
        return _cell(cell, strict=True)
    except _Odd:
        return _shown(cell)


def _exact(cell: Any) -> Decimal:
    exact = Decimal(repr(cell.value))
    if not exact.is_finite() or len(exact.normalize().as_tuple().digits) > EXACT_DIGITS:
        raise _Odd(cell, f"A number cell holds no more than {EXACT_DIGITS} exact digits: format it as text.")
    # A whole number is often written as 100.0, which is no more than 100.
    return exact.quantize(Decimal(1)) if exact == exact.to_integral_value() and exact.adjusted() < 20 else exact
