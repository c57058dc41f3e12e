"""Messages to a bank about a movement, drafted from data: a letter, a claim of non-receipt (camt.027), a request to cancel (camt.056).

They are drafts: a person looks at them and sends them. Texts are cut to what the messages allow.
"""

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from xml.sax.saxutils import escape

CLAIM, CANCELLATION = "camt.027.001.07", "camt.056.001.08"
# Why a payment is to be cancelled, by the external code of ISO 20022.
CANCELLATION_REASONS = {
    "DUPL": "Duplicate payment",
    "AM09": "Wrong amount",
    "AC03": "Wrong account of the creditor",
    "CUST": "Requested by the customer",
    "TECH": "Technical error",
    "FRAD": "Fraudulent payment",
}
_BIC = re.compile(r"[A-Z0-9]{4}[A-Z]{2}[A-Z0-9]{2}([A-Z0-9]{3})?")
_IBAN = re.compile(r"[A-Z]{2}[0-9]{2}[A-Z0-9]{11,30}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a message is about. `case` names it for both sides; `amount` is above zero, `outgoing` says which way it went."""

    case: str
    ours: str
    bank: str
    account: str
    amount: Decimal
    currency: str
    outgoing: bool
    day: date
    reference: str
    counterparty: str
    statement: str
    text: str
    written_at: datetime


def letter(said: Movement) -> str:
    """Return the message as a plain letter."""
    way = "debited to" if said.outgoing else "credited to"
    facts = [
        ("Our case", said.case),
        ("Account", said.account),
        ("Amount", f"{said.currency} {said.amount:,f}"),
        ("Date", said.day.isoformat()),
        ("Reference", said.reference or "none given"),
        ("Counterparty", said.counterparty or "none given"),
    ]
    if said.statement:
        facts.append(("Statement", said.statement))
    width = max(len(name) for name, _ in facts) + 2
    return "\n".join(
        [
            said.bank or "To the bank",
            "",
            f"{said.written_at:%Y-%m-%d}",
            "",
            f"Investigation of a movement {way} our account",
            "",
            *(f"{name + ':':<{width}}{value}" for name, value in facts),
            "",
            said.text,
            "",
            f"Please answer under {said.case}.",
            "",
            said.ours,
            "",
        ]
    )


def claim_of_non_receipt(said: Movement) -> str:
    """Return a claim that a movement which we have booked is not on the account."""
    account = _account("DbtrAcct" if said.outgoing else "CdtrAcct", said.account)
    underlying = (
        "<Initn>"
        + _element("OrgnlInstrId", said.reference[:35])
        + _element("OrgnlEndToEndId", said.reference[:35])
        + _amount("OrgnlInstdAmt", said)
        + f"<ReqdExctnDt><Dt>{said.day.isoformat()}</Dt></ReqdExctnDt>"
        + f"<OrgnlTxRef>{_remittance(said)}{account}</OrgnlTxRef>"
        + "</Initn>"
    )
    return _document(CLAIM, f"<ClmNonRct>{_assignment(said)}{_case(said)}<Undrlyg>{underlying}</Undrlyg></ClmNonRct>")


def cancellation_request(said: Movement, *, reason: str) -> str:
    """Return a request to cancel a payment and to return its money; `reason` is one of `CANCELLATION_REASONS`."""
    account = _account("DbtrAcct" if said.outgoing else "CdtrAcct", said.account)
    lines = [said.text[at : at + 105] for at in range(0, min(len(said.text), 210), 105)]
    transaction = (
        "<TxInf>"
        + _element("CxlId", said.case[:35])
        + _element("OrgnlEndToEndId", said.reference[:35] or "NOTPROVIDED")
        + _amount("OrgnlIntrBkSttlmAmt", said)
        + f"<OrgnlIntrBkSttlmDt>{said.day.isoformat()}</OrgnlIntrBkSttlmDt>"
        + f"<CxlRsnInf><Rsn><Cd>{reason}</Cd></Rsn>{''.join(_element('AddtlInf', line) for line in lines)}</CxlRsnInf>"
        + f"<OrgnlTxRef>{_remittance(said)}{account}</OrgnlTxRef>"
        + "</TxInf>"
    )
    control = "<CtrlData><NbOfTxs>1</NbOfTxs></CtrlData>"
    body = f"{_assignment(said)}{_case(said)}{control}<Undrlyg>{transaction}</Undrlyg>"
    return _document(CANCELLATION, f"<FIToFIPmtCxlReq>{body}</FIToFIPmtCxlReq>")


def _document(name: str, body: str) -> str:
    lines = body.replace("><", ">\n<")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="urn:iso:std:iso:20022:tech:xsd:{name}">\n{lines}\n</Document>\n'


def _assignment(said: Movement) -> str:
    instant = said.written_at.strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        f"<Assgnmt>{_element('Id', said.case[:35])}<Assgnr>{_party(said.ours)}</Assgnr><Assgne>{_agent(said.bank)}</Assgne>"
        f"<CreDtTm>{instant}</CreDtTm></Assgnmt>"
    )


def _case(said: Movement) -> str:
    return f"<Case>{_element('Id', said.case[:35])}<Cretr>{_party(said.ours)}</Cretr></Case>"


def _party(name: str) -> str:
    return f"<Pty>{_element('Nm', name[:140])}</Pty>"


def _agent(name: str) -> str:
    inner = _element("BICFI", name) if _BIC.fullmatch(name) else _element("Nm", name[:140] or "The account servicer")
    return f"<Agt><FinInstnId>{inner}</FinInstnId></Agt>"


def _account(tag: str, identifier: str) -> str:
    plain = identifier.replace(" ", "").upper()
    inner = _element("IBAN", plain) if _IBAN.fullmatch(plain) else f"<Othr>{_element('Id', identifier[:34])}</Othr>"
    return f"<{tag}><Id>{inner}</Id></{tag}>"


def _remittance(said: Movement) -> str:
    told = " ".join(part for part in (said.reference, said.counterparty) if part)[:140]
    return f"<RmtInf>{_element('Ustrd', told)}</RmtInf>" if told else ""


def _amount(tag: str, said: Movement) -> str:
    return f'<{tag} Ccy="{said.currency}">{said.amount:f}</{tag}>'


def _element(tag: str, text: str) -> str:
    """Return an element, nothing where there is no text; signs that XML does not know are left out."""
    known = "".join(sign for sign in text if sign in "\t\n\r" or ord(sign) >= 32)
    return f"<{tag}>{escape(known)}</{tag}>" if known else ""
