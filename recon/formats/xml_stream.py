"""XML in pieces: the parts of a document that matter, one small tree at a time, with line numbers.

The parser is defusedxml's: a document type declaration, and with it every entity, is refused. Names come without
their namespace prefix, because banks send camt with the wrong namespace, or none.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections import deque
from collections.abc import Callable, Iterator
from typing import BinaryIO
from xml.sax import SAXException
from xml.sax.handler import ContentHandler
from xml.sax.xmlreader import AttributesImpl, Locator

from defusedxml.common import DefusedXmlException
from defusedxml.expatreader import create_parser

CHUNK = 1 << 16
DEPTH_MAX = 100
TREE_SIZE_MAX = 2_000_000

_NO_ATTRIBUTES: dict[str, str] = {}


class TooLargeError(Exception):
    """One part of the document is larger or deeper than any statement needs."""


class Node:
    """An element with its text, attributes and children."""

    __slots__ = ("attributes", "children", "line", "name", "text")

    def __init__(self, name: str, line: int, attributes: dict[str, str] | None = None) -> None:
        self.name = name
        self.line = line
        self.attributes = attributes or _NO_ATTRIBUTES
        self.text = ""
        self.children: list[Node] = []

    def child(self, name: str) -> Node | None:
        for node in self.children:
            if node.name == name:
                return node
        return None

    def find(self, path: str) -> Node | None:
        """Return the first element at a path such as "Amt" or "Tp/CdOrPrtry/Cd"."""
        node: Node | None = self
        for name in path.split("/"):
            if node is None:
                return None
            node = node.child(name)
        return node

    def every(self, name: str) -> list[Node]:
        return [node for node in self.children if node.name == name]

    def get(self, *paths: str) -> str:
        """Return the text of the first of these paths that has any, else ""."""
        for path in paths:
            node = self.find(path)
            if node and node.text:
                return node.text
        return ""

    def source(self) -> str:
        """Write the element down again, without namespaces and white space."""
        parts: list[str] = []
        self.write(parts)
        return "".join(parts)

    def write(self, parts: list[str]) -> None:
        parts.append(f"<{self.name}")
        parts += [f' {name}="{_escape(value)}"' for name, value in self.attributes.items()]
        parts.append(f">{_escape(self.text)}")
        for node in self.children:
            node.write(parts)
        parts.append(f"</{self.name}>")


class Mark:
    """The beginning or the end of an element that is not collected because it is the frame of others."""

    __slots__ = ("begins", "line", "name")

    def __init__(self, name: str, line: int, *, begins: bool) -> None:
        self.name = name
        self.line = line
        self.begins = begins


def _escape(text: str) -> str:
    if text.isalnum():
        return text
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


class Collector(ContentHandler):
    """Collects the children of frame elements as trees, and the frames themselves as marks.

    `is_frame(names)` decides, given the names from the root, whether an element is a frame. `fold(tree, node)` is asked
    for each completed element inside a tree whose name is `folded`, and returns whether the tree keeps it: so a tree with
    a hundred thousand such elements stays small.
    """

    def __init__(self, *, is_frame: Callable[[list[str]], bool], folded: str, fold: Callable[[Node, Node], bool]) -> None:
        super().__init__()
        self.found: deque[Node | Mark] = deque()
        self._is_frame = is_frame
        self._folded = folded
        self._fold = fold
        self._names: list[str] = []
        self._frames: list[int] = []
        self._tree: list[Node] = []
        self._text: list[str] = []
        self._size = 0
        self._size_before = 0
        self.locator: Locator = Locator()
        self.lines_skipped = 0

    @property
    def line(self) -> int:
        return (self.locator.getLineNumber() or 0) + self.lines_skipped

    def startElement(self, name: str, attrs: AttributesImpl) -> None:  # noqa: N802
        local = name.rpartition(":")[2]
        in_frame = bool(self._frames) and self._frames[-1] == len(self._names)
        self._names.append(local)
        if len(self._names) > DEPTH_MAX:
            raise TooLargeError(f"elements are nested more than {DEPTH_MAX} deep")
        if self._tree:
            self._collect(local, attrs)
        elif self._is_frame(self._names):
            self._frames.append(len(self._names))
            self.found.append(Mark(local, self.line, begins=True))
        elif in_frame:
            self._size = 0
            self._collect(local, attrs)

    def _collect(self, local: str, attrs: AttributesImpl) -> None:
        node = Node(local, self.line, dict(attrs.items()) if attrs.getLength() else None)
        if self._tree:
            self._tree[-1].children.append(node)
        self._tree.append(node)
        self._text.clear()
        if local == self._folded:
            self._size_before = self._size
        self._grow(100)

    def characters(self, content: str) -> None:
        if self._tree:
            self._text.append(content)
            self._grow(len(content))

    def endElement(self, name: str) -> None:  # noqa: ARG002, N802
        if self._tree:
            node = self._tree.pop()
            node.text = "".join(self._text).strip()
            self._text.clear()
            if not self._tree:
                self.found.append(node)
            elif node.name == self._folded and not self._fold(self._tree[0], node):
                self._tree[-1].children.pop()
                self._size = self._size_before
        elif self._frames and self._frames[-1] == len(self._names):
            self._frames.pop()
            self.found.append(Mark(self._names[-1], self.line, begins=False))
        self._names.pop()

    def _grow(self, size: int) -> None:
        self._size += size
        if self._size > TREE_SIZE_MAX:
            raise TooLargeError("one entry is larger than two million characters")


def stream(file: BinaryIO, collector: Collector) -> Iterator[Node | Mark]:
    """Parse a file and yield what the collector finds, as soon as it is complete.

    :raises SAXParseException: when the document is not well-formed or ends early
    :raises DefusedXmlException: when it declares a document type or entities
    :raises TooLargeError: when a part of it is too large to be held
    """
    parser = create_parser(forbid_dtd=True)
    parser.setContentHandler(collector)
    collector.locator = parser
    chunk = file.read(CHUNK).removeprefix(BOM_UTF8)
    document = chunk.lstrip(b"\r\n\t ")  # some banks begin with an empty line, which XML does not allow
    collector.lines_skipped = chunk[: len(chunk) - len(document)].count(b"\n")
    failure: Exception | None = None
    while document and failure is None:
        try:
            parser.feed(document)
            document = file.read(CHUNK)
            if not document:
                parser.close()
        except (SAXException, DefusedXmlException, TooLargeError) as error:
            failure = error
        while collector.found:  # what was complete before the failure still counts
            yield collector.found.popleft()
    if failure:
        raise failure
