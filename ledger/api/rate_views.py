"""Rates, positions, remeasurement, year ends and the balance sheet over REST."""

from typing import Any

from django.db.models import QuerySet
from django.utils.timezone import localdate
from drf_spectacular.utils import OpenApiExample, OpenApiResponse, extend_schema, extend_schema_serializer, extend_schema_view
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import ValidationError
from rest_framework.views import APIView

from approvals.api.serializers import ProposalFields
from approvals.models import User
from ledger import queries
from ledger.models import Asset, LegalEntity, Rate, RateAge, RateKind
from ledger.operations.rates import RateRequest, record_rate, set_rate_age
from ledger.operations.remeasurement import propose_remeasurement
from ledger.operations.year_end import propose_year_end
from ledger.queries.balance_sheet import BalanceSheet, balance_sheet, chart_for
from ledger.queries.positions import entities_seen_whole, positions_of
from ledger.queries.rates import UsedRate, plain_rate, rates
from ledgerops.lib.api import Body, MinorField, asked, said, user_of


class RateField(serializers.CharField):
    """A rate as a decimal text: JSON numbers lose digits in most readers."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise ValidationError('a rate is a decimal above zero as text, such as "1.0842"', code="invalid")
        return data

    def to_representation(self, value: Any) -> str:
        return plain_rate(value)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "The closing rate of a day",
            request_only=True,
            value={
                "base": "EUR",
                "quote": "USD",
                "kind": "closing",
                "source": "Treasury desk",
                "at": "2026-11-20T21:00:00Z",
                "value": "1.0842",
            },
        )
    ]
)
class RateBody(Body):
    base = serializers.CharField(max_length=20, help_text="code of the asset that is priced")
    quote = serializers.CharField(max_length=20, help_text="code of the asset it is priced in")
    kind = serializers.ChoiceField(choices=RateKind.choices)
    source = serializers.CharField(max_length=60)  # type: ignore[assignment] # a field of this name
    at = serializers.DateTimeField(help_text="when this was the rate; an average is recorded at an instant of its month")
    value = RateField(max_length=60, help_text="units of the quote for one unit of the base")


class RateFields(serializers.ModelSerializer[Rate]):
    base = serializers.CharField(source="base.code")
    quote = serializers.CharField(source="quote.code")
    value = RateField()

    class Meta:
        model = Rate
        fields = ("id", "base", "quote", "kind", "source", "at", "value", "recorded_at")


class RateFilters(Body):
    base = serializers.CharField(required=False)
    quote = serializers.CharField(required=False)
    kind = serializers.ChoiceField(choices=RateKind.choices, required=False)
    source = serializers.CharField(required=False)  # type: ignore[assignment] # a field of this name


class RateAgeBody(Body):
    kind = serializers.ChoiceField(choices=RateKind.choices)
    maximum_minutes = serializers.IntegerField(min_value=1)


class RateAgeFields(serializers.ModelSerializer[RateAge]):
    class Meta:
        model = RateAge
        fields = ("kind", "maximum_minutes")


class EvidenceFields(serializers.Serializer[Any]):
    rate = serializers.IntegerField(source="rate_id")
    base = serializers.CharField()
    quote = serializers.CharField()
    kind = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a field of this name
    at = serializers.DateTimeField()
    value = RateField()


class UsedRateFields(serializers.Serializer[UsedRate]):
    base = serializers.CharField()
    quote = serializers.CharField()
    value = serializers.CharField(source="shown", help_text="twelve significant digits; the evidence has all of them")
    evidence = EvidenceFields(many=True)


class PositionFields(serializers.Serializer[Any]):
    asset = serializers.CharField(source="asset.code")
    held = MinorField(source="held_minor")
    cost = MinorField(source="cost_minor")
    value = MinorField(source="value_minor", allow_null=True)
    unrealised = MinorField(source="unrealised_minor", allow_null=True)
    own_funds = MinorField(source="own_funds_minor")
    rate = UsedRateFields(allow_null=True)
    problem = serializers.CharField(help_text="why there is no rate; empty where there is one")


class PositionsFields(serializers.Serializer[Any]):
    entity = serializers.CharField(source="entity.code")
    functional = serializers.CharField(source="functional.code")
    as_of = serializers.DateField()
    unrealised = MinorField(source="unrealised_minor", allow_null=True)
    positions = PositionFields(source="rows", many=True)


class PointFilters(Body):
    entity = serializers.CharField(required=False, help_text="code of a legal entity; the first in sight without it")
    as_of = serializers.DateField(required=False)


class SheetFilters(PointFilters):
    asset = serializers.CharField(required=False, help_text="what it is translated to; the functional asset without it")


class ItemFields(serializers.Serializer[Any]):
    account = serializers.CharField(source="code")
    name = serializers.CharField()
    asset = serializers.CharField()
    amount = MinorField(source="native_minor")
    reported = MinorField(source="reported_minor")


class NativeFields(serializers.Serializer[Any]):
    asset = serializers.CharField()
    assets = MinorField(source="assets_minor")
    liabilities = MinorField(source="liabilities_minor")
    equity = MinorField(source="equity_minor")
    result = MinorField(source="result_minor")
    difference = MinorField(source="difference_minor")


class MonthRateFields(serializers.Serializer[Any]):
    month = serializers.DateField()
    rate = UsedRateFields()


class BalanceSheetFields(serializers.Serializer[BalanceSheet]):
    entity = serializers.CharField(source="entity.code")
    asset = serializers.CharField(source="reporting.code")
    as_of = serializers.DateField()
    balances = serializers.BooleanField()
    assets = ItemFields(source="assets.items", many=True)
    liabilities = ItemFields(source="liabilities.items", many=True)
    equity = ItemFields(source="equity.items", many=True)
    total_assets = MinorField(source="assets.total_minor")
    total_liabilities = MinorField(source="liabilities.total_minor")
    total_equity = MinorField(source="equity_minor", help_text="with the result and the translation difference")
    result = MinorField(source="result_minor", help_text="income less expense that no year end has moved yet")
    translation_difference = MinorField(source="translation_minor")
    difference = MinorField(source="difference_minor")
    year_starts_on = serializers.DateField()
    income = ItemFields(source="income.items", many=True)
    expense = ItemFields(source="expense.items", many=True)
    year_result = MinorField(source="year_result_minor")
    by_asset = NativeFields(source="natives", many=True)
    rates = UsedRateFields(many=True)
    averages = MonthRateFields(many=True)


class PeriodEndBody(Body):
    entity = serializers.CharField(max_length=20)
    on = serializers.DateField(help_text="last day of a period of the entity")
    narrative = serializers.CharField(max_length=4000)


@extend_schema_view(get=extend_schema(summary="List rates, latest recorded first", parameters=[RateFilters]))
class Rates(ListAPIView[Rate]):
    required_permissions = {"GET": "ledger.view_rate", "POST": "ledger.record_rate"}
    serializer_class = RateFields
    ordering = ("-id",)

    def get_queryset(self) -> QuerySet[Rate]:
        fields = {"base": "base__code", "quote": "quote__code"}
        wanted = asked(self.request, RateFilters)
        return rates().filter(**{fields.get(name, name): value for name, value in wanted.items()})

    @extend_schema(
        summary="Record a rate",
        description=(
            "A rate never changes: the same pair, kind, source and instant with the same value answers 200 with what stands, with another "
            "value 409 `rate_said_otherwise`. A wrong rate is corrected by another source, or by a later instant."
        ),
        request=RateBody,
        responses={
            201: OpenApiResponse(RateFields, description="recorded"),
            200: OpenApiResponse(RateFields, description="recorded before"),
        },
    )
    def post(self, request: Request) -> Response:
        rate, new = record_rate(request=RateRequest(**said(request, RateBody)), recorded_by_id=request.user.pk)
        return Response(RateFields(rate).data, status=201 if new else 200)


class RateAges(APIView):
    required_permissions = {"GET": "ledger.view_rate", "POST": "ledger.close_period"}

    @extend_schema(summary="Read how old a rate of each kind may be", responses=RateAgeFields(many=True))
    def get(self, request: Request) -> Response:
        asked(request)
        return Response(RateAgeFields(RateAge.objects.order_by("kind"), many=True).data)

    @extend_schema(summary="Say how old a rate of a kind may be", request=RateAgeBody, responses=RateAgeFields)
    def post(self, request: Request) -> Response:
        return Response(RateAgeFields(set_rate_age(**said(request, RateAgeBody))).data)


class PositionsOfDay(APIView):
    required_permissions = {"GET": "ledger.view_trial_balance"}

    @extend_schema(
        summary="Read an entity's positions in foreign assets, what the books carry them at and what they are worth",
        description=("Only for entities wholly in sight. Amounts other than `held` and `own_funds` are in the functional asset."),
        parameters=[PointFilters],
        responses=PositionsFields,
    )
    def get(self, request: Request) -> Response:
        wanted = asked(request, PointFilters)
        entity = _entity(entities_seen_whole(user_of(request)), code=wanted.get("entity"))
        shown = positions_of(entity, as_of=wanted.get("as_of") or localdate())
        if shown is None:
            raise ValidationError({"entity": f"{entity.code} has no functional asset to measure in"})
        return Response(PositionsFields(shown).data)


class Remeasurements(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Propose to carry foreign positions at the closing rate of a period's last day",
        description="409 `rate_missing` or `rate_stale` while a rate cannot be had. Posted once somebody other than its maker approves.",
        request=PeriodEndBody,
        responses={201: ProposalFields},
    )
    def post(self, request: Request) -> Response:
        body = said(request, PeriodEndBody)
        entity = _entity(entities_seen_whole(user_of(request)), code=body["entity"])
        made = propose_remeasurement(entity=entity.code, on=body["on"], narrative=body["narrative"], maker_id=_maker(request).pk)
        return Response(ProposalFields(made).data, status=201)


class YearEnds(APIView):
    required_permissions = {"POST": "ledger.propose_entry"}

    @extend_schema(
        summary="Propose to move the income and expense of a year to retained earnings",
        description=("409 `year_end_refused` while earlier periods are open, or if nothing is left. Posted once somebody else approves."),
        request=PeriodEndBody,
        responses={201: ProposalFields},
    )
    def post(self, request: Request) -> Response:
        body = said(request, PeriodEndBody)
        entity = _entity(entities_seen_whole(user_of(request)), code=body["entity"])
        made = propose_year_end(entity=entity.code, ends_on=body["on"], narrative=body["narrative"], maker_id=_maker(request).pk)
        return Response(ProposalFields(made).data, status=201)


class BalanceSheetOfDay(APIView):
    required_permissions = {"GET": "ledger.view_trial_balance"}

    @extend_schema(
        summary="Read the balance sheet of an entity",
        description="409 `rate_missing` or `rate_stale`, with every asset that cannot be translated, instead of half a statement.",
        parameters=[SheetFilters],
        responses=BalanceSheetFields,
    )
    def get(self, request: Request) -> Response:
        wanted = asked(request, SheetFilters)
        entity = _entity(queries.entities_for(user_of(request)).select_related("functional_asset"), code=wanted.get("entity"))
        named = wanted.get("asset")
        reporting = Asset.objects.filter(code=named).first() if named else entity.functional_asset
        if reporting is None:
            raise ValidationError({"asset": f"there is no asset {named}" if named else f"{entity.code} has no functional asset: name one"})
        chart = chart_for(user_of(request), entity=entity, by_control=False)
        return Response(BalanceSheetFields(balance_sheet(chart=chart, reporting=reporting, as_of=wanted.get("as_of") or localdate())).data)


def _entity(seen: QuerySet[LegalEntity], *, code: str | None) -> LegalEntity:
    """Return the entity that is named, or the first in sight.

    :raises ValidationError: if there is none such in sight.
    """
    entity = (seen.filter(code=code) if code else seen.order_by("code")).first()
    if entity is None:
        raise ValidationError({"entity": "there is no such entity in your scope"})
    return entity


def _maker(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user
