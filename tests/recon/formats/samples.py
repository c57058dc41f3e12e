"""Small statements of our own, and ways to read them."""

from __future__ import annotations

import io
from decimal import Decimal

from recon.formats import camt053, mt940
from recon.formats.events import BalanceRead, ControlRead, Event, LineRead, LocatedError, Reader, StatementOpened
from recon.formats.proof import Chain, chain, pages

IBAN = "DE89370400440532013000"


def mt940_text(*lines: str, opening: str = "C240102EUR1000,00", closing: str = "C240103EUR1000,00", account: str = IBAN) -> str:
    """Write a statement around lines that begin at :61:."""
    head = [":20:REF1", f":25:{account}", ":28C:00007/00001", f":60F:{opening}"]
    return "\r\n".join([*head, *lines, f":62F:{closing}", "-", ""])


def mt942_text(
    *lines: str, floors: tuple[str, ...] = ("EUR0,",), totals: tuple[str, ...] = (), made: str = ":13D:2401031730+0100", account: str = IBAN
) -> str:
    """Write an intraday report around lines that begin at :61:."""
    head = [":20:REF1", f":25:{account}", ":28C:00007/00001", *(f":34F:{floor}" for floor in floors), made]
    return "\r\n".join([*head, *lines, *totals, "-", ""])


def entry_xml(
    amount: str = "10.00",
    direction: str = "CRDT",
    *,
    currency: str = "EUR",
    status: str = "<Sts>BOOK</Sts>",
    dates: str = "<BookgDt><Dt>2024-01-03</Dt></BookgDt><ValDt><Dt>2024-01-04</Dt></ValDt>",
    more: str = "",
    details: str = "",
) -> str:
    body = f'<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{direction}</CdtDbtInd>{status}{dates}{more}'
    return f"<Ntry>{body}<NtryDtls>{details}</NtryDtls></Ntry>"


def balance_xml(code: str, amount: str, *, sign: str = "CRDT", currency: str = "EUR", day: str = "2024-01-03") -> str:
    kind = f"<Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp>"
    return f'<Bal>{kind}<Amt Ccy="{currency}">{amount}</Amt><CdtDbtInd>{sign}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>'


def statement_xml(*entries: str, balances: str | None = None, head: str = "", currency: str = "<Ccy>EUR</Ccy>") -> str:
    if balances is None:
        balances = balance_xml("OPBD", "100.00") + balance_xml("CLBD", "110.00")
    account = f"<Acct><Id><IBAN>{IBAN}</IBAN></Id>{currency}</Acct>"
    return f"<Stmt><Id>S1</Id><ElctrncSeqNb>7</ElctrncSeqNb>{head}{account}{balances}{''.join(entries)}</Stmt>"


def camt_xml(*statements: str, namespace: str = ' xmlns="urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"') -> str:
    header = "<GrpHdr><MsgId>M1</MsgId><CreDtTm>2024-01-04T06:00:00+01:00</CreDtTm></GrpHdr>"
    return f"<Document{namespace}><BkToCstmrStmt>{header}{''.join(statements)}</BkToCstmrStmt></Document>"


def read_mt940(text: str | bytes) -> list[Event]:
    return _read(mt940.read, text)


def read_camt(text: str | bytes) -> list[Event]:
    return _read(camt053.read, text)


def _read(reader: Reader, text: str | bytes) -> list[Event]:
    return list(reader(io.BytesIO(text.encode() if isinstance(text, str) else text)))


def lines(events: list[Event]) -> list[LineRead]:
    return [event for event in events if isinstance(event, LineRead)]


def balances(events: list[Event]) -> dict[str, Decimal]:
    return {event.role: event.amount for event in events if isinstance(event, BalanceRead)}


def opened(events: list[Event]) -> list[StatementOpened]:
    return [event for event in events if isinstance(event, StatementOpened)]


def errors(events: list[Event]) -> list[LocatedError]:
    return [event for event in events if isinstance(event, LocatedError)]


def fatal(events: list[Event]) -> list[LocatedError]:
    return [event for event in errors(events) if event.fatal]


def chains(events: list[Event], *, scale: int = 5) -> list[Chain]:
    """Prove events at five decimals, which is finer than any currency."""
    return chain(pages(events, to_minor=lambda amount, _currency: int(amount.scaleb(scale))))


def signed(events: list[Event]) -> list[Decimal]:
    return [line.amount if line.direction == "credit" else -line.amount for line in lines(events)]


def differing(events: list[Event]) -> dict[str, tuple[object, object]]:
    """Return the controls that say something else than what was read, as (declared, found)."""
    return {
        event.name: (event.declared, event.found) for event in events if isinstance(event, ControlRead) and event.declared != event.found
    }
