"""One NACHA entry with its addenda: what it is, which way the money goes for the originator, and what it answers.

The file is read as the originator of the entries: a credit entry pays somebody and is money out, a debit entry collects and is
money in; a return takes that back, a dishonoured return puts it forth again, a contested one takes it back again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal

from recon.formats.events import Direction, LineRead, LocatedError, Place, refusal
from recon.formats.nacha_records import Record
from recon.formats.text import key, one_line

Kind = Literal["forward", "prenote", "return", "dishonoured", "contested", "change", "refused change"]
ADDENDA_MAX = 9_999
KNOWN_ADDENDA = frozenset({"02", "05", *map(str, range(10, 19)), "98", "99"})

_CODES = re.compile(r"[2-4][1-46-9]|5[1-6]")
_DISHONOURED = re.compile(r"R6[1-9]|R70")
_CONTESTED = re.compile(r"R7[1-7]")
_REFUSED_CHANGE = re.compile(r"C6[1-9]")
_ADDENDUM_TEXT = 80


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """The head of a batch, as far as its entries need it. `created_on` is the day of the file.

    `received_from` is the identification of the sending company where the file is read as received: everything is the other way round.
    """

    company: str
    sec: str
    description: str
    same_day: str
    currencies: str
    effective: date | None
    settled_on: date | None
    created_on: date
    received_from: str


@dataclass(slots=True)
class Entry:
    record: Record
    ordinal: int
    path: str
    addenda: list[Record] = field(default_factory=list)

    @property
    def code(self) -> str:
        return self.record.get(2, 3)

    @property
    def credits(self) -> bool:
        """Tell whether the entry stands in the credit column of the controls."""
        return self.code[1:] in ("1", "2", "3", "4")

    @property
    def place(self) -> Place:
        return self.record.place(self.path)

    def addendum(self, kind: str) -> Record | None:
        return next((record for record in self.addenda if record.get(2, 3) == kind), None)

    @property
    def kind(self) -> Kind:
        change, returned = self.addendum("98"), self.addendum("99")
        if change:
            return "refused change" if _REFUSED_CHANGE.fullmatch(change.get(4, 6)) else "change"
        if returned:
            reason = returned.get(4, 6)
            return "dishonoured" if _DISHONOURED.fullmatch(reason) else "contested" if _CONTESTED.fullmatch(reason) else "return"
        if self.code[1:] in ("1", "6"):
            return "return"
        return "prenote" if self.code[1:] in ("3", "8") else "forward"


def fault(entry: Entry) -> LocatedError | None:
    """Say why the entry cannot be read, or return None."""
    record, amount = entry.record, entry.record.number(30, 39)
    if not _CODES.fullmatch(entry.code):
        message = "The transaction code of the entry is none that NACHA knows, so it is unknown which way the money goes."
        return refusal(place=entry.place, field="transaction code", value=entry.code, message=message)
    if amount is None:
        message = "The amount of the entry is missing or no number of ten digits."
        return refusal(place=entry.place, field="amount", value=record.get(30, 39), message=message)
    if record.number(4, 11) is None:
        message = "The receiving bank's number is not eight digits, so the entry hash cannot be checked."
        return refusal(place=entry.place, field="receiving DFI", value=record.get(4, 11), message=message)
    if amount and (entry.kind in ("prenote", "change", "refused change") or entry.code[1:] in ("4", "9")):
        message = "A prenote, a zero-dollar entry or a notification of change carries no money, but this one has an amount."
        return refusal(place=entry.place, field="amount", value=record.get(30, 39), message=message)
    if len(entry.addenda) > ADDENDA_MAX:
        message = "The entry has more addenda than the 9,999 that NACHA allows."
        return refusal(place=entry.place, field="addenda", value=str(len(entry.addenda)), message=message)
    return None


def line_of(entry: Entry, batch: Batch) -> LineRead:
    """Turn a sound entry into a line."""
    record, kind = entry.record, entry.kind
    amount = Decimal(record.number(30, 39) or 0).scaleb(-2)
    international, foreign = batch.sec == "IAT", entry.addendum("10")
    # What is answered was dated by its originator long ago; its effective date says nothing of this entry.
    day = batch.settled_on or (batch.effective if kind in ("forward", "prenote") else None) or batch.created_on
    name = foreign.get(47, 81) if foreign else record.get(59, 74) if batch.sec == "CTX" else record.get(55, 76)
    trace = record.get(80, 94)
    return LineRead(
        ordinal=entry.ordinal,
        booking_date=day,
        value_date=day,
        direction=_direction(entry, kind, received=bool(batch.received_from)),
        reversal=batch.description.upper() == "REVERSAL",
        amount=amount,
        currency="USD",
        own_reference="" if international else key(record.get(40, 54)),
        bank_reference=trace,
        end_to_end_id="",
        uetr="",
        counterparty_name=batch.company if batch.received_from else one_line(name),
        counterparty_account=batch.received_from or (record.get(40, 74) if international else record.get(13, 29)),
        transaction_code=f"{batch.sec} {entry.code}".strip(),
        description=one_line(f"{batch.description} {_remittance(entry)}"),
        raw="\n".join(part.text.rstrip() for part in (record, *entry.addenda)),
        details_total=None,
        booked=bool(amount),
        place=entry.place,
        keys=tuple(_keys(entry, trace=trace)),
        facts=tuple((name, text) for name, text in _facts(entry, batch).items() if text),
    )


def _direction(entry: Entry, kind: Kind, *, received: bool) -> Direction:
    sent = entry.credits != (kind in ("return", "contested"))
    money_out = sent != received
    return "debit" if money_out else "credit"


def _remittance(entry: Entry) -> str:
    parts = [part.text[3 : 3 + _ADDENDUM_TEXT].rstrip() for part in entry.addenda if part.get(2, 3) in ("05", "17")]
    return "".join(part if len(part) == _ADDENDUM_TEXT else part + " " for part in parts)


def _keys(entry: Entry, *, trace: str) -> list[tuple[str, str]]:
    found = [("trace", trace)]
    answer, kind = entry.addendum("99") or entry.addendum("98"), entry.kind
    if answer:
        found.append(("original_trace", answer.get(7, 21)))
    if answer and kind in ("dishonoured", "contested"):
        found.append(("original_trace", answer.get(39, 53)))
    if answer and kind == "contested":
        found.append(("original_trace", answer.get(59, 73)))
    return [(name, text) for name, text in dict.fromkeys(found) if text.strip("0")]


def _facts(entry: Entry, batch: Batch) -> dict[str, str]:
    change, returned, kind = entry.addendum("98"), entry.addendum("99"), entry.kind
    facts = {
        "company": batch.company,
        "receiver": one_line(entry.record.get(55, 76)) if batch.received_from else "",
        "routing": entry.record.get(4, 12),
        "effective_date": batch.effective.isoformat() if batch.effective else "",
        "same_day": batch.same_day,
        "currencies": batch.currencies,
        "prenote": "yes" if kind == "prenote" else "",
    }
    if change:
        facts |= {"change_code": change.get(4, 6), "corrected_data": change.get(36, 64)}
        if kind == "refused change":
            facts |= {"refusal_code": change.get(4, 6), "change_code": change.get(65, 67)}
    if returned and kind == "return":
        facts |= {"return_reason": returned.get(4, 6), "date_of_death": returned.get(22, 27).strip("0")}
        if batch.sec == "IAT" and (original := returned.number(36, 45)):
            facts |= {"original_amount": str(Decimal(original).scaleb(-2)), "return_note": returned.get(46, 79)}
        else:
            facts["return_note"] = returned.get(36, 79)
    if returned and kind in ("dishonoured", "contested"):
        facts["return_reason"] = f"R{returned.get(57, 58)}" if returned.get(57, 58) else ""
    if returned and kind == "dishonoured":
        facts |= {"dishonour_reason": returned.get(4, 6), "return_note": returned.get(59, 79)}
    if returned and kind == "contested":
        facts |= {"contest_reason": returned.get(4, 6), "dishonour_reason": f"R{returned.get(77, 78)}" if returned.get(77, 78) else ""}
    return facts
