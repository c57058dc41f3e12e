"""Adapters from proposal kinds to this app's operations."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Command, Review
from recon import queries
from recon.operations import adjustments


class AdjustmentHandler:
    """Carries out `recon.post_adjustment`."""

    kind = adjustments.ADJUSTMENT
    label = "Adjustment"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return adjustments.check_adjustment(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        adjustments.hold_break(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        adjustments.release_break(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        adjustments.post_adjustment(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        return queries.adjustment_review(payload=payload, executed=executed, proposal_id=proposal_id)

    def scopes_for(self, *, user: User) -> Collection[str]:
        return [adjustments.scope_of(source_id=pk) for pk in queries.sources_for(user).values_list("pk", flat=True)]


ADJUSTMENT_HANDLER = AdjustmentHandler()
