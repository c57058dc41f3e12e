"""What each population has of a break's matter, where there are more than two, and why the whole was left open."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q

from ledgerops.lib.calendars import business_days_apart
from ledgerops.lib.money import grouped
from recon.break_queries import Neighbourhood, situation_of
from recon.matching.explanations import why_not_matched
from recon.matching.hops import chain_words, hop_words
from recon.models import Break, BreakState, BreakType, Item, Population

# Of an ambiguity of hundreds the first say what it is about.
ITEMS_SHOWN = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class SideOf:
    """A population with what it has of the matter, each with the break that holds it; with nothing where it is missing there."""

    population: Population
    held: Sequence[tuple[Item, Break]]


def sides_of(recon_break: Break) -> list[SideOf]:
    """Return what each population has of a live break as `break_for` gave it; nothing where there are only two: a page shows both."""
    if not recon_break.is_live or getattr(recon_break, "sides") <= 2:  # noqa: B009 - an annotation of the gate
        return []
    parent = recon_break.parent
    head = recon_break.parent_id if parent is not None and parent.type != BreakType.STALE_FEED else recon_break.pk
    populations = ("ledger_item__population", "statement_item__population")
    family = Break.objects.filter(Q(pk=head) | Q(parent=head)).exclude(state=BreakState.RESOLVED).select_related(*populations)
    held: dict[int, list[tuple[Item, Break]]] = {}
    for one in family.order_by("number")[:ITEMS_SHOWN]:
        for item in (one.ledger_item, one.statement_item):
            if item is not None:
                held.setdefault(item.population_id, []).append((item, one))
    of = Population.objects.filter(reconciliation=recon_break.reconciliation_id).order_by("position")
    return [SideOf(population=one, held=held.get(one.pk, [])) for one in of]


def why_left_open(recon_break: Break, *, around: Neighbourhood, gap: str, sides: Sequence[SideOf]) -> str:
    """Return why a live break's items were not matched; `gap` is the difference of its pair as people read it."""
    if recon_break.cause.get("kind") == "hop_missing":
        return hop_words(recon_break.cause)
    situation = situation_of(recon_break, around=around, gap=gap)
    if sides:
        asset, calendar = recon_break.reconciliation.source.asset, recon_break.reconciliation.calendar
        dates = sorted(item.item_date for side in sides for item, _ in side.held)
        told = [
            (side.population.name, [grouped(side.population.sign * item.open_signed_minor, scale=asset.scale) for item, _ in side.held])
            for side in sides
        ]
        words = chain_words(
            recon_break.type,
            around.anchor.reference,
            told,
            days=_apart(dates, calendar=calendar),
            allowed=situation.days_allowed,
        )
        if words:
            return words
    return why_not_matched(situation)


def _apart(dates: Sequence[date], *, calendar: str) -> int:
    return abs(business_days_apart(dates[0], dates[-1], calendar=calendar)) if dates else 0
