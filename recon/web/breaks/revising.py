"""The next version of an adjustment that a checker returned to its maker."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.utils import timezone

from approvals.models import DecisionOutcome, Proposal, ProposalStatus, User
from recon.models import Break
from recon.operations import ADJUSTMENT, REBOOK, WRITE_OFF

MAY_REVISE = {
    ADJUSTMENT: "recon.propose_adjustment",
    WRITE_OFF: "recon.propose_write_off",
    REBOOK: "recon.propose_rebooking",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """What the reader may revise: `n` is the version that would come, `values` what the present one says, field by field."""

    proposal: Proposal
    n: int
    asked_by: str
    values: dict[str, Any]


def kind_of(proposal_id: str) -> str:
    """Return of which kind the proposal is that an address names; empty if it names none."""
    try:
        return Proposal.objects.filter(pk=UUID(proposal_id)).values_list("kind", flat=True).first() or ""
    except ValueError:
        return ""


def revision_of(recon_break: Break, *, proposals: Sequence[Proposal], user: User, kind: str = ADJUSTMENT) -> Revision | None:
    """Return what this reader may revise about the break: their own proposal of a kind, returned to them and still in time.

    `proposals` are those about the break, newest first.
    """
    proposal = next((proposal for proposal in proposals if proposal.is_open), None)
    if proposal is None or proposal.kind != kind or proposal.status != ProposalStatus.CHANGES_REQUESTED or proposal.maker_id != user.pk:
        return None
    if proposal.has_expired(at=timezone.now()) or not user.has_perm(MAY_REVISE[kind]):
        return None
    payload = next(version for version in proposal.versions.all() if version.n == proposal.current_version).payload
    own = (recon_break.ledger_item_id, recon_break.statement_item_id)
    returned = [each for each in proposal.decisions.all() if each.outcome == DecisionOutcome.REQUEST_CHANGES]
    return Revision(
        proposal=proposal,
        n=proposal.current_version + 1,
        asked_by=returned[-1].approver.shown_name,
        values={
            **{name: payload[name] for name in ("reason_code", "counter_account", "effective_date", "narrative")},
            "version": proposal.current_version,
            "take": ",".join(str(pk) for pk in payload["item_ids"] if pk not in own),
        },
    )
