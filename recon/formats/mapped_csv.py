"""Rows of text: files with separators, and files of fixed width.

A quote that is never closed would swallow the rest of the file: then only the line where it stands is put into quarantine,
and the lines after it are read again as rows of their own.
"""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

from recon.formats.events import LocatedError, Place, quarantined
from recon.formats.mapped_parts import MappingRefused, Part
from recon.formats.mapped_table import Cell, Head, Row, byte_order_mark, first_rows, text_lines, without_footer

HEADER_MAX = 100
ROW_LINES_MAX = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Csv:
    encoding: str
    delimiter: str
    quote: str
    header_row: int
    columns: tuple[str, ...]
    skip_rows: int
    footer_rows: int
    multiline: bool

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]:  # noqa: ARG002 (rows come whole)
        codec, skip, said = byte_order_mark(file, self.encoding)
        if said:
            yield said
        above: dict[int, Sequence[Cell]] = {}
        width = 0
        first = self.header_row + self.skip_rows + 1
        rows = self._rows(text_lines(file, codec=codec, skip=skip), first=first)
        if not self.header_row:
            width = len(self.columns)
            yield Head(columns=self.columns, place=Place(1, None, "file"), above=above)
        for row in without_footer(rows, self.footer_rows):
            if isinstance(row, LocatedError) or (width and (row.line or 0) >= first):
                yield row
            elif row.line == self.header_row:
                names = tuple(" ".join(str(name).split()) for name in row.cells)
                width = len(names)
                yield Head(columns=names, place=Place(row.line, None, "row of names"), above=above)
            elif len(above) < HEADER_MAX:
                above[row.line or 0] = [str(cell) for cell in row.cells]

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]:
        return first_rows(self.read(file, ()), rows)

    def _rows(self, lines: Iterator[str], *, first: int) -> Iterator[Row | LocatedError]:
        taken: list[str] = []
        again: deque[str] = deque()

        def feed() -> Iterator[str]:
            while True:
                line = again.popleft() if again else next(lines, None)
                if line is None:
                    return
                taken.append(line)
                yield line

        number, rows = 0, 0
        reader = self._reader(feed())
        while True:
            taken.clear()
            wrong = ""
            cells: list[str] = []
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                wrong = _sentence(str(error))
            line, raw = number + 1, taken[0] if len(taken) == 1 else "".join(taken)
            wrong = wrong or self._problem(taken, raw, len(cells))
            if wrong:
                again.extendleft(reversed(taken[1:]))
                raw = taken[0]
                number += 1
                reader = self._reader(feed())
            else:
                number += len(taken)
            raw = raw.rstrip("\r\n")
            rows += line >= first
            if wrong and line >= first:
                yield quarantined(place=Place(line, None, f"row {rows}"), field="row", value=raw, message=wrong, raw=raw)
            elif any(cells):  # a row of empty cells is no more than an empty line
                yield Row(line, f"row {rows}", cells, raw)
            else:
                rows -= line >= first and not wrong

    def _problem(self, taken: list[str], raw: str, width: int) -> str:
        """Return what keeps the lines that a row was taken from from being one, "" where nothing does."""
        if len(taken) > (ROW_LINES_MAX if self.multiline else 1):
            return "A quoted cell runs over the end of the line, which the mapping does not expect; its quote may be open."
        if len(taken) > 2 and any(line.count(self.delimiter) >= max(width - 1, 1) for line in taken[1:-1]):
            return "A quoted cell holds what looks like further rows; its quote may be open."
        return "The row holds a NUL character, which no text has." if "\0" in raw else ""

    def _reader(self, lines: Iterator[str]) -> Iterator[list[str]]:
        if not self.quote:
            return csv.reader(lines, delimiter=self.delimiter, quoting=csv.QUOTE_NONE, quotechar=None)
        return csv.reader(lines, delimiter=self.delimiter, quotechar=self.quote, strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fixed:
    """Columns at fixed positions, counted in characters from 1. A line shorter than `line_width` was cut."""

    encoding: str
    columns: tuple[tuple[str, int, int], ...]
    skip_rows: int
    footer_rows: int
    line_width: int

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]:  # noqa: ARG002 (rows come whole)
        codec, skip, said = byte_order_mark(file, self.encoding)
        if said:
            yield said
        above: dict[int, Sequence[Cell]] = {}
        yield Head(columns=tuple(name for name, _, _ in self.columns), place=Place(1, None, "file"), above=above)
        rows = self._rows(text_lines(file, codec=codec, skip=skip), above)
        yield from without_footer(rows, self.footer_rows)

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]:
        return first_rows(self.read(file, ()), rows)

    def _rows(self, lines: Iterator[str], above: dict[int, Sequence[Cell]]) -> Iterator[Row | LocatedError]:
        slices = [slice(start - 1, start - 1 + width) for _, start, width in self.columns]
        last = max(start for _, start, _ in self.columns)
        for number, line in enumerate(lines, start=1):
            raw = line.rstrip("\r\n")
            if number <= self.skip_rows:
                above[number] = [raw[one].strip() for one in slices]
                continue
            if not raw.strip():
                continue
            path = f"row {number - self.skip_rows}"
            wrong = self._wrong(raw, last)
            if wrong:
                yield quarantined(place=Place(number, None, path), field="row", value=raw, message=wrong, raw=raw)
            else:
                yield Row(number, path, [raw[one].strip() for one in slices], raw)

    def _wrong(self, raw: str, last: int) -> str:
        if "\0" in raw:
            return "The row holds a NUL character, which no text has."
        if self.line_width and len(raw) != self.line_width:
            return f"The row has {len(raw)} characters, the mapping says {self.line_width}: it was cut, or is of another kind."
        if not self.line_width and len(raw) < last:
            return f"The row ends before its last column, which begins at character {last}."
        return ""


def csv_table(layout: Part, encoding: str) -> Csv:
    """Read the layout of a file with separators.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    delimiter = layout.sign("delimiter")
    if delimiter.isalnum() or delimiter in "\r\n\0.-+\"'":
        raise MappingRefused(layout.at("delimiter"), "this separates cells, such as a comma, a semicolon or a tab")
    quote = layout.choice("quote", ('"', "'", ""), strip=False)
    header_row = layout.number("header_row", low=0, high=HEADER_MAX)
    columns = layout.texts("columns") if not header_row else ()
    table = Csv(
        encoding=encoding,
        delimiter=delimiter,
        quote=quote,
        header_row=header_row,
        columns=columns,
        skip_rows=layout.number("skip_rows", low=0, high=HEADER_MAX, default=0),
        footer_rows=layout.number("footer_rows", low=0, high=HEADER_MAX, default=0),
        multiline=layout.flag("multiline") if layout.has("multiline") else False,
    )
    layout.done()
    return table


def fixed_table(layout: Part, encoding: str) -> Fixed:
    """Read the layout of a file of fixed width.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    columns: list[tuple[str, int, int]] = []
    for part in layout.parts("columns"):
        columns.append((part.text("name"), part.number("start", low=1, high=10_000), part.number("width", low=1, high=1_000)))
        part.done()
    if not columns or len({name for name, _, _ in columns}) != len(columns):
        raise MappingRefused(layout.at("columns"), "name at least one column, and each once")
    line_width = layout.number("line_width", low=0, high=20_000, default=0)
    if line_width and any(start + width - 1 > line_width for _, start, width in columns):
        raise MappingRefused(layout.at("line_width"), "a column ends beyond the line")
    table = Fixed(
        encoding=encoding,
        columns=tuple(columns),
        skip_rows=layout.number("skip_rows", low=0, high=HEADER_MAX, default=0),
        footer_rows=layout.number("footer_rows", low=0, high=HEADER_MAX, default=0),
        line_width=line_width,
    )
    layout.done()
    return table


def _sentence(error: str) -> str:
    if "unexpected end" in error:
        return "A quote is opened here and never closed."
    if "limit" in error:
        return "A cell is longer than any of a statement is; a quote may never be closed."
    if "expected after" in error:
        return "Something follows a closing quote: a quote inside a quoted cell must be doubled."
    return "The row is no row of separated cells."
