"""Reading and making proofs. A proof is a function of its definition, a day and an instant: the same three give the same bytes."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet

from approvals.canonical import canonical_json, digest_of
from ledger.models import Asset
from ledger.queries import entities_for
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import ProofDefinition, ProofKind, ProofOutcome, ProofResult
from recon.proof_queries.customer_money import customer_money
from recon.proof_queries.reserves import reserves
from recon.queries import sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

DAYS_SHOWN = 10
CHANGES_SHOWN = 40
# What differs between two results of the same facts.
_WHEN = "known_at"


class ProofNotFound(Refusal):
    code = "proof_not_found"
    kind = RefusalKind.NOT_FOUND


@dataclass(frozen=True, slots=True, kw_only=True)
class Proved:
    """A proof that is not stored yet."""

    outcome: ProofOutcome
    difference_minor: int | None
    canonical: str

    @property
    def digest(self) -> str:
        return digest_of(self.canonical)


_MAKERS: Mapping[str, Callable[..., tuple[dict[str, Any], ProofOutcome, int | None]]] = {
    ProofKind.CUSTOMER_MONEY: customer_money,
    ProofKind.RESERVES: reserves,
}
assert set(_MAKERS) == set(ProofKind)


def proved(definition: ProofDefinition, *, day: date, known_at: datetime) -> Proved:
    """Return the proof of a day as it was known at an instant; the caller has read its definition with entity and asset."""
    content, outcome, difference = _MAKERS[definition.kind](definition, day=day, known_at=known_at)
    whole = {
        **content,
        "asset": definition.asset.code,
        "code": definition.code,
        "day": day.isoformat(),
        "entity": definition.entity.code,
        "kind": definition.kind,
        _WHEN: known_at.astimezone(UTC).isoformat(),
        "outcome": outcome.value,
        "scale": definition.asset.scale,
        "terms": definition.terms,
        "version": definition.version,
    }
    return Proved(outcome=outcome, difference_minor=difference, canonical=canonical_json(whole))


def says_the_same(one: str, other: str) -> bool:
    """Return whether two canonical proofs differ in nothing but when they were known."""
    return _facts(one) == _facts(other)


def _facts(canonical: str) -> dict[str, Any]:
    return {name: value for name, value in json.loads(canonical).items() if name != _WHEN}


def replays(result: ProofResult) -> bool:
    """Return whether proving the day again, as it was known then, gives the same bytes."""
    definition = ProofDefinition.objects.select_related("entity", "asset").get(pk=result.definition_id)
    return proved(definition, day=result.day, known_at=result.known_at).canonical == result.canonical


def content_of(result: ProofResult) -> dict[str, Any]:
    """Return what a result says."""
    return dict(json.loads(result.canonical))


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One value of a proof that a later result has otherwise; a missing one is None."""

    path: str
    before: str | None
    after: str | None


def changes_between(earlier: ProofResult, later: ProofResult) -> list[Change]:
    """Return what a later result of the same day says otherwise."""
    before, after = dict(_leaves(_facts(earlier.canonical))), dict(_leaves(_facts(later.canonical)))
    paths = [path for path in sorted({*before, *after}) if before.get(path) != after.get(path)]
    return [Change(path=path, before=before.get(path), after=after.get(path)) for path in paths[:CHANGES_SHOWN]]


def _leaves(value: Any, path: str = "") -> Iterable[tuple[str, str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, f"{path}.{name}" if path else name)
    elif isinstance(value, list):
        for n, inner in enumerate(value):
            yield from _leaves(inner, f"{path}[{_name_of(inner, n)}]")
    else:
        yield path, "" if value is None else str(value)


def _name_of(value: Any, n: int) -> str:
    """Return what a member of a list goes by, so that one that is added does not move the others."""
    if isinstance(value, dict):
        for name in ("place", "account", "source", "program", "class", "action"):
            if value.get(name):
                return str(value[name])
    return str(n)


def definitions_for(user: "AbstractUser") -> list[ProofDefinition]:
    """Return the definitions in force whose entity and sources this user sees, by code."""
    newest = ProofDefinition.objects.filter(entity__in=entities_for(user).order_by().values("pk")).order_by("code", "-version")
    seen = set(sources_for(user).values_list("code", flat=True))
    chosen = newest.distinct("code").select_related("entity", "asset", "defined_by")
    return [one for one in chosen if source_codes(one.terms) <= seen]


def source_codes(terms: Mapping[str, Any]) -> set[str]:
    """Return the sources that the terms of a proof name."""
    return {*terms.get("sources", []), *([terms["chain"]] if "chain" in terms else [])}


def definition_for(user: "AbstractUser", *, code: str) -> ProofDefinition:
    """Return one definition in force.

    :raises ProofNotFound: if it is not there for this user.
    """
    found = next((one for one in definitions_for(user) if one.code == code), None)
    if found is None:
        raise ProofNotFound("there is no such proof in your scope")
    return found


def results_of(definition: ProofDefinition) -> QuerySet[ProofResult]:
    """Return the results of every version of a proof, the latest day first and of a day the latest first."""
    of_code = ProofResult.objects.filter(definition__code=definition.code)
    around = ("definition__asset", "definition__entity", "made_by", "certificate__prepared_by", "certificate__certified_by")
    return of_code.select_related(*around).order_by("-day", "-made_at")


def result_for(user: "AbstractUser", *, result_id: UUID) -> ProofResult:
    """Return one result.

    :raises ProofNotFound: if it is not there for this user.
    """
    codes = [one.code for one in definitions_for(user)]
    around = ("definition__asset", "definition__entity")
    found = ProofResult.objects.filter(pk=result_id, definition__code__in=codes).select_related(*around).first()
    if found is None:
        raise ProofNotFound("there is no such proof in your scope")
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofDay:
    """A day of a proof with its latest result; None where it has not been proven."""

    day: date
    result: ProofResult | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProofRow:
    """A proof with its latest result and how its last days went, first to last. A difference is in the asset that covers."""

    definition: ProofDefinition
    latest: ProofResult | None
    days: Sequence[ProofDay]
    difference_scale: int


def proofs_for(user: "AbstractUser", *, today: date) -> list[ProofRow]:
    """Return every proof in force with its last days, up to yesterday."""
    definitions = definitions_for(user)
    days = [today - timedelta(days=n) for n in range(DAYS_SHOWN, 0, -1)]
    found = ProofResult.objects.filter(definition__code__in=[one.code for one in definitions]).defer("canonical")
    newest = found.select_related("definition").order_by("definition__code", "-day", "-made_at").distinct("definition__code")
    latest = {one.definition.code: one for one in newest}
    recent = found.filter(day__gte=days[0]).select_related("definition").order_by("definition__code", "day", "-made_at")
    of_day = {(one.definition.code, one.day): one for one in recent.distinct("definition__code", "day")}
    scales = dict(Asset.objects.filter(code__in=[one.terms.get("reserve_asset", "") for one in definitions]).values_list("code", "scale"))
    return [
        ProofRow(
            definition=one,
            difference_scale=scales.get(one.terms.get("reserve_asset", ""), one.asset.scale),
            latest=latest.get(one.code),
            days=[ProofDay(day=day, result=of_day.get((one.code, day))) for day in days],
        )
        for one in definitions
    ]
