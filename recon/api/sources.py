"""Sources, what is expected from them, and how their files are read, over REST."""

from datetime import date, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from approvals.api.serializers import ProposalDetailFields
from approvals.api.shown import proposal_in_full, user_of
from approvals.models import User
from ledger.queries import AccountNotFound, account_for, entities_for
from ledgerops.lib.api import asked, said
from recon import feed_calendar, operations, queries, source_queries
from recon.api import serializers
from recon.api import source_serializers as fields
from recon.models import MappingVersion, Source, SourceKind
from recon.operations import NewAccount

BACK, AHEAD = timedelta(days=30), timedelta(days=7)


@extend_schema_view(get=extend_schema(summary="List the sources of statements"))
class Sources(ListAPIView[Source]):
    required_permissions = {"GET": "recon.view_statement", "POST": "recon.register_source"}
    serializer_class = serializers.SourceFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[Source]:
        asked(self.request)
        return queries.sources_for(user_of(self.request))

    @extend_schema(
        summary="Register a source",
        description="On a ledger account that has none, or on one that is opened for it. The same registration again answers the source.",
        request=fields.SourceBody,
        responses={201: fields.SourceDetailFields},
    )
    def post(self, request: Request) -> Response:
        user = user_of(request)
        body = said(request, fields.SourceBody)
        account, new_account = body.pop("account", None), body.pop("new_account", None)
        wish = {**body, "kind": SourceKind(body["kind"])}
        if account is not None:
            try:
                seen = account_for(user, code=account)
            except AccountNotFound as refusal:
                raise AccountNotFound(str(refusal), field="account") from refusal
            source = operations.register_source(**wish, account=seen.code)
        else:
            if not user.has_perm("ledger.open_account"):
                raise ValidationError({"new_account": "your roles do not include opening accounts"})
            if not entities_for(user).filter(code=new_account["entity"]).exists():
                raise ValidationError({"new_account": {"entity": f"there is no entity {new_account['entity']} in your scope"}})
            source = operations.register_source_with_account(**wish, account=NewAccount(**new_account))
        return Response(_in_full(user, code=source.code), status=201)


class SourceDetail(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(summary="Read a source: what is expected, what is missing, its mapping in force", responses=fields.SourceDetailFields)
    def get(self, request: Request, code: str) -> Response:
        return Response(_in_full(user_of(request), code=code))


class SourceFormat(APIView):
    required_permissions = {"POST": "recon.map_source"}

    @extend_schema(summary="Choose how a source's files are read", request=fields.FormatBody, responses=fields.SourceDetailFields)
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = source_queries.source_for(user, code=code)
        operations.choose_format(source_id=source.pk, format=said(request, fields.FormatBody)["format"])
        return Response(_in_full(user, code=code))


class SourceFeed(APIView):
    required_permissions = {"POST": "recon.set_feed"}

    @extend_schema(
        summary="Say what is expected from a source and when",
        description="Days that are missing by it are one break from this moment on; it ends by itself when they have come or are waived.",
        request=fields.FeedBody,
        responses=fields.SourceDetailFields,
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = source_queries.source_for(user, code=code)
        operations.set_feed(source_id=source.pk, terms=fields.FeedBody().terms(said(request, fields.FeedBody)))
        return Response(_in_full(user, code=code))


class SourceCalendar(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(
        summary="Read the calendar of a source: each expected day, when it is due, and whether it came",
        parameters=[fields.CalendarFilters],
        responses=fields.CalendarFields,
    )
    def get(self, request: Request, code: str) -> Response:
        source = source_queries.source_for(user_of(request), code=code)
        wanted, now = asked(request, fields.CalendarFilters), timezone.now()
        since: date = wanted.get("since", now.date() - BACK)
        until: date = wanted.get("until", now.date() + AHEAD)
        if not 0 <= (until - since).days <= fields.DAYS_MAXIMUM:
            raise ValidationError({"until": f"on or after `since`, and {fields.SPAN} later"})
        feed = source_queries.feed_of(source)
        days = feed_calendar.days_of([feed], since=since, until=until, now=now)[source.pk] if feed else []
        return Response(fields.CalendarFields({"days": days}).data)


class SourceWaivers(APIView):
    required_permissions = {"POST": "recon.set_feed"}

    @extend_schema(summary="Say that nothing will come for one day", request=fields.WaiverBody, responses={201: fields.WaiverFields})
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = source_queries.source_for(user, code=code)
        body = said(request, fields.WaiverBody)
        waiver = operations.waive_day(source_id=source.pk, day=body["day"], reason=body["reason"], waived_by_id=user.pk)
        return Response(fields.WaiverFields(waiver).data, status=201)


class SourceSamples(APIView):
    required_permissions = {"POST": "recon.map_source"}
    parser_classes = [MultiPartParser]
    throttle_scope = "files"

    @extend_schema(
        summary="Upload a sample file to try a mapping on",
        request={"multipart/form-data": fields.SampleUpload},
        responses={201: fields.SampleFields},
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = source_queries.source_for(user, code=code)
        uploaded = said(request, fields.SampleUpload)["file"]
        file = operations.receive_sample(source_id=source.pk, name=uploaded.name, content=uploaded.file, received_by_id=user.pk)
        return Response(fields.SampleFields(file).data, status=201)


@extend_schema_view(get=extend_schema(summary="List the versions of a source's mapping, newest first"))
class Mappings(ListAPIView[MappingVersion]):
    required_permissions = {"GET": "recon.view_statement", "POST": "recon.map_source"}
    serializer_class = fields.MappingFields
    ordering = ("-number",)

    def get_queryset(self) -> QuerySet[MappingVersion]:
        asked(self.request)
        source = source_queries.source_for(user_of(self.request), code=self.kwargs["code"])
        return source_queries.mappings_of(source)

    @extend_schema(
        summary="Draft a version of a mapping",
        description="Reads no file before a second person has approved it. 422 `mapping_invalid` names the key that is wrong.",
        request=fields.MappingBody,
        responses={201: fields.MappingFields},
    )
    def post(self, request: Request, code: str) -> Response:
        user = user_of(request)
        source = source_queries.source_for(user, code=code)
        body = said(request, fields.MappingBody)
        version = operations.draft_mapping(
            source_id=source.pk, definition=body["definition"], sample_id=body["sample_id"], drafted_by_id=user.pk
        )
        return Response(fields.MappingFields(source_queries.mapping_for(source, number=version.number)).data, status=201)


class MappingTrial(APIView):
    required_permissions = {"POST": "recon.map_source"}

    @extend_schema(
        summary="Try a definition on a sample; nothing is kept",
        description="Answers the first rows as they would be read beside their raw text, totals, proof and located errors.",
        request=fields.TryBody,
        responses=fields.TriedFields,
    )
    def post(self, request: Request, code: str) -> Response:
        source = source_queries.source_for(user_of(request), code=code)
        body = said(request, fields.TryBody)
        sample = source_queries.sample_for(source, text=str(body["sample_id"]))
        if sample is None:
            raise ValidationError({"sample_id": "this is no sample of the source"})
        return Response(fields.TriedFields(operations.try_on(definition=body["definition"], file=sample)).data)


class MappingDetail(APIView):
    required_permissions = {"GET": "recon.view_statement"}

    @extend_schema(summary="Read a version of a mapping", responses=fields.MappingFields)
    def get(self, request: Request, code: str, number: int) -> Response:
        source = source_queries.source_for(user_of(request), code=code)
        return Response(fields.MappingFields(source_queries.mapping_for(source, number=number)).data)


class MappingSubmission(APIView):
    required_permissions = {"POST": "recon.map_source"}

    @extend_schema(
        summary="Ask a second person to approve one's own draft",
        request=fields.SubmitBody,
        responses={201: ProposalDetailFields},
    )
    def post(self, request: Request, code: str, number: int) -> Response:
        user = user_of(request)
        version = source_queries.mapping_for(source_queries.source_for(user, code=code), number=number)
        body = said(request, fields.SubmitBody)
        proposal = operations.submit_mapping(
            mapping_id=version.pk, reason_code=body["reason_code"], narrative=body["narrative"], maker_id=user.pk
        )
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=201)


def _in_full(user: User, *, code: str) -> dict[str, Any]:
    source = source_queries.source_for(user, code=code)
    feed, now = source_queries.feed_of(source), timezone.now()
    due = feed_calendar.next_due(feed, now=now) if feed else None
    missing = feed_calendar.missing_days([feed], now=now)[source.pk] if feed else []
    mapping = source_queries.mapping_in_force(source)
    return {
        **serializers.SourceFields(source).data,
        "feed": feed and fields.FeedFields(feed).data,
        "next_due": due and fields.NextDueFields({"day": due[0], "due_at": due[1]}).data,
        "missing_days": [one.day.isoformat() for one in missing],
        "mapping": mapping and fields.MappingFields(mapping).data,
        "quarantined": source_queries.quarantined_of(source),
    }
