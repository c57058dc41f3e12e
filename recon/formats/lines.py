"""Files as physical lines, whatever ends them, and in which encoding they are."""

from __future__ import annotations

import codecs
import os
import re
from collections.abc import Iterator
from typing import BinaryIO

CHUNK = 1 << 16
LINE_BYTES_MAX = 1 << 16
SMALL_MAX = 25_000_000

_LINE = re.compile(rb"([^\r\n]*)(?:\r\n|\r|\n)")
EDGES = "\ufeff\x00\x01\x02\x03\x1a"
_CONTROLS = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 127], "\ufffd")


def size_of(file: BinaryIO) -> int:
    """Return the size in bytes; the file is left at its beginning."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    return size


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


def physical_lines(file: BinaryIO, *, longest: int = LINE_BYTES_MAX) -> Iterator[tuple[int, bytes]]:
    """Yield (offset, line) for lines ended by CR LF, LF or CR. A line longer than `longest` comes in pieces."""
    offset, rest = 0, bytearray()
    while chunk := file.read(CHUNK):
        if chunk.endswith(b"\r"):  # its LF may be the first byte of the next chunk
            chunk += file.read(1)
        if b"\n" not in chunk and b"\r" not in chunk and len(rest) + len(chunk) <= longest:
            rest += chunk  # a line without end is not scanned once for each of its chunks
            continue
        rest += chunk
        end = 0
        while match := _LINE.match(rest, end):
            yield offset + end, bytes(match[1])
            end = match.end()
        offset += end
        del rest[:end]
        if len(rest) > longest:
            yield offset, bytes(rest)
            offset += len(rest)
            rest.clear()
    if rest:
        yield offset, bytes(rest)


def printable(line: bytes, *, encoding: str) -> str:
    """Decode a line without marks of transmission at its edges; control characters within become the replacement character."""
    return line.decode(encoding, errors="replace").strip(EDGES).translate(_CONTROLS)
