"""Reading proposals. Gates take the user."""

from uuid import UUID

from django.db.models import Prefetch, Q, QuerySet

from approvals.models import (
    Decision,
    DecisionOutcome,
    PolicyVersion,
    Proposal,
    ProposalStatus,
    ProposalVersion,
    ReasonCode,
    User,
)
from approvals.registry import handlers
from ledgerops.lib.errors import Refusal, RefusalKind


class ProposalNotFound(Refusal):
    code = "proposal_not_found"
    kind = RefusalKind.NOT_FOUND


def proposals_for(user: User) -> QuerySet[Proposal]:
    """Return the proposals whose scope the user's roles give sight of, newest first."""
    visible = Q(pk__in=[])
    for handler in handlers():
        visible |= Q(kind=handler.kind, scope__in=handler.scopes_for(user=user))
    return Proposal.objects.filter(visible).select_related("maker")


def proposal_for(user: User, *, proposal_id: UUID) -> Proposal:
    """Return one proposal.

    :raises ProposalNotFound: if it does not exist or lies outside the user's scope.
    """
    proposal = proposals_for(user).filter(pk=proposal_id).first()
    if proposal is None:
        raise ProposalNotFound("there is no such proposal in your scope")
    return proposal


def queue_for(user: User) -> QuerySet[Proposal]:
    """Return what waits for a decision, nearest expiry first."""
    return proposals_for(user).filter(status=ProposalStatus.SUBMITTED).order_by("expires_at", "id")


def decidable_by(user: User) -> QuerySet[Proposal]:
    """Return what this user could decide now: in scope, not made or submitted by them, not yet decided by them."""
    if not user.has_perm("approvals.decide_proposal"):
        return Proposal.objects.none()
    involved = ProposalVersion.objects.filter(submitted_by=user).values("proposal")
    decided = Decision.objects.filter(approver=user, outcome=DecisionOutcome.APPROVE).values("proposal")
    return queue_for(user).exclude(maker=user).exclude(pk__in=involved).exclude(pk__in=decided)


def current_version(proposal: Proposal) -> ProposalVersion:
    return ProposalVersion.objects.select_related("policy_version", "reason_code", "submitted_by").get(
        proposal=proposal, n=proposal.current_version
    )


def versions_of(proposal: Proposal) -> QuerySet[ProposalVersion]:
    """Return every version, oldest first, with its decisions."""
    decisions = Prefetch("decisions", Decision.objects.select_related("approver"))
    return (
        ProposalVersion.objects.filter(proposal=proposal)
        .select_related("submitted_by", "reason_code", "policy_version")
        .order_by("n")
        .prefetch_related(decisions)
    )


def why_not_decidable(user: User, *, proposal: Proposal) -> str:
    """Return the sentence that explains why this user cannot decide this proposal, or an empty string if they can."""
    if proposal.status != ProposalStatus.SUBMITTED:
        return f"This proposal is {proposal.get_status_display().lower()}."
    if not user.has_perm("approvals.decide_proposal"):
        return "Your roles do not include deciding proposals."
    version = current_version(proposal)
    if user.pk in (proposal.maker_id, version.submitted_by_id):
        return "You made this proposal, so somebody else must decide it."
    if Decision.objects.filter(version=version, approver=user).exists():
        return "You have decided this version already."
    return ""


def eligible_approvers(proposal: Proposal) -> QuerySet[User]:
    """Return the active users whose roles let them decide proposals, without the maker."""
    permission = Q(groups__permissions__codename="decide_proposal", groups__permissions__content_type__app_label="approvals")
    return User.objects.filter(permission, is_active=True).exclude(pk=proposal.maker_id).distinct().order_by("username")


def current_policy(*, kind: str) -> PolicyVersion | None:
    return PolicyVersion.objects.filter(kind=kind).order_by("-n").first()


def reason_codes(*, kind: str) -> QuerySet[ReasonCode]:
    return ReasonCode.objects.filter(kind=kind, active=True)


def proposals_about(*, target_type: str, target_id: object) -> QuerySet[Proposal]:
    """Return every proposal about one object, newest first. The caller has already shown the object to the reader."""
    return Proposal.objects.filter(target_type=target_type, target_id=str(target_id)).select_related("maker").order_by("-id")
