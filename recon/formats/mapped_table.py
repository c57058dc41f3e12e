"""What a mapped file looks like before its columns mean anything: a head, rows of cells with their place, and what is no row.

A table is ``read(file, wanted, beside) -> Iterator[Head | Row | LocatedError]``: the head comes first; `wanted` are the columns
that the mapping reads, `beside` the paths of values outside the rows. Cells are texts, except where
the format itself has numbers or days: then they are exact ``Decimal`` or ``date`` values and need no pattern.
"""

from __future__ import annotations

import codecs
import io
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO, NamedTuple, Protocol

from recon.formats.events import LocatedError, Place, refusal, remark

CHUNK = 1 << 16
LINE_MAX = 1_000_000
CELL_MAX = 10_000

Cell = str | Decimal | date

# The encodings a mapping may name, and the codec of each. There is no guessing: a file is in the one that its mapping says.
ENCODINGS = {
    "ascii": "ascii", "utf-8": "utf-8", "utf-8-sig": "utf-8", "utf-16": "utf-16", "utf-16-le": "utf-16-le", "utf-16-be": "utf-16-be",
    "latin-1": "latin-1", "iso-8859-1": "latin-1", "iso-8859-2": "iso8859-2", "iso-8859-15": "iso8859-15", "cp1250": "cp1250",
    "cp1251": "cp1251", "cp1252": "cp1252", "cp437": "cp437", "cp850": "cp850", "shift_jis": "shift_jis", "gb18030": "gb18030",
}  # fmt: skip
_MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))


class Row(NamedTuple):
    """A row of the file: `line` as an editor counts it (None where the format has none), `path` where it stands, `raw` as written."""

    line: int | None
    path: str
    cells: Sequence[Cell]
    raw: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The columns of a table; `above` holds the rows over them by line, `beside` values that stand outside the rows by path."""

    columns: tuple[str, ...]
    place: Place
    above: dict[int, Sequence[Cell]] = field(default_factory=dict)
    beside: dict[str, Cell] = field(default_factory=dict)


class Table(Protocol):
    """A format of rows, laid out as a mapping says."""

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]: ...

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]: ...


class Undecodable(Exception):
    """The file is not in the encoding that its mapping says; `error` is what to report."""

    def __init__(self, error: LocatedError) -> None:
        super().__init__(error.message)
        self.error = error


def byte_order_mark(file: BinaryIO, encoding: str) -> tuple[str, int, LocatedError | None]:
    """Return the codec to decode with, how many bytes of mark to pass over, and what is worth saying about the mark.

    :raises Undecodable: when the mark belongs to another encoding than the mapping says, or UTF-16 comes without one.
    """
    file.seek(0)
    first = file.read(4)
    file.seek(0)
    codec = ENCODINGS[encoding]
    place = Place(1, 0, "file")
    for mark, marked in _MARKS:
        if not first.startswith(mark):
            continue
        if codec not in (marked, "utf-16") or (codec == "utf-16" and marked == "utf-8"):
            message = f"The file begins with the mark of {marked}, the mapping says {encoding}: correct the mapping's encoding."
            raise Undecodable(refusal(place=place, field="encoding", value=first[: len(mark)].hex(), message=message))
        if encoding == "utf-8":
            message = "The file begins with a byte order mark; it was passed over (the encoding utf-8-sig expects one)."
            return codec, len(mark), remark(place=place, field="encoding", message=message)
        return marked, len(mark), None
    if codec == "utf-16":
        message = "The file is to be UTF-16 but begins without a byte order mark: name utf-16-le or utf-16-be in the mapping."
        raise Undecodable(refusal(place=place, field="encoding", value=first.hex(), message=message))
    return codec, 0, None


def text_chunks(file: BinaryIO, *, codec: str, skip: int = 0) -> Iterator[str]:
    """Yield the text of a file in pieces, decoded strictly.

    :raises Undecodable: at the first byte that the encoding does not know.
    """
    file.seek(skip)
    decoder = codecs.getincrementaldecoder(codec)(errors="strict")
    offset, lines = skip, 0
    chunk = b"-"
    while chunk:
        chunk = file.read(CHUNK)
        held = len(decoder.getstate()[0])
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as error:
            line = lines + error.object[: error.start].count(b"\n") + 1
            wrong = error.object[error.start : error.end]
            place = Place(line, offset - held + error.start, "file")
            message = f"The bytes {wrong[:4].hex()} are not {codec}: the file is in another encoding than its mapping says, or is damaged."
            raise Undecodable(refusal(place=place, field="encoding", value=wrong[:16].hex(), message=message)) from None
        offset += len(chunk)
        lines += text.count("\n")
        yield text


def text_lines(file: BinaryIO, *, codec: str, skip: int = 0) -> Iterator[str]:
    """Yield the lines of a file with their line ends (CR, LF or both), in bounded memory.

    :raises Undecodable: at the first byte that the encoding does not know, or a line longer than any statement's.
    """
    lines, tail = 0, ""
    for text in text_chunks(file, codec=codec, skip=skip):
        whole = list(io.StringIO(tail + text, newline=""))
        # A CR at the end of a piece may be half of a line end.
        tail = whole.pop() if whole and not whole[-1].endswith("\n") else ""
        if len(tail) > LINE_MAX:
            message = f"The line is longer than {LINE_MAX:,} characters, which no row of a statement is."
            raise Undecodable(refusal(place=Place(lines + len(whole) + 1, None, "file"), field="line", value=tail, message=message))
        lines += len(whole)
        yield from whole
    if tail:
        yield tail


def without_footer(rows: Iterator[Row | LocatedError], footer: int) -> Iterator[Row | LocatedError]:
    """Hold back the last rows, which the mapping says are none, and say how many they were."""
    if not footer:
        yield from rows
        return
    held: deque[Row | LocatedError] = deque()
    for row in rows:
        held.append(row)
        if len(held) > footer:
            yield held.popleft()
    if held:
        first = held[0]
        place = first.place if isinstance(first, LocatedError) else Place(first.line, None, "footer")
        message = f"The last {len(held)} rows were left out, as the mapping says: they are a footer."
        yield remark(place=place, field="footer_rows", value=str(len(held)), message=message)


def first_rows(items: Iterator[Head | Row | LocatedError], rows: int) -> Iterator[Head | Row | LocatedError]:
    """Yield what a table reads up to so many rows."""
    for item in items:
        yield item
        rows -= isinstance(item, Row) or (isinstance(item, LocatedError) and item.row)
        if rows <= 0:
            return
