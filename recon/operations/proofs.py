"""Defining what is proven, proving it every day, and certifying what was proven."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger import operations as ledger
from ledger.models import Account, Alert, AlertKind, Asset, LegalEntity, OwnerClass, Party
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from recon.chain.values import ZERO_ADDRESS
from recon.models import ChainSource, ProofCertificate, ProofDefinition, ProofKind, ProofOutcome, ProofResult, Source
from recon.proof_queries import proved, says_the_same

CERTIFY_PROOF = "recon.certify_proof"
PROOF_LOCK = 4206
# So many days back a day is looked at again that has no result yet, or lacks something.
LOOKED_BACK = 10
TARGET = "recon.proof"
_KEYS = {
    ProofKind.CUSTOMER_MONEY: {"sources", "programs", "in_transit", "own"},
    ProofKind.RESERVES: {"chain", "liability", "reserve_asset", "freezes_mint"},
}
assert set(_KEYS) == set(ProofKind)


class ProofInvalid(Refusal):
    """The terms name what is not there, or what does not belong together; `field` says which."""

    code = "proof_invalid"
    kind = RefusalKind.INVALID


class ProofRefused(Refusal):
    """The day cannot be proven yet, or the result is certified or no longer the last one."""

    code = "proof_refused"
    kind = RefusalKind.CONFLICT


def define_proof(
    *, code: str, name: str, kind: str, entity: str, asset: str, terms: Mapping[str, Any], starts_on: date, defined_by_id: int
) -> ProofDefinition:
    """Say what is proven every day. The same again returns what is there; other terms are the next version.

    :raises ProofInvalid: naming the field that is wrong.
    """
    with act("recon.proof.defined", target_type=TARGET, target_id=code):
        found = {"entity": LegalEntity.objects.filter(code=entity).first(), "asset": Asset.objects.filter(code=asset).first()}
        for field, value in found.items():
            if value is None:
                raise ProofInvalid(f"there is no such {field}", field=field)
        if kind not in ProofKind.values:
            raise ProofInvalid("a proof is of customer_money or of reserves", field="kind")
        if not code or not name.strip():
            raise ProofInvalid("a proof has a code and a name", field="code" if not code else "name")
        sound = _sound(kind, terms, entity=entity, asset=asset)
        _lock(code)
        last = ProofDefinition.objects.filter(code=code).order_by("-version").first()
        if last is not None and last.kind != kind:
            raise ProofInvalid("another kind of proof is another proof", field="kind")
        said = {"name": name.strip(), "kind": kind, **found, "terms": sound, "starts_on": starts_on}
        if last is not None and all(getattr(last, field) == value for field, value in said.items()):
            return last

        made = ProofDefinition.objects.create(code=code, version=last.version + 1 if last else 1, defined_by_id=defined_by_id, **said)
        record_event(
            "recon.proof.defined", target_type=TARGET, target_id=code, after={"version": made.version, "kind": kind, "terms": sound}
        )
        return made


def _sound(kind: str, terms: Mapping[str, Any], *, entity: str, asset: str) -> dict[str, Any]:
    """Return the terms with every key, in their order.

    :raises ProofInvalid: naming the term that is wrong.
    """
    if unknown := sorted(set(terms) - _KEYS[ProofKind(kind)]):
        raise ProofInvalid(f"there is no term {unknown[0]}", field="terms")
    return (
        _of_customers(terms, entity=entity, asset=asset)
        if kind == ProofKind.CUSTOMER_MONEY
        else _of_reserves(terms, entity=entity, asset=asset)
    )


def _of_customers(terms: Mapping[str, Any], *, entity: str, asset: str) -> dict[str, Any]:
    sound = {name: sorted(set(_codes(terms.get(name, []), field=name))) for name in ("sources", "programs", "in_transit", "own")}
    if not sound["sources"]:
        raise ProofInvalid("name the banks' accounts that hold the money", field="sources")
    sources = Source.objects.filter(code__in=sound["sources"], asset__code=asset, account__entity__code=entity)
    _all_there(sound["sources"], set(sources.values_list("code", flat=True)), field="sources")
    programs = Party.objects.filter(code__in=sound["programs"], kind="program").values_list("code", flat=True)
    _all_there(sound["programs"], set(programs), field="programs")
    for name in ("in_transit", "own"):
        accounts = Account.objects.filter(code__in=sound[name], asset__code=asset, entity__code=entity, is_control=False)
        usable = accounts.exclude(owner_class=OwnerClass.CUSTOMER).exclude(source__code__in=sound["sources"])
        _all_there(sound[name], set(usable.values_list("code", flat=True)), field=name)
    if twice := sorted(set(sound["in_transit"]) & set(sound["own"])):
        raise ProofInvalid(f"account {twice[0]} is named twice", field="own")
    return sound


def _of_reserves(terms: Mapping[str, Any], *, entity: str, asset: str) -> dict[str, Any]:
    sound = {name: str(terms.get(name, "")) for name in ("chain", "liability", "reserve_asset")}
    chain = ChainSource.objects.filter(source__code=sound["chain"], source__asset__code=asset).first()
    if chain is None:
        raise ProofInvalid("name the source that follows this token on its chain", field="chain")
    if ZERO_ADDRESS not in chain.addresses:
        raise ProofInvalid("this source does not see all that is issued: it has to follow the zero address", field="chain")
    accounts = Account.objects.filter(code=sound["liability"], asset__code=asset, entity__code=entity, type="liability", is_control=False)
    if not accounts.exists():
        raise ProofInvalid("name the account of what was issued", field="liability")
    if not Asset.objects.filter(code=sound["reserve_asset"]).exists():
        raise ProofInvalid("there is no such asset", field="reserve_asset")
    return {**sound, "freezes_mint": bool(terms.get("freezes_mint", False))}


def _codes(value: Any, *, field: str) -> list[str]:
    if not isinstance(value, list | tuple) or not all(isinstance(one, str) for one in value):
        raise ProofInvalid("name codes, as a list", field=field)
    return list(value)


def _all_there(wanted: Sequence[str], there: set[str], *, field: str) -> None:
    if missing := sorted(set(wanted) - there):
        raise ProofInvalid(f"{missing[0]} is not there, or does not belong to this entity and asset", field=field)


def prove(*, definition_id: UUID, day: date, made_by_id: int | None = None, known_at: datetime | None = None) -> ProofResult:
    """Prove a day as it is known now and freeze what comes out; where nothing but the instant differs, the last result is returned.

    What fails raises an alert, unless one is open, and freezes minting where the terms say so.

    :raises ProofRefused: for a day that has not ended, or lies before the proof begins.
    """
    definition = ProofDefinition.objects.select_related("entity", "asset").get(pk=definition_id)
    with act("recon.proof.made", target_type=TARGET, target_id=definition.code):
        instant = known_at or database_now()
        if day >= instant.date():
            raise ProofRefused("a day is proven when it has ended", field="day")
        if day < definition.starts_on:
            raise ProofRefused(f"this is proven from {definition.starts_on} on", field="day")
        _lock(definition.code)
        last = ProofResult.objects.filter(definition=definition, day=day).order_by("-n").first()
        made = proved(definition, day=day, known_at=instant)
        if last is not None and says_the_same(last.canonical, made.canonical):
            return last

        result = ProofResult.objects.create(
            definition=definition, day=day, n=last.n + 1 if last else 1, known_at=instant, outcome=made.outcome,
            difference_minor=made.difference_minor, canonical=made.canonical, digest=made.digest, made_by_id=made_by_id,
        )  # fmt: skip
        record_event(
            "recon.proof.made",
            target_type=TARGET,
            target_id=definition.code,
            after={
                "result": str(result.pk), "day": day.isoformat(), "n": result.n, "outcome": made.outcome, "digest": made.digest,
                "difference_minor": None if made.difference_minor is None else str(made.difference_minor),
            },
        )  # fmt: skip
        if result.fails:
            _ring(result)
            _freeze_minting(result)
        return result


def prove_days(*, today: date) -> int:
    """Prove the days that ended and have no result, or lacked something, of every proof in force; returns how many results are new."""
    new = 0
    for definition in ProofDefinition.objects.order_by("code", "-version").distinct("code"):
        known = ProofResult.objects.filter(definition=definition, day__gte=today - timedelta(days=LOOKED_BACK))
        last = {one.day: one.outcome for one in known.order_by("day", "n").defer("canonical")}
        for back in range(LOOKED_BACK, 0, -1):
            day = today - timedelta(days=back)
            if day >= definition.starts_on and last.get(day) in (None, ProofOutcome.INCOMPLETE):
                before = known.count()
                prove(definition_id=definition.pk, day=day)
                new += known.count() - before
    return new


def _ring(result: ProofResult) -> None:
    definition = result.definition
    if Alert.objects.filter(kind=AlertKind.PROOF, seen_to_at=None, detail__proof=definition.code).exists():
        return
    code = definition.terms.get("liability")
    account = Account.objects.filter(Q(code=code) if code else Q(source__code=definition.terms["sources"][0])).first()
    sentence = f"{definition.name} of {result.day}: {result.get_outcome_display().lower()}"
    alert = Alert.objects.create(
        kind=AlertKind.PROOF, account=account, detail={"proof": definition.code, "result": str(result.pk), "sentence": sentence}
    )
    record_event("recon.proof.alerted", target_type=TARGET, target_id=definition.code, reason=sentence, after={"alert": str(alert.pk)})


def _freeze_minting(result: ProofResult) -> None:
    """Stop what would issue more: credits of the account of what was issued. Redeeming goes on, and two people release it."""
    terms = result.definition.terms
    if not terms.get("freezes_mint"):
        return
    account = Account.objects.select_for_update(no_key=True, of=("self",)).get(code=terms["liability"])
    if account.balance.credits_frozen:
        return
    ledger.change_account(account=account, changes={"credits_frozen": True})
    reason = f"{result.definition.name} of {result.day} fails"
    record_event(
        "ledger.account.frozen", target_type="ledger.account", target_id=account.code, reason=reason, after={"credits_frozen": True}
    )


def _lock(code: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, hashtext(%s))", [PROOF_LOCK, code])


# Certifying


def propose_certificate(*, result_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Say that a result is right as it stands, for somebody else to certify.

    :raises ProofRefused: if it does not hold, is certified, or a later one of its day is there.
    """
    payload = {"result": str(result_id), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=CERTIFY_PROOF, payload=payload, maker_id=maker_id)


def check_certificate(*, payload: Mapping[str, Any]) -> Command:
    """Understand the proposal against the present state.

    :raises ProofRefused: if the result does not hold, is certified, or a later one of its day is there.
    """
    result = _certifiable(UUID(payload["result"]))
    definition = result.definition
    return Command(
        payload={**payload, "digest": result.digest, "day": result.day.isoformat(), "proof": definition.code},
        title=f"Certify {definition.name} of {result.day}",
        scope=scope_of(definition),
        target_type="recon.proof_result",
        target_id=str(result.pk),
        locked_object=f"recon.proof:{definition.code}:{result.day}",
        preconditions={"digest": result.digest},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def certify(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> ProofCertificate:
    """Certify the approved result.

    :raises PreconditionChanged: if a later result of its day is there meanwhile.
    """
    try:
        result = _certifiable(UUID(payload["result"]))
    except ProofRefused as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    if result.digest != preconditions["digest"]:
        raise PreconditionChanged("the proof is no longer the one that was prepared")
    maker_id = Proposal.objects.values_list("maker_id", flat=True).get(pk=proposal_id)
    made = ProofCertificate.objects.create(
        result=result, digest=result.digest, proposal_id=proposal_id, prepared_by_id=maker_id, certified_by_id=checker_id
    )
    record_event(
        "recon.proof.certified",
        target_type=TARGET,
        target_id=result.definition.code,
        after={"result": str(result.pk), "day": result.day.isoformat(), "digest": result.digest},
        proposal_id=proposal_id,
    )
    return made


def scope_of(definition: ProofDefinition) -> str:
    return f"ledger.entity:{definition.entity.code}"


def _certifiable(result_id: UUID) -> ProofResult:
    result = ProofResult.objects.select_related("definition__entity").get(pk=result_id)
    _lock(result.definition.code)
    if ProofCertificate.objects.filter(result=result).exists():
        raise ProofRefused("this proof is certified already", field="result")
    if not result.holds:
        raise ProofRefused("what does not hold is not certified", field="result")
    if ProofResult.objects.filter(definition__code=result.definition.code, day=result.day, made_at__gt=result.made_at).exists():
        raise ProofRefused("a later proof of this day is there", field="result")
    return result
