"""The banks' view of the planned entries, with differences put in on purpose and a table that tells where."""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from ledgerops.demo import chart
from ledgerops.demo.activity import CHARGE_MINOR, Simulation
from ledgerops.demo.bankdays import bank_day_after, is_bank_day
from ledgerops.demo.references import with_swapped_digits
from ledgerops.demo.shapes import Difference, DifferenceKind, PlannedEntry, PlannedSource, StatementLine

RATE = 0.02
HELD_BACK_DAYS = 2
RECENT_DAYS = 3
# What correspondent banks keep of a payment that should have arrived whole.
DEDUCTED_MINOR = {"USD": 30_00, "EUR": 12_50, "GBP": 20_00, "JPY": 2_500}


@dataclass(frozen=True)
class Movement:
    """A line as the bank would book it if all went well, and the entry it belongs to."""

    source: PlannedSource
    entry: PlannedEntry
    line: StatementLine


@dataclass(frozen=True)
class Delivered:
    source: PlannedSource
    line: StatementLine


def movements(*, entries: Sequence[PlannedEntry], rng: random.Random) -> tuple[Movement, ...]:
    """Return what each entry means to the banks; some credits carry the next day as their value date."""
    by_account = {source.account_code: source for source in chart.SOURCES}
    return tuple(
        Movement(
            source=by_account[leg.account_code],
            entry=entry,
            line=StatementLine(
                booking_date=entry.effective_date,
                value_date=_value_date(entry, rng=rng),
                amount_minor=leg.amount_minor if leg.direction == "debit" else -leg.amount_minor,
                reference=entry.reference,
                bank_reference="",
                category=entry.type,
                counterparty=entry.metadata["counterparty"],
                counterparty_account=entry.metadata["counterparty_account"],
                remittance=_remittance(entry),
            ),
        )
        for entry in entries
        for leg in entry.lines
        if leg.account_code in by_account
    )


class Injector:
    """Turns movements into delivered lines and a truth table. Each movement carries one difference at most."""

    def __init__(self, *, rng: random.Random, simulation: Simulation, movements: Sequence[Movement], bank_days: Sequence[date]) -> None:
        self.truth: list[Difference] = []
        self._rng = rng
        self._simulation = simulation
        self._movements = movements
        self._bank_days = bank_days
        self._references = {movement.entry.reference for movement in movements}
        self._changed: dict[int, list[StatementLine]] = {}
        self._added: list[Delivered] = []

    def inject(self) -> None:
        """Put in every kind among the recent imported days and among the days held back, the rest anywhere before."""
        recipes: tuple[Callable[[range], bool], ...] = (
            self._bank_fee, self._unknown_payment, self._not_executed, self._timing, self._charge_deducted,
            self._digits_transposed, self._reference_swapped, self._booked_late, self._booked_twice,
        )  # fmt: skip
        last = len(self._bank_days)
        held, recent = range(last - HELD_BACK_DAYS, last), range(last - HELD_BACK_DAYS - RECENT_DAYS, last - HELD_BACK_DAYS)
        for recipe in recipes:
            recipe(self._window(recipe, held))
            recipe(self._window(recipe, recent))
        # Late bookings among the recent days began up to two days before them.
        earlier = range(recent.start - 2)
        wanted = round(len(self._movements) * RATE)
        for _ in range(2 * wanted):
            if len(self.truth) >= wanted:
                break
            self._rng.choice(recipes)(earlier)

    def delivered(self) -> Iterator[Delivered]:
        for index, movement in enumerate(self._movements):
            for line in self._changed.get(index, [movement.line]):
                yield Delivered(movement.source, line)
        yield from self._added

    def _window(self, recipe: Callable[[range], bool], shown: range) -> range:
        """Return on which bank days an entry must lie for its difference to be met when the statements of `shown` are the newest."""
        if recipe == self._booked_late:
            return range(shown.start - 2, shown.stop - 2)
        if recipe == self._booked_twice:
            return range(shown.start - 1, shown.stop - 1)
        if recipe == self._timing:
            return range(shown.stop - 1, shown.stop)
        return shown

    def _pick(self, window: range, *, allowed: Callable[[Movement], bool] = lambda _: True) -> int | None:
        days = self._days(window)
        found = [
            index
            for index, movement in enumerate(self._movements)
            if movement.entry.type in ("deposit", "withdrawal")
            and movement.entry.effective_date in days
            and index not in self._changed
            and allowed(movement)
        ]
        return self._rng.choice(found) if found else None

    def _days(self, window: range) -> list[date]:
        return [self._bank_days[index] for index in window if 0 <= index < len(self._bank_days)]

    def _deliver(self, index: int, *lines: StatementLine, kind: DifferenceKind, note: str) -> bool:
        """Deliver these lines instead of the movement's own and note it; lines after the last bank day stay away."""
        movement = self._movements[index]
        arriving = [line for line in lines if line.booking_date <= self._bank_days[-1]]
        self._changed[index] = arriving
        self.truth.append(
            Difference(
                kind=kind,
                source=movement.source.code,
                statement_date=arriving[-1].booking_date if arriving else movement.entry.effective_date,
                amount_minor=sum(line.amount_minor for line in arriving) - movement.line.amount_minor,
                entry_key=movement.entry.key,
                line_reference=arriving[-1].reference if arriving else None,
                note=note,
            )
        )
        return True

    def _add(self, source: PlannedSource, line: StatementLine, *, note: str) -> bool:
        self._added.append(Delivered(source, line))
        self.truth.append(
            Difference(
                kind=DifferenceKind.MISSING_INTERNAL, source=source.code, statement_date=line.booking_date, amount_minor=line.amount_minor,
                entry_key=None, line_reference=line.reference, note=note,
            )
        )  # fmt: skip
        return True

    def _bank_fee(self, window: range) -> bool:
        days = self._days(window)
        if not days:
            return False
        day, source = self._rng.choice(days), self._rng.choice(chart.SOURCES)
        line = StatementLine(
            booking_date=day, value_date=day, amount_minor=-CHARGE_MINOR[source.asset] * self._rng.randint(1, 3),
            reference=self._simulation.references.of_company(kind="BKF", day=day), bank_reference="", category="bank_charge",
            counterparty=source.servicer, counterparty_account="", remittance="Handling fee for returned payment",
        )  # fmt: skip
        return self._add(source, line, note="bank fee that nobody booked")

    def _unknown_payment(self, window: range) -> bool:
        days = self._days(window)
        if not days:
            return False
        day, source = self._rng.choice(days), self._rng.choice(chart.SOURCES)
        payer = self._simulation.payer(source.asset)
        reference = self._simulation.references.of_payer(day=day)
        line = StatementLine(
            booking_date=day, value_date=day, amount_minor=self._simulation.amount(source.asset), reference=reference, bank_reference="",
            category="deposit", counterparty=payer.name, counterparty_account=payer.account, remittance=f"Payment {reference}",
        )  # fmt: skip
        return self._add(source, line, note="incoming payment that belongs to no known customer")

    def _not_executed(self, window: range) -> bool:
        index = self._pick(window, allowed=lambda movement: movement.line.amount_minor < 0)
        if index is None:
            return False
        return self._deliver(index, kind=DifferenceKind.MISSING_EXTERNAL, note="outgoing payment that the bank did not execute")

    def _timing(self, window: range) -> bool:
        index = self._pick(window)
        if index is None:
            return False
        line = self._movements[index].line
        booked = replace(line, booking_date=bank_day_after(line.booking_date))
        return self._deliver(index, booked, kind=DifferenceKind.MISSING_EXTERNAL, note="timing: the bank books it on its next day")

    def _charge_deducted(self, window: range) -> bool:
        index = self._pick(window, allowed=lambda movement: movement.line.amount_minor > 4 * DEDUCTED_MINOR[movement.source.asset])
        if index is None:
            return False
        line, asset = self._movements[index].line, self._movements[index].source.asset
        booked = replace(line, amount_minor=line.amount_minor - DEDUCTED_MINOR[asset], remittance=f"{line.remittance} less charges")
        return self._deliver(index, booked, kind=DifferenceKind.AMOUNT, note="a correspondent bank deducted its charge")

    def _digits_transposed(self, window: range) -> bool:
        def variants(movement: Movement) -> tuple[str, ...]:
            return with_swapped_digits(str(abs(movement.line.amount_minor)), start=1)

        index = self._pick(window, allowed=lambda movement: bool(variants(movement)))
        if index is None:
            return False
        line = self._movements[index].line
        magnitude = int(self._rng.choice(variants(self._movements[index])))
        booked = replace(line, amount_minor=magnitude if line.amount_minor > 0 else -magnitude)
        return self._deliver(index, booked, kind=DifferenceKind.AMOUNT, note="two digits of the amount are transposed")

    def _reference_swapped(self, window: range) -> bool:
        def variants(movement: Movement) -> list[str]:
            reference = movement.line.reference
            # The year or the date of a reference is rarely mistyped, its number is.
            swapped = with_swapped_digits(reference, start=reference.rfind("-") + 1)
            return [variant for variant in swapped if variant not in self._references]

        index = self._pick(window, allowed=lambda movement: bool(variants(movement)))
        if index is None:
            return False
        line = self._movements[index].line
        other = self._rng.choice(variants(self._movements[index]))
        self._references.add(other)
        booked = replace(line, reference=other, remittance=line.remittance.replace(line.reference, other))
        return self._deliver(index, booked, kind=DifferenceKind.REFERENCE, note="two digits of the reference are swapped")

    def _booked_late(self, window: range) -> bool:
        index = self._pick(window)
        if index is None:
            return False
        line = self._movements[index].line
        day = bank_day_after(line.booking_date, count=2)
        booked = replace(line, booking_date=day, value_date=day)
        return self._deliver(index, booked, kind=DifferenceKind.DATE, note="booked two bank days later")

    def _booked_twice(self, window: range) -> bool:
        index = self._pick(window)
        if index is None:
            return False
        line = self._movements[index].line
        day = bank_day_after(line.booking_date)
        again = replace(line, booking_date=day, value_date=day)
        return self._deliver(index, line, again, kind=DifferenceKind.DUPLICATE_EXTERNAL, note="booked a second time on the next bank day")


def _value_date(entry: PlannedEntry, *, rng: random.Random) -> date:
    """Return the entry's date, or for some deposits the day after; never across a weekend, where a day would look like three."""
    tomorrow = entry.effective_date + timedelta(days=1)
    late = entry.type == "deposit" and is_bank_day(tomorrow) and rng.random() < 0.06
    return tomorrow if late else entry.effective_date


def _remittance(entry: PlannedEntry) -> str:
    if entry.type == "deposit":
        return f"{entry.reference} for {entry.metadata['customer']}"
    if entry.type == "withdrawal":
        return f"Payout for {entry.metadata['customer']}"
    return entry.description
