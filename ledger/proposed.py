"""Entries as they are proposed: what a maker asks for, what waits for approval, and what is then posted to the last line."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from ledger.accounting import DEBIT, Line, lines_from_json

ENTRIES_MAXIMUM = 1_000
LINES_MAXIMUM = 20_000
LINES_OF_AN_ENTRY = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposedEntry:
    """An entry that nobody has approved yet."""

    type: str
    entity: str
    effective_date: date
    description: str
    lines: Sequence[Line]
    reference: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the entry as proposals keep it and as the guard of manual entries reads it."""
        return {
            "type": self.type,
            "entity": self.entity,
            "effective_date": self.effective_date.isoformat(),
            "description": self.description,
            "reference": self.reference,
            "lines": lines_as_json(self.lines),
        }


@dataclass(frozen=True, slots=True)
class Total:
    """Debits and credits of one asset."""

    asset: str
    debit_minor: int
    credit_minor: int

    @property
    def difference_minor(self) -> int:
        return self.debit_minor - self.credit_minor


def lines_as_json(lines: Iterable[Line]) -> list[dict[str, str]]:
    return [{"account": line.account, "direction": line.direction, "amount": str(line.amount_minor), "asset": line.asset} for line in lines]


def entry_from_json(entry: Mapping[str, Any]) -> ProposedEntry:
    """Return an entry as `as_json` writes it."""
    return ProposedEntry(
        type=entry["type"],
        entity=entry["entity"],
        effective_date=date.fromisoformat(entry["effective_date"]),
        description=entry["description"],
        reference=entry.get("reference", ""),
        lines=lines_from_json(entry["lines"]),
    )


def entries_of(payload: Mapping[str, Any]) -> list[ProposedEntry]:
    """Return the entries of a proposal, be they one or many."""
    return [entry_from_json(entry) for entry in (payload["entries"] if "entries" in payload else [payload["entry"]])]


def totals_of(lines: Iterable[Line]) -> list[Total]:
    """Return debits and credits by asset, in the order of the assets' codes."""
    sums: dict[str, list[int]] = {}
    for line in lines:
        sums.setdefault(line.asset, [0, 0])[0 if line.direction == DEBIT else 1] += line.amount_minor
    return [Total(asset, debit, credit) for asset, (debit, credit) in sorted(sums.items())]
