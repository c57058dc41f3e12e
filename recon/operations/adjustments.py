"""Adjustments: the correction is an entry, and its posting matches what was open."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command
from recon.models import MatchMethod
from recon.operations.corrections import AdjustmentRefused, command_of, counter_account_of, post_correction, understand

ADJUSTMENT = "recon.post_adjustment"

__all__ = [
    "ADJUSTMENT",
    "AdjustmentRefused",
    "AdjustmentRequest",
    "check_adjustment",
    "post_adjustment",
    "propose_adjustment",
    "revise_adjustment",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentRequest:
    """What an analyst fills in. `item_ids` are further items the adjustment takes in besides the break's own.

    `break_version` is the version the analyst saw: given, the first version of a proposal is refused once the break has changed.
    """

    break_id: UUID
    item_ids: Sequence[int]
    reason_code: str
    narrative: str
    counter_account: str
    effective_date: date
    break_version: int | None = None

    def as_payload(self) -> dict[str, Any]:
        seen = {} if self.break_version is None else {"break_version": self.break_version}
        return {
            **seen,
            "break_id": str(self.break_id),
            "item_ids": sorted(self.item_ids),
            "reason_code": self.reason_code,
            "narrative": self.narrative.strip(),
            "counter_account": self.counter_account,
            "effective_date": self.effective_date.isoformat(),
        }


def propose_adjustment(*, request: AdjustmentRequest, maker_id: int) -> Proposal:
    """Ask for the entry that makes a break's items agree.

    :raises Refusal: naming the field, or what else holds the break.
    """
    return approvals.submit(kind=ADJUSTMENT, payload=request.as_payload(), maker_id=maker_id)


def revise_adjustment(*, proposal_id: UUID, request: AdjustmentRequest, maker_id: int) -> Proposal:
    """Submit the next version of an adjustment after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def check_adjustment(*, payload: Mapping[str, Any]) -> Command:
    """Understand an adjustment against the present state, locking its break.

    :raises BreakRefused, MatchRefused, AdjustmentRefused: naming the field.
    """
    found = understand(payload=payload)
    counter = counter_account_of(code=payload["counter_account"], account=found.account)
    title = f"Post an adjustment on {found.reconciliation.name} and close {found.recon_break.public_number}"
    return command_of(found, payload=payload, counter_account=counter.code, title=title)


def post_adjustment(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post the approved entry; its posting becomes an item, matches the open ones, and the break closes by that match.

    :raises PreconditionChanged: if an item was matched or the break changed meanwhile.
    :raises Refusal: the books'.
    """
    post_correction(
        payload=payload,
        preconditions=preconditions,
        proposal_id=proposal_id,
        checker_id=checker_id,
        method=MatchMethod.ADJUSTMENT,
        action="recon.adjustment.posted",
    )
