"""No damage to a file makes a reader raise, and none is accepted in silence as a smaller statement."""

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.formats import FORMATS, detect
from recon.formats.events import VALUE_MAX, Event, LocatedError
from tests.recon.formats.samples import IBAN, balance_xml, camt_xml, chains, entry_xml, fatal, mt940_text, statement_xml

VALID = {
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
}


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
    whole = VALID[code]
    assert [proven.proof.status for proven in chains(check(code, whole))] == ["proven"]
    for length in range(len(whole) - 1):
        events = check(code, whole[:length])
        assert fatal(events) or any(proven.proof.status != "proven" for proven in chains(events)), whole[:length]
