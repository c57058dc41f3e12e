"""Records of a JSON document, one at a time: the document is walked to the list of records, and each record is decoded alone.

Numbers are exact decimals as they are written. A name that stands twice in a record would lose a value: the row goes to quarantine.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, BinaryIO

from recon.formats.events import LocatedError, Place, quarantined, refusal
from recon.formats.mapped_parts import MappingRefused, Part
from recon.formats.mapped_table import CELL_MAX, Cell, Head, Row, byte_order_mark, first_rows, text_chunks

RECORD_MAX = 1_000_000
DEPTH_MAX = 50
NESTED_MAX = 1_000
NAMES_MAX = 10_000
DIGITS_MAX = 100
COLUMNS_MAX = 200

_SPACE = " \t\r\n"
Path = tuple[str, ...]


class _Malformed(Exception):
    """The document is no JSON from here on, or not the one that the mapping describes."""


class _Odd(Exception):
    """A value of a record is none that a cell can hold."""


class _Scanner:
    """Walks the text of a document in pieces, and decodes one value at a time."""

    def __init__(self, pieces: Iterator[str]) -> None:
        self._pieces = pieces
        self._text = ""
        self._at = 0
        self._line = 1
        self._counted = 0
        self.twice = ""
        self._decoder = json.JSONDecoder(parse_float=Decimal, parse_int=Decimal, parse_constant=str, object_pairs_hook=self._object)

    @property
    def line(self) -> int:
        self._line += self._text.count("\n", self._counted, self._at)
        self._counted = self._at
        return self._line

    def _object(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [name for name, _ in pairs]
            self.twice = next(name for name in names if names.count(name) > 1)
        return found

    def _fill(self) -> bool:
        piece = next(self._pieces, None)
        while piece == "":
            piece = next(self._pieces, None)
        if piece is None:
            return False
        _ = self.line
        self._text = self._text[self._at :] + piece
        self._at = self._counted = 0
        return True

    def peek(self) -> str:
        """Return the next sign that is no white space, "" at the end."""
        while True:
            text, at = self._text, self._at
            while at < len(text) and text[at] in _SPACE:
                at += 1
            self._at = at
            if at < len(text):
                return text[at]
            if not self._fill():
                return ""

    def take(self, sign: str) -> None:
        found = self.peek()
        if found != sign:
            raise _Malformed(
                f"The file is no well-formed JSON from here on: {found!r} stands where {sign!r} must."
                if found
                else "The file was cut off here."
            )
        self._at += 1

    def value(self) -> tuple[Any, str]:
        """Decode the value that begins here, and return it with its text."""
        self.peek()
        self.twice = ""
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                # How deep the decoder itself goes depends on the process; this does not.
                if self._unclosed() > NESTED_MAX:
                    raise _Malformed("Values are nested deeper than any statement needs.") from None
                if len(self._text) - self._at > RECORD_MAX:
                    raise _Malformed(f"One value is longer than {RECORD_MAX:,} characters, or is no JSON.") from None
                if not self._fill():
                    raise _Malformed(f"The file is no well-formed JSON from here on ({error.msg}): it is damaged or was cut off.") from None
                continue
            except RecursionError:
                raise _Malformed("Values are nested deeper than any statement needs.") from None
            # A number at the end of a piece may go on in the next.
            if end == len(self._text) and self._text[end - 1] not in '}]"' and self._fill():
                continue
            raw, self._at = self._text[self._at : end], end
            return value, raw

    def _unclosed(self) -> int:
        opened = self._text.count("[", self._at) + self._text.count("{", self._at)
        return opened - self._text.count("]", self._at) - self._text.count("}", self._at)

    def items(self, closing: str) -> Iterator[int]:
        """Step through the members of the object or list that begins here."""
        self._at += 1
        if self.peek() == closing:
            self._at += 1
            return
        number = 0
        while True:
            yield number
            number += 1
            if self.peek() == ",":
                self._at += 1
            else:
                self.take(closing)
                return


@dataclass(frozen=True, slots=True, kw_only=True)
class JsonTable:
    """`records` is the path of the list of records; with `lines` each record is a document of its own."""

    records: Path
    lines: bool

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]:
        codec, skip, said = byte_order_mark(file, "utf-8")
        if said:
            yield said
        values: dict[Path, Cell] = {}
        if beside:
            scanner = _Scanner(text_chunks(file, codec=codec, skip=skip))
            try:
                for _ in self._walk(scanner, (), {path_of(one) for one in beside}, values):
                    pass
            except _Malformed:
                values.clear()  # the second reading says where
        outside = {one: values[path_of(one)] for one in beside if path_of(one) in values}
        yield Head(columns=tuple(wanted), place=Place(1, None, "file"), beside=outside)
        yield from self._rows(_Scanner(text_chunks(file, codec=codec, skip=skip)), [_getter(path_of(one)) for one in wanted], wanted)

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]:
        columns: dict[str, None] = {}
        codec, skip, _ = byte_order_mark(file, "utf-8")
        try:
            for number, (value, *_) in enumerate(self._records(_Scanner(text_chunks(file, codec=codec, skip=skip)))):
                if number >= rows or len(columns) > COLUMNS_MAX:
                    break
                columns.update(dict.fromkeys(map(written, _leaves(value, ()))))
        except _Malformed:
            pass  # the reading below says where
        yield from first_rows(self.read(file, tuple(columns)[:COLUMNS_MAX]), rows)

    def _rows(self, scanner: _Scanner, getters: list[Callable[[Any], Cell]], wanted: Sequence[str]) -> Iterator[Row | LocatedError]:
        name = ".".join(self.records)
        try:
            for number, (value, raw, line, twice) in enumerate(self._records(scanner)):
                path = f"{name}[{number}]"
                wrong, column = f"The record names {twice[:40]!r} twice: one of the two values would be lost." if twice else "", "record"
                cells: list[Cell] = []
                if not isinstance(value, dict | list):
                    wrong = wrong or "This is no record but a single value."
                try:
                    for column, get in zip(wanted, getters, strict=True):  # noqa: B007 (which one was odd is what the row says)
                        cells.append(get(value))
                except _Odd as odd:
                    wrong = wrong or str(odd)
                if wrong:
                    yield quarantined(place=Place(line, None, path), field=column[:60], message=wrong, raw=raw)
                else:
                    yield Row(line, path, cells, raw)
        except _Malformed as error:
            yield refusal(place=Place(scanner.line, None, "JSON"), field="JSON", message=str(error))

    def _records(self, scanner: _Scanner) -> Iterator[tuple[Any, str, int, str]]:
        if not self.lines:
            found = False
            for found, record in self._walk(scanner, (), set(), {}):  # noqa: B007 (whether there was a list at all)
                if record:
                    yield record
            if not found:
                raise _Malformed(f"The file has no list of records at {'.'.join(self.records) or 'its top'}.")
            return
        while scanner.peek():
            line = scanner.line
            value, raw = scanner.value()
            yield value, raw, line, scanner.twice

    def _walk(
        self, scanner: _Scanner, at: Path, wanted: set[Path], values: dict[Path, Cell]
    ) -> Iterator[tuple[bool, tuple[Any, str, int, str] | None]]:
        """Walk the value that begins here; yield whether the list of records was found, and each record of it."""
        sign = scanner.peek()
        if len(at) > DEPTH_MAX:
            raise _Malformed("Values are nested deeper than any statement needs.")
        if at == self.records and sign == "[":
            yield True, None
            for _ in scanner.items("]"):
                scanner.peek()
                line = scanner.line
                value, raw = scanner.value()
                yield True, (value, raw, line, scanner.twice)
        elif sign == "{":
            for name in self._names(scanner, at):
                yield from self._walk(scanner, (*at, name), wanted, values)
        elif sign == "[":
            for number in scanner.items("]"):
                yield from self._walk(scanner, (*at, str(number)), wanted, values)
        else:
            value, _ = scanner.value()
            if at in wanted:
                values[at] = _cell(value)
        if not at and scanner.peek():
            raise _Malformed("Something follows the end of the document.")

    def _names(self, scanner: _Scanner, at: Path) -> Iterator[str]:
        names: set[str] = set()
        for _ in scanner.items("}"):
            name, _ = scanner.value()
            if not isinstance(name, str):
                raise _Malformed("The file is no well-formed JSON from here on: a name must stand here.")
            if name in names and at == self.records[: len(at)]:
                raise _Malformed(f"The name {name[:40]!r} stands twice here: one of the two values would be lost.")
            if len(names) < NAMES_MAX:
                names.add(name)
            scanner.take(":")
            yield name


def json_table(layout: Part, encoding: str) -> JsonTable:  # noqa: ARG001 (JSON is UTF-8)
    """Read the layout of a JSON document.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    lines = layout.flag("lines") if layout.has("lines") else False
    records = path_of(layout.text("records")) if layout.has("records") else ()
    if lines and records:
        raise MappingRefused(layout.at("records"), "where each line is a record there is no list of records")
    layout.done()
    return JsonTable(records=records, lines=lines)


def path_of(text: str) -> Path:
    """Read a path such as "data.items", or a JSON pointer such as "/data/items" where names have dots."""
    if text.startswith("/"):
        return tuple(part.replace("~1", "/").replace("~0", "~") for part in text[1:].split("/"))
    return tuple(text.split("."))


def written(path: Path) -> str:
    """Write a path down, as a pointer where a name has a dot or begins like one."""
    if any("." in name or not name for name in path) or path[0].startswith("/"):
        return "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in path)
    return ".".join(path)


def _getter(path: Path) -> Callable[[Any], Cell]:
    if len(path) == 1:
        name = path[0]
        return lambda record: _cell(record.get(name) if isinstance(record, dict) else _step(record, name))

    def get(record: Any) -> Cell:
        for name in path:
            record = _step(record, name)
        return _cell(record)

    return get


def _step(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return value.get(name)
    if isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 6:
        return value[int(name)] if int(name) < len(value) else None
    return None


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        if len(value.as_tuple().digits) > DIGITS_MAX or abs(value.adjusted()) > DIGITS_MAX:
            raise _Odd("This number has more digits than any amount.")
        return value
    raise _Odd("The mapping expects a single value here, the record has several.")


def _leaves(value: Any, at: Path) -> Iterator[Path]:
    """Yield the paths of the single values of a record."""
    members: Iterator[tuple[str, Any]] = iter(())
    if isinstance(value, dict):
        members = iter(value.items())
    elif isinstance(value, list):
        members = ((str(number), one) for number, one in enumerate(value))
    elif at:
        yield at
    for name, one in members:
        if len(at) < 8 and len(name) < CELL_MAX:
            yield from _leaves(one, (*at, name))
