"""What the REST API says of rules and reconciliations that are set up, and what may be said to it."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body
from ledgerops.lib.calendars import WEEKDAYS
from recon.models import RulesStatus, Side

WHAT_SIDES_ARE = "a source, or ledger accounts; all in one asset"


class PopulationBody(Body):
    name = serializers.CharField(max_length=120)
    source = serializers.CharField(max_length=40, required=False, default="", help_text="code of a source; its lines belong to this side")  # type: ignore[assignment] # a declared field
    accounts = serializers.ListField(
        child=serializers.CharField(max_length=40), required=False, default=list, help_text="codes of ledger accounts instead of a source"
    )
    sign = serializers.ChoiceField(choices=[1, -1], default=1, help_text="-1 where what comes in here goes out on the other sides")
    codes = serializers.ListField(child=serializers.CharField(max_length=60), required=False, default=list)
    without_codes = serializers.ListField(child=serializers.CharField(max_length=60), required=False, default=list)


class NewReconciliationBody(Body):
    name = serializers.CharField(max_length=120)
    asset = serializers.CharField(max_length=20)
    calendar = serializers.CharField(max_length=20, required=False, default=WEEKDAYS)
    populations = PopulationBody(many=True, help_text=WHAT_SIDES_ARE)


class PopulationFields(serializers.Serializer[Any]):
    name = serializers.CharField(source="population.name")
    side = serializers.ChoiceField(choices=Side.choices, source="population.side")
    source = serializers.CharField(source="population.source.code", default=None, allow_null=True)  # type: ignore[assignment] # a declared field
    accounts = serializers.ListField(child=serializers.CharField())
    sign = serializers.IntegerField(source="population.sign")
    codes = serializers.ListField(child=serializers.CharField(), source="population.codes")
    without_codes = serializers.ListField(child=serializers.CharField(), source="population.without_codes")
    items = serializers.IntegerField()
    open = serializers.IntegerField()
    open_minor = serializers.CharField(help_text="what came in less what went out, of what is open")


class SetUpFields(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="pk")
    name = serializers.CharField()
    asset = serializers.CharField(source="source.asset.code")
    calendar = serializers.CharField()
    home = serializers.BooleanField(help_text="a source's own, it against its ledger account")
    rules_version = serializers.IntegerField()


class ReconciliationDetailFields(SetUpFields):
    populations = PopulationFields(many=True)
    matched_items = serializers.IntegerField()
    items = serializers.IntegerField()
    matches_made = serializers.IntegerField(help_text="by rules")
    matches_undone = serializers.IntegerField()
    demoted_passes = serializers.ListField(child=serializers.CharField())


class RulesBody(Body):
    definition = serializers.DictField(help_text="as docs/rules.md describes it")
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class TrialBody(Body):
    definition = serializers.DictField(help_text="as docs/rules.md describes it; nothing is kept")
    since = serializers.DateField(
        required=False, allow_null=True, default=None, help_text="back-test on decisions since; open items alone if left out"
    )


class SubmitRulesBody(Body):
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)
    since = serializers.DateField(required=False, allow_null=True, default=None, help_text="decisions since are tried; 90 days if left out")


class TriedPassFields(serializers.Serializer[Any]):
    id = serializers.CharField()
    same = serializers.IntegerField()
    added = serializers.IntegerField()
    lost = serializers.IntegerField()
    contradicting = serializers.IntegerField()
    suggested = serializers.IntegerField()


class TriedGroupFields(serializers.Serializer[Any]):
    pass_id = serializers.CharField(source="pass")
    items = serializers.ListField(child=serializers.CharField(), help_text="ids of items")
    why = serializers.CharField(help_text="which decision it contradicts")
    match = serializers.CharField(help_text="the match that it contradicts, or that is lost")


class TriedGroupsFields(serializers.Serializer[Any]):
    added = TriedGroupFields(many=True)
    lost = TriedGroupFields(many=True)
    contradicting = TriedGroupFields(many=True)


class RulesTrialFields(serializers.Serializer[Any]):
    since = serializers.CharField()
    passes = TriedPassFields(many=True)
    left_to_people = serializers.IntegerField(help_text="people's matches that no pass makes")
    groups = TriedGroupsFields(help_text="the first 50 of each")


class RulesFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RulesStatus.choices)
    digest = serializers.CharField()
    definition = serializers.JSONField()
    note = serializers.CharField()
    backtest = RulesTrialFields(allow_null=True, help_text="what trying it on decisions said, as it was submitted")
    drafted_by = serializers.CharField(source="drafted_by.username", default=None, allow_null=True)
    drafted_at = serializers.DateTimeField()
    proposal_id = serializers.UUIDField(allow_null=True)
    activated_at = serializers.DateTimeField(allow_null=True)
    retired_at = serializers.DateTimeField(allow_null=True)


class PassFields(serializers.Serializer[Any]):
    position = serializers.IntegerField()
    pass_id = serializers.CharField()
    kind = serializers.CharField()
    name = serializers.CharField()
    automatic = serializers.BooleanField()
    matches = serializers.IntegerField()
    items = serializers.IntegerField()
    suggestions = serializers.IntegerField()
    given_up = serializers.DictField(child=serializers.IntegerField(), help_text="how many items were not searched, by the reason")
    left_open = serializers.IntegerField()
    took_ms = serializers.IntegerField()


class ComparedMatchFields(serializers.Serializer[Any]):
    items = serializers.ListField(child=serializers.IntegerField())
    match_ids = serializers.ListField(
        child=serializers.CharField(), help_text="of the earlier and of the later run; empty where there is none"
    )
    pass_ids = serializers.ListField(child=serializers.CharField())


class ChangedMatchFields(serializers.Serializer[Any]):
    before = ComparedMatchFields()
    after = ComparedMatchFields()


class ComparisonFields(serializers.Serializer[Any]):
    same = serializers.IntegerField()
    added = ComparedMatchFields(many=True)
    lost = ComparedMatchFields(many=True)
    changed = ChangedMatchFields(many=True)
