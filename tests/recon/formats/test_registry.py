"""Formats are recognised by content, and archives are read member by member."""

import io
import zipfile

import pytest

from recon.formats import CAMT052, CAMT053, CAMT054, FORMATS, MT940, MT942, ZIP, detect
from recon.formats.events import Event
from tests.recon.formats.samples import camt_xml, entry_xml, errors, fatal, mt940_text, opened, statement_xml

CAMT = camt_xml(statement_xml(entry_xml()))
INTRADAY = mt940_text().replace(":60F:C240102EUR1000,00", ":34F:EUR0,")


def packed(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return buffer.getvalue()


def unpack(content: bytes) -> list[Event]:
    return list(FORMATS[ZIP].reader(io.BytesIO(content)))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (mt940_text().encode(), MT940),
        (b"BANKNL2A\r\n940\r\n" + mt940_text().encode(), MT940),
        (mt940_text().replace("\r\n", "\r").encode(), MT940),
        (b"{1:F01BANKDEFFAXXX0000000000}{2:I940CUSTDEFFXXXXN}{4:\r\n" + mt940_text().encode(), MT940),
        (INTRADAY.encode(), MT942),
        (CAMT.encode(), CAMT053),
        (("\ufeff\n<?xml version='1.0'?>" + CAMT).encode(), CAMT053),
        (CAMT.encode("utf-16"), CAMT053),
        (CAMT.replace("BkToCstmrStmt", "ns2:BkToCstmrStmt").encode(), CAMT053),
        (CAMT.replace("BkToCstmrStmt", "BkToCstmrAcctRptV01").encode(), CAMT052),
        (CAMT.replace("BkToCstmrStmt", "BkToCstmrDbtCdtNtfctn").encode(), CAMT054),
        (packed(a=CAMT), ZIP),
        (b"", None),
        (b"date;amount\n2024-01-03;12,50\n", None),
        (b"<Document><CstmrCdtTrfInitn/></Document>", None),
        (b"the :20: and the :25: of a day", None),
        (bytes(range(256)), None),
    ],
)
def test_detects_a_format_by_its_content(content: bytes, code: str | None) -> None:
    file = io.BytesIO(content)
    assert detect(file) == code
    assert file.tell() == 0
    assert [known.code for known in FORMATS.values() if known.sniff(file)] == ([code] if code else [])


@pytest.mark.parametrize(
    ("code", "container", "name"), [(CAMT052, "BkToCstmrAcctRpt", "Rpt"), (CAMT054, "BkToCstmrDbtCdtNtfctn", "Ntfctn")]
)
def test_reads_what_proves_no_account_all_the_same(code: str, container: str, name: str) -> None:
    content = CAMT.replace("BkToCstmrStmt", container).replace("Stmt>", f"{name}>")
    assert not FORMATS[code].proves
    events = list(FORMATS[code].reader(io.BytesIO(content.encode())))
    assert not errors(events)
    assert [head.kind == "statement" for head in opened(events)] == [False]


def test_numbers_the_statements_of_an_archive_through() -> None:
    events = unpack(packed(**{"one.sta": mt940_text() + mt940_text(), "two.xml": CAMT}))
    assert [head.ordinal for head in opened(events)] == [1, 2, 3]
    assert opened(events)[2].place.path == "two.xml: BkToCstmrStmt/Stmt[1]"
    assert not errors(events)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (packed(), "empty"),
        (packed(a="hello"), "no statement format"),
        (packed(a=mt940_text() + "\r\n" * 2_000_000), "many times"),
        (packed(a=CAMT)[:-30], "damaged"),
        (packed(**{f"m{number}": "" for number in range(1001)}), "more than"),
        (packed(outer=packed(a=CAMT).decode("latin-1")), "no statement format"),
    ],
)
def test_refuses_archives_that_cannot_be_trusted(content: bytes, said: str) -> None:
    assert any(said in error.message for error in fatal(unpack(content)))


class Unreadable(io.BytesIO):
    def read(self, _size: int | None = -1) -> bytes:
        raise OSError("the disk is gone")

    readline = read


@pytest.mark.parametrize("code", sorted(set(FORMATS) - {ZIP}))  # zipfile takes the failure for a damaged archive
def test_never_raises_even_when_the_file_does(code: str) -> None:
    (error,) = fatal(list(FORMATS[code].reader(Unreadable(b"x"))))
    assert "OSError" in error.message
    assert error.value == "the disk is gone"
