"""The books over REST: recording transactions, reading entries, accounts, balances and periods."""

from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet, prefetch_related_objects
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ledger import queries
from ledger.api import serializers
from ledger.models import Account, Asset, JournalEntry, Posting
from ledger.queries import journal
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
        if "amount" in wanted:
            legs = Posting.objects.filter(amount_minor=wanted["amount"], asset__code=wanted["asset"])
            of_account = legs.filter(account__code=wanted["account"]) if "account" in wanted else legs
            entries = journal.with_leg(entries, legs=of_account)
        elif "account" in wanted:
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


@extend_schema_view(get=extend_schema(summary="List assets by code"))
class Assets(ListAPIView[Asset]):
    required_permissions = {"GET": "ledger.view_account"}
    serializer_class = serializers.AssetFields
    ordering = ("code",)

    def get_queryset(self) -> QuerySet[Asset]:
        asked(self.request)
        return queries.assets()
