"""Writes a statement as OFX: version 2 (XML), or version 1 (SGML), which leaves the end tags of values out."""

from xml.sax.saxutils import escape

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain

_TYPES = {"bank_charge": ("CREDIT", "SRVCHG"), "interest": ("INT", "INT"), "settlement": ("XFER", "XFER")}
_DEFAULT_TYPES = ("CREDIT", "DEBIT")
_NAME_WIDTH = 32
_HEADER_2 = (
    '<?xml version="1.0" encoding="UTF-8" standalone="no"?>\r\n'
    '<?OFX OFXHEADER="200" VERSION="220" SECURITY="NONE" OLDFILEUID="NONE" NEWFILEUID="NONE"?>\r\n'
)
_HEADER_1 = (
    "OFXHEADER:100\r\nDATA:OFXSGML\r\nVERSION:160\r\nSECURITY:NONE\r\nENCODING:UNICODE\r\nCHARSET:NONE\r\nCOMPRESSION:NONE\r\n"
    "OLDFILEUID:NONE\r\nNEWFILEUID:NONE\r\n\r\n"
)


def write_ofx(statement: Statement) -> bytes:
    """Return the bytes of one statement with its closing balance; OFX has no opening one."""
    return (_HEADER_2 + _document(statement, ended=True)).encode()


def write_ofx_sgml(statement: Statement) -> bytes:
    """Return the same statement in version 1."""
    return (_HEADER_1 + _document(statement, ended=False)).encode()


def _document(statement: Statement, *, ended: bool) -> str:
    source, day = statement.source, f"{statement.statement_date:%Y%m%d}"

    def holder(name: str, *parts: str) -> str:
        return f"<{name}>\r\n{''.join(parts)}</{name}>\r\n"

    def values(**said: str) -> str:
        return "".join(f"<{name}>{escape(text)}{f'</{name}>' if ended else ''}\r\n" for name, text in said.items() if text)

    def movement(line: StatementLine) -> str:
        words = {
            "TRNTYPE": _TYPES.get(line.category, _DEFAULT_TYPES)[line.amount_minor < 0],
            "DTPOSTED": f"{line.booking_date:%Y%m%d}120000[0:GMT]",
            "DTAVAIL": f"{line.value_date:%Y%m%d}120000[0:GMT]",
            "TRNAMT": plain(line.amount_minor, scale=statement.scale),
            "FITID": line.bank_reference,
            "REFNUM": line.reference,
            "NAME": line.counterparty[:_NAME_WIDTH].rstrip(),
            "EXTDNAME": line.counterparty if len(line.counterparty) > _NAME_WIDTH else "",
        }
        account = values(BANKID="UNKNOWN", ACCTID=line.counterparty_account, ACCTTYPE="CHECKING")
        to = holder("BANKACCTTO", account) if line.counterparty_account else ""
        return holder("STMTTRN", values(**words), to, values(MEMO=line.remittance))

    status = holder("STATUS", values(CODE="0", SEVERITY="INFO"))
    account = holder("BANKACCTFROM", values(BANKID=source.bic, ACCTID=source.identifier, ACCTTYPE="CHECKING"))
    movements = holder("BANKTRANLIST", values(DTSTART=day, DTEND=day), *(movement(line) for line in statement.lines))
    closing = plain(statement.closing_minor, scale=statement.scale)
    balance = holder("LEDGERBAL", values(BALAMT=closing, DTASOF=f"{day}235959"))
    return holder(
        "OFX",
        holder("SIGNONMSGSRSV1", holder("SONRS", status, values(DTSERVER=f"{day}235959[0:GMT]", LANGUAGE="ENG"))),
        holder(
            "BANKMSGSRSV1",
            holder(
                "STMTTRNRS",
                values(TRNUID=f"{source.code}-{day}"),
                status,
                holder("STMTRS", values(CURDEF=source.asset), account, movements, balance),
            ),
        ),
    )
