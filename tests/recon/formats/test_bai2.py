"""BAI2: each way in which banks lay out and fill its records has its own small file."""

import io
from datetime import date, datetime
from decimal import Decimal

import pytest

from recon.formats import BAI2, bai2, detect
from recon.formats.events import Event, StatementClosed
from tests.recon.formats.samples import balances, chains, differing, errors, fatal, lines, opened, signed

CREDIT = "16,195,1250,Z,BANK-9,INV-7,Invoice 7/"
DEBIT = "16,495,250,Z,BANK-10,PAY-1,Wages/"


def file_of(
    *records: str, ending: str = "\r\n", group: str = "02,R,S,1,240103,2400,EUR,2/", head: str = "01,S,R,240104,0605,7,,,2/"
) -> bytes:
    return ending.join([head, group, *records]).encode()


def account(*movements: str, summary: str = "010,100000,,,015,101000,,", total: int | None = None, extra: int = 0) -> list[str]:
    """Return an account whose trailer agrees with it; `extra` is what the records add to the total beyond 16."""
    amounts = [int(one.split(",")[2]) for one in movements if one.startswith("16,")]
    said = sum(amounts) + 201000 + extra if total is None else total
    return [f"03,12345,,{summary}/", *movements, f"49,{said},{2 + len(movements)}/"]


def whole(*movements: str, **said: object) -> bytes:
    records = account(*movements, **said)  # type: ignore[arg-type]
    total = records[-1].split(",")[1]
    return file_of(*records, f"98,{total},1,{len(records) + 2}/", f"99,{total},1,{len(records) + 4}/")


def whole_of(movement: tuple[str, ...]) -> bytes:
    records = ["03,12345,,010,100000,,,015,101000,,/", *movement, f"49,202250,{2 + len(movement)}/"]
    return file_of(*records, f"98,202250,1,{len(records) + 2}/", f"99,202250,1,{len(records) + 4}/")


def read(content: bytes) -> list[Event]:
    return list(bai2.read(io.BytesIO(content)))


def test_reads_a_report_with_its_places() -> None:
    content = whole(CREDIT, DEBIT)
    assert detect(io.BytesIO(content)) == BAI2
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    (head,) = opened(events)
    assert (head.account, head.currency, head.kind, head.purpose) == ("12345", "EUR", "statement", "update")
    assert (head.statement_id, head.period_end) == ("2024-01-03", date(2024, 1, 3))
    assert head.created_at == datetime.fromisoformat("2024-01-04T06:05")
    credit, debit = lines(events)
    assert signed(events) == [Decimal("12.50"), Decimal("-2.50")]
    assert (credit.booking_date, credit.value_date) == (date(2024, 1, 3), date(2024, 1, 3))
    assert (credit.bank_reference, credit.own_reference, credit.transaction_code) == ("BANK-9", "INV-7", "195")
    assert credit.description == "Invoice 7"
    assert (debit.place.line, debit.place.path) == (5, "03[1]/16[2]")
    assert debit.raw == DEBIT
    assert balances(events) == {"opening": Decimal(1000), "closing": Decimal(1010)}
    assert [proven.proof.status for proven in chains(events)] == ["proven"]
    assert isinstance(events[-1], StatementClosed)


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r", " \r\n", "", "   "])
def test_finds_the_records_whatever_is_between_them(ending: str) -> None:
    content = whole(CREDIT, DEBIT).replace(b"\r\n", ending.encode())
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    assert [proven.proof.status for proven in chains(events)] == ["proven"]


def test_reads_records_of_fixed_length_without_line_ends() -> None:
    text = whole(CREDIT.removesuffix("/"), DEBIT).decode().replace(",7,,,2/", ",7,80,,2/")
    content = "".join(record.ljust(80) for record in text.split("\r\n")).encode()
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    assert signed(events) == [Decimal("12.50"), Decimal("-2.50")]


@pytest.mark.parametrize(
    "movement",
    [
        ("16,195,1250,Z,BANK-9,INV-7,Invoice, with commas/and slashes", "88,and more, of 1/2"),
        ("16,195,1250,Z,BANK-9,INV-7,Invoice, with commas/and slashes/", "88,and more, of 1/2/"),
        ("16,195,1250,Z,BANK-9,INV-7,/", "88,Invoice, with commas/and slashes", "88,and more, of 1/2"),
        ("16,195,1250,Z/", "88,BANK-9,INV-7,Invoice, with commas/and slashes/", "88,and more, of 1/2/"),
        ("16,195/", "88,1250,Z,BANK-9/", "88,INV-7,Invoice, with commas/and slashes/", "88,and more, of 1/2/"),
    ],
)
def test_continues_fields_and_text(movement: tuple[str, ...]) -> None:
    events = read(whole_of(movement))
    assert not errors(events)
    assert not differing(events)
    (line,) = lines(events)
    assert (line.amount, line.bank_reference, line.own_reference) == (Decimal("12.50"), "BANK-9", "INV-7")
    assert line.description == "Invoice, with commas/and slashes and more, of 1/2"
    assert line.raw.count("\n") == len(movement) - 1


@pytest.mark.parametrize(
    "summary",
    [
        ("03,12345,,010,100000,,,015/", "88,101000,,/"),
        ("03,12345,,010,100000,,/", "88,015,101000,,/"),
        ("03,12345,,010,100000,,,", "88,015,101000,,"),
        ("03,12345,,010,100000,,", "88,015,101000,,"),
        ("03,12345,/", "88,010,+100000,,,015,+101000,,/"),
        ("03,12345,EUR,,,,,010,100000,,,015,101000,,,040,,,/",),
        ("03,12345,,010,100000,,V,240103,1200,015,101000,2,S,1,2,3/",),
        ("03,12345,,010,100000,,D,2,0,50000,1,50000,015,101000,,Z/",),
    ],
)
def test_reads_summaries_cut_anywhere(summary: tuple[str, ...]) -> None:
    records = [*summary, CREDIT, DEBIT, f"49,202500,{3 + len(summary)}/"]
    events = read(file_of(*records, f"98,202500,1,{len(records) + 2}/", f"99,202500,1,{len(records) + 4}/"))
    assert not errors(events)
    assert not differing(events)
    assert balances(events) | {"other": 0} == {"opening": Decimal(1000), "closing": Decimal(1010), "other": 0}


@pytest.mark.parametrize(("currency", "amount"), [("JPY", "1250"), ("USD", "12.50"), ("BHD", "1.250"), ("CLF", "0.1250")])
def test_amounts_have_the_decimals_of_their_currency(currency: str, amount: str) -> None:
    events = read(file_of(*account(CREDIT), group=f"02,R,S,1,240103,2400,{currency},2/"))
    (line,) = lines(events)
    assert (line.amount, line.currency) == (Decimal(amount), currency)
    by_account = read(whole(CREDIT).replace(b"03,12345,,", f"03,12345,{currency},".encode()))
    assert lines(by_account)[0].amount == Decimal(amount)


def test_says_that_dollars_are_meant_where_no_currency_is_named() -> None:
    events = read(whole(CREDIT).replace(b",EUR,2/", b",,2/"))
    assert opened(events)[0].currency == "USD"
    (said,) = errors(events)
    assert not said.fatal
    assert "US dollars" in said.message


@pytest.mark.parametrize(
    ("code", "direction"),
    [("100", ""), ("101", "credit"), ("399", "credit"), ("400", ""), ("401", "debit"), ("699", "debit"),
     ("721", "credit"), ("760", "debit"), ("740", ""), ("015", ""), ("910", ""), ("920", "credit"), ("960", "debit")],
)  # fmt: skip
def test_takes_the_direction_from_the_type_code(code: str, direction: str) -> None:
    events = read(whole(CREDIT.replace(",195,", f",{code},")))
    assert [line.direction for line in lines(events)] == [direction] * bool(direction)
    assert [error.field for error in fatal(events)] == ["type code"] * (not direction)


@pytest.mark.parametrize(
    ("funds", "value_date", "said"),
    [
        ("0", date(2024, 1, 3), "0"),
        ("1", date(2024, 1, 3), "1"),
        ("", date(2024, 1, 3), ""),
        ("V,240105,", date(2024, 1, 5), "V 240105"),
        ("V,240105,2400", date(2024, 1, 5), "V 240105 2400"),
        ("V,,", date(2024, 1, 3), "V"),
        ("S,100,150,1000", date(2024, 1, 3), "S 100 150 1000"),
        ("D,2,0,250,1,1000", date(2024, 1, 3), "D 2 0 250 1 1000"),
    ],
)
def test_funds_types_add_fields(funds: str, value_date: date, said: str) -> None:
    events = read(whole(CREDIT.replace(",Z,", f",{funds},")))
    assert not errors(events)
    (line,) = lines(events)
    assert (line.value_date, line.bank_reference, line.description) == (value_date, "BANK-9", "Invoice 7")
    assert line.facts == ((("funds", said),) if said else ())


@pytest.mark.parametrize("hour", ["2400", "9999", ""])
def test_the_end_of_the_day_is_a_time(hour: str) -> None:
    events = read(whole(CREDIT).replace(b",240104,0605,", f",240104,{hour},".encode()).replace(b",2400,EUR", f",{hour},EUR".encode()))
    assert not errors(events)
    assert opened(events)[0].created_at is not None
    assert lines(events)[0].booking_date == date(2024, 1, 3)


@pytest.mark.parametrize(
    ("modifier", "kind"), [("1", "intraday"), ("2", "statement"), ("3", "intraday"), ("4", "statement"), ("", "statement")]
)
@pytest.mark.parametrize(("status", "purpose"), [("1", "update"), ("2", "deletion"), ("3", "correction"), ("4", "test")])
def test_a_group_says_what_it_is_for(status: str, purpose: str, modifier: str, kind: str) -> None:
    events = read(file_of(*account(CREDIT), group=f"02,R,S,{status},240103,2400,EUR,{modifier}/"))
    assert [(head.kind, head.purpose) for head in opened(events)] == [(kind, purpose)]


def test_available_balances_prove_nothing() -> None:
    events = read(whole(CREDIT, DEBIT, summary="040,100000,,,045,101000,,"))
    assert not errors(events)
    assert [proven.proof.status for proven in chains(events)] == ["no_balance"]
    assert balances(events) == {"other": Decimal(1010)}


def test_an_overdrawn_account_has_signed_balances() -> None:
    content = whole(CREDIT, DEBIT, summary="010,-100000,,,015,-99000,,", total=1500 - 199000)
    events = read(content)
    assert not differing(events)
    assert [proven.proof.status for proven in chains(events)] == ["proven"]


def test_compares_the_totals_of_credits_and_debits() -> None:
    summary = "010,100000,,,015,101000,,,100,1250,1,,400,300,2,"
    assert differing(read(whole(CREDIT, DEBIT, summary=summary, extra=1550))) == {
        "sum of debits": (Decimal(3), Decimal("2.50")),
        "number of debits": (2, 1),
    }


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"49,202500,4/", b"49,202501,4/", {"account control total": (202501, 202500), "group control total": (202500, 202501)}),
        (b"49,202500,4/", b"49,202500,5/", {"records of the account": (5, 4)}),
        (b"98,202500,1,6/", b"98,202500,2,6/", {"accounts of the group": (2, 1)}),
        (b"98,202500,1,6/", b"98,202500,1,9/", {"records of the group": (9, 6)}),
        (b"99,202500,1,8/", b"99,-202500,1,8/", {"file control total": (-202500, 202500)}),
        (b"99,202500,1,8/", b"99,202500,3,9/", {"groups of the file": (3, 1), "records of the file": (9, 8)}),
    ],
)  # fmt: skip
def test_checks_every_trailer(old: bytes, new: bytes, said: dict[str, tuple[int, int]]) -> None:
    content = whole(CREDIT, DEBIT)
    assert old in content
    events = read(content.replace(old, new))
    assert not errors(events)
    assert differing(events) == said
    assert isinstance(events[-1], StatementClosed)


def test_reads_several_accounts_in_several_groups() -> None:
    first, second = account(CREDIT), account(DEBIT)
    group = "02,R,S,1,240104,2400,USD,2/"
    events = read(file_of(*first, *second, "98,403500,2,8/", group, *first, "98,202250,1,5/", "99,605750,2,15/"))
    assert not errors(events)
    assert not differing(events)
    assert [(head.ordinal, head.currency, head.statement_id) for head in opened(events)] == [
        (1, "EUR", "2024-01-03"), (2, "EUR", "2024-01-03-2"), (3, "USD", "2024-01-04"),
    ]  # fmt: skip
    assert [event.ordinal for event in events if isinstance(event, StatementClosed)] == [1, 2, 3]


def test_keeps_information_without_money() -> None:
    events = read(whole(CREDIT, "16,890,0,,,,Bank holiday tomorrow/"))
    assert not errors(events)
    assert [(line.booked, line.amount) for line in lines(events)] == [(True, Decimal("12.50")), (False, Decimal(0))]


def test_reads_the_words_that_banks_mark_in_the_text() -> None:
    (line,) = lines(
        read(whole("16,195,1250,,B1,C1,ACH credit", "88,EREF: E2E-1", "88,DBNM: Example Trading", "88,DACT: 4711", "88,CRNM: We"))
    )
    assert (line.end_to_end_id, line.counterparty_name, line.counterparty_account) == ("E2E-1", "Example Trading", "4711")
    assert "ACH credit" in line.description


def test_takes_a_wrapped_line_without_code_for_text() -> None:
    (line,) = lines(read(whole("16,195,1250,,B1,C1,Text that", "goes on/", total=202250)))
    assert line.description == "Text that goes on"


@pytest.mark.parametrize(
    ("old", "new", "field"),
    [
        (b"16,195,1250", b"16,195,12.50", "amount"),
        (b"16,195,1250", b"16,195,-1250", "amount"),
        (b"16,195,1250", b"16,195,", "amount"),
        (b"16,195,1250", b"16,19X,1250", "type code"),
        (b"1250,Z,", b"1250,Q,", "funds type"),
        (b"1250,Z,", b"1250,D,many,", "funds type"),
        (b"015,101000", b"015,1010.00", "summary 2"),
        (b"015,101000", b"01,101000", "summary 2"),
        (b"015,101000", b"010,101000", "010"),
        (b",EUR,2/", b",EUX,2/", "currency"),
        (b",EUR,2/", b",EUR,7/", "group status"),
        (b"1,240103,", b"1,240230,", "as-of date"),
        (b"1,240103,", b"9,240103,", "group status"),
        (b"03,12345,", b"03,,", "account"),
        (b",,,2/", b",,,1/", "version"),
        (b"49,202500,4/", b"49,202500,/", "49"),
        (b"49,202500,4/\r\n", b"", "98"),
        (b"98,202500,1,6/\r\n", b"", "99"),
        (b"99,202500,1,8/", b"", "99"),
        (b"16,195", b"77,195", "record code"),
        (b"02,R,S", b"03,R,S", "03"),
        (b"99,202500,1,8/", b"99,202500,1,8/\r\n16,195,1250,Z,,,/", "record code"),
    ],
)
def test_refuses_what_cannot_be_read(old: bytes, new: bytes, field: str) -> None:
    content = whole(CREDIT, DEBIT)
    assert old in content
    found = fatal(read(content.replace(old, new, 1)))
    assert field in [error.field for error in found]
    assert all(error.message.endswith(".") for error in found)


@pytest.mark.parametrize("length", range(len(whole(CREDIT, DEBIT)) - 1))
def test_no_truncation_passes_in_silence(length: int) -> None:
    events = read(whole(CREDIT, DEBIT)[:length])
    assert fatal(events) or differing(events)


def test_a_comma_too_many_at_the_end_of_a_record_is_read_over() -> None:
    account_of = ["03,12345,EUR,010,100000,,,015,101250,,,/", "88,040,90000,,,/", "88,100,1250,1,/", CREDIT, "49,293750,5/"]
    events = read(file_of(*account_of, "98,293750,1,7/", "99,293750,1,9/"))
    assert not errors(events)
    assert not differing(events)
    assert balances(events) == {"opening": Decimal(1000), "closing": Decimal("1012.50"), "other": Decimal(900)}
    assert chains(events)[0].proof.status == "proven"


def test_a_comma_too_many_inside_a_record_is_refused() -> None:
    events = read(file_of("03,12345,EUR,010,100000,,,,015,101000,,/", "49,201000,2/", "98,201000,1,4/", "99,201000,1,6/"))
    assert fatal(events)[0].field == "summary 2"


def test_an_account_trailer_without_a_sum_is_compared_by_its_count() -> None:
    events = read(file_of("03,12345,,/", "49,,2/", "03,54321,,/", "49,,2/", "98,0,2,6/", "99,0,1,8/"))
    assert not fatal(events)
    assert not differing(events)
    assert [one.field for one in errors(events)] == ["49", "49"]
    assert list(differing(read(file_of("03,12345,,/", "49,,3/", "98,0,1,4/", "99,0,1,6/")))) == ["records of the account"]


def test_reads_a_file_header_with_a_time_of_day_in_colons() -> None:
    content = whole(CREDIT, DEBIT).replace(b",0605,", b",06:05:59,")
    assert detect(io.BytesIO(content)) == BAI2
    (head,) = opened(read(content))
    assert head.created_at == datetime(2024, 1, 4, 6, 5)  # noqa: DTZ001 (the format has no zone)
