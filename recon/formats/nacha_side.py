"""From which side a NACHA file is to be read: as whoever sent its entries, or as the one account that they were sent to.

Directions are the other way round on the other side, so nothing is guessed: a file is read as received only where it is addressed to the
bank that holds the account of every entry, every batch was sent by another bank, its companies are several, and there is one account.
One company that pays or collects from one account is on either side's file: it is read as that company's, under its own identification.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import BinaryIO

from recon.formats.events import LocatedError, refusal
from recon.formats.nacha_records import Record, records

_ANSWERS = frozenset({"98", "99"})


@dataclass(slots=True)
class _Seen:
    """What a file holds, as far as it tells the side."""

    destination: str = ""
    addressed: bool = True
    entry: Record | None = None
    answer: Record | None = None
    other: Record | None = None
    international: Record | None = None
    sec: str = ""
    company: str = ""
    companies: bool = False

    def add(self, record: Record) -> None:
        if record.kind == "1":
            self.destination = record.get(4, 13)[-9:][:8]
        elif record.kind == "5":
            self.sec = record.get(51, 53)
            self.companies = self.companies or self.company not in ("", record.get(41, 50))
            self.company = record.get(41, 50)
            self.addressed = self.addressed and record.number(80, 87) is not None and record.get(80, 87) != self.destination
        elif record.kind == "6":
            self._entry(record)
        elif record.kind == "7" and record.get(2, 3) in _ANSWERS:
            self.answer = self.answer or record

    def _entry(self, record: Record) -> None:
        self.addressed = self.addressed and record.number(4, 11) is not None and record.get(4, 11) == self.destination
        if record.get(3, 3) in ("1", "6"):
            self.answer = self.answer or record
        elif self.sec == "IAT":
            self.international = self.international or record
        elif self.sec != "COR":
            if self.entry is not None and record.get(13, 29) != self.entry.get(13, 29):
                self.other = self.other or record
            self.entry = self.entry or record


def account_of_receiver(file: BinaryIO) -> str | LocatedError:
    """Return the account that the file was received for, "" where it is read as its originator's, or why it can be read as neither."""
    seen = _Seen()
    for record in records(file):
        if isinstance(record, Record):
            seen.add(record)
    file.seek(0)
    entry = seen.entry or seen.international
    # What answers entries is addressed to the bank that sent them: a file of answers alone is the originator's.
    if not (seen.addressed and seen.companies) or entry is None:
        return ""
    begin = "The file was sent to the bank that holds the account of its entries, so it is what was received, not what was sent; "
    if seen.answer is not None:
        message = (
            f"{begin}but it has returns or notices of change too, which answer entries that were sent. Ask the bank for one file of each."
        )
        return refusal(place=seen.answer.place("7"), field="record type", value=seen.answer.text.strip(), message=message)
    if seen.international is not None:
        message = f"{begin}but it has international entries (IAT), which are read as their sender's alone. Ask the bank for a statement."
        return refusal(place=seen.international.place("6"), field="standard entry class", value="IAT", message=message)
    if seen.other is not None:
        first, second = entry.get(13, 29), seen.other.get(13, 29)
        message = f"{begin}but its entries are for several accounts ({first}, {second}). Ask the bank for those of your account alone."
        return refusal(place=seen.other.place("6"), field="account number", value=second, message=message)
    if not entry.get(13, 29):
        return refusal(place=entry.place("6"), field="account number", message=f"{begin}but its entries do not say for which account.")
    return entry.get(13, 29)
