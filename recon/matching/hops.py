"""Why something that must be in more than two populations was not matched: what is missing, or what differs, hop by hop. Plain data."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """An open item as one population sees it. `signed_minor` counts as on the first population; `keys` are values of references."""

    item: int
    population: int
    signed_minor: int
    day: date
    keys: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A population of a reconciliation, in the order of its populations."""

    id: int
    name: str
    is_ledger: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """Items that hang together by their references, one of a population, and are no whole.

    One break stands for all: that of `ledger` and `statement`, a pair where both are there. `others` stand under it. `there` and `missing`
    are names of populations.
    """

    type: str
    ledger: int | None
    statement: int | None
    others: tuple[int, ...]
    there: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def head(self) -> int:
        """The item by which the break that stands for all is known."""
        known = self.ledger if self.ledger is not None else self.statement
        assert known is not None
        return known

    @property
    def items(self) -> tuple[int, ...]:
        return tuple(item for item in (self.ledger, self.statement, *self.others) if item is not None)


def broken_chains(hops: Iterable[Hop], *, places: Sequence[Place]) -> list[Broken]:
    """Return what hangs together and is no whole, in the order of its items; where a population has several, nothing is claimed."""
    order = {place.id: number for number, place in enumerate(places)}
    found = []
    for chain in _together(hops):
        populations = {hop.population for hop in chain}
        if len(chain) > 1 and len(populations) == len(chain):
            found.append(_broken(sorted(chain, key=lambda hop: order[hop.population]), places=places))
    return sorted(found, key=lambda one: one.items)


def chains_by_item(hops: Iterable[Hop]) -> dict[int, list[Hop]]:
    """Return for each item what hangs together with it, itself included."""
    return {hop.item: chain for chain in _together(hops) for hop in chain}


def completed(items: Iterable[int], *, chains: Mapping[int, Sequence[Hop]], populations: int) -> tuple[int, ...] | None:
    """Return items with all that hangs together with them, if that is one of each population with one amount; else nothing."""
    whole = {hop.item: hop for item in items for hop in chains[item]}
    one_each = len(whole) == len({hop.population for hop in whole.values()}) == populations
    return tuple(sorted(whole)) if one_each and len({hop.signed_minor for hop in whole.values()}) == 1 else None


def _together(hops: Iterable[Hop]) -> list[list[Hop]]:
    """Return the items that share a reference, whoever connects them."""
    known = list(hops)
    leader = list(range(len(known)))

    def top(number: int) -> int:
        while leader[number] != number:
            leader[number] = leader[leader[number]]
            number = leader[number]
        return number

    first: dict[str, int] = {}
    for number, hop in enumerate(known):
        for key in hop.keys:
            one, other = top(first.setdefault(key, number)), top(number)
            leader[max(one, other)] = min(one, other)
    chains: defaultdict[int, list[Hop]] = defaultdict(list)
    for number, hop in enumerate(known):
        chains[top(number)].append(hop)
    return list(chains.values())


def _broken(chain: Sequence[Hop], *, places: Sequence[Place]) -> Broken:
    by_id = {place.id: place for place in places}
    there = {hop.population for hop in chain}
    missing = [place for place in places if place.id not in there]
    ledger = next((hop for hop in chain if by_id[hop.population].is_ledger), None)
    statements = [hop for hop in chain if not by_id[hop.population].is_ledger]
    kind = _type_of(chain, missing=missing)
    statement = _beside(ledger, statements, kind=kind)
    head = {hop.item for hop in (ledger, statement) if hop is not None}
    return Broken(
        type=kind,
        ledger=ledger.item if ledger else None,
        statement=statement.item if statement else None,
        others=tuple(hop.item for hop in chain if hop.item not in head),
        there=tuple(by_id[hop.population].name for hop in chain),
        missing=tuple(place.name for place in missing),
    )


def _type_of(chain: Sequence[Hop], *, missing: Sequence[Place]) -> str:
    """Amounts that differ are told first: that a population is missing as well may be cured by tomorrow's file, they are not."""
    if len({hop.signed_minor for hop in chain}) > 1:
        return "amount"
    if not missing:
        return "date"
    return "missing_internal" if all(place.is_ledger for place in missing) else "missing_external"


def _beside(ledger: Hop | None, statements: Sequence[Hop], *, kind: str) -> Hop | None:
    """Return the item that the ledger's is held against: the first that differs, or that is furthest away; none where one is missing."""
    if ledger is None:
        return statements[0] if statements else None
    if kind == "amount":
        return next((hop for hop in statements if hop.signed_minor != ledger.signed_minor), None)
    if kind == "date":
        return max(statements, key=lambda hop: abs((hop.day - ledger.day).days), default=None)
    return None


def hop_words(told: Mapping[str, object]) -> str:
    """Return in words what the cause of a break says of a chain in which a population is missing."""
    there, missing = ([str(one) for one in names] if isinstance(names := told.get(which), list) else [] for which in ("there", "missing"))
    agree = "agrees" if len(there) == 1 else "agree"
    have = "does not have it" if len(missing) == 1 else "do not have it"
    return f"{_listed(there)} {agree} on it; {_listed(missing)} {have}."


def chain_words(kind: str, key: str, sides: Sequence[tuple[str, Sequence[str]]], *, days: int = 0, allowed: int = 0) -> str:
    """Return in words why items of more than two populations were left; `sides` are the amounts that each has, in their words."""
    called = key or "this"
    match kind:
        case "amount":
            amounts = ", ".join(f"{name} {' and '.join(told) or 'nothing'}" for name, told in sides)
            return f"{called} is there with different amounts: {amounts}. Only equal amounts are matched by themselves."
        case "date":
            return f"Every side has {called} with one amount, but the dates lie {_business_days(days)} apart; the rule allows {allowed}."
        case "ambiguous":
            counts = _listed([f"{len(told)} in {name}" for name, told in sides])
            return f"There are {counts} that could be each other; which belong together cannot be told, so none was matched."
        case _:
            return ""


def _business_days(count: int) -> str:
    return f"{count} business day{'' if count == 1 else 's'}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
