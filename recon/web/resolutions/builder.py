"""What the match builder shows: the open items of every side, page by page, and what the choice of them leaves."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q, QuerySet
from django.http import QueryDict

from ledgerops.lib.errors import Refusal
from ledgerops.lib.money import grouped, minor_from_text
from ledgerops.lib.paging import page_of
from recon import break_queries, resolution_queries
from recon.break_queries import candidates_of, neighbourhood_of
from recon.models import Break, Item, Population, ResolutionTerms, Side
from recon.operations.matches import MatchRefused, keepers_of_rest
from recon.operations.overtaking import in_words, taken_by
from recon.queries import Facts, account_of
from recon.web.breaks.evidence import counted_facts

PAGE = 25
TEXT_MAX = 140
CHOSEN_MAX = 200
FILTERS = ("find", "amount_from", "amount_to", "since", "until", "show")


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedItem:
    """An open item that could be taken in; `own` is one of the break itself, which always is."""

    facts: Facts
    open_minor: int
    chosen: bool
    own: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SideTable:
    """One side's open items: a page of them, or the nearest."""

    name: str
    rows: Sequence[OfferedItem]
    newer: str
    older: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SideSum:
    place: int
    name: str
    count: int
    minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tray:
    """What was chosen so far, what each side has of it, what would remain, and what may become of that.

    `unseen` are the chosen ones that no table shows now, `gone` says of those that are open no more who took them.
    """

    chosen: Sequence[OfferedItem]
    unseen: Sequence[int]
    gone: Sequence[str]
    sums: Sequence[SideSum]
    difference_minor: int
    keepers: Sequence[OfferedItem]
    why_no_rest: str
    limit_minor: int | None
    rebooks: bool

    @property
    def complete(self) -> bool:
        """Whether it can be matched as it stands: something of several sides, or a reversal, and no difference."""
        return not self.difference_minor and sum(side.count for side in self.sums) > 1

    @property
    def missing(self) -> Sequence[str]:
        return [side.name for side in self.sums if not side.count]

    @property
    def writable(self) -> bool:
        """Whether the difference is small enough to be written off."""
        return self.limit_minor is not None and 0 < abs(self.difference_minor) <= self.limit_minor

    @property
    def ribbon(self) -> Sequence[tuple[str, Sequence[int]]]:
        """Return the sides with what is open of each chosen item, as the ribbon draws them."""
        return [(side.name, [one.open_minor for one in self.chosen if one.facts.item.population_id == side.place]) for side in self.sums]

    @property
    def ribbon_label(self) -> str:
        counted = " and ".join(f"{side.count} of {side.name}" for side in self.sums)
        return f"{counted}; {'both come to the same' if self.complete else 'one side has more'}"

    @property
    def take(self) -> str:
        """Return the chosen items besides the break's own, as the pages of other resolutions take them."""
        return ",".join(str(one.facts.item.pk) for one in self.chosen if not one.own)


@dataclass(frozen=True, slots=True, kw_only=True)
class Builder:
    tables: Sequence[SideTable]
    tray: Tray
    filters: dict[str, str]
    errors: dict[str, str]
    nearest: bool


def builder_of(recon_break: Break, *, query: QueryDict, chosen: Collection[int]) -> Builder:
    """Return the open items around a live break as the address asks for them, and what the choice leaves."""
    around = neighbourhood_of(recon_break)
    assert around is not None
    own = list(around.own)
    filters = {name: query.get(name, "").strip()[:TEXT_MAX] for name in FILTERS}
    wanted, errors = _condition(filters, scale=recon_break.reconciliation.source.asset.scale)
    nearest = not any(filters.values())
    named = _named(recon_break, chosen=[pk for pk in chosen if pk not in {item.pk for item in own}])
    open_named = [item for item in named if item.open]
    taken = {item.pk for item in (*own, *open_named)}
    places = list(Population.objects.filter(reconciliation=recon_break.reconciliation_id).order_by("position"))
    pages: list[tuple[Population, list[Item], str, str]] = []
    if nearest:
        near = [one.item for one in candidates_of(recon_break, around=around)]
        near += sorted(around.near, key=lambda item: (abs(item.amount_minor - around.anchor.amount_minor), item.pk))
        near = list({item.pk: item for item in (*own, *near)}.values())
        pages = [(place, [item for item in near if item.population_id == place.pk][:PAGE], "", "") for place in places]
    else:
        pages = [_page(recon_break, place=place, wanted=wanted, query=query) for place in places]
    shown = {item.pk: item for _, rows, _, _ in pages for item in rows}
    told = counted_facts(list({item.pk: item for item in (*own, *open_named, *shown.values())}.values()))
    offered = {pk: _offered(facts, taken=taken, own=own) for pk, facts in told.items()}
    return Builder(
        tables=[
            SideTable(name=place.name, rows=[offered[item.pk] for item in rows], newer=newer, older=older)
            for place, rows, newer, older in pages
        ],
        tray=_tray(recon_break, own=own, named=named, places=places, offered=offered, shown=shown),
        filters=filters,
        errors=errors,
        nearest=nearest,
    )


def _offered(facts: Facts, *, taken: Collection[int], own: Sequence[Item]) -> OfferedItem:
    item = facts.item
    return OfferedItem(
        facts=facts,
        open_minor=item.population.sign * item.open_signed_minor,
        chosen=item.pk in taken,
        own=item.pk in {one.pk for one in own},
    )


def _named(recon_break: Break, *, chosen: Sequence[int]) -> list[Item]:
    if not chosen:
        return []
    found = Item.objects.filter(pk__in=list(chosen)[:CHOSEN_MAX], reconciliation=recon_break.reconciliation_id)
    return list(found.select_related("population").order_by("side", "item_date", "pk"))


def _condition(filters: dict[str, str], *, scale: int) -> tuple[Q, dict[str, str]]:
    """Return what the filters ask of an item; what cannot be read filters nothing, and is said."""
    asked, errors = Q(), {}
    if text := filters["find"]:
        asked &= Q(reference__icontains=text) | Q(counterparty__icontains=text) | Q(match_key__icontains=text)
    for name, lookup in (("amount_from", "gte"), ("amount_to", "lte")):
        if filters[name]:
            try:
                asked &= Q(**{f"amount_minor__{lookup}": abs(minor_from_text(filters[name], scale=scale, field=name))})
            except Refusal as refusal:
                errors[name] = str(refusal)
    for name, lookup in (("since", "gte"), ("until", "lte")):
        if filters[name]:
            try:
                asked &= Q(**{f"item_date__{lookup}": date.fromisoformat(filters[name])})
            except ValueError:
                errors[name] = "say a date, as 2026-11-02"
    return asked, errors


def _page(recon_break: Break, *, place: Population, wanted: Q, query: QueryDict) -> tuple[Population, list[Item], str, str]:
    """Return one side's page by amount; each side is turned by itself, in the address as `after1`, `before2`."""
    rows: QuerySet[Item] = resolution_queries.open_items_of(recon_break.reconciliation, population=place).filter(wanted)
    own = QueryDict(mutable=True)
    for way in ("after", "before"):
        own[way] = query.get(f"{way}{place.position}", "")
    page = page_of(rows, query=own, order=("amount_minor", "item_date", "id"), size=PAGE)
    return place, page.rows, _turned(query, place=place, to=page.newer), _turned(query, place=place, to=page.older)


def _turned(query: QueryDict, *, place: Population, to: str) -> str:
    if not to:
        return ""
    address, cursor = query.copy(), QueryDict(to.removeprefix("?"))
    for way in ("after", "before"):
        address.pop(f"{way}{place.position}", None)
        if cursor.get(way):
            address[f"{way}{place.position}"] = str(cursor[way])
    return f"?{address.urlencode()}"


def _tray(
    recon_break: Break,
    *,
    own: Sequence[Item],
    named: Sequence[Item],
    places: Sequence[Population],
    offered: dict[int, OfferedItem],
    shown: Collection[int],
) -> Tray:
    chosen = [*own, *(item for item in named if item.open)]
    difference = break_queries.difference_between(chosen)
    keepers, why = _keepers(chosen) if difference else ([], "")
    terms: ResolutionTerms | None = resolution_queries.terms_of(account_of(recon_break)) if difference else None
    sides = [item.side for item in chosen]
    return Tray(
        chosen=[offered[item.pk] for item in chosen],
        unseen=[item.pk for item in chosen if item.pk not in shown and item not in own],
        gone=[f"{item.reference or 'An item'} of {_amount(item, recon_break)}{_gone(item)}" for item in named if not item.open],
        sums=[_sum(place, chosen) for place in places],
        difference_minor=difference,
        keepers=[offered[item.pk] for item in keepers],
        why_no_rest=why,
        limit_minor=int(terms.write_off_maximum_minor) if terms and terms.write_off_account_id else None,
        rebooks=sides.count(Side.LEDGER) == 1 and len(sides) > 1,
    )


def _gone(item: Item) -> str:
    told = taken_by(item)
    return f" was matched{in_words(told)}" if told else " was withdrawn by a restated statement"


def _amount(item: Item, recon_break: Break) -> str:
    asset = recon_break.reconciliation.source.asset
    return f"{grouped(item.signed_minor, scale=asset.scale)} {asset.code}"


def _sum(place: Population, items: Sequence[Item]) -> SideSum:
    of = [item for item in items if item.population_id == place.pk]
    return SideSum(place=place.pk, name=place.name, count=len(of), minor=sum(place.sign * item.open_signed_minor for item in of))


def _keepers(items: Sequence[Item]) -> tuple[list[Item], str]:
    """Return which items could keep the rest, or why none could."""
    if len({item.population_id for item in items}) == 1:
        return [], ""
    try:
        keepers, _ = keepers_of_rest(items)
    except MatchRefused as refusal:
        return [], str(refusal)
    return keepers, ""
