"""The standing proof of the books over REST."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import operations
from ledger.models import IntegrityFinding, IntegrityRun, Severity
from ledger.operations.integrity_checks import CHECKS
from ledger.queries import integrity as queries
from ledger.tasks import ring_integrity
from ledgerops.lib.api import Body, asked, said, user_of


class RunCheck(serializers.Serializer[Any]):
    check = serializers.CharField()
    state = serializers.ChoiceField(choices=["waiting", "current", "done", "failed"])
    objects = serializers.IntegerField(help_text="how many objects the check looked at")
    findings = serializers.IntegerField()


class Run(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    full = serializers.BooleanField(help_text="everything, or what was new since the last time")
    started_at = serializers.DateTimeField()
    heartbeat_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    progress = RunCheck(many=True)
    postings_checked = serializers.IntegerField()
    findings_count = serializers.IntegerField()


class BooksCheckFields(serializers.Serializer[Any]):
    name = serializers.CharField()
    says = serializers.CharField()
    severity = serializers.ChoiceField(choices=Severity.choices)
    each_minute = serializers.BooleanField(help_text="held against new postings each minute; the others in full examinations")
    open_findings = serializers.IntegerField()


class BooksProof(serializers.Serializer[Any]):
    checked_until = serializers.DateTimeField(allow_null=True)
    lag_seconds = serializers.IntegerField(allow_null=True)
    late = serializers.BooleanField()
    open_findings = serializers.IntegerField()
    last_full = Run(allow_null=True)
    active = Run(allow_null=True)
    checks = BooksCheckFields(many=True)


class Finding(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    check = serializers.CharField(source="check_name")
    severity = serializers.ChoiceField(choices=Severity.choices)
    object_type = serializers.CharField()
    object_id = serializers.CharField()
    account = serializers.CharField(source="account.code", default=None, allow_null=True)
    expected = serializers.JSONField()
    found = serializers.JSONField()
    sentence = serializers.CharField()
    found_at = serializers.DateTimeField(source="first_run.started_at")
    last_seen_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)


class FindingFilters(Body):
    check = serializers.CharField(required=False, help_text="name of a check")
    open = serializers.BooleanField(required=False, help_text="only those that are still so, or only those that are right again")
    account = serializers.CharField(required=False, help_text="code of an account")


class RebuildBody(Body):
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(min_length=20, max_length=2000)


class RebuildAnswer(serializers.Serializer[Any]):
    proposal = serializers.UUIDField(source="pk")
    number = serializers.CharField(source="public_number")
    status = serializers.CharField()


class IntegrityProof(APIView):
    required_permissions = {"GET": "ledger.view_integrityrun"}

    @extend_schema(summary="Read how far the standing proof of the books is", responses=BooksProof)
    def get(self, request: Request) -> Response:
        asked(request)
        proof, found = queries.proof_for(user_of(request)), queries.open_findings_by_check(user_of(request))
        checks = [
            {
                "name": check.name,
                "says": check.says,
                "severity": check.severity,
                "each_minute": check.each_minute,
                "open_findings": found.get(check.name, 0),
            }
            for check in CHECKS
        ]
        shown = {
            "checked_until": proof.checked_until,
            "lag_seconds": proof.lag_seconds,
            "late": proof.late,
            "open_findings": proof.open_findings,
            "last_full": proof.last_full,
            "active": proof.active,
            "checks": checks,
        }
        return Response(BooksProof(shown).data)


@extend_schema_view(get=extend_schema(operation_id="integrity_runs_list", summary="List examinations, newest first"))
class IntegrityRuns(ListAPIView[IntegrityRun]):
    required_permissions = {"GET": "ledger.view_integrityrun", "POST": "ledger.run_integrity"}
    serializer_class = Run
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[IntegrityRun]:
        asked(self.request)
        return queries.integrity_runs(user_of(self.request))

    @extend_schema(
        summary="Ask for a full examination",
        description="If one waits or works already, the answer is that one. It takes a while: read it again until `finished_at` is set.",
        request=None,
        responses={202: Run},
    )
    def post(self, request: Request) -> Response:
        run = operations.request_integrity_run(requested_by_id=user_of(request).pk)
        ring_integrity(run.pk)
        return Response(Run(run).data, status=202)


class IntegrityRunDetail(APIView):
    required_permissions = {"GET": "ledger.view_integrityrun"}

    @extend_schema(summary="Read an examination and how far it is", responses=Run)
    def get(self, request: Request, examination_id: UUID) -> Response:
        asked(request)
        return Response(Run(queries.integrity_run(user_of(request), run_id=examination_id)).data)


@extend_schema_view(get=extend_schema(summary="List what the integrity checker found, newest first", parameters=[FindingFilters]))
class IntegrityFindings(ListAPIView[IntegrityFinding]):
    required_permissions = {"GET": "ledger.view_integrityrun"}
    serializer_class = Finding
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[IntegrityFinding]:
        wanted = asked(self.request, FindingFilters)
        findings = queries.findings_for(user_of(self.request))
        if "check" in wanted:
            findings = findings.filter(check_name=wanted["check"])
        if "account" in wanted:
            findings = findings.filter(account__code=wanted["account"])
        return findings.filter(resolved_at__isnull=wanted["open"]) if "open" in wanted else findings


class FindingRebuild(APIView):
    required_permissions = {"POST": "ledger.propose_account_change"}

    @extend_schema(
        summary="Propose to rebuild an account's figures",
        description="Another person decides. Postings never change; the account's balance and days are derived from them again.",
        request=RebuildBody,
        responses={201: RebuildAnswer},
    )
    def post(self, request: Request, finding_id: UUID) -> Response:
        finding = queries.finding_for(user_of(request), finding_id=finding_id)
        body = said(request, RebuildBody)
        proposal = operations.propose_rebuild(account=finding.account.code if finding.account else "", maker_id=user_of(request).pk, **body)
        return Response(RebuildAnswer(proposal).data, status=201)
