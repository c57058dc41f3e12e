"""Reports over REST: the figures of the page, with the same names."""

from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from approvals.api.shown import user_of
from ledgerops.lib.api import asked
from recon import figure_queries
from recon.api import report_serializers as serializers


class ReconciliationReport(APIView):
    required_permissions = {"GET": "recon.view_run"}

    @extend_schema(
        summary="Read the figures of reconciliation within days",
        description="At most 366 days (422 `span_invalid`). What is open is as it stands now, whatever the days.",
        parameters=[serializers.SpanBody],
        responses=serializers.ReportFields,
    )
    def get(self, request: Request) -> Response:
        wanted, today = asked(request, serializers.SpanBody), timezone.localdate()
        span = figure_queries.span_of(since=wanted.get("since"), until=wanted.get("until"), today=today)
        shown = figure_queries.report_for(user_of(request), span=span, today=today, now=timezone.now())
        return Response(serializers.ReportFields(shown).data)
