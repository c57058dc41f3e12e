"""Deliveries over REST: files, records that systems push, rows in quarantine, lines that repeat others."""

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import User
from ledgerops.lib.api import asked, said
from recon import file_queries, operations, queries
from recon.api import serializers
from recon.models import Channel, QuarantinedRow, Source, StatementFile
from recon.queries import SourceNotFound
from recon.tasks import ring, ring_jobs


class Files(ListAPIView[StatementFile]):
    required_permissions = {"GET": "recon.view_statement", "POST": "recon.upload_statement"}
    serializer_class = serializers.FileFields
    ordering = ("-id",)
    throttle_scope = "files"

    def get_parsers(self) -> list[Any]:
        """A file comes as a form; nothing else is posted here."""
        return [MultiPartParser()]

    def get_throttles(self) -> list[Any]:
        """Reading a file costs seconds; listing them does not."""
        return super().get_throttles() if self.request.method == "POST" else []

    def get_queryset(self) -> QuerySet[StatementFile]:
        asked(self.request)
        return queries.files_for(user_of(self.request)).defer("summary")

    @extend_schema(summary="List files, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)

    @extend_schema(
        summary="Upload a file",
        description=(
            "Stores the bytes under their SHA-256 and reads them; nothing counts before the file is accepted, unless `take` says so. A "
            "file that cannot be read is stored too, `refused`, with its located errors. A large file has status `stored` until a "
            "worker has read it."
        ),
        request={"multipart/form-data": serializers.FileUpload},
        responses={
            201: OpenApiResponse(serializers.ReceivedFile, description="stored"),
            200: OpenApiResponse(serializers.ReceivedFile, description="the same bytes were received before; nothing was changed"),
        },
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, serializers.FileUpload)
        source = _source(user, code=body["source"]) if body.get("source") else None
        uploaded = body["file"]
        if body["take"] and source is not None:
            done = operations.deliver_file(
                name=uploaded.name, content=uploaded.file, channel=Channel.API, source_id=source.pk, delivered_by_id=user.pk
            )
            file, new = done.file, done.new
            ring(run.pk for run in done.runs)
        else:
            file, new = operations.receive_file(
                name=uploaded.name,
                content=uploaded.file,
                maximum_bytes=operations.FILE_MAXIMUM_BYTES if source else settings.STATEMENT_MAXIMUM_BYTES,
                received_by_id=user.pk,
                channel=Channel.API,
                source_id=source.pk if source else None,
            )
        return _received(user, file=file, new=new)


class FileSource(APIView):
    required_permissions = {"POST": "recon.upload_statement"}

    @extend_schema(
        summary="Say which source a file was delivered for, and read it as that source's files are read",
        request=serializers.SourceChoice,
        responses=serializers.FileFields,
    )
    def post(self, request: Request, file_id: UUID) -> Response:
        user = user_of(request)
        file = queries.file_for(user, file_id=file_id)
        source = _source(user, code=said(request, serializers.SourceChoice)["source"])
        operations.choose_source(file_id=file.pk, source_id=source.pk)
        ring_jobs(operations.live_jobs_of(file.pk))
        return Response(serializers.FileFields(queries.file_for(user, file_id=file_id)).data)


class FileReading(APIView):
    required_permissions = {"POST": "recon.work_quarantine"}

    @extend_schema(
        summary="Read a file's bytes again, as its source's files are read now",
        description="A statement that says something else becomes a new version; rows that are understood leave the quarantine.",
        request=None,
        responses=serializers.FileFields,
    )
    def post(self, request: Request, file_id: UUID) -> Response:
        user = user_of(request)
        file = queries.file_for(user, file_id=file_id)
        runs = operations.read_again(file_id=file.pk, source_ids=[source.pk for source in queries.sources_for(user)])
        ring(run.pk for run in runs)
        return Response(serializers.FileFields(queries.file_for(user, file_id=file_id)).data)


class Records(APIView):
    required_permissions = {"POST": "recon.upload_statement"}
    throttle_scope = "files"

    @extend_schema(
        summary="Push records of an operational system",
        description=(
            "They are kept as a file of their own and accepted at once; a record that cannot be read is quarantined. "
            "The same key with the same records changes nothing; with others it answers 409 `delivery_key_taken`."
        ),
        parameters=[OpenApiParameter("Idempotency-Key", OpenApiTypes.STR, OpenApiParameter.HEADER, required=True)],
        request=serializers.RecordsBody,
        responses={201: serializers.ReceivedFile, 200: serializers.ReceivedFile},
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = _source(user, code=code)
        records = said(request, serializers.RecordsBody)["records"]
        done = operations.push_records(
            source=source, records=records, delivery_key=request.headers.get("Idempotency-Key", ""), delivered_by_id=user.pk
        )
        ring(run.pk for run in done.runs)
        return _received(user, file=done.file, new=done.new)


@extend_schema_view(get=extend_schema(summary="List rows that could not be read, newest first", parameters=[serializers.QuarantineFilters]))
class Quarantine(ListAPIView[QuarantinedRow]):
    required_permissions = {"GET": "recon.view_statement"}
    serializer_class = serializers.QuarantinedRowFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[QuarantinedRow]:
        wanted = asked(self.request, serializers.QuarantineFilters)
        lookups = {"source": "source__code", "state": "state", "file": "file"}
        return file_queries.quarantine_for(user_of(self.request)).filter(**{lookups[name]: value for name, value in wanted.items()})


class Dismissal(APIView):
    required_permissions = {"POST": "recon.work_quarantine"}

    @extend_schema(
        summary="Dismiss a row in quarantine with a reason", request=serializers.DismissalBody, responses=serializers.QuarantinedRowFields
    )
    def post(self, request: Request, row_id: int) -> Response:
        user = user_of(request)
        row = file_queries.quarantined_row_for(user, row_id=row_id)
        operations.dismiss_row(row_id=row.pk, reason=said(request, serializers.DismissalBody)["reason"], dismissed_by_id=user.pk)
        return Response(serializers.QuarantinedRowFields(file_queries.quarantined_row_for(user, row_id=row_id)).data)


class Counting(APIView):
    required_permissions = {"POST": "recon.work_quarantine"}

    @extend_schema(
        summary="Propose that a repeated line is no duplicate",
        description="It counts once somebody other than its maker agrees.",
        request=serializers.CountingBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, statement_id: UUID, ordinal: int) -> Response:
        user = user_of(request)
        line = file_queries.line_for(user, statement_id=statement_id, ordinal=ordinal)
        body = said(request, serializers.CountingBody)
        proposal = operations.propose_counting(line_id=line.pk, maker_id=user.pk, **body)
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


def _source(user: User, *, code: str) -> Source:
    found = queries.sources_for(user).filter(code=code).first()
    if found is None:
        raise SourceNotFound("there is no such source in your scope", field="source")
    return found


def _received(user: User, *, file: StatementFile, new: bool) -> Response:
    ring_jobs(operations.live_jobs_of(file.pk))
    seen = queries.file_for(user, file_id=file.pk)
    return Response({**serializers.FileFields(seen).data, "known": not new}, status=201 if new else 200)
