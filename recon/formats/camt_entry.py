"""One entry (Ntry) of a camt message, with its transaction details.

The entry is what the bank booked, so the entry is the line: details are summed and compared, never booked instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypedDict

from recon.formats import camt_values as values
from recon.formats.camt_keys import batch_count, facts_of, keys_of
from recon.formats.events import Direction, Event, LineRead, Place, refusal, remark
from recon.formats.text import key, one_line
from recon.formats.xml_stream import Node

RAW_MAX = 50_000
DETAILS_KEPT = 1

_DIRECTIONS: dict[str, Direction] = {"CRDT": "credit", "DBIT": "debit"}
_DETAIL_AMOUNTS = ("Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/InstdAmt/Amt")
_CONVERTED_AMOUNTS = ("AmtDtls/CntrValAmt/Amt", "AmtDtls/TxAmt/Amt", "AmtDtls/AnncdPstngAmt/Amt", "AmtDtls/InstdAmt/Amt")


@dataclass(slots=True)
class Details:
    """The transaction details of one entry, summed as they pass. `summable` ends when one has no amount we can add."""

    count: int = 0
    summable: bool = True
    inherited: Decimal = field(default_factory=Decimal)
    credits: Decimal = field(default_factory=Decimal)
    debits: Decimal = field(default_factory=Decimal)

    def add(self, entry: Node, detail: Node) -> bool:
        """Add one TxDtls and return whether the entry keeps it."""
        self.count += 1
        currency = values.currency(entry.find("Amt"))
        found = (detail.find(path) for path in _DETAIL_AMOUNTS)
        amount = next((values.amount(node) for node in found if node and values.currency(node) == currency), None)
        direction = detail.get("CdtDbtInd")
        if amount is None:
            self.summable = False
        elif direction == "CRDT":
            self.credits += amount
        elif direction == "DBIT":
            self.debits += amount
        else:
            self.inherited += amount
        return self.count <= DETAILS_KEPT

    def total(self, direction: Direction) -> Decimal | None:
        """Return the sum in the direction of the entry: a detail without its own direction takes the entry's."""
        if not self.count or not self.summable:
            return None
        net = self.credits - self.debits
        return self.inherited + (net if direction == "credit" else -net)


def read_entry(
    entry: Node, details: Details, *, ordinal: int, account_currency: str | None, path: str, undated: date | None = None
) -> Iterator[Event]:
    """Yield the line of an entry, or the errors that keep it from being one; `undated` is the day of an entry that gives none."""
    amount, currency = values.amount(entry.find("Amt")), values.currency(entry.find("Amt"))
    direction = _DIRECTIONS.get(entry.get("CdtDbtInd"))
    booked = is_booked(entry)
    booking_date, value_date = values.date_in(entry.find("BookgDt")), values.date_in(entry.find("ValDt"))
    day = booking_date or value_date
    if day is None and undated:
        day = values.date_in(entry.find("NtryDtls/TxDtls/RltdDts/IntrBkSttlmDt")) or undated
        message = f"The entry has no date; {day.isoformat()} is used, the day of its settlement, its statement or its report."
        yield remark(**_at(entry, "BookgDt", path), message=message)
    yield from _unreadable_dates(entry, path)
    if amount is None or not currency:
        message = "The amount of the entry is missing or not a positive number with its currency."
        yield refusal(**_at(entry, "Amt", path), message=message)
    if direction is None:
        message = "The entry does not say whether it is a credit (CRDT) or a debit (DBIT)."
        yield refusal(**_at(entry, "CdtDbtInd", path), message=message)
    if day is None and booked:
        message = "A booked entry carries neither a booking date nor a value date."
        yield refusal(**_at(entry, "BookgDt", path), message=message)
    elif day is None:
        message = "An entry that is not booked and has no date was left out: it does not count."
        yield remark(**_at(entry, "BookgDt", path), message=message)
    if amount is None or not currency or direction is None or day is None:
        return
    declared = batch_count(entry)
    if declared is not None and details.count and declared != details.count:
        message = f"The batch declares {declared} payments and lists {details.count}; the entry counts as the bank booked it."
        yield remark(**_at(entry, "NtryDtls", path), message=message)
    total = details.total(direction)
    total = None if total == amount else total
    if account_currency and currency != account_currency:
        converted = _converted(entry, account_currency)
        outcome = "without a converted amount: it does not count" if converted is None else "the bank's converted amount is used"
        message = f"The entry is in {currency}, the account in {account_currency}; {outcome}."
        yield remark(**_at(entry, "Amt", path), message=message)
        if converted is not None:
            # The details were summed in the currency of the entry, so they say nothing about this amount.
            amount, currency, total = converted, account_currency, None
    yield _line(
        entry,
        details,
        ordinal=ordinal,
        dates=(booking_date or day, value_date or day),
        direction=direction,
        amount=amount,
        currency=currency,
        details_total=total,
        booked=booked,
        place=Place(entry.line, None, path),
    )


class _At(TypedDict):
    place: Place
    field: str
    value: str


def _at(entry: Node, name: str, path: str) -> _At:
    """Locate a field of an entry, or the entry itself where the field is missing."""
    node = entry.find(name)
    text = (node.get("Dt", "DtTm") or node.text) if node else ""
    return {"place": Place((node or entry).line, None, f"{path}/{name}"), "field": name, "value": text}


def _unreadable_dates(entry: Node, path: str) -> Iterator[Event]:
    for name in ("BookgDt", "ValDt"):
        node = entry.find(name)
        if node and values.date_in(node) is None:
            message = "The date cannot be read; the other date of the entry stands in for it."
            yield remark(**_at(entry, name, path), message=message)


def _line(
    entry: Node,
    details: Details,
    *,
    ordinal: int,
    dates: tuple[date, date],
    direction: Direction,
    amount: Decimal,
    currency: str,
    details_total: Decimal | None,
    booked: bool,
    place: Place,
) -> LineRead:
    reversal = entry.get("RvslInd").lower() in ("true", "1")
    # References and parties name one payment. A batch of several has none of its own but the batch's.
    detail = entry.find("NtryDtls/TxDtls") if details.count == 1 else None
    detail = detail or Node("TxDtls", entry.line)
    party, party_account = _counterparty(detail, direction, reversal=reversal)
    own = detail.get("Refs/AcctOwnrTxId", "Refs/InstrId", "Refs/PmtInfId", "Refs/MsgId")
    batch = entry.get("NtryDtls/Btch/PmtInfId")
    return LineRead(
        ordinal=ordinal,
        booking_date=dates[0],
        value_date=dates[1],
        direction=direction,
        reversal=reversal,
        amount=amount,
        currency=currency,
        own_reference=key(own) or key(batch),
        bank_reference=key(entry.get("AcctSvcrRef")) or key(detail.get("Refs/AcctSvcrRef")),
        end_to_end_id=key(detail.get("Refs/EndToEndId")),
        uetr=key(detail.get("Refs/UETR")).lower(),
        counterparty_name=party,
        counterparty_account=party_account,
        transaction_code=_transaction_code(entry),
        description=_description(entry, detail, details),
        raw=entry.source()[:RAW_MAX],
        details_total=details_total,
        booked=booked,
        place=place,
        keys=keys_of(entry, detail),
        facts=facts_of(entry, detail, details.count),
    )


def is_booked(entry: Node) -> bool:
    """Return whether an entry counts.

    Sts is text up to version 7 and Sts/Cd from version 8. A statement without it holds booked entries.
    """
    return (entry.get("Sts/Cd", "Sts/Prtry", "Sts") or "BOOK") == "BOOK"


def _converted(entry: Node, currency: str) -> Decimal | None:
    detail = entry.find("NtryDtls/TxDtls")
    for node in (entry, detail):
        for path in _CONVERTED_AMOUNTS:
            found = node.find(path) if node else None
            if found and values.currency(found) == currency:
                return values.amount(found)
    return None


def _counterparty(detail: Node, direction: Direction, *, reversal: bool) -> tuple[str, str]:
    """Money comes from the debtor and goes to the creditor; a reversal keeps the parties of the original payment."""
    parties = detail.find("RltdPties")
    if parties is None:
        return "", ""
    role = "Dbtr" if (direction == "credit") != reversal else "Cdtr"
    party = values.name(parties.find(role)) or values.name(parties.find(f"Ultmt{role}"))
    return party, values.account(parties.find(f"{role}Acct"))[0]


def _transaction_code(entry: Node) -> str:
    domain = entry.get("BkTxCd/Domn/Cd"), entry.get("BkTxCd/Domn/Fmly/Cd"), entry.get("BkTxCd/Domn/Fmly/SubFmlyCd")
    return "/".join(filter(None, domain)) or one_line(entry.get("BkTxCd/Prtry/Cd"))


def _description(entry: Node, detail: Node, details: Details) -> str:
    remittance = detail.find("RmtInf") or Node("RmtInf", detail.line)
    texts = [node.text for node in remittance.every("Ustrd")]
    for structured in remittance.every("Strd"):
        texts += [
            structured.get("CdtrRefInf/Ref", "CdtrRefInf/CdtrRef"),
            *(node.text for node in structured.every("AddtlRmtInf")),
        ]
    said = one_line(" ".join(texts)) or one_line(detail.get("AddtlTxInf")) or one_line(entry.get("AddtlNtryInf"))
    if not said and details.count > 1:
        return f"{details.count} transactions"
    return said
