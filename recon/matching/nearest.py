"""Why a pass left something open: for each pass the nearest candidate and the criterion that it failed, as a sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from recon.matching.candidates import likeness, signs_between
from recon.matching.rules import SUGGESTING, Pass, Tariff

# Beyond as many signs another reference is another reference.
NEAR_SIGNS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """An open item as the passes see it; `signed_minor` counts as on the first population. `attributes` are texts by their names."""

    id: int
    name: str
    population: int
    signed_minor: int
    item_date: date
    keys: frozenset[str] = frozenset()
    reference: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """What lies around an item: open items of the other populations and of its own, how to count days and to write amounts.

    `cut` says that there are more than were looked at.
    """

    own: Thing
    others: Sequence[Thing]
    rivals: Sequence[Thing]
    days_between: Callable[[date, date], int]
    money: Callable[[int], str]
    tariffs: Sequence[Tariff] = ()
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What one pass says. `criterion` is what failed (none, reference, amount, days, attribute, tie, likeness); `nearest` an item's id."""

    pass_id: str
    pass_name: str
    automatic: bool
    criterion: str
    sentence: str
    nearest: int | None = None


def why_not(passes: Sequence[Pass], around: Around) -> list[Answer]:
    """Return for each pass, in their order, why it left the item open."""
    return [_answer(one, around) for one in passes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Criterion:
    """`words` say what holds where it is not that something is equal."""

    name: str
    holds: Callable[[Thing, Thing], bool]
    failed: Callable[[Thing, Thing], str]
    words: str = ""


def _answer(one: Pass, around: Around) -> Answer:
    pool = _pool_of(one, around)
    if not pool:
        side = "on its own side" if one.kind == "contra" else "on the other side"
        return _said(one, "none", f"nothing open {side} to hold it against")
    criteria = _criteria(one, around)
    own = around.own
    # The nearest is what holds most criteria from the first on; then the closest amount and day, and then its name, never its place.
    best = min(pool, key=lambda other: (-_held(criteria, own, other), *_distance(around, other)))
    held = _held(criteria, own, best)
    if held < len(criteria):
        failed = criteria[held]
        equal = " and ".join(criterion.name for criterion in criteria[:held] if not criterion.words)
        agrees = ", ".join(
            [*([f"{equal} equal"] if equal else []), *(criterion.words for criterion in criteria[:held] if criterion.words), ""]
        )
        return _said(one, failed.name, f"{agrees}{failed.failed(own, best)}", nearest=best)
    return _all_held(one, around, criteria, best)


def _all_held(one: Pass, around: Around, criteria: Sequence[_Criterion], best: Thing) -> Answer:
    """Say why what holds in all was not taken: it is one of several, or it only suggests, or it came after the last run."""
    own = around.own
    fitting = [other for other in _pool_of(one, around) if _held(criteria, own, other) == len(criteria)]
    if one.kind == "group":
        return _group(one, around, fitting, best)
    rivals = [other for other in around.rivals if _held(criteria, other, best) == len(criteria)] if one.kind != "contra" else []
    if one.kind == "block":
        if len(fitting) == len(rivals) + 1:
            return _said(one, "none", "as many on each side, so the next run matches them as one group", nearest=best)
        uneven = f"{_count(len(rivals) + 1)} alike here and {_count(len(fitting))} there, and which one is over cannot be told"
        return _said(one, "tie", uneven, nearest=best)
    if len(fitting) > 1:
        return _said(one, "tie", f"{_count(len(fitting))} candidates, so nobody's", nearest=best)
    if rivals:
        also = min(rival.name for rival in rivals) if len(rivals) == 1 else f"{_count(len(rivals))} more here"
        return _said(one, "tie", f"{best.name} fits, but it fits {also} too; which one it belongs to cannot be told", nearest=best)
    then = "the next run matches it, unless somebody said that they do not belong together"
    sentence = f"{best.name} fits: {then}" if one.automatic else f"{best.name} fits, but this pass only suggests"
    return _said(one, "none" if one.automatic else "suggests", sentence, nearest=best)


def _group(one: Pass, around: Around, fitting: Sequence[Thing], nearest: Thing) -> Answer:
    own = around.own
    shared = [other for other in around.rivals if other.keys & own.keys]
    ours = own.signed_minor + sum(other.signed_minor for other in shared)
    theirs = sum(other.signed_minor for other in fitting)
    if ours == theirs:
        return _said(one, "none", "both sides sum to the same: the next run matches them as one group", nearest=nearest)
    here = "one here sums" if not shared else f"{_count(len(shared) + 1)} here sum"
    sums = f"{here} to {around.money(ours)}, {_count(len(fitting))} there to {around.money(theirs)}"
    return _said(one, "amount", f"reference equal, {sums}", nearest=nearest)


def _said(one: Pass, criterion: str, sentence: str, *, nearest: Thing | None = None) -> Answer:
    return Answer(
        pass_id=one.id,
        pass_name=one.name,
        automatic=one.automatic,
        criterion=criterion,
        sentence=sentence[:1].upper() + sentence[1:],
        nearest=nearest.id if nearest else None,
    )


def _pool_of(one: Pass, around: Around) -> Sequence[Thing]:
    return around.rivals if one.kind == "contra" else around.others


def _held(criteria: Sequence[_Criterion], own: Thing, other: Thing) -> int:
    """Return how many criteria hold, from the first on to the first that fails."""
    for number, criterion in enumerate(criteria):
        if not criterion.holds(own, other):
            return number
    return len(criteria)


def _distance(around: Around, other: Thing) -> tuple[int, int, int, str, int]:
    own = around.own
    return (
        signs_between(own.reference, other.reference) if own.reference and other.reference else 99,
        abs(own.signed_minor - other.signed_minor),
        abs(around.days_between(own.item_date, other.item_date)),
        other.name,
        other.id,
    )


def _criteria(one: Pass, around: Around) -> list[_Criterion]:
    """Return what a pass demands, in the order in which it is told."""
    amount = _Criterion(
        name="amount",
        holds=lambda own, other: own.signed_minor == other.signed_minor,
        failed=lambda own, other: (
            f"but the amounts differ: {around.money(own.signed_minor)} here, {around.money(other.signed_minor)} there"
        ),
    )
    opposite = _Criterion(
        name="opposite amount",
        holds=lambda own, other: own.signed_minor == -other.signed_minor,
        failed=lambda own, other: (
            f"no {around.money(-own.signed_minor)} here that would cancel it; nearest is {around.money(other.signed_minor)}"
        ),
    )
    days, reference = _days(one, around), _reference(one, around)
    attributes = [_attribute(name) for name in one.attributes]
    required = {"key": [reference], "counterparty": [_attribute("counterparty")], "nothing": []}[one.requires]
    by_kind = {
        "contra": [reference, opposite, days],
        "key": [reference, amount, days],
        "group": [reference, days],
        "block": [amount, *attributes, _same_keys(), days],
        "attribute": [amount, *attributes, days],
        "tolerance": [*required, _tolerance(one, around), days],
        "fuzzy": [amount, days, _likeness(one)],
        "subset": [_part(around), days],
    }
    return by_kind.get(one.kind, [amount, days])


def _days(one: Pass, around: Around) -> _Criterion:
    def apart(own: Thing, other: Thing) -> int:
        return abs(around.days_between(own.item_date, other.item_date))

    allowed = "none" if one.days == 0 else str(one.days)
    return _Criterion(
        name="days",
        holds=lambda own, other: apart(own, other) <= one.days,
        failed=lambda own, other: f"{_business_days(apart(own, other))} apart, the rule allows {allowed}",
    )


def _reference(one: Pass, around: Around) -> _Criterion:
    def keys_of(thing: Thing) -> frozenset[str]:
        return (
            frozenset(key for key in thing.keys if key.partition(":")[0] in one.keys)
            if one.keys
            else frozenset(key.partition(":")[2] for key in thing.keys)
        )

    def failed(own: Thing, other: Thing) -> str:
        if not keys_of(own):
            return "it gives no reference that this pass goes by"
        signs = signs_between(own.reference, other.reference) if own.reference and other.reference else 99
        if signs <= NEAR_SIGNS:
            differ = "one sign differs" if signs == 1 else f"{_count(signs)} signs differ"
            return f"no shared reference: nearest is {other.reference}, {differ}"
        return "no shared reference" + (" among the items looked at" if around.cut else "")

    return _Criterion(name="reference", holds=lambda own, other: bool(keys_of(own) & keys_of(other)), failed=failed)


def _same_keys() -> _Criterion:
    """Return that two items are alike in their references too: both have the same, or both have none."""

    def failed(own: Thing, other: Thing) -> str:
        return f"but the references differ: {own.reference or 'none'} here, {other.reference or 'none'} there"

    return _Criterion(
        name="reference",
        holds=lambda own, other: bool(own.keys & other.keys) or (not own.keys and not other.keys),
        failed=failed,
    )


def _attribute(name: str) -> _Criterion:
    word = name.replace("_", " ")

    def said(thing: Thing) -> str:
        return thing.attributes.get(name, "").strip()

    def failed(own: Thing, other: Thing) -> str:
        if not said(own) or not said(other):
            return f"but the {word} is missing {'here' if not said(own) else 'there'}"
        return f"but the {word} differs: {said(own)} here, {said(other)} there"

    return _Criterion(name=word, holds=lambda own, other: bool(said(own)) and said(own).casefold() == said(other).casefold(), failed=failed)


def _tolerance(one: Pass, around: Around) -> _Criterion:
    def allowed(own: Thing, other: Thing) -> int:
        larger = max(abs(own.signed_minor), abs(other.signed_minor))
        return max(one.absolute_minor, int(Decimal(larger) * one.percent / 100))

    def holds(own: Thing, other: Thing) -> bool:
        same_way = own.signed_minor * other.signed_minor > 0
        return same_way and abs(own.signed_minor - other.signed_minor) <= allowed(own, other)

    def failed(own: Thing, other: Thing) -> str:
        if own.signed_minor * other.signed_minor <= 0:
            return "the nearest amount goes the other way"
        gap = around.money(abs(own.signed_minor - other.signed_minor))
        return f"the amounts lie {gap} apart, the rule allows {around.money(allowed(own, other))}"

    return _Criterion(name="amount", holds=holds, failed=failed, words="amount within tolerance")


def _likeness(one: Pass) -> _Criterion:
    def alike(own: Thing, other: Thing) -> int:
        texts = ("counterparty", "description")
        return max(
            [likeness(own.reference, other.reference), *(likeness(own.attributes.get(n, ""), other.attributes.get(n, "")) for n in texts)]
        )

    return _Criterion(
        name="likeness",
        holds=lambda own, other: alike(own, other) >= one.score_min,
        failed=lambda own, other: f"but the texts are only {alike(own, other)} of 100 alike, the rule wants {one.score_min}",
    )


def _part(around: Around) -> _Criterion:
    return _Criterion(
        name="amount",
        words="could be a part of it",
        holds=lambda own, other: own.signed_minor * other.signed_minor > 0 and own.signed_minor != other.signed_minor,
        failed=lambda own, _other: f"no other amount that could be a part of {around.money(own.signed_minor)}, or it of that",
    )


def _business_days(count: int) -> str:
    return f"{count} business day" if count == 1 else f"{count} business days"


def _count(count: int) -> str:
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[count] if count < len(words) else str(count)


assert {"assignment", "subset", "fuzzy"} == set(SUGGESTING)
