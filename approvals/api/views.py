"""Proposals over REST: reading them, deciding them, taking them back."""

from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals import operations, queries
from approvals.api import serializers
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import DecisionOutcome, Proposal, ReasonCode
from ledgerops.lib.api import asked, said
from ledgerops.runtime.models import Switch


@extend_schema_view(get=extend_schema(summary="List proposals, newest first", parameters=[serializers.ProposalFilters]))
class Proposals(ListAPIView[Proposal]):
    required_permissions = {"GET": "approvals.view_proposal"}
    serializer_class = serializers.ProposalFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Proposal]:
        wanted = asked(self.request, serializers.ProposalFilters)
        user = user_of(self.request)
        proposals = queries.decidable_by(user) if wanted.pop("decidable", False) else queries.proposals_for(user)
        if "mine" in wanted:
            proposals = proposals.filter(maker=user) if wanted.pop("mine") else proposals.exclude(maker=user)
        return proposals.filter(**wanted)


class ProposalDetail(APIView):
    required_permissions = {"GET": "approvals.view_proposal"}

    @extend_schema(
        summary="Read a proposal with every version, decision and check",
        responses=serializers.ProposalDetailFields,
    )
    def get(self, request: Request, proposal_id: UUID) -> Response:
        return Response(proposal_in_full(request, proposal_id=proposal_id))


class Decisions(APIView):
    required_permissions = {"POST": "approvals.decide_proposal"}

    @extend_schema(
        summary="Decide exactly the version that was read",
        description=(
            "Names the version and the digest that were read: another current version answers 409 `decision_outdated`. "
            "Never the maker: 403 `checker_is_maker`. The last approval needed carries the proposal out in the same transaction; "
            "if the books refuse it, the decision stays and the proposal is `stale` or `failed` with the reason."
        ),
        request=serializers.DecisionBody,
        responses={201: serializers.ProposalDetailFields},
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        user = user_of(request)
        proposal = queries.proposal_for(user, proposal_id=proposal_id)
        body = said(request, serializers.DecisionBody)
        operations.decide(
            proposal_id=proposal.pk,
            version=body["version"],
            digest=body["digest"],
            outcome=DecisionOutcome(body["outcome"]),
            comment=body["comment"],
            approver_id=user.pk,
        )
        return Response(proposal_in_full(request, proposal_id=proposal_id), status=201)


class Withdrawal(APIView):
    # Whoever sees a proposal may ask; the operation refuses all but its maker, and the trail says so.
    required_permissions = {"POST": "approvals.view_proposal"}

    @extend_schema(
        summary="Take back one's own open proposal",
        request=serializers.WithdrawalBody,
        responses=serializers.ProposalDetailFields,
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        user = user_of(request)
        proposal = queries.proposal_for(user, proposal_id=proposal_id)
        operations.withdraw(proposal_id=proposal.pk, maker_id=user.pk, reason=said(request, serializers.WithdrawalBody)["reason"])
        return Response(proposal_in_full(request, proposal_id=proposal_id))


@extend_schema_view(get=extend_schema(summary="List the reasons there are for a correction", parameters=[serializers.ReasonFilters]))
class Reasons(ListAPIView[ReasonCode]):
    required_permissions = {"GET": "approvals.view_proposal"}
    serializer_class = serializers.Reason
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[ReasonCode]:
        return queries.reason_codes(kind=asked(self.request, serializers.ReasonFilters).get("kind"))


class Switches(APIView):
    required_permissions = {"GET": "approvals.view_proposal", "POST": "approvals.set_switch"}

    @extend_schema(summary="List what is stopped, latest first", responses=serializers.SwitchFields(many=True))
    def get(self, request: Request) -> Response:
        asked(request)
        return Response(serializers.SwitchFields(queries.switch_rows(queries.switches_in_force()), many=True).data)

    @extend_schema(
        summary="Stop a function at once",
        description="Holds from the next request on; letting it go on takes a second person. Set already: 409 `switch_set_already`.",
        request=serializers.SwitchBody,
        responses={201: serializers.SwitchFields},
    )
    def post(self, request: Request) -> Response:
        switch = operations.set_switch(set_by_id=user_of(request).pk, **said(request, serializers.SwitchBody))
        (row,) = queries.switch_rows(Switch.objects.filter(pk=switch.pk))
        return Response(serializers.SwitchFields(row).data, status=201)


class SwitchLifting(APIView):
    required_permissions = {"POST": "approvals.set_switch"}

    @extend_schema(
        summary="Propose that what is stopped goes on",
        request=serializers.LiftBody,
        responses={202: serializers.ProposalDetailFields},
    )
    def post(self, request: Request, switch_id: UUID) -> Response:
        switch = queries.switch_by_id(switch_id)
        proposal = operations.propose_lifting(switch_id=switch.pk, maker_id=user_of(request).pk, **said(request, serializers.LiftBody))
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=202)
