"""What runs suggest, and what is said to it, as the API has it."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body


class AnswerFields(serializers.Serializer[Any]):
    pass_id = serializers.CharField()
    pass_name = serializers.CharField()
    automatic = serializers.BooleanField()
    criterion = serializers.CharField(help_text="what failed, or `none`")
    sentence = serializers.CharField()
    nearest = serializers.IntegerField(allow_null=True, help_text="item id of the nearest candidate")


class SuggestionFields(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="suggestion.id")
    pass_id = serializers.CharField(source="suggestion.pass_id")
    kind = serializers.CharField(source="suggestion.kind")
    score = serializers.DecimalField(
        source="suggestion.score", max_digits=7, decimal_places=3, help_text="log-odds: one point doubles the odds"
    )
    ways = serializers.IntegerField(source="suggestion.ways", help_text="how many were found, to two; only a single one can be accepted")
    decided = serializers.CharField(source="decided.said", help_text="how often people agreed to others of its kind and score")
    explanation = serializers.DictField(source="suggestion.explanation")
    item_ids = serializers.ListField(child=serializers.IntegerField(), source="suggestion.items")


class ApartBody(Body):
    reason = serializers.CharField(max_length=500)
    until = serializers.DateField(help_text="the last day on which they are kept apart, within a year")


class NeverMatchBody(ApartBody):
    item_ids = serializers.ListField(child=serializers.IntegerField(min_value=1, max_value=2**63 - 1), min_length=2, max_length=2)


class UndoBody(Body):
    reason = serializers.CharField(max_length=500)


class VerdictBody(Body):
    verdict = serializers.CharField(max_length=500)
