"""The books over REST: recording transactions, reading entries, accounts, balances and periods."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects
from django.utils.timezone import localdate
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import operations, queries
from ledger.api import serializers
from ledger.models import Account, AccountingPeriod, Asset, JournalEntry, Posting
from ledgerops.lib.api import asked, user_of


def _legs() -> "Prefetch[str, QuerySet[Posting], Any]":
    return Prefetch("postings", Posting.objects.select_related("account", "asset").order_by("line"))


def _shown(entry: JournalEntry) -> dict[str, Any]:
    prefetch_related_objects([entry], _legs())
    return serializers.Entry(entry).data


@extend_schema_view(get=extend_schema(summary="List entries, newest first", parameters=[serializers.EntryFilters]))
class Entries(ListAPIView[JournalEntry]):
    required_permissions = {"GET": "ledger.view_journalentry"}
    serializer_class = serializers.Entry
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[JournalEntry]:
        wanted = asked(self.request, serializers.EntryFilters)
        fields = {"type": "type__code", "reference": "reference", "proposal": "proposal_id"}
        days = {"since": "effective_date__gte", "until": "effective_date__lte"}
        entries = queries.entries_for(user_of(self.request)).filter(
            **{lookup: wanted[name] for name, lookup in (fields | days).items() if name in wanted}
        )
        if "account" in wanted:
            entries = entries.filter(Exists(Posting.objects.filter(entry=OuterRef("pk"), account__code=wanted["account"])))
        return entries.prefetch_related(_legs())


class EntryDetail(APIView):
    required_permissions = {"GET": "ledger.view_journalentry"}

    @extend_schema(summary="Read an entry", responses=serializers.Entry)
    def get(self, request: Request, entry_id: UUID) -> Response:
        return Response(_shown(queries.entry_for(user_of(request), entry_id=entry_id)))


@extend_schema_view(get=extend_schema(summary="List accounts by code", parameters=[serializers.AccountFilters]))
class Accounts(ListAPIView[Account]):
    required_permissions = {"GET": "ledger.view_account"}
    serializer_class = serializers.AccountFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[Account]:
        wanted = asked(self.request, serializers.AccountFilters)
        text = wanted.pop("q", "")
        fields = {"asset": "asset__code"}
        accounts = queries.accounts_for(user_of(self.request)).filter(**{fields.get(name, name): value for name, value in wanted.items()})
        return accounts.filter(Q(code__istartswith=text) | Q(name__icontains=text)) if text else accounts


class AccountDetail(APIView):
    required_permissions = {"GET": "ledger.view_account"}

    @extend_schema(summary="Read an account and its balance", responses=serializers.AccountFields)
    def get(self, request: Request, code: str) -> Response:
        return Response(serializers.AccountFields(queries.account_for(user_of(request), code=code)).data)


@extend_schema_view(get=extend_schema(summary="List an account's postings, newest first"))
class AccountPostings(ListAPIView[Posting]):
    required_permissions = {"GET": "ledger.view_account"}
    serializer_class = serializers.AccountPosting
    ordering = ("-account_seq",)

    def get_queryset(self) -> QuerySet[Posting]:
        asked(self.request)
        return queries.account_postings(queries.account_for(user_of(self.request), code=self.kwargs["code"]))


class TrialBalanceOfDay(APIView):
    required_permissions = {"GET": "ledger.view_trial_balance"}

    @extend_schema(
        summary="Read the trial balance by asset", parameters=[serializers.TrialBalanceFilters], responses=serializers.TrialBalance
    )
    def get(self, request: Request) -> Response:
        as_of = asked(request, serializers.TrialBalanceFilters).get("as_of") or localdate()
        rows = queries.trial_balance(accounts=queries.accounts_for(user_of(request)), as_of=as_of)
        answer = {
            "as_of": as_of,
            "whole_books": queries.sees_whole_books(user_of(request)),
            "sections": queries.trial_balance_sections(rows, by_control=False),
        }
        return Response(serializers.TrialBalance(answer).data)


@extend_schema_view(get=extend_schema(summary="List assets by code"))
class Assets(ListAPIView[Asset]):
    required_permissions = {"GET": "ledger.view_account"}
    serializer_class = serializers.AssetFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[Asset]:
        asked(self.request)
        return queries.assets()


@extend_schema_view(get=extend_schema(summary="List accounting periods"))
class Periods(ListAPIView[AccountingPeriod]):
    required_permissions = {"GET": "ledger.view_account"}
    serializer_class = serializers.Period
    ordering = ("starts_on", "id")

    def get_queryset(self) -> QuerySet[AccountingPeriod]:
        asked(self.request)
        return queries.periods_for(user_of(self.request))


class PeriodClose(APIView):
    required_permissions = {"POST": "ledger.close_period"}

    @extend_schema(
        summary="Close a period",
        description="Waits for postings under way; nothing is posted into a closed period. Closing it again answers the same.",
        request=None,
        responses=serializers.Period,
    )
    def post(self, request: Request, period_id: int) -> Response:
        period = queries.period_for(user_of(request), period_id=period_id)
        operations.close_period(period_id=period.pk)
        return Response(serializers.Period(queries.period_for(user_of(request), period_id=period.pk)).data)
