"""Writes a statement as SWIFT MT940, with the details of :86: in the dialect of the bank's country."""

import re
from datetime import date

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain

_TYPE_CODES = {"bank_charge": "NCHG", "interest": "NINT"}
_DEFAULT_TYPE_CODE = "NTRF"
_LINE_WIDTH = 65
# The German structure: a business transaction code and numbered subfields of 27 characters.
_GVC = {"deposit": "166", "withdrawal": "116", "bank_charge": "808", "interest": "814"}
_DEFAULT_GVC = "177"
_SUBFIELD_WIDTH = 27


def write_mt940(statement: Statement) -> bytes:
    """Return the bytes of one statement with its opening and closing balance."""
    source, scale = statement.source, statement.scale
    lines = [
        f":20:{source.code[:9].replace('-', '')}{statement.statement_date:%y%m%d}",
        f":25:{source.identifier}",
        f":28C:{statement.number:05d}/001",
        f":60F:{_balance(statement.opening_minor, day=statement.opening_date, asset=source.asset, scale=scale)}",
    ]
    for line in statement.lines:
        lines.append(f":61:{_movement(line, scale=scale)}")
        lines += _tag_86(_numbered(line) if source.identifier.startswith("DE") else _slashed(line))
    closing = _balance(statement.closing_minor, day=statement.statement_date, asset=source.asset, scale=scale)
    lines += [f":62F:{closing}", f":64:{closing}", "-"]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii")


def _balance(amount_minor: int, *, day: date, asset: str, scale: int) -> str:
    return f"{'D' if amount_minor < 0 else 'C'}{day:%y%m%d}{asset}{_amount(amount_minor, scale=scale)}"


def _movement(line: StatementLine, *, scale: int) -> str:
    direction = "D" if line.amount_minor < 0 else "C"
    code = _TYPE_CODES.get(line.category, _DEFAULT_TYPE_CODE)
    return (
        f"{line.value_date:%y%m%d}{line.booking_date:%m%d}{direction}{_amount(line.amount_minor, scale=scale)}"
        f"{code}{line.reference}//{line.bank_reference}"
    )


def _amount(amount_minor: int, *, scale: int) -> str:
    """Return the magnitude with the comma that SWIFT demands even where no decimals follow."""
    text = plain(abs(amount_minor), scale=scale).replace(".", ",")
    return text if "," in text else text + ","


def _slashed(line: StatementLine) -> list[str]:
    """Return /CODE/ elements, one a line: end-to-end id, counterparty with account and name, remittance."""
    elements = [f"/EREF/{line.reference}"]
    elements.append(f"/CNTP/{_clean(line.counterparty_account)}//{_clean(line.counterparty)}")
    elements.append(f"/REMI/USTD//{_clean(line.remittance)}")
    return [element[: _LINE_WIDTH - 1] + "/" for element in elements]


def _numbered(line: StatementLine) -> list[str]:
    """Return ?nn subfields packed into lines without ever breaking a subfield."""
    purpose = [f"EREF+{line.reference}", *_subfields(f"SVWZ+{_clean(line.remittance)}")]
    subfields = ["?00" + ("SEPA CREDIT" if line.amount_minor > 0 else "SEPA DEBIT")]
    subfields += [f"?{20 + index}{part}" for index, part in enumerate(purpose)]
    if line.counterparty_account:
        subfields.append(f"?31{line.counterparty_account}")
    subfields.append(f"?32{_clean(line.counterparty)[:_SUBFIELD_WIDTH]}")
    rows = [_GVC.get(line.category, _DEFAULT_GVC)]
    for subfield in subfields:
        if len(rows[-1]) + len(subfield) > _LINE_WIDTH:
            rows.append("")
        rows[-1] += subfield
    return rows


def _subfields(text: str) -> list[str]:
    """Cut the text so that no piece ends with a space, which a reader may strip at the end of a line."""
    pieces = []
    while text:
        piece = text[:_SUBFIELD_WIDTH].rstrip()
        pieces.append(piece)
        text = text[len(piece) :]
    return pieces


def _tag_86(rows: list[str]) -> list[str]:
    assert len(rows) <= 6, rows
    return [f":86:{rows[0]}", *rows[1:]]


def _clean(text: str) -> str:
    """Return the text in the SWIFT character set."""
    return re.sub(r"[^A-Za-z0-9/?:().,'+ -]", " ", text)
