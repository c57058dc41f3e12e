"""What the makers of scenarios draw from: days, amounts, references and parties, and where they put what they make."""

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from ledgerops.lib.calendars import is_business_day
from ledgerops.scenarios.shapes import ExpectedBreak, Group, PlannedItem

FIRST_DAY, LAST_DAY = date(2026, 3, 2), date(2026, 6, 30)
# Days at which a movement is easily booked on either side of a weekend or the end of a month.
_EDGES = (date(2026, 3, 27), date(2026, 3, 31), date(2026, 4, 24), date(2026, 4, 30), date(2026, 5, 29), date(2026, 5, 8))
_COMMON = (999, 1999, 4999, 9900, 10000, 25000, 50000, 100000)


@dataclass(slots=True)
class Draws:
    """Makes items of one scenario after the other. `scenario` is the name of the one that is being made."""

    rng: random.Random
    ours: str
    theirs: Sequence[str]
    scenario: str = ""
    items: list[PlannedItem] = field(default_factory=list)
    groups: list[Group] = field(default_factory=list)
    breaks: list[ExpectedBreak] = field(default_factory=list)
    _numbers: int = 0

    def item(self, population: str, *, day: date, amount: int, flow: str = "in", **values: Any) -> str:
        """Add an item and return its id."""
        added = PlannedItem(
            id=f"{self.scenario}-{len(self.items) + 1:07d}", population=population, day=day, flow=flow, amount_minor=amount, **values
        )
        self.items.append(added)
        return added.id

    def together(self, *items: str, automatic: bool = True) -> None:
        self.groups.append(Group(scenario=self.scenario, items=items, automatic=automatic))

    def broken(self, *items: str, as_: str = "any") -> None:
        self.breaks.append(ExpectedBreak(scenario=self.scenario, items=items, type=as_))

    def number(self) -> int:
        """Return a number that no other call returns, far enough from the one before to be no slip of it."""
        self._numbers += self.rng.randint(1, 40)
        return 100_000 + self._numbers

    def reference(self) -> str:
        return f"{self.rng.choice(('INV', 'PAY', 'ORD', 'RF'))}-{self.rng.randint(10, 99)}{self.number()}"

    def party(self, *, known: bool = False) -> str:
        """Return a name that nobody else has, or one of the fifty that come back."""
        if known:
            return f"Regular customer {self.rng.randint(1, 50)} Ltd"
        return f"{self.rng.choice(('Alder', 'Birch', 'Cedar', 'Elm', 'Hazel', 'Linden', 'Maple', 'Rowan'))} {self.number()} Trading"

    def amount(self, *, least: int = 500, most: int = 2_000_000) -> int:
        """Return an amount: one that many have, or one of its own; small ones are more frequent."""
        if self.rng.random() < 0.25 and least <= 999:
            return self.rng.choice(_COMMON)
        return int(least * (most / least) ** self.rng.random()) + self.rng.randint(0, 99)

    def flow(self) -> str:
        return "in" if self.rng.random() < 0.7 else "out"

    def day(self, *, margin: int = 20) -> date:
        """Return a business day, at least so many days before the last."""
        while True:
            day = FIRST_DAY + timedelta(days=self.rng.randint(0, (LAST_DAY - FIRST_DAY).days - margin))
            if is_business_day(day):
                return day

    def edge(self) -> date:
        return self.rng.choice(_EDGES)

    def later(self, day: date, *, least: int, most: int) -> date:
        """Return a day so many business days later, which may itself be one of a weekend that follows."""
        left = self.rng.randint(least, most)
        while left:
            day += timedelta(days=1)
            left -= is_business_day(day)
        return day

    def either(self) -> tuple[str, str]:
        """Return the two sides in an order drawn."""
        return (self.ours, self.theirs[0]) if self.rng.random() < 0.5 else (self.theirs[0], self.ours)

    def parts(self, total: int, *, count: int) -> list[int]:
        """Return so many different parts of a total, none of them small."""
        least = total // (count * 3)
        while True:
            cuts = sorted(self.rng.sample(range(1, total), count - 1))
            parts = [b - a for a, b in zip([0, *cuts], [*cuts, total], strict=True)]
            if min(parts) > least and len(set(parts)) == count:
                return parts


Maker = Callable[[Draws], None]


def fill(draws: Draws, *, items: int, makers: Mapping[str, Maker], plain: str, share: float) -> None:
    """Make each scenario until it has its share of so many items, and plain ones until there are so many."""
    for name, make in makers.items():
        if name != plain:
            _make(draws, name, make, until=max(1, -int(-items * share // 1)))
    _make(draws, plain, makers[plain], until=max(items - len(draws.items), int(items * share) + 1))


def _make(draws: Draws, name: str, make: Maker, *, until: int) -> None:
    draws.scenario, before = name, len(draws.items)
    while sum(not item.withdrawn for item in draws.items[before:]) < until:
        make(draws)
