"""Rules as people read them: each pass in a sentence, and what one version changes of another."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ledgerops.lib import money
from recon.formats.events import KEY_KINDS
from recon.matching.rules import FIELDS, Pass, Rules, Tariff

KIND_WORDS = {
    "contra": "An error and its reversal",
    "key": "Same reference, same amount",
    "group": "Same reference, same sum",
    "block": "As many alike on each side",
    "attribute": "Same amount and attributes",
    "window": "Same amount within days",
    "tolerance": "Nearly the same amount",
    "assignment": "Best pairs of a few",
    "subset": "Several that add up to one",
    "fuzzy": "Texts that are nearly alike",
}
assert set(KIND_WORDS) == set(FIELDS)

KEY_WORDS = {
    "end_to_end": "end-to-end id",
    "uetr": "UETR",
    "instruction": "instruction id",
    "mandate": "mandate",
    "own_reference": "our reference",
    "bank_reference": "bank reference",
    "batch": "batch",
    "payout": "payout",
    "trace": "trace number",
    "original_trace": "original trace number",
    "processor_reference": "processor reference",
    "order": "order",
    "dispute": "dispute",
    "tx": "transaction hash",
    "log": "event of a transaction",
    "external": "external key",
    "transfer": "transfer",
}
assert set(KEY_WORDS) == KEY_KINDS
ATTRIBUTE_WORDS = {"counterparty": "counterparty", "counterparty_account": "counterparty's account", "description": "description"}
REQUIREMENT_WORDS = {"key": "a reference", "counterparty": "the counterparty", "nothing": "nothing else"}
FIELD_WORDS = {
    "name": "name",
    "kind": "kind",
    "automatic": "matches by itself",
    "days": "business days apart",
    "keys": "references",
    "attributes": "attributes",
    "absolute_minor": "amounts apart by",
    "percent": "amounts apart by, in percent",
    "tariffs": "tariffs",
    "requires": "must agree beside the amounts",
    "max_items": "items in a group",
    "score_min": "how alike, of 100",
}


def in_words(one: Pass, *, tariffs: Sequence[Tariff], scale: int, asset: str) -> str:
    """Return what a pass demands, as one sentence."""
    near = "on the same day" if one.days == 0 else f"at most {_count(one.days, 'business day')} apart"
    keys = " or ".join(KEY_WORDS[key] for key in one.keys) or "any reference"
    attributes = " and ".join(ATTRIBUTE_WORDS[name] for name in one.attributes)
    match one.kind:
        case "contra":
            said = f"Within one side, an amount and its opposite under one reference, {near}."
        case "key":
            said = f"The same {_of(keys)} and the same amount, {near}, each the other's only candidate."
        case "group":
            said = f"All items of one {_of(keys)}, {near}, if every side sums to the same{_apart(one, tariffs, scale=scale, asset=asset)}."
        case "block":
            said = f"As many items on each side with one amount{' and ' + attributes if attributes else ''}, {near}, as one group."
        case "attribute":
            said = f"The same amount and {attributes}, {near}, each the other's only candidate."
        case "window":
            said = f"The same amount, {near}, each the other's only candidate."
        case "tolerance":
            required = REQUIREMENT_WORDS[one.requires]
            said = f"Amounts that agree{_apart(one, tariffs, scale=scale, asset=asset)}, {near}; {required} must agree besides."
        case "assignment":
            said = f"The best pairs of a small set of equal amounts, {near}."
        case "subset":
            said = f"Up to {one.max_items} items that add up to one of the other side, {near}."
        case _:
            said = f"The same amount and texts at least {one.score_min} of 100 alike, {near}."
    return said


def _of(keys: str) -> str:
    return keys if keys != "any reference" else "reference"


def _apart(one: Pass, tariffs: Sequence[Tariff], *, scale: int, asset: str) -> str:
    ways = []
    if one.absolute_minor:
        ways.append(f"{money.grouped(one.absolute_minor, scale=scale)} {asset}")
    if one.percent:
        ways.append(f"{one.percent:f} %")
    named = [tariff.name for tariff in tariffs if tariff.code in one.tariffs]
    said = f" but for {' or '.join(ways)} at most" if ways else ""
    return said + (f"{',' if said else ''} but for the charge {' or '.join(named)}" if named else "")


def tariff_in_words(tariff: Tariff, *, scale: int, asset: str) -> str:
    """Return what a tariff takes of an amount."""
    parts = [f"{tariff.percent:f} % of the amount"] if tariff.percent else []
    if tariff.fixed_minor or not parts:
        parts.append(f"{money.grouped(tariff.fixed_minor, scale=scale)} {asset} each")
    return " and ".join(parts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One thing that a version says otherwise than another: of which pass or tariff, in what, and both values. Empty is not there."""

    of: str
    what: str
    before: str
    after: str
    kind: str


def changes_between(before: Rules, after: Rules, *, scale: int, asset: str) -> list[Change]:
    """Return what `after` says otherwise, in its order: passes that come, go, move or change, then tariffs."""
    changes = _pass_changes(before, after, scale=scale, asset=asset)
    old, new = ({one.code: one for one in rules.tariffs} for rules in (before, after))
    for code in sorted({*old, *new}):
        words = [tariff_in_words(side[code], scale=scale, asset=asset) if code in side else "" for side in (old, new)]
        if words[0] != words[1]:
            name = (new.get(code) or old[code]).name
            kind = "added" if code not in old else "removed" if code not in new else "changed"
            changes.append(Change(of=name, what="tariff", before=words[0], after=words[1], kind=kind))
    return changes


def _pass_changes(before: Rules, after: Rules, *, scale: int, asset: str) -> list[Change]:
    old, new = ({one.id: one for one in rules.passes} for rules in (before, after))
    kept_before = [one.id for one in before.passes if one.id in new]
    kept_after = [one.id for one in after.passes if one.id in old]
    changes = []
    for one in after.passes:
        said = in_words(one, tariffs=after.tariffs, scale=scale, asset=asset)
        if one.id not in old:
            changes.append(Change(of=one.name, what="pass", before="", after=said, kind="added"))
            continue
        was = old[one.id]
        for field in _fields_that_differ(was, one):
            values = [shown(side, field, scale=scale, asset=asset) for side in (was, one)]
            changes.append(Change(of=one.name, what=FIELD_WORDS[field], before=values[0], after=values[1], kind="changed"))
        places = kept_before.index(one.id) + 1, kept_after.index(one.id) + 1
        if places[0] != places[1]:
            changes.append(Change(of=one.name, what="place", before=f"{places[0]}.", after=f"{places[1]}.", kind="moved"))
    for one in before.passes:
        if one.id not in new:
            said = in_words(one, tariffs=before.tariffs, scale=scale, asset=asset)
            changes.append(Change(of=one.name, what="pass", before=said, after="", kind="removed"))
    return changes


def _fields_that_differ(was: Pass, one: Pass) -> list[str]:
    fields = dict.fromkeys(("name", "kind", "automatic", *FIELDS[was.kind], *FIELDS[one.kind]))
    return [field for field in fields if getattr(was, field) != getattr(one, field)]


def shown(one: Pass, field: str, *, scale: int, asset: str) -> str:
    """Return a field of a pass as people read it."""
    value = getattr(one, field)
    ways: dict[str, Callable[[], str]] = {
        "automatic": lambda: "yes" if value else "no, it suggests",
        "absolute_minor": lambda: f"{money.grouped(value, scale=scale)} {asset}",
        "percent": lambda: f"{value:f} %",
        "keys": lambda: ", ".join(KEY_WORDS[key] for key in value) or "any",
        "attributes": lambda: ", ".join(ATTRIBUTE_WORDS[name] for name in value) or "none",
        "requires": lambda: REQUIREMENT_WORDS[value],
        "kind": lambda: KIND_WORDS[value],
        "tariffs": lambda: ", ".join(value) or "none",
    }
    return ways.get(field, lambda: str(value))()


def _count(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
