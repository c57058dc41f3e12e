"""Reading breaks for their pages: figures, lists, and what is known around one break."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Exists, F, Min, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import Abs
from django.utils.timezone import localdate

from ledger.models import Account
from ledger.queries import accounts_for
from ledgerops.lib.calendars import business_days_apart, business_days_before
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.money import grouped
from recon.matching.calibration import Bin, bin_of, calibrated
from recon.matching.candidates import (
    WINDOW_DAYS,
    Frequencies,
    Reason,
    likelihood_of,
    log_odds,
    reasons_between,
    score_of,
    signs_between,
    waterfall,
)
from recon.matching.candidates import Side as ScoredSide
from recon.matching.explanations import Situation
from recon.matching.nearest import NEAR_SIGNS, Answer, Around, Thing, why_not
from recon.matching.rules import Rules
from recon.models import (
    Allocation,
    Break,
    BreakState,
    Item,
    Match,
    MatchChallenge,
    Run,
    RunStatus,
    Side,
    Suggestion,
    SuggestionState,
)
from recon.queries import Facts, breaks_for, facts_of_items, reconciliations_for, runs_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# Business days after which a break is past its limit.
LIMIT_DAYS = 4
CANDIDATES_SHOWN = 6
CANDIDATES_SCORED = 60
CANDIDATE_SCORE_LEAST = 5
SUGGESTIONS_SHOWN = 5
# As many of the latest decided suggestions are what a score is held against.
DECIDED_COUNTED = 5000
# How many items before and after one frequencies are counted among; more would take longer and say the same.
FREQUENCIES_SAMPLED = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakFigures:
    """Live breaks in numbers. `ages` counts the four bands; `oldest` is the date of the oldest."""

    total: int
    accounts: int
    ages: tuple[int, int, int, int]
    past_limit: int
    unassigned: int
    mine: int
    oldest: date | None


def queue_for(user: "AbstractUser", *, today: date | None = None) -> QuerySet[Break]:
    """Return the breaks this user is to look at: those that only wait for a file are grouped under its break, others are put off."""
    return breaks_for(user).filter(awake(today or localdate()), parent=None)


def awake(today: date) -> Q:
    """Return the condition of breaks that are not put off beyond today."""
    return Q(snoozed_until=None) | Q(snoozed_until__lt=today)


def break_figures(user: "AbstractUser", *, today: date) -> BreakFigures:
    """Count the live breaks this user sees by their age in business days on `today`."""
    return together(break_figures_by_source(user, today=today).values())


def break_figures_by_source(user: "AbstractUser", *, today: date) -> dict[int, BreakFigures]:
    """Count the live breaks this user sees of each source that has one, as `break_figures` counts them all."""
    since = {days: business_days_before(today, count=days) for days in (2, LIMIT_DAYS, 8)}
    older = {days: Count("pk", filter=Q(occurred_on__lte=day)) for days, day in since.items()}
    live = queue_for(user).exclude(state=BreakState.RESOLVED).order_by().values("reconciliation__source")
    counted = live.annotate(
        total=Count("pk"),
        accounts=Count("reconciliation", distinct=True),
        two=older[2],
        four=older[LIMIT_DAYS],
        eight=older[8],
        unassigned=Count("pk", filter=Q(assignee__isnull=True)),
        mine=Count("pk", filter=Q(assignee=user)),
        oldest=Min("occurred_on"),
    )
    return {
        row["reconciliation__source"]: BreakFigures(
            total=row["total"],
            accounts=row["accounts"],
            ages=(row["total"] - row["two"], row["two"] - row["four"], row["four"] - row["eight"], row["eight"]),
            past_limit=row["four"],
            unassigned=row["unassigned"],
            mine=row["mine"],
            oldest=row["oldest"],
        )
        for row in counted
    }


def together(figures: Iterable[BreakFigures]) -> BreakFigures:
    """Return the figures of several sources as one."""
    each = list(figures)
    first, second, third, fourth = (sum(one.ages[band] for one in each) for band in range(4))
    return BreakFigures(
        total=sum(one.total for one in each),
        accounts=sum(one.accounts for one in each),
        ages=(first, second, third, fourth),
        past_limit=sum(one.past_limit for one in each),
        unassigned=sum(one.unassigned for one in each),
        mine=sum(one.mine for one in each),
        oldest=min((one.oldest for one in each if one.oldest is not None), default=None),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTotal:
    code: str
    scale: int
    minor: int


def totals_by_asset(breaks: QuerySet[Break]) -> list[AssetTotal]:
    """Add the differences without their signs, each asset by itself: amounts of different assets have no sum."""
    asset = "reconciliation__source__asset__"
    rows = breaks.order_by().values_list(f"{asset}code", f"{asset}scale").annotate(minor=Sum(Abs("difference_minor")))
    return [AssetTotal(code=code, scale=scale, minor=int(minor)) for code, scale, minor in rows.order_by(f"{asset}code")]


def completed_runs(user: "AbstractUser", *, count: int) -> list[Run]:
    """Return the latest runs that ended, newest first."""
    return list(runs_for(user).filter(status=RunStatus.COMPLETED)[:count])


def counter_accounts_for(user: "AbstractUser", *, account: Account) -> QuerySet[Account]:
    """Return the open accounts that could take the other leg of an adjustment of `account`, without its parents."""
    return (
        accounts_for(user)
        .filter(asset=account.asset_id, entity=account.entity_id, status="open", children__isnull=True)
        .exclude(pk=account.pk)
    )


def items_of(match: Match) -> list[Item]:
    """Return the items a match holds, ledger first."""
    return list(
        Item.objects.filter(allocations__match=match, allocations__revoked_at__isnull=True)
        .select_related("population")
        .order_by("side", "pk")
    )


def items_beside(recon_break: Break, *, item_ids: Collection[int]) -> list[Item]:
    """Return those of the items that an adjustment of this break could take in besides its own: open ones of its reconciliation."""
    own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
    found = Item.objects.filter(pk__in=item_ids, reconciliation=recon_break.reconciliation_id, open=True).exclude(pk__in=own)
    return list(found.order_by("pk"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbourhood:
    """What lies around a live break: its own items, open ones that come near, and open ones that want the same as its first item.

    `near` are of the other populations, and reversals of its own; `rivals` are of its own population.
    """

    own: Sequence[Item]
    near: Sequence[Item]
    rivals: Sequence[Item]
    frequencies: Frequencies
    rules: Rules

    @property
    def anchor(self) -> Item:
        return self.own[0]


def neighbourhood_of(recon_break: Break) -> Neighbourhood | None:
    """Return what lies around a break as `break_for` gave it; None where it has no item, as a stale feed has none."""
    own = [item for item in (recon_break.ledger_item, recon_break.statement_item) if item is not None]
    if not own:
        return None
    anchor = own[0]
    open_items = (
        Item.objects.filter(reconciliation=recon_break.reconciliation_id, open=True)
        .exclude(pk__in=[item.pk for item in own])
        .select_related("population")
        .annotate(distance=Abs(F("amount_minor") - anchor.amount_minor))
    )
    opposite = open_items.exclude(population=anchor.population_id) if len(own) == 1 else open_items
    near = opposite.order_by("distance", "pk")[:CANDIDATES_SCORED]
    same_key = opposite.filter(match_key=anchor.match_key).exclude(match_key="")[:CANDIDATES_SCORED]
    here = open_items.filter(population=anchor.population_id)
    contra = here.filter(amount_minor=anchor.amount_minor).exclude(flow=anchor.flow)[:CANDIDATES_SCORED]
    keyed = here.filter(match_key=anchor.match_key).exclude(match_key="")
    rivals = here.filter(amount_minor=anchor.amount_minor)[:CANDIDATES_SCORED].union(keyed[:CANDIDATES_SCORED])
    return Neighbourhood(
        own=own,
        near=list(near.union(same_key, contra)),
        rivals=list(rivals),
        frequencies=frequencies_around(anchor),
        rules=Rules.from_json(getattr(recon_break, "rules_in_force")),  # noqa: B009 - an annotation of the gate
    )


def situation_of(recon_break: Break, *, around: Neighbourhood, gap: str) -> Situation:
    """Return what the pass by reference found around a live break; `gap` is the difference of its pair as people read it."""
    anchor, pair = around.anchor, (recon_break.ledger_item, recon_break.statement_item)
    calendar = recon_break.reconciliation.calendar
    same_key = [item for item in (*around.own, *around.near, *around.rivals) if anchor.match_key and item.match_key == anchor.match_key]
    here = {item.pk for item in same_key if item.side == anchor.side}
    return Situation(
        break_type=recon_break.type,
        side=anchor.side,
        match_key=anchor.match_key,
        reference=anchor.reference,
        gap=gap,
        days_apart=business_days_apart(pair[0].item_date, pair[1].item_date, calendar=calendar) if pair[0] and pair[1] else None,
        days_allowed=next((one.days for one in around.rules.passes if one.kind == "key"), 0),
        open_opposite=len({item.pk for item in same_key if item.side != anchor.side}),
        open_own=len(here),
        nearest=_nearest_reference(anchor, around.near),
    )


def _nearest_reference(anchor: Item, near: Sequence[Item]) -> str:
    """Return the reference closest to an item's own among others with its amount, if only a few signs differ."""
    minor = anchor.population.sign * anchor.open_signed_minor
    same = [item for item in near if item.match_key and item.population.sign * item.open_signed_minor == minor]
    told = sorted((signs_between(anchor.match_key, item.match_key), item.reference or item.match_key) for item in same)
    return told[0][1] if anchor.match_key and told and 0 < told[0][0] <= NEAR_SIGNS else ""


def why_not_matched_by_pass(recon_break: Break, *, around: Neighbourhood) -> list[Answer]:
    """Return for each pass of the rules in force why it left a live break's first item open."""
    asset, reconciliation = recon_break.reconciliation.source.asset, recon_break.reconciliation
    others = [item for item in (*around.own[1:], *around.near) if item.population_id != around.anchor.population_id]
    items = [around.anchor, *others, *around.rivals]
    wanted = {name for one in around.rules.passes for name in one.attributes} - {"counterparty"}
    told = facts_of_items(items) if wanted else {}
    things = {item.pk: _thing(item, facts=told.get(item.pk)) for item in items}
    return why_not(
        around.rules.passes,
        Around(
            own=things[around.anchor.pk],
            others=[things[item.pk] for item in others],
            rivals=[things[item.pk] for item in around.rivals],
            days_between=lambda start, end: business_days_apart(start, end, calendar=reconciliation.calendar),
            money=lambda minor: grouped(minor, scale=asset.scale),
            tariffs=around.rules.tariffs,
            cut=len(others) >= CANDIDATES_SCORED,
        ),
    )


def _thing(item: Item, *, facts: Facts | None) -> Thing:
    attributes = {"counterparty": item.counterparty}
    if facts is not None:
        account = facts.line.counterparty_account if facts.line else ""
        attributes |= {"description": facts.description, "counterparty_account": account}
    return Thing(
        id=item.pk,
        name=item.reference or item.counterparty or f"the item of {item.item_date}",
        population=item.population_id,
        signed_minor=item.population.sign * item.open_signed_minor,
        item_date=item.item_date,
        keys=frozenset(item.keys) | ({f"own_reference:{item.match_key}"} if item.match_key else frozenset()),
        reference=item.reference,
        attributes=attributes,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """An open item that could explain a break, with the difference that would remain if it were taken."""

    item: Item
    score: int
    odds: Decimal
    reasons: Sequence[Reason]
    remaining_minor: int

    @property
    def waterfall(self) -> str:
        """Return how the score came about, a step for each criterion."""
        return waterfall(self.reasons)


class SuggestionNotFound(Refusal):
    code = "suggestion_not_found"
    kind = RefusalKind.NOT_FOUND


class MatchNotFound(Refusal):
    code = "match_not_found"
    kind = RefusalKind.NOT_FOUND


class ChallengeNotFound(Refusal):
    code = "challenge_not_found"
    kind = RefusalKind.NOT_FOUND


def suggestion_for(user: "AbstractUser", *, suggestion_id: UUID) -> Suggestion:
    """Return one suggestion.

    :raises SuggestionNotFound: if it is not there for this user.
    """
    seen = Suggestion.objects.filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"))
    found = seen.filter(pk=suggestion_id).first()
    if found is None:
        raise SuggestionNotFound("there is no such suggestion in your scope")
    return found


def match_for(user: "AbstractUser", *, match_id: UUID) -> Match:
    """Return one match.

    :raises MatchNotFound: if it is not there for this user.
    """
    found = Match.objects.filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"), pk=match_id).first()
    if found is None:
        raise MatchNotFound("there is no such match in your scope")
    return found


def challenges_for(user: "AbstractUser", *, seen: bool) -> QuerySet[MatchChallenge]:
    """Return the challenges of matches that stand which this user sees, with the match and what challenges it."""
    visible = MatchChallenge.objects.filter(match__reconciliation__in=reconciliations_for(user).order_by().values("pk"))
    around = ("match__reconciliation__source__asset", "match__made_by", "item__population", "item__statement_line", "run", "seen_by")
    stands = Exists(Allocation.objects.filter(match=OuterRef("match"), revoked_at=None))
    return visible.filter(stands, seen_at__isnull=not seen).select_related(*around).order_by("-pk")


def challenge_for(user: "AbstractUser", *, challenge_id: int) -> MatchChallenge:
    """Return one challenge of a match.

    :raises ChallengeNotFound: if it is not there for this user.
    """
    seen = MatchChallenge.objects.filter(match__reconciliation__in=reconciliations_for(user).order_by().values("pk"))
    found = seen.filter(pk=challenge_id).first()
    if found is None:
        raise ChallengeNotFound("nothing is held against a match under that number in your scope")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestedGroup:
    """A suggestion whose items are all open still, with them, ledger first, and how often people agreed to others of its kind and score."""

    suggestion: Suggestion
    items: Sequence[Item]
    decided: Bin


def suggestions_of(recon_break: Break) -> list[SuggestedGroup]:
    """Return what runs suggest for a live break, the likeliest first; what holds an item that is taken meanwhile is left out."""
    own = [pk for pk in (recon_break.ledger_item_id, recon_break.statement_item_id) if pk is not None]
    found = Suggestion.objects.filter(reconciliation=recon_break.reconciliation_id, state=SuggestionState.OPEN, items__overlap=own)
    likeliest = list(found.order_by("-score", "items")[:SUGGESTIONS_SHOWN]) if own else []
    if not likeliest:
        return []
    wanted = {pk for one in likeliest for pk in one.items}
    items = {
        item.pk: item
        for item in Item.objects.filter(pk__in=wanted, open=True).select_related("population").order_by("side", "item_date", "pk")
    }
    bins = _decided(recon_break.reconciliation_id, kinds={one.kind for one in likeliest})
    return [
        SuggestedGroup(
            suggestion=one,
            items=[item for pk, item in items.items() if pk in one.items],
            decided=bins[one.kind][bin_of(likelihood_of(one.score))],
        )
        for one in likeliest
        if all(pk in items for pk in one.items)
    ]


def _decided(reconciliation_id: int, *, kinds: Collection[str]) -> dict[str, list[Bin]]:
    """Return by kind how the latest decided suggestions of a reconciliation turned out."""
    ended = Suggestion.objects.filter(reconciliation=reconciliation_id, kind__in=kinds).exclude(state=SuggestionState.OPEN)
    cases: dict[str, list[tuple[int, bool]]] = {kind: [] for kind in kinds}
    for kind, score, state in ended.order_by("-ended_at").values_list("kind", "score", "state")[:DECIDED_COUNTED]:
        cases[kind].append((likelihood_of(score), state == SuggestionState.ACCEPTED))
    return {kind: calibrated(found) for kind, found in cases.items()}


def difference_between(items: Sequence[Item]) -> int:
    """Return what is open of the first population less what is open of the one that is farthest from it; items come with their populations.

    It is ledger less statement where there are these two, and zero where the items explain each other.
    """
    sums: dict[tuple[str, int], int] = {}
    for item in items:
        place = (item.side, item.population_id)
        sums[place] = sums.get(place, 0) + item.population.sign * item.open_signed_minor
    if not sums:
        return 0
    (side, _), first = min(sums.items())
    if len(sums) == 1:
        return first if side == Side.LEDGER else -first
    return max((first - other for place, other in sums.items() if place != min(sums)), key=abs)


def challenges_of(match: Match) -> list[MatchChallenge]:
    """Return what would have made a match ambiguous, the latest first."""
    return list(MatchChallenge.objects.filter(match=match).select_related("item", "seen_by").order_by("-pk"))


def candidates_of(recon_break: Break, *, around: Neighbourhood) -> list[Candidate]:
    """Return the best explanations of a break: open items of the other side, and reversals on its own side."""
    scored = [_candidate(recon_break, anchor=around.anchor, item=item, frequencies=around.frequencies) for item in around.near]
    worth = [candidate for candidate in scored if candidate.score >= CANDIDATE_SCORE_LEAST]
    return sorted(worth, key=lambda candidate: (-candidate.odds, abs(candidate.remaining_minor), candidate.item.pk))[:CANDIDATES_SHOWN]


def frequencies_around(anchor: Item) -> Frequencies:
    """Count how common an item's amount, key and counterparty are among the items taken in around it, within 90 days of its date."""
    sample = Item.objects.filter(
        pk__gt=anchor.pk - FREQUENCIES_SAMPLED,
        pk__lt=anchor.pk + FREQUENCIES_SAMPLED,
        reconciliation=anchor.reconciliation_id,
        item_date__gt=anchor.item_date - timedelta(days=WINDOW_DAYS),
        item_date__lte=anchor.item_date + timedelta(days=WINDOW_DAYS),
    ).exclude(side=anchor.side)
    counted = sample.aggregate(
        items=Count("pk"),
        same_amount=Count("pk", filter=Q(amount_minor=anchor.amount_minor, flow=anchor.flow)),
        same_key=Count("pk", filter=Q(match_key=anchor.match_key)),
        same_counterparty=Count("pk", filter=Q(counterparty__iexact=anchor.counterparty)),
    )
    return Frequencies(**counted)


def pair_of(recon_break: Break, *, around: Neighbourhood) -> Candidate | None:
    """Return how well the two sides a break holds explain each other; None if it holds one side."""
    if recon_break.ledger_item is None or recon_break.statement_item is None:
        return None
    left, right = recon_break.ledger_item, recon_break.statement_item
    reasons = _reasons_between(recon_break, left, right, frequencies=around.frequencies)
    return Candidate(
        item=right, score=score_of(reasons), odds=log_odds(reasons), reasons=reasons, remaining_minor=int(recon_break.difference_minor)
    )


def _candidate(recon_break: Break, *, anchor: Item, item: Item, frequencies: Frequencies) -> Candidate:
    # On the other side the same amount explains; on the same side it is the opposite one, a reversal.
    sign = 1 if item.population_id != anchor.population_id else -1
    reasons = _reasons_between(recon_break, anchor, item, sign=sign, frequencies=frequencies)
    change = item.population.sign * (item.open_signed_minor if item.side == Side.LEDGER else -item.open_signed_minor)
    if item.side == anchor.side and item.population_id != anchor.population_id:
        # Two statements explain each other as a statement and the ledger do.
        change = -change
    return Candidate(
        item=item,
        score=score_of(reasons),
        odds=log_odds(reasons),
        reasons=reasons,
        remaining_minor=int(recon_break.difference_minor) + change,
    )


def _reasons_between(recon_break: Break, left: Item, right: Item, *, sign: int = 1, frequencies: Frequencies) -> list[Reason]:
    days = business_days_apart(left.item_date, right.item_date, calendar=recon_break.reconciliation.calendar)
    return reasons_between(_scored(left), _scored(right, sign=sign), frequencies=frequencies, days=days)


def _scored(item: Item, *, sign: int = 1) -> ScoredSide:
    return ScoredSide(
        signed_minor=sign * item.population.sign * item.signed_minor,
        item_date=item.item_date,
        match_key=item.match_key,
        counterparty=item.counterparty,
    )
