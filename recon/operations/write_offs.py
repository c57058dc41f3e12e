"""Write-offs: a small residual is booked to the account that the terms name, and the posting closes the break by matching."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.money import grouped
from recon.models import MatchMethod, ResolutionTerms
from recon.operations.corrections import command_of, counter_account_of, post_correction, understand
from recon.resolution_queries import terms_of

WRITE_OFF = "recon.write_off"


class WriteOffRefused(Refusal):
    """The residual is more than the terms allow to write off, or they allow nothing."""

    code = "write_off_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOffRequest:
    """What an analyst fills in: the account is the terms', not theirs. `item_ids` are items taken in besides the break's own."""

    break_id: UUID
    item_ids: Sequence[int]
    reason_code: str
    narrative: str
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
            "effective_date": self.effective_date.isoformat(),
        }


def propose_write_off(*, request: WriteOffRequest, maker_id: int) -> Proposal:
    """Ask for the entry that writes a residual off.

    :raises WriteOffRefused: if it is more than the terms allow; an adjustment has no limit.
    :raises Refusal: naming the field, or what else holds the break.
    """
    return approvals.submit(kind=WRITE_OFF, payload=request.as_payload(), maker_id=maker_id)


def revise_write_off(*, proposal_id: UUID, request: WriteOffRequest, maker_id: int) -> Proposal:
    """Submit the next version of a write-off after changes were requested."""
    return approvals.revise(proposal_id=proposal_id, payload=request.as_payload(), maker_id=maker_id)


def check_write_off(*, payload: Mapping[str, Any]) -> Command:
    """Understand a write-off against the present state, locking its break.

    :raises WriteOffRefused, BreakRefused, MatchRefused, AdjustmentRefused: naming the field.
    """
    found = understand(payload=payload)
    terms = terms_of(found.account)
    if terms is None or terms.write_off_account is None:
        raise WriteOffRefused(f"nothing is written off in {found.account.asset.code}; propose an adjustment instead", field="items")
    _refuse_above(abs(found.difference_minor), terms=terms)
    counter = counter_account_of(code=terms.write_off_account.code, account=found.account)
    said = f"{grouped(abs(found.difference_minor), scale=terms.asset.scale)} {terms.asset.code}"
    return command_of(
        found,
        payload=payload,
        counter_account=counter.code,
        title=f"Write off {said} on {found.reconciliation.name} and close {found.recon_break.public_number}",
    )


def post_write_off(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Post the approved write-off, if the terms still allow it.

    :raises PreconditionChanged: if not, or if an item was matched or the break changed meanwhile.
    :raises Refusal: the books'.
    """
    terms = (
        ResolutionTerms.objects.select_related("asset", "write_off_account")
        .filter(entity__code=payload["entry"]["entity"], asset__code=payload["entry"]["lines"][0]["asset"])
        .order_by("-version")
        .first()
    )
    if terms is None or terms.write_off_account is None or terms.write_off_account.code != payload["counter_account"]:
        raise PreconditionChanged("the terms name another account to write off to now")
    try:
        _refuse_above(abs(int(preconditions["difference_minor"])), terms=terms)
    except WriteOffRefused as refusal:
        raise PreconditionChanged(str(refusal)) from refusal
    post_correction(
        payload=payload,
        preconditions=preconditions,
        proposal_id=proposal_id,
        checker_id=checker_id,
        method=MatchMethod.WRITE_OFF,
        action="recon.write_off.posted",
    )


def _refuse_above(residual_minor: int, *, terms: ResolutionTerms) -> None:
    limit = int(terms.write_off_maximum_minor)
    if residual_minor > limit:
        code, scale = terms.asset.code, terms.asset.scale
        raise WriteOffRefused(
            f"{grouped(residual_minor, scale=scale)} {code} is more than the {grouped(limit, scale=scale)} {code} that may be written "
            "off; propose an adjustment instead",
            field="items",
            residual_minor=str(residual_minor),
            limit_minor=str(limit),
        )
