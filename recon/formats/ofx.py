"""OFX 1 and 2 and QFX: statements of bank accounts and cards, and the cash of investment accounts.

The file names no opening balance, so it proves nothing by itself: continuity is judged from the closing balance before.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import BinaryIO

from recon.formats import ofx_values as values
from recon.formats.currencies import exponent
from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    Event,
    LineRead,
    LocatedError,
    Place,
    StatementClosed,
    StatementOpened,
    refusal,
    remark,
)
from recon.formats.guard import guarded
from recon.formats.lines import SMALL_MAX, size_of
from recon.formats.ofx_nodes import LINES, RESPONSES, STATEMENTS, TRADES, Node, nodes
from recon.formats.text import bic, iban, key, one_line

_NO_ACCOUNT = "The statement does not name its account (ACCTID). Ask the bank for a corrected file."
_MONEY_IN = frozenset({"CREDIT", "DEP", "DIRECTDEP"})
_MONEY_OUT = frozenset({"DEBIT", "FEE", "SRVCHG", "CHECK", "POS", "PAYMENT", "DIRECTDEBIT"})
_REMARKS = {
    "sign": "Lines with a type (TRNTYPE) that goes the other way than their amount: {count}. The sign of the amount counts.",
    "replaced": "Lines that replace an earlier one (CORRECTFITID): {count}. The earlier line must be undone, or its amount counts too.",
    "deleted": "Lines that withdraw an earlier one (CORRECTFITID): {count}. They count for nothing; the earlier line must be undone.",
    "fitid": "Lines that repeat the number (FITID) of another line of the statement: {count}. All of them are kept.",
    "trade": "Movements of securities: {count}. They are shown and count for nothing; only movements of cash are booked.",
}


@dataclass(slots=True)
class _Statement:
    ordinal: int
    node: Node
    currency: str = ""
    scale: int | None = None
    opened: bool = False
    closing: bool = False
    lines: int = 0
    numbers: set[str] = field(default_factory=set)
    said: dict[str, tuple[int, Place]] = field(default_factory=dict)

    def say(self, what: str, place: Place) -> None:
        """Count a remark, to be made once for all lines it is true of."""
        count, first = self.said.get(what, (0, place))
        self.said[what] = (count + 1, first)


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read OFX statements, 25 MB at most. See :mod:`recon.formats.events` for the promise of a reader."""
    if size_of(file) > SMALL_MAX:
        message = "The file is larger than 25 MB, more than any bank puts into one OFX file. Ask for a shorter period."
        yield refusal(place=Place(1, 0, "file"), field="file", message=message)
        return
    text, encoding, declared = values.decoded(file)
    if declared and declared != encoding:
        message = f"The header declares the character set {declared}, the file is in {encoding} and was read so."
        yield remark(place=Place(1, 0, "header"), field="encoding", value=declared, message=message)
    if "\x00" in text:
        message = "The file holds zero bytes, which no text has: it is damaged or no OFX file."
        yield refusal(place=Place(text.count("\n", 0, text.index("\x00")) + 1, None, "file"), field="file", message=message)
        return
    reader = _Reader()
    for item in nodes(text.replace("\r\n", "\n").replace("\r", "\n")):
        yield from reader.take(item)
    yield from reader.finish()


class _Reader:
    def __init__(self) -> None:
        self._begun = self._ended = self._refused = False
        self._server = Node("SONRS", 1, None)
        self._statement: _Statement | None = None
        self._statements = 0
        self._line = 1

    def take(self, item: tuple[Node, bool] | LocatedError) -> Iterator[Event]:
        if isinstance(item, LocatedError):
            self._refused = True
            yield item
            return
        node, complete = item
        self._line = node.line
        if node.name == "OFX":
            self._begun, self._ended = True, complete
        elif node.name in STATEMENTS and not complete:
            self._statements += 1
            self._statement = _Statement(self._statements, node)
        elif node.name == "SONRS":
            self._server = node
        elif node.name == "STATUS" and complete:
            yield from self._status(node)
        elif self._statement and complete:
            yield from self._part(node, self._statement)
        elif complete and (node.name in LINES or node.name in TRADES or node.name == "LEDGERBAL"):
            message = "A transaction or a balance stands outside the statement of an account (STMTRS): an element is damaged or missing."
            yield refusal(place=node.place(), field="STMTRS", value=node.get("TRNAMT", "BALAMT"), message=message)

    def finish(self) -> Iterator[Event]:
        if self._refused:
            return
        place = Place(self._line, None, "OFX")
        if not self._begun:
            yield refusal(place=Place(1, 0, "OFX"), field="OFX", message="The file holds no OFX data: it has no element OFX.")
        elif not self._ended:
            message = "The file has no end (/OFX): it was cut off. Ask the bank for the whole file."
            yield refusal(place=place, field="OFX", message=message)
        elif not self._statements:
            message = (
                "The file holds no statement of an account. Ask the bank for the transactions of the account, not for a list or a sign-on."
            )
            yield refusal(place=place, field="OFX", message=message)

    def _status(self, node: Node) -> Iterator[Event]:
        code, severity = node.get("CODE"), node.get("SEVERITY").upper()
        parent = node.parent.name if node.parent else ""
        if severity == "ERROR" and (parent in RESPONSES or parent == "SONRS"):
            self._refused = True
            message = f"The bank answered with the error {code} in place of a statement; try the download again or ask the bank."
            yield refusal(place=node.place("CODE"), field="STATUS", value=node.get("MESSAGE") or code, message=message)

    def _part(self, node: Node, statement: _Statement) -> Iterator[Event]:
        if node.name in LINES:
            yield from self._open(statement)
            yield from _line(node, statement)
        elif node.name in TRADES:
            yield from self._open(statement)
            yield from _trade(node, statement)
        elif node.name in ("LEDGERBAL", "AVAILBAL"):
            yield from self._open(statement)
            yield from _balance(node, statement)
        elif node is statement.node:
            yield from self._open(statement)
            yield from _close(statement)
            self._statement = None

    def _open(self, statement: _Statement) -> Iterator[Event]:
        """Announce the statement once its head is complete, which is at its first line or balance."""
        if statement.opened:
            return
        node = statement.node
        statement.opened = True
        head = node.children.get(STATEMENTS[node.name]) or Node("", node.line, None)
        account, statement.currency = one_line(head.get("ACCTID")), node.get("CURDEF").upper()
        statement.scale = exponent(statement.currency)
        listed = next((child for name, child in node.children.items() if name in ("BANKTRANLIST", "INVTRANLIST")), head)
        start, end = values.day(listed.get("DTSTART")), values.day(listed.get("DTEND"))
        yield StatementOpened(
            ordinal=statement.ordinal,
            account=iban(account) or account,
            account_scheme="iban" if iban(account) else "other",
            account_owner="",
            servicer_bic=bic(head.get("BANKID")),
            currency=statement.currency or None,
            statement_id=f"{start:%Y%m%d}-{end:%Y%m%d}" if start and end else "",
            statement_number="",
            sequence_number="",
            message_id=node.parent.get("TRNUID") if node.parent else "",
            created_at=values.instant(self._server.get("DTSERVER")),
            copy=False,
            place=node.place(),
            period_start=start,
            period_end=end,
        )
        if not account:
            yield refusal(place=node.place(), field="ACCTID", message=_NO_ACCOUNT)
        if statement.scale is None:
            message = (
                "The statement does not name its currency by the three letters of ISO 4217 (CURDEF). Ask the bank for a corrected file."
            )
            yield refusal(place=node.place("CURDEF"), field="CURDEF", value=node.get("CURDEF"), message=message)


def _line(node: Node, statement: _Statement) -> Iterator[Event]:
    pending = node.name == "STMTTRNP"
    booked_on = values.day(node.get("DTTRAN" if pending else "DTPOSTED"))
    amount = values.amount(node.get("TRNAMT"), scale=statement.scale)
    yield from _unreadable(node, booked_on=booked_on, amount=amount, name="DTTRAN" if pending else "DTPOSTED")
    foreign = _foreign(node, statement)
    if foreign:
        yield foreign
    if booked_on is None or amount is None or foreign:
        return
    statement.lines += 1
    place = Place(node.line, None, f"STMTTRN[{statement.lines}]")
    action, number = node.get("CORRECTACTION").upper(), key(node.get("FITID"))
    for what, true in (
        ("sign", node.get("TRNTYPE").upper() in (_MONEY_IN if amount < 0 else _MONEY_OUT) and amount != 0),
        ("replaced", action == "REPLACE"),
        ("deleted", action == "DELETE"),
        ("fitid", number in statement.numbers),
    ):
        if true:
            statement.say(what, place)
    if number:
        statement.numbers.add(number)
    yield _line_read(
        node,
        statement,
        place=place,
        booked_on=booked_on,
        amount=amount,
        booked=not (pending or action == "DELETE"),
    )


def _foreign(node: Node, statement: _Statement) -> LocatedError | None:
    """Refuse a line whose amount is in another currency: what it moves on the account is not in the file."""
    named, rate = node.get("CURRENCY/CURSYM").upper(), node.get("CURRENCY/CURRATE").rstrip("0")
    if not named or named == statement.currency or rate in ("1", "1."):
        return None
    message = (
        f"The amount of the line is in another currency (CURRENCY) than its statement ({statement.currency}), so the file does not say "
        "what it moves on the account. Ask the bank for the amount in the account's currency, with the other one as ORIGCURRENCY."
    )
    return refusal(place=node.children["CURRENCY"].place("CURSYM"), field="CURSYM", value=named, message=message)


def _unreadable(node: Node, *, booked_on: date | None, amount: Decimal | None, name: str) -> Iterator[Event]:
    if booked_on is None:
        written = node.get(name)
        message = "The date of the line does not exist or cannot be read: expected YYYYMMDD." if written else "The line has no date."
        yield refusal(place=node.place(name), field=name, value=written, message=f"{message} Ask the bank for a corrected file.")
    if amount is None:
        message = (
            "The amount of the line is missing, is no number, or can be read in two ways (1,234): expected digits with one decimal sign. "
            "Ask the bank for a corrected file."
        )
        yield refusal(place=node.place("TRNAMT"), field="TRNAMT", value=node.get("TRNAMT"), message=message)


def _line_read(node: Node, statement: _Statement, *, place: Place, booked_on: date, amount: Decimal, booked: bool) -> LineRead:
    corrected, number = node.get("CORRECTFITID"), node.get("CHECKNUM")
    facts = {
        "corrects": corrected,
        "correction": node.get("CORRECTACTION").upper(),
        "date of use": node.get("DTUSER")[:8],
        "original currency": node.get("ORIGCURRENCY/CURSYM"),
        "rate": node.get("ORIGCURRENCY/CURRATE", "CURRENCY/CURRATE"),
    }
    return LineRead(
        ordinal=statement.lines,
        booking_date=booked_on,
        value_date=values.day(node.get("DTAVAIL")) or booked_on,
        direction="debit" if amount < 0 else "credit",
        reversal=False,
        amount=abs(amount),
        currency=statement.currency,
        own_reference=key(node.get("REFNUM") or number.lstrip("0")),
        bank_reference=key(node.get("FITID")),
        end_to_end_id="",
        uetr="",
        counterparty_name=node.get("EXTDNAME", "NAME", "PAYEE/NAME"),
        counterparty_account=node.get("BANKACCTTO/ACCTID", "CCACCTTO/ACCTID"),
        transaction_code=node.get("TRNTYPE").upper(),
        description=node.get("MEMO"),
        raw="\n".join(f"<{name}>{text}" for name, text in node.values.items()),
        details_total=None,
        booked=booked,
        place=place,
        facts=tuple((name, text) for name, text in facts.items() if text),
    )


def _trade(node: Node, statement: _Statement) -> Iterator[Event]:
    """Show a movement of securities as a line that counts for nothing."""
    parts = [node, *_below(node)]
    found = {name: text for part in parts for name, text in part.values.items()}
    traded_on = values.day(found.get("DTTRADE", "")) or values.day(found.get("DTSETTLE", ""))
    total = values.amount(found.get("TOTAL", "") or "0", scale=statement.scale)
    if traded_on is None or total is None:
        message = "The movement of securities has no date (DTTRADE), or its total is no number. Ask the bank for a corrected file."
        yield refusal(place=node.place(), field=node.name, value=found.get("TOTAL", ""), message=message)
        return
    statement.lines += 1
    place = Place(node.line, None, f"{node.name}[{statement.lines}]")
    statement.say("trade", place)
    facts = (("security", found.get("UNIQUEID", "")), ("units", found.get("UNITS", "")), ("unit price", found.get("UNITPRICE", "")))
    yield LineRead(
        ordinal=statement.lines,
        booking_date=traded_on,
        value_date=values.day(found.get("DTSETTLE", "")) or traded_on,
        direction="debit" if total < 0 else "credit",
        reversal=False,
        amount=abs(total),
        currency=statement.currency,
        own_reference="",
        bank_reference=key(found.get("FITID", "")),
        end_to_end_id="",
        uetr="",
        counterparty_name="",
        counterparty_account="",
        transaction_code=node.name,
        description=found.get("MEMO", ""),
        raw="\n".join(f"<{name}>{text}" for name, text in found.items()),
        details_total=None,
        booked=False,
        place=place,
        facts=tuple((name, text) for name, text in facts if text),
    )


def _below(node: Node) -> Iterator[Node]:
    for child in node.children.values():
        yield child
        yield from _below(child)


def _balance(node: Node, statement: _Statement) -> Iterator[Event]:
    written, dated = node.get("BALAMT"), values.day(node.get("DTASOF"))
    role: BalanceRole = "closing" if node.name == "LEDGERBAL" else "other"
    if not written or (role == "closing" and statement.closing):
        if role == "closing" and written:
            message = "The statement has two closing balances (LEDGERBAL)."
            yield refusal(place=node.place(), field="LEDGERBAL", value=written, message=message)
        return
    amount = values.amount(written, scale=statement.scale)
    if amount is not None and role == "closing" and not node.get("DTASOF").strip("0"):
        # A bank that knows no balance writes zeros for its date, and for its amount.
        message = "The closing balance has no date (DTASOF), so it closes nothing and was left out: continuity cannot be judged from it."
        yield remark(place=node.place("DTASOF"), field="LEDGERBAL", value=written, message=message)
        return
    if amount is None or (role == "closing" and dated is None):
        message = "The balance cannot be read: it needs an amount (BALAMT) and a date (DTASOF)."
        build = refusal if role == "closing" else remark
        yield build(place=node.place("BALAMT"), field=node.name, value=written, message=message)
        return
    statement.closing = statement.closing or role == "closing"
    yield BalanceRead(role=role, amount=amount, currency=statement.currency, date=dated, code=node.name, place=node.place())


def _close(statement: _Statement) -> Iterator[Event]:
    for what, (count, place) in statement.said.items():
        yield remark(place=place, field=what, value=str(count), message=_REMARKS[what].format(count=count))
    if not statement.closing and statement.node.name != "INVSTMTRS":
        message = "The statement has no closing balance (LEDGERBAL): nothing shows that it is complete."
        yield remark(place=statement.node.place(), field="LEDGERBAL", message=message)
    yield StatementClosed(ordinal=statement.ordinal, lines=statement.lines, place=statement.node.place())
