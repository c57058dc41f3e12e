"""Reading the rules of reconciliations: their versions, how well they match, and what was decided about items."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from ledgerops.lib.errors import Refusal, RefusalKind
from recon.matching.rules import Rules
from recon.matching.trials import Decided
from recon.models import (
    Item,
    Match,
    MatchMethod,
    NeverMatch,
    PassDemotion,
    Reconciliation,
    RulesStatus,
    RulesTrial,
    RulesVersion,
)
from recon.queries import reconciliations_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class RulesNotFound(Refusal):
    code = "rules_not_found"
    kind = RefusalKind.NOT_FOUND


def versions_of(reconciliation: Reconciliation) -> QuerySet[RulesVersion]:
    """Return the versions of a reconciliation's rules, newest first."""
    return RulesVersion.objects.filter(reconciliation=reconciliation).select_related("drafted_by").order_by("-number")


def rules_for(reconciliation: Reconciliation, *, number: int) -> RulesVersion:
    """Return one version.

    :raises RulesNotFound: if there is none of that number.
    """
    found = versions_of(reconciliation).filter(number=number).first()
    if found is None:
        raise RulesNotFound(f"there is no version {number} of these rules")
    return found


def rules_by_id(user: "AbstractUser", *, rules_id: UUID) -> RulesVersion:
    """Return one version by its id.

    :raises RulesNotFound: if it is not there for this user.
    """
    found = RulesVersion.objects.filter(pk=rules_id, reconciliation__in=reconciliations_for(user)).select_related("reconciliation").first()
    if found is None:
        raise RulesNotFound("there are no such rules in your scope")
    return found


class TrialNotFound(Refusal):
    code = "trial_not_found"
    kind = RefusalKind.NOT_FOUND


def trials_of(reconciliation: Reconciliation) -> QuerySet[RulesTrial]:
    """Return what was tried on a reconciliation, the latest first."""
    return RulesTrial.objects.filter(reconciliation=reconciliation).select_related("requested_by").order_by("-id")


def trial_of(reconciliation: Reconciliation, *, trial_id: UUID) -> RulesTrial:
    """Return one trial of a reconciliation's rules.

    :raises TrialNotFound: if there is none.
    """
    found = trials_of(reconciliation).filter(pk=trial_id).first()
    if found is None:
        raise TrialNotFound("nothing was tried under that id on this reconciliation")
    return found


def version_before(version: RulesVersion) -> RulesVersion | None:
    """Return the version that a version replaced, or would: the one in force until it is approved."""
    others = RulesVersion.objects.filter(reconciliation=version.reconciliation_id).exclude(pk=version.pk)
    if version.number == 1:
        return None
    if version.activated_at is None:
        return others.filter(status=RulesStatus.ACTIVE).first()
    earlier = others.filter(activated_at__lt=version.activated_at).order_by("-activated_at").first()
    return earlier or others.filter(number=1).first()


def demotions_of(version: RulesVersion) -> list[PassDemotion]:
    return list(PassDemotion.objects.filter(rules=version).order_by("pass_id"))


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleRow:
    """How well a reconciliation is matched: items and amounts taken, of all that count; matches of its rules, and undone ones of them."""

    reconciliation: Reconciliation
    version: RulesVersion
    waiting: RulesVersion | None
    items: int
    matched: int
    amount_minor: int
    matched_minor: int
    made: int
    undone: int
    demoted: Sequence[str]

    @property
    def rate(self) -> float | None:
        return 100 * self.matched / self.items if self.items else None

    @property
    def value_rate(self) -> float | None:
        return 100 * self.matched_minor / self.amount_minor if self.amount_minor else None

    @property
    def undo_rate(self) -> float | None:
        return 100 * self.undone / self.made if self.made else None


def rule_rows(reconciliations: Sequence[Reconciliation]) -> list[RuleRow]:
    """Return how each reconciliation is matched, in the order given, at a cost that does not grow with their number."""
    ids = [one.pk for one in reconciliations]
    active = {one.reconciliation_id: one for one in RulesVersion.objects.filter(reconciliation__in=ids, status=RulesStatus.ACTIVE)}
    waiting = RulesVersion.objects.filter(reconciliation__in=ids, status=RulesStatus.SUBMITTED).order_by("reconciliation_id", "-number")
    submitted = {one.reconciliation_id: one for one in waiting.distinct("reconciliation_id")}
    counts = Item.objects.filter(reconciliation__in=ids, withdrawn_by=None).order_by().values("reconciliation")
    items = {
        row["reconciliation"]: row
        for row in counts.annotate(
            items=Count("pk"), matched=Count("pk", filter=Q(open=False)), amount=Sum("amount_minor"), left=Sum("open_minor")
        )
    }
    matches = Match.objects.filter(reconciliation__in=ids, method=MatchMethod.RULE).order_by().values("reconciliation")
    made = {row["reconciliation"]: row for row in matches.annotate(made=Count("pk"), undone=Count("undoing"))}
    demoted: dict[int, list[str]] = {}
    for rules, pass_id in PassDemotion.objects.filter(rules__in=active.values()).values_list("rules__reconciliation", "pass_id"):
        demoted.setdefault(rules, []).append(pass_id)
    rows = []
    for one in reconciliations:
        counted: Mapping[str, Any] = items.get(one.pk, {})
        matched: Mapping[str, Any] = made.get(one.pk, {})
        version = active[one.pk]
        amount = int(counted.get("amount") or 0)
        rows.append(
            RuleRow(
                reconciliation=one,
                version=version,
                waiting=submitted.get(one.pk),
                items=counted.get("items", 0),
                matched=counted.get("matched", 0),
                amount_minor=amount,
                matched_minor=amount - int(counted.get("left") or 0),
                made=matched.get("made", 0),
                undone=matched.get("undone", 0),
                demoted=_names(version, sorted(demoted.get(one.pk, []))),
            )
        )
    return rows


def _names(version: RulesVersion, ids: Sequence[str]) -> list[str]:
    names = {one.id: one.name for one in Rules.from_json(version.definition).passes}
    return [names.get(pass_id, pass_id) for pass_id in ids]


_DECIDED = """
SELECT m.id, m.method, m.pass_id, u.match_id IS NOT NULL, array_agg(a.item_id ORDER BY a.item_id)
FROM recon_match m
JOIN recon_allocation a ON a.match_id = m.id
LEFT JOIN recon_match_undoing u ON u.match_id = m.id
WHERE m.reconciliation_id = %s AND (%s::date IS NULL OR m.made_at >= %s::date) AND (a.revoked_at IS NULL OR u.match_id IS NOT NULL)
GROUP BY m.id, u.match_id
ORDER BY m.id
"""


def decided_since(reconciliation: Reconciliation, *, since: date | None) -> list[Decided]:
    """Return the matches made since a day, and those that people undid, each with its items."""
    with connection.cursor() as cursor:
        cursor.execute(_DECIDED, [reconciliation.pk, since, since])
        return [
            Decided(items=frozenset(items), match_id=str(pk), pass_id=pass_id, by_person=method != MatchMethod.RULE, undone=undone)
            for pk, method, pass_id, undone, items in cursor.fetchall()
        ]


def refused_pairs_of(reconciliation: Reconciliation) -> list[tuple[int, int]]:
    """Return the pairs of items that somebody said never to match, as long as that holds."""
    refused = NeverMatch.objects.filter(left__reconciliation=reconciliation, until__gte=Now())
    return list(refused.values_list("left", "right"))


def items_by_id(ids: Sequence[int]) -> dict[int, Item]:
    """Return items with what says where they come from, by their ids."""
    return Item.objects.select_related("population", "statement_line").in_bulk(ids)


def undo_rates(version: RulesVersion) -> dict[str, tuple[int, int]]:
    """Return how many matches each pass of a version made and how many of them people undid."""
    rows = Match.objects.filter(reconciliation=version.reconciliation_id, rules_version=version.number, method=MatchMethod.RULE).order_by()
    counted = rows.values_list("pass_id").annotate(made=Count("pk"), undone=Count("undoing"))
    return {pass_id: (made, undone) for pass_id, made, undone in counted}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownGroup:
    """A group of a back-test with its items as they are."""

    pass_name: str
    items: Sequence[Item]
    why: str
    match_id: str

    @property
    def match_short(self) -> str:
        return self.match_id[-6:]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownPass:
    name: str
    same: int
    added: int
    lost: int
    contradicting: int
    suggested: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBacktest:
    """What trying rules said, as people look at it: numbers of each pass, and the first groups that come, go or contradict."""

    since: str
    passes: Sequence[ShownPass]
    added: Sequence[ShownGroup]
    lost: Sequence[ShownGroup]
    contradicting: Sequence[ShownGroup]
    left_to_people: int

    def total(self, what: str) -> int:
        return sum(getattr(one, what) for one in self.passes)

    @property
    def totals(self) -> dict[str, int]:
        return {what: self.total(what) for what in ("same", "added", "lost", "contradicting", "suggested")}


def shown_backtest(version: RulesVersion) -> ShownBacktest | None:
    """Return what the back-test kept with a version said; None if there is none."""
    if not version.backtest:
        return None
    return shown_trial(version.backtest, rules=Rules.from_json(version.definition))


def shown_trial(kept: Mapping[str, Any], *, rules: Rules) -> ShownBacktest:
    """Return a trial's kept form with its items, at a cost that does not grow with their number."""
    names = {one.id: one.name for one in rules.passes}
    ids = sorted({int(item) for groups in kept["groups"].values() for group in groups for item in group["items"]})
    items = items_by_id(ids)
    groups = {
        what: [
            ShownGroup(
                pass_name=names.get(group["pass"], group["pass"] or "a person"),
                items=[items[int(item)] for item in group["items"] if int(item) in items],
                why=group["why"],
                match_id=group["match"],
            )
            for group in found
        ]
        for what, found in kept["groups"].items()
    }
    passes = [
        ShownPass(name=names.get(one["id"], one["id"] or "earlier rules"), **{name: value for name, value in one.items() if name != "id"})
        for one in kept["passes"]
    ]
    return ShownBacktest(since=kept["since"], passes=passes, left_to_people=kept["left_to_people"], **groups)
