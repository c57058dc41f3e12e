"""One table of the formats in which the demo company's statements can be written."""

import io
import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from ledgerops.demo.camt053 import write_camt053
from ledgerops.demo.mt940 import write_mt940
from ledgerops.demo.shapes import Statement
from ledgerops.demo.writers.bai2 import write_bai2
from ledgerops.demo.writers.camt import write_camt052, write_camt054
from ledgerops.demo.writers.chain import write_chain
from ledgerops.demo.writers.custodians import write_circle, write_coinbase_prime, write_fireblocks
from ledgerops.demo.writers.mt942 import write_mt942
from ledgerops.demo.writers.nacha import write_nacha
from ledgerops.demo.writers.ofx import write_ofx
from ledgerops.demo.writers.processors import write_adyen, write_paypal_activity, write_paypal_settlement, write_stripe
from ledgerops.demo.writers.records import write_records
from ledgerops.demo.writers.tables import definition, write_csv, write_fixed, write_json, write_xlsx, write_xml


@dataclass(frozen=True)
class Writer:
    """`asset` is the only one that the format knows; `quiet_days` is false where a day without lines has no file; `mapping` returns the
    definition that reads a file without a format of its own.
    """

    write: Callable[[Statement], bytes]
    suffix: str
    asset: str = ""
    quiet_days: bool = True
    mapping: Callable[[Statement], bytes] | None = None


def _definition(code: str, statement: Statement) -> bytes:
    return json.dumps(definition(code, statement), indent=2).encode()


def _mapped(code: str, write: Callable[[Statement], bytes]) -> Writer:
    return Writer(write, "txt" if code == "fixed" else code, mapping=partial(_definition, code))


def write_zip(statement: Statement) -> bytes:
    """Return an archive that holds the statement as MT940; its time is the statement's, so that the same statement gives the same bytes."""
    out, day = io.BytesIO(), statement.statement_date
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        member = zipfile.ZipInfo(f"{statement.source.code}_{day.isoformat()}.sta", (day.year, day.month, day.day, 0, 0, 0))
        archive.writestr(member, write_mt940(statement))
    return out.getvalue()


WRITERS: dict[str, Writer] = {
    "mt940": Writer(write_mt940, "sta"),
    "mt942": Writer(write_mt942, "942"),
    "camt052": Writer(write_camt052, "xml"),
    "camt053": Writer(write_camt053, "xml"),
    "camt054": Writer(write_camt054, "xml"),
    "bai2": Writer(write_bai2, "bai"),
    "ofx": Writer(write_ofx, "ofx"),
    "nacha": Writer(write_nacha, "ach", asset="USD"),
    "zip": Writer(write_zip, "zip"),
    "chain": Writer(write_chain, "jsonl"),
    "stripe": Writer(write_stripe, "csv", quiet_days=False),
    "adyen": Writer(write_adyen, "csv"),
    "paypal_settlement": Writer(write_paypal_settlement, "csv"),
    "paypal_activity": Writer(write_paypal_activity, "csv", quiet_days=False),
    "circle": Writer(write_circle, "json", quiet_days=False),
    "coinbase_prime": Writer(write_coinbase_prime, "json", quiet_days=False),
    "fireblocks": Writer(write_fireblocks, "json", quiet_days=False),
    "records": Writer(write_records, "json", quiet_days=False),
    "csv": _mapped("csv", write_csv),
    "fixed": _mapped("fixed", write_fixed),
    "xlsx": _mapped("xlsx", write_xlsx),
    "json": _mapped("json", write_json),
    "xml": _mapped("xml", write_xml),
}
