"""Parties, whose money it is, and the accounts outside of the books that it may go to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any
from uuid import UUID, uuid4

from django.db import IntegrityError, transaction

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledger.models import (
    Account,
    Asset,
    BeneficialOwnership,
    ExternalAccount,
    ExternalAccountStatus,
    OwnershipCapacity,
    Party,
    PartyDetails,
    PartyKind,
    PartyStatus,
)
from ledger.party_rules import normal_identifier, wrong_owners, wrong_servicer
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now

ALLOW_EXTERNAL_ACCOUNT = "ledger.allow_external_account"
CHANGE_PARTY = "ledger.change_party"
SCOPE = "ledger.parties"
CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,39}", re.ASCII)


class PartyInvalid(Refusal):
    code = "party_invalid"
    kind = RefusalKind.INVALID


class PartyConflict(Refusal):
    code = "party_conflict"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Details:
    """A party's personal data; the trail says which of it changed, never what it is."""

    name: str
    address: str = ""
    country: str = ""
    state: str = ""
    tax_number: str = ""
    born_on: date | None = None


def add_party(*, code: str, kind: str, details: Details, program: str | None = None) -> Party:
    """Add a party; the same code and kind again returns it.

    :raises PartyInvalid: naming the field.
    :raises PartyConflict: if the code belongs to a party of another kind.
    """
    with act("ledger.party.added", target_type="ledger.party", target_id=code):
        if not CODE.fullmatch(code):
            raise PartyInvalid("a party's code has letters, digits, dots and hyphens, at most 40", field="code")
        if kind not in PartyKind.values:
            raise PartyInvalid(f"there is no kind of party {kind}", field="kind")
        _check_details(details)
        existing = Party.objects.filter(code=code).first()
        if existing is not None:
            if existing.kind != kind:
                raise PartyConflict(f"{code} is a {existing.get_kind_display().lower()}", field="code")
            return existing
        party = Party.objects.create(code=code, kind=kind, program=_program(program))
        PartyDetails.objects.create(party=party, **asdict(details))
        record_event("ledger.party.added", target_type="ledger.party", target_id=code, after={"kind": kind, "program": program})
        return party


def change_details(*, party_id: int, details: Details) -> None:
    """Change a party's personal data.

    :raises PartyInvalid: naming the field.
    """
    party = Party.objects.get(pk=party_id)
    with act("ledger.party.details_changed", target_type="ledger.party", target_id=party.code):
        _check_details(details)
        kept, _ = PartyDetails.objects.select_for_update().get_or_create(party=party, defaults=asdict(details))
        changed = [name for name, value in asdict(details).items() if getattr(kept, name) != value]
        for name in changed:
            setattr(kept, name, getattr(details, name))
        if changed:
            kept.save(update_fields=changed)
            record_event("ledger.party.details_changed", target_type="ledger.party", target_id=party.code, after={"fields": changed})


def erase_details(*, party_id: int, reason: str) -> None:
    """Erase the personal data of a party that is closed; the books never carried it.

    :raises PartyConflict: if the party is active.
    """
    party = Party.objects.get(pk=party_id)
    with act("ledger.party.details_erased", target_type="ledger.party", target_id=party.code):
        if party.status != PartyStatus.CLOSED:
            raise PartyConflict("personal data is erased once the party is closed", field="status")
        PartyDetails.objects.filter(party=party).delete()
        record_event("ledger.party.details_erased", target_type="ledger.party", target_id=party.code, reason=reason)


def record_details_read(*, party: Party) -> None:
    """Put on the trail that somebody looked at a party's personal data."""
    with act("ledger.party.details_read", target_type="ledger.party", target_id=party.code):
        record_event("ledger.party.details_read", target_type="ledger.party", target_id=party.code)


def link_account(*, account_id: int, party_id: int) -> None:
    """Say whose money an account holds; said once, it stays unless it was wrong and nothing was posted.

    :raises PartyConflict: if the account is another party's and has been posted to.
    """
    account, party = Account.objects.select_related("balance").get(pk=account_id), Party.objects.get(pk=party_id)
    with act("ledger.party.account_linked", target_type="ledger.party", target_id=party.code):
        if account.party_id == party.pk:
            return
        if account.party_id is not None and account.balance.version:
            raise PartyConflict(f"account {account.code} holds another party's money", field="account")
        Account.objects.filter(pk=account.pk).update(party=party)
        record_event("ledger.party.account_linked", target_type="ledger.party", target_id=party.code, after={"account": account.code})


# Accounts outside of the books


def propose_external_account(
    *, party: str, kind: str, asset: str, identifier: str, servicer: str, label: str, reason_code: str, narrative: str, maker_id: int
) -> Proposal:
    """Ask that a party's money may go to a bank account or wallet; it may once somebody else has agreed.

    :raises Refusal: naming the field, or that it is listed already.
    """
    payload = {
        "external_account": str(uuid4()), "party": party, "kind": kind, "asset": asset, "identifier": identifier,
        "servicer": servicer.strip(),
        "label": label.strip(), "reason_code": reason_code, "narrative": narrative.strip(),
    }  # fmt: skip
    return approvals.submit(kind=ALLOW_EXTERNAL_ACCOUNT, payload=payload, maker_id=maker_id)


def check_external_account(*, payload: Mapping[str, Any]) -> Command:
    """Understand which account outside is meant.

    :raises PartyInvalid, PartyConflict: naming the field.
    """
    party = _party(payload["party"])
    if payload["kind"] not in ("bank", "wallet"):
        raise PartyInvalid("a bank account or a wallet", field="kind")
    asset = Asset.objects.filter(code=payload["asset"]).first()
    if asset is None:
        raise PartyInvalid(f"there is no asset {payload['asset']}", field="asset")
    identifier, wrong = normal_identifier(kind=payload["kind"], identifier=payload["identifier"])
    if wrong:
        raise PartyInvalid(wrong, field="identifier")
    if wrong := wrong_servicer(kind=payload["kind"], servicer=payload["servicer"]):
        raise PartyInvalid(wrong, field="servicer")
    listed = ExternalAccount.objects.filter(party=party, kind=payload["kind"], asset=asset, identifier=identifier)
    if listed.exclude(status=ExternalAccountStatus.REVOKED).exclude(pk=payload["external_account"]).exists():
        raise PartyConflict(f"{party.code} has this account on its list", field="identifier")
    return Command(
        payload={**payload, "identifier": identifier},
        title=f"Allow payments of {party.code} to {_short(identifier)} in {asset.code}",
        scope=SCOPE,
        target_type="ledger.external_account",
        target_id=payload["external_account"],
        locked_object=f"ledger.external_account:{payload['external_account']}",
        preconditions={"party": party.status},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def hold_external_account(*, payload: Mapping[str, Any]) -> None:
    """List the account as proposed, so that it cannot be proposed twice.

    :raises PartyConflict: if somebody listed it at the same moment.
    """
    party, asset = _party(payload["party"]), Asset.objects.get(code=payload["asset"])
    values = {name: payload[name] for name in ("kind", "identifier", "servicer", "label")}
    try:
        with transaction.atomic():
            ExternalAccount.objects.get_or_create(pk=UUID(payload["external_account"]), defaults={"party": party, "asset": asset, **values})
    except IntegrityError as error:
        if constraint_of(error) != "ledger_external_account_is_listed_once":
            raise
        raise PartyConflict(f"{party.code} has this account on its list", field="identifier") from error


def release_external_account(*, payload: Mapping[str, Any]) -> None:
    """Take a proposed account off the list after its proposal ended without being carried out."""
    ExternalAccount.objects.filter(pk=payload["external_account"], status=ExternalAccountStatus.PROPOSED).update(
        status=ExternalAccountStatus.REVOKED, revoked_at=database_now()
    )


def allow_external_account(*, payload: Mapping[str, Any], proposal_id: UUID) -> None:
    """Let money go to an account, inside the caller's transaction.

    :raises PreconditionChanged: if the party was closed or the account taken off the list.
    """
    external = ExternalAccount.objects.select_for_update().select_related("party").get(pk=payload["external_account"])
    if external.party.status != PartyStatus.ACTIVE or external.status != ExternalAccountStatus.PROPOSED:
        raise PreconditionChanged("the party was closed, or the account was taken off its list")
    external.status, external.proposal_id, external.allowed_at = ExternalAccountStatus.ALLOWED, proposal_id, database_now()
    external.save(update_fields=["status", "proposal_id", "allowed_at"])
    record_event(
        "ledger.external_account.allowed",
        target_type="ledger.external_account",
        target_id=external.pk,
        reason=payload["reason_code"],
        after={"party": external.party.code, "kind": external.kind, "identifier": _short(external.identifier)},
        proposal_id=proposal_id,
    )


def revoke_external_account(*, external_account_id: UUID, reason: str) -> ExternalAccount:
    """Stop an account outside at once: one person is enough to stop, two are needed to allow. Stopping it again changes nothing.

    :raises PartyInvalid: if no reason is given.
    """
    with act("ledger.external_account.revoked", target_type="ledger.external_account", target_id=external_account_id):
        if len(reason.strip()) < 10:
            raise PartyInvalid("say why in at least 10 characters", field="reason")
        external = ExternalAccount.objects.select_for_update().get(pk=external_account_id)
        if external.status == ExternalAccountStatus.REVOKED:
            return external
        if external.status == ExternalAccountStatus.PROPOSED:
            raise PartyConflict("this account waits for approval; withdraw or reject its proposal", field="status")
        external.status, external.revoked_at = ExternalAccountStatus.REVOKED, database_now()
        external.save(update_fields=["status", "revoked_at"])
        record_event("ledger.external_account.revoked", target_type="ledger.external_account", target_id=external.pk, reason=reason.strip())
        return external


# Owners, program, status


def propose_party_change(*, party: str, changes: Mapping[str, Any], reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask for a change of a party: `owners` (list of owner, share_basis_points, capacity), `program` (code or null), `status`.

    :raises Refusal: naming the field.
    """
    payload = {"party": party, "changes": dict(changes), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=CHANGE_PARTY, payload=payload, maker_id=maker_id)


def check_party_change(*, payload: Mapping[str, Any]) -> Command:
    """Understand a change against the party as it is.

    :raises PartyInvalid, PartyConflict: naming the field.
    """
    party = _party(payload["party"], closed_too=True)
    now = party_values(party)
    if unknown := sorted(set(payload["changes"]) - set(now)):
        raise PartyInvalid(f"there is no {unknown[0]} to change", field=unknown[0])
    changes = {name: wanted for name, wanted in payload["changes"].items() if wanted != now[name]}
    if not changes:
        raise PartyInvalid(f"{party.code} is like that already: nothing would change")
    if "owners" in changes:
        _check_owners(party, owners=changes["owners"])
    if "program" in changes:
        _program(changes["program"])
    if changes.get("status") == PartyStatus.CLOSED:
        if Account.objects.filter(party=party, status="open").exists():
            raise PartyConflict("the party has open accounts", field="status")
    elif changes.get("status", PartyStatus.ACTIVE) != PartyStatus.ACTIVE:
        raise PartyInvalid("a party is active or closed", field="status")
    return Command(
        payload={**payload, "changes": changes},
        title=f"Change the {' and '.join(changes)} of {party.code}",
        scope=SCOPE,
        target_type="ledger.party",
        target_id=party.code,
        locked_object=f"ledger.party:{party.code}",
        preconditions={"values": {name: now[name] for name in changes}},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def carry_out_party_change(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Make an approved change of a party, inside the caller's transaction.

    :raises PreconditionChanged: if what it replaces is another by now.
    """
    party = Party.objects.select_for_update().get(code=payload["party"])
    now = party_values(party)
    for name, was in preconditions["values"].items():
        if now[name] != was:
            raise PreconditionChanged(f"the {name} of {party.code} have been changed since this was proposed")
    changes = payload["changes"]
    if "owners" in changes:
        today = database_now().date()
        BeneficialOwnership.objects.filter(customer=party, until_on__isnull=True).update(until_on=today)
        for one in changes["owners"]:
            owner = Party.objects.get(code=one["owner"])
            BeneficialOwnership.objects.create(
                customer=party, owner=owner, share_basis_points=one["share_basis_points"], capacity=one["capacity"], since_on=today
            )
    party.program = _program(changes["program"]) if "program" in changes else party.program
    party.status = changes.get("status", party.status)
    party.save(update_fields=["program", "status"])
    record_event(
        "ledger.party.changed",
        target_type="ledger.party",
        target_id=party.code,
        reason=payload["reason_code"],
        before=preconditions["values"],
        after=changes,
        proposal_id=proposal_id,
    )


def party_values(party: Party) -> dict[str, Any]:
    """Return what a proposal may change of a party, as it is now."""
    owners = (
        BeneficialOwnership.objects.filter(customer=party, until_on__isnull=True)
        .select_related("owner")
        .order_by("owner__code", "capacity")
    )
    return {
        "owners": [{"owner": o.owner.code, "share_basis_points": o.share_basis_points, "capacity": o.capacity} for o in owners],
        "program": party.program.code if party.program else None,
        "status": str(party.status),
    }


def _check_owners(party: Party, *, owners: Sequence[Mapping[str, Any]]) -> None:
    if wrong := wrong_owners(owners):
        raise PartyInvalid(wrong, field="owners")
    known = set(Party.objects.filter(code__in=[one["owner"] for one in owners], status=PartyStatus.ACTIVE).values_list("code", flat=True))
    for number, one in enumerate(owners, start=1):
        if one["owner"] not in known or one["owner"] == party.code:
            raise PartyInvalid(f"owner {number}: there is no other active party {one['owner']}", field=f"owners[{number}].owner")
        if one["capacity"] not in OwnershipCapacity.values:
            raise PartyInvalid(f"owner {number}: there is no capacity {one['capacity']}", field=f"owners[{number}].capacity")


def _check_details(details: Details) -> None:
    if not details.name.strip() or len(details.name) > 140:
        raise PartyInvalid("a party has a name of at most 140 characters", field="name")
    if details.country and not re.fullmatch(r"[A-Z]{2}", details.country):
        raise PartyInvalid("a country is its two letters", field="country")
    if details.state and not re.fullmatch(r"[A-Z0-9]{1,3}", details.state):
        raise PartyInvalid("a state is its one to three letters", field="state")


def _party(code: str, *, closed_too: bool = False) -> Party:
    party = Party.objects.filter(code=code).first()
    if party is None or (party.status != PartyStatus.ACTIVE and not closed_too):
        raise PartyInvalid(f"there is no active party {code}", field="party")
    return party


def _program(code: str | None) -> Party | None:
    if not code:
        return None
    program = Party.objects.filter(code=code, kind=PartyKind.PROGRAM, status=PartyStatus.ACTIVE).first()
    if program is None:
        raise PartyInvalid(f"there is no program {code}", field="program")
    return program


def _short(identifier: str) -> str:
    """Return enough of an identifier to recognise it, for titles and the trail."""
    return identifier if len(identifier) <= 12 else f"{identifier[:6]}…{identifier[-4:]}"
