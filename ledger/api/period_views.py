"""Periods, the trial balance and the general ledger over REST."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localdate
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from approvals.api.serializers import ProposalFields
from ledger import operations, queries
from ledger.api import period_serializers as serializers
from ledger.models import Account, AccountingPeriod, PeriodStatus
from ledger.operations.closing_checks import as_json, checklist_of
from ledger.queries.general import general_ledger
from ledger.queries.periods import closes_known_to, closes_of, totals_of
from ledger.queries.trial import named_accounts, point_of, trial_balance_tree
from ledgerops.lib.api import asked, said, user_of


def _in_full(period: AccountingPeriod) -> dict[str, Any]:
    closes = closes_of(period)
    kept = closes[0] if closes and period.status == PeriodStatus.CLOSED else None
    shown: dict[str, Any] = {
        **serializers.Period(period).data,
        "checklist": kept.checklist if kept else as_json(checklist_of(period)),
        "totals": serializers.AssetTotal(totals_of(period, close=kept), many=True).data,
        "closes": serializers.CloseFields(closes, many=True).data,
    }
    return shown


class Periods(ListAPIView[AccountingPeriod]):
    required_permissions = {"GET": "ledger.view_accountingperiod", "POST": "ledger.close_period"}
    serializer_class = serializers.Period
    ordering = ("starts_on", "id")

    @extend_schema(summary="List accounting periods", parameters=[serializers.PeriodFilters])
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.list(request, *args, **kwargs)

    @extend_schema(
        summary="Open a year of months",
        description="Twelve months from a first day of a month, in one act; months that are there already stay as they are.",
        request=serializers.YearBody,
        responses={201: serializers.Year},
    )
    def post(self, request: Request) -> Response:
        body = said(request, serializers.YearBody)
        entity = queries.entities_for(user_of(request)).filter(code=body["entity"]).first()
        if entity is None:
            raise ValidationError({"entity": "there is no such entity in your scope"})
        months = operations.open_year(entity=entity.code, starts_on=body["starts_on"])
        return Response(serializers.Year({"periods": months}).data, status=201)

    def get_queryset(self) -> QuerySet[AccountingPeriod]:
        wanted = asked(self.request, serializers.PeriodFilters)
        fields = {"entity": "entity__code", "status": "status"}
        return queries.periods_for(user_of(self.request)).filter(**{fields[name]: value for name, value in wanted.items()})


class PeriodDetail(APIView):
    required_permissions = {"GET": "ledger.view_accountingperiod"}

    @extend_schema(summary="Read a period: its checklist, totals, closes and what they restated", responses=serializers.PeriodDetail)
    def get(self, request: Request, period_id: int) -> Response:
        return Response(_in_full(queries.period_for(user_of(request), period_id=period_id)))


class PeriodClose(APIView):
    required_permissions = {"POST": "ledger.close_period"}

    @extend_schema(
        summary="Propose to close a period",
        description=(
            "Nothing closes yet: the proposal waits for somebody other than its maker. 409 `period_not_ready` while a check blocks; "
            "422 `close_reason_missing` for a warning without a reason. At approval the blockers are looked at again, under the lock."
        ),
        request=serializers.CloseBody,
        responses={202: ProposalFields},
    )
    def post(self, request: Request, period_id: int) -> Response:
        period = queries.period_for(user_of(request), period_id=period_id)
        body = said(request, serializers.CloseBody)
        proposal = operations.propose_close(
            period_id=period.pk, reasons=body["reasons"], narrative=body["narrative"], maker_id=user_of(request).pk
        )
        return Response(ProposalFields(proposal).data, status=202)


class PeriodReopen(APIView):
    required_permissions = {"POST": "ledger.close_period"}

    @extend_schema(
        summary="Propose to reopen a closed period for a time",
        request=serializers.ReopeningBody,
        responses={202: ProposalFields},
    )
    def post(self, request: Request, period_id: int) -> Response:
        period = queries.period_for(user_of(request), period_id=period_id)
        body = said(request, serializers.ReopeningBody)
        proposal = operations.propose_reopening(
            period_id=period.pk, until=body["until"], narrative=body["narrative"], maker_id=user_of(request).pk
        )
        return Response(ProposalFields(proposal).data, status=202)


class PeriodSoftLock(APIView):
    required_permissions = {"POST": "ledger.close_period"}

    @extend_schema(summary="Soft-lock a period: approved entries only", request=None, responses=serializers.Period)
    def post(self, request: Request, period_id: int) -> Response:
        period = queries.period_for(user_of(request), period_id=period_id)
        return Response(serializers.Period(operations.soft_lock_period(period_id=period.pk)).data)


class PeriodUnlock(APIView):
    required_permissions = {"POST": "ledger.close_period"}

    @extend_schema(summary="Take a period's soft lock off", request=None, responses=serializers.Period)
    def post(self, request: Request, period_id: int) -> Response:
        period = queries.period_for(user_of(request), period_id=period_id)
        return Response(serializers.Period(operations.unlock_period(period_id=period.pk)).data)


class TrialBalanceAtAPoint(APIView):
    required_permissions = {"GET": "ledger.view_trial_balance"}

    @extend_schema(
        summary="Read the trial balance by asset, at a point and against another",
        parameters=[serializers.TrialBalanceFilters],
        responses=serializers.TrialBalance,
    )
    def get(self, request: Request) -> Response:
        user = user_of(request)
        wanted = asked(request, serializers.TrialBalanceFilters)
        closes = closes_known_to(user)
        point = point_of(as_of=wanted.get("as_of"), known=wanted.get("known_at", ""), closes=closes, today=localdate(), field="known_at")
        other = None
        if "compare_to" in wanted or "compare_known_at" in wanted:
            known = wanted.get("compare_known_at", "")
            other = point_of(as_of=wanted.get("compare_to"), known=known, closes=closes, today=point.as_of, field="compare_known_at")
        accounts = queries.accounts_for(user)
        if "entity" in wanted:
            accounts = accounts.filter(entity__code=wanted["entity"])
        answer = {
            "as_of": point.as_of,
            "known_at": point.known_at,
            "compared_with": other,
            "whole_books": queries.sees_whole_books(user),
            "sections": trial_balance_tree(accounts=named_accounts(accounts), point=point, other=other, expanded=None),
        }
        return Response(serializers.TrialBalance(answer).data)


class GeneralLedger(ListAPIView[Account]):
    required_permissions = {"GET": "ledger.view_trial_balance"}
    serializer_class = serializers.GeneralLine
    ordering = ("code",)

    @extend_schema(summary="Read the general ledger: opening, movement and closing by account", parameters=[serializers.GeneralFilters])
    def get(self, request: Request, *_: Any, **__: Any) -> Response:
        wanted = asked(request, serializers.GeneralFilters)
        until = wanted.get("until", localdate())
        since = wanted.get("since", until.replace(day=1))
        if since > until:
            raise ValidationError({"since": "the first day is not after the last"})
        page = self.paginate_queryset(self.get_queryset())
        rows = general_ledger(accounts=list(page or []), since=since, until=until)
        return self.get_paginated_response(serializers.GeneralLine(rows, many=True).data)

    def get_queryset(self) -> QuerySet[Account]:
        wanted = asked(self.request, serializers.GeneralFilters)
        fields = {"entity": "entity__code", "asset": "asset__code"}
        accounts = queries.accounts_for(user_of(self.request)).filter(is_control=False)
        return accounts.filter(**{lookup: wanted[name] for name, lookup in fields.items() if name in wanted})
