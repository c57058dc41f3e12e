"""MT940 as a sequence of fields: block headers, tags, wrapped text and separators, before any meaning.

Banks deliver the message with or without its SWIFT blocks, with any line ending, in several character sets, several
messages in one file. Everything here is about finding where a field begins and ends, with its line and offset.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

CHUNK = 1 << 16
LINE_BYTES_MAX = 1 << 16
FIELD_CHARACTERS_MAX = 100_000

# Only these tags open a field: ":12:11" at the start of a line of :86: is a wrapped time of day.
_TAG = re.compile(r":(20|21|25P?|28C?|13D?|34F|6[0-9][A-Z]?|86|90[CD]|NS):")
_BLOCKS = re.compile(r"\{1:|\{[0-9S]:.*\{4:|\{4:")
_WRAPPED = frozenset({"25", "25P", "61", "86", "NS"})
_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n)")
_EDGES = "\ufeff\x00\x01\x02\x03\x1a"
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "\ufffd")


@dataclass(slots=True)
class Field:
    """A tag with its lines of text. The tag is "{" for block headers, "}" for the end of a message, "" for stray text."""

    tag: str
    line: int
    offset: int
    texts: list[str] = field(default_factory=list)
    characters: int = 0

    def add(self, text: str) -> None:
        self.characters += len(text)
        if self.characters <= FIELD_CHARACTERS_MAX:
            self.texts.append(text)

    @property
    def too_long(self) -> bool:
        return self.characters > FIELD_CHARACTERS_MAX


def encoding_of(file: BinaryIO) -> str:
    """Return "utf-8" where the whole file is valid UTF-8, else "latin-1", which reads any byte."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        while chunk := file.read(CHUNK):
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"


def _physical_lines(file: BinaryIO) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line) for lines ended by CR LF, LF or CR. An overlong line comes in pieces."""
    offset, rest = 0, b""
    while chunk := file.read(CHUNK):
        rest += chunk
        if rest.endswith(b"\r"):  # its LF may be the first byte of the next chunk
            rest += file.read(1)
        end = 0
        while match := _LINE.match(rest, end):  # a search would scan a line without end once for each of its bytes
            yield offset + end, match[1]
            end = match.end()
        offset, rest = offset + end, rest[end:]
        if len(rest) > LINE_BYTES_MAX:
            yield offset, rest
            offset, rest = offset + len(rest), b""
    if rest:
        yield offset, rest


def fields(file: BinaryIO, *, encoding: str) -> Iterator[Field]:
    """Yield the fields of the file in order, each complete with its continuation lines."""
    lexer = _Lexer()
    for number, (offset, line) in enumerate(_physical_lines(file), start=1):
        text = line.decode(encoding, errors="replace").strip(_EDGES).translate(_CONTROLS)
        yield from lexer.take(number, offset, text)
    yield from lexer.flush()


class _Lexer:
    def __init__(self) -> None:
        self._current: Field | None = None
        self._closing_seen = False

    def flush(self) -> Iterator[Field]:
        if self._current:
            yield self._current
        self._current = None

    def take(self, number: int, offset: int, text: str) -> Iterator[Field]:
        current = self._current
        wrapping = current is not None and current.tag in _WRAPPED
        if self._ends_message(text, wrapping=wrapping):
            yield from self.flush()
            self._closing_seen = wrapping = False
            yield Field("}", number, offset, [text])
            text = text.lstrip("-}").strip(_EDGES)
        if _BLOCKS.match(text) or (text.startswith("{") and not wrapping):
            yield from self.flush()
            header, opened, text = text.rpartition("{4:") if "{4:" in text else (text, "", "")
            yield Field("{", number, offset, [header + opened])
        if match := _TAG.match(text if wrapping else text.lstrip()):
            yield from self.flush()
            self._current = Field(match[1], number, offset)
            self._current.add(text.lstrip()[match.end() :])
            self._closing_seen = match[1].startswith("62") or (self._closing_seen and match[1] != "20")
        elif current and wrapping:
            current.add(text)
        elif self._current and text.strip():
            yield from self.flush()
            yield Field("", number, offset, [text])

    def _ends_message(self, text: str, *, wrapping: bool) -> bool:
        """Tell the end mark of a message from text: a narrative may hold a line "-info", but never "-}"."""
        return text.startswith("-}") or (text.startswith("-") and (self._closing_seen or not wrapping))
