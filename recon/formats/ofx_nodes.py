"""OFX text as elements that open and close: version 1 leaves end tags out (SGML), version 2 writes all of them (XML).

One small tokenizer reads both. It knows no document types and expands nothing but the five named entities and numeric ones.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from recon.formats.events import LocatedError, Place, refusal
from recon.formats.text import one_line

TRADES = frozenset(
    {
        "BUYDEBT", "BUYMF", "BUYOPT", "BUYOTHER", "BUYSTOCK", "CLOSUREOPT", "INCOME", "INVEXPENSE", "JRNLFUND", "JRNLSEC", "MARGININTEREST",
        "REINVEST", "RETOFCAP", "SELLDEBT", "SELLMF", "SELLOPT", "SELLOTHER", "SELLSTOCK", "SPLIT", "TRANSFER",
    }
)  # fmt: skip
STATEMENTS = {"STMTRS": "BANKACCTFROM", "CCSTMTRS": "CCACCTFROM", "INVSTMTRS": "INVACCTFROM"}
RESPONSES = frozenset({"STMTTRNRS", "CCSTMTTRNRS", "INVSTMTTRNRS"})
LINES = frozenset({"STMTTRN", "STMTTRNP"})
LISTS = frozenset({"BANKTRANLIST", "BANKTRANLISTP", "INVTRANLIST"})
_BALANCES = frozenset({"LEDGERBAL", "AVAILBAL", "INVBAL", "INVPOSLIST"})
# Elements that hold others. Any other element is a value, whether it has an end tag or not.
_HOLDERS = (
    {"OFX", "SONRS", "STATUS", "FI", "INVBANKTRAN", "PAYEE", "CURRENCY", "ORIGCURRENCY", "BANKACCTTO", "CCACCTTO"}
    | {"BAL", "SECID", "SECLISTMSGSRSV1", "SIGNUPMSGSRSV1"}
    | LINES | TRADES | RESPONSES | LISTS | _BALANCES | set(STATEMENTS) | set(STATEMENTS.values())
)  # fmt: skip
_TAG = re.compile(r"<(/?)([A-Za-z][A-Za-z0-9._-]{0,60})(?:\s[^<>]{0,500})?(/?)>")
_ENTITY = re.compile(r"&(?:(amp|lt|gt|quot|apos|nbsp)|#([0-9]{1,7})|#[xX]([0-9A-Fa-f]{1,6}));")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " "}
_SKIPPED = {"<!--": "-->", "<?": "?>"}
_CDATA = "<![CDATA["
PIECES_MAX = 10_000


@dataclass(slots=True, eq=False)
class Node:
    """An element that holds others: its values by name, with the line of each. The first of two values counts."""

    name: str
    line: int
    parent: Node | None
    values: dict[str, str] = field(default_factory=dict)
    lines: dict[str, int] = field(default_factory=dict)
    children: dict[str, Node] = field(default_factory=dict)

    def get(self, *paths: str) -> str:
        """Return the first value that is not empty; a path is a name, or a child and a name."""
        for path in paths:
            child, _, name = path.rpartition("/")
            node = self.children.get(child) if child else self
            if node and node.values.get(name):
                return node.values[name]
        return ""

    def place(self, name: str = "") -> Place:
        return Place(self.lines.get(name, self.line), None, f"{self.name}/{name}" if name else self.name)


def nodes(text: str) -> Iterator[tuple[Node, bool] | LocatedError]:
    """Yield each holder when it opens (false) and when it is complete (true). Holders left open at the end are not complete."""
    stack: list[Node] = []
    for tag, closing, value, line in _tags(text):
        if isinstance(tag, LocatedError):
            yield tag
            return
        if closing:
            while any(node.name == tag for node in stack):
                yield stack[-1], True
                if stack.pop().name == tag:
                    break
        elif tag in _HOLDERS:
            while stack and _ends(stack, tag):
                yield stack.pop(), True
            node = Node(tag, line, stack[-1] if stack else None)
            if stack:
                stack[-1].children.setdefault(tag, node)
            stack.append(node)
            yield node, False
        elif tag == "TRNAMT" and not (stack and stack[-1].name in LINES and tag not in stack[-1].values):
            message = "An amount stands outside a transaction, or a transaction has two: an element STMTTRN is damaged or missing."
            yield refusal(place=Place(line, None, "TRNAMT"), field="STMTTRN", value=value, message=message)
        elif stack and tag not in stack[-1].values:
            stack[-1].values[tag], stack[-1].lines[tag] = value, line


def _ends(stack: list[Node], tag: str) -> bool:
    """Tell whether the beginning of `tag` ends what was left open: nothing stands within its like, no balance within a list."""
    return any(node.name == tag or (tag in _BALANCES and node.name in LISTS) for node in stack)


def _tags(text: str) -> Iterator[tuple[str | LocatedError, bool, str, int]]:
    """Yield (name, closing, value, line) for each tag; the value is the text up to the next tag."""
    name, closing, line = "", False, 1
    said: list[str] = []
    position = counted = 0
    number = 1
    while True:
        found = text.find("<", position)
        stop = len(text) if found < 0 else found
        said.append(_unescaped(text[position:stop]))
        if found < 0:
            break
        number, counted = number + text.count("\n", counted, found), found
        opener = next((one for one in _SKIPPED if text.startswith(one, found)), "")
        if text[found : found + 9].upper() in ("<!DOCTYPE", "<!ENTITY "):
            message = "The file declares a document type or entities, which no statement needs and which can be an attack."
            yield _refused("DOCTYPE", text[found : found + 80], message, line=number), False, "", number
            return
        if opener or text.startswith(_CDATA, found):
            end = text.find(_SKIPPED.get(opener, "]]>"), found)
            if end < 0:
                message = "A comment or a section of text does not end: the file is damaged or was cut off."
                yield _refused("text", text[found : found + 80], message, line=number), False, "", number
                return
            if not opener:
                said.append(text[found + len(_CDATA) : end])
            position = end + (2 if opener == "<?" else 3)
            continue
        match = _TAG.match(text, found)
        if match is None:
            said.append("<")
            if len(said) > PIECES_MAX:
                message = "A value is longer than any bank writes; the file looks damaged."
                yield _refused(name or "text", "", message, line=line), False, "", line
                return
            position = found + 1
            continue
        if name:
            yield name, closing, one_line("".join(said)), line
        said.clear()
        name, closing, line, position = match[2].upper(), bool(match[1]), number, match.end()
        if match[3]:
            yield name, False, "", line
            closing = True
    if name:
        yield name, closing, one_line("".join(said)), line


def _refused(field: str, value: str, message: str, *, line: int) -> LocatedError:
    return refusal(place=Place(line, None, field), field=field, value=value, message=message)


def _unescaped(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    if match[1]:
        return _ENTITIES[match[1]]
    code = int(match[2]) if match[2] else int(match[3], 16)
    return chr(code) if 32 <= code < 0xD800 or 0xE000 <= code <= 0x10FFFF else "\ufffd"
