"""No damage to a camt message loses an entry in silence: each is a line, or the file is refused, or a remark names it."""

import io
import zipfile
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.formats import FORMATS, ZIP
from recon.formats.events import VALUE_MAX, Event, LocatedError
from tests.recon.formats.samples import balance_xml, camt_xml, chains, entry_xml, errors, fatal, lines, opened, statement_xml

SUMMARY = "<TxsSummry><TtlNtries><NbOfNtries>3</NbOfNtries><Sum>22.00</Sum></TtlNtries></TxsSummry>"
DETAILS = "<Btch><NbOfTxs>2</NbOfTxs></Btch><TxDtls><Refs><UETR>é</UETR></Refs><Amt Ccy='EUR'>1.00</Amt></TxDtls><TxDtls/>"
ENTRIES = (
    entry_xml(details=DETAILS),
    entry_xml("2.00", "DBIT", more="<RvslInd>true</RvslInd>"),
    entry_xml(status="<Sts><Cd>PDNG</Cd></Sts>"),
)
BALANCES = balance_xml("OPBD", "100.00") + balance_xml("CLBD", "108.00")
STATEMENT = camt_xml(statement_xml(SUMMARY, *ENTRIES, balances=BALANCES))
VALID = {
    "camt053": STATEMENT.encode(),
    "camt052": STATEMENT.replace("BkToCstmrStmt", "BkToCstmrAcctRpt").replace("Stmt>", "Rpt>").replace("CLBD", "ITBD").encode(),
    "camt054": STATEMENT.replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").replace("Stmt>", "Ntfctn>").replace(BALANCES, "").encode(),
}


def entries(content: bytes) -> int:
    """Count the entries of the statements of a message, wherever its namespaces point."""
    found = 0
    for container in ET.fromstring(content).iter():  # noqa: S314 (bytes of our own making)
        if local(container) in ("Stmt", "Rpt", "Ntfctn"):
            found += sum(local(child) == "Ntry" for child in container)
    return found


def local(node: ET.Element) -> str:
    return str(node.tag).rpartition("}")[2].rpartition(":")[2]


def check(code: str, content: bytes) -> list[Event]:
    events = list(FORMATS[code].reader(io.BytesIO(content)))
    for event in events:
        if isinstance(event, LocatedError):
            assert event.message.endswith(".")
            assert len(event.value) <= VALUE_MAX
    chains(events)
    if not fatal(events):
        left_out = sum("left out" in error.message for error in errors(events))
        assert len(lines(events)) + left_out == entries(content)
    return events


@pytest.mark.parametrize("code", sorted(VALID))
def test_the_sample_itself_adds_up(code: str) -> None:
    events = check(code, VALID[code])
    assert not fatal(events)
    assert len(lines(events)) == 3


@pytest.mark.parametrize("code", sorted(VALID))
@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_loses_no_entry_of_mutated_bytes(code: str, data: st.DataObject) -> None:
    content = bytearray(VALID[code])
    pieces = st.one_of(st.binary(max_size=4), st.sampled_from([b"<", b"</Ntry>", b"<Ntry>", b"&", b"x:", b"1", b"<a/>", b"-"]))
    for _ in range(data.draw(st.integers(1, 5))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 4))] = data.draw(pieces)
    check(code, bytes(content))


@pytest.mark.parametrize("code", sorted(VALID))
def test_refuses_every_truncation(code: str) -> None:
    whole = VALID[code].rstrip()
    for length in range(0, len(whole) - 1, 7):
        assert fatal(check(code, whole[:length])), whole[:length]


def test_reads_all_three_out_of_an_archive() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for code in sorted(VALID):
            archive.writestr(f"{code}.xml", VALID[code])
    events = list(FORMATS[ZIP].reader(buffer))
    assert [(head.ordinal, head.kind) for head in opened(events)] == [(1, "intraday"), (2, "statement"), (3, "notification")]
