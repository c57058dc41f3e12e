"""The rules of a reconciliation: ordered passes, each with what it demands. Plain data, checked in full before it is used."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from recon.formats.events import KEY_KINDS

# What a pass does, in one word; the engine has one statement for each. Those that suggest never match by themselves.
MATCHING = ("contra", "key", "group", "block", "attribute", "window", "tolerance")
SUGGESTING = ("assignment", "subset", "fuzzy")
ATTRIBUTES = ("counterparty", "counterparty_account", "description")
REQUIREMENTS = ("key", "counterparty", "nothing")
PASSES_MAX, TARIFFS_MAX, DAYS_MAX = 30, 50, 90
# Amounts alone say little: what rests on nothing else is shown to a person, whatever the rules say.
NEVER_AUTOMATIC = (*SUGGESTING, "window")


class RulesRefused(Exception):
    """A definition that is no set of rules; `field` is the path of what is wrong in it."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Pass:
    """One pass. `days` are business days between the dates of two items; `keys` are kinds of keys, all where there are none.

    `attributes` must agree as well. `absolute_minor` and `percent` bound how far amounts may lie apart, `tariffs` name the charges that
    may explain the difference of a group; the rest of the larger item stays open. `requires` is what must agree beside the amounts.
    `max_items` bounds a suggested group, `score_min` how alike texts must be, of 100.
    """

    id: str
    kind: str
    name: str
    automatic: bool
    days: int = 0
    keys: tuple[str, ...] = ()
    attributes: tuple[str, ...] = ()
    absolute_minor: int = 0
    percent: Decimal = Decimal(0)
    tariffs: tuple[str, ...] = ()
    requires: str = "key"
    max_items: int = 12
    score_min: int = 85


@dataclass(frozen=True, slots=True, kw_only=True)
class Tariff:
    """A charge that a servicer takes of an amount: `percent` of it and `fixed_minor`, rounded half up to the minor unit."""

    code: str
    name: str
    percent: Decimal
    fixed_minor: int

    def fee_of(self, amount_minor: int) -> int:
        exact = Decimal(amount_minor) * self.percent / 100 + self.fixed_minor
        return int((exact + Decimal("0.5")) // 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """A set of rules. `definition` is what it was read from, in its normal form."""

    passes: tuple[Pass, ...]
    tariffs: tuple[Tariff, ...] = ()
    definition: Mapping[str, Any] = field(compare=False, default_factory=dict)

    @property
    def digest(self) -> str:
        """The SHA-256 of the canonical JSON of its definition, in hex."""
        return hashlib.sha256(json.dumps(self.definition, sort_keys=True, separators=(",", ":")).encode()).hexdigest()

    @classmethod
    def from_json(cls, definition: object) -> "Rules":
        """Read a definition.

        :raises RulesRefused: with the path of the first thing that is wrong.
        """
        known = _object(definition, "rules", {"passes", "tariffs"})
        tariffs = tuple(_tariff(one, f"tariffs.{n}") for n, one in enumerate(_list(known.get("tariffs", []), "tariffs", TARIFFS_MAX)))
        passes = tuple(_pass(one, f"passes.{n}") for n, one in enumerate(_list(known.get("passes"), "passes", PASSES_MAX)))
        _refuse_twice([one.code for one in tariffs], "tariffs", "code")
        _refuse_twice([one.id for one in passes], "passes", "id")
        codes = {one.code for one in tariffs}
        for number, one in enumerate(passes):
            for code in one.tariffs:
                if code not in codes:
                    raise RulesRefused(f"passes.{number}.tariffs", f"there is no tariff {code}")
        rules = cls(passes=passes, tariffs=tariffs)
        return cls(passes=passes, tariffs=tariffs, definition=rules.as_json())

    def as_json(self) -> dict[str, Any]:
        """Return the definition in its normal form, with every field that its kind of pass has."""
        return {
            "passes": [_said(one, ("id", "kind", "name", "automatic", *FIELDS[one.kind])) for one in self.passes],
            "tariffs": [_said(one, ("code", "name", "percent", "fixed_minor")) for one in self.tariffs],
        }


# What each kind of pass may say beside its id, kind, name and whether it is automatic.
FIELDS: Mapping[str, tuple[str, ...]] = {
    "contra": ("days",),
    "key": ("keys", "days"),
    "group": ("keys", "days", "tariffs", "absolute_minor", "percent"),
    "block": ("attributes", "days"),
    "attribute": ("attributes", "days"),
    "window": ("days",),
    "tolerance": ("requires", "absolute_minor", "percent", "days"),
    "assignment": ("days",),
    "subset": ("days", "max_items"),
    "fuzzy": ("days", "score_min"),
}

STANDARD: Mapping[str, Any] = {
    "passes": [
        {"id": "contra", "kind": "contra", "name": "An error and its reversal", "automatic": True, "days": 5},
        {"id": "reference", "kind": "key", "name": "Same reference, same amount", "automatic": True, "keys": [], "days": 1},
        {"id": "group", "kind": "group", "name": "Same reference, same sum", "automatic": True, "keys": [], "days": 5, "tariffs": [],
         "absolute_minor": 0, "percent": "0"},
        {"id": "alike", "kind": "block", "name": "As many alike on each side", "automatic": True,
         "attributes": ["counterparty"], "days": 0},
        {"id": "window", "kind": "window", "name": "Same amount within days", "automatic": False, "days": 2},
        {"id": "assignment", "kind": "assignment", "name": "The best pairs of several", "automatic": False, "days": 3},
        {"id": "subset", "kind": "subset", "name": "Several that add up to one", "automatic": False, "days": 5, "max_items": 12},
        {"id": "fuzzy", "kind": "fuzzy", "name": "Texts that are nearly alike", "automatic": False, "days": 5, "score_min": 85},
    ],
    "tariffs": [],
}  # fmt: skip


def _pass(value: object, path: str) -> Pass:
    kind = value.get("kind") if isinstance(value, dict) else None
    if not isinstance(kind, str) or kind not in FIELDS:
        raise RulesRefused(f"{path}.kind", f"a pass is one of {', '.join(FIELDS)}")
    known = _object(value, path, {"id", "kind", "name", "automatic", *FIELDS[kind]})
    automatic = known.get("automatic", kind not in NEVER_AUTOMATIC)
    if not isinstance(automatic, bool):
        raise RulesRefused(f"{path}.automatic", "say true or false")
    if automatic and kind in NEVER_AUTOMATIC:
        raise RulesRefused(f"{path}.automatic", "this kind of pass only suggests")
    requires = known.get("requires", "key")
    if requires not in REQUIREMENTS:
        raise RulesRefused(f"{path}.requires", f"say one of {', '.join(REQUIREMENTS)}")
    if kind == "tolerance" and automatic and requires == "nothing":
        raise RulesRefused(f"{path}.requires", "amounts that differ and agree in nothing else are never matched by themselves")
    read = Pass(
        id=_text(known.get("id"), f"{path}.id", 40),
        kind=kind,
        name=_text(known.get("name"), f"{path}.name", 80),
        automatic=automatic,
        days=_whole(known.get("days", 0), f"{path}.days", DAYS_MAX),
        keys=_names(known.get("keys", []), f"{path}.keys", sorted(KEY_KINDS)),
        attributes=_names(known.get("attributes", []), f"{path}.attributes", ATTRIBUTES),
        absolute_minor=_whole(known.get("absolute_minor", 0), f"{path}.absolute_minor", 10**12),
        percent=_percent(known.get("percent", "0"), f"{path}.percent"),
        tariffs=tuple(_text(one, f"{path}.tariffs", 40) for one in _list(known.get("tariffs", []), f"{path}.tariffs", TARIFFS_MAX)),
        requires=requires,
        max_items=_whole(known.get("max_items", 12), f"{path}.max_items", 12),
        score_min=_whole(known.get("score_min", 85), f"{path}.score_min", 100),
    )
    if kind == "attribute" and not read.attributes:
        raise RulesRefused(f"{path}.attributes", "say which attributes must agree")
    if kind == "tolerance" and not read.absolute_minor and not read.percent:
        raise RulesRefused(f"{path}.absolute_minor", "say how far the amounts may lie apart")
    return read


def _tariff(value: object, path: str) -> Tariff:
    known = _object(value, path, {"code", "name", "percent", "fixed_minor"})
    return Tariff(
        code=_text(known.get("code"), f"{path}.code", 40),
        name=_text(known.get("name"), f"{path}.name", 80),
        percent=_percent(known.get("percent", "0"), f"{path}.percent"),
        fixed_minor=_whole(known.get("fixed_minor", 0), f"{path}.fixed_minor", 10**12),
    )


def _object(value: object, path: str, names: set[str]) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise RulesRefused(path, "this must be an object")
    for name in value:
        if name not in names:
            raise RulesRefused(f"{path}.{name}", "there is no such field here")
    return value


def _list(value: object, path: str, most: int) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise RulesRefused(path, "this must be a list")
    if len(value) > most:
        raise RulesRefused(path, f"no more than {most} of these")
    return value


def _text(value: object, path: str, most: int) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= most:
        raise RulesRefused(path, f"this takes 1 to {most} characters")
    return value.strip()


def _whole(value: object, path: str, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise RulesRefused(path, f"this is a whole number from 0 to {most}")
    return value


def _percent(value: object, path: str) -> Decimal:
    if not isinstance(value, str) or not value.isascii():
        raise RulesRefused(path, "write the percentage as a text, such as 0.5")
    try:
        percent = Decimal(value)
    except InvalidOperation:
        raise RulesRefused(path, "write the percentage with a decimal point, such as 0.5") from None
    if not percent.is_finite() or not 0 <= percent <= 20:
        raise RulesRefused(path, "a percentage is from 0 to 20")
    return percent.normalize() if percent else Decimal(0)


def _names(value: object, path: str, allowed: Sequence[str]) -> tuple[str, ...]:
    names = tuple(_list(value, path, len(allowed)))
    for name in names:
        if name not in allowed:
            raise RulesRefused(path, f"{name} is none of {', '.join(allowed)}")
    return tuple(sorted(set(names)))


def _refuse_twice(names: Sequence[str], path: str, what: str) -> None:
    for number, name in enumerate(names):
        if name in names[:number]:
            raise RulesRefused(f"{path}.{number}.{what}", f"{name} is there twice")


def _said(one: Pass | Tariff, names: Sequence[str]) -> dict[str, object]:
    return {name: _plain(getattr(one, name)) for name in names}


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return format(value, "f")
    return list(value) if isinstance(value, tuple) else value
