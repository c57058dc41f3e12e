"""Proofs over REST: what is proven, defining it, proving a day, and a result as it was frozen."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.shown import user_of
from ledger.queries import entity_codes_for
from ledgerops.lib.api import Body, MinorField, asked, said
from recon import proof_queries
from recon.models import ProofKind, ProofOutcome, ProofResult
from recon.operations import proofs as proving

RESULTS_LISTED = 100


class ProofBody(Body):
    code = serializers.RegexField(r"^[A-Z0-9-]{2,40}$")
    name = serializers.CharField(max_length=120)
    kind = serializers.ChoiceField(choices=ProofKind.choices)
    entity = serializers.CharField(max_length=20)
    asset = serializers.CharField(max_length=20)
    starts_on = serializers.DateField(help_text="the first day that is proven")
    terms = serializers.DictField(
        help_text="customer_money: sources, programs, in_transit, own, all lists; reserves: chain, liability, reserve_asset, freezes_mint"
    )


class DayBody(Body):
    day = serializers.DateField()


class ProofDefinitionFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=ProofKind.choices)
    entity = serializers.CharField(source="entity.code")
    asset = serializers.CharField(source="asset.code")
    starts_on = serializers.DateField()
    terms = serializers.DictField()
    defined_at = serializers.DateTimeField()


class ProofResultFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    proof = serializers.CharField(source="definition.code")
    version = serializers.IntegerField(source="definition.version")
    day = serializers.DateField()
    n = serializers.IntegerField(help_text="which result of this day; a later one says something else")
    outcome = serializers.ChoiceField(choices=ProofOutcome.choices)
    difference_minor = MinorField(allow_null=True)
    known_at = serializers.DateTimeField()
    digest = serializers.CharField(help_text="SHA-256 of the canonical JSON")
    certified = serializers.SerializerMethodField()

    def get_certified(self, result: ProofResult) -> bool:
        return hasattr(result, "certificate")


class ProofResultDetail(ProofResultFields):
    canonical = serializers.CharField(help_text="all that was proven, as canonical JSON (RFC 8785), of which `digest` is the digest")


class ProofFields(ProofDefinitionFields):
    results = ProofResultFields(many=True, help_text="the latest hundred, latest day first")


class Proofs(APIView):
    required_permissions = {"GET": "recon.view_proofresult", "POST": "recon.define_proof"}

    @extend_schema(operation_id="proofs_list", summary="List what is proven every day", responses=ProofDefinitionFields(many=True))
    def get(self, request: Request) -> Response:
        asked(request)
        return Response(ProofDefinitionFields(proof_queries.definitions_for(user_of(request)), many=True).data)

    @extend_schema(
        summary="Say what is proven every day",
        description="The same again answers what is there; other terms are the next version of the code. Earlier results stay as they are.",
        request=ProofBody,
        responses=ProofDefinitionFields,
    )
    def post(self, request: Request) -> Response:
        user, body = user_of(request), said(request, ProofBody)
        if body["entity"] not in entity_codes_for(user):
            raise proving.ProofInvalid("there is no such entity", field="entity")
        made = proving.define_proof(**body, defined_by_id=user.pk)
        return Response(ProofDefinitionFields(made).data)


class ProofDetail(APIView):
    required_permissions = {"GET": "recon.view_proofresult"}

    @extend_schema(summary="Read a proof and its latest results", responses=ProofFields)
    def get(self, request: Request, code: str) -> Response:
        definition = proof_queries.definition_for(user_of(request), code=code)
        results = proof_queries.results_of(definition).defer("canonical")[:RESULTS_LISTED]
        shown: dict[str, Any] = dict(ProofDefinitionFields(definition).data)
        return Response({**shown, "results": ProofResultFields(results, many=True).data})


class ProofDays(APIView):
    required_permissions = {"POST": "recon.run_proof"}

    @extend_schema(
        summary="Prove a day as it is known now",
        description="Where nothing has changed since the last result of the day, that one is answered. 409 for a day that has not ended.",
        request=DayBody,
        responses=ProofResultDetail,
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        definition = proof_queries.definition_for(user, code=code)
        made = proving.prove(definition_id=definition.pk, day=said(request, DayBody)["day"], made_by_id=user.pk)
        return Response(ProofResultDetail(proof_queries.result_for(user, result_id=made.pk)).data)


class ProofResults(APIView):
    required_permissions = {"GET": "recon.view_proofresult"}

    @extend_schema(summary="Read a result as it was frozen", responses=ProofResultDetail)
    def get(self, request: Request, result_id: UUID) -> Response:
        return Response(ProofResultDetail(proof_queries.result_for(user_of(request), result_id=result_id)).data)
