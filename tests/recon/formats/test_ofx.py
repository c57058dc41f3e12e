"""OFX: unclosed tags, wrong headers, amounts and dates by the rule and against it, each with its own small file."""

import io
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from recon.formats import OFX, detect, ofx
from recon.formats import ofx_values as values
from recon.formats.events import Event, StatementClosed
from tests.recon.formats.samples import IBAN, balances, chains, errors, fatal, lines, opened, signed

HEADER = "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:102\r\nSECURITY:NONE\r\nENCODING:USASCII\r\nCHARSET:1252\r\nCOMPRESSION:NONE\r\n\r\n"
XML_HEADER = '<?xml version="1.0" encoding="UTF-8"?>\r\n<?OFX OFXHEADER="200" VERSION="211"?>\r\n'
BALANCE = "<LEDGERBAL><BALAMT>382.34<DTASOF>20260131235959</LEDGERBAL>"
ACCOUNT = "<BANKACCTFROM><BANKID>COBADEFF<ACCTID>12345<ACCTTYPE>CHECKING</BANKACCTFROM>"


def line(amount: str = "-6.60", posted: str = "20260105120000[-5:EST]", **more: str) -> str:
    said = {"TRNTYPE": "OTHER", "DTPOSTED": posted, "TRNAMT": amount, "FITID": "F1"} | more
    return "<STMTTRN>" + "".join(f"<{name}>{text}\r\n" for name, text in said.items()) + "</STMTTRN>"


def statement(*parts: str, account: str = ACCOUNT, currency: str = "USD", balance: str = BALANCE, name: str = "STMT") -> str:
    listed = f"<BANKTRANLIST><DTSTART>20260101<DTEND>20260131{''.join(parts)}</BANKTRANLIST>"
    body = f"<{name}RS><CURDEF>{currency}{account}{listed}{balance}</{name}RS>"
    return f"<{name}TRNRS><TRNUID>T1<STATUS><CODE>0<SEVERITY>INFO</STATUS>{body}</{name}TRNRS>"


def file_of(*statements: str, header: str = HEADER) -> str:
    server = "<SIGNONMSGSRSV1><SONRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><DTSERVER>20260201060000[-5:EST]</SONRS></SIGNONMSGSRSV1>"
    return f"{header}<OFX>\r\n{server}\r\n<BANKMSGSRSV1>\r\n{''.join(statements)}</BANKMSGSRSV1></OFX>"


def read(text: str | bytes) -> list[Event]:
    return list(ofx.read(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def of(*parts: str) -> list[Event]:
    return read(file_of(statement(*parts)))


def test_reads_a_statement_with_unclosed_tags() -> None:
    content = file_of(statement(line(NAME="Example & Sons", MEMO="Rent &amp; heat &#233;&#x20AC;", REFNUM="INV-7", TRNTYPE="POS")))
    assert detect(io.BytesIO(content.encode())) == OFX
    events = read(content)
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.currency, head.servicer_bic, head.kind, head.message_id) == ("12345", "USD", "COBADEFF", "statement", "T1")
    assert (head.statement_id, head.period_start, head.period_end) == ("20260101-20260131", date(2026, 1, 1), date(2026, 1, 31))
    assert head.created_at == datetime.fromisoformat("2026-02-01T06:00:00-05:00")
    (read_line,) = lines(events)
    assert (read_line.amount, read_line.direction, read_line.currency, read_line.booked) == (Decimal("6.60"), "debit", "USD", True)
    assert (read_line.booking_date, read_line.value_date) == (date(2026, 1, 5), date(2026, 1, 5))
    assert (read_line.bank_reference, read_line.own_reference, read_line.transaction_code) == ("F1", "INV-7", "POS")
    assert (read_line.counterparty_name, read_line.description) == ("Example & Sons", "Rent & heat é€")
    assert (read_line.place.line, read_line.place.path) == (12, "STMTTRN[1]")
    assert balances(events) == {"closing": Decimal("382.34")}
    assert [whole.proof.status for whole in chains(events)] == ["no_balance"]
    assert isinstance(events[-1], StatementClosed)


def test_reads_the_same_with_every_tag_closed() -> None:
    sgml = of(line(NAME="Example"))
    closed = file_of(statement(line(NAME="Example")), header=XML_HEADER)
    for name, text in (
        ("NAME", "Example"),
        ("TRNAMT", "-6.60"),
        ("FITID", "F1"),
        ("BALAMT", "382.34"),
        ("ACCTID", "12345"),
        ("CURDEF", "USD"),
    ):
        closed = closed.replace(f"<{name}>{text}", f"<{name}>{text}</{name}>")
    assert detect(io.BytesIO(closed.encode())) == OFX
    assert [(one.amount, one.counterparty_name) for one in lines(read(closed))] == [
        (one.amount, one.counterparty_name) for one in lines(sgml)
    ]


@pytest.mark.parametrize(
    "change",
    [
        ("</STMTTRN>", ""),
        ("<STMTTRN>", "<stmttrn>"),
        ("<MEMO>", "<MEMO></MEMO><INTU.X>\r\n<NAME>"),
        ("<FITID>F1", "<FITID>F1<MEMO><CHECKNUM/>"),
        ("</BANKTRANLIST>", ""),
        ("<FITID>", "<!-- a comment --><FITID>"),
        ("<NAME>Example", "<NAME><![CDATA[Example]]>"),
    ],
)
def test_tolerates_what_banks_leave_out_or_add(change: tuple[str, str]) -> None:
    text = file_of(statement(line(NAME="Example", MEMO="One"), line("5.00", NAME="Example", MEMO="Two", FITID="F2"))).replace(*change)
    events = read(text)
    assert not fatal(events)
    assert signed(events) == [Decimal("-6.60"), Decimal("5.00")]
    assert {one.counterparty_name for one in lines(events)} == {"Example"}
    assert balances(events)["closing"] == Decimal("382.34")


@pytest.mark.parametrize("text", ["A < B", "<3 you", "5 <", "&unknown; &lol9; &"])
def test_words_are_no_tags_and_no_entities(text: str) -> None:
    events = of(line(MEMO=text))
    assert not errors(events)
    assert lines(events)[0].description == text


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (HEADER.replace("\r\n", "\n"), None),
        (HEADER.replace("\r\n", " "), None),
        (HEADER.replace("\r\n", ""), None),
        ("\n\n\n" + HEADER, None),
        ("", None),
        ("\ufeff" + XML_HEADER, None),
        (XML_HEADER, None),
    ],
)
def test_reads_every_kind_of_header(header: str, said: str | None) -> None:
    text = file_of(statement(line()), header=header)
    assert detect(io.BytesIO(text.encode())) == OFX
    events = read(text)
    assert signed(events) == [Decimal("-6.60")]
    assert [error.field for error in errors(events)] == ([said] if said else [])


@pytest.mark.parametrize(
    ("header", "encoding", "remarked"),
    [
        (HEADER, "utf-8", 1),
        (HEADER, "cp1252", 0),
        (HEADER.replace("1252", "ISO-8859-1"), "latin-1", 0),
        (HEADER.replace("1252", "NONE").replace("USASCII", "UNICODE"), "utf-8", 0),
        (XML_HEADER, "utf-8", 0),
        (XML_HEADER, "cp1252", 1),
        (XML_HEADER.replace("UTF-8", "windows-1252"), "cp1252", 0),
        (XML_HEADER.replace("UTF-8", "US-ASCII"), "cp1252", 1),
        (XML_HEADER, "utf-16", 0),
    ],
)
def test_believes_the_bytes_more_than_the_header(header: str, encoding: str, remarked: int) -> None:
    events = read(file_of(statement(line(NAME="Café Müller")), header=header).encode(encoding))
    assert lines(events)[0].counterparty_name == "Café Müller"
    assert [error.field for error in errors(events)] == ["encoding"] * remarked


@pytest.mark.parametrize(
    ("written", "amount"),
    [
        ("-6.60", "-6.60"), ("+6.60", "6.60"), ("120", "120"), ("-316,67", "-316.67"), ("1,234.56", "1234.56"), ("1.234,56", "1234.56"),
        ("-00000000001500.0000", "-1500.0000"), (".5", "0.5"), ("-1 234,56", "-1234.56"), ("1'234.56", "1234.56"),
        ("1,234,567.00", "1234567.00"), ("1.234.567", "1234567"), ("0.125", "0.125"), ("1500.000", "1500.000"),
        ("12.3", "12.3"), ("0", "0"), ("-0.00", "0.00"),
    ],
)  # fmt: skip
def test_reads_amounts_exactly(written: str, amount: str) -> None:
    events = of(line(written))
    assert not fatal(events)
    assert signed(events) == [Decimal(amount)]


@pytest.mark.parametrize(
    "written", ["", "$120", "1,234", "1.234", "120-", "(120)", "1,23,456", "1.2.3", "1,234,50", "12e3", "NaN", "٣", "1_000", ".", "-"]
)
def test_refuses_amounts_that_are_none_or_can_be_read_in_two_ways(written: str) -> None:
    (error,) = fatal(of(line(written)))
    assert (error.field, error.value) == ("TRNAMT", written)
    assert error.place.line


def test_three_decimals_are_no_thousands_where_the_currency_has_three() -> None:
    assert values.amount("1.234", scale=3) == Decimal("1.234")
    assert values.amount("1,234", scale=3) == Decimal("1.234")


@pytest.mark.parametrize(
    "posted",
    [
        "20260105",
        "20260105000000",
        "20260105235959.999[+14:LINT]",
        "20260105120000[-5:EST]",
        "20260105120000.000[-3.5:NST]",
        "20260105093914:014",
        "20260105120000[-:EST]",
    ],
)
def test_takes_the_day_as_the_bank_wrote_it(posted: str) -> None:
    assert lines(of(line(posted=posted)))[0].booking_date == date(2026, 1, 5)


@pytest.mark.parametrize("posted", ["", "20260230", "201120000000", "2026-01-05", "05.01.2026", "tomorrow"])
def test_refuses_a_missing_or_impossible_date_at_its_place(posted: str) -> None:
    (error,) = fatal(of(line(posted=posted)))
    assert (error.field, error.value, error.place.path) == ("DTPOSTED", posted, "STMTTRN/DTPOSTED")
    assert error.place.line == 12 + 1


def test_refuses_a_line_without_a_date_element() -> None:
    (error,) = fatal(of(line().replace("<DTPOSTED>20260105120000[-5:EST]", "")))
    assert (error.field, error.message.startswith("The line has no date.")) == ("DTPOSTED", True)


def test_a_zone_is_kept_for_the_time_of_the_file() -> None:
    instant = values.instant("20260201060000.123[-5:EST]")
    assert instant is not None
    assert instant.utcoffset() == timedelta(hours=-5)
    assert values.instant("20260201250000") is None


def test_the_sign_counts_and_a_type_that_disagrees_is_said_once() -> None:
    events = of(
        line("5.00", TRNTYPE="DEBIT", FITID="1"), line("-5.00", TRNTYPE="CREDIT", FITID="2"), line("5.00", TRNTYPE="CREDIT", FITID="3")
    )
    assert signed(events) == [Decimal(5), Decimal(-5), Decimal(5)]
    (said,) = errors(events)
    assert (said.fatal, said.field, said.value) == (False, "sign", "2")


def test_keeps_lines_whose_number_is_repeated_or_missing() -> None:
    events = of(line(), line(), line(FITID=""), line(FITID=""))
    assert [one.bank_reference for one in lines(events)] == ["F1", "F1", "", ""]
    (said,) = errors(events)
    assert (said.field, said.value) == ("fitid", "1")


def test_a_number_belongs_to_its_account() -> None:
    events = read(file_of(statement(line()), statement(line(), account=ACCOUNT.replace("12345", "67890"))))
    assert not errors(events)
    assert [head.account for head in opened(events)] == ["12345", "67890"]
    assert [event.lines for event in events if isinstance(event, StatementClosed)] == [1, 1]


def test_corrections_are_facts_and_a_withdrawn_line_counts_for_nothing() -> None:
    events = of(line(CORRECTFITID="F0", CORRECTACTION="REPLACE"), line(CORRECTFITID="F9", CORRECTACTION="DELETE", FITID="F2"))
    assert [(one.booked, one.facts) for one in lines(events)] == [
        (True, (("corrects", "F0"), ("correction", "REPLACE"))),
        (False, (("corrects", "F9"), ("correction", "DELETE"))),
    ]
    assert [error.field for error in errors(events)] == ["replaced", "deleted"]


def test_an_available_balance_proves_nothing() -> None:
    events = read(file_of(statement(line(), balance=BALANCE + "<AVAILBAL><BALAMT>682.34<DTASOF>20260131</AVAILBAL>")))
    assert balances(events) == {"closing": Decimal("382.34"), "other": Decimal("682.34")}


@pytest.mark.parametrize("balance", ["", "<LEDGERBAL><BALAMT> <DTASOF>20260131</LEDGERBAL>"])
def test_says_that_a_closing_balance_is_missing(balance: str) -> None:
    (said,) = errors(read(file_of(statement(line(), balance=balance))))
    assert (said.fatal, said.field) == (False, "LEDGERBAL")


def test_reads_a_card_and_its_debt() -> None:
    card = "<CCACCTFROM><ACCTID>XXXX1234</CCACCTFROM>"
    (owed,) = [BALANCE.replace("382.34", "-382.34")]
    events = read(file_of(statement(line(), account=card, balance=owed, name="CCSTMT")))
    assert not errors(events)
    assert opened(events)[0].account == "XXXX1234"
    assert balances(events)["closing"] == Decimal("-382.34")


def test_reads_an_iban_and_the_other_account() -> None:
    events = read(file_of(statement(line(MEMO="x</MEMO><BANKACCTTO><ACCTID>777</BANKACCTTO>"), account=ACCOUNT.replace("12345", IBAN))))
    assert (opened(events)[0].account, opened(events)[0].account_scheme) == (IBAN, "iban")
    assert lines(events)[0].counterparty_account == "777"


def test_a_line_in_another_currency_refuses_the_file_at_its_place() -> None:
    foreign = line(NAME="x<CURRENCY><CURRATE>1.06<CURSYM>CAD</CURRENCY>")
    text = file_of(statement(line(), foreign, line(FITID="3")))
    (refused,) = errors(read(text))
    assert (refused.fatal, refused.field, refused.value, refused.place.path) == (True, "CURSYM", "CAD", "CURRENCY/CURSYM")
    assert refused.place.line == text[: text.index("CAD")].count("\n") + 1
    assert "ORIGCURRENCY" in refused.message


def test_a_line_that_names_its_currency_or_what_it_was_converted_from_counts() -> None:
    own = line(NAME="x<CURRENCY><CURRATE>1.00<CURSYM>USD</CURRENCY>")
    at_par = line(FITID="2", NAME="x<CURRENCY><CURRATE>1.00<CURSYM>CAD</CURRENCY>")
    converted = line(FITID="3", NAME="x<ORIGCURRENCY><CURRATE>1.06<CURSYM>CAD</ORIGCURRENCY>")
    events = of(own, at_par, converted)
    assert not errors(events)
    assert [(one.currency, one.booked) for one in lines(events)] == [("USD", True)] * 3


def test_pending_lines_are_not_booked() -> None:
    pending = line().replace("STMTTRN>", "STMTTRNP>").replace("DTPOSTED", "DTTRAN")
    events = read(file_of(statement(line(), balance=f"{BALANCE}<BANKTRANLISTP><DTASOF>20260131{pending}</BANKTRANLISTP>")))
    assert not fatal(events)
    assert [one.booked for one in lines(events)] == [True, False]


def test_shows_movements_of_securities_without_counting_them() -> None:
    buy = (
        "<BUYMF><INVBUY><INVTRAN><FITID>1<DTTRADE>20260110<MEMO>Fund</INVTRAN><SECID><UNIQUEID>FOO</SECID><UNITS>8.8<UNITPRICE>22.29"
        "<TOTAL>-197.2</INVBUY></BUYMF>"
    )
    cash = f"<INVBANKTRAN>{line('100.00')}<SUBACCTFUND>CASH</INVBANKTRAN>"
    account = "<INVACCTFROM><BROKERID>example.org<ACCTID>INV-1</INVACCTFROM>"
    text = statement(account=account, name="INVSTMT", balance="<INVBAL><AVAILCASH>5.00</INVBAL>").replace(
        "<BANKTRANLIST>", f"<INVTRANLIST>{buy}{cash}"
    )
    events = read(file_of(text.replace("</BANKTRANLIST>", "</INVTRANLIST>")))
    assert [(one.transaction_code, one.booked, one.amount) for one in lines(events)] == [
        ("BUYMF", False, Decimal("197.2")), ("OTHER", True, Decimal("100.00")),
    ]  # fmt: skip
    assert lines(events)[0].facts == (("security", "FOO"), ("units", "8.8"), ("unit price", "22.29"))
    assert [(error.fatal, error.field) for error in errors(events)] == [(False, "trade")]


ERROR = "<STATUS><CODE>2000<SEVERITY>ERROR<MESSAGE>General error</STATUS>"


@pytest.mark.parametrize(
    ("text", "field"),
    [
        (file_of(), "OFX"),
        (file_of(statement(line()))[:-6], "OFX"),
        (file_of(statement(line())).replace("<OFX>", "").replace("</OFX>", ""), "OFX"),
        (file_of(f"<STMTTRNRS><TRNUID>1{ERROR}</STMTTRNRS>"), "STATUS"),
        (file_of(statement(line())).replace("<CODE>0<SEVERITY>INFO", "<CODE>15500<SEVERITY>ERROR", 1), "STATUS"),
        (file_of(statement(line(), account="")), "ACCTID"),
        (file_of(statement(line(), currency="")), "CURDEF"),
        (file_of(statement(line(), currency="DOLLAR")), "CURDEF"),
        (file_of(statement(line(), balance=BALANCE * 2)), "LEDGERBAL"),
        (file_of(statement(line(), balance=BALANCE.replace("382.34", "many"))), "LEDGERBAL"),
        (file_of(statement(line(), balance=BALANCE.replace("20260131", ""))), "LEDGERBAL"),
        (file_of(statement(line())).replace("<OFX>", "<OFX>\x00"), "file"),
        (file_of(statement(line())).replace("<OFX>", '<!DOCTYPE x [<!ENTITY lol "lol">]><OFX>'), "DOCTYPE"),
        (file_of(statement(line())).replace("<FITID>", "<![CDATA[<FITID>"), "text"),
        (file_of(statement(line())).replace("<FITID>", "<FITID>" + "<" * 50_000), "FITID"),
        ("<OFX>" + " " * 25_000_000, "file"),
        (file_of(statement(line(), line("5.00")).replace("</STMTTRN><STMTTRN>", "<STMTTRM>")), "STMTTRN"),
        (file_of(statement(line(), line("5.00")).replace("</STMTTRN><STMTTRN>", "</STMTTRN><STMTTRM>")), "STMTTRN"),
        (file_of(statement(line()), statement(line()).replace("<STMTRS>", "<STMTRX>")), "STMTRS"),
    ],
    ids=range(19),
)
def test_refuses_what_is_no_statement(text: str, field: str) -> None:
    found = fatal(read(text))
    assert field in [error.field for error in found]
    assert all(error.message.endswith(".") and error.place.line for error in found)


def test_no_truncation_passes_in_silence() -> None:
    whole = file_of(statement(line(), line("5.00", FITID="2")))
    unnoticed: Iterable[int] = [length for length in range(len(whole)) if not fatal(read(whole[:length]))]
    assert not list(unnoticed)


@pytest.mark.parametrize("day", ["<DTASOF>00000000", "<DTASOF>", ""])
def test_a_closing_balance_without_a_date_closes_nothing(day: str) -> None:
    events = read(file_of(statement(line(), balance=f"<LEDGERBAL><BALAMT>0,00{day}</LEDGERBAL>")))
    assert not fatal(events)
    assert balances(events) == {}
    assert len(lines(events)) == 1
    assert [one.field for one in errors(events)] == ["LEDGERBAL", "LEDGERBAL"]


def test_a_zero_byte_at_the_very_end_is_read_over() -> None:
    assert not errors(read(file_of(statement(line())).encode() + b"\x00"))
