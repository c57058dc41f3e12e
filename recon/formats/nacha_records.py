"""NACHA files as records of 94 characters: with or without line ends, blocked or not, in ASCII or in EBCDIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

from recon.formats.events import LocatedError, Place, refusal
from recon.formats.lines import encoding_of, physical_lines, printable

WIDTH = 94
EBCDIC_BEGINNING = b"\xf1\xf0\xf1"  # 101

_NEW_LINE_OF_EBCDIC = 0x15
_FROM_EBCDIC = bytes(10 if code == _NEW_LINE_OF_EBCDIC else ord(bytes([code]).decode("cp037")) for code in range(256))


@dataclass(frozen=True, slots=True)
class Record:
    """A record filled up with blanks to its 94 characters. `get` counts positions from 1, both ends included, as the rules do."""

    text: str
    line: int
    offset: int

    @property
    def kind(self) -> str:
        return self.text[0]

    @property
    def filler(self) -> bool:
        return not self.text.strip().strip("9")

    def get(self, first: int, last: int) -> str:
        return self.text[first - 1 : last].strip()

    def number(self, first: int, last: int) -> int | None:
        """Return the digits at these positions as a number, or None where one of them is none."""
        text = self.text[first - 1 : last]
        return int(text) if text.isascii() and text.isdecimal() else None

    def place(self, path: str) -> Place:
        return Place(self.line, self.offset, path)


class _Translated:
    """A file in EBCDIC, read as if it were in Latin-1."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size).translate(_FROM_EBCDIC)


def records(file: BinaryIO) -> Iterator[Record | LocatedError]:
    """Yield the records in order, and a refusal for each that is too long. The file stands at its beginning."""
    head = file.read(4 * WIDTH)
    ebcdic = head.startswith(EBCDIC_BEGINNING)
    if ebcdic:
        head = head.translate(_FROM_EBCDIC)
    in_lines = b"\n" in head or b"\r" in head
    file.seek(0)
    encoding = encoding_of(file) if in_lines and not ebcdic else "latin-1"
    file.seek(0)
    source = cast("BinaryIO", _Translated(file)) if ebcdic else file
    pieces = physical_lines(source) if in_lines else _pieces(source)
    for number, (offset, content) in enumerate(pieces, start=1):
        text = printable(content, encoding=encoding).rstrip()
        if len(text) > WIDTH:
            message = "The line is longer than the 94 characters of a NACHA record: the file is damaged or no NACHA file."
            yield refusal(place=Place(number, offset, "record"), field="record", value=text, message=message)
        elif text:
            yield Record(text.ljust(WIDTH), number, offset)


def _pieces(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    offset = 0
    while piece := file.read(WIDTH):
        yield offset, piece
        offset += len(piece)
