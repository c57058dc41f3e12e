"""The books as files: figures exact, types true, nothing that runs, and a trail of each."""

import csv
import io
from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import openpyxl
import pypdf
import pytest

from approvals.models import User
from audit.models import AuditEvent
from ledger import operations
from ledgerops.lib.csv_cells import csv_lines
from ledgerops.lib.pdf import pdf
from ledgerops.lib.tables import Amount, Column, Kind, Row, Table, Total
from ledgerops.lib.workbook import is_exact, workbook
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

EXPORTS = ["/accounts/2010/export/", "/ledger/export/", "/ledger/trial-balance/export/?as_of=2026-12-31&detail=accounts"]
# As many digits as an amount may have, none of which a double could keep.
HUGE = 12345678901234567890123456789012345678
DANGEROUS = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", " =1", "\uff1d1", '=HYPERLINK("http://x")']


def table(rows: Iterable[Row]) -> Table:
    return Table(
        name="sample",
        title="Sample",
        columns=[
            Column(name="text", title="Text", wide=True),
            Column(name="day", title="Day", kind=Kind.DATE),
            Column(name="at", title="At", kind=Kind.INSTANT),
            Column(name="amount", title="Amount", kind=Kind.MONEY, totalled=True),
            Column(name="n", title="No.", kind=Kind.INTEGER),
        ],
        rows=rows,
        facts=[("Source", "LedgerOps")],
        made_at=datetime(2026, 11, 2, 9, 30, tzinfo=UTC),
    )


def row(text: str = "text", *, minor: int = 100, scale: int = 2, unit: str = "USD") -> Row:
    return [text, date(2026, 11, 2), datetime(2026, 11, 2, 8, 15, tzinfo=UTC), Amount(minor, scale, unit), 7]


def sheets(made: Table) -> tuple[list[list[Any]], dict[str, Any]]:
    """Return the cells of the sheet of rows, and the facts of the other one."""
    with workbook(made) as file:
        book = openpyxl.load_workbook(io.BytesIO(file.read()))
    assert book["Table"].freeze_panes == "A2"
    assert book["Table"].auto_filter.ref is not None
    return [list(cells) for cells in book["Table"]], {str(cells[0].value): cells[1].value for cells in book["About"] if len(cells) > 1}


def words_of(content: bytes) -> str:
    return " ".join(" ".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(content)).pages).split())


# The kinds of file


def test_a_workbook_holds_days_numbers_and_texts() -> None:
    (_, (text, day, at, amount, number)), facts = sheets(table([row("=1+1", minor=-123450)]))
    assert (text.value, text.data_type, text.quotePrefix) == ("=1+1", "s", True)
    assert (day.value, day.number_format) == (datetime(2026, 11, 2), "yyyy-mm-dd")  # noqa: DTZ001 (a sheet knows no zones)
    assert at.value == datetime(2026, 11, 2, 8, 15)  # noqa: DTZ001 (a sheet knows no zones)
    assert (amount.value, amount.data_type, amount.number_format) == (-1234.5, "n", "#,##0.00")
    assert number.value == 7
    assert facts["Source"] == "LedgerOps"
    assert (facts["Rows"], facts["Total amount, USD"]) == (1, -1234.5)


@pytest.mark.parametrize(
    ("minor", "scale", "kept_as"),
    [
        (999_999_999_999_999, 2, "n"),
        (9_999_999_999_999_999, 2, "s"),
        (10**18, 18, "n"),
        (10**18 + 1, 18, "s"),
        (HUGE, 0, "s"),
        (HUGE, 18, "s"),
        (-HUGE, 2, "s"),
        (0, 2, "n"),
    ],
)
def test_a_figure_is_exact_whatever_its_length(minor: int, scale: int, kept_as: str) -> None:
    made = [row(minor=minor, scale=scale)]
    exact = Decimal(f"{minor}e-{scale}")
    (_, cells), facts = sheets(table(made))
    assert cells[3].data_type == kept_as
    assert is_exact(minor) is (kept_as == "n")
    assert Decimal(str(cells[3].value)) == Decimal(str(facts["Total amount, USD"])) == exact
    printed = words_of(pdf(table(made))).replace(",", "").replace("\u2212", "-")
    assert f"{exact:f}" in printed
    assert Decimal(list(csv.reader(csv_lines(table(made))))[1][3]) == exact


def test_totals_are_by_unit_and_leave_rows_of_totals_out() -> None:
    rows: list[Row] = [
        row(minor=1),
        row(minor=HUGE),
        row(minor=5, scale=0, unit="JPY"),
        Total(["Total", None, None, Amount(9, 2, "USD"), None]),
    ]
    _, facts = sheets(table(rows))
    assert facts["Rows"] == 3
    assert facts["Total amount, USD"] == "123456789012345678901234567890123456.79"
    assert facts["Total amount, JPY"] == 5


@pytest.mark.parametrize("text", DANGEROUS)
def test_nothing_runs_when_a_file_is_opened(text: str) -> None:
    assert list(csv.reader(csv_lines(table([row(text)])), strict=True))[1][0] == "'" + text
    (_, cells), _ = sheets(table([row(text)]))
    assert cells[0].data_type == "s"
    assert cells[0].quotePrefix


def test_a_pdf_is_the_same_bytes_for_the_same_table_tagged_and_made_to_be_kept() -> None:
    rows = [row(f"LE-{n}", minor=n + 1) for n in range(120)]
    first, again = pdf(table(rows)), pdf(table(rows))
    assert first == again
    assert pdf(table(rows[:-1])) != first
    reader = pypdf.PdfReader(io.BytesIO(first))
    assert len(reader.pages) > 1
    assert reader.root_object["/MarkInfo"]["/Marked"]  # type: ignore[index]
    metadata = reader.xmp_metadata
    assert metadata is not None
    assert b"pdfaid" in metadata.stream.get_data()
    for page in reader.pages:
        assert float(page.mediabox.width) > float(page.mediabox.height)
        text = page.extract_text()
        assert "Source: LedgerOps" in text
        assert "Rows: 120" in text
        assert "Text Day At (UTC) Amount No." in text
    words = words_of(first)
    assert "LE-0 " in words
    assert "LE-119 " in words
    assert "72.60" in words


def test_a_pdf_carries_its_fonts_its_title_and_its_language() -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf(table([row(f"LE-{n}", minor=n + 1) for n in range(60)]))), strict=True)
    assert reader.metadata is not None
    assert reader.metadata.title == "Sample"
    assert str(reader.root_object["/Lang"]).startswith("en")
    fonts = [font.get_object() for page in reader.pages for font in page["/Resources"]["/Font"].values()]  # type: ignore[index]
    assert fonts
    for font in fonts:
        (descendant,) = font["/DescendantFonts"]
        described = descendant.get_object()["/FontDescriptor"].get_object()
        assert {"/FontFile2", "/FontFile3"} & set(described)
        # What the glyphs are in letters: without it a text cannot be found, copied or read aloud.
        assert "/ToUnicode" in font


def test_no_text_is_read_as_markup_and_what_cannot_be_drawn_is_spelled_out() -> None:
    words = words_of(pdf(table([row('#strong[a] $x$ \\ "q" {b} \u4e2d\x01\U0001f600 \u0416'), row("E2E" + "0123456789" * 14)])))
    assert '#strong[a] $x$ \\ "q" {b}' in words
    assert "[U+4E2D][U+0001][U+1F600]" in words.replace(" ", "")
    assert "\u0416" in words
    assert "E2E" + "0123456789" * 14 in words.replace(" ", "")


# The exports of the books


@pytest.fixture
def posted(post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", description="=HYPERLINK(1)", reference="INV-1", day=date(2026, 3, 2))
    post("2010 debit 4.00 USD / 4010 credit 4.00 USD", kind="fee", day=date(2026, 3, 3))


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.parametrize(("file_format", "start"), [("csv", b""), ("xlsx", b"PK"), ("pdf", b"%PDF-")])
@pytest.mark.usefixtures("posted")
def test_each_export_leaves_in_each_format_and_is_on_the_trail(auditor: User, export: str, file_format: str, start: bytes) -> None:
    response = signed_in(auditor).post(export, {"format": file_format})
    assert response.status_code == 200
    content = response.getvalue()
    assert content.startswith(start)
    assert response.headers["Content-Disposition"].endswith(f'.{file_format}"')
    event = AuditEvent.objects.latest("id")
    assert event.action == "ledger.statement.exported"
    assert event.after is not None
    assert event.after["format"] == file_format
    if file_format == "csv":
        assert f"Request,{event.request_id}" in content.decode()
        assert f"Rows,{event.after['rows']}" in content.decode()


@pytest.mark.usefixtures("posted")
def test_a_statement_s_control_totals_are_those_of_the_account(auditor: User) -> None:
    response = signed_in(auditor).post("/accounts/2010/export/", {"format": "xlsx"})
    book = openpyxl.load_workbook(io.BytesIO(response.getvalue()))
    facts = {cells[0].value: cells[1].value for cells in book["About"]}
    assert (facts["Total debit, USD"], facts["Total credit, USD"], facts["Rows"]) == (4, 10, 2)
    assert [cells[10].value for cells in book["Table"]][1:] == [10, 6]


@pytest.mark.parametrize("export", EXPORTS)
@pytest.mark.usefixtures("posted")
def test_another_format_is_refused(auditor: User, export: str) -> None:
    browser = signed_in(auditor)
    with writes_nothing():
        response = browser.post(export, {"format": "docx"})
    assert response.status_code == 422
    assert b"csv, xlsx or pdf" in response.content
    assert AuditEvent.objects.latest("id").outcome == "refused"


@pytest.mark.usefixtures("posted")
def test_a_pdf_too_long_to_be_read_is_refused_by_its_limit(auditor: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operations.MOST_ROWS, "pdf", 3)
    browser = signed_in(auditor)
    with writes_nothing():
        response = browser.post("/ledger/export/", {"format": "pdf"})
    assert response.status_code == 422
    assert "at most 3 rows leave at once as PDF" in response.content.decode()
    assert browser.post("/ledger/export/", {"format": "xlsx"}).status_code == 200
