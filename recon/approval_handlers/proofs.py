"""Certificates of proofs: one person prepares, another one certifies what is frozen under its digest."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.queries.journals import entity_scopes_for
from recon.models import ProofResult
from recon.operations import proofs
from recon.proof_queries import content_of, replays


class ProofHandler:
    """Carries out `recon.certify_proof`."""

    kind = proofs.CERTIFY_PROOF
    label = "Certificate of a proof"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return proofs.check_certificate(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def release(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
        proofs.certify(payload=payload, preconditions=preconditions, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        result = ProofResult.objects.select_related("definition__entity", "definition__asset").get(pk=payload["result"])
        checks = [
            (result.digest == payload["digest"], "The proof is the one that was prepared", "proof"),
            (result.holds, "The proof holds", "proof"),
            (replays(result), "Proven again as it was known then, it is the same bytes", "proof"),
        ]
        return Review(template="recon/reviews/proof.html", context={"result": result, "content": content_of(result)}, checks=tuple(checks))

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return entity_scopes_for(user)


PROOF_HANDLER = ProofHandler()
