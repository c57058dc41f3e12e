"""Statement formats: which there are, how a file is recognised, and the reader of each.

Plain Python: nothing here knows of Django or the database. See docs/formats.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from recon.formats import archive, bai2, camt053, chain_transfers, mt940, nacha, ofx, records
from recon.formats.events import Reader
from recon.formats.reports import REPORTS
from recon.formats.sniff import BAI2, CAMT052, CAMT053, CAMT054, CHAIN, MT940, MT942, NACHA, OFX, RECORDS, ZIP, detect

__all__ = [
    "BAI2",
    "CAMT052",
    "CAMT053",
    "CAMT054",
    "CHAIN",
    "FORMATS",
    "MT940",
    "MT942",
    "NACHA",
    "OFX",
    "RECORDS",
    "ZIP",
    "Format",
    "detect",
]


@dataclass(frozen=True, slots=True)
class Format:
    """`proves` is false for what carries no booked balances: intraday reports and notifications."""

    code: str
    label: str
    reader: Reader
    sniff: Callable[[BinaryIO], bool]
    proves: bool


def _format(code: str, label: str, reader: Reader, *, proves: bool = True) -> Format:
    return Format(code=code, label=label, reader=reader, sniff=lambda file: detect(file) == code, proves=proves)


FORMATS: dict[str, Format] = {
    one.code: one
    for one in (
        *(_format(one.code, one.label, one.reader) for one in REPORTS),
        _format(MT940, "MT940 statement", mt940.read),
        _format(CAMT053, "camt.053 statement", camt053.read),
        _format(CHAIN, "Transfers of a chain", chain_transfers.read),
        _format(BAI2, "BAI2 balance report", bai2.read),
        _format(NACHA, "NACHA (ACH) entries and returns", nacha.read),
        _format(OFX, "OFX or QFX statement", ofx.read),
        _format(RECORDS, "Records of an operational system", records.read),
        _format(ZIP, "ZIP archive of statements", archive.read),
        _format(MT942, "MT942 intraday report", mt940.read, proves=False),
        _format(CAMT052, "camt.052 intraday report", camt053.read, proves=False),
        _format(CAMT054, "camt.054 notification", camt053.read, proves=False),
    )
}
