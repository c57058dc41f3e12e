"""What a reconciliation made of a scenario, held against its truth."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from django.db.models import F

from ledger.models import Transaction
from ledgerops.scenarios.load import SCOPE
from ledgerops.scenarios.shapes import Group, Scenario
from recon.models import Allocation, Break, BreakState, Item, MatchMethod, Reconciliation, Suggestion


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A match that a run made: the pass, and the scenario's ids of its items in ascending order."""

    pass_id: str
    items: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What there is after the runs, told by the scenario's ids alone. `breaks` is the type of the live break of each item."""

    matches: tuple[Found, ...]
    suggestions: tuple[Found, ...]
    breaks: Mapping[str, str]
    open: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "matches": [asdict(one) for one in self.matches],
            "suggestions": [asdict(one) for one in self.suggestions],
            "breaks": dict(self.breaks),
            "open": list(self.open),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """So much of what was owed was done, counted in items and in minor units."""

    items: int
    of_items: int
    minor: int
    of_minor: int

    @property
    def by_count(self) -> float:
        return self.items / self.of_items if self.of_items else 1.0

    @property
    def by_value(self) -> float:
        return self.minor / self.of_minor if self.of_minor else 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """How right and how complete a run was. `wrong` are the matches that are none, with what the truth says of their items."""

    items: int
    matches: int
    wrong: tuple[Mapping[str, Any], ...]
    recall: Share
    recalls: Mapping[str, Share]
    breaks: Mapping[str, tuple[int, int]]
    suggested: tuple[int, int]

    @property
    def precision(self) -> float:
        return 1 - len(self.wrong) / self.matches if self.matches else 1.0

    def as_json(self) -> dict[str, Any]:
        return {
            "items": self.items,
            "matches": self.matches,
            "precision": self.precision,
            "recall": _told(self.recall),
            "scenarios": {name: _told(share) for name, share in sorted(self.recalls.items())},
            "breaks": {name: {"right": right, "of": of} for name, (right, of) in sorted(self.breaks.items())},
            "suggested": {"groups": self.suggested[0], "of": self.suggested[1]},
            "wrong": list(self.wrong),
        }


def _told(share: Share) -> dict[str, Any]:
    return {"by_count": share.by_count, "by_value": share.by_value, "items": share.items, "of": share.of_items}


def outcome_of(reconciliation: Reconciliation) -> Outcome:
    """Return what stands now, in an order that rests on the scenario's ids."""
    names = _names(reconciliation)
    matched: defaultdict[Any, list[str]] = defaultdict(list)
    live = Allocation.objects.filter(match__reconciliation=reconciliation, match__method=MatchMethod.RULE, revoked_at=None)
    passes: dict[Any, str] = {}
    for match, pass_id, item in live.values_list("match", "match__pass_id", "item"):
        matched[match].append(names[item])
        passes[match] = pass_id
    suggested = Suggestion.objects.filter(reconciliation=reconciliation, state="open").values_list("pass_id", "items")
    breaks: dict[str, str] = {}
    alive = Break.objects.filter(reconciliation=reconciliation).exclude(state=BreakState.RESOLVED)
    for kind, ours, theirs in alive.values_list("type", "ledger_item", "statement_item"):
        for item in (ours, theirs):
            if item is not None:
                breaks[names[item]] = kind
    still_open = Item.objects.filter(reconciliation=reconciliation, open=True).values_list("pk", flat=True)
    return Outcome(
        matches=_ordered((passes[match], items) for match, items in matched.items()),
        suggestions=_ordered((pass_id, [names[item] for item in items]) for pass_id, items in suggested),
        breaks=dict(sorted(breaks.items())),
        open=tuple(sorted(names[item] for item in still_open)),
    )


def _ordered(groups: Any) -> tuple[Found, ...]:
    found = [Found(pass_id=pass_id, items=tuple(sorted(items))) for pass_id, items in groups]
    return tuple(sorted(found, key=lambda one: (one.items, one.pass_id)))


def _names(reconciliation: Reconciliation) -> dict[int, str]:
    """Return the scenario's id of each item: the key it was posted by, or what its line says."""
    items = Item.objects.filter(reconciliation=reconciliation)
    keys = dict(Transaction.objects.filter(scope=SCOPE).values_list("pk", "key"))
    names = {pk: keys[entry] for pk, entry in items.filter(side="ledger").values_list("pk", "entry_id") if entry is not None}
    return names | dict(items.filter(side="statement").annotate(told=F("statement_line__raw")).values_list("pk", "told"))


def judge(scenario: Scenario, outcome: Outcome) -> Verdict:
    """Hold what was found against the truth.

    A match is right if its items are those of a group, or of several groups that are alike: then who belongs to whom makes no difference.
    """
    group_of = {item: group for group in scenario.groups for item in group.items}
    scenario_of = scenario.scenario_of()
    alike = _Alike(scenario)
    done: set[Group] = set()
    wrong = []
    for found in outcome.matches:
        groups = {group_of[item] for item in found.items if item in group_of}
        held = sorted(item for group in groups for item in group.items)
        if held == list(found.items) and (len(groups) == 1 or alike.all_of(groups)):
            done |= groups
            continue
        wrong.append(
            {
                "pass": found.pass_id,
                "items": list(found.items),
                "scenarios": sorted({scenario_of.get(item, "") for item in found.items}),
                "truth": sorted(list(group.items) for group in groups),
            }
        )
    owed = [group for group in scenario.groups if group.automatic]
    minor = {item.id: item.amount_minor for item in scenario.items}
    names = sorted({group.scenario for group in owed})
    return Verdict(
        items=sum(not item.withdrawn for item in scenario.items),
        matches=len(outcome.matches),
        wrong=tuple(wrong),
        recall=_share(owed, done, minor),
        recalls={name: _share([group for group in owed if group.scenario == name], done, minor) for name in names},
        breaks=_breaks(scenario, outcome),
        suggested=_suggested(scenario, outcome),
    )


class _Alike:
    """Groups are alike whose items say the same, population by population."""

    def __init__(self, scenario: Scenario) -> None:
        self._said = {
            item.id: (item.population, item.flow, item.amount_minor, item.reference, item.counterparty, tuple(sorted(item.keys.items())))
            for item in scenario.items
        }

    def all_of(self, groups: Collection[Group]) -> bool:
        return len({tuple(sorted(self._said[item] for item in group.items)) for group in groups}) == 1


def _share(owed: Sequence[Group], done: Collection[Group], minor: Mapping[str, int]) -> Share:
    got = [item for group in owed if group in done for item in group.items]
    of = [item for group in owed for item in group.items]
    return Share(items=len(got), of_items=len(of), minor=sum(minor[item] for item in got), of_minor=sum(minor[item] for item in of))


def _breaks(scenario: Scenario, outcome: Outcome) -> dict[str, tuple[int, int]]:
    """Return by scenario how many items are in a break of the type that was expected, and how many should be."""
    right: Counter[str] = Counter()
    of: Counter[str] = Counter()
    for one in scenario.breaks:
        of[one.scenario] += len(one.items)
        right[one.scenario] += sum(
            outcome.breaks.get(item) == one.type if one.type != "any" else item in outcome.breaks for item in one.items
        )
    return {name: (right[name], of[name]) for name in of}


def _suggested(scenario: Scenario, outcome: Outcome) -> tuple[int, int]:
    """Return how many of the groups that a machine may not decide it suggested, and how many there are."""
    shown = {one.items for one in (*outcome.suggestions, *outcome.matches)}
    asked = [tuple(sorted(group.items)) for group in scenario.groups if not group.automatic]
    return sum(items in shown for items in asked), len(asked)
