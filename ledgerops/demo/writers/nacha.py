"""Writes a statement as the NACHA file of an originator: what came in was collected by debits, what went out paid by credits."""

import re
from datetime import date
from itertools import groupby

from ledgerops.demo.shapes import Statement, StatementLine

_ODFI = "09100001"
_BLOCK = 10
_FILLER = "9" * 94
_CREDIT, _DEBIT = "22", "27"


def write_nacha(statement: Statement) -> bytes:
    """Return the bytes of one file, with a batch for each run of lines of one value date; an empty statement has none.

    NACHA has no balances, one date an entry, fifteen characters for a reference, and a number of its own to trace an entry by.
    """
    company = statement.source.identifier[:10]
    batches: list[str] = []
    count = digits = paid = received = entries = 0
    for number, (day, group) in enumerate(groupby(statement.lines, key=lambda line: line.value_date), start=1):
        lines = list(group)
        batches += _batch(lines, statement=statement, company=company, day=day, number=number, first=entries + 1)
        entries += len(lines)
        count, digits = number, digits + sum(int(_routing(line)) for line in lines)
        received += sum(line.amount_minor for line in lines if line.amount_minor > 0)
        paid -= sum(line.amount_minor for line in lines if line.amount_minor < 0)
    created = f"{statement.statement_date:%y%m%d}2359"
    head = f"101 {_ODFI}9 {company:>9.9}{created}A094101{_text(statement.source.servicer, 23)}{_text(statement.owner, 23)}{'':8}"
    blocks = -(-(len(batches) + 2) // _BLOCK)
    addenda = sum(record.startswith("7") for record in batches)
    control = f"9{count:06d}{blocks:06d}{entries + addenda:08d}{digits % 10**10:010d}{received:012d}{paid:012d}{'':39}"
    records = [head, *batches, control]
    records += [_FILLER] * (blocks * _BLOCK - len(records))
    return "".join(f"{record}\r\n" for record in records).encode("ascii")


def _batch(lines: list[StatementLine], *, statement: Statement, company: str, day: date, number: int, first: int) -> list[str]:
    name = _text(statement.owner, 16)
    records = [f"5200{name}{'':20}{company:10}CCDPAYMENT   {'':6}{day:%y%m%d}   1{_ODFI}{number:07d}"]
    for trace, line in enumerate(lines, start=first):
        records += _entry(line, trace=trace)
    received = sum(line.amount_minor for line in lines if line.amount_minor > 0)
    paid = -sum(line.amount_minor for line in lines if line.amount_minor < 0)
    digits = sum(int(_routing(line)) for line in lines) % 10**10
    records.append(f"8200{len(records) - 1:06d}{digits:010d}{received:012d}{paid:012d}{company:10}{'':19}{'':6}{_ODFI}{number:07d}")
    return records


def _entry(line: StatementLine, *, trace: int) -> list[str]:
    code = _DEBIT if line.amount_minor > 0 else _CREDIT
    account, amount, said = _text(line.counterparty_account, 17), abs(line.amount_minor), _text(line.remittance, 80)
    named = f"{_text(line.reference, 15)}{_text(line.counterparty, 22)}"
    records = [f"6{code}{_routing(line)}0{account}{amount:010d}{named}  {int(bool(said.strip()))}{_ODFI}{trace:07d}"]
    if said.strip():
        records.append(f"705{said}0001{trace:07d}")
    return records


def _routing(line: StatementLine) -> str:
    """Return eight digits of the other account's number, for want of the number of its bank."""
    return re.sub("[^0-9]", "", line.counterparty_account)[:8].rjust(8, "0")


def _text(text: str, width: int) -> str:
    return re.sub(r"[^ -~]", " ", text)[:width].ljust(width)
