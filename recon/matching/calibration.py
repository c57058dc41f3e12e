"""How often a score has been right: decided cases in bins, each with the precision that its count can vouch for."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import sqrt

BINS = 10
# The quantile of the normal distribution for a one-sided bound of 97.5 %.
QUANTILE = 1.959964


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """Decided cases with a score from `low` to `high`, of 100, and how many of them were right."""

    low: int
    high: int
    decided: int
    right: int

    @property
    def at_least(self) -> float:
        """Return the precision that the cases vouch for: the lower Wilson bound."""
        return wilson_lower(right=self.right, decided=self.decided)

    @property
    def said(self) -> str:
        """Return it in words with the count behind it."""
        if not self.decided:
            return f"no case with a score of {self.low} to {self.high} has been decided yet"
        per_cent = int(self.at_least * 1000) / 10
        return f"{self.right} of {self.decided} decided with a score of {self.low} to {self.high} were right: at least {per_cent} %"


def wilson_lower(*, right: int, decided: int) -> float:
    """Return the lower Wilson bound of a proportion; 0 where nothing has been decided."""
    if not decided:
        return 0.0
    share, square = right / decided, QUANTILE**2
    middle = share + square / (2 * decided)
    spread = QUANTILE * sqrt(share * (1 - share) / decided + square / (4 * decided**2))
    return max(0.0, (middle - spread) / (1 + square / decided))


def calibrated(cases: Iterable[tuple[int, bool]]) -> list[Bin]:
    """Return the bins of decided cases, each a score of 100 and whether it was right, lowest first."""
    decided, right = [0] * BINS, [0] * BINS
    for score, was_right in cases:
        place = bin_of(score)
        decided[place] += 1
        right[place] += was_right
    width = 100 // BINS
    return [Bin(low=n * width, high=100 if n == BINS - 1 else (n + 1) * width - 1, decided=decided[n], right=right[n]) for n in range(BINS)]


def bin_of(score: int) -> int:
    """Return the place of the bin that a score falls into."""
    return min(max(score, 0) * BINS // 100, BINS - 1)
