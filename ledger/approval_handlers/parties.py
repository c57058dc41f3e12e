"""Accounts outside of the books and changes of parties, carried out once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import ExternalAccountKind, OwnershipCapacity
from ledger.operations import parties
from ledger.queries import entity_codes_for
from ledger.queries.parties import party_named


class _PartyHandler:
    """What both kinds have in common: they are worth no amount and lie in the scope of everybody who sees parties."""

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None] * len(payloads)

    def scopes_for(self, *, user: User) -> Collection[str]:
        return [parties.SCOPE] if entity_codes_for(user) else []


class ExternalAccountHandler(_PartyHandler):
    """Carries out `ledger.allow_external_account`."""

    kind = parties.ALLOW_EXTERNAL_ACCOUNT
    label = "External account"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return parties.check_external_account(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        parties.hold_external_account(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        parties.release_external_account(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        parties.allow_external_account(payload=payload, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        party = party_named(payload["party"])
        shown = {**payload, "kind": ExternalAccountKind(payload["kind"]).label}
        others = [one for one in party.external_accounts.select_related("asset") if str(one.pk) != payload["external_account"]]
        return Review(
            template="ledger/reviews/external_account.html",
            context={"party": party, "asked": shown, "others": others},
            checks=((party.status == "active", "The party is active", "party"),),
        )


class PartyChangeHandler(_PartyHandler):
    """Carries out `ledger.change_party`."""

    kind = parties.CHANGE_PARTY
    label = "Party"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return parties.check_party_change(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: whoever is faster makes the other proposal stale."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        parties.carry_out_party_change(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        party = party_named(payload["party"])
        now = parties.party_values(party)
        rows = [
            {"word": name, "before": "" if executed else _said(name, now[name]), "after": _said(name, wanted)}
            for name, wanted in payload["changes"].items()
        ]
        return Review(template="ledger/reviews/party.html", context={"party": party, "rows": rows, "executed": executed})


def _said(name: str, value: Any) -> str:
    if name != "owners":
        return str(value or "none")
    words = [f"{one['owner']} {one['share_basis_points'] / 100:g} % ({OwnershipCapacity(one['capacity']).label.lower()})" for one in value]
    return ", ".join(words) or "none"


HANDLERS = (ExternalAccountHandler(), PartyChangeHandler())
