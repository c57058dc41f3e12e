"""The balances of a mapped file: stated once, or running from row to row, and the totals that it declares."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from decimal import Context, Decimal

from recon.formats.events import BalanceRead, BalanceRole, ControlRead, Event, LineRead, Place, remark
from recon.formats.mapped_definition import BalanceRule, DayRule, Definition
from recon.formats.mapped_line import BadRow, Lines, text_of
from recon.formats.mapped_table import Cell, Head, Row
from recon.formats.mapped_values import Unreadable, number_reader

# Sums of any amounts a file can hold are exact: the default of 28 digits would round those of tokens.
EXACT = Context(prec=200)
_ROLES: tuple[BalanceRole, BalanceRole] = ("opening", "closing")


class Balances:
    """Follows one statement from row to row and says what its balances prove."""

    def __init__(self, definition: Definition) -> None:
        self._definition = definition
        self._newest_first = definition.order == "newest_first"
        self._running = number_reader(definition.balance_after.number) if definition.balance_after else None
        self._currency = ""
        # The balance after the newest row read so far (before it, read backwards), and what moved since.
        self._at: Decimal | None = None
        self._since = Decimal(0)
        self._first: tuple[Decimal, date] | None = None
        self._last_day: date | None = None
        self._first_day: date | None = None
        self._last_place: Place | None = None
        self._broken = False
        self._stated: dict[str, Decimal] = {}
        self._totals: list[tuple[str, Decimal, Place]] = []
        self._count, self._credits, self._debits = 0, Decimal(0), Decimal(0)

    def after(self, row: Row, lines: Lines, line: LineRead) -> Decimal | None:
        """Return the balance that a row states after itself, None where it states none.

        :raises BadRow: when the cell holds something else.
        """
        rule = self._definition.balance_after
        if rule is None or self._running is None or not line.booked:
            return None
        cell = lines.cell(row.cells, rule.column)
        if not text_of(cell):
            return None
        try:
            return self._running(cell, line.currency)
        except Unreadable as error:
            raise BadRow(rule.column, cell, str(error)) from None

    def follow(self, line: LineRead, balance: Decimal | None) -> Iterator[Event]:
        """Add a line; where the running balance does not follow from the row before for the first time, say so."""
        self._currency = line.currency
        self._last_place = line.place
        self._first_day = self._first_day or line.booking_date
        self._last_day = line.booking_date
        if not line.booked:
            return
        self._count += 1
        signed = line.amount if line.direction == "credit" else line.amount.copy_negate()
        if line.direction == "credit":
            self._credits = EXACT.add(self._credits, line.amount)
        else:
            self._debits = EXACT.add(self._debits, line.amount)
        if self._running is None:
            return
        moved = self._since if self._newest_first else EXACT.add(self._since, signed)
        if balance is None:
            self._since = EXACT.add(self._since, signed)
            return
        change = moved.copy_negate() if self._newest_first else moved
        if self._at is None:
            # Read backwards this is the closing balance, and what was read before it came later.
            first = EXACT.add(balance, moved) if self._newest_first else EXACT.subtract(balance, moved)
            self._first = (first, self._first_day)
        elif not self._broken and (expected := EXACT.add(self._at, change)) != balance:
            self._broken = True
            yield from self._break(line.place, expected=expected, balance=balance)
        self._at = balance
        self._since = signed if self._newest_first else Decimal(0)

    def _break(self, place: Place, *, expected: Decimal, balance: Decimal) -> Iterator[Event]:
        yield ControlRead(name="running balance", declared=balance, found=expected, place=place)
        column = self._definition.balance_after.column if self._definition.balance_after else ""
        message = (
            f"The running balance breaks here: the rows read so far lead to {expected:f}. A row is missing, stands twice or is in "
            "quarantine, or the order of the rows is not the one that the mapping says."
        )
        yield remark(place=place, field=column, value=f"{balance:f}", message=message)

    def stated(self, name: str, row: Row, lines: Lines, currency: str) -> list[Event]:
        """Read a row that holds a balance or totals instead of a movement."""
        self._currency = currency
        place = Place(row.line, None, row.path)
        if name == "totals":
            rule = self._definition.totals
            assert rule is not None
            money, count = number_reader(rule.number), number_reader(replace(rule.number, minor=False))
            for what, column in rule.columns:
                read = count if what == "count" else money
                self._totals.append((what, _read(read, lines.cell(row.cells, column), column, currency), place))
            return []
        balance = self._definition.opening if name == "opening" else self._definition.closing
        assert balance is not None
        cell = lines.cell(row.cells, balance.column)
        amount = _read(number_reader(balance.number), cell, balance.column, currency)
        return [self._balance(_ROLES[name == "closing"], amount, place)]

    def in_head(self, head: Head, currency: str) -> Iterator[Event]:
        """Read the balances that stand outside the rows."""
        self._currency = currency
        for role, rule in zip(_ROLES, (self._definition.opening, self._definition.closing), strict=True):
            if rule is None or rule.where:
                continue
            where, cell = outside(head, rule)
            place = Place(rule.row or None, None, where)
            if cell is None:
                yield remark(place=place, field=role, message=f"The {role} balance is not where the mapping says.")
                continue
            try:
                amount = number_reader(rule.number)(cell, currency)
            except Unreadable as error:
                yield remark(place=place, field=role, value=text_of(cell), message=f"The {role} balance cannot be read. {error}")
                continue
            yield self._balance(role, amount, place)

    def _balance(self, role: BalanceRole, amount: Decimal, place: Place) -> BalanceRead:
        self._stated[role] = amount
        return BalanceRead(role=role, amount=amount, currency=self._currency, date=None, code="", place=place)

    def close(self, place: Place) -> Iterator[Event]:
        """Yield the balances that the running balance gives, and compare what the file declares with what was read."""
        place = self._last_place or place
        if self._first is not None and self._at is not None:
            first, day = self._first
            if self._newest_first:
                derived = {"closing": (first, day), "opening": (EXACT.subtract(self._at, self._since), self._last_day)}
            else:
                derived = {"opening": (first, day), "closing": (EXACT.add(self._at, self._since), self._last_day)}
            for role in _ROLES:
                amount, dated = derived[role]
                if role in self._stated:
                    yield ControlRead(name=f"{role} balance", declared=self._stated[role], found=amount, place=place)
                else:
                    yield BalanceRead(role=role, amount=amount, currency=self._currency, date=dated, code="", place=place)
        found = {
            "count": Decimal(self._count),
            "sum": EXACT.subtract(self._credits, self._debits),
            "credits": self._credits,
            "debits": self._debits,
        }
        for what, declared, where in self._totals:
            yield ControlRead(name=what, declared=declared.copy_abs() if what == "debits" else declared, found=found[what], place=where)


def outside(head: Head, rule: BalanceRule | DayRule) -> tuple[str, Cell | None]:
    if rule.path:
        return rule.path, head.beside.get(rule.path)
    cells = head.above.get(rule.row, ())
    return f"cell {rule.cell}", cells[rule.cell - 1] if rule.cell <= len(cells) else None


def _read(read: Callable[[Cell, str], Decimal], cell: Cell, column: str, currency: str) -> Decimal:
    try:
        return read(cell, currency)
    except Unreadable as error:
        raise BadRow(column, cell, str(error)) from None
