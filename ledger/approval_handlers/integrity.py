"""Rebuilding of derived figures, carried out once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import Account, IntegrityFinding
from ledger.operations import rebuilding
from ledger.queries import entity_codes_for
from ledger.queries.integrity import derived_figures
from ledger.queries.journals import scope_of

FINDINGS_SHOWN = 10


class RebuildHandler:
    """Carries out `ledger.rebuild_derived`."""

    kind = rebuilding.REBUILD
    label = "Rebuild of figures"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return rebuilding.check_rebuild(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: the account may go on posting where nothing stops it."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        rebuilding.rebuild_derived(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        account = Account.objects.select_related("asset").get(code=payload["account"])
        figures = derived_figures(account)
        differs = any(figure.difference for figure in figures)
        findings = IntegrityFinding.objects.filter(account=account, resolved_at=None).order_by("-id")[:FINDINGS_SHOWN]
        checks = (
            ((not differs, "The figures are what the postings say", "ledger"),)
            if executed
            else ((differs, "The figures differ from what the postings say", "ledger"),)
        )
        return Review(
            template="ledger/reviews/rebuild.html",
            context={"account": account, "figures": figures, "findings": list(findings), "executed": executed},
            checks=checks,
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return [scope_of(code) for code in entity_codes_for(user)]


HANDLERS = (RebuildHandler(),)
