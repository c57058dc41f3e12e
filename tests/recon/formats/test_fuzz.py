"""No damage to a file makes a reader raise, and none is accepted in silence as a smaller statement."""

import io
import json
from datetime import UTC, date, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.formats import FORMATS, detect, records
from recon.formats.chain_transfers import Day
from recon.formats.chain_transfers import Transfer as ChainTransfer
from recon.formats.chain_transfers import write as write_chain_day
from recon.formats.events import VALUE_MAX, Event, LocatedError, StatementClosed
from tests.recon.formats.samples import (
    IBAN,
    balance_xml,
    camt_xml,
    chains,
    differing,
    entry_xml,
    errors,
    fatal,
    lines,
    mt940_text,
    mt942_text,
    signed,
    statement_xml,
)

CHAIN_DAY = Day(
    account="wallet", asset="EUR", decimals=2, chain="own:chain", contract="", addresses=("a",), day=date(2026, 11, 1), from_block=1,
    to_block=9, to_hash="b9", opening=1000, closing=1750,
)  # fmt: skip
CHAIN_TRANSFERS = [
    ChainTransfer(
        tx=f"t{n}", log=n, kind="value", block=n, block_hash=f"b{n}", mined_at=datetime(2026, 11, 1, 9, n, tzinfo=UTC), confirmations=9,
        flow=flow, sender="x", recipient="a", value=value,
    )
    for n, (flow, value) in enumerate([("in", 1000), ("out", 250)])
]  # fmt: skip
VALID = {
    "chain": write_chain_day(CHAIN_DAY, CHAIN_TRANSFERS),
    "mt940": (
        "{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}{4:\r\n"
        + mt940_text(
            ":61:2401030103CR12,50NTRFINV-7//BANK-9",
            "/OCMT/EUR12,50/",
            f":86:166?00SEPA?20EREF+E2E-1?21SVWZ+Rent?31{IBAN}?32Name",
            ":61:2401030103RC2,50NTRFNONREF",
            ":86:/EREF/X/REMI/Y",
            closing="C240103EUR1010,00",
        ).rstrip("\r\n")
        + "}"
    ).encode(),
    "camt053": camt_xml(
        statement_xml(
            entry_xml(
                details=f"<TxDtls><RltdPties><Dbtr><Nm>é</Nm></Dbtr><DbtrAcct><Id><IBAN>{IBAN}</IBAN></Id></DbtrAcct></RltdPties></TxDtls>"
            ),
            balances=balance_xml("OPBD", "100.00") + balance_xml("CLBD", "110.00"),
        )
    ).encode(),
    "mt942": (
        "{1:F01BANKDEFFAXXX0000000000}{2:I942CUSTDEFFXXXXN}{4:\r\n"
        + mt942_text(
            ":61:2401030103CR12,50NTRFINV-7//BANK-9",
            ":86:Rent",
            ":61:2401030103D2,50NTRFNONREF",
            totals=(":90D:1EUR2,50", ":90C:1EUR12,50"),
        ).rstrip("\r\n")
        + "}"
    ).encode(),
    "bai2": (
        b"01,S,R,240104,0605,7,,,2/\r\n02,R,S,1,240103,2400,EUR,2/\r\n03,12345,,010,100000,,,015,101000,,,100,1250,1,/\r\n"
        b"88,400,250,1,/\r\n16,195,1250,V,240104,,BANK-9,INV-7,Invoice, 7/\r\n88,with more/\r\n16,495,250,S,1,2,247,BANK-10,PAY-1,Wages\r\n"
        b"49,204000,6/\r\n98,204000,1,8/\r\n99,204000,1,10/"
    ),
    "ofx": (
        "OFXHEADER:100\r\nDATA:OFXSGML\r\nCHARSET:1252\r\n\r\n<OFX><BANKMSGSRSV1><STMTTRNRS><STATUS><CODE>0<SEVERITY>INFO</STATUS><STMTRS>"
        "<CURDEF>USD<BANKACCTFROM><BANKID>1<ACCTID>12345</BANKACCTFROM><BANKTRANLIST><DTSTART>20260101<DTEND>20260131\r\n"
        "<STMTTRN><TRNTYPE>POS<DTPOSTED>20260105120000[-5:EST]<TRNAMT>-6.60<FITID>F1<NAME>Caf\u00e9 &amp; more</STMTTRN>\r\n"
        "<STMTTRN><TRNTYPE>DEP<DTPOSTED>20260106<TRNAMT>1,234.50<FITID>F2<MEMO><![CDATA[a < b]]></STMTTRN>\r\n"
        "</BANKTRANLIST><LEDGERBAL><BALAMT>382.34<DTASOF>20260131</LEDGERBAL></STMTRS></STMTTRNRS></BANKMSGSRSV1></OFX>"
    ).encode("cp1252"),
    "nacha": "\r\n".join(
        (
            f"101 231380104 1234567892601051305A094101{'Bank':23}{'Meridian':31}",
            f"5200{'Meridian':36}1234567890PPDPAYMENT         260106   1231380100000001",
            f"627231380104{'12345678':17}0000001250{'INV-7':15}{'Example Trading':22}  0231380100000001",
            f"626231380104{'12345678':17}0000000400{'INV-6':15}{'Example Trading':22}  1231380100000002",
            f"799R01091000017654321      09100001{'Closed':44}091000010000002",
            f"822000000300462760200000000016500000000000001234567890{'':25}231380100000001".replace("8220", "8200", 1),
            f"9000001000001000000030046276020000000001650000000000000{'':39}",
        )
    ).encode(),
}
# What these formats declare is held against what was read: no change of an amount or of a number of lines goes unnoticed.
CONTROLLED = ("bai2", "nacha", "chain")


def check(code: str, content: bytes) -> list[Event]:
    detect(io.BytesIO(content))
    events = list(FORMATS[code].reader(io.BytesIO(content)))
    assert events
    for event in events:
        if isinstance(event, LocatedError):
            assert event.message.endswith(".")
            assert len(event.value) <= VALUE_MAX
            assert event.place.path
    chains(events)
    return events


def sound(code: str, events: list[Event]) -> bool:
    """Tell whether nothing at all speaks against what was read."""
    proven = all(whole.proof.status == "proven" for whole in chains(events)) or code in ("mt942", "nacha", "ofx")
    return proven and not errors(events) and not differing(events)


@pytest.mark.parametrize("code", sorted(VALID))
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_survives_mutated_bytes(code: str, data: st.DataObject) -> None:
    content = bytearray(VALID[code])
    for _ in range(data.draw(st.integers(1, 6))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    check(code, bytes(content))


@pytest.mark.parametrize("code", sorted(FORMATS))
@settings(max_examples=150, deadline=None)
@given(content=st.binary(max_size=400))
def test_survives_any_bytes(code: str, content: bytes) -> None:
    assert fatal(check(code, content))


@settings(max_examples=400, deadline=None)
@given(
    fields=st.lists(
        st.tuples(
            st.sampled_from(["20", "25", "28C", "60F", "60M", "61", "62F", "62M", "64", "86", "NS", "34F"]),
            st.text(alphabet="CDR0123456789,./EUNTF-?+ \n", max_size=30),
        ),
        max_size=12,
    )
)
def test_survives_fields_in_any_order(fields: list[tuple[str, str]]) -> None:
    check("mt940", "\n".join(f":{tag}:{text}" for tag, text in fields).encode())


@pytest.mark.parametrize("code", sorted(VALID))
def test_refuses_or_leaves_unproven_every_truncation(code: str) -> None:
    whole = VALID[code].rstrip()
    assert sound(code, check(code, whole))
    for length in range(len(whole) - 1):
        assert not sound(code, check(code, whole[:length])), whole[:length]


@pytest.mark.parametrize("code", CONTROLLED)
@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_loses_and_invents_no_money(code: str, data: st.DataObject) -> None:
    content = bytearray(VALID[code])
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 2))] = data.draw(
            st.text(alphabet="0123456789,/CDR: \r\n", max_size=2)
        ).encode()
    events = check(code, bytes(content))
    if sound(code, events):
        assert sorted(map(abs, signed(events))) == sorted(map(abs, signed(check(code, VALID[code]))))


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_loses_no_transaction_of_ofx(data: st.DataObject) -> None:
    """OFX declares no totals: every amount of the file must become a line or a refusal."""
    content = VALID["ofx"]
    position = data.draw(st.integers(content.index(b"<STMTRS>"), len(content) - 1))
    content = content[:position] + data.draw(st.binary(max_size=3)) + content[position + data.draw(st.integers(0, 3)) :]
    events = check("ofx", content)
    assert fatal(events) or len(lines(events)) == content.upper().count(b"<TRNAMT>")


RECORD = {
    "id": "PAY-1", "booked_on": "2026-11-02", "direction": "credit", "amount": "10.00", "currency": "USD", "reference": "INV-1",
    "keys": {"trace": "T-1"}, "facts": {"fee": "0.10"},
}  # fmt: skip
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.characters()
    | st.sampled_from(["\ud800", "\x00", "EUR", "debit", "1e9", "-1"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from([*RECORD, "\udfff", "x"]), inner, max_size=3),
    max_leaves=4,
)
CHANGED = st.dictionaries(st.sampled_from([*RECORD, "value_on", "uetr", "type", "\ud801"]), ANYTHING, max_size=2).map(
    lambda more: RECORD | more
)


def pushed(written: list[str]) -> bytes:
    return f'{{"format": "{records.FORMAT}", "account": "OPS", "delivery": "1", "records": [{", ".join(written)}]}}'.encode()


def conserved(content: bytes, *, count: int) -> list[Event]:
    """Check that every record of a delivery is a line or a row in quarantine, each at its own place, and return the events."""
    events = list(records.read(io.BytesIO(content)))
    rows = [error for error in errors(events) if error.row]
    places = [line.place.path for line in lines(events)] + [row.place.path for row in rows]
    assert sorted(places) == sorted(f"records[{number}]" for number in range(1, count + 1))
    assert bool(fatal(events)) == (not lines(events))
    for event in events:
        if isinstance(event, LocatedError):
            assert event.message.endswith(".")
            assert len(event.value) <= VALUE_MAX
            assert f"{event.field}{event.value}{event.raw}".encode()
    closed = [event.lines for event in events if isinstance(event, StatementClosed)]
    assert sum(closed) == len(lines(events))
    return events


@settings(max_examples=400, deadline=None)
@given(said=st.lists(st.just(RECORD) | CHANGED | ANYTHING, min_size=1, max_size=8))
def test_every_record_is_a_line_or_in_quarantine(said: list[object]) -> None:
    events = conserved(pushed([json.dumps(one) for one in said]), count=len(said))
    for event in lines(events):
        for text in (event.bank_reference, event.own_reference, event.counterparty_name, event.description, event.raw, *dict(event.facts)):
            assert text.encode().decode() == text


@pytest.mark.parametrize(
    "written",
    [
        '{"amount": "1.00", ' + json.dumps(RECORD)[1:],
        json.dumps(RECORD).replace('"trace"', '"trace": "T-0", "trace"'),
        json.dumps(RECORD).replace('"fee"', '"fee": "0.01", "fee"'),
    ],
)
def test_a_name_that_stands_twice_loses_nothing_in_silence(written: str) -> None:
    events = conserved(pushed([written, json.dumps(RECORD)]), count=2)
    (row,) = errors(events)
    assert (row.row, row.place.path) == (True, "records[1]")


def test_a_list_of_records_that_stands_twice_is_refused() -> None:
    one = json.dumps(RECORD)
    content = pushed([one]).replace(b'"records"', b'"records": [' + one.encode() + b'], "records"')
    (refused,) = errors(list(records.read(io.BytesIO(content))))
    assert (refused.fatal, refused.field) == (True, "JSON")


@settings(max_examples=400, deadline=None)
@given(data=st.data())
def test_damaged_deliveries_are_refused_or_keep_their_records(data: st.DataObject) -> None:
    content = bytearray(pushed([json.dumps(RECORD)] * 3))
    for _ in range(data.draw(st.integers(1, 4))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
    events = list(records.read(io.BytesIO(bytes(content))))
    if lines(events):
        conserved(bytes(content), count=len(json.loads(bytes(content))["records"]))
    else:
        assert fatal(events)


@pytest.mark.slow
@pytest.mark.parametrize("code", ["bai2", "mt942", "nacha", "ofx"])
@settings(max_examples=5_000, deadline=None)
@given(data=st.data())
def test_survives_long_mutation(code: str, data: st.DataObject) -> None:
    content = bytearray(VALID[code])
    for _ in range(data.draw(st.integers(1, 12))):
        position = data.draw(st.integers(0, len(content) - 1))
        length = data.draw(st.integers(0, 40))
        content[position : position + length] = data.draw(st.one_of(st.binary(max_size=8), st.just(bytes(content[:length]))))
    check(code, bytes(content))
