"""Tables as XLSX: days are days, amounts are numbers where a number can hold them, and nothing is ever a formula."""

import tempfile
from collections.abc import Sequence
from datetime import UTC, date, datetime
from typing import IO, Any

import xlsxwriter

from ledgerops.lib import money
from ledgerops.lib.csv_cells import is_dangerous
from ledgerops.lib.tables import Amount, Cell, Kind, Table, Tally

# A spreadsheet's numbers are doubles: every decimal of so many digits comes back out of one as it went in.
EXACT_DIGITS = 15
TEXT_MAXIMUM = 32_767
CUT = " [cut]"
_WIDTHS = {Kind.DATE: 11, Kind.INSTANT: 19, Kind.MONEY: 20, Kind.INTEGER: 9}
_WIDE, _NARROW = 44, 18


def workbook(table: Table) -> IO[bytes]:
    """Return the table as an open file at its start: a sheet of rows, and one that says what they are."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 - who sends it closes it
    # Rows go to disk while they are read; a text stays a text whatever it looks like.
    with xlsxwriter.Workbook(file, {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        book.set_properties({"title": table.title, "created": table.made_at.astimezone(UTC).replace(tzinfo=None)})
        tally = Tally(table)
        _write_rows(_Sheet(book, name="Table"), tally=tally)
        _write_facts(_Sheet(book, name="About"), tally=tally)
    file.seek(0)
    return file


def is_exact(minor: int) -> bool:
    """Return whether a double holds this amount and gives it back to the last digit."""
    return len(str(abs(minor)).rstrip("0")) <= EXACT_DIGITS


def _write_rows(sheet: "_Sheet", *, tally: Tally) -> None:
    columns = tally.table.columns
    for at, column in enumerate(columns):
        sheet.paper.set_column(at, at, _WIDTHS.get(column.kind, _WIDE if column.wide else _NARROW))
    sheet.add([column.heading for column in columns], bold=True, bottom=1)
    sheet.paper.freeze_panes(1, 0)
    for cells, is_total in tally.passing():
        sheet.add(cells, **({"bold": True, "top": 1} if is_total else {}))
    sheet.paper.autofilter(0, 0, max(sheet.rows - 1, 1), len(columns) - 1)
    # Figures that no number can hold are texts on purpose.
    sheet.paper.ignore_errors({"number_stored_as_text": f"A1:XFD{sheet.rows + 1}"})


def _write_facts(sheet: "_Sheet", *, tally: Tally) -> None:
    sheet.paper.set_column(0, 0, 28)
    sheet.paper.set_column(1, 1, 80)
    sheet.add([tally.table.title], bold=True)
    for line in tally.table.subtitles:
        sheet.add([line])
    for label, value in tally.facts():
        sheet.add([label, value])


class _Sheet:
    """A sheet that is written from the top down, as a book of constant memory must be."""

    def __init__(self, book: Any, *, name: str) -> None:
        self.paper = book.add_worksheet(name)
        self.rows = 0
        self._book = book
        self._formats: dict[tuple[tuple[str, Any], ...], Any] = {}

    def add(self, cells: Sequence[Cell], **look: Any) -> None:
        for at, cell in enumerate(cells):
            self._write(at, cell, look)
        self.rows += 1

    def _write(self, at: int, cell: Cell, look: dict[str, Any]) -> None:
        row = self.rows
        match cell:
            case None:
                self.paper.write_blank(row, at, None, self._format(look))
            case Amount() if is_exact(cell.minor):
                shape = "#,##0" + ("." + "0" * cell.scale if cell.scale else "")
                self.paper.write_number(row, at, float(_figure(cell)), self._format({**look, "num_format": shape}))
            case Amount():
                self.paper.write_string(row, at, _figure(cell), self._format({**look, "num_format": "@", "align": "right"}))
            case datetime():
                value = cell.astimezone(UTC).replace(tzinfo=None, microsecond=0)
                self.paper.write_datetime(row, at, value, self._format({**look, "num_format": "yyyy-mm-dd hh:mm:ss"}))
            case date():
                self.paper.write_datetime(row, at, cell, self._format({**look, "num_format": "yyyy-mm-dd"}))
            case int():
                self.paper.write_number(row, at, cell, self._format({**look, "num_format": "0"}))
            case str():
                # The prefix keeps it a text even after somebody has edited the cell.
                prefix = {"quote_prefix": True} if is_dangerous(cell) else {}
                self.paper.write_string(row, at, _fitting(cell), self._format({**look, **prefix}))

    def _format(self, look: dict[str, Any]) -> Any:
        key = tuple(sorted(look.items()))
        if key not in self._formats:
            self._formats[key] = self._book.add_format(look)
        return self._formats[key]


def _figure(amount: Amount) -> str:
    return money.plain(amount.minor, scale=amount.scale)


def _fitting(text: str) -> str:
    return text if len(text) <= TEXT_MAXIMUM else text[: TEXT_MAXIMUM - len(CUT)] + CUT
