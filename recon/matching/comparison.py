"""Two records of one movement, field by field."""

from dataclasses import dataclass
from datetime import date
from typing import Protocol

from ledgerops.lib import diff


class Record(Protocol):
    """What a side says of a movement; `amount_minor` is positive where value came in."""

    @property
    def amount_minor(self) -> int: ...
    @property
    def value_date(self) -> date: ...
    @property
    def booking_date(self) -> date: ...
    @property
    def counterparty(self) -> str: ...
    @property
    def reference(self) -> str: ...
    @property
    def end_to_end_id(self) -> str: ...
    @property
    def description(self) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldRow:
    """One row of a difference table."""

    field: str
    comparison: diff.Comparison
    mono: bool = False
    main: bool = False
    asset: str = ""


def compared(left: Record, right: Record, *, scale: int, asset: str) -> list[FieldRow]:
    """Compare two records; a field that neither side fills is left out."""
    rows = [
        FieldRow(
            field="Amount",
            comparison=diff.amount(left.amount_minor, right.amount_minor, scale=scale, asset=asset),
            main=True,
            asset=asset,
        ),
        FieldRow(field="Value date", comparison=diff.day(left.value_date, right.value_date), mono=True),
        FieldRow(field="Booking date", comparison=diff.day(left.booking_date, right.booking_date), mono=True),
        FieldRow(field="Counterparty", comparison=diff.text(left.counterparty, right.counterparty)),
        FieldRow(field="Reference", comparison=_code(left.reference, right.reference), mono=True),
        FieldRow(field="End-to-end ID", comparison=_code(left.end_to_end_id, right.end_to_end_id), mono=True),
        FieldRow(field="Description", comparison=diff.text(left.description, right.description)),
    ]
    return [row for row in rows if row.comparison.left or row.comparison.right]


def _code(left: str, right: str) -> diff.Comparison:
    """Compare two references: place by place if they are of one length, else as words."""
    return diff.aligned(left, right) if len(left) == len(right) else diff.text(left, right)
