"""Mappings, put in force once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from recon import source_queries
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.models import MappingStatus, MappingVersion
from recon.operations import mappings
from recon.operations.kept_bytes import FileBytesLost


class MappingHandler:
    """Carries out `recon.approve_mapping`."""

    kind = mappings.APPROVE_MAPPING
    label = "Mapping of a source"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return mappings.check_mapping(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        mappings.hold_mapping(payload=payload)

    def release(self, *, payload: Mapping[str, Any]) -> None:
        mappings.release_mapping(payload=payload)

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        mappings.put_in_force(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        version = MappingVersion.objects.select_related("source__asset", "sample", "drafted_by").get(pk=UUID(payload["mapping"]))
        before = source_queries.version_before(version)
        tried, said = None, "No sample file was given"
        if version.sample is not None:
            try:
                tried = mappings.try_on(definition=version.definition, file=version.sample)
            except FileBytesLost as refusal:
                said = str(refusal)
        checks = [
            (payload["digest"] == version.digest, f"Version {version.number} is exactly what was submitted", "Definition"),
            (tried is not None and not tried.refused, "The sample file can be read" if tried else said, "Sample"),
        ]
        if tried is not None:
            checks += [
                (
                    not tried.error_count,
                    f"{tried.error_count or 'No'} row{'' if tried.error_count == 1 else 's'} of it in quarantine",
                    "Sample",
                ),
                (
                    tried.proof != "unproven",
                    "Its balances follow from its rows" if tried.proof == "proven" else _PROOF[tried.proof],
                    "Proof",
                ),
            ]
        if not executed:
            checks.append((version.status == MappingStatus.SUBMITTED, f"Version {version.number} waits for this decision", "State"))
        return Review(
            template="recon/reviews/mapping.html",
            context={
                "mapping": version,
                "source": version.source,
                "before": before,
                "rows": source_queries.compared_with(version, before=before),
                "tried": tried,
                "sample": version.sample,
            },
            checks=tuple(checks),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


_PROOF = {"unproven": "Its balances do not follow from its rows", "no_balance": "It has no balances that could prove it"}

MAPPING_HANDLER = MappingHandler()
