"""Writes a statement as a bank's export without a format of its own, beside the mapping that reads it back."""

import csv
import io
import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from xml.etree import ElementTree as ET

import xlsxwriter

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain

_COLUMNS = ("Booked", "Value", "Amount", "Balance", "Reference", "Bank reference", "Code", "Name", "Account", "Text")
_FIELDS = {
    "end_to_end_id": "Reference",
    "bank_reference": "Bank reference",
    "transaction_code": "Code",
    "counterparty": "Name",
    "counterparty_account": "Account",
}
# Columns of a fixed-width row and their widths; amounts are whole minor units beside their sign.
_WIDTHS = {"Kind": 1, "Booked": 8, "Value": 8, "Side": 1, "Amount": 38, "Balance": 40, "Reference": 35, "Bank reference": 35}
_WIDTHS |= {"Code": 20, "Name": 70, "Account": 34, "Text": 140}
# A spreadsheet's numbers are doubles, which hold fifteen digits exactly.
_EXACT = 10**15


def definition(code: str, statement: Statement) -> dict[str, Any]:
    """Return the mapping that reads what the writer of a format writes."""
    source = statement.source
    pattern = {"csv": "DD.MM.YYYY", "fixed": "YYYYMMDD", "xlsx": "YYYY-MM-DD", "json": "YYYY-MM-DD", "xml": "YYYY-MM-DD"}[code]
    numbers: dict[str, Any] = {"decimal": ",", "thousands": "."} if code == "csv" else {"decimal": ".", "thousands": ""}
    amount: dict[str, Any] = {"sign": "signed", "column": "Amount"}
    fields: dict[str, Any] = dict(_FIELDS)
    if code == "fixed":
        numbers = {"decimal": "", "thousands": "", "units": "minor", "scales": {source.asset: statement.scale}}
        amount = {"sign": "indicator", "column": "Amount", "indicator": "Side", "debit_values": ["D"], "credit_values": ["C"]}
        fields["skip"] = [{"column": "Kind", "equals": ["H"]}]
    if code == "xml":
        fields = {name: column.replace(" ", "") for name, column in fields.items()}
    return {
        "format": code,
        "layout": _LAYOUTS[code](),
        "numbers": numbers,
        "account": {"fixed": source.identifier},
        "currency": {"fixed": source.asset},
        "booking_date": {"column": "Booked", "format": pattern},
        "value_date": {"column": "Value", "format": pattern},
        "amount": amount,
        "balance_after": {"column": "Balance"},
        "order": "newest_first" if code == "csv" else "oldest_first",
        "description": ["Text"],
        **fields,
    } | ({"encoding": "cp1252" if code == "csv" else "utf-8"} if code in ("csv", "fixed") else {})


_LAYOUTS: dict[str, Any] = {
    "csv": lambda: {"delimiter": ";", "quote": '"', "header_row": 3},
    "fixed": lambda: {"columns": _positions(), "line_width": sum(_WIDTHS.values())},
    "xlsx": lambda: {"sheet": "Statement", "header_row": 1},
    "json": lambda: {"records": "statement.entries"},
    "xml": lambda: {"record": "Export/Entries/Entry"},
}


def _positions() -> list[dict[str, Any]]:
    start, columns = 1, []
    for name, width in _WIDTHS.items():
        columns.append({"name": name, "start": start, "width": width})
        start += width
    return columns


def _rows(statement: Statement) -> list[dict[str, Any]]:
    """Return the rows with their running balance; amounts are still minor units and days are days."""
    balance, rows = statement.opening_minor, []
    for line in statement.lines:
        balance += line.amount_minor
        rows.append(_row(line, balance))
    return rows


def _row(line: StatementLine, balance: int) -> dict[str, Any]:
    cells = (
        line.booking_date,
        line.value_date,
        line.amount_minor,
        balance,
        line.reference,
        line.bank_reference,
        line.category,
        line.counterparty,
        line.counterparty_account,
        line.remittance,
    )
    return dict(zip(_COLUMNS, cells, strict=True))


def _written(value: Any, *, scale: int) -> str:
    if isinstance(value, int):
        return plain(value, scale=scale)
    return value.isoformat() if isinstance(value, date) else str(value)


def write_csv(statement: Statement) -> bytes:
    """Return a bank's CSV: newest row first, a comma before the decimals, points between thousands, two rows above the names."""
    out = io.StringIO(newline="")
    rows = csv.writer(out, delimiter=";", lineterminator="\r\n")
    rows.writerows([["Account", statement.source.identifier], ["Owner", statement.owner], _COLUMNS])
    for row in reversed(_rows(statement)):
        rows.writerow([_continental(value, scale=statement.scale) for value in row.values()])
    return out.getvalue().encode("cp1252")


def _continental(value: Any, *, scale: int) -> str:
    if isinstance(value, date):
        return f"{value:%d.%m.%Y}"
    if not isinstance(value, int):
        return str(value)
    whole, _, decimals = plain(abs(value), scale=scale).partition(".")
    grouped = f"{int(whole):,}".replace(",", ".")
    return ("-" if value < 0 else "") + grouped + (f",{decimals}" if decimals else "")


def write_fixed(statement: Statement) -> bytes:
    """Return rows of fixed width under a head that names the account."""
    width = sum(_WIDTHS.values())
    rows = [f"H{statement.source.identifier} {statement.source.asset}".ljust(width)]
    for row in _rows(statement):
        side = {"Kind": "M", "Side": "D" if row["Amount"] < 0 else "C", "Amount": f"{abs(row['Amount']):038d}"}
        texts = {name: f"{value:%Y%m%d}" if isinstance(value, date) else str(value) for name, value in row.items()} | side
        rows.append("".join(texts[name][:size].ljust(size) for name, size in _WIDTHS.items()))
    return "".join(f"{row}\r\n" for row in rows).encode()


def write_xlsx(statement: Statement) -> bytes:
    """Return a workbook whose days are days and whose amounts are numbers, where a number holds them exactly."""
    out = io.BytesIO()
    with xlsxwriter.Workbook(out, {"in_memory": True}) as book:
        midnight = datetime(statement.statement_date.year, statement.statement_date.month, statement.statement_date.day)  # noqa: DTZ001
        book.set_properties({"created": midnight})
        sheet, day = book.add_worksheet("Statement"), book.add_format({"num_format": "yyyy-mm-dd"})
        sheet.write_row(0, 0, _COLUMNS)
        for number, row in enumerate(_rows(statement), start=1):
            for column, value in enumerate(row.values()):
                if isinstance(value, date):
                    sheet.write_datetime(number, column, value, day)
                elif isinstance(value, int) and abs(value) < _EXACT:
                    sheet.write_number(number, column, Decimal(value).scaleb(-statement.scale))
                else:
                    sheet.write_string(number, column, _written(value, scale=statement.scale))
    return out.getvalue()


def write_json(statement: Statement) -> bytes:
    """Return a document with the entries of the statement; amounts are texts, as those who mean them exactly write them."""
    entries = [{name: _written(value, scale=statement.scale) for name, value in row.items()} for row in _rows(statement)]
    head = {"account": statement.source.identifier, "currency": statement.source.asset}
    return json.dumps({"statement": head | {"entries": entries}}, indent=1).encode()


def write_xml(statement: Statement) -> bytes:
    """Return a document with an element for each entry."""
    document = ET.Element("Export", {"account": statement.source.identifier, "currency": statement.source.asset})
    entries = ET.SubElement(document, "Entries")
    for row in _rows(statement):
        entry = ET.SubElement(entries, "Entry")
        for name, value in row.items():
            ET.SubElement(entry, name.replace(" ", "")).text = _written(value, scale=statement.scale)
    return b'<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(document, encoding="unicode").encode()
