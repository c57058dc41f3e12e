"""Recognise a statement format by its content; a file name proves nothing."""

from __future__ import annotations

import re
from typing import BinaryIO

from recon.formats.nacha_records import EBCDIC_BEGINNING
from recon.formats.reports import report_code

SNIFF_BYTES = 1 << 18

MT940 = "mt940"
MT942 = "mt942"
CAMT052 = "camt052"
CAMT053 = "camt053"
CAMT054 = "camt054"
BAI2 = "bai2"
NACHA = "nacha"
OFX = "ofx"
ZIP = "zip"
CHAIN = "chain"
RECORDS = "records"

_CONTAINER = re.compile(r"<(?:[\w.-]+:)?(BkToCstmrStmt|BkToCstmrAcctRpt|BkToCstmrDbtCdtNtfctn)(?:V[0-9]+)?[\s/>]")
_CONTAINERS = {"BkToCstmrStmt": CAMT053, "BkToCstmrAcctRpt": CAMT052, "BkToCstmrDbtCdtNtfctn": CAMT054}
_CHAIN = re.compile(r'\A\{[^\r\n]*"format" ?: ?"ledgerops\.chain-transfers"')
_RECORDS = re.compile(r'[\s\ufeff]*\{[^\[]{0,2000}"format"\s*:\s*"ledgerops\.records/')
_REFERENCE = re.compile(r"(?:^|[\r\n\x01]|\{4:|\A@@) *:20:")
_BODY = re.compile(r"(?:[\r\n]|@@) *:(?:25P?|28C?|60[FM]|61):")
_BOOKED = re.compile(r"(?:[\r\n]|@@) *:60[FM]:")
_OFX = re.compile(r"<OFX>|<\?OFX\s", re.IGNORECASE)
_BAI2 = re.compile(r"[\s\ufeff]*01,[^,\r\n]{0,40},[^,\r\n]{0,40},[0-9]{6},[0-9:]{0,8},[^,\r\n]{0,20},")
_BEGINNINGS = (
    (_CHAIN, CHAIN),
    (_RECORDS, RECORDS),
    (_BAI2, BAI2),
    (re.compile(r"[\s\ufeff]*OFXHEADER\b", re.IGNORECASE), OFX),
    # The header of 94 characters names its own size; where fields before it are cut short, the size is shifted.
    (re.compile(r"[\s\ufeff]*101[^\r\n]{26,34}09410[0-9]"), NACHA),
    # A part of a file, which begins with a batch or an entry: told apart so that its refusal can say what is missing.
    (re.compile(r"[\s\ufeff]*5(?:200|220|225|280)[^\r\n]{80,90}(?:\r\n|\r|\n)6[2-5][1-8][0-9 ]{8}"), NACHA),
)
_INTRADAY = re.compile(r"\{2:[IO]942|(?:[\r\n]|@@) *:(?:34F|90[CD]):")


def detect(file: BinaryIO) -> str | None:
    """Return the code of the format the file is in, or None; the file is left at its beginning."""
    file.seek(0)
    head = file.read(SNIFF_BYTES)
    file.seek(0)
    if head.startswith(b"PK\x03\x04"):
        return ZIP
    return _of_text(_text(head))


def _of_text(text: str) -> str | None:
    if text.lstrip("\ufeff \t\r\n").startswith("<"):
        match = _CONTAINER.search(text)
        return _CONTAINERS[match[1]] if match else OFX if _OFX.search(text) else None
    if begun := next((code for pattern, code in _BEGINNINGS if pattern.match(text)), None):
        return begun
    if _REFERENCE.search(text) and _BODY.search(text):
        return MT942 if _INTRADAY.search(text) and not _BOOKED.search(text) else MT940
    return report_code(text)


def _text(head: bytes) -> str:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="replace")
    if head.startswith(EBCDIC_BEGINNING):
        return head.decode("cp037")
    return head.removeprefix(b"\xef\xbb\xbf").decode("latin-1")
