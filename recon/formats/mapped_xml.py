"""Records of an XML document, one at a time, on the streaming parser that refuses document types and entities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException

from recon.formats.events import LocatedError, Place, quarantined, refusal
from recon.formats.mapped_parts import MappingRefused, Part
from recon.formats.mapped_table import Cell, Head, Row, first_rows
from recon.formats.xml_stream import Collector, Node, TooLargeError, stream

COLUMNS_MAX = 200
RAW_MAX = 50_000


@dataclass(frozen=True, slots=True, kw_only=True)
class XmlTable:
    """`record` is the path of the element that is a row, from the root, without namespaces."""

    record: tuple[str, ...]

    def read(self, file: BinaryIO, wanted: Sequence[str], beside: Sequence[str] = ()) -> Iterator[Head | Row | LocatedError]:
        values: dict[str, Cell] = {}
        if beside:
            for item in self._pieces(file):
                if not isinstance(item, LocatedError) and item[1].name != self.record[-1]:
                    _outside(item[0], item[1], beside, values)
        yield Head(columns=tuple(wanted), place=Place(1, None, "/".join(self.record)), beside=values)
        paths = [tuple(one.split("/")) for one in wanted]
        number = 0
        for item in self._pieces(file):
            if isinstance(item, LocatedError):
                yield item
            elif item[0] == self.record[:-1] and item[1].name == self.record[-1]:
                number += 1
                yield _row(item[1], paths, path=f"{'/'.join(self.record)}[{number}]")

    def preview(self, file: BinaryIO, *, rows: int) -> Iterator[Head | Row | LocatedError]:
        columns: dict[str, None] = {}
        number = 0
        for item in self._pieces(file):
            if isinstance(item, LocatedError):
                break
            if item[1].name == self.record[-1]:
                number += 1
                columns.update(dict.fromkeys(_leaves(item[1], "")))
                if number >= rows or len(columns) > COLUMNS_MAX:
                    break
        yield from first_rows(self.read(file, tuple(columns)[:COLUMNS_MAX]), rows)

    def _is_frame(self, names: list[str]) -> bool:
        return len(names) < len(self.record) and tuple(names) == self.record[: len(names)]

    def _pieces(self, file: BinaryIO) -> Iterator[tuple[tuple[str, ...], Node] | LocatedError]:
        """Yield each element that stands in a frame, with the names of its frames, and what ends the reading."""
        file.seek(0)
        frames: list[str] = []
        collector = Collector(is_frame=self._is_frame, folded="", fold=lambda _tree, _node: True)
        try:
            for item in stream(file, collector):
                if isinstance(item, Node):
                    yield tuple(frames), item
                elif item.begins:
                    frames.append(item.name)
                else:
                    frames.pop()
        except SAXParseException as error:
            place = Place((error.getLineNumber() or 0) + collector.lines_skipped, None, "XML")
            message = f"The file is not well-formed XML from here on ({error.getMessage()}): it is damaged or was cut off."
            yield refusal(place=place, field="XML", message=message)
        except DefusedXmlException as error:
            message = "The file declares a document type or entities, which no statement needs and which can be an attack."
            yield refusal(place=Place(collector.line, None, "XML"), field="DOCTYPE", value=type(error).__name__, message=message)
        except TooLargeError as error:
            message = f"The file cannot hold records of a statement: {error}."
            yield refusal(place=Place(collector.line, None, "XML"), field="XML", message=message)


def xml_table(layout: Part, encoding: str) -> XmlTable:  # noqa: ARG001 (XML says its own)
    """Read the layout of an XML document.

    :raises MappingRefused: naming the key that is missing or wrong.
    """
    record = tuple(layout.text("record").strip("/").split("/"))
    if len(record) < 2 or not all(name and ":" not in name and "@" not in name for name in record):
        raise MappingRefused(
            layout.at("record"), "this is the path of the element that is a row, from the root, such as Document/Entries/Entry"
        )
    layout.done()
    return XmlTable(record=record)


def _row(node: Node, paths: list[tuple[str, ...]], *, path: str) -> Row | LocatedError:
    raw = node.source()
    if len(raw) > RAW_MAX:
        message = f"The record is longer than {RAW_MAX:,} characters."
        return quarantined(place=Place(node.line, None, path), field="record", message=message, raw=raw[:RAW_MAX])
    # What stands several times is joined: a text loses nothing, and two amounts are no amount.
    return Row(node.line, path, [" ".join(_texts(node, one)) for one in paths], raw)


def _texts(node: Node, path: tuple[str, ...]) -> list[str]:
    nodes = [node]
    for name in path:
        if name.startswith("@"):
            return [value for one in nodes for attribute, value in one.attributes.items() if attribute.rpartition(":")[2] == name[1:]]
        if name != ".":
            nodes = [child for one in nodes for child in one.children if child.name == name]
    return [one.text for one in nodes if one.text]


def _outside(frames: tuple[str, ...], node: Node, wanted: Sequence[str], values: dict[str, Cell]) -> None:
    for path in wanted:
        names = tuple(path.strip("/").split("/"))
        if names[: len(frames) + 1] == (*frames, node.name) and (texts := _texts(node, names[len(frames) + 1 :])):
            values[path] = " ".join(texts)


def _leaves(node: Node, at: str) -> Iterator[str]:
    """Yield the paths of the texts and attributes of a record."""
    for name in node.attributes:
        if not name.startswith("xmlns"):
            yield f"{at}@{name.rpartition(':')[2]}"
    if node.text and at:
        yield at.rstrip("/")
    for child in node.children:
        yield from _leaves(child, f"{at}{child.name}/")
