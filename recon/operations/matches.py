"""Writing a match: the one way by hand and by adjustment (runs match in bulk, see passes)."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import F
from django.db.models.functions import Now

from audit.operations import record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of
from recon.models import Allocation, Break, BreakState, Item, Match, MatchMethod, Population, Side
from recon.operations.explaining import halve_pairs
from recon.operations.items import settle_items
from recon.operations.overtaking import held_by, in_words, taken_by


class MatchRefused(Refusal):
    code = "match_refused"
    kind = RefusalKind.CONFLICT


def difference_of(items: Collection[Item]) -> int:
    """Return ledger minus statement of what is open of a group of items, in minor units; zero where they explain each other.

    Of more than two populations it is the first less the one that is farthest from it, of a single one its sum.
    """
    sums: dict[tuple[str, int], int] = {}
    signs = dict(Population.objects.filter(pk__in={item.population_id for item in items}).values_list("pk", "sign"))
    for item in items:
        place = (item.side, item.population_id)
        sums[place] = sums.get(place, 0) + signs[item.population_id] * item.open_signed_minor
    if not sums:
        return 0
    (side, _), first = min(sums.items())
    if len(sums) == 1:
        return first if side == Side.LEDGER else -first
    return max((first - other for place, other in sums.items() if place != min(sums)), key=abs)


def lock_items(*, item_ids: Sequence[int], reconciliation_id: int) -> list[Item]:
    """Lock items for a match.

    :raises MatchRefused: if one does not exist in the reconciliation or has been matched.
    """
    items = list(Item.objects.select_for_update().filter(pk__in=item_ids, reconciliation_id=reconciliation_id).order_by("pk"))
    if len(items) < len(set(item_ids)):
        raise MatchRefused("one of the items does not belong to this reconciliation", field="items")
    refuse_taken(items)
    return items


def refuse_taken(items: Sequence[Item]) -> None:
    """Refuse items that are not open any more.

    :raises MatchRefused: naming the first of them, and who took it and when.
    """
    taken = next((item for item in items if not item.open), None)
    if taken is not None:
        told = taken_by(taken)
        name = taken.reference or "an item"
        raise MatchRefused(f"{name} has been matched meanwhile{in_words(told)}", field="items", item=taken.pk, **told)


def refuse_proposed(*, item_ids: Collection[int]) -> None:
    """Refuse items that a proposal holds.

    :raises MatchRefused: naming the break that waits for approval.
    """
    for touched in live_breaks_of(item_ids=item_ids):
        if touched.state == BreakState.PROPOSED:
            told = held_by(touched)
            sentence = f"an item belongs to {touched.public_number}, which waits for approval{in_words(told, by=': proposed by ')}"
            raise MatchRefused(sentence, field="items", **told)


def keepers_of_rest(items: Sequence[Item]) -> tuple[list[Item], int]:
    """Return which items could keep what one side has more than the other, and how much that is.

    :raises MatchRefused: unless there are two sides that go the same way, and an item of the larger one is more than the rest.
    """
    signs = dict(Population.objects.filter(pk__in={item.population_id for item in items}).values_list("pk", "sign"))
    sides: dict[int, list[Item]] = {}
    for item in items:
        sides.setdefault(item.population_id, []).append(item)
    sums = {pk: sum(signs[pk] * item.open_signed_minor for item in side) for pk, side in sides.items()}
    smaller, larger = min(sums, key=lambda pk: abs(sums[pk])), max(sums, key=lambda pk: abs(sums[pk]))
    if len(sums) != 2 or sums[smaller] * sums[larger] <= 0:
        raise MatchRefused("a rest can be left open only between two sides that go the same way", field="items")
    rest = abs(sums[larger]) - abs(sums[smaller])
    way = sums[larger] > 0
    keepers = [item for item in sides[larger] if (signs[larger] * item.open_signed_minor > 0) == way and item.open_minor > rest]
    if not keepers:
        raise MatchRefused("no item of the larger side is more than the rest; leave one of them out", field="items")
    return keepers, rest


def parts_leaving_rest(items: Sequence[Item], *, rest_of: int | None = None) -> dict[int, int]:
    """Return how much of one item of the larger side a match takes so that both sides sum to the same.

    :raises MatchRefused: if nothing can be left open, or several items could keep the rest and `rest_of` names none of them.
    """
    keepers, rest = keepers_of_rest(items)
    if rest_of is None and len(keepers) > 1:
        raise MatchRefused("say which item keeps the rest: several could", field="rest_of", items=[item.pk for item in keepers])
    kept = keepers[0] if rest_of is None else next((item for item in keepers if item.pk == rest_of), None)
    if kept is None:
        raise MatchRefused("this item cannot keep the rest", field="rest_of", items=[item.pk for item in keepers])
    return {kept.pk: int(kept.open_minor) - rest}


def make_match(
    *,
    items: Sequence[Item],
    method: MatchMethod,
    explanation: Mapping[str, Any],
    made_by_id: int | None = None,
    proposal_id: UUID | None = None,
    parts: Mapping[int, int] | None = None,
) -> Match:
    """Match locked, open items that sum to the same on both sides, and resolve the breaks this explains.

    Of the items named in `parts` only so much is taken; the rest stays open in its break.

    :raises MatchRefused: if a concurrent match took an item first.
    """
    (match,) = make_matches(
        groups=[items], method=method, explanation=explanation, made_by_id=made_by_id, proposal_id=proposal_id, parts=parts
    )
    return match


def make_matches(
    *,
    groups: Sequence[Sequence[Item]],
    method: MatchMethod,
    explanation: Mapping[str, Any],
    made_by_id: int | None = None,
    proposal_id: UUID | None = None,
    parts: Mapping[int, int] | None = None,
) -> list[Match]:
    """Match several groups of one reconciliation at once, so that a break of which each holds a part is resolved as one.

    It names the last match that holds one of its items.

    :raises MatchRefused: if a concurrent match took an item first.
    """
    reconciliation_id = groups[0][0].reconciliation_id
    matches: list[Match] = []
    match_of: dict[int, Match] = {}
    for items in groups:
        match = Match.objects.create(
            reconciliation_id=reconciliation_id,
            method=method,
            explanation=dict(explanation),
            made_by_id=made_by_id,
            proposal_id=proposal_id,
        )
        _allocate(match, items, parts=parts or {})
        matches.append(match)
        match_of |= {item.pk: match for item in items}
    settle_items(list(match_of))
    halve_pairs(reconciliation_id=reconciliation_id)
    left_open = set(Item.objects.filter(pk__in=match_of, open=True).values_list("pk", flat=True))
    for recon_break in live_breaks_of(item_ids=match_of.keys()):
        own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
        if left_open.intersection(own):
            _leave_the_rest(recon_break)
            continue
        explained = [match_of[pk] for pk in own if pk in match_of]
        _resolve(recon_break, by=max(explained, key=matches.index), proposal_id=proposal_id)
    return matches


def _allocate(match: Match, items: Sequence[Item], *, parts: Mapping[int, int]) -> None:
    try:
        with transaction.atomic():
            Allocation.objects.bulk_create([_allocation(match, item, taken=parts.get(item.pk)) for item in items])
    except IntegrityError as error:
        if constraint_of(error) != "recon_item_is_matched_once":
            raise
        refuse_taken(list(Item.objects.filter(pk__in=[item.pk for item in items])))
        raise MatchRefused("one of the items has been matched meanwhile", field="items") from error


def _resolve(recon_break: Break, *, by: Match, proposal_id: UUID | None) -> None:
    Break.objects.filter(pk=recon_break.pk).update(state=BreakState.RESOLVED, resolved_by=by, resolved_at=Now(), version=F("version") + 1)
    record_event(
        "recon.break.resolved",
        target_type="recon.break",
        target_id=recon_break.pk,
        before={"state": recon_break.state},
        after={"match": by.pk, "method": by.method},
        proposal_id=proposal_id,
    )


def _allocation(match: Match, item: Item, *, taken: int | None) -> Allocation:
    amount = int(item.open_minor) if taken is None else taken
    return Allocation(match=match, item=item, amount_minor=amount, partial=amount != item.amount_minor)


def _leave_the_rest(recon_break: Break) -> None:
    """Let a break be about what is still open of its items."""
    items = Item.objects.filter(pk__in=[pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None])
    Break.objects.filter(pk=recon_break.pk).update(difference_minor=difference_of(list(items)), version=F("version") + 1)


def reopen_breaks(matches: Sequence[UUID], *, reason: str) -> None:
    """Let the breaks that these matches closed live again, for those of their items that are open and in no other break."""
    for closed in Break.objects.filter(resolved_by__in=matches).select_related("ledger_item", "statement_item").order_by("number"):
        items = [item for item in (closed.ledger_item, closed.statement_item) if item is not None]
        live = Break.objects.exclude(state=BreakState.RESOLVED)
        if not any(item.open for item in items):
            continue
        if any(live.filter(**{f"{item.side}_item": item}).exists() for item in items):
            continue
        closed.state, closed.resolved_by, closed.resolved_at = BreakState.OPEN, None, None
        closed.version += 1
        closed.save(update_fields=["state", "resolved_by", "resolved_at", "version"])
        record_event("recon.break.reopened", target_type="recon.break", target_id=closed.pk, reason=reason)


def live_breaks_of(*, item_ids: Collection[int]) -> list[Break]:
    """Lock and return the live breaks that hold any of the items, in the order of their numbers."""
    live = Break.objects.select_for_update().exclude(state=BreakState.RESOLVED).order_by("number")
    by_ledger = live.filter(ledger_item__in=item_ids)
    by_statement = live.filter(statement_item__in=item_ids)
    found = {recon_break.pk: recon_break for recon_break in [*by_ledger, *by_statement]}
    return sorted(found.values(), key=lambda recon_break: recon_break.number)
