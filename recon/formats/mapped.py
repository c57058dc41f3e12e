"""Files that have no format of their own, read by a mapping that somebody wrote down and a second person approved.

``Mapping.from_json(definition).reader()`` is a reader like any other: see :mod:`recon.formats.events`. The definition is
described in docs/formats.md. Nothing is guessed: what the definition leaves open is refused when it is written.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Json
from dataclasses import dataclass
from typing import Any, BinaryIO

from recon.formats.events import Event, LocatedError, Reader
from recon.formats.guard import guarded
from recon.formats.mapped_csv import csv_table, fixed_table
from recon.formats.mapped_definition import Definition, head, parse
from recon.formats.mapped_json import json_table
from recon.formats.mapped_line import text_of
from recon.formats.mapped_parts import MappingRefused, Part
from recon.formats.mapped_rows import read_rows
from recon.formats.mapped_table import Head, Row, Table, Undecodable
from recon.formats.mapped_xlsx import xlsx_table
from recon.formats.mapped_xml import xml_table

__all__ = ["Mapping", "MappingRefused", "Sample", "columns_of"]

SAMPLE_ROWS = 50
SAMPLE_CELL = 200
# A document whose list of records is not where the mapping says would be walked to its end.
SAMPLE_BYTES = 4 << 20

_TABLES: dict[str, Callable[[Part, str], Table]] = {
    "csv": csv_table,
    "fixed": fixed_table,
    "xlsx": xlsx_table,
    "json": json_table,
    "xml": xml_table,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """The first rows of a file, cut up as a mapping's layout says, before any column has a meaning.

    `remarks` are sentences about what is no row, and why, with their line.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    remarks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Mapping:
    """A definition that was checked whole."""

    definition: Definition
    table: Table

    @classmethod
    def from_json(cls, definition: Json[str, Any]) -> Mapping:
        """Check a definition.

        :raises MappingRefused: with the path of the first key that is missing, unknown or wrong, and why.
        """
        parsed = parse(definition)
        return cls(parsed, _table(parsed.format, parsed.layout, parsed.encoding))

    @property
    def format(self) -> str:
        return self.definition.format

    def reader(self) -> Reader:
        """Return the reader of the files that this mapping describes."""

        @guarded
        def read(file: BinaryIO) -> Iterator[Event]:
            return read_rows(self.definition, self.table, file)

        return read


def columns_of(file: BinaryIO, definition_head: Json[str, Any]) -> Sample:
    """Return the columns and first rows of a file; of the definition only `format`, `encoding` and `layout` are needed.

    :raises MappingRefused: when one of them is missing or wrong.
    """
    code, encoding, layout = head(definition_head)
    table = _table(code, layout, encoding)
    columns: tuple[str, ...] = ()
    rows: list[tuple[str, ...]] = []
    remarks: list[str] = []
    file.seek(0)
    if code in ("json", "xml"):
        content = file.read(SAMPLE_BYTES + 1)
        file = io.BytesIO(content[:SAMPLE_BYTES])
        if len(content) > SAMPLE_BYTES:
            remarks.append(f"Only the first {SAMPLE_BYTES >> 20} MB of the file were looked at.")
    try:
        for item in table.preview(file, rows=SAMPLE_ROWS):
            if isinstance(item, Head):
                columns = item.columns
            elif isinstance(item, Row):
                rows.append(tuple(text_of(cell)[:SAMPLE_CELL] for cell in item.cells))
            else:
                remarks.append(_said(item))
    except Undecodable as error:
        remarks.append(_said(error.error))
    except Exception as error:  # noqa: BLE001 (whatever a damaged file makes a library raise, the editor shows it as the file's)
        remarks.append(f"The file could not be read after this place ({type(error).__name__}).")
    return Sample(columns=columns, rows=tuple(rows), remarks=tuple(remarks))


def _table(code: str, layout: Part, encoding: str) -> Table:
    return _TABLES[code](layout, encoding)


def _said(error: LocatedError) -> str:
    where = f"Line {error.place.line}: " if error.place.line else f"{error.place.path}: " if error.place.path else ""
    return where + error.message
