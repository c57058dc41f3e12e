"""Parties over REST: who money belongs to, and where it may go."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers as fields
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full
from approvals.api.shown import user_of as person_of
from ledger import operations
from ledger.models import ExternalAccountKind, Party, PartyKind, PartyStatus
from ledger.queries import parties
from ledgerops.lib.api import Body, asked, said, user_of


class PartyFilters(Body):
    kind = fields.ChoiceField(PartyKind.choices, required=False)
    status = fields.ChoiceField(PartyStatus.choices, required=False)


class PartyBody(Body):
    code = fields.CharField(max_length=40)
    kind = fields.ChoiceField(PartyKind.choices)
    program = fields.CharField(max_length=40, required=False, allow_null=True, default=None)
    name = fields.CharField(max_length=140)
    address = fields.CharField(required=False, allow_blank=True, default="")
    country = fields.CharField(max_length=2, required=False, allow_blank=True, default="")
    state = fields.CharField(max_length=3, required=False, allow_blank=True, default="")
    tax_number = fields.CharField(max_length=40, required=False, allow_blank=True, default="")
    born_on = fields.DateField(required=False, allow_null=True, default=None)


class PartyFields(fields.Serializer[Party]):
    """A party as the books know it; personal data is on no address of the API."""

    code = fields.CharField()
    kind = fields.CharField()
    status = fields.CharField()
    program = fields.CharField(source="program.code", allow_null=True, default=None)
    created_at = fields.DateTimeField()


class ExternalAccountFields(fields.Serializer[Any]):
    id = fields.UUIDField()
    kind = fields.CharField()
    asset = fields.CharField(source="asset.code")
    identifier = fields.CharField()
    servicer = fields.CharField()
    label = fields.CharField()  # type: ignore[assignment] # a declared field, not the attribute
    status = fields.CharField()
    proposal_id = fields.UUIDField(allow_null=True)


class OwnerFields(fields.Serializer[Any]):
    owner = fields.CharField(source="owner.code")
    share_basis_points = fields.IntegerField()
    capacity = fields.CharField()
    since_on = fields.DateField()
    until_on = fields.DateField(allow_null=True)


class PartyInFull(PartyFields):
    external_accounts = ExternalAccountFields(many=True)
    owners = OwnerFields(many=True)


class ExternalAccountBody(Body):
    kind = fields.ChoiceField(ExternalAccountKind.choices)
    asset = fields.CharField(max_length=20)
    identifier = fields.CharField(max_length=140)
    servicer = fields.CharField(max_length=140)
    label = fields.CharField(max_length=140, required=False, allow_blank=True, default="")  # type: ignore[assignment]
    reason_code = fields.CharField(max_length=40)
    narrative = fields.CharField()


class RevocationBody(Body):
    reason = fields.CharField(max_length=400)


class PartyChangeBody(Body):
    changes = fields.DictField(help_text="owners (list of owner, share_basis_points, capacity), program (code or null), status")
    reason_code = fields.CharField(max_length=40)
    narrative = fields.CharField()


@extend_schema_view(get=extend_schema(summary="List parties by code", parameters=[PartyFilters]))
class Parties(ListAPIView[Party]):
    required_permissions = {"GET": "ledger.view_party", "POST": "ledger.manage_party"}
    serializer_class = PartyFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[Party]:
        return parties.parties_for(user_of(self.request)).filter(**asked(self.request, PartyFilters))

    @extend_schema(summary="Add a party", request=PartyBody, responses={201: PartyFields})
    def post(self, request: Request) -> Response:
        body = said(request, PartyBody)
        code, kind, program = body.pop("code"), body.pop("kind"), body.pop("program")
        party = operations.add_party(code=code, kind=kind, program=program, details=operations.Details(**body))
        return Response(PartyFields(party).data, status=201)


class PartyDetail(APIView):
    required_permissions = {"GET": "ledger.view_party"}

    @extend_schema(summary="Read a party, its owners and external accounts", responses=PartyInFull)
    def get(self, request: Request, code: str) -> Response:
        party = parties.party_for(user_of(request), code=code)
        lists = {
            "external_accounts": ExternalAccountFields(parties.external_accounts_of(party), many=True).data,
            "owners": OwnerFields(parties.owners_of(party), many=True).data,
        }
        return Response({**PartyFields(party).data, **lists})


class PartyChanges(APIView):
    required_permissions = {"POST": "ledger.manage_party"}

    @extend_schema(
        summary="Propose other owners, another program or status", request=PartyChangeBody, responses={202: ProposalDetailFields}
    )
    def post(self, request: Request, code: str) -> Response:
        party = parties.party_for(user_of(request), code=code)
        body = said(request, PartyChangeBody)
        proposal = operations.propose_party_change(party=party.code, maker_id=person_of(request).pk, **body)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=202)


class PartyExternalAccounts(APIView):
    required_permissions = {"POST": "ledger.manage_party"}

    @extend_schema(
        summary="Propose an account outside to which a party's money may go",
        request=ExternalAccountBody,
        responses={202: ProposalDetailFields},
    )
    def post(self, request: Request, code: str) -> Response:
        party = parties.party_for(user_of(request), code=code)
        proposal = operations.propose_external_account(
            party=party.code, maker_id=person_of(request).pk, **said(request, ExternalAccountBody)
        )
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=202)


class ExternalAccountRevocation(APIView):
    required_permissions = {"POST": "ledger.manage_party"}

    @extend_schema(summary="Stop an account outside at once", request=RevocationBody, responses=ExternalAccountFields)
    def post(self, request: Request, external_account_id: UUID) -> Response:
        external = parties.external_account_for(user_of(request), external_account_id=external_account_id)
        stopped = operations.revoke_external_account(external_account_id=external.pk, reason=said(request, RevocationBody)["reason"])
        return Response(ExternalAccountFields(stopped).data)
