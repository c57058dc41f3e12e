"""Adjustments, posted once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.accounting import DEBIT
from ledger.queries import assets
from recon import queries
from recon.operations import adjustments, corrections


class AdjustmentHandler:
    """Carries out `recon.post_adjustment`."""

    kind = adjustments.ADJUSTMENT
    label = "Adjustment"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return adjustments.check_adjustment(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        corrections.hold_break(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        corrections.release_break(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        adjustments.post_adjustment(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        return queries.adjustment_review(payload=payload, executed=executed, proposal_id=proposal_id)

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        scales = dict(assets().values_list("code", "scale"))
        return [_amount_of(payload["entry"], scales=scales) for payload in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        # Kept with the person as their permissions are: every page of proposals asks it, and every count of them.
        kept: list[str] | None = user.__dict__.get("source_scopes")
        if kept is None:
            kept = [corrections.scope_of(source_id=pk) for pk in queries.sources_for(user).order_by().values_list("pk", flat=True)]
            user.__dict__["source_scopes"] = kept
        return kept


def _amount_of(entry: Mapping[str, Any], *, scales: Mapping[str, int]) -> Amount:
    debits = [line for line in entry["lines"] if line["direction"] == DEBIT]
    asset = debits[0]["asset"]
    return Amount(minor=sum(int(line["amount"]) for line in debits), asset=asset, scale=scales[asset])


ADJUSTMENT_HANDLER = AdjustmentHandler()
