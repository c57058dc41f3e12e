"""Account-days and certificates over REST."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import User
from ledger.queries import account_for
from ledgerops.lib.api import asked, said
from recon import operations
from recon.account_day_queries import account_day, home_of, latest_day
from recon.api import certificate_serializers as fields
from recon.certification_queries import after_sign_off, certificate_for, certificates_for, grid_for
from recon.models import Certificate, Reconciliation

GRID_DAYS = 14


class AccountDays(APIView):
    required_permissions = {"GET": "recon.view_certificate"}

    @extend_schema(
        summary="Read an account at the end of a day: ledger, source, open items, and what is unexplained with where to look",
        parameters=[fields.DayFilters],
        responses=fields.AccountDayFields,
    )
    def get(self, request: Request, code: str) -> Response:
        reconciliation = _home(user_of(request), code=code)
        wanted = asked(request, fields.DayFilters)
        day = wanted.get("as_of") or latest_day(reconciliation.source) or timezone.localdate()
        return Response(fields.AccountDayFields(account_day(reconciliation, day=day, before=wanted.get("since"))).data)


class Certifications(APIView):
    required_permissions = {"GET": "recon.view_certificate"}

    @extend_schema(
        summary="Read how it stands with every account and day: certified, prepared, blocked and why, or ready",
        parameters=[fields.GridFilters],
        responses=fields.CertificationGridFields,
    )
    def get(self, request: Request) -> Response:
        wanted = asked(request, fields.GridFilters)
        until = wanted.get("until") or timezone.localdate()
        since = until - timedelta(days=wanted.get("days", GRID_DAYS) - 1)
        narrowed = {name: wanted[name] for name in ("source", "state") if name in wanted}
        return Response(fields.CertificationGridFields(grid_for(user_of(request), since=since, until=until, **narrowed)).data)


@extend_schema_view(get=extend_schema(summary="List certificates, the latest days first", parameters=[fields.CertificateFilters]))
class Certificates(ListAPIView[Certificate]):
    required_permissions = {"GET": "recon.view_certificate"}
    serializer_class = fields.CertificateFields
    ordering = ("-last_day", "-id")

    def get_queryset(self) -> QuerySet[Certificate]:
        wanted = asked(self.request, fields.CertificateFilters)
        found = certificates_for(user_of(self.request))
        return found.filter(reconciliation__source__code=wanted["source"]) if "source" in wanted else found


class AccountCertificates(APIView):
    required_permissions = {"POST": "recon.prepare_certificate"}

    @extend_schema(
        summary="Prepare days of an account for certification",
        description=(
            "A second person decides on exactly what was prepared. 409 `certification_blocked` says in `detail.blockers` all that keeps "
            "the days from it, 403 `preparer_made_entries` that somebody else must prepare them."
        ),
        request=fields.PrepareBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        reconciliation = _home(user, code=code)
        body = said(request, fields.PrepareBody)
        proposal = operations.prepare_certificate(reconciliation_id=reconciliation.pk, **body, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


class CertificationTermsOf(APIView):
    required_permissions = {"POST": "recon.set_certification_terms"}

    @extend_schema(
        summary="Say which live breaks keep days of an account from being certified",
        request=fields.CertificationTermsBody,
        responses=fields.CertificationTermsFields,
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        reconciliation = _home(user, code=code)
        body = said(request, fields.CertificationTermsBody)
        terms = operations.set_certification_terms(reconciliation_id=reconciliation.pk, **body, set_by_id=user.pk)
        return Response(fields.CertificationTermsFields(terms).data)


class CertificateDetail(APIView):
    required_permissions = {"GET": "recon.view_certificate"}

    @extend_schema(summary="Read a certificate: what was signed, and what came after", responses=fields.CertificateDetailFields)
    def get(self, request: Request, certificate_id: UUID) -> Response:
        found = certificate_for(user_of(request), certificate_id=certificate_id)
        shown: dict[str, Any] = dict(fields.CertificateFields(found).data)
        shown["content"] = found.content
        shown["after_sign_off"] = fields.AfterSignOffFields(after_sign_off(found)).data if found.is_live else None
        return Response(shown)


class CertificatePack(APIView):
    required_permissions = {"GET": "recon.view_certificate"}
    form = "pdf"

    @extend_schema(
        summary="Download the evidence pack of a certificate; that is on the trail",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, certificate_id: UUID) -> HttpResponse:
        found = certificate_for(user_of(request), certificate_id=certificate_id)
        content, digest = operations.hand_out_pack(certificate_id=found.pk, form=self.form)
        kind = "application/pdf" if self.form == "pdf" else "application/json"
        return HttpResponse(content, content_type=kind, headers={"X-Content-SHA256": digest, "Cache-Control": "no-store"})


class CertificateTwin(CertificatePack):
    form = "json"


class Withdrawals(APIView):
    required_permissions = {"POST": "recon.prepare_certificate"}

    @extend_schema(
        summary="Propose that a certificate no longer stands", request=fields.WithdrawBody, responses={201: ProposalDetailFields}
    )
    def post(self, request: Request, certificate_id: UUID) -> Response:
        user = user_of(request)
        found = certificate_for(user, certificate_id=certificate_id)
        body = said(request, fields.WithdrawBody)
        proposal = operations.propose_withdrawal(certificate_id=found.pk, **body, maker_id=user.pk)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


def _home(user: User, *, code: str) -> Reconciliation:
    return home_of(user, account=account_for(user, code=code))
