"""What a benchmark says: ratios of medians, what they must reach, and how the cost grows with the size."""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any


@dataclass(frozen=True, slots=True)
class Bound:
    """What a ratio must reach: at least the limit or, where less is better, at most."""

    limit: float
    at_most: bool = False

    def holds(self, ratio: float) -> bool:
        return ratio <= self.limit if self.at_most else ratio >= self.limit

    def __str__(self) -> str:
        return f"at {'most' if self.at_most else 'least'} {self.limit:g}"


def at_least(limit: float) -> Bound:
    return Bound(limit)


def at_most(limit: float) -> Bound:
    return Bound(limit, at_most=True)


@dataclass(frozen=True, kw_only=True)
class Report:
    """One benchmark's outcome. `rates` are for orientation: they depend on the machine, and on who else uses it."""

    bench: str
    sizes: Mapping[str, Any]
    settings: Mapping[str, str]
    ratios: Mapping[str, float]
    reach: Mapping[str, Bound]
    rates: Mapping[str, float]
    exponents: Mapping[str, float]

    @property
    def held(self) -> bool:
        return all(bound.holds(self.ratios[name]) for name, bound in self.reach.items())

    def as_json(self) -> dict[str, Any]:
        return {
            "bench": self.bench,
            "sizes": dict(self.sizes),
            "settings": dict(self.settings),
            "ratios": {name: significant(ratio) for name, ratio in self.ratios.items()},
            "reach": {name: bound.limit for name, bound in self.reach.items()},
            "held": self.held,
            "rates": {name: significant(rate) for name, rate in self.rates.items()},
            "exponents": {name: round(exponent, 2) for name, exponent in self.exponents.items()},
        }


def alternate(works: Mapping[str, Callable[[], float]], *, slices: int, before: Callable[[], object]) -> dict[str, list[float]]:
    """Run every work once in each slice, one after another, and return what each measured."""
    measured: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(slices):
        for name, work in works.items():
            before()
            measured[name].append(work())
    return measured


def medians(measured: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in measured.items()}


def exponent(*, sizes: tuple[float, float], costs: tuple[float, float]) -> float:
    """Return the power of the size by which the cost grows: 0 is flat, 1 in proportion, 2 quadratic."""
    return math.log(costs[1] / costs[0]) / math.log(sizes[1] / sizes[0])


def significant(number: float) -> float:
    """Return a number with as many digits as a measurement is worth."""
    return float(f"{number:.3g}") if abs(number) < 100 else float(round(number))


def machine() -> dict[str, str]:
    """Return what the benchmarks ran on."""
    model = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {"cores": str(os.cpu_count()), "memory": f"{memory:.0f} GiB", "processor": model.group(1) if model else os.uname().machine}
