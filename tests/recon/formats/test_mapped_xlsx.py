"""Spreadsheets by mapping: true values where they are exact, and nothing that computes."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

import openpyxl
import pytest

from recon.formats.events import Event
from recon.formats.mapped import Mapping, columns_of
from tests.recon.formats.samples import IBAN, chains, errors, fatal, lines, signed

DEFINITION: dict[str, Any] = {
    "format": "xlsx",
    "layout": {"header_row": 1},
    "numbers": {"decimal": ",", "thousands": "."},
    "account": {"fixed": IBAN},
    "currency": {"fixed": "EUR"},
    "booking_date": {"column": "Day", "format": "DD.MM.YYYY"},
    "amount": {"sign": "signed", "column": "Amount"},
    "reference": "Ref",
}
HEAD = ["Day", "Amount", "Ref", "Note"]


def workbook(*rows: Any, title: str = "Export", prepare: Callable[[Any], None] | None = None) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.title = title
    for row in rows:
        sheet.append(list(row))
    if prepare:
        prepare(book)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def read(content: bytes, **changes: Any) -> list[Event]:
    return list(Mapping.from_json(DEFINITION | changes).reader()(io.BytesIO(content)))


def test_reads_true_days_and_exact_numbers_as_well_as_text() -> None:
    rows = [[date(2026, 2, 1), 1234.56, "R1", None], [datetime(2026, 2, 1, 23, 59), -5, 4711], ["01.02.2026", "-1.234,5", "R3"]]  # noqa: DTZ001
    events = read(workbook(HEAD, *rows))
    assert not errors(events)
    assert [str(amount) for amount in signed(events)] == ["1234.56", "-5", "-1234.5"]
    assert {line.booking_date for line in lines(events)} == {date(2026, 2, 1)}
    assert [line.own_reference for line in lines(events)] == ["R1", "4711", "R3"]
    assert (lines(events)[0].place.line, lines(events)[0].place.path) == (2, "Export, row 2")
    cells = read(workbook(HEAD, *rows), booking_date={"column": "Day", "format": "cell"})
    assert [error.place.line for error in errors(cells)] == [4]


@pytest.mark.parametrize(
    ("row", "column"),
    [
        ([date(2026, 2, 1), "=1+1", "R"], "Amount"),
        ([date(2026, 2, 1), 1 / 3, "R"], "Amount"),
        ([date(2026, 2, 1), 1, 1234567890123456789], "Ref"),
        ([date(2026, 2, 1), 1e300, "R"], "Amount"),
        ([date(2026, 2, 1), date(2026, 2, 1), "R"], "Amount"),
        ([time(1, 2), 1, "R"], "Day"),
        ([date(2026, 2, 1), "#REF!", "R"], "Amount"),
        ([45000, 1, "R"], "Day"),
        ([date(2026, 2, 1), None, "R"], "Amount"),
        ([date(2026, 2, 1), 1, "R", "note", "beyond"], "columns"),
    ],
)
def test_an_odd_cell_puts_its_row_into_quarantine(row: list[Any], column: str) -> None:
    (error,) = errors(events := read(workbook(HEAD, row, [date(2026, 2, 1), 1, "R"])))
    assert (error.row, error.field, error.place.line, len(lines(events))) == (True, column, 2, 1)


def test_a_formula_in_a_column_that_nobody_reads_is_harmless() -> None:
    assert len(lines(read(workbook(HEAD, [date(2026, 2, 1), 1, "R", "=1+1"])))) == 1


def test_sheets_heads_balances_and_footers_stand_where_the_mapping_says() -> None:
    def second(book: Any) -> None:
        sheet = book.create_sheet("Konto")
        for row in (
            ["Opening", 100.5],
            ["Closing", "101,50"],
            HEAD,
            ["", "EUR", ""],
            [date(2026, 2, 1), 1, "R"],
            [],
            ["printed by", "bank"],
        ):
            sheet.append(list(row))

    content = workbook(["other"], prepare=second)
    layout = {"sheet": "Konto", "header_row": 3, "skip_rows": 1, "footer_rows": 1}
    events = read(content, layout=layout, opening={"row": 1, "cell": 2}, closing={"row": 2, "cell": 2})
    assert [whole.proof.status for whole in chains(events)] == ["proven"]
    assert signed(events) == [Decimal(1)]
    (error,) = fatal(read(content, layout=layout | {"sheet": "Other"}))
    assert "Export, Konto" in error.message
    named = {"sheet": "Export", "header_row": 0, "columns": HEAD}
    assert len(lines(read(workbook([date(2026, 2, 1), 1, "R"]), layout=named))) == 1


def packed(parts: dict[str, bytes], *, without: str = "") -> bytes:
    """Return a good workbook with other parts in it."""
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(workbook(HEAD, [date(2026, 2, 1), 1, "R"]))) as good,
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as bad,
    ):
        for name in good.namelist():
            if name not in parts and name != without:
                bad.writestr(name, good.read(name))
        for name, content in parts.items():
            bad.writestr(name, content)
    return buffer.getvalue()


SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "no workbook"),
        (b"Day;Amount;Ref", "no workbook"),
        (b"PK\x03\x04" + b"x" * 100, "no workbook"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "old (.xls) or encrypted"),
        (packed({"xl/vbaProject.bin": b"x"}), "macros"),
        (packed({"xl/macrosheets/sheet1.xml": b"<x/>"}), "macros"),
        (packed({"xl/media/image.png": b"\0" * 30_000_000}), "many times its size"),
        (packed({SHEET: b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet>&a;</worksheet>'}), "defines entities"),
        (packed({}, without="xl/workbook.xml"), "no workbook"),
        (packed({f"x{number}": b"" for number in range(600)}), "unpacks to more"),
        (packed({"xl/workbook.xml": b"<workbook"}), "damaged"),
        (packed({SHEET: b"<worksheet><sheetData><row r='1'>"}), "damaged"),
        (workbook(HEAD), "no rows"),
        (workbook(["x"], [1]), "no column"),
    ],
)
def test_a_workbook_that_cannot_be_trusted_is_refused(content: bytes, said: str) -> None:
    assert any(said in error.message for error in fatal(read(content)))


def test_a_sheet_that_lies_about_its_size_does_not_hang() -> None:
    cells = b'<c r="A%d" t="inlineStr"><is><t>x</t></is></c>'
    rows = b"".join(b'<row r="%d">%s</row>' % (number, cells % number) for number in (1, 2, 999_999_999))
    sheet = b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>' + rows + b"</sheetData></worksheet>"
    assert fatal(read(packed({SHEET: sheet})))


def test_the_preview_shows_days_numbers_and_formulas_as_text() -> None:
    sample = columns_of(io.BytesIO(workbook(HEAD, [date(2026, 2, 1), 1.5, "=A1", None])), {"format": "xlsx", "layout": {"header_row": 1}})
    assert sample.columns == tuple(HEAD)
    assert sample.rows == (("2026-02-01T00:00:00", "1.5", "=A1", ""),)
