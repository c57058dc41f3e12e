"""MT940 as a sequence of fields: block headers, tags, wrapped text and separators, before any meaning.

Banks deliver the message with or without its SWIFT blocks, with any line ending, in several character sets, several
messages in one file. Everything here is about finding where a field begins and ends, with its line and offset.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from recon.formats.events import Place
from recon.formats.lines import EDGES, LINE_BYTES_MAX, SMALL_MAX, physical_lines, printable

FIELD_CHARACTERS_MAX = 100_000

# Only these tags open a field: ":12:11" at the start of a line of :86: is a wrapped time of day.
_TAG = re.compile(r":(20|21|25P?|28C?|13D?|34F|6[0-9][A-Z]?|86|90[CD]|NS):")
_BLOCKS = re.compile(r"\{1:|\{[0-9S]:.*\{4:|\{4:")
_OTHER_LINE_END = b"@@"
_WRAPPED = frozenset({"25", "25P", "61", "86", "NS"})


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
    def text(self) -> str:
        return self.texts[0].strip() if self.texts else ""

    @property
    def place(self) -> Place:
        return Place(self.line, self.offset, f":{self.tag}:" if self.tag not in ("", "{", "}") else "text")

    @property
    def too_long(self) -> bool:
        return self.characters > FIELD_CHARACTERS_MAX


def fields(file: BinaryIO, *, encoding: str) -> Iterator[Field]:
    """Yield the fields of the file in order, each complete with its continuation lines."""
    lexer = _Lexer()
    for number, offset, line in _lines(file):
        yield from lexer.take(number, offset, printable(line, encoding=encoding))
    yield from lexer.flush()


def _lines(file: BinaryIO) -> Iterator[tuple[int, int, bytes]]:
    """Yield (line, offset, content). Banks that speak FinTS write "@@" for the end of a line; a file that begins so has it throughout."""
    other = file.read(len(_OTHER_LINE_END)) == _OTHER_LINE_END
    file.seek(0)
    for number, (offset, line) in enumerate(physical_lines(file, longest=SMALL_MAX if other else LINE_BYTES_MAX), start=1):
        start = offset
        for part in line.split(_OTHER_LINE_END) if other else (line,):
            yield number, start, part
            start += len(part) + len(_OTHER_LINE_END)


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
            text = text.lstrip("-}").strip(EDGES)
        if _BLOCKS.match(text) or (text.startswith("{") and not wrapping):
            yield from self.flush()
            header, opened, text = text.rpartition("{4:") if "{4:" in text else (text, "", "")
            yield Field("{", number, offset, [header + opened])
        if match := _TAG.match(text if wrapping else text.lstrip()):
            yield from self.flush()
            self._current = Field(match[1], number, offset)
            self._current.add(text.lstrip()[match.end() :])
            self._closing_seen = match[1][:2] in ("62", "90") or (self._closing_seen and match[1] != "20")
        elif current and wrapping:
            current.add(text)
        elif self._current and text.strip():
            yield from self.flush()
            yield Field("", number, offset, [text])

    def _ends_message(self, text: str, *, wrapping: bool) -> bool:
        """Tell the end mark of a message from text: a narrative may hold a line "-info", but never "-}"."""
        return text.startswith("-}") or (text.startswith("-") and (self._closing_seen or not wrapping))
