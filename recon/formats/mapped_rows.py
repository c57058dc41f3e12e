"""The engine of mapped files: rows in, statements out, one for each account and currency that the rows name.

Every row of the file becomes a line, a balance, totals, a row left out by a rule of the mapping, or a row in quarantine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date
from typing import BinaryIO

from recon.formats.events import Event, LocatedError, Place, StatementClosed, StatementOpened, quarantined, refusal, remark
from recon.formats.mapped_balances import Balances, outside
from recon.formats.mapped_definition import Condition, Definition
from recon.formats.mapped_line import BadRow, Cells, Group, Lines, MissingColumn, overlong, text_of
from recon.formats.mapped_table import CELL_MAX, Head, Row, Table, Undecodable
from recon.formats.mapped_values import Unreadable, date_reader
from recon.formats.text import iban

GROUPS_MAX = 100


def read_rows(definition: Definition, table: Table, file: BinaryIO) -> Iterator[Event]:
    """Read a file in one pass, and in one more for each further account or currency that its rows name."""
    reading = _Reading(definition, table)
    while reading.more:
        for event in reading.passes(file):
            yield event
            if isinstance(event, LocatedError) and event.fatal:
                return
    if not reading.found and reading.has_rows:
        yield refusal(place=reading.place, field="file", message="No row of the file could be read.")
    elif not reading.found:
        yield from reading.nothing()


class _Reading:
    """What is known of a file from pass to pass."""

    def __init__(self, definition: Definition, table: Table) -> None:
        self._definition = definition
        self._table = table
        self._groups: dict[Group, None] = {}
        self._passes = 0
        self._skipped: Counter[int] = Counter()
        self.place = Place(None, None, "file")
        self.found = 0
        self.rows = 0
        self._head: Head | None = None

    @property
    def more(self) -> bool:
        return self._passes == 0 or self._passes < len(self._groups)

    def passes(self, file: BinaryIO) -> Iterator[Event]:
        """Read the file once, for the first group that has not been read."""
        number, self._passes = self._passes, self._passes + 1
        statement = _Statement(self._definition, ordinal=number + 1, group=list(self._groups)[number] if number else None)
        lines: Lines | None = None
        special: list[tuple[str, Callable[[Cells], bool]]] = []
        file.seek(0)
        try:
            for item in self._table.read(file, self._definition.columns(), self._definition.paths()):
                if isinstance(item, LocatedError):
                    if number == 0:
                        self.rows += item.row
                        yield item
                elif isinstance(item, Head):
                    self.place, self._head = item.place, item
                    lines, special = self._under(item)
                    statement.head = item
                    yield from self._dated(item, statement, first=number == 0)
                elif lines is not None:
                    yield from self._row(item, lines, special, statement, first=number == 0)
        except Undecodable as error:
            yield error.error
            return
        except MissingColumn as error:
            yield refusal(place=self.place, field=error.column, value=error.column, message=error.message)
            return
        if lines is None:
            message = "The file has no row of names where its mapping says that it stands."
            yield refusal(place=self.place, field="header_row", message=message)
            return
        if number == 0:
            yield from self._left_out()
        if len(self._groups) > GROUPS_MAX:
            message = f"The rows name more than {GROUPS_MAX} accounts and currencies: deliver them in several files."
            yield refusal(place=self.place, field="account", message=message)
            return
        yield from statement.close()
        self.found += statement.opened

    def _dated(self, head: Head, statement: _Statement, *, first: bool) -> Iterator[Event]:
        if self._definition.day:
            statement.day, error = _day(head, self._definition)
            if error and first:
                yield error

    @property
    def has_rows(self) -> bool:
        """Whether the file has rows that the mapping does not leave out."""
        return self.rows > sum(self._skipped.values())

    def nothing(self) -> Iterator[Event]:
        """Read a file without rows: a day without movements, where the file says of which day, account and currency; else no day's."""
        definition, head = self._definition, self._head
        why = "Waive the day in the calendar of its source, or say in the mapping (day) where the file names it."
        if definition.day is None or head is None:
            yield refusal(
                place=self.place, field="file", message=f"The file has no rows under its head, and does not say of which day. {why}"
            )
            return
        if definition.account.column or definition.currency.column:
            message = "The file has no rows under its head, and only rows would say of which account and currency."
            yield refusal(place=self.place, field="file", message=f"{message} Waive the day in the calendar of its source.")
            return
        day, error = _day(head, definition)
        if error is not None:
            yield refusal(place=error.place, field="day", value=error.value, message=error.message)
            return
        statement = _Statement(definition, ordinal=1, group=(definition.account.fixed, definition.currency.fixed))
        statement.head, statement.day = head, day
        yield from statement.open(head.place)
        yield from statement.close()
        self.found += 1

    def _under(self, head: Head) -> tuple[Lines, list[tuple[str, Callable[[Cells], bool]]]]:
        """Bind the columns of the mapping to those of the file."""
        lines, definition = Lines(self._definition, head), self._definition
        rules: list[tuple[str, Condition | None]] = [
            ("opening", definition.opening.where if definition.opening else None),
            ("closing", definition.closing.where if definition.closing else None),
            ("totals", definition.totals.where if definition.totals else None),
            *((f"skip {index}", rule) for index, rule in enumerate(definition.skip)),
        ]
        for column in definition.columns():
            lines.index(column)
        return lines, [(name, lines.condition(rule)) for name, rule in rules if rule]

    def _row(
        self, row: Row, lines: Lines, special: list[tuple[str, Callable[[Cells], bool]]], statement: _Statement, *, first: bool
    ) -> Iterator[Event]:
        self.rows += first
        for name, holds in special:
            if holds(row.cells):
                if name.startswith("skip"):
                    self._skipped[int(name[5:])] += first
                else:
                    yield from self._apart(name, row, lines, statement, first=first)
                return
        try:
            _shape(row, lines)
            group = lines.group(row.cells)
        except BadRow as bad:
            if first:
                yield _out(row, bad)
            return
        if statement.group is None:
            statement.group = group
        if group not in self._groups:
            if len(self._groups) <= GROUPS_MAX:
                self._groups[group] = None
            if group not in self._groups:
                return
        if group == statement.group:
            yield from statement.take(row, lines)

    def _apart(self, name: str, row: Row, lines: Lines, statement: _Statement, *, first: bool) -> Iterator[Event]:
        """Take a row that holds a balance or totals. Where it names no account or currency it is that of the only statement."""
        padded = row._replace(cells=[*row.cells, *[""] * (lines.width - len(row.cells))])
        try:
            group = lines.group(padded.cells)
        except BadRow as bad:
            if len(self._groups) != 1 or not first:
                if first:
                    yield _out(row, bad)
                return
            group = next(iter(self._groups))
        self._groups.setdefault(group)
        if statement.group is None:
            statement.group = group
        if group == statement.group:
            yield from statement.state(name, padded, lines)

    def _left_out(self) -> Iterator[Event]:
        for index, count in sorted(self._skipped.items()):
            rule = self._definition.skip[index]
            meant = " or ".join([*rule.equals, *(f"{one}..." for one in rule.begins), *(["nothing"] if rule.empty else [])])
            rows = "1 row was" if count == 1 else f"{count} rows were"
            message = f"{rows} left out by a rule of the mapping: {rule.column} is {meant[:200]}."
            yield remark(place=self.place, field=rule.column, value=str(count), message=message)


class _Statement:
    """One statement being read: the rows of one account in one currency."""

    def __init__(self, definition: Definition, *, ordinal: int, group: Group | None) -> None:
        self._definition = definition
        self._ordinal = ordinal
        self._lines = 0
        self._balances = Balances(definition)
        self.group = group
        self.head: Head | None = None
        self.day: date | None = None
        self.opened = False

    def take(self, row: Row, lines: Lines) -> Iterator[Event]:
        assert self.group is not None
        try:
            line = lines.line(row, ordinal=self._lines + 1, currency=self.group[1])
            balance = self._balances.after(row, lines, line)
        except BadRow as bad:
            yield _out(row, bad)
            return
        if not self.opened:
            yield from self.open(line.place)
        self._lines += 1
        yield line
        yield from self._balances.follow(line, balance)

    def state(self, name: str, row: Row, lines: Lines) -> Iterator[Event]:
        assert self.group is not None
        try:
            events = self._balances.stated(name, row, lines, self.group[1])
        except BadRow as bad:
            yield _out(row, bad)
            return
        if not self.opened:
            yield from self.open(Place(row.line, None, row.path))
        yield from events

    def open(self, place: Place) -> Iterator[Event]:
        assert self.group is not None
        self.opened = True
        account, currency = self.group
        yield StatementOpened(
            ordinal=self._ordinal,
            account=account,
            account_scheme="iban" if iban(account) else "other",
            account_owner="",
            servicer_bic="",
            currency=currency,
            statement_id="",
            statement_number="",
            sequence_number="",
            message_id="",
            created_at=None,
            copy=False,
            place=place,
            kind=self._definition.kind,
            period_end=self.day,
        )
        if self.head:
            yield from self._balances.in_head(self.head, currency)

    def close(self) -> Iterator[Event]:
        if self.opened:
            place = self.head.place if self.head else Place(None, None, "file")
            yield from self._balances.close(place)
            yield StatementClosed(ordinal=self._ordinal, lines=self._lines, place=place)


def _day(head: Head, definition: Definition) -> tuple[date | None, LocatedError | None]:
    """Return the day that a file says it reports on, or why it cannot be read."""
    rule = definition.day
    assert rule is not None
    where, cell = outside(head, rule)
    place = Place(rule.row or None, None, where)
    if cell is None or not text_of(cell):
        return None, remark(place=place, field="day", message="The day of the file is not where the mapping says.")
    try:
        return date_reader(rule.date)(cell), None
    except Unreadable as error:
        return None, remark(place=place, field="day", value=text_of(cell), message=f"The day of the file cannot be read. {error}")


def _shape(row: Row, lines: Lines) -> None:
    """Refuse a row that has not the cells of the head; empty cells beyond its end are the work of a trailing separator."""
    cells = row.cells
    if len(cells) < lines.width or (len(cells) > lines.width and any(text_of(cell) for cell in cells[lines.width :])):
        raise BadRow("columns", str(len(cells)), f"The row has {len(cells)} cells, the head has {lines.width}.")
    if len(row.raw) > CELL_MAX and (at := overlong(cells)) is not None:
        raise BadRow(lines.column(at), cells[at], "The cell is longer than any of a statement is.")


def _out(row: Row, bad: BadRow) -> Event:
    place = Place(row.line, None, f"{row.path}, {bad.column}"[:200])
    return quarantined(place=place, field=bad.column[:60], value=bad.value, message=bad.message, raw=row.raw)
