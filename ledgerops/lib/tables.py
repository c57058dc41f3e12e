"""A table that leaves the system: what every kind of file is made of, without knowing what its rows mean."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum


class Kind(StrEnum):
    """What a column holds; each kind of file writes it as its own type."""

    TEXT = "text"
    DATE = "date"
    INSTANT = "instant"
    MONEY = "money"
    INTEGER = "integer"


@dataclass(frozen=True, slots=True)
class Amount:
    """An exact amount in minor units of a unit that has `scale` decimals."""

    minor: int
    scale: int
    unit: str


# A text, day, instant, amount or whole number, as its column says; None is an empty cell.
Cell = str | date | datetime | Amount | int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column: `name` for programs, `title` for people.

    `wide` is for texts of any length, which take the room that is left. The amounts of a `totalled` column are summed by unit.
    """

    name: str
    title: str
    kind: Kind = Kind.TEXT
    wide: bool = False
    totalled: bool = False

    @property
    def heading(self) -> str:
        return f"{self.title} (UTC)" if self.kind is Kind.INSTANT else self.title

    @property
    def is_right(self) -> bool:
        return self.kind in {Kind.MONEY, Kind.INTEGER}


@dataclass(frozen=True, slots=True)
class Total:
    """A row that sums up others of its table: set off, and neither counted nor summed again."""

    cells: Sequence[Cell]


Row = Sequence[Cell] | Total


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A titled table. `rows` may be read once only; `facts` say where it comes from and are on every file of it."""

    name: str
    title: str
    subtitles: Sequence[str] = ()
    columns: Sequence[Column]
    rows: Iterable[Row]
    facts: Sequence[tuple[str, str]] = ()
    made_at: datetime


@dataclass(slots=True)
class Tally:
    """Counts the rows of a table and sums its totalled columns while they pass."""

    table: Table
    rows: int = 0
    _sums: dict[tuple[str, str], Amount] = field(default_factory=dict)

    def passing(self) -> Iterator[tuple[Sequence[Cell], bool]]:
        """Yield each row's cells and whether it is a total."""
        for row in self.table.rows:
            if isinstance(row, Total):
                yield row.cells, True
            else:
                self._add(row)
                yield row, False

    def facts(self) -> list[tuple[str, Cell]]:
        """Return what the file says about itself, once every row has passed."""
        sums = [(f"Total {title.lower()}, {unit}", total) for (unit, title), total in self._ordered()]
        return [*self.table.facts, ("Made at", f"{self.table.made_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"), ("Rows", self.rows), *sums]

    def _add(self, cells: Sequence[Cell]) -> None:
        self.rows += 1
        for column, cell in zip(self.table.columns, cells, strict=True):
            if column.totalled and isinstance(cell, Amount):
                key = (cell.unit, column.title)
                known = self._sums.get(key)
                self._sums[key] = Amount(cell.minor + (known.minor if known else 0), cell.scale, cell.unit)

    def _ordered(self) -> list[tuple[tuple[str, str], Amount]]:
        """Return the sums by unit, and within it in the order of the columns."""
        titles = [column.title for column in self.table.columns]
        return sorted(self._sums.items(), key=lambda one: (one[0][0], titles.index(one[0][1])))
