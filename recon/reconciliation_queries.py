"""Reading reconciliations for their pages: what belongs to each, what is open in it, and what its runs did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, Sum

from ledgerops.lib.errors import Refusal, RefusalKind
from recon.matching.rules import MATCHING, Pass, Rules
from recon.models import Item, Population, Reconciliation, RulesVersion, Run, RunPass
from recon.queries import runs_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class RunsIncomparable(Refusal):
    code = "runs_incomparable"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class PopulationRow:
    """A population with what is open in it. `open_minor` is what came in less what went out."""

    population: Population
    accounts: Sequence[str]
    items: int
    open: int
    open_minor: int


def populations_of(reconciliations: Sequence[Reconciliation]) -> dict[int, list[PopulationRow]]:
    """Return the populations of reconciliations, in their order, at a cost that does not grow with their number."""
    populations = (
        Population.objects.filter(reconciliation__in=reconciliations)
        .select_related("source")
        .prefetch_related("population_accounts__account")
        .order_by("reconciliation_id", "position")
    )
    counted = Item.objects.filter(reconciliation__in=reconciliations, withdrawn_by=None).order_by().values("population")
    numbers = {
        row["population"]: row
        for row in counted.annotate(
            items=Count("pk"),
            open=Count("pk", filter=Q(open=True)),
            came=Sum("open_minor", filter=Q(flow="in")),
            went=Sum("open_minor", filter=Q(flow="out")),
        )
    }
    rows: dict[int, list[PopulationRow]] = {one.pk: [] for one in reconciliations}
    for population in populations:
        found: Mapping[str, Any] = numbers.get(population.pk, {})
        rows[population.reconciliation_id].append(
            PopulationRow(
                population=population,
                accounts=sorted(one.account.code for one in population.population_accounts.all()),
                items=found.get("items", 0),
                open=found.get("open", 0),
                open_minor=int(found.get("came") or 0) - int(found.get("went") or 0),
            )
        )
    return rows


def passes_of(run: Run) -> list[RunPass]:
    """Return what each pass of a run did, in order."""
    return list(RunPass.objects.filter(run=run).order_by("position"))


def latest_runs(user: "AbstractUser", *, reconciliation: Reconciliation, count: int) -> list[Run]:
    return list(runs_for(user).filter(reconciliation=reconciliation)[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedMatch:
    """A group of items as two runs matched it; the side that did not has no id. `pass_ids` are the passes by which they did."""

    items: tuple[int, ...]
    match_ids: tuple[str, str]
    pass_ids: tuple[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What two runs matched otherwise: only in the later one, only in the earlier one, and items that both matched, but otherwise."""

    added: Sequence[ComparedMatch]
    lost: Sequence[ComparedMatch]
    changed: Sequence[tuple[ComparedMatch, ComparedMatch]]
    same: int


# Matches stand until somebody revokes them: what stood at a run's end is what had been made by then and was not revoked before it.
_STANDING = """
SELECT m.id, m.pass_id, array_agg(a.item_id ORDER BY a.item_id)
FROM recon_match m JOIN recon_allocation a ON a.match_id = m.id
WHERE m.reconciliation_id = %s AND m.made_at <= %s AND (a.revoked_at IS NULL OR a.revoked_at > %s)
  AND NOT (m.made_at <= %s AND (a.revoked_at IS NULL OR a.revoked_at > %s))
GROUP BY m.id ORDER BY m.id
"""
_SAME = """
SELECT count(DISTINCT m.id) FROM recon_match m JOIN recon_allocation a ON a.match_id = m.id
WHERE m.reconciliation_id = %s AND m.made_at <= %s AND (a.revoked_at IS NULL OR a.revoked_at > %s)
"""


def compared_runs(earlier: Run, later: Run) -> Comparison:
    """Return what stood matched at the end of one run of a reconciliation beside what stood at the end of another.

    :raises RunsIncomparable: if they are of two reconciliations, or one has not ended.
    """
    before, after = earlier.finished_at, later.finished_at
    if earlier.reconciliation_id != later.reconciliation_id or before is None or after is None:
        raise RunsIncomparable("only two runs of one reconciliation that have ended can be compared")
    with connection.cursor() as cursor:
        cursor.execute(_STANDING, [later.reconciliation_id, after, after, before, before])
        new = cursor.fetchall()
        cursor.execute(_STANDING, [later.reconciliation_id, before, before, after, after])
        gone = cursor.fetchall()
        cursor.execute(_SAME, [later.reconciliation_id, min(before, after), max(before, after)])
        (both,) = cursor.fetchone()
    return _beside(new, gone, both=both)


def _beside(new: Sequence[tuple[UUID, str, list[int]]], gone: Sequence[tuple[UUID, str, list[int]]], *, both: int) -> Comparison:
    was = {item: row for row in gone for item in row[2]}
    added, changed, touched = [], [], set()
    same = both
    by_items = {tuple(row[2]): row for row in gone}
    for pk, pass_id, items in new:
        again = by_items.get(tuple(items))
        old = next((was[item] for item in items if item in was), None)
        if again is not None:
            touched.add(again[0])
            same += 1
        elif old is not None:
            touched.add(old[0])
            changed.append((_one(old, later=False), _one((pk, pass_id, items), later=True)))
        else:
            added.append(_one((pk, pass_id, items), later=True))
    lost = [_one(row, later=False) for row in gone if row[0] not in touched]
    return Comparison(added=added, lost=lost, changed=changed, same=same)


def _one(row: tuple[UUID, str, list[int]], *, later: bool) -> ComparedMatch:
    pk, pass_id, items = row
    return ComparedMatch(
        items=tuple(items),
        match_ids=("", str(pk)) if later else (str(pk), ""),
        pass_ids=("", pass_id) if later else (pass_id, ""),
    )


def passes_to_come(run: Run, *, done: int) -> list[Pass]:
    """Return the passes that a run has not taken yet, by the rules that it works with."""
    version = RulesVersion.objects.filter(reconciliation=run.reconciliation_id, number=run.rules_version).first()
    passes = [one for one in Rules.from_json(version.definition).passes if one.kind in MATCHING] if version else []
    return passes[done:]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMatch:
    """A group of items for a page, with the passes that matched it; for one that changed, the items before as well."""

    items: Sequence[Item]
    before: Sequence[Item]
    pass_name: str
    pass_before: str


def shown_matches(
    rows: Sequence[ComparedMatch | tuple[ComparedMatch, ComparedMatch]], *, versions: tuple[int, int], of: Reconciliation
) -> list[ShownMatch]:
    """Return groups with their items and the names of their passes, at a cost that does not grow with their number."""
    pairs = [row if isinstance(row, tuple) else (None, row) for row in rows]
    ids = {item for pair in pairs for one in pair if one for item in one.items}
    items = Item.objects.select_related("population", "statement_line").in_bulk(ids)
    names: dict[str, str] = {}
    for version in RulesVersion.objects.filter(reconciliation=of, number__in=versions).order_by("number"):
        names |= {one.id: one.name for one in Rules.from_json(version.definition).passes}
    return [
        ShownMatch(
            items=[items[pk] for pk in now.items if pk in items],
            before=[items[pk] for pk in old.items if pk in items] if old else [],
            pass_name=_pass_name(now, names),
            pass_before=_pass_name(old, names) if old else "",
        )
        for old, now in pairs
    ]


def _pass_name(one: ComparedMatch, names: Mapping[str, str]) -> str:
    pass_id = one.pass_ids[0] or one.pass_ids[1]
    return names.get(pass_id, pass_id or "A person")
