"""What the API says of the figures of reports."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body, MinorField
from recon.figure_queries import Report


class SpanBody(Body):
    since = serializers.DateField(required=False, help_text="first day; without it thirty days before the last one")
    until = serializers.DateField(required=False, help_text="last day; without it today")


class MatchedFields(serializers.Serializer[Any]):
    """Items dated within the days by how they stand; amounts are sums without signs. Rates are cut after one decimal."""

    items = serializers.IntegerField()
    automatic = serializers.IntegerField(help_text="matched by runs alone")
    by_people = serializers.IntegerField()
    open_items = serializers.IntegerField()
    rate = serializers.CharField(allow_null=True, help_text="automatic, in percent of items")
    rule_matches = serializers.IntegerField(help_text="matches that runs made on these days")
    rule_matches_undone = serializers.IntegerField(help_text="of them, how many people undid")
    undo_rate = serializers.CharField(allow_null=True)


class ValuedFields(MatchedFields):
    items_minor = MinorField()
    automatic_minor = MinorField()
    by_people_minor = MinorField()
    open_items_minor = MinorField()
    value_rate = serializers.CharField(allow_null=True, help_text="automatic, in percent of the value of all items")


class ReconciliationFiguresFields(serializers.Serializer[Any]):
    reconciliation = serializers.IntegerField(source="reconciliation.pk")
    name = serializers.CharField(source="reconciliation.name")
    asset = serializers.CharField(source="reconciliation.source.asset.code")
    matched = ValuedFields()


class AssetFiguresFields(serializers.Serializer[Any]):
    asset = serializers.CharField(source="code")
    scale = serializers.IntegerField()
    open_breaks = serializers.IntegerField()
    at_risk_minor = MinorField(help_text="differences of open breaks, added without their signs")
    put_off_minor = MinorField(help_text="those of breaks that are put off")
    matched = ValuedFields()


class DayMovementFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    items = serializers.IntegerField()
    automatic = serializers.IntegerField()
    rate = serializers.CharField(allow_null=True)
    opened = serializers.IntegerField(help_text="breaks")
    resolved = serializers.IntegerField(help_text="breaks")


class AgeingFields(serializers.Serializer[Any]):
    source = serializers.CharField(source="source.code")  # type: ignore[assignment]
    asset = serializers.CharField(source="source.asset.code")
    bands = serializers.ListField(child=serializers.IntegerField(), help_text="of 0 to 1, 2 to 3, 4 to 7, 8 and more business days")
    total = serializers.IntegerField()
    past_due = serializers.IntegerField(help_text="past the day that their service level gives them")
    put_off = serializers.IntegerField(help_text="put off beyond today; in no band, at risk all the same")
    put_off_minor = MinorField()
    at_risk_minor = MinorField()
    oldest = serializers.DateField(allow_null=True)


class DeliveredFields(serializers.Serializer[Any]):
    source = serializers.CharField(source="source.code")  # type: ignore[assignment]
    on_time = serializers.IntegerField()
    not_on_time = serializers.IntegerField(help_text="late, missing, or came late")
    punctuality = serializers.CharField(allow_null=True)
    statements = serializers.IntegerField()
    proven = serializers.IntegerField()
    unproven = serializers.IntegerField()
    without_balance = serializers.IntegerField()
    proven_share = serializers.CharField(allow_null=True)


class LoadFields(serializers.Serializer[Any]):
    username = serializers.CharField()
    live = serializers.IntegerField()
    past_limit = serializers.IntegerField()
    oldest = serializers.DateField(allow_null=True)
    matches = serializers.IntegerField()


class ReportFields(serializers.Serializer[Report]):
    since = serializers.DateField(source="span.since")
    until = serializers.DateField(source="span.until")
    counted_at = serializers.DateTimeField(allow_null=True, help_text="when items and matches were counted")
    matched = MatchedFields()
    opened = serializers.IntegerField()
    resolved = serializers.IntegerField()
    open_breaks = serializers.IntegerField()
    certified_days = serializers.IntegerField(help_text="days of accounts that two people signed")
    account_days = serializers.IntegerField(help_text="days of accounts within the span that have ended")
    certified_share = serializers.CharField(allow_null=True)
    reconciliations = ReconciliationFiguresFields(many=True)
    assets = AssetFiguresFields(many=True)
    days = DayMovementFields(many=True)
    ageing = AgeingFields(many=True, allow_null=True, help_text="null for who may not see breaks")
    load = LoadFields(many=True, allow_null=True, help_text="null for who may not see breaks")
    delivered = DeliveredFields(many=True, allow_null=True, help_text="null for who may not see statements")
