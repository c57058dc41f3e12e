"""Working a break's place in the queue over REST: labels, root cause, putting off, watching, giving back; deadlines and routes."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.serializers import ProposalFields
from approvals.api.shown import user_of
from ledgerops.lib.api import Body, said
from recon import operations, queries
from recon.api.serializers import BreakDetailFields
from recon.api.shown import break_in_full
from recon.break_clock import Level, levels_in_force
from recon.models import BreakRoute, BreakType

DIGITS = r"\A[0-9]{1,38}\Z"


class LabelBody(Body):
    label = serializers.CharField(max_length=40, help_text="a code of the governed list")  # type: ignore[assignment] # a declared field
    wanted = serializers.BooleanField(default=True, help_text="false takes it off")


class CauseBody(Body):
    cause = serializers.CharField(max_length=40, allow_null=True, help_text="a code of the governed list, or null for not known")


class SnoozeBody(Body):
    until = serializers.DateField(allow_null=True, help_text="the last day on which it is out of the queue, or null for back at once")
    reason = serializers.CharField(max_length=200, required=False, default="", allow_blank=True)


class WatchBody(Body):
    wanted = serializers.BooleanField(default=True)


class BandFields(serializers.Serializer[Any]):
    least_minor = serializers.RegexField(DIGITS, help_text="from so many minor units on")
    days = serializers.IntegerField(min_value=0, max_value=250, help_text="due so many business days after the movement")


class ServiceLevelFields(serializers.Serializer[Any]):
    asset = serializers.CharField()
    version = serializers.IntegerField(help_text="0 where nothing was said and the usual counts")
    bands = BandFields(many=True)
    timing_days = serializers.IntegerField()


class ServiceLevelBody(Body):
    asset = serializers.CharField(max_length=40)
    bands = BandFields(many=True)
    timing_days = serializers.IntegerField(min_value=0, max_value=60)
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)


class RouteFields(serializers.Serializer[Any]):
    source = serializers.CharField(max_length=40, allow_blank=True, default="")  # type: ignore[assignment] # a declared field
    type = serializers.ChoiceField(choices=BreakType.choices, allow_blank=True, default="")
    least_minor = serializers.RegexField(DIGITS, default="0")
    assignee = serializers.CharField(max_length=150, help_text="a user name")


class RoutesBody(Body):
    routes = RouteFields(many=True)


def _done(request: Request, break_id: UUID, body: type[Body], do: Callable[[UUID, dict[str, Any]], object]) -> Response:
    """Do something to a break that its reader sees, and return it as it is then."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    do(recon_break.pk, said(request, body))
    return Response(break_in_full(user, break_id=break_id))


class BreakLabelling(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Put a label on a break, or take it off", request=LabelBody, responses=BreakDetailFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        return _done(request, break_id, LabelBody, lambda pk, body: operations.label_break(break_id=pk, **body))


class RootCause(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Say what the root cause of a break is", request=CauseBody, responses=BreakDetailFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        return _done(request, break_id, CauseBody, lambda pk, body: operations.name_root_cause(break_id=pk, **body))


class Snooze(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Put a break off to a day, or take it back into the queue", request=SnoozeBody, responses=BreakDetailFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        return _done(request, break_id, SnoozeBody, _put_off)


class Watch(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Watch a break, or no longer", request=WatchBody, responses=BreakDetailFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        user_id = user_of(request).pk
        return _done(request, break_id, WatchBody, lambda pk, body: operations.watch_break(break_id=pk, user_id=user_id, **body))


class GivingBack(APIView):
    required_permissions = {"POST": "recon.work_break"}

    @extend_schema(summary="Give a break back to whom it was with before", request=None, responses=BreakDetailFields)
    def post(self, request: Request, break_id: UUID) -> Response:
        return _done(request, break_id, Body, lambda pk, _body: operations.return_break(break_id=pk))


def _put_off(break_id: UUID, body: dict[str, Any]) -> None:
    if body["until"] is None:
        operations.wake_break(break_id=break_id)
    else:
        operations.snooze_break(break_id=break_id, **body)


class ServiceLevels(APIView):
    required_permissions = {"GET": "recon.view_break", "POST": "recon.propose_service_level"}

    @extend_schema(
        summary="Read by when breaks are due, by asset", responses=ServiceLevelFields(many=True), operation_id="service_levels_list"
    )
    def get(self, request: Request) -> Response:
        levels = levels_in_force()
        codes = sorted({source.asset.code for source in queries.sources_for(user_of(request))})
        return Response([_level_shown(code, levels.get(code, Level())) for code in codes])

    @extend_schema(summary="Propose other deadlines in an asset", request=ServiceLevelBody, responses={201: ProposalFields})
    def post(self, request: Request) -> Response:
        body = said(request, ServiceLevelBody)
        bands = tuple((int(band["least_minor"]), band["days"]) for band in body["bands"])
        proposal = operations.propose_service_level(
            asset=body["asset"],
            level=Level(bands=bands, timing_days=body["timing_days"]),
            reason_code=body["reason_code"],
            narrative=body["narrative"],
            maker_id=user_of(request).pk,
        )
        return Response(ProposalFields(proposal).data, status=201)


class Routes(APIView):
    required_permissions = {"GET": "recon.view_break", "PUT": "recon.route_break"}

    @extend_schema(summary="Read whom new breaks go to", responses=RouteFields(many=True), operation_id="break_routes_list")
    def get(self, request: Request) -> Response:  # noqa: ARG002 (the framework's signature)
        return Response(_routes_shown())

    @extend_schema(summary="Say whom new breaks go to, all routes at once", request=RoutesBody, responses=RouteFields(many=True))
    def put(self, request: Request) -> Response:
        rows = said(request, RoutesBody)["routes"]
        operations.set_routes(
            routes=[
                operations.RouteAsked(source=row["source"], type=row["type"], least_minor=int(row["least_minor"]), assignee=row["assignee"])
                for row in rows
            ]
        )
        return Response(_routes_shown())


def _level_shown(asset: str, level: Level) -> dict[str, Any]:
    bands = [{"least_minor": str(least), "days": days} for least, days in level.bands]
    return {"asset": asset, "version": level.version, "bands": bands, "timing_days": level.timing_days}


def _routes_shown() -> list[dict[str, Any]]:
    return [
        {
            "source": row.source.code if row.source else "",
            "type": row.type,
            "least_minor": str(int(row.least_minor)),
            "assignee": row.assignee.username,
        }
        for row in BreakRoute.objects.select_related("source", "assignee")
    ]
