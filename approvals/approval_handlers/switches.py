"""Letting a stopped function go on, once a second person has agreed."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.operations import switches
from approvals.queries import switch_rows
from approvals.registry import Amount, Command, Review
from ledgerops.runtime.models import Switch


class LiftSwitchHandler:
    """Carries out `approvals.lift_switch`."""

    kind = switches.LIFT_SWITCH
    label = "End of a stop"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return switches.check_lifting(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing is held: the stop stays until it is lifted."""

    def release(self, *, payload: Mapping[str, Any]) -> None:
        """Nothing was held."""

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        switches.lift(payload=payload, proposal_id=proposal_id, checker_id=checker_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        (row,) = switch_rows(Switch.objects.filter(pk=payload["switch"]))
        standing = row.switch.lifted_at is None
        still = "It is still stopped" if standing else "It has been lifted meanwhile"
        sentence = "It was stopped until this lifted it" if executed else still
        return Review(
            template="approvals/reviews/lift_switch.html", context={"row": row}, checks=((executed or standing, sentence, "Preconditions"),)
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [None for _ in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:  # noqa: ARG002 what is stopped concerns everybody
        return [switches.SCOPE]


LIFT_SWITCH_HANDLER = LiftSwitchHandler()
