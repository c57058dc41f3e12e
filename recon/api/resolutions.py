"""Resolving and treating breaks over REST."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import FileResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.queries import proposal_for
from approvals.registry import UnknownKind
from ledger.queries import AccountNotFound, account_for
from ledgerops.lib.api import asked, said
from recon import operations, queries, resolution_queries
from recon.api import resolution_serializers as shapes
from recon.models import Item, Mention, TreatmentKind


@extend_schema_view(
    get=extend_schema(
        summary="List the open items that a break could be matched with, by amount",
        description="All of its reconciliation, of both sides; the break's own are among them.",
        parameters=[shapes.OpenItemFilters],
    )
)
class OpenItems(ListAPIView[Item]):
    required_permissions = {"GET": "recon.view_break"}
    serializer_class = shapes.OpenItemFields
    ordering = ("amount_minor", "item_date", "id")

    def get_queryset(self) -> QuerySet[Item]:
        recon_break = queries.break_for(user_of(self.request), break_id=self.kwargs["break_id"])
        wanted = asked(self.request, shapes.OpenItemFilters)
        lookups = {
            "side": "side",
            "reference": "reference__icontains",
            "counterparty": "counterparty__icontains",
            "amount_from": "amount_minor__gte",
            "amount_to": "amount_minor__lte",
            "since": "item_date__gte",
            "until": "item_date__lte",
        }
        found = resolution_queries.open_items_of(recon_break.reconciliation)
        return found.filter(**{lookups[name]: value for name, value in wanted.items()})


class WriteOffs(APIView):
    required_permissions = {"POST": "recon.propose_write_off"}

    @extend_schema(
        summary="Propose to write off what a break's items differ by",
        description="409 `write_off_refused` above the limit of the asset: propose an adjustment instead.",
        request=shapes.WriteOffBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        wish = write_off_of(recon_break.pk, body=said(request, shapes.WriteOffBody))
        proposal = operations.propose_write_off(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


class WriteOffVersions(APIView):
    required_permissions = {"POST": "recon.propose_write_off"}

    @extend_schema(
        summary="Submit the next version of one's own write-off after changes were requested",
        request=shapes.WriteOffBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        break_id = _returned(request, proposal_id=proposal_id, kind=operations.WRITE_OFF)
        wish = write_off_of(break_id, body=said(request, shapes.WriteOffBody))
        operations.revise_write_off(proposal_id=proposal_id, request=wish, maker_id=user_of(request).pk)
        return Response(proposal_in_full(request, proposal_id=proposal_id), status=201)


class RebookingVersions(APIView):
    required_permissions = {"POST": "recon.propose_rebooking"}

    @extend_schema(
        summary="Submit the next version of one's own rebooking after changes were requested",
        request=shapes.RebookingBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, proposal_id: UUID) -> Response:
        break_id = _returned(request, proposal_id=proposal_id, kind=operations.REBOOK)
        wish = rebooking_of(request, break_id, body=said(request, shapes.RebookingBody))
        operations.revise_rebooking(proposal_id=proposal_id, request=wish, maker_id=user_of(request).pk)
        return Response(proposal_in_full(request, proposal_id=proposal_id), status=201)


def _returned(request: Request, *, proposal_id: UUID, kind: str) -> UUID:
    """Return the break of a proposal that the caller sees."""
    proposal = proposal_for(user_of(request), proposal_id=proposal_id)
    if proposal.kind != kind:
        raise UnknownKind(f"proposals of kind {proposal.kind} have no versions here")
    return queries.break_for(user_of(request), break_id=UUID(proposal.target_id)).pk


class Rebookings(APIView):
    required_permissions = {"POST": "recon.propose_rebooking"}

    @extend_schema(
        summary="Propose to reverse a break's entry and to book it as the bank has it",
        request=shapes.RebookingBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        wish = rebooking_of(request, recon_break.pk, body=said(request, shapes.RebookingBody))
        proposal = operations.propose_rebooking(request=wish, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


def write_off_of(break_id: UUID, *, body: dict[str, Any]) -> operations.WriteOffRequest:
    return operations.WriteOffRequest(break_id=break_id, **{"break_version": None, **body})


def rebooking_of(request: Request, break_id: UUID, *, body: dict[str, Any]) -> operations.RebookingRequest:
    """Return the request; the account named must be one that the caller sees."""
    try:
        counter = account_for(user_of(request), code=body["counter_account"])
    except AccountNotFound as refusal:
        raise AccountNotFound(str(refusal), field="counter_account") from refusal
    return operations.RebookingRequest(break_id=break_id, **{"break_version": None, **body, "counter_account": counter.code})


class Treatments(APIView):
    required_permissions = {"GET": "recon.view_break", "POST": "recon.treat_break"}

    @extend_schema(
        summary="Read how a break is and was treated",
        operation_id="break_treatments_list",
        responses=shapes.TreatmentFields(many=True),
    )
    def get(self, request: Request, break_id: UUID) -> Response:
        recon_break = queries.break_for(user_of(request), break_id=break_id)
        around = ("accepted_by", "ended_by")
        return Response(shapes.TreatmentFields(recon_break.treatments.select_related(*around).order_by("-pk"), many=True).data)

    @extend_schema(
        summary="Treat an open break: timing until a day, duplicate, error of the statement",
        description="Nothing is resolved: its items stay open. Timing ends by the clock after its day.",
        request=shapes.TreatmentBody,
        responses={201: shapes.TreatmentFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        body = said(request, shapes.TreatmentBody)
        wish = operations.TreatmentRequest(break_id=recon_break.pk, **{**body, "kind": TreatmentKind(body["kind"])})
        treatment = operations.treat_break(request=wish, treated_by_id=user.pk)
        return Response(shapes.TreatmentFields(treatment).data, status=201)


class TreatmentEnds(APIView):
    required_permissions = {"POST": "recon.treat_break"}

    @extend_schema(summary="Treat a break no longer", request=shapes.TreatmentEndBody, responses=shapes.TreatmentFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        ended = operations.end_treatment(break_id=recon_break.pk, ended_by_id=user.pk, **said(request, shapes.TreatmentEndBody))
        ended.refresh_from_db()
        return Response(shapes.TreatmentFields(ended).data)


class EvidenceFiles(APIView):
    required_permissions = {"GET": "recon.view_break", "POST": "recon.attach_evidence"}
    parser_classes = [MultiPartParser]

    @extend_schema(
        summary="List the files that stand with a break as evidence",
        operation_id="break_evidence_list",
        responses=shapes.BreakEvidenceFields(many=True),
    )
    def get(self, request: Request, break_id: UUID) -> Response:
        recon_break = queries.break_for(user_of(request), break_id=break_id)
        return Response(shapes.BreakEvidenceFields(resolution_queries.evidence_files_of(recon_break), many=True).data)

    @extend_schema(
        summary="Attach a file to a break",
        description="An image, PDF, text, CSV, XLSX or XML of at most 10 MB, told by its bytes; what could run something is refused.",
        request={"multipart/form-data": shapes.BreakEvidenceBody},
        responses={201: shapes.BreakEvidenceFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        body = said(request, shapes.BreakEvidenceBody)
        kept = operations.attach_file(
            break_id=recon_break.pk, name=body["file"].name, content=body["file"].file, note=body["note"], added_by_id=user.pk
        )
        return Response(shapes.BreakEvidenceFields(kept).data, status=201)


class EvidenceBytes(APIView):
    required_permissions = {"GET": "recon.view_break"}

    @extend_schema(
        summary="Download a file of evidence as it came; that is on the trail",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, evidence_id: UUID) -> FileResponse:
        kept = resolution_queries.evidence_file_for(user_of(request), evidence_id=evidence_id)
        content = operations.hand_out_evidence(evidence_id=kept.pk)
        response = FileResponse(content, as_attachment=True, filename=kept.name, content_type="application/octet-stream")
        response["X-Content-Type-Options"] = "nosniff"
        return response


class Messages(APIView):
    required_permissions = {"POST": "recon.draft_message"}

    @extend_schema(
        summary="Draft a message to the bank about a break, and keep it with the break",
        description="A letter, camt.027 or camt.056. Nothing is sent: read the bytes of what is answered.",
        request=shapes.MessageBody,
        responses={201: shapes.BreakEvidenceFields},
    )
    def post(self, request: Request, break_id: UUID) -> Response:
        user = user_of(request)
        recon_break = queries.break_for(user, break_id=break_id)
        wish = operations.MessageRequest(break_id=recon_break.pk, **said(request, shapes.MessageBody))
        return Response(shapes.BreakEvidenceFields(operations.draft_message(request=wish, drafted_by_id=user.pk)).data, status=201)


@extend_schema_view(get=extend_schema(summary="List where you were named in comments, latest first", parameters=[shapes.MentionFilters]))
class Mentions(ListAPIView[Mention]):
    required_permissions = {"GET": "recon.view_break"}
    serializer_class = shapes.MentionFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Mention]:
        wanted = asked(self.request, shapes.MentionFilters)
        return resolution_queries.mentions_for(user_of(self.request), unseen=not wanted.get("all", False))


class MentionSeen(APIView):
    required_permissions = {"POST": "recon.view_break"}

    @extend_schema(summary="Say that you have seen where you were named", request=None, responses=shapes.MentionFields)
    def post(self, request: Request, mention_id: int) -> Response:
        user = user_of(request)
        mention = resolution_queries.mention_for(user, mention_id=mention_id)
        operations.see_mention(mention_id=mention.pk)
        return Response(shapes.MentionFields(resolution_queries.mention_for(user, mention_id=mention_id)).data)


class Terms(APIView):
    required_permissions = {"GET": "recon.view_break", "POST": "recon.propose_terms"}

    @extend_schema(
        summary="Read what may be written off and for how long timing is accepted",
        operation_id="resolution_terms_list",
        responses=shapes.TermsFields(many=True),
    )
    def get(self, request: Request) -> Response:
        return Response(shapes.TermsFields(resolution_queries.terms_for(user_of(request)), many=True).data)

    @extend_schema(summary="Propose other terms for an asset of an entity", request=shapes.TermsBody, responses={201: ProposalDetailFields})
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, shapes.TermsBody)
        known = resolution_queries.terms_in_force_for(user, entity=body["entity"], asset=body["asset"])
        wish = operations.Terms(
            entity=known.entity.code,
            asset=known.asset.code,
            write_off_maximum_minor=int(body["write_off_maximum_minor"]),
            write_off_account=body["write_off_account"] or None,
            timing_days_maximum=body["timing_days_maximum"],
        )
        proposal = operations.propose_terms(terms=wish, reason_code=body["reason_code"], narrative=body["narrative"], maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)
