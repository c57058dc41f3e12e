"""camt.053 statements, camt.052 intraday reports and camt.054 notifications, all versions, in constant memory.

Namespaces are ignored and the statement is found wherever it stands, so a business header around it does no harm.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date
from typing import BinaryIO
from xml.sax import SAXParseException

from defusedxml.common import DefusedXmlException

from recon.formats import camt_values as values
from recon.formats.camt_entry import Details, is_booked, read_entry
from recon.formats.camt_totals import Totals
from recon.formats.events import (
    BalanceRead,
    BalanceRole,
    Event,
    Kind,
    LineRead,
    Place,
    StatementClosed,
    StatementOpened,
    refusal,
    remark,
)
from recon.formats.guard import guarded
from recon.formats.text import one_line
from recon.formats.xml_stream import Collector, Mark, Node, TooLargeError, stream

# The container of each message, what it calls its statements, and the kind they are of.
CONTAINERS: dict[str, tuple[str, Kind]] = {
    "BkToCstmrStmt": ("Stmt", "statement"),
    "BkToCstmrAcctRpt": ("Rpt", "intraday"),
    "BkToCstmrDbtCdtNtfctn": ("Ntfctn", "notification"),
}
_STATEMENTS = frozenset(name for name, _ in CONTAINERS.values())
_PAGINATIONS = ("StmtPgntn", "RptPgntn", "NtfctnPgntn")
_COPIES = {"COPY": "a copy", "CODU": "a copy of a duplicate", "DUPL": "a duplicate"}


@dataclass(slots=True)
class _Statement:
    ordinal: int
    place: Place
    kind: Kind
    header: dict[str, Node] = field(default_factory=dict)
    balances: list[Node] = field(default_factory=list)
    opened: bool = False
    currency: str | None = None
    entries: int = 0
    undated: date | None = None
    totals: Totals = field(default_factory=Totals)
    lines: int = 0


@guarded
def read(file: BinaryIO) -> Iterator[Event]:
    """Read the statements, reports or notifications of a message; only statements count. See :mod:`recon.formats.events`."""
    reader = _Reader()
    try:
        for item in stream(file, reader.collector):
            yield from reader.take(item)
    except SAXParseException as error:
        place = Place((error.getLineNumber() or 0) + reader.collector.lines_skipped, None, reader.path)
        message = f"The file is not well-formed XML from here on ({error.getMessage()}): it is damaged or was cut off."
        yield refusal(place=place, field="XML", message=message)
        return
    except DefusedXmlException as error:
        message = "The file declares a document type or entities, which no statement needs and which can be an attack."
        place = Place(reader.collector.line, None, reader.path)
        yield refusal(place=place, field="DOCTYPE", value=type(error).__name__, message=message)
        return
    except TooLargeError as error:
        message = f"The file cannot be a bank statement: {error}."
        yield refusal(place=Place(reader.collector.line, None, reader.path), field="XML", message=message)
        return
    if not reader.statements:
        message = "The file holds no statement: the message carries no element Stmt, Rpt or Ntfctn."
        yield refusal(place=Place(1, None, reader.path), field="Stmt", message=message)


class _Reader:
    """Turns the parts of the document into events, one statement at a time."""

    def __init__(self) -> None:
        self.statements = 0
        self.path = "Document"
        self._container = ""
        self._group_header = Node("GrpHdr", 0)
        self._current: _Statement | None = None
        # The parser runs ahead of this reader by a chunk, so details wait here until their entry arrives.
        self._details: dict[Node, Details] = {}
        self.collector = Collector(is_frame=self._is_frame, folded="TxDtls", fold=self._fold)

    def _is_frame(self, names: list[str]) -> bool:
        if names[-1] in _STATEMENTS:
            return len(names) > 1 and CONTAINERS.get(_unversioned(names[-2]), ("",))[0] == names[-1]
        return _unversioned(names[-1]) in CONTAINERS

    def _fold(self, entry: Node, detail: Node) -> bool:
        return self._details.setdefault(entry, Details()).add(entry, detail)

    def take(self, item: Node | Mark) -> Iterator[Event]:
        match item:
            case Mark(begins=True) if item.name in _STATEMENTS:
                self.statements += 1
                self.path = f"{self._container}/{item.name}[{self.statements}]"
                kind = CONTAINERS[_unversioned(self._container)][1]
                self._current = _Statement(ordinal=self.statements, place=Place(item.line, None, self.path), kind=kind)
            case Mark() if item.name in _STATEMENTS:
                yield from self._close(item.line)
            case Mark(begins=True):
                self._container = self.path = item.name
                self._group_header = Node("GrpHdr", item.line)
            case Mark():
                pass
            case Node(name="GrpHdr") if self._current is None:
                self._group_header = item
            case Node() if self._current:
                yield from self._part(item, self._current)

    def _part(self, node: Node, statement: _Statement) -> Iterator[Event]:
        if node.name == "Bal":
            statement.balances.append(node)
        elif node.name == "Ntry":
            yield from _open(statement, self._group_header)
            statement.entries += 1
            details = self._details.pop(node, None) or Details()
            path = f"{self.path}/Ntry[{statement.entries}]"
            ordinal, currency = statement.lines + 1, statement.currency
            statement.totals.add(node, booked=is_booked(node))
            undated = statement.undated if statement.kind != "statement" or _gives_no_date(node) else None
            for event in read_entry(node, details, ordinal=ordinal, account_currency=currency, path=path, undated=undated):
                statement.lines += isinstance(event, LineRead)
                yield event
        else:
            statement.header.setdefault(node.name, node)

    def _close(self, line: int) -> Iterator[Event]:
        statement, self._current = self._current, None
        if statement:
            yield from _open(statement, self._group_header)
            if statement.balances:
                message = "A balance stands after the entries of its statement, where the format has none; it is not used."
                place = Place(statement.balances[0].line, None, f"{statement.place.path}/Bal")
                yield remark(place=place, field="Bal", value=statement.balances[0].get("Amt"), message=message)
            yield from _controls(statement)
            yield StatementClosed(ordinal=statement.ordinal, lines=statement.lines, place=Place(line, None, statement.place.path))


def _gives_no_date(entry: Node) -> bool:
    return is_booked(entry) and entry.find("BookgDt") is None and entry.find("ValDt") is None


def _controls(statement: _Statement) -> Iterator[Event]:
    summary = statement.header.get("TxsSummry")
    if summary is None:
        return
    paged = any(name in statement.header for name in _PAGINATIONS)
    for control in statement.totals.controls(summary, path=statement.place.path):
        # A page may declare the totals of its whole statement: one that differs there says nothing.
        if not paged or control.declared == control.found:
            yield control


def _unversioned(name: str) -> str:
    """Version 1 carries its version in the name of the container."""
    return name.partition("V0")[0]


def _open(statement: _Statement, group_header: Node) -> Iterator[Event]:
    """Announce the statement and its balances once its head is complete, which is at the first entry or the end."""
    if statement.opened:
        return
    statement.opened = True
    nodes, statement.balances = statement.balances, []
    balances, errors = _balances(nodes, statement.place.path)
    header = Node("Stmt", statement.place.line or 0)
    header.children = list(statement.header.values())
    holder = header.find("Acct")
    number, scheme = values.account(holder)
    proving = [balance for balance in balances if balance.role != "other"]
    statement.currency = header.get("Acct/Ccy") or next((balance.currency for balance in proving), None)
    created = values.instant(header.get("CreDtTm") or group_header.get("CreDtTm"))
    if statement.kind != "statement":
        statement.undated = created.date() if created else None
    elif len(days := {balance.date for balance in proving}) == 1 and len(proving) > 1:
        (statement.undated,) = days  # it opens and closes on one day, so that an entry without a date can have no other
    copied = header.get("CpyDplctInd")
    yield StatementOpened(
        ordinal=statement.ordinal,
        account=number,
        account_scheme=scheme,
        account_owner=values.name(header.find("Acct/Ownr")),
        servicer_bic=values.servicer(header.find("Acct/Svcr")),
        currency=statement.currency,
        statement_id=one_line(header.get("Id")),
        statement_number=header.get("ElctrncSeqNb", "LglSeqNb"),
        sequence_number=header.get(*(f"{name}/PgNb" for name in _PAGINATIONS)) or group_header.get("MsgPgntn/PgNb"),
        message_id=one_line(group_header.get("MsgId")),
        created_at=created,
        copy=bool(copied),
        place=statement.place,
        kind=statement.kind,
        period_start=values.date_in(header.find("FrToDt/FrDtTm") or header.find("FrToDt/FrDt")),
        period_end=values.date_in(header.find("FrToDt/ToDtTm") or header.find("FrToDt/ToDt")),
    )
    if copied:
        node = header.find("CpyDplctInd") or header
        message = f"The bank marked this statement as {_COPIES.get(copied, 'a copy')}: a copy must not be booked."
        yield refusal(place=_place(node, statement, "CpyDplctInd"), field="CpyDplctInd", value=copied, message=message)
    if not number:
        message = "The statement does not name its account."
        yield refusal(place=_place(holder or header, statement, "Acct/Id"), field="Acct", message=message)
    yield from errors
    for balance in balances:
        if statement.kind == "statement" and balance.role != "other" and balance.currency != statement.currency:
            message = f"The balance is in {balance.currency}, the account in {statement.currency}: the statement cannot be proven."
            yield refusal(place=balance.place, field="Amt", value=balance.currency, message=message)
        yield balance
    if statement.kind != "statement":
        return  # it counts for nothing, so that a balance it lacks is none that anybody misses
    missing = [role for role in ("opening", "closing") if not any(balance.role.endswith(role) for balance in proving)]
    for role in missing:
        message = f"The statement has no {role} booked balance: it cannot be proven."
        yield remark(place=statement.place, field="Bal", message=message)


def _place(node: Node, statement: _Statement, path: str) -> Place:
    return Place(node.line, None, f"{statement.place.path}/{path}")


def _balances(nodes: list[Node], path: str) -> tuple[list[BalanceRead], list[Event]]:
    """Read the balances of a statement and settle which of them open and close it."""
    balances: list[BalanceRead] = []
    errors: list[Event] = []
    for index, node in enumerate(nodes, start=1):
        place = Place(node.line, None, f"{path}/Bal[{index}]")
        code = node.get("Tp/CdOrPrtry/Cd", "Tp/Cd", "Tp/CdOrPrtry/Prtry", "Tp/Prtry")
        amount, currency = values.amount(node.find("Amt")), values.currency(node.find("Amt"))
        # Some central banks, whose accounts cannot be overdrawn, leave the sign out. The proof shows whether that is so.
        sign = {"CRDT": 1, "DBIT": -1, "": 1}.get(node.get("CdtDbtInd"))
        day = values.date_in(node.find("Dt"))
        if amount is None or not currency or sign is None:
            message = f"The balance {code} cannot be read: it needs an amount, its currency, and CRDT or DBIT."
            build = refusal if code in ("OPBD", "PRCD", "CLBD", "ITBD") else remark
            errors.append(build(place=place, field="Bal", value=node.get("Amt"), message=message))
            continue
        if not node.get("CdtDbtInd"):
            message = f"The balance {code} does not say whether it is a credit (CRDT) or a debit (DBIT); it is read as a credit."
            errors.append(remark(place=place, field="Bal", value=node.get("Amt"), message=message))
        role: BalanceRole = "other"
        if node.get("Tp/SubTp/Cd", "Tp/SubTp/Prtry") == "INTM" and code in ("OPBD", "CLBD"):
            role = "intermediate_opening" if code == "OPBD" else "intermediate_closing"
        balances.append(BalanceRead(role=role, amount=sign * amount, currency=currency, date=day, code=code, place=place))
    return _with_roles(balances), errors


def _with_roles(balances: list[BalanceRead]) -> list[BalanceRead]:
    """Give OPBD (else PRCD), CLBD and ITBD their roles.

    A statement of several days repeats the booked balances for each day: the earliest opens it, the latest closes it.
    The intermediate balance ITBD closes a page that has an opening, and opens one that has not; of two, the first opens.
    """
    roles: dict[int, BalanceRole] = {index: balance.role for index, balance in enumerate(balances)}

    def pick(code: str, *, last: bool) -> int | None:
        found = [index for index, balance in enumerate(balances) if balance.code == code and roles[index] == "other"]
        ordered = sorted(found, key=lambda index: balances[index].date or date.min)
        return ordered[-1 if last else 0] if ordered else None

    def settled(role: str) -> bool:
        return any(given.endswith(role) for given in roles.values())

    if not settled("opening"):
        opening = pick("OPBD", last=False)
        opening = pick("PRCD", last=False) if opening is None else opening
        if opening is not None:
            roles[opening] = "opening"
    if not settled("closing"):
        closing = pick("CLBD", last=True)
        if closing is not None:
            roles[closing] = "closing"
    carried = [index for index, balance in enumerate(balances) if balance.code == "ITBD" and roles[index] == "other"]
    if carried and not settled("opening"):
        roles[carried.pop(0)] = "intermediate_opening"
    if carried and not settled("closing"):
        roles[carried.pop()] = "intermediate_closing"
    return [_with_role(balance, roles[index]) for index, balance in enumerate(balances)]


def _with_role(balance: BalanceRead, role: BalanceRole) -> BalanceRead:
    return balance if balance.role == role else replace(balance, role=role)
