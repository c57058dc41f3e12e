"""Tables as CSV, and text that is safe to open in a spreadsheet."""

import csv
from collections.abc import Iterator
from datetime import date, datetime

from ledgerops.lib import money
from ledgerops.lib.tables import Amount, Cell, Table, Tally

# A cell that starts with one of these is read as a formula or a command; the full-width forms are folded to them by some programs.
_DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "\uff1d", "\uff0b", "\uff0d", "\uff20")


class _Echo:
    """What csv.writer writes to; it gives the line back."""

    def write(self, line: str) -> str:
        return line


def is_dangerous(text: str) -> bool:
    """Return whether a spreadsheet might run the text."""
    return text.lstrip(" ").startswith(_DANGEROUS)


def text_cell(value: object) -> str:
    """Return a text for a CSV cell, with an apostrophe before what a spreadsheet would run; amounts are never passed through this."""
    text = str(value)
    return f"'{text}" if is_dangerous(text) else text


def csv_lines(table: Table) -> Iterator[str]:
    """Return the table line by line while its rows are read: names of columns, rows, and then what the file says about itself."""
    writer = csv.writer(_Echo())
    tally = Tally(table)
    yield writer.writerow([column.name for column in table.columns])
    for cells, _ in tally.passing():
        yield writer.writerow([_written(cell) for cell in cells])
    for label, value in tally.facts():
        yield writer.writerow([text_cell(label), _written(value)])


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case Amount():
            return money.plain(cell.minor, scale=cell.scale)
        case datetime():
            return cell.isoformat(timespec="seconds")
        case date():
            return cell.isoformat()
        case int():
            return str(cell)
        case str():
            return text_cell(cell)
