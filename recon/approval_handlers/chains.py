"""Another chain than the one that was final, accepted once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from recon import chain_queries
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.models import Break
from recon.operations import chain_reorgs


class ChainHandler:
    """Carries out `recon.accept_chain`."""

    kind = chain_reorgs.ACCEPT_CHAIN
    label = "Other chain than the final one"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return chain_reorgs.check_chain(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        chain_reorgs.hold_fork(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        chain_reorgs.release_fork(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        chain_reorgs.accept_chain(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        recon_break = Break.objects.select_related("reconciliation__source__asset").get(pk=UUID(payload["break"]))
        fork = chain_queries.fork_of(recon_break)
        waiting = chain_queries.waiting_beside(recon_break)
        checks = [
            (
                not waiting,
                f"Waiting for another decision in these days: {waiting or 'no'} break{'' if waiting == 1 else 's'}",
                "Lines",
            ),
        ]
        if not executed:
            same = (payload["fork"], payload["now"]) == (recon_break.cause["fork"], recon_break.cause["now"])
            checks += [
                (same, "The chain is the one that was proposed", "Chain"),
                (recon_break.is_live, "The blocks that were final are not back", "Chain"),
            ]
        return Review(template="recon/reviews/chain.html", context={"recon_break": recon_break, "fork": fork}, checks=tuple(checks))

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


CHAIN_HANDLER = ChainHandler()
