"""A labelled reconciliation as plain data, and its JSON: docs/scenarios.md describes it. What is wrong is refused with its path."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

from ledgerops.lib.money import MAXIMUM_DIGITS
from recon.formats.events import KEY_KINDS
from recon.matching.rules import Rules, RulesRefused

FORMAT = "ledgerops.scenario/1"
SIDES, FLOWS = ("ledger", "statement"), ("in", "out")
BREAK_TYPES = (
    "missing_external", "missing_internal", "amount", "date", "duplicate_external", "duplicate_internal", "ambiguous", "any",
)  # fmt: skip


class ScenarioRefused(Exception):
    """This is no labelled reconciliation; `field` is the path of what is wrong in it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationPlan:
    """One side: `sign` is -1 where what comes in here goes out on the other sides."""

    name: str
    side: str
    sign: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedItem:
    """A movement as one side tells it. One of the second `delivery` comes once the first has been matched.

    One that is `withdrawn` is in the first version of its statement and gone from the second.
    """

    id: str
    population: str
    day: date
    flow: str
    amount_minor: int
    reference: str = ""
    counterparty: str = ""
    description: str = ""
    keys: Mapping[str, str] = field(default_factory=dict)
    delivery: int = 1
    withdrawn: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Items that belong together. `automatic` says that a machine may decide so; otherwise matching them is right and not owed."""

    scenario: str
    items: tuple[str, ...]
    automatic: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedBreak:
    """Items that stay open, each in a break of this type; of "any" type where that is not said."""

    scenario: str
    items: tuple[str, ...]
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """Populations, their items, and the truth. Without rules the standard ones are in force."""

    name: str
    populations: tuple[PopulationPlan, ...]
    items: tuple[PlannedItem, ...]
    groups: tuple[Group, ...]
    breaks: tuple[ExpectedBreak, ...]
    rules: Mapping[str, Any] | None = None
    asset: str = "USD"
    scale: int = 2
    calendar: str = "WEEKDAYS"

    @property
    def days(self) -> tuple[date, date]:
        return min(item.day for item in self.items), max(item.day for item in self.items)

    def scenario_of(self) -> dict[str, str]:
        """Return the name of the scenario of each item that the truth names."""
        told: list[Group | ExpectedBreak] = [*self.breaks, *self.groups]
        return {item: one.scenario for one in told for item in one.items}


def as_json(scenario: Scenario) -> dict[str, Any]:
    """Return a scenario as its file holds it; what is as usual is left out."""
    return {
        "format": FORMAT,
        "name": scenario.name,
        "asset": {"code": scenario.asset, "scale": scenario.scale},
        "calendar": scenario.calendar,
        "populations": [asdict(one) for one in scenario.populations],
        **({"rules": scenario.rules} if scenario.rules is not None else {}),
        "items": [_item_json(item) for item in scenario.items],
        "groups": [{**asdict(one), "items": list(one.items)} for one in scenario.groups],
        "breaks": [{**asdict(one), "items": list(one.items)} for one in scenario.breaks],
    }


def written(scenario: Scenario) -> str:
    """Return the text of a scenario's file: one line for each item, group and break."""
    told = as_json(scenario)
    lists = {name: told.pop(name) for name in ("items", "groups", "breaks")}
    parts = [f"{json.dumps(name)}: {json.dumps(value)}" for name, value in told.items()]
    parts += [f'"{name}": [\n' + ",\n".join(json.dumps(one) for one in rows) + "\n]" for name, rows in lists.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _item_json(item: PlannedItem) -> dict[str, Any]:
    told = asdict(item)
    told["date"] = told.pop("day").isoformat()
    told["amount_minor"] = str(item.amount_minor)
    usual = {"reference": "", "counterparty": "", "description": "", "keys": {}, "delivery": 1, "withdrawn": False}
    return {name: value for name, value in told.items() if name not in usual or value != usual[name]}


def from_json(said: object) -> Scenario:
    """Read a scenario.

    :raises ScenarioRefused: with the path of the first thing that is wrong.
    """
    whole = _object(said, "scenario", {"format", "name", "asset", "calendar", "populations", "rules", "items", "groups", "breaks"})
    if whole.get("format") != FORMAT:
        raise ScenarioRefused("format", f"this must be {FORMAT}")
    asset = _object(whole.get("asset", {}), "asset", {"code", "scale"})
    scenario = Scenario(
        name=_text(whole, "name", "name", required=True),
        asset=_text(asset, "code", "asset.code") or "USD",
        scale=_whole(asset.get("scale", 2), "asset.scale", 0, 36),
        calendar=_text(whole, "calendar", "calendar") or "WEEKDAYS",
        populations=tuple(_population(one, f"populations.{n}") for n, one in enumerate(_list(whole, "populations"))),
        rules=_rules(whole.get("rules")),
        items=tuple(_item(one, f"items.{n}") for n, one in enumerate(_list(whole, "items"))),
        groups=tuple(_group(one, f"groups.{n}") for n, one in enumerate(_list(whole, "groups"))),
        breaks=tuple(_break(one, f"breaks.{n}") for n, one in enumerate(_list(whole, "breaks"))),
    )
    _refuse_contradictions(scenario)
    return scenario


def _refuse_contradictions(scenario: Scenario) -> None:
    names = [one.name for one in scenario.populations]
    if len(set(names)) != len(names) or len(names) < 2:
        raise ScenarioRefused("populations", "name two or more, each once")
    known: dict[str, PlannedItem] = {}
    sides = {one.name: one.side for one in scenario.populations}
    for n, item in enumerate(scenario.items):
        if item.id in known:
            raise ScenarioRefused(f"items.{n}.id", f"{item.id} is there twice")
        if item.population not in sides:
            raise ScenarioRefused(f"items.{n}.population", f"there is no population {item.population}")
        if item.withdrawn and (sides[item.population] == "ledger" or item.delivery == 2):
            raise ScenarioRefused(f"items.{n}.withdrawn", "only a statement's line of the first delivery is withdrawn")
        known[item.id] = item
    if not known:
        raise ScenarioRefused("items", "there are none")
    told: set[str] = set()
    rows: dict[str, Sequence[Group | ExpectedBreak]] = {"groups": scenario.groups, "breaks": scenario.breaks}
    for path, labels in rows.items():
        for n, one in enumerate(labels):
            for item_id in one.items:
                if item_id not in known or known[item_id].withdrawn:
                    raise ScenarioRefused(f"{path}.{n}.items", f"there is no item {item_id} that stays")
                if path == "groups" and item_id in told:
                    raise ScenarioRefused(f"{path}.{n}.items", f"{item_id} is in another group already")
            told.update(one.items if path == "groups" else ())


def _population(said: object, path: str) -> PopulationPlan:
    known = _object(said, path, {"name", "side", "sign"})
    return PopulationPlan(
        name=_text(known, "name", f"{path}.name", required=True),
        side=_choice(known.get("side"), f"{path}.side", SIDES),
        sign=-1 if known.get("sign", 1) == -1 else _whole(known.get("sign", 1), f"{path}.sign", 1, 1),
    )


_ITEM = {"id", "population", "date", "flow", "amount_minor", "reference", "counterparty", "description", "keys", "delivery", "withdrawn"}


def _item(said: object, path: str) -> PlannedItem:
    known = _object(said, path, _ITEM)
    amount = known.get("amount_minor")
    digits = str(amount) if isinstance(amount, str | int) else ""  # a truth value reads as none
    if not digits.isascii() or not digits.isdigit() or not 0 < int(digits) < 10**MAXIMUM_DIGITS:
        raise ScenarioRefused(f"{path}.amount_minor", "write the minor units as a text of digits or a whole number, above zero")
    try:
        day = date.fromisoformat(_text(known, "date", f"{path}.date", required=True))
    except ValueError:
        raise ScenarioRefused(f"{path}.date", "write the date as 2026-11-02") from None
    keys = _object(known.get("keys", {}), f"{path}.keys", KEY_KINDS)
    return PlannedItem(
        id=_text(known, "id", f"{path}.id", required=True),
        population=_text(known, "population", f"{path}.population", required=True),
        day=day,
        flow=_choice(known.get("flow"), f"{path}.flow", FLOWS),
        amount_minor=int(digits),
        reference=_text(known, "reference", f"{path}.reference"),
        counterparty=_text(known, "counterparty", f"{path}.counterparty"),
        description=_text(known, "description", f"{path}.description"),
        keys={kind: _text(keys, kind, f"{path}.keys.{kind}", required=True) for kind in keys},
        delivery=_whole(known.get("delivery", 1), f"{path}.delivery", 1, 2),
        withdrawn=_truth(known, "withdrawn", path, usual=False),
    )


def _group(said: object, path: str) -> Group:
    known = _object(said, path, {"scenario", "items", "automatic"})
    return Group(
        scenario=_text(known, "scenario", f"{path}.scenario") or "unnamed",
        items=_ids(known, path),
        automatic=_truth(known, "automatic", path, usual=True),
    )


def _break(said: object, path: str) -> ExpectedBreak:
    known = _object(said, path, {"scenario", "items", "type"})
    return ExpectedBreak(
        scenario=_text(known, "scenario", f"{path}.scenario") or "unnamed",
        items=_ids(known, path),
        type=_choice(known.get("type", "any"), f"{path}.type", BREAK_TYPES),
    )


def _rules(said: object) -> Mapping[str, Any] | None:
    if said is None:
        return None
    try:
        return Rules.from_json(said).definition
    except RulesRefused as refused:
        raise ScenarioRefused(f"rules.{refused.field}", str(refused)) from refused


def _object(said: object, path: str, names: set[str] | frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise ScenarioRefused(path, "this must be an object")
    for name in said:
        if name not in names:
            raise ScenarioRefused(f"{path}.{name}", "there is no such field here")
    return said


def _list(known: Mapping[str, Any], name: str) -> Sequence[Any]:
    said = known.get(name, [])
    if not isinstance(said, list):
        raise ScenarioRefused(name, "this must be a list")
    return said


def _ids(known: Mapping[str, Any], path: str) -> tuple[str, ...]:
    said = known.get("items")
    if not isinstance(said, list) or not said or not all(isinstance(one, str) for one in said) or len(set(said)) != len(said):
        raise ScenarioRefused(f"{path}.items", "this is a list of ids of items, each once")
    return tuple(said)


def _text(known: Mapping[str, Any], name: str, path: str, *, required: bool = False) -> str:
    said = known.get(name, "")
    if not isinstance(said, str) or (required and not said.strip()) or len(said) > 140:
        raise ScenarioRefused(path, "this is a text of at most 140 characters" + (", not empty" if required else ""))
    return said


def _choice(said: object, path: str, choices: Sequence[str]) -> str:
    if not isinstance(said, str) or said not in choices:
        raise ScenarioRefused(path, f"say one of {', '.join(choices)}")
    return said


def _whole(said: object, path: str, least: int, most: int) -> int:
    if isinstance(said, bool) or not isinstance(said, int) or not least <= said <= most:
        raise ScenarioRefused(path, f"this is a whole number from {least} to {most}")
    return said


def _truth(known: Mapping[str, Any], name: str, path: str, *, usual: bool) -> bool:
    said = known.get(name, usual)
    if not isinstance(said, bool):
        raise ScenarioRefused(f"{path}.{name}", "say true or false")
    return said
