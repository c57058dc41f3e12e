"""Choosing by hand what belongs together: open items around a break, and what a choice of them leaves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from django.db.models import Q

from recon import break_queries
from recon.break_queries import Neighbourhood, candidates_of, neighbourhood_of
from recon.models import Break, Item, Population
from recon.operations.matches import MatchRefused, parts_leaving_rest
from recon.queries import Facts
from recon.web.breaks.evidence import counted_facts

OFFERED = 30
TEXT_MAX = 140


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedItem:
    """An open item that could be taken in; `own` is one of the break itself, which always is."""

    facts: Facts
    side: str
    chosen: bool
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSum:
    name: str
    count: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What was chosen so far: what each population has of it, what would remain, and whether that may be left open."""

    offered: Sequence[OfferedItem]
    sums: Sequence[SideSum]
    text: str
    difference_minor: int
    rest_of: str
    reason: str

    @property
    def complete(self) -> bool:
        """Whether it can be matched as it stands: something of several populations, or a reversal, and no difference."""
        return not self.difference_minor and sum(side.count for side in self.sums) > 1

    @property
    def missing(self) -> Sequence[str]:
        return [side.name for side in self.sums if not side.count]


def choice_of(recon_break: Break, *, chosen: Collection[int], text: str) -> Choice:
    """Return what is offered for a live break and what the choice of items leaves; `text` finds others by reference, party or amount."""
    around = neighbourhood_of(recon_break)
    assert around is not None
    own = list(around.own)
    named = _named(recon_break, own=own, chosen=chosen)
    found = _found(recon_break, text=text.strip()[:TEXT_MAX]) if text.strip() else _near(recon_break, around=around)
    items = list({item.pk: item for item in (*own, *named, *found)}.values())
    told = counted_facts(items)
    taken = {item.pk for item in (*own, *named)}
    places = list(Population.objects.filter(reconciliation=recon_break.reconciliation_id).order_by("position"))
    names = {place.pk: place.name for place in places}
    chosen_items = [item for item in items if item.pk in taken]
    difference = break_queries.difference_between(chosen_items)
    rest_of, reason = _rest(chosen_items, told=told) if difference else ("", "")
    return Choice(
        offered=[
            OfferedItem(
                facts=told[item.pk], side=names[item.population_id], chosen=item.pk in taken, own=item.pk in {one.pk for one in own}
            )
            for item in items
        ],
        sums=[_sum(place, chosen_items) for place in places],
        text=text.strip()[:TEXT_MAX],
        difference_minor=difference,
        rest_of=rest_of,
        reason=reason,
    )


def _named(recon_break: Break, *, own: Sequence[Item], chosen: Collection[int]) -> list[Item]:
    others = [pk for pk in chosen if pk not in {item.pk for item in own}]
    if not others:
        return []
    found = Item.objects.filter(pk__in=others, reconciliation=recon_break.reconciliation_id, open=True)
    return list(found.select_related("population").order_by("pk"))


def _near(recon_break: Break, *, around: Neighbourhood) -> list[Item]:
    """Return what comes nearest: candidates by their likelihood, then the closest amounts."""
    likely = [candidate.item for candidate in candidates_of(recon_break, around=around)]
    near = sorted(around.near, key=lambda item: (abs(item.amount_minor - around.anchor.amount_minor), item.pk))
    return list({item.pk: item for item in (*likely, *near)}.values())[:OFFERED]


def _found(recon_break: Break, *, text: str) -> list[Item]:
    asked = Q(reference__icontains=text) | Q(counterparty__icontains=text) | Q(match_key__icontains=text)
    digits = text.replace(",", "").replace(" ", "")
    scale = recon_break.reconciliation.source.asset.scale
    whole, _, part = digits.partition(".")
    if whole.isascii() and whole.isdigit() and len(part) <= scale and (part == "" or part.isdigit()) and len(digits) < 30:
        asked |= Q(amount_minor=int(whole + part.ljust(scale, "0")))
    found = Item.objects.filter(asked, reconciliation=recon_break.reconciliation_id, open_minor__gt=0)
    return list(found.select_related("population").order_by("item_date", "pk")[:OFFERED])


def _sum(place: Population, items: Sequence[Item]) -> SideSum:
    of = [item for item in items if item.population_id == place.pk]
    return SideSum(name=place.name, count=len(of), minor=sum(place.sign * item.open_signed_minor for item in of))


def _rest(items: Sequence[Item], *, told: dict[int, Facts]) -> tuple[str, str]:
    """Return the item that would be taken in part, or why nothing can be left open."""
    if len({item.population_id for item in items}) == 1:
        return "", ""
    try:
        (larger,) = parts_leaving_rest(items)
    except MatchRefused as refusal:
        return "", str(refusal)
    return told[larger].title, ""
