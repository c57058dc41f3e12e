"""From what a caller says to drafts: lines as they are, by a rule, or undoing an entry, all within the caller's sight."""

from collections.abc import Mapping, Sequence
from typing import Any

from rest_framework.request import Request

from ledger import operations, queries
from ledger.accounting import DraftRefused, EntryDraft, Line, swapped
from ledger.models import Posting
from ledger.queries import registry
from ledgerops.lib.api import user_of
from ledgerops.lib.errors import Refusal

_AS_SAID = (
    "type", "entity", "effective_date", "description", "reference", "counterparty", "value_date", "roll_to_open", "initiate", "final",
    "reverses",
)  # fmt: skip


def key_of(request: Request) -> str:
    """Return the caller's key for this act.

    :raises DraftRefused: if there is none.
    """
    key = request.headers.get("Idempotency-Key", "")
    if not key:
        raise DraftRefused("send a header Idempotency-Key of 1 to 200 characters: it makes a retry safe", field="Idempotency-Key")
    return key


def scope_of(request: Request) -> str:
    """Return whose keys these are: each person's own."""
    return f"user:{request.user.pk}"


def draft_of(request: Request, body: Mapping[str, Any], *, key: str) -> EntryDraft:
    """Return the draft that a body asks for.

    :raises Refusal: if it names what the caller does not see, or its rule refuses its parameters.
    """
    (draft,) = _drafts(request, [{**body, "key": key}], located=False)
    return draft


def drafts_of(request: Request, items: Sequence[Mapping[str, Any]]) -> list[EntryDraft]:
    """Return the drafts of a batch; `field` of a refusal says which item is wrong."""
    return _drafts(request, items, located=True)


def _drafts(request: Request, items: Sequence[Mapping[str, Any]], *, located: bool) -> list[EntryDraft]:
    places = [f"items[{number}]." if located else "" for number in range(1, len(items) + 1)]
    _refuse_unseen_accounts(request, items, places=places)
    _refuse_unseen_holds(request, items, places=places)
    undone = _undone(request, items, places=places)
    ruled = _by_rule(items, places=places)
    drafts = []
    for number, item in enumerate(items):
        by_rule = ruled.get(number)
        lines = by_rule.lines if by_rule else undone.get(number) or [_line(line) for line in item.get("lines", [])]
        drafts.append(
            EntryDraft(
                key=item["key"],
                lines=lines,
                metadata={**item["metadata"], **(by_rule.evidence if by_rule else {})},
                hold_id=item.get("hold"),
                actor_id=request.user.pk,
                request_id=getattr(request, "request_id", ""),
                **{name: item[name] for name in _AS_SAID if name in item},
            )
        )
    return drafts


def _refuse_unseen_accounts(request: Request, items: Sequence[Mapping[str, Any]], *, places: Sequence[str]) -> None:
    rules = registry.rules_of(codes={item["type"] for item in items if "parameters" in item})
    named = []
    for place, item in zip(places, items, strict=True):
        named += [(f"{place}lines[{n}].account", line["account"]) for n, line in enumerate(item.get("lines", []), start=1)]
        if "parameters" in item and item["type"] in rules:
            kinds = rules[item["type"]].parameters
            named += [(f"{place}parameters.{name}", said) for name, said in item["parameters"].items() if kinds.get(name) == "account"]
    registry.refuse_unseen(user_of(request), named=named)


def _refuse_unseen_holds(request: Request, items: Sequence[Mapping[str, Any]], *, places: Sequence[str]) -> None:
    asked = {item["hold"] for item in items if item.get("hold")}
    seen = set(registry.holds_for(user_of(request)).filter(pk__in=asked).values_list("pk", flat=True)) if asked else set()
    for place, item in zip(places, items, strict=True):
        if item.get("hold") and item["hold"] not in seen:
            raise registry.HoldNotFound("there is no such hold in your scope", field=f"{place}hold")


def _undone(request: Request, items: Sequence[Mapping[str, Any]], *, places: Sequence[str]) -> dict[int, list[Line]]:
    """Return the lines of the items that undo an entry without saying which lines: all of them, sides swapped."""
    asked = {item["reverses"] for item in items if item.get("reverses")}
    if not asked:
        return {}
    legs = queries.legs_of(list(queries.entries_for(user_of(request)).filter(pk__in=asked)))
    lines = {}
    for number, (place, item) in enumerate(zip(places, items, strict=True)):
        if not item.get("reverses"):
            continue
        if item["reverses"] not in legs:
            raise queries.EntryNotFound("there is no such entry in your scope", field=f"{place}reverses")
        if "lines" not in item:
            lines[number] = swapped([_line_of(leg) for leg in legs[item["reverses"]]])
    return lines


def _by_rule(items: Sequence[Mapping[str, Any]], *, places: Sequence[str]) -> dict[int, operations.Ruled]:
    """Return what the rules make of the items that say parameters."""
    numbers = [number for number, item in enumerate(items) if "parameters" in item]
    if not numbers:
        return {}
    try:
        ruled = operations.rule_lines_of_many(asked=[(items[number]["type"], items[number]["parameters"]) for number in numbers])
    except Refusal as refused:
        detail = dict(refused.detail)
        place = places[numbers[detail.pop("item")]]
        raise type(refused)(str(refused), field=f"{place}{refused.field}", **detail) from None
    return dict(zip(numbers, ruled, strict=True))


def _line(line: Mapping[str, Any]) -> Line:
    return Line(account=line["account"], direction=line["direction"], amount_minor=line["amount"], asset=line["asset"])


def _line_of(leg: Posting) -> Line:
    return Line(account=leg.account.code, direction=leg.direction, amount_minor=int(leg.amount_minor), asset=leg.asset.code)
