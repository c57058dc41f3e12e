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
    taken = [item for item in items if not item.open]
    if taken:
        raise MatchRefused(f"{taken[0].reference or 'an item'} has been matched meanwhile", field="items", item=taken[0].pk)
    return items


def make_match(
    *,
    items: Sequence[Item],
    method: MatchMethod,
    explanation: Mapping[str, Any],
    made_by_id: int | None = None,
    proposal_id: UUID | None = None,
) -> Match:
    """Match locked, open items that sum to the same on both sides, and resolve the breaks this explains.

    :raises MatchRefused: if a concurrent match took an item first.
    """
    reconciliation_id = items[0].reconciliation_id
    match = Match.objects.create(
        reconciliation_id=reconciliation_id, method=method, explanation=dict(explanation), made_by_id=made_by_id, proposal_id=proposal_id
    )
    try:
        with transaction.atomic():
            Allocation.objects.bulk_create([_whole(match, item) for item in items])
    except IntegrityError as error:
        if constraint_of(error) != "recon_item_is_matched_once":
            raise
        raise MatchRefused("one of the items has been matched meanwhile", field="items") from error
    ids = [item.pk for item in items]
    settle_items(ids)
    halve_pairs(reconciliation_id=reconciliation_id)
    for recon_break in live_breaks_of(item_ids=ids):
        Break.objects.filter(pk=recon_break.pk).update(
            state=BreakState.RESOLVED, resolved_by=match, resolved_at=Now(), version=F("version") + 1
        )
        record_event(
            "recon.break.resolved",
            target_type="recon.break",
            target_id=recon_break.pk,
            before={"state": recon_break.state},
            after={"match": match.pk, "method": method},
            proposal_id=proposal_id,
        )
    return match


def _whole(match: Match, item: Item) -> Allocation:
    return Allocation(match=match, item=item, amount_minor=item.open_minor, partial=item.open_minor != item.amount_minor)


def live_breaks_of(*, item_ids: Collection[int]) -> list[Break]:
    """Lock and return the live breaks that hold any of the items, in the order of their numbers."""
    live = Break.objects.select_for_update().exclude(state=BreakState.RESOLVED).order_by("number")
    by_ledger = live.filter(ledger_item__in=item_ids)
    by_statement = live.filter(statement_item__in=item_ids)
    found = {recon_break.pk: recon_break for recon_break in [*by_ledger, *by_statement]}
    return sorted(found.values(), key=lambda recon_break: recon_break.number)
