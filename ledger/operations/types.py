"""Changing a transaction type's posting rules once books exist: by proposal."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledger.accounting import CREDIT, DEBIT
from ledger.models import Origin, OwnerClass, TransactionType
from ledger.operations.chart import CODE, TypeRefused
from ledger.registry import Leg, TypeTerms
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of

DEFINE_TYPE = "ledger.define_type"
# Rules are of every entity, so whoever may read them may see what is proposed about them.
TYPES_SCOPE = "ledger.types"
_FLAGS = ("external", "reversible", "mirrors", "settles", "multi_capture", "in_soft_lock")
_DERIVED = {"roles", "required_roles"}
_FIELDS = {"code", "name", "origin", "legs", "parameters", "backdating_days", *_FLAGS}


class TermsRefused(Refusal):
    """The terms of a type are not sound; `field` says where."""

    code = "transaction_type_terms_refused"
    kind = RefusalKind.INVALID


def propose_type(*, terms: Mapping[str, Any], reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask for a new transaction type or the next version of one; `terms` are as `TypeTerms.as_json` writes them.

    :raises TermsRefused: naming the field.
    :raises Refusal: whatever a proposal is refused for.
    """
    payload = {"changes": terms_from_json(terms).as_json(), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=DEFINE_TYPE, payload=payload, maker_id=maker_id)


def check_type_change(*, payload: Mapping[str, Any]) -> Command:
    """Understand a change of a type against its current version.

    :raises TermsRefused: naming the field.
    :raises TypeRefused: if these are the current rules already.
    """
    terms = terms_from_json(payload["changes"])
    said = terms.as_json()
    current = TransactionType.objects.filter(code=terms.code, current=True).first()
    if current is not None and all(getattr(current, name) == value for name, value in said.items()):
        raise TypeRefused(f"these are the rules of {terms.code} already", field="terms")
    return Command(
        payload={**payload, "changes": said},
        title=f"{terms.name}: {'new type' if current is None else f'version {current.version + 1} of its rules'}",
        scope=TYPES_SCOPE,
        target_type="ledger.transaction_type",
        target_id=terms.code,
        locked_object=f"ledger.transaction_type:{terms.code}",
        preconditions={"version": current.version if current else 0},
        reason_code=str(payload.get("reason_code", "")),
        narrative=str(payload.get("narrative", "")),
    )


def carry_out_type_change(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> TransactionType:
    """Register what was proposed, if the type is still as its maker saw it.

    :raises PreconditionChanged: if it has another version by now.
    :raises TypeRefused: if the proposal did not ask for exactly these terms.
    """
    code = payload["changes"]["code"]
    current = TransactionType.objects.filter(code=code, current=True).first()
    if (current.version if current else 0) != preconditions["version"]:
        raise PreconditionChanged(f"the rules of {code} have changed since this was proposed")
    return apply_type_change(terms=payload["changes"], proposal_id=proposal_id)


def apply_type_change(*, terms: Mapping[str, Any], proposal_id: UUID) -> TransactionType:
    """Register the next version of a type inside the caller's transaction, on the authority of its executed proposal.

    :raises TypeRefused: if the proposal did not ask for exactly these terms.
    """
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT ledger_define_type_v1(%s::jsonb, %s)", [json.dumps(dict(terms)), str(proposal_id)])
            (type_id,) = cursor.fetchone()
    except IntegrityError as error:
        if constraint_of(error) != "ledger_type_change_is_approved":
            raise
        raise TypeRefused(f"the rules of {terms['code']} change by an approved proposal", field="type") from error
    created = TransactionType.objects.get(pk=type_id)
    record_event(
        "ledger.transaction_type.defined",
        target_type="ledger.transaction_type",
        target_id=created.code,
        after={"version": created.version, **terms},
        proposal_id=proposal_id,
    )
    return created


def terms_from_json(said: Mapping[str, Any]) -> TypeTerms:
    """Return the terms that a JSON object says; what is derived from the legs may be left out and is worked out anew.

    :raises TermsRefused: naming the field.
    """
    for name in said:
        if name not in _FIELDS | _DERIVED:
            raise TermsRefused("there is no such field", field=name)
    if not isinstance(said.get("code"), str) or not CODE.fullmatch(said["code"].replace("_", "-")):
        raise TermsRefused("a code has letters, digits, dots, hyphens and underscores, at most 40", field="code")
    if not isinstance(said.get("name"), str) or not 0 < len(said["name"].strip()) <= 100:
        raise TermsRefused("a type has a name of at most 100 characters", field="name")
    if said.get("origin", Origin.RULE) not in Origin.values:
        raise TermsRefused(f"an origin is one of {', '.join(Origin.values)}", field="origin")
    for name in _FLAGS:
        if not isinstance(said.get(name, False), bool):
            raise TermsRefused("say true or false", field=name)
    days = said.get("backdating_days")
    if days is not None and (type(days) is not int or not 0 <= days <= 36_500):
        raise TermsRefused("a number of days, or null for no limit", field="backdating_days")
    evidence = said.get("parameters", [])
    if not isinstance(evidence, list) or any(not isinstance(name, str) or not name.isidentifier() for name in evidence):
        raise TermsRefused("a list of names", field="parameters")
    flags = {name: said[name] for name in _FLAGS if name in said}
    return TypeTerms(
        code=said["code"], name=said["name"].strip(), legs=_legs(said.get("legs")), origin=said.get("origin", "rule"),
        evidence=tuple(evidence), backdating_days=days, **flags,
    )  # fmt: skip


def _legs(said: Any) -> list[Leg]:
    if not isinstance(said, list) or not 1 <= len(said) <= 50:
        raise TermsRefused("a rule has 1 to 50 legs", field="legs")
    legs = []
    for number, leg in enumerate(said, start=1):
        place = f"legs[{number}]"
        if not isinstance(leg, Mapping) or set(leg) - {"role", "direction", "classes", "account", "amount", "optional"}:
            raise TermsRefused("a leg has role, direction, classes, account, amount and optional", field=place)
        if leg.get("direction") not in (DEBIT, CREDIT):
            raise TermsRefused("a leg is a debit or a credit", field=f"{place}.direction")
        classes = leg.get("classes")
        if not isinstance(classes, list) or not classes or set(classes) - set(OwnerClass.values):
            raise TermsRefused(f"classes are of {', '.join(OwnerClass.values)}", field=f"{place}.classes")
        for name in ("role", "account", "amount"):
            if (
                not isinstance(leg.get(name, "amount" if name == "amount" else None), str)
                or not str(leg.get(name, "amount")).isidentifier()
            ):
                raise TermsRefused("a name of letters, digits and underscores", field=f"{place}.{name}")
        if not isinstance(leg.get("optional", False), bool):
            raise TermsRefused("say true or false", field=f"{place}.optional")
        legs.append(Leg(**{**leg, "classes": tuple(classes)}))
    return legs
