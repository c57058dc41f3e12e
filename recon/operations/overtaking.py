"""Who was faster: what a person is told whose act comes too late, so that they know whom to ask."""

from datetime import datetime

from approvals.models import Proposal
from audit.actions import meaning_of
from audit.queries import timeline_of
from recon.models import Allocation, Break, Item, Match


def taken_by(item: Item) -> dict[str, str]:
    """Return who took an item and when, as the detail of a refusal; empty if no match holds it, as one that was withdrawn."""
    held = Allocation.objects.filter(item=item, revoked_at=None).select_related("match__made_by", "match__run").order_by("-pk").first()
    return {} if held is None else _told(who=maker_of(held.match), at=held.match.made_at)


def maker_of(match: Match) -> str:
    """Return whose match it is: a person's, a run's, or a proposal's."""
    if match.proposal_id is not None:
        proposal = Proposal.objects.filter(pk=match.proposal_id).first()
        return proposal.public_number if proposal else "a proposal"
    if match.made_by is not None:
        return match.made_by.shown_name
    return f"run {match.run.number}" if match.run else "a run"


def held_by(recon_break: Break) -> dict[str, str]:
    """Return who resolved a break, or proposed what it waits for, and when."""
    if recon_break.resolved_by is not None and recon_break.resolved_at is not None:
        return _told(who=maker_of(recon_break.resolved_by), at=recon_break.resolved_at)
    proposal = (
        Proposal.objects.select_related("maker")
        .filter(target_type="recon.break", target_id=str(recon_break.pk), closed_at=None)
        .order_by("-created_at")
        .first()
    )
    return {} if proposal is None else _told(who=f"{proposal.maker.shown_name} ({proposal.public_number})", at=proposal.created_at)


def changed_by(recon_break: Break) -> dict[str, str]:
    """Return who did the last thing to a break, what and when; empty where only a run counted it anew."""
    last = timeline_of(target_type="recon.break", target_id=recon_break.pk).filter(outcome="done").last()
    return {} if last is None else {**_told(who=last.actor_name or "the system", at=last.at), "what": meaning_of(last.action)}


def in_words(told: dict[str, str], *, by: str = " by ") -> str:
    """Return ` by Tom at 2026-11-23 09:14:05 UTC`; nothing where nobody is known."""
    return f"{by}{told['by']} at {told['at_text']}" if told else ""


def _told(*, who: str, at: datetime) -> dict[str, str]:
    return {"by": who, "at": at.isoformat(), "at_text": f"{at:%Y-%m-%d %H:%M:%S} UTC"}
