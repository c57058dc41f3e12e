"""What a run suggests: groups of open items for a person to look at. Nothing here makes a match."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from django.db.models import F, QuerySet
from django.db.models.functions import Now, TruncDate

from ledgerops.lib.calendars import business_days_apart
from recon.matching.hops import Hop, chains_by_item, completed
from recon.matching.nearest import Thing
from recon.matching.rules import MATCHING, Pass, Rules
from recon.matching.suggestions import Group, suggested
from recon.models import Break, BreakState, Item, NeverMatch, Reconciliation, Run, RunPass, Suggestion
from recon.operations.selecting.relation import allow_for_sets

# As many of the oldest open items are looked at, and as many suggestions written by one pass of one run.
ITEMS_MAX = 2000
SUGGESTIONS_MAX = 500


def suggest(*, reconciliation: Reconciliation, run: Run, rules: Rules, passes: Sequence[Pass]) -> int:
    """Write what these suggesting passes find among the open items, inside the caller's transaction; return how many are new."""
    if not passes:
        return 0
    # Searches take their time between two questions to the database.
    allow_for_sets()
    things, refused = _things_of(reconciliation), _refused(reconciliation)
    unseen = _free(reconciliation).count() - len(things)
    not_looked_at = {f"only the {ITEMS_MAX:,} oldest open items are looked at": unseen} if unseen else {}
    populations = reconciliation.populations.count()
    chains = _chains_of(things) if populations > 2 else {}
    taken: set[int] = set()
    made = 0
    for number, one in enumerate(passes):
        started = time.monotonic()
        groups, given_up = suggested(
            one,
            # What an earlier pass has said something about needs no second guess.
            [thing for thing in things if thing.id not in taken],
            days_between=lambda start, end: business_days_apart(start, end, calendar=reconciliation.calendar),
            refused=refused,
        )
        # Between more than two, a pair is no whole: it is one with what hangs together with either of them, or nothing.
        groups = (_completed(groups, chains=chains, populations=populations, refused=refused) if chains else groups)[:SUGGESTIONS_MAX]
        new = _write(groups, reconciliation=reconciliation, run=run)
        taken.update(item for group in groups if group.ways == 1 for item in group.items)
        made += new
        RunPass.objects.create(
            run=run,
            position=sum(known.kind in MATCHING for known in rules.passes) + number + 1,
            pass_id=one.id,
            kind=one.kind,
            name=one.name,
            automatic=False,
            suggestions=new,
            given_up=not_looked_at | given_up,
            left_open=Item.objects.filter(reconciliation=reconciliation, open_minor__gt=0).count(),
            took_ms=round((time.monotonic() - started) * 1000),
        )
    Run.objects.filter(pk=run.pk).update(suggestions_made=F("suggestions_made") + made)
    return made


def _chains_of(things: Sequence[Thing]) -> Mapping[int, Sequence[Hop]]:
    return chains_by_item(
        Hop(
            item=thing.id,
            population=thing.population,
            signed_minor=thing.signed_minor,
            day=thing.item_date,
            keys=frozenset(key.partition(":")[2] for key in thing.keys) | ({thing.reference} if thing.reference else frozenset()),
        )
        for thing in things
    )


def _completed(
    groups: Sequence[Group], *, chains: Mapping[int, Sequence[Hop]], populations: int, refused: frozenset[tuple[int, int]]
) -> list[Group]:
    """Return the groups that are one of each population with what hangs together with them; the likeliest that leads to each."""
    found: dict[tuple[int, ...], Group] = {}
    for group in groups:
        items = completed(group.items, chains=chains, populations=populations) if group.kind != "subset" else None
        if items is not None and not any(pair in refused for pair in combinations(items, 2)):
            found.setdefault(items, replace(group, items=items))
    return list(found.values())


def _free(reconciliation: Reconciliation) -> QuerySet[Item]:
    """Return the open items that no proposal holds."""
    held = Break.objects.filter(reconciliation=reconciliation, state=BreakState.PROPOSED)
    return (
        Item.objects.filter(reconciliation=reconciliation, open_minor__gt=0)
        .exclude(pk__in=held.filter(ledger_item__isnull=False).values("ledger_item"))
        .exclude(pk__in=held.filter(statement_item__isnull=False).values("statement_item"))
    )


def _things_of(reconciliation: Reconciliation) -> list[Thing]:
    """Return the oldest free items as the passes see them."""
    oldest = _free(reconciliation).annotate(sign=F("population__sign")).order_by("item_date", "amount_minor", "reference", "pk")[:ITEMS_MAX]
    return [
        Thing(
            id=item.pk,
            name=item.reference,
            population=item.population_id,
            signed_minor=item.sign * item.open_signed_minor,
            item_date=item.item_date,
            keys=frozenset(item.keys),
            reference=item.match_key,
            attributes={"counterparty": item.counterparty},
        )
        for item in oldest
    ]


def _refused(reconciliation: Reconciliation) -> frozenset[tuple[int, int]]:
    """Return the pairs of which somebody said that they do not belong together, as long as that holds."""
    said = NeverMatch.objects.filter(left__reconciliation=reconciliation, until__gte=TruncDate(Now()))
    return frozenset(said.values_list("left", "right"))


def _write(groups: Sequence[Group], *, reconciliation: Reconciliation, run: Run) -> int:
    """Write the groups that have not been suggested before: what a person dismissed stays dismissed."""
    wanted = {group.items: group for group in groups}
    written = Suggestion.objects.filter(reconciliation=reconciliation, items__in=[list(items) for items in wanted])
    known = {tuple(items) for items in written.values_list("items", flat=True)}
    new = [group for items, group in wanted.items() if items not in known]
    Suggestion.objects.bulk_create(
        [
            Suggestion(
                reconciliation=reconciliation,
                run=run,
                pass_id=group.pass_id,
                kind=group.kind,
                items=list(group.items),
                score=group.score,
                ways=group.ways,
                explanation={"pass": group.pass_id, "kind": group.kind, **group.rests_on},
            )
            for group in new
        ]
    )
    return len(new)
