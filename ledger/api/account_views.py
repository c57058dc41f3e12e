"""What may be done to accounts over REST: opening, freezing, proposing changes, watching; alerts, hot accounts, the chart as a file."""

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
from ledger import operations, queries
from ledger.api import serializers, views
from ledger.models import (
    AccountPurpose,
    AccountStatus,
    AccountType,
    Alert,
    AlertKind,
    BalanceMonitor,
    Comparison,
    Direction,
    OwnerClass,
    ReserveClass,
)
from ledger.operations.accounts import LONGEST_WINDOW_MINUTES, MOST_VELOCITY_LIMITS
from ledger.operations.chart_files import LARGEST_BYTES, chart_lines, read_chart
from ledger.queries import controls, hot
from ledgerops.lib.api import Body, MinorField, asked, said, user_of

_LIMIT = {"required": False, "allow_null": True, "help_text": "minor units as a string of digits; null for none"}


class LimitField(fields.RegexField):
    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[0-9]{1,38}\Z", **{**_LIMIT, **options})


class OpeningBody(Body):
    code = fields.CharField(max_length=40)
    name = fields.CharField(max_length=120)
    entity = fields.CharField(max_length=20)
    group = fields.CharField(max_length=20)
    asset = fields.CharField(max_length=20)
    type = fields.ChoiceField(choices=AccountType.choices)
    owner_class = fields.ChoiceField(choices=OwnerClass.choices)
    parent = fields.CharField(max_length=40, required=False, default="", allow_blank=True)  # type: ignore[assignment] # a declared field
    reserve_class = fields.ChoiceField(choices=ReserveClass.choices, required=False, default="", allow_blank=True)
    purpose = fields.ChoiceField(choices=AccountPurpose.choices, required=False, default="", allow_blank=True)
    equivalent_of = fields.CharField(max_length=20, required=False, default="", allow_blank=True)
    control = fields.BooleanField(default=False)
    overdraft_limit = LimitField(default=None)
    deferred = fields.BooleanField(default=False)


class VelocityBody(Body):
    direction = fields.ChoiceField(choices=Direction.choices)
    window_minutes = fields.IntegerField(min_value=1, max_value=LONGEST_WINDOW_MINUTES)
    maximum = LimitField(default=None)
    maximum_postings = fields.IntegerField(min_value=1, max_value=1_000_000, required=False, allow_null=True, default=None)


class ChangesBody(Body):
    overdraft_limit = LimitField()
    debits_frozen = fields.BooleanField(required=False)
    credits_frozen = fields.BooleanField(required=False)
    velocity = VelocityBody(many=True, required=False, max_length=MOST_VELOCITY_LIMITS)  # type: ignore[call-arg] # the list has a length
    parent = fields.CharField(max_length=40, required=False, allow_null=True)  # type: ignore[assignment] # a declared field
    group = fields.CharField(max_length=20, required=False)
    name = fields.CharField(max_length=120, required=False)
    purpose = fields.ChoiceField(choices=AccountPurpose.choices, required=False, allow_blank=True)
    status = fields.ChoiceField(choices=AccountStatus.choices, required=False)
    deferred = fields.BooleanField(required=False)


class ChangeBody(Body):
    changes = ChangesBody(help_text="what is to be otherwise; what is left out stays as it is")
    reason_code = fields.CharField(max_length=40)
    narrative = fields.CharField(max_length=2000)


class FreezeBody(Body):
    directions = fields.ListField(child=fields.ChoiceField(choices=Direction.choices), min_length=1, max_length=2)
    reason = fields.CharField(max_length=1000)


class MonitorBody(Body):
    comparison = fields.ChoiceField(choices=Comparison.choices)
    threshold_minor = fields.RegexField(r"^-?[0-9]{1,38}\Z", help_text="signed minor units, as a string of digits")


class MonitorFields(fields.Serializer[Any]):
    id = fields.IntegerField()
    comparison = fields.ChoiceField(choices=Comparison.choices)
    threshold_minor = MinorField()
    active = fields.BooleanField()
    tripped = fields.BooleanField(help_text="whether the balance was beyond the level when it was last looked at")
    created_at = fields.DateTimeField()


class AlertFields(fields.Serializer[Any]):
    id = fields.UUIDField()
    kind = fields.ChoiceField(choices=AlertKind.choices)
    account = fields.CharField(source="account.code", default=None, allow_null=True)
    transaction_id = fields.UUIDField(allow_null=True)
    detail = fields.DictField()
    raised_at = fields.DateTimeField()
    seen_to_at = fields.DateTimeField(allow_null=True)
    seen_to_note = fields.CharField()


class AlertFilters(Body):
    kind = fields.ChoiceField(choices=AlertKind.choices, required=False)
    seen_to = fields.BooleanField(required=False, help_text="true: those that are closed; false: those that wait")


class NoteBody(Body):
    note = fields.CharField(max_length=2000)


class HotFields(fields.Serializer[Any]):
    account = fields.CharField(source="account.code")
    deferred = fields.BooleanField(source="account.balance.deferred")
    waited_ms = fields.IntegerField(help_text="by all requests within the last hour, estimated from samples")
    most_waiting = fields.IntegerField()
    longest_ms = fields.IntegerField()
    postings_per_second = fields.CharField(source="per_second", help_text="within the last minute")
    tail = fields.IntegerField(help_text="legs that wait for their place; the balance counts them")
    lag_s = fields.IntegerField(help_text="age of the oldest of them")


class ChartFile(fields.Serializer[Any]):
    csv = fields.CharField(help_text="the chart in sight; it reads in again as it is")


class ImportBody(Body):
    csv = fields.CharField(max_length=LARGEST_BYTES, trim_whitespace=False)
    file = fields.CharField(max_length=200, default="", allow_blank=True, help_text="a name for people")
    reason_code = fields.CharField(max_length=40)
    narrative = fields.CharField(max_length=2000)


@extend_schema_view(get=extend_schema(summary="List accounts by code", parameters=[serializers.AccountFilters]))
class Accounts(views.Accounts):
    required_permissions = {"GET": "ledger.view_account", "POST": "ledger.open_account"}

    @extend_schema(summary="Open an account", request=OpeningBody, responses={201: serializers.AccountFields})
    def post(self, request: Request) -> Response:
        body = said(request, OpeningBody)
        controls.refuse_unseen_places(user_of(request), entities=[body["entity"]], groups=[body["group"]])
        account = operations.open_requested_account(request=operations.OpeningRequest(**body))
        return Response(serializers.AccountFields(queries.account_for(user_of(request), code=account.code)).data, status=201)


class AccountChanges(APIView):
    required_permissions = {"POST": "ledger.propose_account_change"}

    @extend_schema(
        summary="Propose a change of an account",
        description="Limits, freezes, velocity limits, place in the chart, status and posting mode change once somebody else approves.",
        request=ChangeBody,
        responses={202: ProposalDetailFields},
    )
    def post(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        proposal = operations.propose_account_change(
            account=account.code, maker_id=person_of(request).pk, **_plain(said(request, ChangeBody))
        )
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=202)


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    """Return what was said as plain JSON values."""
    changes = dict(body["changes"])
    if "velocity" in changes:
        changes["velocity"] = [dict(limit) for limit in changes["velocity"]]
    return {**body, "changes": changes}


class AccountFreeze(APIView):
    required_permissions = {"POST": "ledger.freeze_account"}

    @extend_schema(
        summary="Freeze an account at once",
        description="Holds for every request from the answer on; facts from outside still come in. Releasing it takes a proposal.",
        request=FreezeBody,
        responses=serializers.AccountFields,
    )
    def post(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        body = said(request, FreezeBody)
        operations.freeze_account(account_id=account.pk, directions=sorted(set(body["directions"])), reason=body["reason"])
        return Response(serializers.AccountFields(queries.account_for(user_of(request), code=code)).data)


class Monitors(APIView):
    required_permissions = {"GET": "ledger.view_account", "POST": "ledger.manage_monitor"}

    @extend_schema(summary="List the levels of an account that are watched", responses=MonitorFields(many=True))
    def get(self, request: Request, code: str) -> Response:
        asked(request)
        account = queries.account_for(user_of(request), code=code)
        return Response(MonitorFields(controls.monitors_of(account), many=True).data)

    @extend_schema(summary="Watch a level of an account's balance", request=MonitorBody, responses={201: MonitorFields})
    def post(self, request: Request, code: str) -> Response:
        account = queries.account_for(user_of(request), code=code)
        body = said(request, MonitorBody)
        monitor: BalanceMonitor = operations.set_monitor(
            account_id=account.pk,
            comparison=body["comparison"],
            threshold_minor=int(body["threshold_minor"]),
            set_by_id=person_of(request).pk,
        )
        return Response(MonitorFields(monitor).data, status=201)


class MonitorRetirement(APIView):
    required_permissions = {"POST": "ledger.manage_monitor"}

    @extend_schema(summary="Stop watching a level", request=None, responses={204: None})
    def post(self, request: Request, code: str, monitor_id: int) -> Response:
        account = queries.account_for(user_of(request), code=code)
        operations.retire_monitor(monitor_id=controls.monitor_of(account, monitor_id=monitor_id).pk)
        return Response(status=204)


@extend_schema_view(get=extend_schema(summary="List alerts, newest first", parameters=[AlertFilters]))
class Alerts(ListAPIView[Alert]):
    required_permissions = {"GET": "ledger.view_alert"}
    serializer_class = AlertFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Alert]:
        wanted = asked(self.request, AlertFilters)
        alerts = controls.alerts_for(user_of(self.request))
        if "seen_to" in wanted:
            alerts = alerts.filter(seen_to_at__isnull=not wanted.pop("seen_to"))
        return alerts.filter(**wanted)


class AlertSeenTo(APIView):
    required_permissions = {"POST": "ledger.manage_monitor"}

    @extend_schema(summary="Close an alert by saying what was done", request=NoteBody, responses=AlertFields)
    def post(self, request: Request, alert_id: UUID) -> Response:
        alert = controls.alert_for(user_of(request), alert_id=alert_id)
        body = said(request, NoteBody)
        seen = operations.see_to_alert(alert_id=alert.pk, note=body["note"], seen_to_by_id=person_of(request).pk)
        return Response(AlertFields(seen).data)


class HotAccounts(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(summary="List the accounts requests wait for, and how far behind the roller is", responses=HotFields(many=True))
    def get(self, request: Request) -> Response:
        asked(request)
        return Response(HotFields(hot.hot_accounts_for(user_of(request)), many=True).data)


class Chart(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(summary="Read the chart of accounts as a file", responses=ChartFile)
    def get(self, request: Request) -> Response:
        asked(request)
        accounts = queries.accounts_for(user_of(request)).select_related("parent", "equivalent_of", "asset", "entity", "group", "balance")
        operations.record_export(target_type="ledger.chart", target_id="whole", query="", rows=accounts.count(), file_format="csv")
        return Response({"csv": "".join(chart_lines(accounts))})


class ChartImports(APIView):
    required_permissions = {"POST": "ledger.open_account"}

    @extend_schema(
        summary="Propose to open the accounts of a file",
        description="What is wrong is told all at once: 422 `chart_file_refused` with `detail.problems` of row, column and sentence.",
        request=ImportBody,
        responses={202: ProposalDetailFields},
    )
    def post(self, request: Request) -> Response:
        body = said(request, ImportBody)
        new = read_chart(body["csv"]).new
        controls.refuse_unseen_places(
            user_of(request), entities=sorted({one.entity for one in new}), groups=sorted({one.group for one in new})
        )
        proposal = operations.propose_chart_import(
            text=body["csv"],
            file_name=body["file"],
            reason_code=body["reason_code"],
            narrative=body["narrative"],
            maker_id=person_of(request).pk,
        )
        return Response(proposal_in_full(request, proposal_id=proposal.pk), status=202)
