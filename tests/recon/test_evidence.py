"""Files, messages and mentions on a break."""

import io
import re
import zipfile
from collections.abc import Callable

import pytest
from defusedxml.ElementTree import fromstring
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from approvals.models import User
from audit.models import AuditEvent
from recon import operations, resolution_queries
from recon.formats.evidence_types import NotEvidence, type_of
from recon.models import Break, EvidenceFile, Mention
from recon.operations import MessageRequest
from recon.operations.evidence import safe_name
from tests.concurrency.scene import bank, break_of, mt940, reconcile
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PDF = b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF"


def workbook(*names: str, types: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("[Content_Types].xml", f"<Types>{types}</Types>")
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


@pytest.fixture
def fee(maker: User, checker: User, post: Post) -> Break:
    """Leave a charge that only the bank knows."""
    source = bank()
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-5001", counterparty="Northwind")
    reconcile(mt940(("D", 2_50, "FEE-20261102")), source=source, by=maker)
    return break_of(reference="FEE-20261102")


def attach(recon_break: Break, content: bytes, *, by: User, name: str = "seen.txt", note: str = "") -> EvidenceFile:
    return operations.attach_file(break_id=recon_break.pk, name=name, content=io.BytesIO(content), note=note, added_by_id=by.pk)


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0" + b"\0" * 20, "image/jpeg"),
        (PDF, "application/pdf"),
        (b"Called the bank.\nThey look.", "text/plain"),
        (b"date;amount\n2026-11-02;1,00\n", "text/csv"),
        ("Überweisung".encode("cp1252"), "text/plain"),
        (b"<?xml version='1.0'?><Document/>", "application/xml"),
        (
            workbook("xl/workbook.xml", "xl/printerSettings/printerSettings1.bin"),
            XLSX,
        ),
    ],
)
def test_a_file_is_what_its_bytes_say(content: bytes, kind: str) -> None:
    assert type_of(io.BytesIO(content)) == kind


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"MZ\x90\x00\x03\x00\x00\x00",
        b"PK\x03\x04 no archive",
        workbook("word/document.xml"),
        workbook("xl/workbook.xml", "xl/vbaProject.bin"),
        workbook("xl/workbook.xml", "xl/embeddings/oleObject1.bin"),
        workbook("xl/workbook.xml", types="application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        b"%PDF-1.7\n<</S /JavaScript /JS (app.alert(1))>>",
        b"%PDF-1.7\n" + b" " * (1024 * 1024 - 14) + b"/EmbeddedFile <<>>",
        b"  <!DOCTYPE html><html>",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"<?xml version='1.0'?><a><html/></a>",
        b"<?xml version='1.0'?><!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>",
        b"<a><b></a>",
        b"text with \x00 in it",
    ],
)
def test_what_could_run_or_is_unknown_is_not_taken(content: bytes) -> None:
    with pytest.raises(NotEvidence):
        type_of(io.BytesIO(content))


@pytest.mark.parametrize(
    ("name", "kind", "kept"),
    [
        ("C:\\scans\\letter.pdf", "application/pdf", "letter.pdf"),
        ("../../etc/passwd", "text/plain", "passwd.txt"),
        ("invoice.pdf.exe", "application/pdf", "invoice.pdf.exe.pdf"),
        ("x\u202egpj.exe", "image/jpeg", "xgpj.exe.jpg"),
        ("photo.JPEG", "image/jpeg", "photo.jpeg"),
        ("", "text/plain", "evidence.txt"),
    ],
)
def test_a_name_is_made_safe_and_true(name: str, kind: str, kept: str) -> None:
    assert safe_name(name, media_type=kind) == kept


def test_a_file_is_kept_under_its_hash_once_and_handed_out_as_it_came(fee: Break, maker: User, auditor: User, stranger: User) -> None:
    kept = attach(fee, PDF, by=maker, name="letter.txt", note="From the bank")
    assert (kept.name, kept.media_type) == ("letter.txt.pdf", "application/pdf")
    assert default_storage.open(kept.storage_name).read() == PDF
    with writes_nothing(), pytest.raises(operations.EvidenceKnown, match="letter"):
        attach(fee, PDF, by=maker, name="other.pdf")
    response = signed_in(auditor).get(reverse("recon:evidence_file", args=[kept.pk]))
    assert b"".join(response.streaming_content) == PDF  # type: ignore[attr-defined]
    assert response.headers["Content-Disposition"] == 'attachment; filename="letter.txt.pdf"'
    assert (response.headers["Content-Type"], response.headers["X-Content-Type-Options"]) == ("application/octet-stream", "nosniff")
    assert "sandbox" in response.headers["Content-Security-Policy"]
    assert AuditEvent.objects.filter(action="recon.evidence.downloaded", actor_id=auditor.pk, target_id=str(kept.pk)).count() == 1
    assert AuditEvent.objects.filter(action="recon.evidence.attached", target_id=str(fee.pk), after__sha256=kept.sha256).count() == 1
    assert signed_in(stranger).get(reverse("recon:evidence_file", args=[kept.pk])).status_code == 404


def test_what_is_too_large_or_no_evidence_is_said_on_the_page(
    fee: Break, maker: User, auditor: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.operations.evidence.EVIDENCE_MAXIMUM_BYTES", 100)
    address = reverse("recon:attach_evidence", args=[fee.pk])
    browser = signed_in(maker)
    for content, said in ((b"a" * 101, "has at most"), (b"MZ\x90\x00", "neither an image"), (b"", "is empty")):
        with writes_nothing():
            response = browser.post(address, {"file": SimpleUploadedFile("x.png", content)})
        assert response.status_code == 422
        assert said in response.content.decode()
    with writes_nothing():
        assert signed_in(auditor).post(address, {"file": SimpleUploadedFile("x.png", PNG)}).status_code == 403
    assert browser.post(address, {"file": SimpleUploadedFile("x.png", PNG), "note": "Screen"}).status_code == 302
    assert "x.png" in browser.get(reverse("recon:break", args=[fee.pk])).content.decode()


@pytest.mark.parametrize("kind", list(operations.MESSAGE_KINDS))
def test_a_message_is_drafted_from_data_and_kept(fee: Break, maker: User, kind: str) -> None:
    wish = MessageRequest(break_id=fee.pk, kind=kind, text="Please tell us what <this> & that is", reason="DUPL")
    with writes_nothing():
        shown = signed_in(maker).get(reverse("recon:draft_message", args=[fee.pk]), {"kind": kind, "text": wish.text, "reason": "DUPL"})
    assert shown.status_code == 200
    assert "FEE-20261102" in shown.content.decode()
    kept = operations.draft_message(request=wish, drafted_by_id=maker.pk)
    content = default_storage.open(kept.storage_name).read().decode()
    assert kept.origin == "drafted"
    assert "2.50" in content
    if kind == operations.LETTER:
        assert "Please tell us what <this> & that is" in content
        return
    root = fromstring(content)
    assert root.tag == f"{{urn:iso:std:iso:20022:tech:xsd:{kind}}}Document"
    (amount,) = [one for one in root.iter() if "Ccy" in one.attrib]
    assert (amount.text, amount.attrib) == ("2.50", {"Ccy": "USD"})
    order = [one.tag.rpartition("}")[2] for one in root[0]]
    assert order == {"camt.027.001.07": ["Assgnmt", "Case", "Undrlyg"], "camt.056.001.08": ["Assgnmt", "Case", "CtrlData", "Undrlyg"]}[kind]
    assert AuditEvent.objects.filter(action="recon.message.drafted", target_id=str(fee.pk)).count() == 1


@pytest.mark.parametrize(
    ("values", "field"),
    [({"kind": "mt199"}, "kind"), ({"text": " "}, "text"), ({"kind": "camt.056.001.08", "reason": ""}, "reason")],
)
def test_a_message_that_is_none_is_refused_at_its_field(fee: Break, maker: User, values: dict[str, str], field: str) -> None:
    asked = {"kind": operations.LETTER, "text": "Please look", "reason": "DUPL", **values}
    with writes_nothing(), pytest.raises(operations.MessageInvalid) as told:
        operations.draft_message(request=MessageRequest(break_id=fee.pk, **asked), drafted_by_id=maker.pk)
    assert told.value.field == field


def test_who_is_named_is_told_if_they_see_the_break(
    fee: Break, maker: User, checker: User, stranger: User, person: Callable[[str, str], User]
) -> None:
    person("administrator", "Administrator")
    text = "@checker, @stranger and @administrator: look. mail@checker.example @nobody @maker @checker"
    operations.comment_on_break(break_id=fee.pk, author_id=maker.pk, text=text)
    assert [mention.user.username for mention in Mention.objects.all()] == ["checker"]
    assert (AuditEvent.objects.get(action="recon.break.commented").after or {})["mentions"] == ["checker"]
    browser = signed_in(checker)
    page = browser.get(reverse("recon:mentions")).content.decode()
    assert fee.public_number in page
    mention = Mention.objects.get()
    address = reverse("recon:see_mention", args=[mention.pk])
    with writes_nothing():
        assert signed_in(maker).post(address).status_code == 404
    assert browser.post(address).headers["Location"] == reverse("recon:break", args=[fee.pk])
    assert not resolution_queries.mentions_for(checker, unseen=True).exists()
    assert fee.public_number not in browser.get(reverse("recon:mentions")).content.decode().split("<main")[1]
    assert fee.public_number in re.sub(r"\s+", " ", browser.get(reverse("recon:mentions"), {"all": "1"}).content.decode())
