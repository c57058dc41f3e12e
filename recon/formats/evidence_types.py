"""What a file of evidence is, told by its bytes: images, PDF, text, tables and XML, and nothing that could run."""

import csv
import re
import zipfile
from typing import BinaryIO
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import iterparse

# By what a file is, the ending that its name gets.
ENDINGS = {
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "application/pdf": ".pdf",
    "application/xml": ".xml",
    "text/csv": ".csv",
    "text/plain": ".txt",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}
_HEAD = 4096
_PDF_ACTIVE = re.compile(rb"/(JavaScript|Launch|EmbeddedFile|RichMedia|XFA)\b")
_MARKUP = ("<!doctype html", "<html", "<script", "<svg")
# A workbook that unpacks to more than this, or into more parts, is none that a person attached.
_UNPACKED_MAX = 200 * 1024 * 1024
_PARTS_MAX = 2_000
_XLSX_ACTIVE = ("vbaproject", "vbadata", "macrosheets/", "activex/", "embeddings/", ".xlm", "externallinks/")


class NotEvidence(Exception):
    """The bytes are of no kind that is taken; the message says why."""


def type_of(content: BinaryIO) -> str:
    """Return the media type of a file from its bytes alone, and leave it at its beginning.

    :raises NotEvidence: if it is of another kind, is broken, or could run something.
    """
    content.seek(0)
    head = content.read(_HEAD)
    content.seek(0)
    try:
        if not head:
            raise NotEvidence("the file is empty")
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return "image/png"
        if head.startswith(b"\xff\xd8\xff"):
            return "image/jpeg"
        if head.startswith(b"%PDF-"):
            return _pdf(content)
        if head.startswith(b"PK\x03\x04"):
            return _xlsx(content)
        return _text(content)
    finally:
        content.seek(0)


def _pdf(content: BinaryIO) -> str:
    kept = b""
    while chunk := content.read(1024 * 1024):
        if _PDF_ACTIVE.search(kept + chunk):
            raise NotEvidence("the PDF holds scripts, actions or files: print it to a plain PDF")
        kept = chunk[-32:]
    return "application/pdf"


def _xlsx(content: BinaryIO) -> str:
    try:
        with zipfile.ZipFile(content) as archive:
            parts = archive.infolist()
            names = {part.filename.lower() for part in parts}
            if "[content_types].xml" not in names or "xl/workbook.xml" not in names:
                raise NotEvidence("an archive is taken only if it is a workbook (.xlsx)")
            if len(parts) > _PARTS_MAX or sum(part.file_size for part in parts) > _UNPACKED_MAX:
                raise NotEvidence("the workbook unpacks to more than is taken")
            active = any(word in name for name in names for word in _XLSX_ACTIVE)
            types = next(part for part in parts if part.filename.lower() == "[content_types].xml")
            if active or b"macroEnabled" in archive.read(types):
                raise NotEvidence("the workbook holds macros, links or embedded objects: save it as plain .xlsx")
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise NotEvidence("the workbook cannot be opened") from error
    return "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def _text(content: BinaryIO) -> str:
    raw = content.read()
    text = _decoded(raw)
    start = text.lstrip("\ufeff \t\r\n").lower()
    if start.startswith(_MARKUP):
        raise NotEvidence("pages of the web are not taken: they can run scripts")
    if start.startswith("<"):
        return _xml(content)
    return "text/csv" if _is_table(text) else "text/plain"


def _decoded(raw: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if any(ord(sign) < 32 and sign not in "\t\r\n\f" for sign in text):
            raise NotEvidence("the file is neither an image, a PDF, a workbook nor text")
        return text
    raise NotEvidence("the file is neither an image, a PDF, a workbook nor text")


def _xml(content: BinaryIO) -> str:
    content.seek(0)
    try:
        for _, element in iterparse(content, events=("start",), forbid_dtd=True):
            name = element.tag.rpartition("}")[2].lower()
            if name in ("html", "svg", "script", "stylesheet"):
                raise NotEvidence("pages and drawings of the web are not taken: they can run scripts")
    except DefusedXmlException as error:
        raise NotEvidence("the XML declares entities of its own") from error
    except ParseError as error:
        raise NotEvidence("the XML is broken") from error
    return "application/xml"


def _is_table(text: str) -> bool:
    """Return whether the lines of a text have as many columns each, by one delimiter."""
    lines = [line for line in text.splitlines()[:50] if line.strip()]
    for delimiter in ",;\t|":
        widths = {len(row) for row in csv.reader(lines, delimiter=delimiter)}
        if len(lines) > 1 and len(widths) == 1 and widths.pop() > 1:
            return True
    return False
