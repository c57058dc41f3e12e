"""The MT940 reader: each way in which banks differ has its own small statement."""

import io
from datetime import date
from decimal import Decimal

import pytest

from recon.formats import detect
from recon.formats.events import BalanceRead, StatementClosed
from tests.recon.formats.samples import IBAN, balances, chains, errors, fatal, lines, mt940_text, opened, read_mt940, signed


def test_reads_a_statement_with_its_places() -> None:
    text = mt940_text(":61:2401030103C12,50NTRFINV-7//BANK-9", ":86:Invoice 7", closing="C240103EUR1012,50")
    events = read_mt940(text)
    assert not errors(events)
    (head,) = opened(events)
    assert (head.account, head.account_scheme, head.currency) == (IBAN, "iban", "EUR")
    assert (head.statement_number, head.sequence_number, head.statement_id) == ("7", "1", "REF1")
    assert (head.place.line, head.place.offset, head.place.path) == (1, 0, ":20:")
    (line,) = lines(events)
    assert (line.booking_date, line.value_date) == (date(2024, 1, 3), date(2024, 1, 3))
    assert (line.amount, line.direction, line.reversal) == (Decimal("12.50"), "credit", False)
    assert (line.own_reference, line.bank_reference, line.transaction_code) == ("INV-7", "BANK-9", "NTRF")
    assert line.description == "Invoice 7"
    assert (line.place.line, line.place.path) == (5, ":61:")
    assert text.encode()[line.place.offset or 0 :].startswith(b":61:")
    assert line.raw == ":61:2401030103C12,50NTRFINV-7//BANK-9\n:86:Invoice 7"
    assert isinstance(events[-1], StatementClosed)
    assert chains(events)[0].proof.status == "proven"


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "\r\r\n"])
def test_accepts_every_line_ending(ending: str) -> None:
    text = mt940_text(":61:2401030103C12,50NTRFNONREF", closing="C240103EUR1012,50").replace("\r\n", ending)
    assert chains(read_mt940(text))[0].proof.status == "proven"


def test_needs_no_final_line_end() -> None:
    text = mt940_text(":61:2401030103C12,50NTRFNONREF", closing="C240103EUR1012,50").rstrip("\r\n-")
    assert chains(read_mt940(text))[0].proof.status == "proven"


@pytest.mark.parametrize(
    ("mark", "expected"),
    [("C", "1.00"), ("D", "-1.00"), ("RC", "-1.00"), ("RD", "1.00"), ("CR", "1.00"), ("DR", "-1.00"), ("RCR", "-1.00"), ("RDR", "1.00")],
)
def test_signs_reversals_and_reads_over_the_funds_code(mark: str, expected: str) -> None:
    events = read_mt940(mt940_text(f":61:2401030103{mark}1,00NTRFNONREF"))
    assert signed(events) == [Decimal(expected)]
    assert lines(events)[0].reversal is mark.startswith("R")


@pytest.mark.parametrize(
    ("value", "entry", "booked"),
    [("231229", "0102", date(2024, 1, 2)), ("240102", "1231", date(2023, 12, 31)), ("240229", "0301", date(2024, 3, 1))],
)
def test_gives_the_entry_date_the_year_nearest_to_the_value_date(value: str, entry: str, booked: date) -> None:
    (line,) = lines(read_mt940(mt940_text(f":61:{value}{entry}C1,00NTRFNONREF")))
    assert line.booking_date == booked


@pytest.mark.parametrize("entry", ["", "    "])
def test_takes_the_value_date_where_there_is_no_entry_date(entry: str) -> None:
    (line,) = lines(read_mt940(mt940_text(f":61:240103{entry}C1,00NTRFNONREF")))
    assert line.booking_date == line.value_date == date(2024, 1, 3)


def test_reads_the_last_century() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:9912310103C1,00NTRFNONREF")))
    assert (line.value_date, line.booking_date) == (date(1999, 12, 31), date(2000, 1, 3))


def test_moves_a_30_february_to_the_end_of_the_month_and_says_so() -> None:
    events = read_mt940(mt940_text(":61:2402300301D1,00NTRFNONREF"))
    assert lines(events)[0].value_date == date(2024, 2, 29)
    (said,) = errors(events)
    assert (said.fatal, said.field, said.value, said.place.line) == (False, "value date", "240230", 5)


def test_refuses_an_impossible_date_but_reads_on() -> None:
    events = read_mt940(mt940_text(":61:2413010103C1,00NTRFNONREF", ":61:2401030103C2,00NTRFNONREF"))
    assert [error.value for error in fatal(events)] == ["241301"]
    assert signed(events) == [Decimal("2.00")]


@pytest.mark.parametrize(
    ("currency", "written", "amount"),
    [("JPY", "5,", "5"), ("BHD", "27,981", "27.981"), ("EUR", "000000000012,5", "12.5"), ("EUR", "500", "500"), ("EUR", "7.25", "7.25")],
)
def test_reads_amounts_exactly(currency: str, written: str, amount: str) -> None:
    text = mt940_text(f":61:2401030103C{written}NTRFNONREF", opening=f"C240102{currency}0,", closing=f"C240103{currency}{written}")
    events = read_mt940(text)
    assert lines(events)[0].amount == Decimal(amount)
    assert balances(events)["closing"] == Decimal(amount)
    assert lines(events)[0].currency == currency


def test_reads_a_debit_balance_as_negative() -> None:
    events = read_mt940(mt940_text(opening="D240102EUR10,00", closing="D240103EUR10,00"))
    assert balances(events) == {"opening": Decimal("-10.00"), "closing": Decimal("-10.00")}


def test_drops_fillers_but_keeps_them_in_the_raw_text() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF//NONREF", ":86:166?20EREF+NOTPROVIDED?21SVWZ+Rent")))
    assert (line.own_reference, line.bank_reference, line.end_to_end_id) == ("", "", "")
    assert "NONREF//NONREF" in line.raw
    assert "NOTPROVIDED" in line.raw
    assert line.description == "Rent"


def test_reads_supplementary_details_below_the_line() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00FMSC01916//B1", "20240103007602198765", ":62X")))
    assert line.bank_reference == "B1"
    assert line.description.startswith("20240103007602198765")


def test_reads_a_line_broken_before_its_amount() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103CR", "30,00N062OUR-1")))
    assert (line.amount, line.transaction_code, line.own_reference) == (Decimal("30.00"), "N062", "OUR-1")


def test_separates_a_name_padded_behind_the_reference() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:240103D88,10N060P000029225      KPN - MOBIEL     ")))
    assert (line.own_reference, line.transaction_code, line.description) == ("P000029225", "N060", "KPN - MOBIEL")


def test_joins_narrative_lines_and_several_86_fields() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF", ":86:first", "-second", "", ":86:third")))
    assert line.description == "first -second third"


def test_takes_a_wrapped_time_of_day_for_text() -> None:
    events = read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF", ":86:Card payment 2024-01-03T13", ":12:11 shop"))
    assert lines(events)[0].description == "Card payment 2024-01-03T13 :12:11 shop"
    assert not fatal(events)


def test_reads_sepa_subfields_across_wrapped_lines() -> None:
    narrative = [
        ":86:166?00SEPA CREDIT?20EREF+E2E-2024-000000000042?21KREF+OUR-1 MREF+MANDATE-1?22SVWZ+Invoice 42 and some more t?2",
        f"3ext?30COBADEFF?31{IBAN}?32Example Trading Company Gmb?33H?34000",
    ]
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFKREF+//B1", *narrative)))
    assert line.end_to_end_id == "E2E-2024-000000000042"
    assert line.own_reference == "OUR-1"
    assert line.description == "Invoice 42 and some more text"
    assert (line.counterparty_name, line.counterparty_account) == ("Example Trading Company GmbH", IBAN)
    assert line.keys == (
        ("end_to_end", "E2E-2024-000000000042"),
        ("mandate", "MANDATE-1"),
        ("own_reference", "OUR-1"),
        ("bank_reference", "B1"),
    )


def test_reads_slash_words() -> None:
    narrative = f":86:/TRTP/SEPA OVERBOEKING/IBAN/{IBAN}/BIC/COBADEFF/NAME/Example/REMI/USTD//Rent May/EREF/E2E-9"
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFEREF", narrative)))
    assert (line.end_to_end_id, line.own_reference, line.description) == ("E2E-9", "", "Rent May")
    assert (line.counterparty_name, line.counterparty_account) == ("Example", IBAN)
    assert line.keys == (("end_to_end", "E2E-9"),)
    returned = ":86:/RTRN/AC04/EREF/NOTPROVIDED/MARF/M-1/OAMT+EUR1,00"
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF", returned)))
    assert line.keys[0][0] == "mandate"
    assert ("return_reason", "AC04") in line.facts


def test_reads_the_older_ns_field() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF", ":NS:01Purpose one", "02Purpose two", "15Payer")))
    assert (line.description, line.counterparty_name) == ("Purpose one Purpose two", "Payer")


def test_reads_swift_blocks_and_the_servicing_bank() -> None:
    def message(header: str) -> str:
        return f"\x01{header}{{4:\r\n" + mt940_text().rstrip("\r\n") + "}{5:{CHK:1}}\x03"

    first = message("{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}")
    second = message("{1:F01CUSTDEFFAXXX0000000000}{2:O9401506240103BANKBEBBA12300001111112401041707N}{3:}")
    events = read_mt940(first + second)
    assert [head.servicer_bic for head in opened(events)] == ["BANKDEFF", "BANKBEBB123"]
    assert not errors(events)


def test_reads_a_field_on_the_line_of_the_block_opening() -> None:
    events = read_mt940("{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}{4:" + mt940_text().rstrip("\r\n") + "}")
    assert opened(events)[0].statement_id == "REF1"


def test_refuses_a_message_cut_off_in_its_block() -> None:
    events = read_mt940("{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}{4:\r\n" + mt940_text().rstrip("\r\n-"))
    assert [error.field for error in fatal(events)] == ["{4:"]


def test_says_that_the_network_marked_a_possible_duplicate() -> None:
    events = read_mt940("{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}{4:\r\n" + mt940_text().rstrip("\r\n") + "}{5:{PDE:}}")
    assert [(error.field, error.fatal) for error in errors(events)] == [("{5:", False)]


def test_reads_several_statements_and_ignores_bank_headers_between_them() -> None:
    text = "BANKNL2A\r\n940\r\nBANKNL2A\r\n" + mt940_text() + "BANKNL2A\r\n940\r\n" + mt940_text().replace("-\r\n", "") + mt940_text()
    events = read_mt940(text)
    assert [head.ordinal for head in opened(events)] == [1, 2, 3]
    assert not errors(events)


def test_chains_intermediate_balances_instead_of_summing_them() -> None:
    first = mt940_text(":61:2401030103C5,00NTRFNONREF", closing="C240103EUR1005,00").replace(":62F:", ":62M:")
    second = mt940_text(":61:2401030103D1,00NTRFNONREF", opening="C240103EUR1005,00", closing="C240103EUR1004,00")
    second = second.replace(":60F:", ":60M:").replace("00007/00001", "00007/00002")
    events = read_mt940(first + second)
    (whole,) = chains(events)
    assert (whole.proof.status, whole.complete, whole.gap_at, len(whole.pages)) == ("proven", True, None, 2)


def test_reads_25p_and_an_account_with_its_currency() -> None:
    text = mt940_text().replace(f":25:{IBAN}", f":25P:{IBAN}EUR\r\nCOBADEFFXXX")
    (head,) = opened(read_mt940(text))
    assert (head.account, head.servicer_bic) == (IBAN, "COBADEFF")
    (other,) = opened(read_mt940(mt940_text(account="37040044/0532013000")))
    assert (other.account, other.account_scheme) == ("37040044/0532013000", "other")


def test_keeps_available_balances_out_of_the_proof() -> None:
    events = read_mt940(mt940_text().replace("-\r\n", ":64:C240103EUR9,99\r\n:65F:Dnull\r\n-\r\n"))
    assert balances(events)["other"] == Decimal("9.99")
    assert [(error.field, error.fatal) for error in errors(events)] == [(":65F:", False)]
    assert chains(events)[0].proof.status == "proven"


def test_says_when_the_closing_balance_is_missing() -> None:
    text = mt940_text(":61:2401030103C1,00NTRFNONREF").partition(":62F:")[0]
    events = read_mt940(text)
    assert [(error.field, error.fatal) for error in errors(events)] == [(":62F:", False)]
    assert chains(events)[0].proof.status == "no_balance"


def test_reads_other_encodings_and_says_so() -> None:
    text = mt940_text(":61:2401030103C1,00NTRFNONREF", ":86:Gebühr")
    assert lines(read_mt940("\ufeff" + text))[0].description == "Gebühr"
    events = read_mt940(text.encode("latin-1"))
    assert lines(events)[0].description == "Gebühr"
    assert [(error.field, error.value, error.fatal) for error in errors(events)] == [("encoding", "latin-1", False)]


def test_replaces_control_characters_that_no_database_stores() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C1,00NTRFNONREF", ":86:a\x00b\x1bc")))
    assert line.description == "a\ufffdb\ufffdc"
    assert "\x00" not in line.raw


def test_does_not_count_an_expected_line() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103EC1,00NTRFNONREF")))
    assert (line.booked, line.direction) == (False, "credit")


@pytest.mark.parametrize(
    ("text", "field", "line"),
    [
        (mt940_text(":61:2401030103C1,2,3NTRFNONREF"), ":61:", 5),
        (mt940_text(":61:2401030103CR"), ":61:", 5),
        (mt940_text(opening="C240102EURx"), ":60F:", 4),
        (mt940_text(closing="C249903EUR1,00"), ":62F:", 5),
        (mt940_text(closing="C240103USD1000,00"), ":62F:", 5),
        (mt940_text(":25:ANOTHER"), ":25:", 5),
        (mt940_text(":60F:C240102EUR1,00"), ":60F:", 5),
        (mt940_text().replace("-\r\n", ":61:2401030103C1,00NTRFNONREF\r\n"), ":61:", 6),
        (mt940_text() + ":61:2401030103C1,00NTRFNONREF", ":61:", 7),
        (mt940_text().replace("-\r\n", ":62F:C240103EUR1000,00\r\n"), ":62F:", 6),
        (mt940_text().replace(f":25:{IBAN}\r\n", ""), ":25:", 1),
        (mt940_text().replace(":60F:C240102EUR1000,00", ":61:2401030103C1,00NTRFNONREF"), ":61:", 4),
        (":20:X\r\n:25:Y\r\n", ":60F:", 1),
        ("hello", ":20:", 1),
        ("", ":20:", 1),
    ],
)
def test_refuses_what_cannot_be_trusted_at_its_line(text: str, field: str, line: int) -> None:
    assert (field, line) in [(error.field, error.place.line) for error in fatal(read_mt940(text))]


def test_refuses_what_is_larger_than_a_bank_sends() -> None:
    (error,) = fatal(read_mt940(mt940_text() + " " * 25_000_000))
    assert "25 MB" in error.message


def test_refuses_a_field_without_end() -> None:
    text = mt940_text(":61:2401030103C1,00NTRFNONREF", ":86:" + "x" * 300_000)
    assert [error.field for error in fatal(read_mt940(text))] == [":86:"]


def test_stops_after_two_hundred_errors() -> None:
    events = read_mt940(mt940_text(*[":61:nonsense"] * 5000))
    assert len(errors(events)) == 201
    assert "stopped" in errors(events)[-1].message


@pytest.mark.parametrize(
    ("written", "amount"),
    [(":61:2401030103D1234NTRFNONREF", "-1234"), (":61:2401030103D,50NTRFNONREF", "-0.50"), (":61:2401030103d1,01NTRFNONREF", "-1.01")],
    ids=["no decimal sign", "nothing before it", "small letter"],
)
def test_reads_an_amount_that_lacks_a_part_but_leaves_no_doubt(written: str, amount: str) -> None:
    closing = Decimal(amount) + 5000
    text = mt940_text(written, opening="C240102EUR5000", closing=f"C240103EUR{closing:.2f}".replace(".", ","))
    events = read_mt940(text)
    assert not errors(events)
    assert signed(events) == [Decimal(amount)]
    assert chains(events)[0].proof.status == "proven"


@pytest.mark.parametrize(("written", "day"), [("C021131EUR1000,00", date(2002, 11, 30)), ("C030230EUR1000,00", date(2003, 2, 28))])
def test_a_closing_balance_of_a_day_that_the_month_lacks_is_of_its_last(written: str, day: date) -> None:
    events = read_mt940(mt940_text(opening="C021101EUR1000,00", closing=written))
    (said,) = errors(events)
    assert not said.fatal
    assert [event.date for event in events if isinstance(event, BalanceRead) and event.role == "closing"] == [day]


def test_refuses_a_closing_balance_of_a_month_that_does_not_exist() -> None:
    assert [one.field for one in fatal(read_mt940(mt940_text(closing="C241387EUR1000,00")))] == [":62F:"]


def test_reads_a_file_whose_lines_end_as_fints_writes_them() -> None:
    lf = mt940_text(":61:2401030103C12,50NTRFINV-7//BANK-9", ":86:166?20Invoice?21seven", closing="C240103EUR1012,50").replace("\r\n", "\n")
    text = "@@" + lf.replace("\n", "@@")
    assert detect(io.BytesIO(text.encode())) == "mt940"
    events = read_mt940(text)
    assert not errors(events)
    assert chains(events)[0].proof.status == "proven"
    (line,) = lines(events)
    assert line.own_reference == "INV-7"
    assert text.encode()[line.place.offset or 0 :].startswith(b":61:")


def test_two_signs_inside_a_narrative_end_no_line() -> None:
    (line,) = lines(read_mt940(mt940_text(":61:2401030103C12,50NTRFNONREF", ":86:rent @@ twice@@", closing="C240103EUR1012,50")))
    assert line.description == "rent @@ twice@@"
