"""Writes a statement as BAI2, version 2, with its control totals."""

import re

from ledgerops.demo.shapes import Statement, StatementLine

_TYPE_CODES = {"bank_charge": ("398", "698"), "interest": ("354", "654"), "settlement": ("174", "474")}
_DEFAULT_TYPE_CODES = ("195", "495")
_SENDER, _RECEIVER = "MERIDIAN", "LEDGEROPS"


def write_bai2(statement: Statement) -> bytes:
    """Return the bytes of one statement with its opening and closing ledger balance.

    Counterparty, its account and the remittance follow a movement as continuations, each with the word that some banks use.
    """
    source = statement.source
    received = [line.amount_minor for line in statement.lines if line.amount_minor > 0]
    paid = [-line.amount_minor for line in statement.lines if line.amount_minor < 0]
    summary = [
        f"010,{_signed(statement.opening_minor)},,",
        f"015,{_signed(statement.closing_minor)},,",
        f"100,{sum(received)},{len(received)},",
        f"400,{sum(paid)},{len(paid)},",
    ]
    account = [f"03,{source.identifier},{source.asset},{summary[0]},{summary[1]}/", f"88,{summary[2]},{summary[3]}/"]
    for line in statement.lines:
        account += _movement(line, day_differs=line.value_date != statement.statement_date)
    total = statement.opening_minor + statement.closing_minor + 2 * (sum(received) + sum(paid))
    day = f"{statement.statement_date:%y%m%d}"
    records = [
        f"01,{_SENDER},{_RECEIVER},{day},2359,{statement.number},,,2/",
        f"02,{_RECEIVER},{_SENDER},1,{day},2400,{source.asset},2/",
        *account,
        f"49,{_signed(total)},{len(account) + 1}/",
        f"98,{_signed(total)},1,{len(account) + 3}/",
        f"99,{_signed(total)},1,{len(account) + 5}/",
    ]
    return "\r\n".join(records).encode("ascii")


def _movement(line: StatementLine, *, day_differs: bool) -> list[str]:
    code = _TYPE_CODES.get(line.category, _DEFAULT_TYPE_CODES)[line.amount_minor < 0]
    funds = f"V,{line.value_date:%y%m%d}," if day_differs else "Z"
    name, number = ("DBNM", "DACT") if line.amount_minor > 0 else ("CRNM", "CACT")
    said = {name: line.counterparty, number: line.counterparty_account, "EREF": line.reference, "REMI": line.remittance}
    head = f"16,{code},{abs(line.amount_minor)},{funds},{line.bank_reference},{line.reference},"
    return [head, *(f"88,{word}: {_clean(text)}" for word, text in said.items() if text)]


def _signed(amount_minor: int) -> str:
    return f"{'-' if amount_minor < 0 else '+'}{abs(amount_minor)}"


def _clean(text: str) -> str:
    """Return the text in printable ASCII; a slash at its end would be taken for the end of the record."""
    return re.sub(r"[^ -~]", " ", text).rstrip("/ ")
