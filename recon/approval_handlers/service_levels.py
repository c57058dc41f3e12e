"""Deadlines of breaks, put in force once somebody else has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from ledger.models import Asset
from recon.break_clock import level_from
from recon.models import ServiceLevel
from recon.operations import service_levels


class ServiceLevelHandler:
    """Carries out `recon.set_service_level`."""

    kind = service_levels.SET_SERVICE_LEVEL
    label = "Deadlines of breaks"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return service_levels.check_service_level(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: the deadlines in force count until others do."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        service_levels.set_service_level(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:
        asset, level = service_levels.level_asked(payload)
        known = ServiceLevel.objects.filter(asset__code=asset).order_by("-version")
        row = next((one for one in known if one.proposal_id == proposal_id), None)
        before = next((one for one in known if row is None or one.version < row.version), None)
        sentence = "They came into force by this" if executed else "They come into force with the decision"
        return Review(
            template="recon/reviews/service_level.html",
            context={"asset": asset, "after": level, "before": level_from(before) if before else None, "scale": _scale(asset)},
            checks=((True, sentence, "State"),),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:  # noqa: ARG002 deadlines are the same for everybody
        return [service_levels.SCOPE]


def _scale(asset: str) -> int:
    return Asset.objects.values_list("scale", flat=True).get(code=asset)


SERVICE_LEVEL_HANDLER = ServiceLevelHandler()
