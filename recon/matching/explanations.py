"""Why something was matched or was not, as a sentence that names the values it rests on."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# From so many groups by chance on a hit is told with a warning.
CHANCE_TOLD = 0.1
OTHER_SIDE = {"ledger": "statement", "statement": "ledger"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What the exact pass found around a break. Counts are of items under the same key; `days_apart` is of the break's own pair.

    `nearest` is the closest reference among open items of the other side with this amount, where few signs differ.
    """

    break_type: str
    side: str
    match_key: str
    reference: str
    gap: str
    days_apart: int | None
    days_allowed: int
    open_opposite: int
    open_own: int
    nearest: str = ""


def why_not_matched(situation: Situation) -> str:
    """Return why the exact pass left this open; the pass wants one item on each side under one key, amount and direction."""
    own, other, key = situation.side, OTHER_SIDE[situation.side], situation.reference or situation.match_key
    match situation.break_type:
        case "amount":
            return f"Both sides carry {key}, but their amounts differ by {situation.gap}; only equal amounts are matched by themselves."
        case "date":
            apart, allowed = _days(abs(situation.days_apart or 0)), _days(situation.days_allowed)
            return f"Reference {key} and amount agree, but the dates lie {apart} apart; the rule allows {allowed}."
        case "ambiguous" if not situation.match_key:
            return "Several items are alike in amount, date and counterparty; which belong together cannot be told, so none was matched."
        case "ambiguous":
            return (
                f"{_count(situation.open_own)} in the {own} and {_count(situation.open_opposite)} in the {other} carry {key}; "
                "which belong together cannot be told, so none was matched."
            )
        case "duplicate_external" | "duplicate_internal":
            return f"Another {own} item with {key} and this amount is matched already, so this one may have been booked twice."
        case _:
            return _why_alone(situation, own=own, other=other, key=key)


def _why_alone(situation: Situation, *, own: str, other: str, key: str) -> str:
    if not situation.match_key:
        return f"The {own} gives no reference that identifies this movement, so there was no key to match it by."
    if situation.open_opposite:
        carry = "carries" if situation.open_opposite == 1 else "carry"
        return f"{_count(situation.open_opposite)} in the {other} {carry} {key}, but not with this amount and direction."
    if situation.nearest:
        return f"No open {other} item carries {key}. One with this amount carries {situation.nearest}, nearly the same: a slip of the hand?"
    return f"No open {other} item carries {key}."


def why_matched(*, explanation: dict[str, object], made_by: str) -> str:
    """Return in words what a match's stored explanation says."""
    match explanation.get("pass"):
        case "suggested":
            return f"{made_by or 'A person'} accepted what a run had suggested; both sides sum to the same."
        case "by hand":
            return f"{made_by or 'A person'} matched these items by hand; both sides sum to the same."
        case "adjustment":
            return "An approved adjustment was posted, and its posting explains what was open."
        case "write_off":
            return "An approved write-off was posted within the limit, and its posting explains what was open."
        case "rebooking":
            return f"{explanation.get('original')} was reversed and booked anew as the bank has it; both postings were matched."
        case _:
            return _why_by_pass(explanation)


def _why_by_pass(told: Mapping[str, object]) -> str:
    apart = f"{_days(int(str(told.get('days', 0))))} of business apart (allowed {told.get('days_allowed', 0)})"
    what = ", ".join(filter(None, _values(told.get("alike"))))
    key = told.get("key") or ", ".join(_values(told.get("keys")))
    only = "Each was the other's only candidate"
    said = {
        "contra": f"An item and its opposite carry {key} and no other item does, {apart}: they cancel each other.",
        "key": f"{only} under key {key}, with the same amount and direction, {apart}.",
        "group": f"The items under {key} add up to {_sums(told)}, {apart}.",
        "block": f"As many on each side are alike in amount and {what or 'date'}, {apart}, so it makes no difference which is which.",
        "attribute": f"{only} with this amount and {what}, {apart}.",
        "window": f"{only} with this amount, {apart}.",
        "tolerance": f"{only} with an amount that is {_sums(told)}, {apart}.",
    }
    return said.get(str(told.get("kind")), "Both sides sum to the same.")


def _sums(told: Mapping[str, object]) -> str:
    match told.get("because"):
        case "tariff":
            return f"the same but for {told.get('residual')}, which is the charge {told.get('tariff')} and stays open"
        case "tolerance":
            return f"the same but for {told.get('residual')}, which is less than the rule allows and stays open"
        case _:
            return "the same on every side"


def _values(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, list) else [str(value)] if value else []


def _days(count: int) -> str:
    return f"{count} day" if count == 1 else f"{count} days"


def _count(count: int) -> str:
    return f"{count} item" if count == 1 else f"{count} items"


SUGGESTION_WORDS = {
    "window": "The same amount within days",
    "assignment": "The best pair of several",
    "subset": "Several that add up to one",
    "fuzzy": "Texts that are nearly alike",
}


def suggestion_in_words(explanation: dict[str, Any]) -> str:
    """Return what a suggestion rests on."""
    if "waterfall" in explanation:
        return " · ".join(explanation["waterfall"])
    if "likeness" in explanation:
        return f"the {explanation['of']} is {explanation['likeness']} of 100 alike"
    return f"found among {_count(explanation['among'])}" if "among" in explanation else ""


def warning_of(*, ways: int, explanation: dict[str, Any]) -> str:
    """Return what speaks against a suggestion: that there are more of its kind, or that chance would have made it; empty if nothing."""
    if ways > 1:
        return "More than one group adds up to this. Which is right cannot be told from the amounts: choose by hand."
    by_chance = float(explanation.get("by_chance", 0))
    if by_chance >= CHANCE_TOLD:
        return f"About {by_chance:.2g} such groups would add up to this by chance: look at more than the amounts."
    return ""


def cause_in_words(cause: dict[str, Any], *, money: Callable[[int], str]) -> str:
    """Return what a difference suggests, or how many are in an ambiguity, with the values it rests on; empty where nothing is known."""
    match cause.get("kind"):
        case "fee":
            charge = f"{' or '.join(cause['names'])} on {money(int(cause['of_minor']))}"
            said = f"The difference equals a charge: {charge} is {money(int(cause['fee_minor']))}."
        case "transposed":
            said = f"Two digits changed places: {cause['digits'][0]} and {cause['digits'][1]}."
        case "decimal_shift":
            said = f"The decimal point lies {cause['places']} place{'s' if cause['places'] > 1 else ''} apart."
        case "doubled":
            said = "The statement has twice the amount."
        case "halved":
            said = "The ledger has twice the amount."
        case "sign":
            said = "The amount is the same, the direction is the opposite one."
        case "ambiguous":
            net = money(int(cause["net_minor"]))
            said = f"In all {cause['ledger_items']} in the ledger and {cause['statement_items']} on the statement; net {net} is open."
        case _:
            said = ""
    return said
