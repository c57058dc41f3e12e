"""NACHA: entries, returns in their three layouts, notifications of change, and every count and sum of the file."""

import io
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

import pytest

from recon.formats import NACHA, detect, nacha
from recon.formats.events import Event, LineRead, StatementClosed
from tests.recon.formats.samples import chains, differing, errors, fatal, lines, opened, signed

ROUTING = "23138010"
COMPANY = "1234567890"
HEAD = f"{'101 231380104 1234567892601051305A094101Bank of Somewhere      Meridian':94}"
FILLER = "9" * 94


def entry(
    code: str = "27", amount: int = 1250, *, trace: int = 1, reference: str = "INV-7", name: str = "Example Trading", addenda: int = 0
) -> str:
    return f"6{code}{ROUTING}4{'12345678':17}{amount:010d}{reference:15}{name:22}  {addenda}{ROUTING}{trace:07d}"


def returned(reason: str, *, more: str = "", trace: int = 9) -> str:
    """Write an addendum 99 to the entry 0910000112345678; `more` begins at position 22, behind the original trace."""
    return f"799{reason}091000017654321{more:58}{'09100001'}{trace:07d}"


def changed(code: str, *, more: str) -> str:
    return f"798{code}091000017654321      09100001{more:44}{'09100001'}{9:07d}"


def batch(
    *records: str, number: int = 1, service: str = "200", sec: str = "PPD", said: str = "PAYMENT", dates: str = "      260106   "
) -> list[str]:
    head = f"5{service}{'Meridian':16}{'':20}{COMPANY}{sec}{said:10}{dates}1{ROUTING}{number:07d}"
    entries = [record for record in records if record.startswith("6")]
    debits, credits_ = (sum(int(one[29:39]) for one in entries if (one[2] in "1234") is side) for side in (False, True))
    digits = sum(int(one[3:11]) for one in entries) % 10**10
    return [head, *records, f"8{service}{len(records):06d}{digits:010d}{debits:012d}{credits_:012d}{COMPANY}{'':25}{ROUTING}{number:07d}"]


def file_of(*batches: Sequence[str], ending: str = "\r\n", fill: bool = True, head: str = HEAD) -> bytes:
    records = [record for one in batches for record in one]
    controls = [record for record in records if record.startswith("8")]
    count, digits, debits, credits_ = (
        sum(int(one[first:last]) for one in controls) for first, last in ((4, 10), (10, 20), (20, 32), (32, 44))
    )
    blocks = -(-(len(records) + 2) // 10)
    records = [head, *records, f"9{len(batches):06d}{blocks:06d}{count:08d}{digits % 10**10:010d}{debits:012d}{credits_:012d}{'':39}"]
    records += [FILLER] * (blocks * 10 - len(records)) * fill
    return "".join(record + ending for record in records).encode()


def read(content: bytes) -> list[Event]:
    return list(nacha.read(io.BytesIO(content)))


def of(*records: str, **said: str) -> list[Event]:
    return read(file_of(batch(*records, **said)))  # type: ignore[arg-type]


def one(events: list[Event]) -> LineRead:
    assert not errors(events)
    assert not differing(events)
    (line,) = lines(events)
    return line


def test_reads_a_batch_with_its_places() -> None:
    content = file_of(batch(entry(), entry("22", 500, trace=2, reference="PAY-1", name="Worker")))
    assert detect(io.BytesIO(content)) == NACHA
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    (head,) = opened(events)
    assert (head.account, head.currency, head.kind, head.account_owner) == (COMPANY, "USD", "report", "Meridian")
    assert (head.statement_id, head.created_at) == ("20260105A-1", datetime.fromisoformat("2026-01-05T13:05"))
    collected, paid = lines(events)
    assert signed(events) == [Decimal("12.50"), Decimal("-5.00")]
    assert (collected.booking_date, collected.value_date) == (date(2026, 1, 6), date(2026, 1, 6))
    assert (collected.own_reference, collected.counterparty_name, collected.counterparty_account) == (
        "INV-7",
        "Example Trading",
        "12345678",
    )
    assert (collected.transaction_code, collected.description) == ("PPD 27", "PAYMENT")
    assert collected.keys == (("trace", f"{ROUTING}0000001"),)
    assert ("routing", f"{ROUTING}4") in collected.facts
    assert (paid.place.line, paid.place.path) == (4, "5[1]/6[2]")
    assert [whole.proof.status for whole in chains(events)] == ["no_balance"]
    assert isinstance(events[-1], StatementClosed)


@pytest.mark.parametrize("ending", ["\r\n", "\n", "\r", "", "  \r\n"])
@pytest.mark.parametrize("fill", [True, False])
@pytest.mark.parametrize("encoding", ["ascii", "cp037"])
def test_reads_every_layout(ending: str, fill: bool, encoding: str) -> None:  # noqa: FBT001 (a parameter of the table above)
    content = file_of(batch(entry(), entry("22", 500, trace=2)), ending=ending, fill=fill).decode().encode(encoding)
    assert detect(io.BytesIO(content)) == NACHA
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    assert signed(events) == [Decimal("12.50"), Decimal("-5.00")]


def test_reads_ebcdic_with_its_own_line_ends() -> None:
    content = file_of(batch(entry()), ending="\x85").decode().encode("cp037")
    assert b"\x15" in content
    assert one(read(content)).amount == Decimal("12.50")


def test_fills_up_lines_that_were_stripped() -> None:
    content = b"\n".join(line.rstrip() for line in file_of(batch(entry())).splitlines())
    assert one(read(content)).own_reference == "INV-7"


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1"])
def test_a_letter_is_one_character_in_any_encoding(encoding: str) -> None:
    assert one(read(file_of(batch(entry(name="Café Müller"))).decode().encode(encoding))).counterparty_name == "Café Müller"


@pytest.mark.parametrize(
    ("code", "direction"),
    [
        ("22", "debit"),
        ("27", "credit"),
        ("32", "debit"),
        ("37", "credit"),
        ("42", "debit"),
        ("47", "credit"),
        ("52", "debit"),
        ("55", "credit"),
    ],
)
def test_a_credit_entry_is_money_out_and_a_debit_entry_money_in(code: str, direction: str) -> None:
    assert one(of(entry(code))).direction == direction


RETURN = returned("R01", more="      09100001Account closed")
DISHONOURED = returned("R67", more=f"      09100001   {'111111111111111'}00701late")
CONTESTED = returned("R73", more=f"26010409100001004{'111111111111111'}00701{'222222222222222'}01067")


def sent_by(company: str, odfi: str, *records: str, number: int = 1, **said: str) -> list[str]:
    """Write a batch of another bank's customer to ours: its bank and its identification stand in the head and in the control."""
    head, *entries, control = batch(*records, number=number, **said)
    bank, own = f"1{ROUTING}{number:07d}", f"1{odfi}{number:07d}"
    return [
        head.replace(bank, own).replace(COMPANY, company),
        *entries,
        control.replace(f"{ROUTING}{number:07d}", own[1:]).replace(COMPANY, company),
    ]


def test_reads_what_the_account_of_a_receiver_got_the_other_way_round() -> None:
    content = file_of(
        sent_by("1111111111", "09100001", entry("22", 1250)), sent_by("2222222222", "12104288", entry("27", 500, trace=2, reference="FEE"))
    )
    events = read(content)
    assert not errors(events)
    assert not differing(events)
    assert [(head.account, head.account_owner) for head in opened(events)] == [("12345678", "")] * 2
    assert len({head.statement_id for head in opened(events)}) == 2
    assert signed(events) == [Decimal("12.50"), Decimal("-5.00")]
    got = lines(events)[0]
    assert (got.counterparty_name, got.counterparty_account, got.own_reference) == ("Meridian", "1111111111", "INV-7")
    assert ("receiver", "Example Trading") in got.facts


@pytest.mark.parametrize(
    ("second", "field", "said"),
    [
        (sent_by("2222222222", "12104288", entry().replace("12345678 ", "87654321 ")), "account number", "account alone"),
        (sent_by("2222222222", "12104288", entry("26", addenda=1), RETURN), "record type", "one file of each"),
        (sent_by("2222222222", "12104288", entry(), sec="IAT"), "standard entry class", "Ask the bank for a statement"),
    ],
)
def test_what_is_neither_sides_file_is_refused(second: list[str], field: str, said: str) -> None:
    (refused,) = errors(read(file_of(sent_by("1111111111", "09100001", entry("22")), second)))
    assert (refused.fatal, refused.field) == (True, field)
    assert said in refused.message
    assert refused.place.line


@pytest.mark.parametrize(
    "batches",
    [
        [sent_by("1111111111", "09100001", entry("22"))],
        [sent_by("1111111111", "09100001", entry("22")), sent_by("2222222222", ROUTING, entry("22", trace=2))],
        [sent_by(name, "09100001", entry("26", addenda=1), RETURN) for name in ("1111111111", "2222222222")],
    ],
    ids=["one company", "a batch of the bank's own customer", "answers alone"],
)
def test_what_may_be_its_senders_is_read_as_the_senders(batches: list[list[str]]) -> None:
    events = read(file_of(*batches))
    assert not errors(events)
    assert {head.account for head in opened(events)} <= {"1111111111", "2222222222"}
    assert {line.direction for line in lines(events)} == {"debit"}


@pytest.mark.parametrize(("addendum", "flips"), [(RETURN, "once"), (DISHONOURED, "twice"), (CONTESTED, "thrice")])
@pytest.mark.parametrize(("code", "forward", "back"), [("26", "credit", "debit"), ("21", "debit", "credit")])
def test_a_return_takes_the_money_back_and_its_dishonour_puts_it_forth(
    code: str, forward: str, back: str, addendum: str, flips: str
) -> None:
    line = one(of(entry(code, addenda=1), addendum))
    assert line.direction == (forward if flips == "twice" else back)
    assert line.booked
    assert ("original_trace", "091000017654321") in line.keys


def test_reads_a_return_with_its_reason_and_its_own_amount() -> None:
    line = one(of(entry("26", 400, addenda=1), RETURN, dates="      000000   "))
    assert line.amount == Decimal("4.00")
    assert {("return_reason", "R01"), ("return_note", "Account closed")} <= set(line.facts)
    assert line.booking_date == date(2026, 1, 5)
    assert line.raw.count("\n") == 1


def test_a_reason_of_the_banks_own_is_a_return_too() -> None:
    assert ("return_reason", "R97") in one(of(entry("26", addenda=1), RETURN.replace("R01", "R97"))).facts


def test_reads_a_dishonoured_return_in_its_own_layout() -> None:
    line = one(of(entry("26", addenda=1), DISHONOURED))
    assert {("dishonour_reason", "R67"), ("return_reason", "R01"), ("return_note", "late")} <= set(line.facts)
    assert [text for kind, text in line.keys if kind == "original_trace"] == ["091000017654321", "111111111111111"]


def test_reads_a_contested_return_in_its_own_layout() -> None:
    line = one(of(entry("26", addenda=1), CONTESTED))
    assert {("contest_reason", "R73"), ("dishonour_reason", "R67"), ("return_reason", "R01")} <= set(line.facts)
    assert [text for kind, text in line.keys if kind == "original_trace"] == ["091000017654321", "111111111111111", "222222222222222"]


def test_a_return_without_a_reason_is_said_once() -> None:
    events = of(entry("26"), entry("26", trace=2))
    assert [line.direction for line in lines(events)] == ["debit", "debit"]
    assert [(error.fatal, error.field) for error in errors(events)] == [(False, "addenda 99")]


def test_a_notification_of_change_carries_no_money() -> None:
    line = one(of(entry("26", 0, addenda=1), changed("C01", more="1918171614"), sec="COR"))
    assert (line.booked, line.amount) == (False, Decimal(0))
    assert {("change_code", "C01"), ("corrected_data", "1918171614")} <= set(line.facts)
    assert ("original_trace", "091000017654321") in line.keys


def test_reads_a_refused_notification_of_change() -> None:
    line = one(of(entry("26", 0, addenda=1), changed("C61", more=f"{'1918171614':29}C010000007"), sec="COR"))
    assert not line.booked
    assert {("refusal_code", "C61"), ("change_code", "C01"), ("corrected_data", "1918171614")} <= set(line.facts)


@pytest.mark.parametrize("code", ["23", "28", "33", "38", "53", "24", "29"])
def test_prenotes_and_empty_entries_count_for_nothing(code: str) -> None:
    line = one(of(entry(code, 0)))
    assert not line.booked
    assert (("prenote", "yes") in line.facts) == (code[1] in "38")


def test_a_reversal_batch_is_marked_and_its_code_already_says_which_way() -> None:
    line = one(of(entry("27"), said="REVERSAL"))
    assert (line.reversal, line.direction) == (True, "credit")


def test_reads_remittance_over_several_addenda() -> None:
    first = f"705{'RMR*IV*4711**12':80}00010000001"
    full = f"705{'x' * 80}00020000001"
    line = one(of(entry(addenda=1), first, full, f"705{'yz':80}00030000001", sec="CTX"))
    assert line.description == f"PAYMENT RMR*IV*4711**12 {'x' * 80}yz"


def test_reads_the_name_behind_the_count_of_a_corporate_entry() -> None:
    record = entry(name=f"0003{'Corporate Name':16}  ", addenda=1)
    assert one(of(record, f"705{'x':80}00010000001", sec="CTX")).counterparty_name == "Corporate Name"


def test_reads_an_international_entry_and_its_return() -> None:
    record = f"627{ROUTING}40007{'':13}{10000:010d}{'DE89370400440532013000':35}    1{ROUTING}0000001"
    addenda = [f"7{kind}{'':80}{'':4}0000001" for kind in range(11, 17)]
    name = f"710ANN{'000000000000100000':18}{'928383-23938':22}{'Foreign Name':35}{'':6}0000001"
    head = {"sec": "IAT", "dates": "CADUSD260106   "}
    line = one(of(record, name, *addenda, f"717{'for the invoice':80}00010000001", **head))
    assert (line.counterparty_name, line.counterparty_account, line.description) == (
        "Foreign Name", "DE89370400440532013000", "PAYMENT for the invoice",
    )  # fmt: skip
    assert ("currencies", "CAD/USD") in line.facts
    back = one(of(record.replace("627", "626"), name, *addenda, returned("R16", more=f"      091000010000020000{'Frozen':34}"), **head))
    assert back.direction == "debit"
    assert {("return_reason", "R16"), ("original_amount", "200.00"), ("return_note", "Frozen")} <= set(back.facts)


@pytest.mark.parametrize(
    ("dates", "head", "expected"),
    [
        ("      260106   ", HEAD, date(2026, 1, 6)),
        ("      260106007", HEAD, date(2026, 1, 7)),
        ("      000000   ", HEAD, date(2026, 1, 5)),
        ("      000101   ", HEAD, date(2026, 1, 5)),
        ("      261301   ", HEAD, date(2026, 1, 5)),
        ("      260102002", HEAD.replace("260105", "251231"), date(2026, 1, 2)),
        ("      251231365", HEAD, date(2025, 12, 31)),
        ("      240229060", HEAD.replace("260105", "240228"), date(2024, 2, 29)),
        ("      260106   ", HEAD.replace("1305", "    "), date(2026, 1, 6)),
    ],
)
def test_dates_by_settlement_then_effective_then_creation(dates: str, head: str, expected: date) -> None:
    assert one(read(file_of(batch(entry(), dates=dates), head=head))).booking_date == expected


def test_a_same_day_batch_says_so() -> None:
    assert ("same_day", "SD1300") in one(of(entry(), dates="SD1300260106   ")).facts


def test_reads_several_batches_and_several_files() -> None:
    once = file_of(batch(entry()), batch(entry("22", trace=2), number=2))
    events = read(once + once)
    assert not errors(events)
    assert not differing(events)
    assert [head.ordinal for head in opened(events)] == [1, 2, 3, 4]
    assert [event.ordinal for event in events if isinstance(event, StatementClosed)] == [1, 2, 3, 4]


def test_an_empty_file_says_that_there_was_nothing() -> None:
    events = read(file_of())
    assert not errors(events)
    assert not differing(events)
    assert [(head.account, head.period_end) for head in opened(events)] == [("", date(2026, 1, 5))]
    assert not lines(events)


@pytest.mark.parametrize(
    ("record", "first", "text", "name"),
    [
        ("8", 5, "000009", "entries and addenda of the batch"),
        ("8", 11, "0000000001", "entry hash of the batch"),
        ("8", 21, "000000009999", "total debits of the batch"),
        ("8", 33, "000000009999", "total credits of the batch"),
        ("8", 88, "0000007", "batch number"),
        ("9", 2, "000009", "batches of the file"),
        ("9", 8, "000009", "blocks of the file"),
        ("9", 14, "00000009", "entries and addenda of the file"),
        ("9", 22, "0000000001", "entry hash of the file"),
        ("9", 32, "000000009999", "total debits of the file"),
        ("9", 44, "000000009999", "total credits of the file"),
    ],
)
def test_compares_every_control(record: str, first: int, text: str, name: str) -> None:
    content = file_of(batch(entry())).decode().split("\r\n")
    index = next(number for number, line in enumerate(content) if line.startswith(record))
    content[index] = content[index][: first - 1] + text + content[index][first - 1 + len(text) :]
    events = read("\r\n".join(content).encode())
    assert not errors(events)
    assert list(differing(events)) == [name]


def test_the_entry_hash_runs_over() -> None:
    assert not differing(of(*(entry(trace=trace) for trace in range(1, 500))))


def test_says_that_a_one_sided_batch_has_both_sides() -> None:
    events = of(entry("27"), entry("22", trace=2), entry("27", trace=3), service="220")
    assert [(error.fatal, error.field) for error in errors(events)] == [(False, "service class")]
    assert not errors(of(entry("22"), entry("26", trace=2, addenda=1), RETURN, service="220"))


def test_keeps_addenda_it_does_not_know() -> None:
    events = of(entry(addenda=1), f"755{'odd':91}")
    assert [(error.fatal, error.field) for error in errors(events)] == [(False, "addenda type")]
    assert "odd" in lines(events)[0].raw


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (file_of(batch(entry().replace("0000001250", "      1250"))), "amount"),
        (file_of(batch(entry())).replace(b"0000001250", b"          "), "amount"),
        (file_of(batch(entry())).replace(b"0000001250", b"00000012.5"), "amount"),
        (file_of(batch(entry("23"))), "amount"),
        (file_of(batch(entry("29"))), "amount"),
        (file_of(batch(entry("26", addenda=1), changed("C01", more="1"))), "amount"),
        (file_of(batch(entry("25"))), "transaction code"),
        (file_of(batch(entry("81"))), "transaction code"),
        (file_of(batch(entry())).replace(b"62723138010", b"627X3138010"), "receiving DFI"),
        (file_of(batch(entry(), service="280")), "record type"),
        (file_of(batch(entry(), sec="ADV")), "record type"),
        (file_of(batch(entry(), service="999")), "service class"),
        (file_of(batch(entry()), head=HEAD.replace("260105", "261305")), "creation date"),
        (file_of(batch(entry())).replace(b"\r\n8200", b"\r\n4200"), "record type"),
        (file_of([*batch(entry()), entry()]), "record type"),
        (file_of(batch(entry())).replace(b"\r\n5200", b"\r\n7200"), "record type"),
        (file_of([*batch(entry())[:1], RETURN, *batch(entry())[1:]]), "record type"),
        (file_of([batch()[0], *batch(entry())]), "record type"),
        (file_of(batch(entry())).replace(b"8200000001", b"820000000X"), "entries and addenda of the batch"),
        (b"\r\n".join(file_of(batch(entry()), fill=False).split(b"\r\n")[:-2]), "9"),
        (file_of(batch(entry())).replace(HEAD.encode() + b"\r\n", b""), "1"),
        (file_of(batch(entry())) + b"x" * 95, "record"),
    ],
    ids=range(22),
)
def test_refuses_what_cannot_be_read(content: bytes, field: str) -> None:
    found = fatal(read(content))
    assert field in [error.field for error in found]
    assert all(error.message.endswith(".") and error.place.line for error in found)


def test_no_truncation_passes_in_silence() -> None:
    whole = file_of(batch(entry(), entry("22", 500, trace=2)), fill=False).rstrip()
    assert not errors(read(whole))
    assert [length for length in range(len(whole)) if not fatal(read(whole[:length]))] == []


def test_a_part_of_a_file_is_recognised_and_refused_for_what_it_lacks() -> None:
    content = b"\r\n".join(file_of(batch(entry())).split(b"\r\n")[1:])
    assert detect(io.BytesIO(content)) == NACHA
    assert all(event.fatal for event in errors(read(content)))
    assert not opened(read(content))
