"""Reports with separators and a row of names, as processors export them: UTF-8, a comma, quotes doubled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import BinaryIO

from recon.formats.events import LocatedError, Place, quarantined
from recon.formats.mapped_csv import Csv
from recon.formats.mapped_table import Head, Row, Undecodable
from recon.formats.report_rows import Item, Movement, Stated, Unreadable, unreadable

Cells = Mapping[str, str]


def table(*, header_row: int, delimiter: str = ",") -> Csv:
    return Csv(
        encoding="utf-8",
        delimiter=delimiter,
        quote='"',
        header_row=header_row,
        columns=() if header_row else ("kind",),
        skip_rows=0,
        footer_rows=0,
        multiline=True,
    )


def named_rows(
    file: BinaryIO,
    *,
    delimiter: str = ",",
    begin: Callable[[tuple[str, ...]], Iterator[LocatedError]],
    movement: Callable[[Cells, Place, str], Iterator[Movement | Stated]],
) -> Iterator[Item]:
    """Go through a report; `begin` refuses by its names, `movement` reads a row and raises :class:`Unreadable` where it cannot."""
    columns: tuple[str, ...] = ()
    try:
        for item in table(header_row=1, delimiter=delimiter).read(file, ()):
            if isinstance(item, LocatedError):
                yield item
            elif isinstance(item, Head):
                columns = item.columns
                wrong = list(begin(columns))
                yield from wrong
                if wrong:
                    return
            else:
                yield from _row(item, columns=columns, movement=movement)
    except Undecodable as error:
        yield error.error


def _row(item: Row, *, columns: tuple[str, ...], movement: Callable[[Cells, Place, str], Iterator[Movement | Stated]]) -> Iterator[Item]:
    place = Place(item.line, None, item.path)
    cells = [str(cell) for cell in item.cells]
    if len(cells) != len(columns):
        message = f"The row has {len(cells)} cells, the report {len(columns)} columns."
        yield quarantined(place=place, field="row", value=item.raw, message=message, raw=item.raw)
        return
    try:
        # A row is taken whole or not at all.
        yield from list(movement(dict(zip(columns, cells, strict=True)), place, item.raw))
    except Unreadable as error:
        yield unreadable(error, place=place, raw=item.raw)
