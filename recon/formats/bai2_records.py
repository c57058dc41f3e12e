"""BAI2 as a sequence of records, each with its continuations, before any meaning.

Banks write one record a line, pack several into one, or cut the file into records of fixed length. A record ends with "/",
or at the end of its line; a continuation (88) goes on with the next field, or with the text of a movement.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from recon.formats.events import LocatedError, Place, refusal
from recon.formats.lines import SMALL_MAX, physical_lines, printable

SEGMENTS_MAX = 10_000

_CODE = re.compile(r"\s*(01|02|03|16|49|88|98|99)\s*,")
_ALONE = re.compile(r"\s*(49|98|99)\s*/?\s*")
# Where records share a line, only what has the shape of one begins one: "A/16,5" is text.
_NEXT = re.compile(
    r"/\s*(?=02,[^,/]*,[^,/]*,[1-4]?,[0-9]{6},|03,[^,/]+,(?:[A-Z]{3})?,|16,[0-9]{3},[0-9+]*,[012SVDZ]?,|88,|(?:49|98|99),[+-]?[0-9]+,[0-9]+)"
)


@dataclass(slots=True)
class Segment:
    """The part of a record that stands in one physical record, without its code and its "/"."""

    text: str
    ended: bool


@dataclass(slots=True)
class Record:
    code: str
    line: int
    offset: int
    segments: list[Segment] = field(default_factory=list)
    raw: list[str] = field(default_factory=list)
    physical: int = 0

    def add(self, content: str, *, raw: str) -> None:
        text = content.rstrip()
        self.segments.append(Segment(text.removesuffix("/"), text.endswith("/")))
        self.raw.append(raw.rstrip())

    def place(self, path: str) -> Place:
        return Place(self.line, self.offset, path)

    def starts(self) -> Iterator[int]:
        """Yield the positions in `fields` at which a continuation begins."""
        position = 0
        for segment in self.segments:
            yield position
            position += segment.text.count(",") + 1

    def fields(self, *, loose: bool = False) -> list[str]:
        """Return the fields of all segments. `loose` takes a comma at the end of a line for the end of a field, not for an empty one."""
        found: list[str] = []
        for segment in self.segments:
            parts = [part.strip() for part in segment.text.split(",")]
            if loose and not segment.ended and len(parts) > 1 and not parts[-1]:
                parts.pop()
            found += parts
        return found


def records(file: BinaryIO, *, encoding: str) -> Iterator[Record | LocatedError]:
    """Yield the records in order; what belongs to none is a refusal."""
    current: Record | None = None
    for line, offset, text in _physical(file, encoding=encoding):
        match = _CODE.match(text) or _ALONE.fullmatch(text)
        if match and match[1] != "88":
            if current:
                yield current
            current = Record(match[1], line, offset, physical=1)
            current.add(text[match.end() :], raw=text)
        elif current is None or len(current.segments) > SEGMENTS_MAX:
            message = "The file does not begin with a BAI2 file header (record 01), or a continuation continues nothing."
            if current:
                message = "A record is continued longer than any bank does; the file looks damaged."
            yield refusal(place=Place(line, offset, "record"), field="record code", value=text, message=message)
            return
        elif match:
            current.physical += 1
            current.add(text[match.end() :], raw=text)
        elif current.code == "16" and not current.segments[-1].ended:
            current.add(text, raw=text)  # text that was wrapped without a code of its own
        else:
            message = "This line does not begin with a BAI2 record code (01, 02, 03, 16, 88, 49, 98 or 99)."
            yield refusal(place=Place(line, offset, "record"), field="record code", value=text, message=message)
    if current:
        yield current


def _physical(file: BinaryIO, *, encoding: str) -> Iterator[tuple[int, int, str]]:
    """Yield (line, offset, text) of each physical record, however the file is laid out."""
    length, packed, first = 0, False, True
    for number, (offset, content) in enumerate(physical_lines(file, longest=SMALL_MAX), start=1):
        if first and content.strip():
            length = _fixed_length(content)
            packed = not length and _NEXT.search(printable(content, encoding=encoding)) is not None
            first = False
        if length:
            parts = [(start, content[start : start + length]) for start in range(0, len(content), length)]
            yield from ((number, offset + start, text) for start, part in parts if (text := printable(part, encoding=encoding)).strip())
            continue
        text = printable(content, encoding=encoding)
        for part in _NEXT.sub("/\n", text).split("\n") if packed else (text,):
            if part.strip():
                yield number, offset, part


def _fixed_length(content: bytes) -> int:
    """Return the physical record length that the header declares, where the next record follows at just that distance."""
    parts = content.split(b",", 8)
    declared = parts[6].strip() if len(parts) > 6 else b""
    length = int(declared) if declared.isdigit() and len(declared) < 6 else 0
    return length if length and content[length : length + 3] in (b"02,", b"88,") else 0
