"""Writes a statement as ISO 20022 camt.053.001.08, and the parts that the other camt messages share with it."""

from datetime import date
from xml.etree import ElementTree as ET

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain

# Domain, family and sub-family of the ISO external code list, for money that comes in and money that goes out.
_CODES = {
    "bank_charge": (("ACMT", "MCOP", "CHRG"), ("ACMT", "MDOP", "CHRG")),
    "interest": (("ACMT", "MCOP", "INTR"), ("ACMT", "MDOP", "INTR")),
    "settlement": (("PMNT", "RCDT", "BOOK"), ("PMNT", "ICDT", "BOOK")),
}
_DEFAULT_CODES = (("PMNT", "RCDT", "DMCT"), ("PMNT", "ICDT", "DMCT"))


def write_camt053(statement: Statement) -> bytes:
    """Return the bytes of one statement with its opening and closing booked balance."""
    return write_camt(statement, message="053", container="BkToCstmrStmt", name="Stmt", closing="CLBD")


def write_camt(statement: Statement, *, message: str, container: str, name: str, closing: str) -> bytes:
    """Return the bytes of one camt message; without a code of its `closing` balance it carries none."""
    document = ET.Element("Document", {"xmlns": f"urn:iso:std:iso:20022:tech:xsd:camt.{message}.001.08"})
    body = _body(ET.SubElement(document, container), name, statement)
    _account(body, statement)
    if closing:
        _balance(body, "OPBD", statement.opening_minor, day=statement.opening_date, statement=statement)
        _balance(body, closing, statement.closing_minor, day=statement.statement_date, statement=statement)
    _summary(body, statement)
    for number, line in enumerate(statement.lines, start=1):
        _entry(body, line, number=number, statement=statement)
    ET.indent(document)
    text = ET.tostring(document, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'.encode()


def _body(message: ET.Element, name: str, statement: Statement) -> ET.Element:
    source = statement.source
    created = f"{statement.statement_date.isoformat()}T22:15:00Z"
    identification = f"{source.code}-{statement.statement_date:%Y%m%d}"
    _texts(ET.SubElement(message, "GrpHdr"), MsgId=identification, CreDtTm=created)
    body = ET.SubElement(message, name)
    _texts(body, Id=identification, ElctrncSeqNb=str(statement.number), CreDtTm=created)
    period = ET.SubElement(body, "FrToDt")
    _texts(period, FrDtTm=f"{statement.statement_date.isoformat()}T00:00:00Z", ToDtTm=f"{statement.statement_date.isoformat()}T23:59:59Z")
    return body


def _summary(body: ET.Element, statement: Statement) -> None:
    """Declare how many entries there are and what they sum to, received and paid."""
    summary = ET.SubElement(body, "TxsSummry")
    for tag, amounts in (
        ("TtlCdtNtries", [line.amount_minor for line in statement.lines if line.amount_minor > 0]),
        ("TtlDbtNtries", [-line.amount_minor for line in statement.lines if line.amount_minor < 0]),
    ):
        _texts(ET.SubElement(summary, tag), NbOfNtries=str(len(amounts)), Sum=plain(sum(amounts), scale=statement.scale))


def _account(body: ET.Element, statement: Statement) -> None:
    account = ET.SubElement(body, "Acct")
    _account_id(account, statement.source.identifier)
    _texts(account, Ccy=statement.source.asset)
    _texts(ET.SubElement(account, "Ownr"), Nm=statement.owner)
    servicer = ET.SubElement(ET.SubElement(account, "Svcr"), "FinInstnId")
    _texts(servicer, BICFI=statement.source.bic, Nm=statement.source.servicer)


def _balance(body: ET.Element, code: str, amount_minor: int, *, day: date, statement: Statement) -> None:
    balance = ET.SubElement(body, "Bal")
    kind = ET.SubElement(ET.SubElement(balance, "Tp"), "CdOrPrtry")
    _texts(kind, Cd=code)
    _amount(balance, amount_minor, statement=statement)
    _date(balance, "Dt", day)


def _entry(body: ET.Element, line: StatementLine, *, number: int, statement: Statement) -> None:
    entry = ET.SubElement(body, "Ntry")
    _texts(entry, NtryRef=str(number))
    _amount(entry, line.amount_minor, statement=statement)
    _texts(ET.SubElement(entry, "Sts"), Cd="BOOK")
    _date(entry, "BookgDt", line.booking_date)
    _date(entry, "ValDt", line.value_date)
    _texts(entry, AcctSvcrRef=line.bank_reference)
    _bank_code(entry, line)
    details = ET.SubElement(ET.SubElement(entry, "NtryDtls"), "TxDtls")
    _texts(ET.SubElement(details, "Refs"), AcctSvcrRef=line.bank_reference, EndToEndId=line.reference)
    _amount(details, line.amount_minor, statement=statement)
    _parties(details, line)
    _texts(ET.SubElement(details, "RmtInf"), Ustrd=line.remittance)


def _bank_code(entry: ET.Element, line: StatementLine) -> None:
    received, paid = _CODES.get(line.category, _DEFAULT_CODES)
    domain_code, family_code, sub_family_code = received if line.amount_minor > 0 else paid
    domain = ET.SubElement(ET.SubElement(entry, "BkTxCd"), "Domn")
    _texts(domain, Cd=domain_code)
    _texts(ET.SubElement(domain, "Fmly"), Cd=family_code, SubFmlyCd=sub_family_code)


def _parties(details: ET.Element, line: StatementLine) -> None:
    role = "Dbtr" if line.amount_minor > 0 else "Cdtr"
    parties = ET.SubElement(details, "RltdPties")
    party = ET.SubElement(ET.SubElement(parties, role), "Pty")
    _texts(party, Nm=line.counterparty)
    if line.counterparty_account:
        _account_id(ET.SubElement(parties, f"{role}Acct"), line.counterparty_account)


def _account_id(parent: ET.Element, identifier: str) -> None:
    identification = ET.SubElement(parent, "Id")
    if identifier[:2].isalpha():
        _texts(identification, IBAN=identifier)
    else:
        _texts(ET.SubElement(identification, "Othr"), Id=identifier)


def _amount(parent: ET.Element, amount_minor: int, *, statement: Statement) -> None:
    amount = ET.SubElement(parent, "Amt", {"Ccy": statement.source.asset})
    amount.text = plain(abs(amount_minor), scale=statement.scale)
    _texts(parent, CdtDbtInd="DBIT" if amount_minor < 0 else "CRDT")


def _date(parent: ET.Element, tag: str, day: date) -> None:
    _texts(ET.SubElement(parent, tag), Dt=day.isoformat())


def _texts(parent: ET.Element, **texts: str) -> None:
    for tag, text in texts.items():
        ET.SubElement(parent, tag).text = text
