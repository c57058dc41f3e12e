"""Working a break over REST: assign, comment, match by hand, propose an adjustment and its next version."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.queries import proposal_for
from approvals.registry import UnknownKind
from ledger.queries import AccountNotFound, account_for
from ledgerops.lib.api import said
from recon import operations, queries, work_queries
from recon.api import serializers
from recon.api.shown import break_in_full
from recon.operations.adjustments import AdjustmentRequest


class BreakDetail(APIView):
    required_permissions = {"GET": "recon.view_break"}

    @extend_schema(
        summary="Read a break: both sides, their comparison, candidates with reasons, what happened",
        responses=serializers.BreakDetailFields,
    )
    def get(self, request: Request, break_id: UUID) -> Response:
        return Response(break_in_full(user_of(request), break_id=break_id))


class Assignment(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(
        summary="Give a break to a person, or to nobody",
        request=serializers.AssignmentBody,
        responses=serializers.BreakDetailFields,
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        name = said(request, serializers.AssignmentBody)["assignee"]
        operations.assign_break(break_id=recon_break.pk, assignee_id=_person(name))
        return Response(break_in_full(user, break_id=break_id))


def _person(name: str | None) -> int | None:
    if name is None:
        return None
    person = work_queries.people_who_work_breaks().filter(username=name).first()
    if person is None:
        raise ValidationError({"assignee": f"there is nobody called {name} who works breaks"})
    return person.pk


class Comments(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Comment on a break", request=serializers.CommentBody, responses={201: serializers.CommentFields})
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        text = said(request, serializers.CommentBody)["text"]
        comment = operations.comment_on_break(break_id=recon_break.pk, author_id=user.pk, text=text)
        return Response(serializers.CommentFields(comment).data, status=201)


class ManualMatch(APIView):
    required_permissions = {"POST": "recon.match_items"}

    @extend_schema(
        summary="Match a break's items by hand",
        description="Both sides must sum to the same; 409 `break_refused` if the break has changed since the version named was read.",
        request=serializers.MatchBody,
        responses={201: serializers.BreakDetailFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        body = said(request, serializers.MatchBody)
        operations.match_by_hand(
            break_id=recon_break.pk,
            version=body["version"],
            item_ids=body["item_ids"],
            matched_by_id=user.pk,
            leave_rest=body["leave_rest"],
            rest_of=body.get("rest_of"),
        )
        return Response(break_in_full(user, break_id=break_id), status=201)


class Adjustments(APIView):
    required_permissions = {"POST": "recon.propose_adjustment"}

    @extend_schema(
        summary="Propose the entry that resolves a break",
        description="Nothing is posted: the proposal waits for somebody other than its maker.",
        request=serializers.AdjustmentBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        wish = _wish(request, break_id=recon_break.pk, body=said(request, serializers.AdjustmentBody))
        proposal = operations.propose_adjustment(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


class AdjustmentVersions(APIView):
    required_permissions = {"POST": "recon.propose_adjustment"}

    @extend_schema(
        summary="Submit the next version of one's own adjustment after changes were requested",
        request=serializers.AdjustmentBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        user = user_of(request)
        proposal = proposal_for(user, proposal_id=proposal_id)
        if proposal.kind != operations.ADJUSTMENT:
            raise UnknownKind(f"proposals of kind {proposal.kind} have no versions here")
        recon_break = queries.break_for(user, break_id=UUID(proposal.target_id))
        wish = _wish(request, break_id=recon_break.pk, body=said(request, serializers.AdjustmentBody))
        operations.revise_adjustment(proposal_id=proposal.pk, request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal_id), status=201)


def _wish(request: Request, *, break_id: UUID, body: dict[str, Any]) -> AdjustmentRequest:
    """Return the request; the account named must be one that the caller sees."""
    try:
        counter = account_for(user_of(request), code=body["counter_account"])
    except AccountNotFound as refusal:
        raise AccountNotFound(str(refusal), field="counter_account") from refusal
    return AdjustmentRequest(
        break_id=break_id,
        item_ids=body["item_ids"],
        reason_code=body["reason_code"],
        narrative=body["narrative"],
        counter_account=counter.code,
        effective_date=body["effective_date"],
        break_version=body.get("break_version"),
    )


class ChainAcceptance(APIView):
    required_permissions = {"POST": "recon.accept_chain"}

    @extend_schema(
        summary="Propose to accept a chain with other blocks than those that were final",
        description="Of a `chain_reorg` break. What it dropped is withdrawn once somebody else agrees, and reading goes on from the fork.",
        request=serializers.CountingBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        body = said(request, serializers.CountingBody)
        proposal = operations.propose_chain(break_id=recon_break.pk, maker_id=user.pk, **body)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)
