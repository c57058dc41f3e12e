"""Which open items may explain each other: groups for a person to look at, none of them ever a match by itself.

What it finds does not hang on the order of the items, and what bounds it are counts.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import combinations
from math import log2
from typing import Any

from recon.matching.assignment import best_pairs
from recon.matching.candidates import Frequencies, Reason, Side, likeness, log_odds, reasons_between
from recon.matching.nearest import Thing
from recon.matching.rules import Pass
from recon.matching.subset import Found, subsets_with_sum

# Of each two populations, as many targets each way are searched, each by as many steps.
TARGETS_MAX = 25
STEPS_MAX = 70_000
# Of one amount more than this many pairs are no component to be solved; they are a block that counts would have to tell apart.
ALIKE_MAX = 50
SCORE_MAX = Decimal(20)
DaysBetween = Callable[[date, date], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """A suggestion: item ids in ascending order, log-odds, how many ways there were (to two), and what it rests on."""

    pass_id: str
    kind: str
    items: tuple[int, ...]
    score: Decimal
    ways: int = 1
    rests_on: dict[str, Any] = field(default_factory=dict)


def suggested(
    one: Pass, things: Sequence[Thing], *, days_between: DaysBetween, refused: frozenset[tuple[int, int]] = frozenset()
) -> tuple[list[Group], dict[str, int]]:
    """Return what a suggesting pass makes of open items, and how many of them it gave up, by the reason.

    No group holds two that somebody said do not belong together.
    """
    make = {"assignment": _assigned, "fuzzy": _alike, "subset": _summed}[one.kind]
    apart = _Apart(days_between=days_between, allowed=one.days, refused=refused)
    groups = sorted(make(one, things, apart), key=lambda group: (-group.score, group.items))
    return groups, dict(sorted(apart.given_up.items()))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Apart:
    days_between: DaysBetween
    allowed: int
    refused: frozenset[tuple[int, int]]
    given_up: Counter[str] = field(default_factory=Counter)

    def may(self, left: Thing, right: Thing) -> bool:
        """Return whether two items may be in one group: near enough in days, and not refused."""
        if (min(left.id, right.id), max(left.id, right.id)) in self.refused:
            return False
        return abs(self.days_between(left.item_date, right.item_date)) <= self.allowed


def _by_amount(things: Sequence[Thing]) -> dict[int, list[Thing]]:
    by: dict[int, list[Thing]] = {}
    for thing in things:
        by.setdefault(thing.signed_minor, []).append(thing)
    return by


def _sides(things: Sequence[Thing]) -> Iterator[tuple[list[Thing], list[Thing]]]:
    """Yield every two populations' items."""
    by: dict[int, list[Thing]] = {}
    for thing in things:
        by.setdefault(thing.population, []).append(thing)
    for left, right in combinations(sorted(by), 2):
        yield by[left], by[right]


def _reasons(left: Thing, right: Thing, *, days: int, frequencies: Frequencies) -> list[Reason]:
    def side(thing: Thing) -> Side:
        return Side(
            signed_minor=thing.signed_minor,
            item_date=thing.item_date,
            match_key=thing.reference,
            counterparty=thing.attributes.get("counterparty", ""),
        )

    return reasons_between(side(left), side(right), frequencies=frequencies, days=days)


def _weighed(lefts: Sequence[Thing], rights: Sequence[Thing], apart: _Apart) -> dict[tuple[int, int], tuple[Decimal, list[Reason]]]:
    """Return the pairs of equal amount that may belong together, with their log-odds; amounts with too many on a side are left out."""
    on_right = _by_amount(rights)
    parties = Counter(thing.attributes.get("counterparty", "").casefold() for thing in rights)
    weighed = {}
    for amount, ours in _by_amount(lefts).items():
        theirs = on_right.get(amount, [])
        if not theirs:
            continue
        if max(len(ours), len(theirs)) > ALIKE_MAX:
            apart.given_up[f"more than {ALIKE_MAX} items of one amount"] += len(ours) + len(theirs)
            continue
        for left in ours:
            for right in theirs:
                if apart.may(left, right):
                    frequencies = Frequencies(
                        items=len(rights),
                        same_amount=len(theirs),
                        same_counterparty=parties[right.attributes.get("counterparty", "").casefold()],
                    )
                    days = apart.days_between(left.item_date, right.item_date)
                    reasons = _reasons(left, right, days=days, frequencies=frequencies)
                    weighed[left.id, right.id] = (log_odds(reasons), reasons)
    return weighed


def _assigned(one: Pass, things: Sequence[Thing], apart: _Apart) -> Iterator[Group]:
    """Suggest the best pairs of each connected part, where no other choice is as good."""
    for lefts, rights in _sides(things):
        weighed = _weighed(lefts, rights, apart)
        for part in best_pairs({pair: int(odds * 10) for pair, (odds, _) in weighed.items()}):
            for pair in part.pairs if part.unique else ():
                odds, reasons = weighed[pair]
                rests_on = {"waterfall": [reason.said for reason in reasons], "of": [len(part.lefts), len(part.rights)]}
                yield Group(pass_id=one.id, kind=one.kind, items=(min(pair), max(pair)), score=min(odds, SCORE_MAX), rests_on=rests_on)


def _alike(one: Pass, things: Sequence[Thing], apart: _Apart) -> Iterator[Group]:
    """Suggest two of equal amount whose texts are nearly alike, where each is the other's only one."""
    by_id = {thing.id: thing for thing in things}
    for lefts, rights in _sides(things):
        near = {}
        for (left, right), (odds, _) in _weighed(lefts, rights, apart).items():
            alike, what = _likeness(by_id[left], by_id[right])
            if alike >= one.score_min:
                near[left, right] = (odds, alike, what)
        of_left, of_right = Counter(left for left, _ in near), Counter(right for _, right in near)
        for (left, right), (odds, alike, what) in near.items():
            if of_left[left] == of_right[right] == 1:
                items = (min(left, right), max(left, right))
                rests_on = {"likeness": alike, "of": what}
                yield Group(pass_id=one.id, kind=one.kind, items=items, score=min(odds, SCORE_MAX), rests_on=rests_on)


def _likeness(left: Thing, right: Thing) -> tuple[int, str]:
    """Return how alike the most alike of their texts are, and which that is."""
    texts = {"reference": (left.reference, right.reference)}
    texts |= {name: (left.attributes.get(name, ""), right.attributes.get(name, "")) for name in ("counterparty", "description")}
    return max(((likeness(*both), name) for name, both in texts.items()), key=lambda found: (found[0], found[1]))


def _summed(one: Pass, things: Sequence[Thing], apart: _Apart) -> Iterator[Group]:
    """Suggest several of one population that add up to one of another; the largest targets first, as many as are searched."""
    for lefts, rights in _sides(things):
        for targets, parts in ((lefts, rights), (rights, lefts)):
            exact = set(_by_amount(parts))
            worth = sorted(targets, key=lambda thing: (-abs(thing.signed_minor), thing.item_date, thing.reference, thing.id))
            searched = [thing for thing in worth if thing.signed_minor not in exact]
            if len(searched) > TARGETS_MAX:
                apart.given_up[f"only the {TARGETS_MAX} largest of a side are searched"] += len(searched) - TARGETS_MAX
            for target in searched[:TARGETS_MAX]:
                group = _sum_of(one, target, parts, apart)
                if group is not None:
                    yield group


def _sum_of(one: Pass, target: Thing, parts: Sequence[Thing], apart: _Apart) -> Group | None:
    way = 1 if target.signed_minor > 0 else -1
    pool = [part for part in parts if part.signed_minor * way > 0 and apart.may(target, part)]
    pool.sort(key=lambda part: (part.item_date, part.signed_minor, part.reference, part.id))
    found = subsets_with_sum([abs(part.signed_minor) for part in pool], abs(target.signed_minor), most=one.max_items, steps=STEPS_MAX)
    if found.given_up:
        apart.given_up[found.given_up] += 1
    if not found.ways:
        return None
    groups = [sorted([target.id, *(pool[place].id for place in solution)]) for solution in found.solutions]
    rests_on: dict[str, Any] = {"target": target.id, "among": len(pool), "by_chance": f"{found.by_chance:.3g}"}
    if len(groups) > 1:
        rests_on["also"] = groups[1]
    return Group(pass_id=one.id, kind=one.kind, items=tuple(groups[0]), score=_score_of(found), ways=found.ways, rests_on=rests_on)


def _score_of(found: Found) -> Decimal:
    """Return by how much a hit is likelier than chance, in points; below zero where chance would have hit as well."""
    odds = Decimal(-log2(found.by_chance)) if found.by_chance else SCORE_MAX
    odds = odds if found.is_unique else min(odds, Decimal(0))
    return max(-SCORE_MAX, min(SCORE_MAX, odds)).quantize(Decimal("0.1"))
