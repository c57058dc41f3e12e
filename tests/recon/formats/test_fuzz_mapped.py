"""No damage makes a mapped reader raise, and none loses a row: lines, rows left out and rows in quarantine are the rows of the file."""

import csv
import io
import json
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.formats.events import VALUE_MAX, Event, LocatedError
from recon.formats.mapped import Mapping, MappingRefused, columns_of
from tests.recon.formats.samples import chains, errors, fatal, lines

COMMON: dict[str, Any] = {
    "numbers": {"decimal": ".", "thousands": ","},
    "currency": {"column": "Ccy"},
    "booking_date": {"column": "Day", "format": "YYYY-MM-DD"},
    "amount": {"sign": "signed", "column": "Amount"},
    "balance_after": {"column": "Saldo"},
    "order": "oldest_first",
    "description": ["Text"],
    "skip": [{"column": "Text", "equals": ["pending"]}],
}
NAMES = ("Day", "Amount", "Ccy", "Saldo", "Text")
ROWS = [
    ("2026-02-01", "10.00", "EUR", "110.00", "rent"),
    ("2026-02-02", "-5.00", "EUR", "105.00", 'a "quoted" text'),
    ("2026-02-02", "7.00", "EUR", "", "pending"),
    ("2026-02-03", "1,000.00", "USD", "1,000.00", "é"),
    ("2026-02-04", "x", "EUR", "105.00", "bad"),
]


def _csv() -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=";").writerows([NAMES, *ROWS])
    return out.getvalue().encode()


def _fixed() -> bytes:
    return "".join("".join(cell.ljust(20)[:20] for cell in row) + "\n" for row in ROWS).encode()


def _json() -> bytes:
    return json.dumps({"rows": [dict(zip(NAMES, row, strict=True)) for row in ROWS]}).encode()


def _xml() -> bytes:
    root = ET.Element("Export")
    for row in ROWS:
        record = ET.SubElement(root, "Row")
        for name, text in zip(NAMES, row, strict=True):
            ET.SubElement(record, name).text = text
    return ET.tostring(root)


def _xlsx(rows: list[tuple[Any, ...]] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in [NAMES, *(rows or ROWS)]:
        sheet.append(list(row))
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def csv_rows(content: bytes) -> int:
    """Count the lines under the first that hold anything, each alone, as a reader of rows must."""
    found = 0
    for line in re.split("\r\n|\n|\r", content.decode().removeprefix("\ufeff"))[1:]:
        try:
            cells = next(csv.reader([line], delimiter=";", strict=True), [])
        except csv.Error:
            cells = [line]
        found += any(cells)
    return found


def fixed_rows(content: bytes) -> int:
    return sum(bool(line.strip()) for line in re.split("\r\n|\n|\r", content.decode().removeprefix("\ufeff")))


LAYOUTS: dict[str, tuple[dict[str, Any], bytes, Callable[[bytes], int]]] = {
    "csv": ({"encoding": "utf-8", "layout": {"delimiter": ";", "quote": '"', "header_row": 1}}, _csv(), csv_rows),
    "fixed": (
        {"encoding": "utf-8", "layout": {"columns": [{"name": name, "start": 1 + 20 * at, "width": 20} for at, name in enumerate(NAMES)]}},
        _fixed(),
        fixed_rows,
    ),
    "json": ({"layout": {"records": "rows"}}, _json(), lambda content: len(json.loads(content.removeprefix(b"\xef\xbb\xbf"))["rows"])),
    "xml": (
        {"layout": {"record": "Export/Row"}},
        _xml(),
        lambda content: sum(node.tag.rpartition("}")[2].rpartition(":")[2] == "Row" for node in ET.fromstring(content)),  # noqa: S314
    ),
    "xlsx": ({"layout": {"header_row": 1}}, _xlsx(), lambda _content: len(ROWS)),
}


def check(code: str, content: bytes) -> list[Event]:
    layout, _, count = LAYOUTS[code]
    definition = {"format": code} | COMMON | layout
    columns_of(io.BytesIO(content), definition)
    events = list(Mapping.from_json(definition).reader()(io.BytesIO(content)))
    assert events
    for event in events:
        if isinstance(event, LocatedError):
            assert event.message.endswith(".")
            assert len(event.value) <= VALUE_MAX
            assert event.place.path
    chains(events, scale=40)
    if not fatal(events):
        left_out = sum(int(error.value) for error in errors(events) if "left out" in error.message)
        found = len(lines(events)) + left_out + sum(error.row for error in errors(events))
        assert found == count(content), [event for event in events if isinstance(event, LocatedError)]
    return events


def mutated(code: str, data: st.DataObject) -> bytes:
    content = bytearray(LAYOUTS[code][1])
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        piece = data.draw(
            st.one_of(st.binary(max_size=4), st.sampled_from([b'"', b";", b"\r", b"\n", b'""', b"\0", b"}", b",", b"</Row>", b"<"]))
        )
        content[position : position + data.draw(st.integers(0, 4))] = piece
    return bytes(content)


@pytest.mark.parametrize("code", sorted(LAYOUTS))
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_loses_no_row_of_mutated_bytes(code: str, data: st.DataObject) -> None:
    check(code, mutated(code, data))


@pytest.mark.slow
@pytest.mark.parametrize("code", sorted(LAYOUTS))
@settings(max_examples=5000, deadline=None)
@given(data=st.data())
def test_loses_no_row_of_mutated_bytes_for_long(code: str, data: st.DataObject) -> None:
    check(code, mutated(code, data))


@pytest.mark.parametrize("code", sorted(LAYOUTS))
@settings(max_examples=40, deadline=None)
@given(content=st.binary(max_size=300))
def test_survives_any_bytes(code: str, content: bytes) -> None:
    assert fatal(check(code, content))


@settings(max_examples=150, deadline=None)
@given(rows=st.lists(st.text(alphabet='";,\n\r\0a1-.20 ', max_size=40), max_size=12))
def test_loses_no_row_of_any_text(rows: list[str]) -> None:
    check("csv", (";".join(NAMES) + "\n" + "\n".join(rows)).encode())


CELLS = st.one_of(
    st.none(),
    st.text(alphabet="=+-.,a1 ", max_size=8),
    st.integers(-(10**18), 10**18),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.dates(min_value=date(1990, 1, 1)),
    st.booleans(),
)


@settings(max_examples=60, deadline=None)
@given(rows=st.lists(st.tuples(CELLS, CELLS, CELLS, CELLS, st.just("text")), min_size=1, max_size=6))
def test_loses_no_row_of_any_cells(rows: list[tuple[Any, ...]]) -> None:
    definition = {"format": "xlsx"} | COMMON | LAYOUTS["xlsx"][0]
    events = list(Mapping.from_json(definition).reader()(io.BytesIO(_xlsx(rows))))
    assert len(lines(events)) + sum(error.row for error in errors(events)) == len(rows)


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-5, 5), st.text(max_size=6), st.sampled_from(["csv", "signed", "Day", "YYYY-MM-DD", ";"])
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*COMMON, "column", "format", "sign", "layout", "fixed"]), inner)
    ),
    max_leaves=10,
)


@settings(max_examples=300, deadline=None)
@given(
    changes=st.dictionaries(
        st.sampled_from([*COMMON, "format", "layout", "encoding", "account", "keys", "totals", "opening"]), JSON, max_size=3
    )
)
def test_a_definition_is_taken_or_refused_by_a_key(changes: dict[str, Any]) -> None:
    try:
        Mapping.from_json({"format": "csv"} | COMMON | LAYOUTS["csv"][0] | changes)
    except MappingRefused as refused:
        said = refused
    else:
        return
    assert said.field
    assert said.message


def test_the_sample_itself_adds_up() -> None:
    for code, (_, content, count) in LAYOUTS.items():
        events = check(code, content)
        assert not fatal(events), code
        assert count(content) == len(ROWS)
        assert {line.amount for line in lines(events)} == {Decimal(10), Decimal(5), Decimal(1000)}
