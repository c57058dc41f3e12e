"""Writes a statement as the records that an operational system would push."""

import json

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain
from recon.formats.records import FORMAT


def write_records(statement: Statement) -> bytes:
    """Return one delivery; a statement without lines has nothing to push."""
    source, day = statement.source, statement.statement_date.isoformat()
    records = [_record(line, statement) for line in statement.lines]
    return json.dumps({"format": FORMAT, "account": source.identifier, "delivery": f"{source.code}-{day}", "records": records}).encode()


def _record(line: StatementLine, statement: Statement) -> dict[str, str]:
    return {
        "id": line.bank_reference,
        "booked_on": line.booking_date.isoformat(),
        "value_on": line.value_date.isoformat(),
        "direction": "credit" if line.amount_minor > 0 else "debit",
        "amount": plain(abs(line.amount_minor), scale=statement.scale),
        "currency": statement.source.asset,
        "end_to_end_id": line.reference,
        "counterparty": line.counterparty,
        "counterparty_account": line.counterparty_account,
        "type": line.category,
        "description": line.remittance,
    }
