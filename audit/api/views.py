"""The trail over REST."""

from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from audit import actions, queries
from audit.api import serializers
from audit.models import AuditEvent
from ledgerops.lib.api import asked, user_of


@extend_schema_view(get=extend_schema(summary="Search the trail, newest first", parameters=[serializers.EventFilters]))
class Events(ListAPIView[AuditEvent]):
    required_permissions = {"GET": "audit.search_trail"}
    serializer_class = serializers.Event
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        wanted = asked(self.request, serializers.EventFilters)
        events = queries.between(
            queries.events_for(user_of(self.request)), since=wanted.pop("since", None), until=wanted.pop("until", None)
        )
        if actor := wanted.pop("actor", ""):
            events = queries.by_actor(events, name=actor)
        return events.filter(**{{"proposal": "proposal_id"}.get(name, name): value for name, value in wanted.items()})


class Actions(APIView):
    required_permissions = {"GET": "audit.search_trail"}

    @extend_schema(summary="List every action that can be on the trail, with its meaning", responses=serializers.Action(many=True))
    def get(self, request: Request) -> Response:
        asked(request)
        catalogue = [{"action": action, "meaning": meaning} for action, meaning in actions.catalogue().items()]
        return Response(serializers.Action(catalogue, many=True).data)


@extend_schema_view(
    get=extend_schema(
        summary="Read what happened to one object, oldest first",
        description="Events that name the object as their target; for a proposal, what it caused, too.",
    )
)
class Timeline(ListAPIView[AuditEvent]):
    required_permissions = {"GET": "audit.search_trail"}
    serializer_class = serializers.Event
    ordering = ("id",)

    def get_queryset(self) -> QuerySet[AuditEvent]:
        asked(self.request)
        return queries.everything_about(user_of(self.request), target_type=self.kwargs["target_type"], target_id=self.kwargs["target_id"])
