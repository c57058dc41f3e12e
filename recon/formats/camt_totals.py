"""The totals that a camt message declares in TxsSummry, compared with its entries."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from recon.formats import camt_values as values
from recon.formats.events import ControlRead, Place
from recon.formats.xml_stream import Node


@dataclass(slots=True)
class Sums:
    """Entries as they passed, each in the currency it is written in."""

    count: int = 0
    credits: int = 0
    debits: int = 0
    credited: Decimal = field(default_factory=Decimal)
    debited: Decimal = field(default_factory=Decimal)

    def add(self, entry: Node) -> None:
        amount = values.amount(entry.find("Amt")) or Decimal(0)
        self.count += 1
        if entry.get("CdtDbtInd") == "DBIT":
            self.debits += 1
            self.debited += amount
        else:
            self.credits += 1
            self.credited += amount


@dataclass(slots=True)
class Totals:
    """Sums of all entries and of the booked ones: banks declare either, and no element says which."""

    every: Sums = field(default_factory=Sums)
    booked: Sums = field(default_factory=Sums)

    def add(self, entry: Node, *, booked: bool) -> None:
        self.every.add(entry)
        if booked:
            self.booked.add(entry)

    def controls(self, summary: Node, *, path: str) -> Iterator[ControlRead]:
        place = Place(summary.line, None, f"{path}/TxsSummry")
        for name, declared, every, booked in self._compared(summary):
            if declared is not None:
                found = booked if booked == declared else every
                yield ControlRead(name=name, declared=declared, found=found, place=place)

    def _compared(self, summary: Node) -> Iterator[tuple[str, Decimal | None, Decimal, Decimal]]:
        one, two = self.every, self.booked
        total, credit, debit = (summary.find(name) or Node(name, 0) for name in ("TtlNtries", "TtlCdtNtries", "TtlDbtNtries"))
        yield "entries", _number(total, "NbOfNtries"), Decimal(one.count), Decimal(two.count)
        yield "sum of entries", _number(total, "Sum"), one.credited + one.debited, two.credited + two.debited
        yield "net of entries", _net(total), one.credited - one.debited, two.credited - two.debited
        yield "credit entries", _number(credit, "NbOfNtries"), Decimal(one.credits), Decimal(two.credits)
        yield "sum of credits", _number(credit, "Sum"), one.credited, two.credited
        yield "debit entries", _number(debit, "NbOfNtries"), Decimal(one.debits), Decimal(two.debits)
        yield "sum of debits", _number(debit, "Sum"), one.debited, two.debited


def _number(node: Node, name: str) -> Decimal | None:
    return values.amount(node.find(name))


def _net(node: Node) -> Decimal | None:
    """Read the net amount: two elements side by side up to version 3, in one of their own from version 4 on."""
    amount = values.amount(node.find("TtlNetNtry/Amt") or node.find("TtlNetNtryAmt"))
    sign = {"CRDT": 1, "DBIT": -1}.get(node.get("TtlNetNtry/CdtDbtInd", "CdtDbtInd"))
    return None if amount is None or sign is None else sign * amount
