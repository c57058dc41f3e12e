"""Which of several amounts add up to one: a bounded search that counts what it finds up to two, and says how likely chance is.

More than one solution is no suggestion but an ambiguity. What bounds the search are counts of items and steps, never a clock, so that it
answers the same wherever it runs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from math import comb

ITEMS_MAX = 200
GROUP_MAX = 12
# Up to this many distinct amounts the halves are enumerated; beyond, reachable sums are kept as bits of a number as long as the target.
HALVES_MAX = 30
UNITS_MAX = 10_000_000
# All the bits that are kept at once, a hundred megabytes of them.
BITS_MAX = 800_000_000
# One step is one partial sum looked at, or a long number shifted once.
STEPS_MAX = 300_000
SHOWN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a search says. `solutions` hold positions in the amounts given, ascending; `ways` counts them, to two.

    `given_up` says why nothing was searched; `by_chance` is how many groups of this size among these amounts would hit the target if
    sums were spread evenly: at one or more a hit means little.
    """

    solutions: tuple[tuple[int, ...], ...] = ()
    ways: int = 0
    given_up: str = ""
    by_chance: float = 0.0

    @property
    def is_unique(self) -> bool:
        return self.ways == 1


class _OutOfSteps(Exception):
    """The bound on steps is reached."""


def subsets_with_sum(amounts: Sequence[int], target: int, *, most: int = GROUP_MAX, steps: int = STEPS_MAX) -> Found:
    """Find which groups of two to `most` positive amounts add up to a positive target.

    Equal amounts are interchangeable: taking some but not all of them is more than one way, since which ones cannot be told.
    """
    usable = [(amount, place) for place, amount in enumerate(amounts) if 0 < amount < target]
    if len(usable) > ITEMS_MAX:
        return Found(given_up=f"more than {ITEMS_MAX} items come into question")
    places: dict[int, list[int]] = {}
    for amount, place in usable:
        places.setdefault(amount, []).append(place)
    values = sorted(places, reverse=True)
    most = min(most, GROUP_MAX)
    by_chance = hits_by_chance(amounts=[amount for amount, _ in usable], target=target, most=most)
    try:
        if len(values) <= HALVES_MAX:
            found = _by_halves(values, {value: len(places[value]) for value in values}, target, most=most, left=_Steps(steps))
        elif (unit := _common_unit([*values, target])) and target // unit <= UNITS_MAX and target // unit * len(values) <= BITS_MAX:
            times = {value // unit: len(places[value]) for value in values}
            found = [
                tuple((value * unit, several) for value, several in taken)
                for taken in _by_bits([value // unit for value in values], times, target // unit, most=most, left=_Steps(steps))
            ]
        else:
            return Found(given_up="too many different amounts for so large a sum", by_chance=by_chance)
    except _OutOfSteps:
        return Found(given_up="the search would take too long", by_chance=by_chance)
    solutions: list[tuple[int, ...]] = []
    for taken in found:
        solutions.extend(_places_of(taken, places))
    ways = min(len(solutions), SHOWN)
    return Found(solutions=tuple(solutions[:SHOWN]), ways=ways, by_chance=by_chance)


def hits_by_chance(*, amounts: Sequence[int], target: int, most: int) -> float:
    """Return how many groups of these amounts would add up to the target by chance: groups there are, over sums they could have."""
    if not amounts:
        return 0.0
    groups = sum(comb(len(amounts), size) for size in range(2, min(most, len(amounts)) + 1))
    # Sums lie between nothing and all; a sum that must be a multiple of a larger unit has fewer values to fall on.
    spread = max(1, min(sum(amounts), target * 2) // _common_unit([*amounts, target]))
    return groups / spread


def _common_unit(amounts: Sequence[int]) -> int:
    """Return the largest power of ten that divides all amounts: round amounts meet by chance far more often."""
    unit = 1
    while all(amount % (unit * 10) == 0 for amount in amounts):
        unit *= 10
    return unit


class _Steps:
    """How many steps are left."""

    def __init__(self, count: int) -> None:
        self.count = count

    def take(self, steps: int = 1) -> None:
        self.count -= steps
        if self.count < 0:
            raise _OutOfSteps


Taken = tuple[tuple[int, int], ...]


def _by_halves(values: Sequence[int], times: dict[int, int], target: int, *, most: int, left: _Steps) -> list[Taken]:
    """Enumerate each half of the distinct amounts, and meet at the target; the larger amounts are spread over both halves."""
    first = _sums_of(values[::2], times, target, most=most, left=left)
    second = _sums_of(values[1::2], times, target, most=most, left=left)
    found: list[Taken] = []
    for total in sorted(first):
        for taken in first[total]:
            for other in second.get(target - total, ()):
                left.take()
                both = tuple(sorted((*taken, *other), reverse=True))
                if 2 <= sum(count for _, count in both) <= most:
                    found.append(both)
    return _first_two(found)


def _sums_of(values: Sequence[int], times: dict[int, int], target: int, *, most: int, left: _Steps) -> dict[int, list[Taken]]:
    """Return every way of taking some of the amounts, by sum. Of one sum all are kept that could still differ in their number of items."""
    ways: list[tuple[int, int, Taken]] = [(0, 0, ())]
    for value in values:
        more = []
        for total, count, taken in ways:
            for several in range(1, times[value] + 1):
                if total + several * value > target or count + several > most:
                    break
                left.take()
                more.append((total + several * value, count + several, (*taken, (value, several))))
        ways += more
    by_sum: dict[int, list[Taken]] = {}
    for total, _, taken in ways:
        by_sum.setdefault(total, []).append(taken)
    return by_sum


def _by_bits(values: Sequence[int], times: dict[int, int], target: int, *, most: int, left: _Steps) -> list[Taken]:
    """Keep the sums that the amounts so far can reach as bits of one number, then walk back from the target."""
    mask = (1 << (target + 1)) - 1
    # reached[n] are the sums of the last n amounts, the small ones first.
    reached = [1]
    for value in reversed(values):
        bits = reached[-1]
        for _ in range(min(times[value], most)):
            left.take()
            bits |= (bits << value) & mask
        reached.append(bits)

    def walk(first: int, rest: int, count: int) -> Iterator[Taken]:
        """Yield what adds up to `rest`, taking of the amount at `first` first; a branch whose rest cannot be reached is not entered."""
        left.take()
        if rest == 0:
            yield ()
            return
        if first == len(values) or rest > values[first] * count or not reached[len(values) - first] >> rest & 1:
            return
        value = values[first]
        for several in range(min(times[value], count, rest // value), -1, -1):
            for others in walk(first + 1, rest - several * value, count - several):
                yield ((value, several), *others) if several else others

    return _first_two(list(islice(walk(0, target, most), SHOWN)))


def _first_two(found: list[Taken]) -> list[Taken]:
    """Return two at most, those of the fewest items and then of the largest amounts first, so that the order of the input is no matter."""
    return sorted(set(found), key=lambda taken: (sum(count for _, count in taken), [(-value, count) for value, count in taken]))[:SHOWN]


def _places_of(taken: Taken, places: dict[int, list[int]]) -> list[tuple[int, ...]]:
    """Return which items those are; where some of several equal ones are taken, two ways of choosing them."""
    whole = tuple(sorted(place for value, count in taken for place in places[value][:count]))
    for value, count in taken:
        if count < len(places[value]):
            swapped = [place for other, many in taken if other != value for place in places[other][:many]]
            return [whole, tuple(sorted([*swapped, *places[value][1 : count + 1]]))]
    return [whole]
