"""Sources, statements, runs and breaks over REST."""

import re
from uuid import UUID

from django.db.models import Q, QuerySet
from django.http import FileResponse
from django.utils import timezone
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import GenericAPIView, ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.shown import user_of
from ledgerops.lib.api import asked, said
from recon import operations, queries, resolution_queries
from recon.api import serializers
from recon.api.shown import file_in_full
from recon.break_clock import Clock
from recon.models import Break, BreakState, Reconciliation, Run, Statement, StatementLine
from recon.tasks import ring, ring_jobs

_NUMBER = re.compile(r"(?:BRK-?)?([0-9]{1,18})", re.IGNORECASE | re.ASCII)


class FileDetail(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(summary="Read a file: what it says, what was accepted, what is wrong", responses=serializers.FileDetailFields)
    def get(self, request: Request, file_id: UUID) -> Response:
        return Response(file_in_full(user_of(request), file_id=file_id))


class FileBytes(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(
        summary="Download a file's bytes as they came; that is on the trail",
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, file_id: UUID) -> FileResponse:
        file = queries.file_for(user_of(request), file_id=file_id)
        content = operations.hand_out_file(file_id=file.pk)
        return FileResponse(content, as_attachment=True, filename=file.name, content_type="application/octet-stream")


class FileAcceptance(APIView):
    required_permissions = {"POST": "recon.upload_statement"}

    @extend_schema(
        summary="Accept a received file",
        description=(
            "Takes its statements and lines in, all or nothing, and starts a reconciliation run for each source. A large file is left to a "
            "worker: read the file to follow it. 409 `statement_restated` names an accepted statement that would be replaced."
        ),
        request=serializers.AcceptanceBody,
        responses=serializers.AcceptedFile,
    )
    def post(self, request: Request, file_id: UUID) -> Response:
        user = user_of(request)
        file = queries.file_for(user, file_id=file_id)
        restating = said(request, serializers.AcceptanceBody)["restating"] if request.data else []
        runs = operations.accept_file(file_id=file.pk, source_ids=[source.pk for source in queries.sources_for(user)], restating=restating)
        ring(run.pk for run in runs)
        ring_jobs(operations.live_jobs_of(file.pk))
        shown = serializers.FileFields(queries.file_for(user, file_id=file_id)).data
        taken = queries.statements_for(user).filter(file=file_id).order_by("ordinal")
        started = queries.runs_for(user).filter(pk__in=[run.pk for run in runs])
        return Response(
            {
                **shown,
                "statements": serializers.StatementFields(taken, many=True).data,
                "runs": serializers.RunFields(started, many=True).data,
            }
        )


@extend_schema_view(get=extend_schema(summary="List statements, latest closing date first", parameters=[serializers.StatementFilters]))
class Statements(ListAPIView[Statement]):
    required_permissions = {"GET": "recon.view_statement"}
    serializer_class = serializers.StatementFields
    ordering = ("-closing_date", "-id")

    def get_queryset(self) -> QuerySet[Statement]:
        wanted = asked(self.request, serializers.StatementFilters)
        lookups = {"source": "source__code", "proof": "proof", "since": "closing_date__gte", "until": "closing_date__lte"}
        return queries.statements_for(user_of(self.request)).filter(**{lookups[name]: value for name, value in wanted.items()})


class StatementDetail(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(summary="Read a statement", responses=serializers.StatementFields)
    def get(self, request: Request, statement_id: UUID) -> Response:
        return Response(serializers.StatementFields(queries.statement_for(user_of(request), statement_id=statement_id)).data)


@extend_schema_view(get=extend_schema(summary="List a statement's lines in their order"))
class StatementLines(ListAPIView[StatementLine]):
    required_permissions = {"GET": "recon.view_statement"}
    serializer_class = serializers.LineFields
    ordering = ("ordinal",)

    def get_queryset(self) -> QuerySet[StatementLine]:
        asked(self.request)
        return queries.lines_of(queries.statement_for(user_of(self.request), statement_id=self.kwargs["statement_id"]))


class Reconciliations(GenericAPIView[Reconciliation]):
    required_permissions = {"GET": "recon.view_run"}
    ordering = ("id",)

    @extend_schema(
        operation_id="reconciliations_list",
        summary="List reconciliations and where they stand",
        responses=serializers.ReconciliationFields(many=True),
    )
    def get(self, request: Request) -> Response:
        asked(request)
        page = self.paginate_queryset(queries.reconciliations_for(user_of(request))) or []
        return self.get_paginated_response(serializers.ReconciliationFields(queries.standings_of(page), many=True).data)


class ReconciliationRuns(APIView):
    required_permissions = {"POST": "recon.run_reconciliation"}

    @extend_schema(
        summary="Start a run",
        description="Answers at once; read the run to follow it. While one waits, that one is answered: it will see the same items.",
        request=None,
        responses={202: serializers.RunFields},
    )
    def post(self, request: Request, reconciliation_id: int) -> Response:
        user = user_of(request)
        reconciliation = queries.reconciliation_for(user, pk=reconciliation_id)
        run = operations.request_run(reconciliation_id=reconciliation.pk, requested_by_id=user.pk)
        ring([run.pk])
        return Response(serializers.RunFields(queries.run_for(user, run_id=run.pk)).data, status=202)


@extend_schema_view(get=extend_schema(summary="List runs, newest first", parameters=[serializers.RunFilters]))
class Runs(ListAPIView[Run]):
    required_permissions = {"GET": "recon.view_run"}
    serializer_class = serializers.RunFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Run]:
        wanted = asked(self.request, serializers.RunFilters)
        lookups = {"source": "reconciliation__source__code", "status": "status"}
        return queries.runs_for(user_of(self.request)).filter(**{lookups[name]: value for name, value in wanted.items()})


class RunDetail(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(summary="Read a run and its progress", responses=serializers.RunFields)
    def get(self, request: Request, run_id: UUID) -> Response:
        return Response(serializers.RunFields(queries.run_for(user_of(request), run_id=run_id)).data)


@extend_schema_view(get=extend_schema(summary="List breaks, oldest first", parameters=[serializers.BreakFilters]))
class Breaks(ListAPIView[Break]):
    required_permissions = {"GET": "recon.view_break"}
    serializer_class = serializers.BreakFields
    ordering = ("occurred_on", "number")

    def get_queryset(self) -> QuerySet[Break]:
        user = user_of(self.request)
        wanted = asked(self.request, serializers.BreakFilters)
        breaks = queries.breaks_for(user)
        if "state" not in wanted:
            breaks = breaks.exclude(state=BreakState.RESOLVED)
        if text := wanted.pop("q", ""):
            found = Q(reference__icontains=text) | Q(counterparty__icontains=text)
            number = _NUMBER.fullmatch(text)
            breaks = breaks.filter(found | Q(number=int(number[1])) if number else found)
        clock, seen = Clock(today=timezone.localdate()), list(queries.reconciliations_for(user))
        if nature := wanted.pop("nature", ""):
            breaks = breaks.filter(clock.of_nature(nature, reconciliations=seen))
        if due := wanted.pop("due", ""):
            breaks = breaks.filter(clock.due_when(due, reconciliations=seen))
        if label := wanted.pop("label", ""):
            breaks = breaks.filter(labels__label=label)
        if person := wanted.pop("assignee", ""):
            whose = {"me": Q(assignee=user), "nobody": Q(assignee__isnull=True)}
            breaks = breaks.filter(whose.get(person, Q(assignee__username=person)))
        if parent := wanted.pop("waits_for", ""):
            number = _NUMBER.fullmatch(parent)
            breaks = breaks.filter(parent__number=int(number[1])) if number else breaks.none()
        if treatment := wanted.pop("treatment", ""):
            breaks = resolution_queries.with_treatment(breaks, treatment=treatment, today=timezone.localdate())
        lookups = {"source": "reconciliation__source__code", "asset": "reconciliation__source__asset__code"}
        return breaks.filter(**{lookups.get(name, name): value for name, value in wanted.items()})
