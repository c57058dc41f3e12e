"""Amounts, dates and parties as ISO 20022 writes them, in all versions of camt.053."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal

from recon.formats.events import AccountScheme
from recon.formats.text import bic, iban, one_line
from recon.formats.xml_stream import Node

_AMOUNT = re.compile(r"\+?([0-9]{1,18}(?:\.[0-9]{0,17})?|\.[0-9]{1,17})")
_CURRENCY = re.compile(r"[A-Z]{3}")
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})(?:[T+Z-].*)?")


def amount(node: Node | None) -> Decimal | None:
    """Return the amount, or None where the text is not one. A sign is not one: the direction is CdtDbtInd's to say."""
    match = _AMOUNT.fullmatch(node.text) if node else None
    return Decimal(match[1].rstrip(".")) if match else None


def currency(node: Node | None) -> str:
    code = node.attributes.get("Ccy", "").strip() if node else ""
    return code if _CURRENCY.fullmatch(code) else ""


def date_in(node: Node | None) -> date | None:
    """Read a date choice (Dt or DtTm) or a bare date, as the bank's own calendar day whatever the offset."""
    text = (node.get("Dt", "DtTm") or node.text) if node else ""
    match = _DATE.fullmatch(text)
    try:
        return date(int(match[1]), int(match[2]), int(match[3])) if match else None
    except ValueError:
        return None


def instant(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def account(node: Node | None) -> tuple[str, AccountScheme]:
    """Return the account number and its scheme; version 1 and other schemes use Id/Othr, Id/PrtryAcct, BBAN or UPIC."""
    if node is None:
        return "", "other"
    text = node.get("Id/IBAN", "Id/Othr/Id", "Id/PrtryAcct/Id", "Id/BBAN", "Id/UPIC")
    international = iban(text)
    return (international, "iban") if international else (one_line(text), "other")


def name(node: Node | None) -> str:
    """Return a party's name: directly below the party up to version 7, below Pty or Agt from version 8 on."""
    return one_line(node.get("Nm", "Pty/Nm", "Agt/FinInstnId/Nm")) if node else ""


def servicer(node: Node | None) -> str:
    return bic(node.get("FinInstnId/BICFI", "FinInstnId/BIC", "FinInstnId/CmbndId/BIC")) if node else ""
