"""JSON, XML and fixed width by mapping: records where the mapping says they are, exact, and nothing lost."""

from __future__ import annotations

import io
import json
import tracemalloc
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from recon.formats.events import ControlRead, Event, LineRead
from recon.formats.mapped import Mapping, MappingRefused, columns_of
from recon.formats.mapped_table import CHUNK
from tests.recon.formats.samples import IBAN, balances, chains, errors, fatal, lines, opened, signed

PLAIN: dict[str, Any] = {
    "numbers": {"decimal": ".", "thousands": ""},
    "currency": {"column": "amount.currency"},
    "booking_date": {"column": "at", "format": "YYYY-MM-DDThh:mm:ssZ"},
    "amount": {"sign": "signed", "column": "amount.value"},
    "keys": {"processor_reference": "id"},
}
RECORD = '{"id": "T1", "at": "2026-02-01T10:00:00Z", "amount": {"value": 12.50, "currency": "EUR"}}'


def read_json(text: str | bytes, *, records: str | None = "data.items", **changes: Any) -> list[Event]:
    definition = {"format": "json", "layout": {"records": records}} | PLAIN | changes
    return list(Mapping.from_json(definition).reader()(io.BytesIO(text if isinstance(text, bytes) else text.encode())))


def document(*records: str, head: str = "", tail: str = "") -> str:
    return f'{{"meta": {{"list": [1, {{"x": []}}]}}, {head}"data": {{"items": [{", ".join(records)}], "more": true}}{tail}}}'


def test_reads_records_wherever_they_stand_with_exact_numbers() -> None:
    exact = RECORD.replace("12.50", "-123456789012345678901234567890.123456789012345678")
    events = read_json(document(RECORD, "\n" + exact))
    first, second = lines(events)
    assert (str(first.amount), str(second.amount)) == ("12.50", "123456789012345678901234567890.123456789012345678")
    assert (first.direction, second.direction) == ("credit", "debit")
    assert (first.place.path, second.place.line, first.keys) == ("data.items[0]", 2, (("processor_reference", "T1"),))
    assert json.loads(second.raw)["id"] == "T1"
    assert opened(events)[0].currency == "EUR"


@pytest.mark.parametrize("text", [f"[{RECORD},{RECORD}]", f" [ {RECORD} , {RECORD} ] ", f"\ufeff[{RECORD},{RECORD}]"])
def test_the_document_may_be_the_list(text: str) -> None:
    assert len(lines(read_json(text, records=None))) == 2


def test_each_line_may_be_a_record() -> None:
    events = read_json(f"{RECORD}\n\n{RECORD}\n", layout={"lines": True})
    assert [line.place.line for line in lines(events)] == [1, 3]


def test_a_pointer_reaches_names_with_dots() -> None:
    record = '{"a.b": "2026-02-01", "amount": {"value": "1.00", "currency": "EUR"}, "id": "x"}'
    events = read_json(document(record), booking_date={"column": "/a.b", "format": "YYYY-MM-DD"})
    assert signed(events) == [Decimal("1.00")]


def test_records_larger_than_a_piece_and_numbers_cut_between_pieces() -> None:
    records = [
        RECORD.replace('"T1"', f'"{number}{"x" * (number * 37 % 130)}", "filler": "{"y" * 100}"').replace("12.50", f"{number}.25")
        for number in range(1500)
    ]
    text = document(*records)
    assert len(text) > 4 * CHUNK
    events = read_json(text, keys=None)
    assert signed(events) == [Decimal(f"{number}.25") for number in range(1500)]
    numbers = "[" + ",".join(f"[{number}, 1]" for number in range(100_000, 130_000)) + "]"
    changes = {
        "currency": {"fixed": "EUR"},
        "amount": {"sign": "signed", "column": "0"},
        "booking_date": {"column": "1", "format": "unix", "time_zone": "UTC"},
        "keys": None,
    }
    assert [int(amount) for amount in signed(read_json(numbers, records=None, **changes))] == list(range(100_000, 130_000))


@pytest.mark.parametrize(
    ("record", "said"),
    [
        (RECORD.replace('"id"', '"at": "2026-01-01T00:00:00Z", "id"'), "twice"),
        (RECORD.replace("12.50", '"12.50", "value": "13.50"'), "twice"),
        (RECORD.replace("12.50", "NaN"), "not a number"),
        (RECORD.replace("12.50", "1e400"), "more digits"),
        (RECORD.replace("12.50", "null"), "missing"),
        (RECORD.replace("12.50", "[1]"), "several"),
        (RECORD.replace("12.50", "true"), "not a number"),
        ("7", "single value"),
        ("{}", "currency"),
    ],
)
def test_an_odd_record_goes_to_quarantine_alone(record: str, said: str) -> None:
    events = read_json(document(record, RECORD))
    (error,) = errors(events)
    assert error.row
    assert said in error.message
    assert (error.raw, error.place.path.partition(",")[0], len(lines(events))) == (record, "data.items[0]", 1)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (document(RECORD)[:-20], "cut off"),
        (document(RECORD, RECORD[:-4]), "well-formed"),
        (document(RECORD) + "x", "follows the end"),
        (document(RECORD).replace('"items"', '"others"'), "no list of records"),
        (document(RECORD, tail=', "data": {"items": []}'), "twice"),
        ("[" * 100_000, "nested deeper"),
        ('{"data": {"items": [' + "[" * 100_000, "nested deeper"),
        ('{"data": {"items": ["' + "x" * 2_000_000, "longer than"),
        ("", "well-formed"),
        ("<xml/>", "well-formed"),
    ],
)
def test_a_damaged_document_is_refused_with_its_line(text: str, said: str) -> None:
    (error,) = fatal(read_json(text))
    assert said in error.message
    assert error.place.line == 1


def test_json_is_utf_8() -> None:
    assert "mark of utf-16" in fatal(read_json(document(RECORD).encode("utf-16")))[0].message
    (error,) = fatal(read_json(document(RECORD).replace("T1", "Ö").encode("latin-1")))
    assert error.field == "encoding"


def test_balances_stand_beside_the_records_before_or_after_them() -> None:
    changes: dict[str, Any] = {"currency": {"fixed": "EUR"}, "opening": {"path": "balance.start"}, "closing": {"path": "balance.end"}}
    balance = '"balance": {"start": "100.00", "end": 112.50}'
    for text in (document(RECORD, head=balance + ", "), document(RECORD, tail=", " + balance)):
        assert [whole.proof.status for whole in chains(read_json(text, **changes))] == ["proven"]
    assert [error.field for error in errors(read_json(document(RECORD), **changes))] == ["opening", "closing"]


def test_the_preview_finds_the_paths_of_the_fields() -> None:
    sample = columns_of(
        io.BytesIO(document(RECORD, '{"id": "T2", "fee.net": 1}').encode()), {"format": "json", "layout": {"records": "data.items"}}
    )
    assert sample.columns == ("id", "at", "amount.value", "amount.currency", "/fee.net")
    assert sample.rows[1] == ("T2", "", "", "", "1")
    large = columns_of(io.BytesIO(document(*[RECORD] * 60_000).encode()), {"format": "json", "layout": {"records": "data.items"}})
    assert (len(large.rows), large.remarks) == (50, ("Only the first 4 MB of the file were looked at.",))
    broken = columns_of(io.BytesIO(b"["), {"format": "json", "layout": {}})
    assert len(broken.remarks) == 1


XML: dict[str, Any] = {
    "format": "xml",
    "layout": {"record": "Export/Entries/Entry"},
    "numbers": {"decimal": ".", "thousands": ""},
    "currency": {"column": "Amt/@Ccy"},
    "booking_date": {"column": "@day", "format": "YYYY-MM-DD"},
    "amount": {"sign": "indicator", "column": "Amt", "indicator": "Side", "debit_values": ["D"], "credit_values": ["C"]},
    "reference": "Ref/Id",
    "description": ["Text"],
}
ENTRY = '<Entry day="2026-02-01"><Amt Ccy="EUR">12.50</Amt><Side>D</Side><Ref><Id>R1</Id></Ref><Text>one</Text><Text>two</Text></Entry>'


def read_xml(text: str, **changes: Any) -> list[Event]:
    return list(Mapping.from_json(XML | changes).reader()(io.BytesIO(text.encode())))


def export(*entries: str, more: str = "", attributes: str = "") -> str:
    return f"<Export{attributes}><Head><Opening>100.00</Opening></Head><Entries>{''.join(entries)}</Entries>{more}</Export>"


@pytest.mark.parametrize("attributes", ["", ' xmlns="urn:any"'])
def test_reads_elements_and_attributes_with_their_line(attributes: str) -> None:
    events = read_xml(export(ENTRY, "\n" + ENTRY, attributes=attributes))
    assert not errors(events)
    first, second = lines(events)
    assert (first.direction, first.amount, first.own_reference, first.description) == ("debit", Decimal("12.50"), "R1", "one two")
    assert (second.place.line, second.place.path) == (2, "Export/Entries/Entry[2]")


def test_balances_stand_in_elements_beside_the_records() -> None:
    changes = {"currency": {"fixed": "EUR"}, "opening": {"path": "Export/Head/Opening"}, "closing": {"path": "Export/Foot/Closing"}}
    events = read_xml(export(ENTRY, more="<Foot><Closing>87.50</Closing></Foot>"), **changes)
    assert balances(events) == {"opening": Decimal("100.00"), "closing": Decimal("87.50")}
    assert [whole.proof.status for whole in chains(events)] == ["proven"]


def test_two_amounts_are_no_amount() -> None:
    events = read_xml(export(ENTRY.replace("<Side>", "<Amt>1.00</Amt><Side>"), ENTRY))
    assert [(error.row, error.field) for error in errors(events)] == [(True, "Amt")]
    assert len(lines(events)) == 1


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ('<!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]>' + export(ENTRY), "DOCTYPE"),
        ('<!DOCTYPE d [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>' + export(ENTRY), "DOCTYPE"),
        (export(ENTRY)[:-5], "XML"),
        (export(), "file"),
        ("<Other/>", "file"),
        ("", "file"),
        (export(f"<Entry>{'<a>' * 200}"), "XML"),
    ],
)
def test_an_xml_file_that_cannot_be_trusted_is_refused(text: str, field: str) -> None:
    assert field in [error.field for error in fatal(read_xml(text))]


def test_the_preview_of_xml_finds_elements_and_attributes() -> None:
    sample = columns_of(io.BytesIO(export(ENTRY).encode()), XML)
    assert sample.columns == ("@day", "Amt/@Ccy", "Amt", "Side", "Ref/Id", "Text")
    assert sample.rows == (("2026-02-01", "EUR", "12.50", "D", "R1", "one two"),)
    with pytest.raises(MappingRefused) as refused:
        columns_of(io.BytesIO(b""), {"format": "xml", "layout": {"record": "Entry"}})
    assert refused.value.field == "layout.record"


FIXED: dict[str, Any] = {
    "format": "fixed",
    "encoding": "latin-1",
    "layout": {
        "columns": [
            {"name": "kind", "start": 1, "width": 1},
            {"name": "day", "start": 2, "width": 6},
            {"name": "amount", "start": 8, "width": 12},
            {"name": "side", "start": 20, "width": 1},
            {"name": "text", "start": 21, "width": 10},
        ],
        "line_width": 30,
    },
    "numbers": {"decimal": "", "thousands": "", "units": "minor"},
    "account": {"fixed": IBAN},
    "currency": {"fixed": "EUR"},
    "booking_date": {"column": "day", "format": "DDMMYY"},
    "amount": {"sign": "indicator", "column": "amount", "indicator": "side", "debit_values": ["D"], "credit_values": ["C"]},
    "description": ["text"],
    "skip": [{"column": "kind", "equals": ["H"]}],
    "totals": {"where": {"column": "kind", "equals": ["T"]}, "count": "day", "credits": "amount"},
}


def read_fixed(*rows: str, **changes: Any) -> list[Event]:
    return list(Mapping.from_json(FIXED | changes).reader()(io.BytesIO("\n".join(rows).encode("latin-1"))))


def test_fixed_width_is_read_by_position_with_head_and_trailer() -> None:
    rows = [f"{'H010226':30}", f"M010226000000001250Cgrün{'':6}", f"M020226000000000250D{'':10}", f"T000002000000001250{'':11}"]
    events = read_fixed(*rows)
    assert signed(events) == [Decimal("12.50"), Decimal("-2.50")]
    assert lines(events)[0].description == "grün"
    controls = [(event.name, event.declared, event.found) for event in events if isinstance(event, ControlRead)]
    assert controls == [("count", 2, 2), ("credits", Decimal("12.50"), Decimal("12.50"))]
    assert len(errors(events)) == 1  # the head that was left out


def test_a_cut_line_goes_to_quarantine() -> None:
    good = f"M010226000000001250C{'':10}"
    events = read_fixed(good, good[:25], good + "x", good.replace("1250", "12\x000"))
    assert [(error.place.line, error.row) for error in errors(events)] == [(2, True), (3, True), (4, True)]
    layout = FIXED["layout"] | {"line_width": None}
    assert len(lines(read_fixed(good.rstrip() + " ", good[:10], layout=layout))) == 1


@pytest.mark.parametrize(
    ("layout", "head", "row", "between", "tail"),
    [
        ({"format": "json", "layout": {"records": "rows"}}, '{"rows":[', '{"Day":"2026-02-01","Amount":"1.00"}', ",", "]}"),
        ({"format": "xml", "layout": {"record": "E/R"}}, "<E>", "<R><Day>2026-02-01</Day><Amount>1.00</Amount></R>", "", "</E>"),
        (
            {"format": "csv", "encoding": "utf-8", "layout": {"delimiter": ";", "quote": '"', "header_row": 1}},
            "Day;Amount\n",
            "2026-02-01;1.00",
            "\n",
            "",
        ),
    ],
    ids=["json", "xml", "csv"],
)
def test_a_large_file_is_read_in_little_memory(
    tmp_path: Path, layout: dict[str, Any], head: str, row: str, between: str, tail: str
) -> None:
    path, times = tmp_path / "large", 12_000
    path.write_text(head + between.join([row] * times) + tail)
    common = {
        "numbers": {"decimal": ".", "thousands": ""},
        "currency": {"fixed": "EUR"},
        "booking_date": {"column": "Day", "format": "YYYY-MM-DD"},
        "amount": {"sign": "signed", "column": "Amount"},
    }
    read = Mapping.from_json(layout | common).reader()
    tracemalloc.start()
    with path.open("rb") as file:
        found = sum(isinstance(event, LineRead) for event in read(file))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert found == times
    assert peak < 2_000_000


def test_a_list_without_records_is_a_day_without_movements_where_the_document_says_which() -> None:
    text = '{"asOf": "2026-11-02", "data": {"items": []}}'
    changes: dict[str, Any] = {"day": {"path": "asOf", "format": "YYYY-MM-DD"}, "currency": {"fixed": "EUR"}, "account": {"fixed": IBAN}}
    (statement,) = opened(read_json(text, **changes))
    assert (statement.account, str(statement.period_end)) == (IBAN, "2026-11-02")
    assert "does not say of which day" in fatal(read_json('{"data": {"items": []}}'))[0].message
