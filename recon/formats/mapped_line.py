"""One row of a mapped file, read by the columns that its mapping names: a line, or the cell that keeps it from being one."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date
from decimal import Decimal

from recon.formats.events import Direction, LineRead, Place
from recon.formats.mapped_definition import AmountRule, Condition, Definition
from recon.formats.mapped_table import CELL_MAX, Cell, Head, Row
from recon.formats.mapped_values import Unreadable, date_reader, number_reader
from recon.formats.text import iban, key, one_line

REFERENCE_MAX = 140

_CURRENCY = re.compile(r"[A-Z0-9]{2,20}")
# The fields of a line that are keys as well, and the kind of each.
_KEY_OF = {"reference": "own_reference", "end_to_end_id": "end_to_end", "bank_reference": "bank_reference"}

Cells = Sequence[Cell]
Group = tuple[str, str]


class BadRow(Exception):
    """One cell keeps the row from being read."""

    def __init__(self, column: str, cell: Cell, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.value = text_of(cell)
        self.message = message


class MissingColumn(Exception):
    """The file has no column of this name, or two of them."""

    def __init__(self, column: str, message: str) -> None:
        super().__init__(message)
        self.column = column
        self.message = message


def text_of(cell: Cell) -> str:
    if isinstance(cell, str):
        return " ".join(cell.split())
    return cell.isoformat() if isinstance(cell, date) else f"{cell:f}"


class Lines:
    """Reads the rows under one head.

    :raises MissingColumn: when the head lacks a column of the mapping, or has it twice.
    """

    def __init__(self, definition: Definition, head: Head) -> None:
        self._head = head
        self.width = len(head.columns)
        self._booking_date = date_reader(definition.booking_date)
        self._value_date = date_reader(definition.value_date) if definition.value_date else None
        self._booking_at = self.index(definition.booking_date.column)
        self._value_at = self.index(definition.value_date.column) if definition.value_date else -1
        self._account_at = self.index(definition.account.column) if definition.account.column else -1
        self._currency_at = self.index(definition.currency.column) if definition.currency.column else -1
        self._account = account_number(definition.account.fixed)
        self._currency = definition.currency.fixed
        self._amount = self._amounts(definition.amount)
        self._texts = {name: self.index(column) for name, column in definition.texts}
        self._description = tuple(self.index(column) for column in definition.description)
        self._keys = tuple((kind, self.index(column)) for kind, column in definition.keys)
        self._facts = tuple((name, self.index(column)) for name, column in definition.facts)
        self._booked = self.condition(definition.booked) if definition.booked else None
        self.grouped = self._account_at >= 0 or self._currency_at >= 0

    def index(self, column: str) -> int:
        found = self._head.columns.count(column)
        if found == 1:
            return self._head.columns.index(column)
        if found:
            raise MissingColumn(column, "Two columns of the file have this name, so that nothing says which one is meant.")
        names = ", ".join(name for name in self._head.columns if name) or "none"
        raise MissingColumn(column, f"The file has no column of this name, which its mapping reads; its columns are {names[:300]}.")

    def cell(self, cells: Cells, column: str) -> Cell:
        return cells[self.index(column)]

    def condition(self, rule: Condition) -> Callable[[Cells], bool]:
        """Return the function that says whether a row is meant; a row too short to have the cell is not."""
        at, equals, begins, empty = self.index(rule.column), frozenset(rule.equals), rule.begins, rule.empty

        def holds(cells: Cells) -> bool:
            if at >= len(cells):
                return False
            text = text_of(cells[at])
            return text in equals or (bool(begins) and text.startswith(begins)) or (empty and not text)

        return holds

    def group(self, cells: Cells) -> Group:
        """Return the account and the currency that a row belongs to."""
        if not self.grouped:
            return self._account, self._currency
        account, currency = self._account, self._currency
        if self._account_at >= 0:
            account = account_number(text_of(cells[self._account_at]))
            if not account or len(account) > 60:
                raise BadRow(self.column(self._account_at), cells[self._account_at], "The row names no account.")
        if self._currency_at >= 0:
            currency = text_of(cells[self._currency_at]).upper()
            if not _CURRENCY.fullmatch(currency):
                raise BadRow(self.column(self._currency_at), cells[self._currency_at], "The row names no currency, such as EUR.")
        return account, currency

    def column(self, at: int) -> str:
        return self._head.columns[at]

    def line(self, row: Row, *, ordinal: int, currency: str) -> LineRead:
        """Return the line of a row.

        :raises BadRow: naming the cell that cannot be read.
        """
        cells = row.cells
        signed = self._amount(cells, currency)
        try:
            booking_date = self._booking_date(cells[self._booking_at])
        except Unreadable as error:
            raise BadRow(self.column(self._booking_at), cells[self._booking_at], str(error)) from None
        value_date = self._valued(cells, booking_date)
        texts = {name: self._reference(cells, at) for name, at in self._texts.items()}
        keys = [(_KEY_OF[name], text) for name, text in texts.items() if text and name in _KEY_OF]
        keys += [(kind, text) for kind, at in self._keys if (text := self._reference(cells, at))]
        direction: Direction = "debit" if signed < 0 else "credit"
        return LineRead(
            ordinal=ordinal,
            booking_date=booking_date,
            value_date=value_date,
            direction=direction,
            reversal=False,
            amount=signed.copy_abs(),
            currency=currency,
            own_reference=texts.get("reference", ""),
            bank_reference=texts.get("bank_reference", ""),
            end_to_end_id=texts.get("end_to_end_id", ""),
            uetr=next((text.lower() for kind, text in keys if kind == "uetr"), ""),
            counterparty_name=texts.get("counterparty", ""),
            counterparty_account=account_number(texts.get("counterparty_account", "")),
            transaction_code=texts.get("transaction_code", ""),
            description=" ".join(filter(None, [text_of(cells[at]) for at in self._description])),
            raw=row.raw,
            details_total=None,
            booked=self._booked is None or self._booked(cells),
            place=Place(row.line, None, row.path),
            keys=tuple(dict.fromkeys(keys)),
            facts=tuple([(name, text) for name, at in self._facts if (text := text_of(cells[at]))]),
        )

    def _valued(self, cells: Cells, booking_date: date) -> date:
        if self._value_date is None:
            return booking_date
        cell = cells[self._value_at]
        if cell == "" or (isinstance(cell, str) and not cell.strip()):
            return booking_date
        try:
            return self._value_date(cell)
        except Unreadable as error:
            raise BadRow(self.column(self._value_at), cell, str(error)) from None

    def _reference(self, cells: Cells, at: int) -> str:
        cell = cells[at]
        text = key(cell if isinstance(cell, str) else text_of(cell))
        if len(text) > REFERENCE_MAX:
            raise BadRow(self.column(at), cell, f"This is longer than {REFERENCE_MAX} characters, which no reference or name is.")
        return text

    def _amounts(self, rule: AmountRule) -> Callable[[Cells, str], Decimal]:
        read = number_reader(rule.number)

        def number(cells: Cells, at: int, currency: str) -> Decimal:
            try:
                return read(cells[at], currency)
            except Unreadable as error:
                raise BadRow(self.column(at), cells[at], str(error)) from None

        if rule.sign == "columns":
            signed = self._two_columns(rule, number)
        elif rule.sign == "indicator":
            signed = self._indicated(rule, number)
        else:
            at = self.index(rule.column)

            def signed(cells: Cells, currency: str) -> Decimal:
                return number(cells, at, currency)

        if rule.inverted:
            return lambda cells, currency: signed(cells, currency).copy_negate()
        return signed

    def _two_columns(self, rule: AmountRule, number: Callable[[Cells, int, str], Decimal]) -> Callable[[Cells, str], Decimal]:
        debit_at, credit_at = self.index(rule.debit), self.index(rule.credit)

        def signed(cells: Cells, currency: str) -> Decimal:
            debit = number(cells, debit_at, currency) if text_of(cells[debit_at]) else None
            credit = number(cells, credit_at, currency) if text_of(cells[credit_at]) else None
            if debit is None and credit is None:
                raise BadRow(rule.debit, "", "Neither the debit nor the credit column holds an amount.")
            if debit and credit:
                raise BadRow(rule.credit, cells[credit_at], "Both the debit and the credit column hold an amount.")
            if debit:
                return _debited(debit, rule, rule.debit)
            if credit and credit < 0:
                raise BadRow(rule.credit, cells[credit_at], "The credit column holds a negative amount.")
            return credit or Decimal(0) if debit is None else credit or debit

        return signed

    def _indicated(self, rule: AmountRule, number: Callable[[Cells, int, str], Decimal]) -> Callable[[Cells, str], Decimal]:
        at, says_at = self.index(rule.column), self.index(rule.indicator)
        debits, credits_ = frozenset(rule.debit_values), frozenset(rule.credit_values)

        def signed(cells: Cells, currency: str) -> Decimal:
            amount = number(cells, at, currency)
            says = text_of(cells[says_at])
            if says in debits:
                return _debited(amount, rule, rule.column)
            if says not in credits_:
                message = f"The mapping does not say if this is a debit or a credit; it knows {', '.join(sorted(debits | credits_))}."
                raise BadRow(rule.indicator, says, message)
            if amount < 0:
                raise BadRow(rule.column, cells[at], "A credit holds a negative amount.")
            return amount

        return signed


def _debited(amount: Decimal, rule: AmountRule, column: str) -> Decimal:
    """Return a debit as a negative amount, written as the mapping says that debits are."""
    if amount > 0 and rule.debit_written == "negative":
        raise BadRow(column, amount, "A debit holds a positive amount, the mapping says that debits are written negative.")
    if amount < 0 and rule.debit_written == "positive":
        raise BadRow(column, amount, "A debit holds a negative amount, the mapping says that debits are written positive.")
    return amount if amount < 0 else amount.copy_negate()


def account_number(text: str) -> str:
    return iban(text) or one_line(text)


def overlong(cells: Cells) -> int | None:
    """Return where a cell is longer than any of a statement is, or None."""
    return next((at for at, cell in enumerate(cells) if isinstance(cell, str) and len(cell) > CELL_MAX), None)
