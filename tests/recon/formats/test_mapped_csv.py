"""CSV by mapping: what a bank exports, read as the mapping says and no other way."""

from __future__ import annotations

import io
from decimal import Decimal
from typing import Any

import pytest

from recon.formats.events import ControlRead, Event, LocatedError
from recon.formats.mapped import Mapping, MappingRefused, columns_of
from recon.formats.mapped_table import CHUNK
from tests.recon.formats.samples import IBAN, balances, chains, errors, fatal, lines, opened, signed

NUMBERS = {"decimal": ",", "thousands": "."}
LAYOUT = {"delimiter": ";", "quote": '"', "header_row": 1}


def definition(**changes: Any) -> dict[str, Any]:
    """Return the mapping of `Day;Text;Amount;Ref`, changed; None leaves a key out."""
    whole = {
        "format": "csv",
        "encoding": "utf-8",
        "layout": LAYOUT,
        "numbers": NUMBERS,
        "account": {"fixed": IBAN},
        "currency": {"fixed": "EUR"},
        "booking_date": {"column": "Day", "format": "DD.MM.YYYY"},
        "amount": {"sign": "signed", "column": "Amount"},
        "reference": "Ref",
        "description": ["Text"],
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def read(text: str | bytes, **changes: Any) -> list[Event]:
    content = text if isinstance(text, bytes) else text.encode()
    return list(Mapping.from_json(definition(**changes)).reader()(io.BytesIO(content)))


def csv(*rows: str, head: str = "Day;Text;Amount;Ref") -> str:
    return "\r\n".join([head, *rows, ""])


def quarantine(events: list[Event]) -> list[LocatedError]:
    return [error for error in errors(events) if error.row]


def controls(events: list[Event]) -> list[tuple[str, Decimal, Decimal]]:
    return [(event.name, event.declared, event.found) for event in events if isinstance(event, ControlRead)]


def test_reads_rows_with_their_line_and_text() -> None:
    events = read(csv("02.01.2026;Rent  March;-1.234,56;R1", "03.01.2026;Salary;3.500,00;NONREF"))
    (statement,) = opened(events)
    assert (statement.account, statement.account_scheme, statement.currency, statement.kind) == (IBAN, "iban", "EUR", "statement")
    first, second = lines(events)
    assert (first.amount, first.direction, first.booking_date.isoformat(), first.description) == (
        Decimal("1234.56"),
        "debit",
        "2026-01-02",
        "Rent March",
    )
    assert (first.place.line, first.raw, first.keys) == (2, "02.01.2026;Rent  March;-1.234,56;R1", (("own_reference", "R1"),))
    assert (second.own_reference, second.keys, signed(events)) == ("", (), [Decimal("-1234.56"), Decimal("3500.00")])


def test_an_ambiguous_date_is_never_guessed() -> None:
    with pytest.raises(MappingRefused, match="01/02/2026") as refused:
        Mapping.from_json(definition(booking_date={"column": "Day"}))
    assert refused.value.field == "booking_date.format"
    rows = csv("01/02/2026;x;1,00;a")
    american = read(rows, booking_date={"column": "Day", "format": "MM/DD/YYYY"})
    european = read(rows, booking_date={"column": "Day", "format": "DD/MM/YYYY"})
    assert [lines(events)[0].booking_date.isoformat() for events in (american, european)] == ["2026-01-02", "2026-02-01"]


@pytest.mark.parametrize(
    ("pattern", "text", "day"),
    [
        ("YYYY-MM-DD", "2026-02-28", "2026-02-28"),
        ("YYYYMMDD", "20260228", "2026-02-28"),
        ("D/M/YY", "8/2/26", "2026-02-08"),
        ("DD-MMM-YYYY", "28-Feb-2026", "2026-02-28"),
        ("YYYY-MM-DDThh:mm:ss.fffZ", "2026-02-28T23:59:59.123+01:00", "2026-02-28"),
        ("unix", "1772236800", "2026-02-28"),
        ("unix_ms", "1772236799999", "2026-02-27"),
    ],
)
def test_days_are_written_as_the_pattern_says(pattern: str, text: str, day: str) -> None:
    zone = {"time_zone": "UTC"} if pattern.startswith("unix") else {}
    (line,) = lines(read(csv(f"{text};x;1,00;a"), booking_date={"column": "Day", "format": pattern, **zone}))
    assert line.booking_date.isoformat() == day


@pytest.mark.parametrize("text", ["", "31.02.2026", "2026-02-01", "1.2.2026", "01.02.26", "01.02.2026 x"])
def test_another_day_is_put_into_quarantine(text: str) -> None:
    events = read(csv(f"{text};x;1,00;a", "01.02.2026;y;2,00;b"))
    (error,) = quarantine(events)
    assert (error.place.line, error.field, error.raw, len(lines(events))) == (2, "Day", f"{text};x;1,00;a", 1)


@pytest.mark.parametrize(
    "text", ["1.23,45", "1,234.56", "12..34", "1 234,00", "1.2345,00", "", "-", "1,2,3", "1e3", "NaN", "٣,00", "--1,00"]
)
def test_a_number_is_what_the_mapping_says_or_goes_to_quarantine(text: str) -> None:
    events = read(csv(f"01.02.2026;x;{text};a", "01.02.2026;y;2,00;b"))
    (error,) = quarantine(events)
    assert (error.place.line, error.field, error.value) == (2, "Amount", text)


@pytest.mark.parametrize(
    ("numbers", "text", "amount"),
    [
        ({"decimal": ".", "thousands": ","}, "-1,234,567.89", "-1234567.89"),
        ({"decimal": ",", "thousands": " "}, "1\u202f234,5", "1234.5"),
        ({"decimal": ".", "thousands": "'"}, "1\u2019234.05", "1234.05"),
        ({"decimal": ",", "thousands": ".", "negative": "trailing_minus"}, "1.234,56-", "-1234.56"),
        ({"decimal": ".", "thousands": ",", "negative": "parentheses"}, "(1,234.56)", "-1234.56"),
        ({"decimal": ".", "thousands": "", "affixes": ["EUR", "€"]}, "€ 12.50", "12.50"),
        ({"decimal": "", "thousands": "", "units": "minor"}, "-1050", "-10.50"),
        (
            {"decimal": ".", "thousands": ""},
            "123456789012345678901234567890.123456789012345678",
            "123456789012345678901234567890.123456789012345678",
        ),
    ],
)
def test_signs_and_separators_are_explicit(numbers: dict[str, Any], text: str, amount: str) -> None:
    (found,) = signed(read(csv(f"01.02.2026;x;{text};a"), numbers=numbers))
    assert str(found) == amount


def test_minor_units_follow_the_currency() -> None:
    numbers = {"decimal": "", "thousands": "", "units": "minor", "scales": {"USDC": 6}}
    rows = csv("01.02.2026;1050;JPY", "01.02.2026;1050;BHD", "01.02.2026;1050;USDC", "01.02.2026;1050;XYZ", head="Day;Amount;C")
    changes = {"numbers": numbers, "currency": {"column": "C"}, "reference": None, "description": None}
    events = read(rows, **changes)
    assert [str(amount) for amount in signed(events)] == ["1050", "1.050", "0.001050"]
    assert [statement.currency for statement in opened(events)] == ["JPY", "BHD", "USDC"]
    (error,) = quarantine(events)
    assert "minor units of XYZ" in error.message


def test_debits_and_credits_in_two_columns() -> None:
    amount = {"sign": "columns", "debit": "Out", "credit": "In", "debit_written": "positive"}
    head = "Day;Text;In;Out;Ref"
    rows = (
        "01.02.2026;a;10,00;;1",
        "01.02.2026;b;;2,50;2",
        "01.02.2026;c;0,00;3,00;3",
        "01.02.2026;d;1,00;1,00;4",
        "01.02.2026;e;;;5",
        "01.02.2026;f;;-1,00;6",
    )
    events = read(csv(*rows, head=head), amount=amount)
    assert signed(events) == [Decimal(10), Decimal("-2.5"), Decimal(-3)]
    assert [(error.place.line, error.field) for error in quarantine(events)] == [(5, "In"), (6, "Out"), (7, "Out")]
    negative = read(csv(rows[0], rows[5], head=head), amount=amount | {"debit_written": "negative"})
    assert signed(negative) == [Decimal(10), Decimal(-1)]


def test_an_indicator_says_the_direction() -> None:
    amount = {"sign": "indicator", "column": "Amount", "indicator": "DC", "debit_values": ["D", "S"], "credit_values": ["C", "H"]}
    rows = ("01.02.2026;a;10,00;H;1", "01.02.2026;b;2,50;S;2", "01.02.2026;c;1,00;X;3")
    events = read(csv(*rows, head="Day;Text;Amount;DC;Ref"), amount=amount)
    assert signed(events) == [Decimal(10), Decimal("-2.5")]
    assert [(error.field, error.value) for error in quarantine(events)] == [("DC", "X")]


def test_an_inverted_file_is_turned_to_the_holders_view() -> None:
    events = read(csv("01.02.2026;purchase;10,00;1"), amount={"sign": "signed", "column": "Amount", "inverted": True})
    assert signed(events) == [Decimal(-10)]


RUNNING = {"balance_after": {"column": "Saldo"}, "reference": None, "description": None}
SALDO = ("01.02.2026;10,00;110,00", "02.02.2026;-5,00;105,00", "03.02.2026;1,00;106,00")


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_a_running_balance_proves_the_file_in_its_order(order: str) -> None:
    rows = SALDO if order == "oldest_first" else SALDO[::-1]
    events = read(csv(*rows, head="Day;Amount;Saldo"), order=order, **RUNNING)
    assert balances(events) == {"opening": Decimal(100), "closing": Decimal(106)}
    assert [whole.proof.status for whole in chains(events)] == ["proven"]
    assert not errors(events)
    assert not controls(events)


@pytest.mark.parametrize("order", ["oldest_first", "newest_first"])
def test_the_first_break_of_a_running_balance_is_located(order: str) -> None:
    rows = [SALDO[0], "02.02.2026;-5,00;104,00", "03.02.2026;1,00;105,00"]
    events = read(csv(*(rows if order == "oldest_first" else rows[::-1]), head="Day;Amount;Saldo"), order=order, **RUNNING)
    (said,) = errors(events)
    assert said.place.line == (3 if order == "oldest_first" else 4)
    assert len(controls(events)) == 1
    assert [whole.proof.status for whole in chains(events)] == ["unproven"]


def test_the_order_must_be_said_and_the_wrong_one_breaks() -> None:
    with pytest.raises(MappingRefused) as refused:
        Mapping.from_json(definition(**RUNNING))
    assert refused.value.field == "order"
    events = read(csv(*SALDO[::-1], head="Day;Amount;Saldo"), order="oldest_first", **RUNNING)
    assert "order of the rows" in errors(events)[0].message


def test_a_row_in_quarantine_leaves_the_running_balance_broken() -> None:
    events = read(csv(SALDO[0], "02.02.2026;?;105,00", SALDO[2], head="Day;Amount;Saldo"), order="oldest_first", **RUNNING)
    assert [error.place.line for error in quarantine(events)] == [3]
    assert controls(events) == [("running balance", Decimal(106), Decimal(111))]


def test_balances_stand_in_cells_above_the_rows() -> None:
    text = "Opening;100,00\r\nClosing;106,00\r\n" + csv("01.02.2026;x;6,00;a")
    layout = LAYOUT | {"header_row": 3}
    events = read(text, layout=layout, opening={"row": 1, "cell": 2}, closing={"row": 2, "cell": 2})
    assert [whole.proof.status for whole in chains(events)] == ["proven"]
    missing = read(text, layout=layout, opening={"row": 1, "cell": 3}, closing={"row": 2, "cell": 1})
    assert [error.field for error in errors(missing)] == ["opening", "closing"]


def test_balances_and_totals_stand_in_rows_of_their_own() -> None:
    def where(text: str) -> dict[str, Any]:
        return {"column": "Text", "equals": [text]}

    changes = {
        "opening": {"where": where("Opening"), "column": "Amount"},
        "closing": {"where": where("Closing"), "column": "Amount"},
        "totals": {"where": where("Total"), "sum": "Amount", "count": "Ref"},
    }
    rows = (";Opening;100,00;", "01.02.2026;x;6,00;a", "01.02.2026;y;-2,00;b", ";Total;4,00;2", ";Closing;104,00;")
    events = read(csv(*rows), **changes)
    assert [whole.proof.status for whole in chains(events)] == ["proven"]
    assert controls(events) == [("count", Decimal(2), Decimal(2)), ("sum", Decimal(4), Decimal(4))]
    wrong = read(csv(*rows[:3], ";Total;5,00;2", rows[4]), **changes)
    assert controls(wrong)[1] == ("sum", Decimal(5), Decimal(4))


def test_pending_and_total_rows_are_left_out_by_a_rule_and_counted() -> None:
    rows = ("01.02.2026;x;6,00;a", "01.02.2026;PENDING;7,00;b", "01.02.2026;PENDING;8,00;c", ";Total Feb;21,00;")
    skip = [{"column": "Text", "equals": ["PENDING"]}, {"column": "Text", "begins": ["Total"]}]
    events = read(csv(*rows), skip=skip)
    assert len(lines(events)) == 1
    assert [error.message for error in errors(events)] == [
        "2 rows were left out by a rule of the mapping: Text is PENDING.",
        "1 row was left out by a rule of the mapping: Text is Total....",
    ]
    booked = read(csv(*rows[:3]), booked={"column": "Text", "equals": ["x"]})
    assert [line.booked for line in lines(booked)] == [True, False, False]


def test_footers_and_rows_under_the_head_are_no_rows() -> None:
    text = csv("(text);(text);(EUR);", "01.02.2026;x;6,00;a", "Exported on 2.2.", "by the bank")
    events = read(text, layout=LAYOUT | {"skip_rows": 1, "footer_rows": 2})
    assert len(lines(events)) == 1
    assert [(error.place.line, error.row) for error in errors(events)] == [(4, False)]


def test_each_currency_and_account_is_a_statement_of_its_own() -> None:
    rows = ("01.02.2026;1,00;EUR;A", "01.02.2026;2,00;USD;A", "01.02.2026;4,00;EUR;A", "01.02.2026;8,00;EUR;B", "01.02.2026;9,00;?;B")
    changes = {"currency": {"column": "C"}, "account": {"column": "Acct"}, "reference": None, "description": None}
    events = read(csv(*rows, head="Day;Amount;C;Acct"), **changes)
    assert [(one.ordinal, one.account, one.currency) for one in opened(events)] == [(1, "A", "EUR"), (2, "A", "USD"), (3, "B", "EUR")]
    assert [(line.ordinal, str(line.amount)) for line in lines(events)] == [(1, "1.00"), (2, "4.00"), (1, "2.00"), (1, "8.00")]
    assert [error.place.line for error in quarantine(events)] == [6]


def test_a_quote_that_is_never_closed_swallows_nothing() -> None:
    rows = (
        "01.02.2026;x;1,00;a",
        '01.02.2026;"open;2,00;b',
        "01.02.2026;y;3,00;c",
        '01.02.2026;"fine; quoted";4,00;d',
        "01.02.2026;z;5,00;e",
    )
    events = read(csv(*rows))
    assert [line.own_reference for line in lines(events)] == ["a", "c", "d", "e"]
    (error,) = quarantine(events)
    assert (error.place.line, error.raw) == (3, rows[1])


def test_a_quoted_cell_may_run_over_lines_where_the_mapping_says_so() -> None:
    rows = ('01.02.2026;"two\r\nlines";1,00;a', "01.02.2026;y;3,00;c")
    events = read(csv(*rows), layout=LAYOUT | {"multiline": True})
    assert [(line.description, line.place.line) for line in lines(events)] == [("two lines", 2), ("y", 4)]
    strict = read(csv(*rows))
    assert [error.place.line for error in quarantine(strict)] == [2, 3]
    assert len(lines(strict)) == 1


def test_a_cell_over_lines_may_not_hold_rows() -> None:
    rows = ('01.02.2026;"open;1,00;a', "01.02.2026;y;3,00;b", '01.02.2026;";4,00;c', "01.02.2026;z;5,00;d")
    events = read(csv(*rows), layout=LAYOUT | {"multiline": True})
    assert [line.own_reference for line in lines(events)] == ["b", "d"]
    assert [(error.place.line, error.raw) for error in quarantine(events)] == [(2, rows[0]), (4, rows[2])]


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("01.02.2026;x;1,00", "has 3 cells"),
        ("01.02.2026;x;1,00;a;b", "has 5 cells"),
        ("01.02.2026;x\0;1,00;a", "NUL"),
        (f"01.02.2026;{'x' * 10_001};1,00;a", "longer than"),
        (f"01.02.2026;{'x' * 140_000};1,00;a", "longer than"),
        (f"01.02.2026;x;1,00;{'r' * 141}", "longer than 140"),
        ('01.02.2026;"x" y;1,00;a', "closing quote"),
    ],
)
def test_a_damaged_row_is_put_into_quarantine_whole(row: str, said: str) -> None:
    events = read(csv(row, "01.02.2026;y;3,00;c"))
    (error,) = quarantine(events)
    assert said in error.message
    assert (error.place.line, error.raw, len(lines(events))) == (2, row, 1)


def test_a_trailing_separator_and_empty_rows_are_harmless() -> None:
    assert len(lines(read(csv("01.02.2026;x;1,00;a;", ";;;", "", "01.02.2026;y;1,00;b")))) == 2


def test_the_columns_must_be_there_once() -> None:
    missing = fatal(read(csv("01.02.2026;x;1,00", head="Day;Text;Betrag")))
    assert (missing[0].field, missing[0].place.line) == ("Amount", 1)
    twice = fatal(read(csv("01.02.2026;x;1,00;a;2", head="Day;Text;Amount;Ref;Amount")))
    assert (twice[0].field, "Two columns" in twice[0].message) == ("Amount", True)
    assert len(lines(read(csv("01.02.2026;x;1,00;a;2;3", head="Day;Text;Amount;Ref;Other;Other")))) == 1


def test_columns_without_a_head_are_named_by_the_mapping() -> None:
    layout = LAYOUT | {"header_row": 0, "columns": ["Day", "Text", "Amount", "Ref"]}
    assert len(lines(read("01.02.2026;x;1,00;a\n02.02.2026;y;1,00;b", layout=layout))) == 2


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "latin-1", "cp1252", "utf-16", "utf-16-le", "iso-8859-15"])
def test_each_encoding_is_read_as_said(encoding: str) -> None:
    (line,) = lines(read(csv("01.02.2026;Löhne;1,00;a").encode(encoding), encoding=encoding))
    assert line.description == "Löhne"


def test_a_byte_of_another_encoding_is_located_and_never_replaced() -> None:
    content = csv(*["01.02.2026;x;1,00;a"] * 4000, "01.02.2026;Löhne;1,00;b").encode("latin-1")
    assert len(content) > CHUNK
    (error,) = fatal(read(content))
    assert (error.place.line, error.place.offset, error.value) == (4002, content.index("ö".encode("latin-1")), "f6")
    (cut,) = fatal(read(csv("01.02.2026;x;1,00;a").encode() + "ö".encode()[:1]))
    assert cut.place.line == 3


def test_a_byte_order_mark_is_passed_over_or_contradicts_the_mapping() -> None:
    marked = csv("01.02.2026;x;1,00;a").encode("utf-8-sig")
    assert [error.fatal for error in errors(read(marked))] == [False]
    assert not errors(read(marked, encoding="utf-8-sig"))
    assert "mark of utf-8" in fatal(read(marked, encoding="cp1252"))[0].message
    assert "byte order mark" in fatal(read(marked[3:], encoding="utf-16"))[0].message


def test_line_ends_may_be_any_and_fall_between_chunks() -> None:
    for end in ("\n", "\r\n", "\r"):
        rows = end.join(["Day;Text;Amount;Ref", *(f"01.02.2026;x;1,00;{number}" for number in range(8000))])
        events = read(rows)
        assert [line.own_reference for line in lines(events)] == [str(number) for number in range(8000)]
        assert lines(events)[-1].place.line == 8001


def test_a_file_of_which_no_row_can_be_read_is_refused() -> None:
    for rows, said in ((("x;x;x;x",), "No row"), ((), "no rows")):
        assert said in fatal(read(csv(*rows)))[0].message
    assert fatal(read(b""))
    assert fatal(read(b"%PDF-1.7\n\xff\xfe"))


def test_the_preview_shows_columns_and_first_rows() -> None:
    head = {"format": "csv", "encoding": "utf-8", "layout": LAYOUT}
    sample = columns_of(io.BytesIO(csv(*["01.02.2026;x;1,00;a"] * 60, '"open').encode()), head)
    assert sample.columns == ("Day", "Text", "Amount", "Ref")
    assert (len(sample.rows), sample.rows[0], sample.remarks) == (50, ("01.02.2026", "x", "1,00", "a"), ())
    assert columns_of(io.BytesIO(b"\xff"), head).remarks[0].startswith("Line 1: ")
    damaged = columns_of(io.BytesIO(b'a;b\n"open;\n1;2'), head)
    assert damaged.rows == (("1", "2"),)
    assert [said.partition(":")[0] for said in damaged.remarks] == ["Line 2"]


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"format": "pdf"}, "format"),
        ({"encoding": None}, "encoding"),
        ({"encoding": "utf-7"}, "encoding"),
        ({"layout": {"delimiter": ";", "quote": '"'}}, "layout.header_row"),
        ({"layout": LAYOUT | {"delimiter": "x"}}, "layout.delimiter"),
        ({"layout": LAYOUT | {"surprise": 1}}, "layout.surprise"),
        ({"numbers": {"decimal": ","}}, "numbers.thousands"),
        ({"numbers": {"decimal": ",", "thousands": ","}}, "numbers.thousands"),
        ({"numbers": NUMBERS | {"affixes": ["-"]}}, "numbers.affixes"),
        ({"currency": None}, "currency"),
        ({"currency": {"fixed": "EUR", "column": "C"}}, "currency"),
        ({"currency": {"fixed": "euro"}}, "currency.fixed"),
        ({"booking_date": {"column": "Day", "format": "DD.MM"}}, "booking_date.format"),
        ({"booking_date": {"column": "Day", "format": "%d.%m.%Y"}}, "booking_date.format"),
        ({"booking_date": {"column": "Day", "format": "cell"}}, "booking_date.format"),
        ({"booking_date": {"column": "Day", "format": "unix"}}, "booking_date.time_zone"),
        ({"booking_date": {"column": "Day", "format": "unix", "time_zone": "../etc/passwd"}}, "booking_date.time_zone"),
        ({"amount": {"sign": "signed"}}, "amount.column"),
        ({"amount": {"sign": "columns", "debit": "A", "credit": "A", "debit_written": "positive"}}, "amount.credit"),
        ({"keys": {"lucky_number": "Ref"}}, "keys.lucky_number"),
        ({"reference": 7}, "reference"),
        ({"description": "Text"}, "description"),
        ({"skip": [{"column": "Text"}]}, "skip[0]"),
        ({"surprise": 1}, "surprise"),
        ({"opening": {"row": 1, "cell": 1}, "currency": {"column": "C"}}, "opening"),
    ],
)
def test_a_definition_is_refused_by_the_key_that_is_wrong(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(MappingRefused) as refused:
        Mapping.from_json(definition(**changes))
    assert refused.value.field == field


DATED = {"layout": LAYOUT | {"header_row": 3}, "day": {"row": 1, "cell": 2, "format": "DD.MM.YYYY"}, "opening": {"row": 2, "cell": 2}}


def dated(*rows: str, day: str = "02.11.2026", head: str = "Day;Text;Amount;Ref") -> str:
    return csv(*rows, head=f"As of;{day}\r\nBalance;100,00\r\n{head}")


def test_a_file_without_rows_is_a_day_without_movements_where_it_says_which() -> None:
    events = read(dated(), **DATED, closing={"row": 2, "cell": 2})
    (statement,) = opened(events)
    assert (statement.account, statement.currency, str(statement.period_end)) == (IBAN, "EUR", "2026-11-02")
    assert balances(events) == {"opening": Decimal("100.00"), "closing": Decimal("100.00")}
    assert not lines(events)
    assert not errors(events)


def test_rows_that_are_all_left_out_by_a_rule_are_none() -> None:
    events = read(dated("02.11.2026;No movements;0,00;"), **DATED, skip=[{"column": "Text", "equals": ["No movements"]}])
    assert str(opened(events)[0].period_end) == "2026-11-02"
    assert [error.place.line for error in errors(events) if error.fatal] == []


def test_the_day_of_a_file_with_rows_is_its_last_one() -> None:
    (statement,) = opened(read(dated("30.10.2026;Rent;-1,00;R1"), **DATED))
    assert str(statement.period_end) == "2026-11-02"


@pytest.mark.parametrize(
    ("content", "changes", "said"),
    [
        (csv(), {}, "does not say of which day"),
        (dated(day="2026-11-02"), DATED, "The day of the file cannot be read"),
        (dated(day=""), DATED, "not where the mapping says"),
        (
            dated(head="Day;Text;Amount;Ref;Ccy"),
            {"layout": DATED["layout"], "day": DATED["day"], "currency": {"column": "Ccy"}},
            "only rows would say of which account and currency",
        ),
    ],
)
def test_a_file_without_rows_that_names_no_day_is_refused_with_what_to_do(content: str, changes: dict[str, Any], said: str) -> None:
    events = read(content, **changes)
    (refused,) = [error for error in errors(events) if error.fatal]
    assert said in refused.message
    assert refused.place.line is not None
    assert opened(events) == []
