"""Repeated lines, counted after all once somebody else has agreed that they are no duplicates."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from approvals.models import User
from approvals.registry import Amount, Command, Review
from recon.approval_handlers.adjustments import ADJUSTMENT_HANDLER
from recon.models import RepeatedLine
from recon.operations import repeats


class RepeatHandler:
    """Carries out `recon.count_repeated_line`."""

    kind = repeats.COUNT_REPEATED
    label = "Line that is no duplicate"

    def check(self, *, payload: Mapping[str, Any]) -> Command:
        return repeats.check_counting(payload=payload)

    def hold(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def release(self, *, payload: Mapping[str, Any]) -> None:
        pass

    def execute(self, *, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:  # noqa: ARG002
        repeats.count_line(payload=payload, preconditions=preconditions, proposal_id=proposal_id)

    def review(self, *, payload: Mapping[str, Any], executed: bool, proposal_id: UUID) -> Review:  # noqa: ARG002
        around = ("line__statement__source__asset", "line__statement__file", "repeats__statement__file")
        repeated = RepeatedLine.objects.select_related(*around).get(pk=int(payload["line"]))
        line, other = repeated.line, repeated.repeats
        same = (line.booking_date, line.value_date, line.flow, line.amount_minor) == (
            other.booking_date,
            other.value_date,
            other.flow,
            other.amount_minor,
        )
        checks = [(same, "Both lines say the same date, direction and amount", "lines")]
        if not executed:
            checks.append((repeated.counted_at is None, "The line does not count yet", "line"))
        return Review(
            template="recon/reviews/repeat.html",
            context={"pair": [other, line], "source": line.statement.source},
            checks=tuple(checks),
        )

    def amounts(self, *, payloads: Sequence[Mapping[str, Any]]) -> Sequence[Amount | None]:
        return [Amount(minor=int(one["amount_minor"]), asset=one["asset"], scale=int(one["scale"])) for one in payloads]

    def scopes_for(self, *, user: User) -> Collection[str]:
        return ADJUSTMENT_HANDLER.scopes_for(user=user)


REPEAT_HANDLER = RepeatHandler()
