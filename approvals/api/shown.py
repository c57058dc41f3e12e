"""A proposal as the API answers it; apps above answer with it, too, when they have made one."""

from typing import Any
from uuid import UUID

from rest_framework.request import Request

from approvals import queries
from approvals.api import serializers
from approvals.models import ProposalStatus, User
from approvals.registry import handler_of

APPROVERS_LOOKED_AT = 6


def user_of(request: Request) -> User:
    assert isinstance(request.user, User), "a view is reached by people who are signed in"
    return request.user


def proposal_in_full(request: Request, *, proposal_id: UUID) -> dict[str, Any]:
    """Return a proposal the caller may see, with its versions, their decisions, what was checked, and whether they could decide it.

    :raises ProposalNotFound: if it is not there for this caller.
    """
    user = user_of(request)
    proposal = queries.proposal_for(user, proposal_id=proposal_id)
    versions = list(queries.versions_of(proposal))
    current = versions[-1]
    handler = handler_of(proposal.kind)
    review = handler.review(payload=current.payload, executed=proposal.status == ProposalStatus.EXECUTED, proposal_id=proposal.pk)
    able = queries.in_sight_of(proposal, users=queries.eligible_approvers(proposal), limit=APPROVERS_LOOKED_AT)
    (worth,) = handler.amounts(payloads=[current.payload])
    shown = serializers.ProposalFields(proposal).data
    shown["worth"] = worth and serializers.ProposalAmount(worth).data
    shown["versions"] = serializers.Version(versions, many=True).data
    checks = queries.policy_checks(proposal=proposal, version=current, review=review, eligible=able)
    shown["checks"] = serializers.CheckFields(checks, many=True).data
    shown["why_not_decidable"] = queries.why_not_decidable(user, proposal=proposal)
    return shown
