"""What the REST API says of periods, their closes, the trial balance and the general ledger."""

from typing import Any

from rest_framework import serializers

from ledger.models import AccountType, PeriodStatus
from ledgerops.lib.api import Body, MinorField


class Period(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    entity = serializers.CharField(source="entity.code")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    status = serializers.ChoiceField(choices=PeriodStatus.choices)
    closed_at = serializers.DateTimeField(allow_null=True)
    reopen_ends_at = serializers.DateTimeField(allow_null=True, help_text="until when a reopened period takes postings")


class Year(serializers.Serializer[Any]):
    periods = Period(many=True)


class PeriodFilters(Body):
    entity = serializers.CharField(required=False)
    status = serializers.ChoiceField(choices=PeriodStatus.choices, required=False)


class Evidence(serializers.Serializer[Any]):
    text = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()


class CheckItem(serializers.Serializer[Any]):
    name = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a declared field, not the attribute
    severity = serializers.ChoiceField(choices=["blocker", "warning"])
    passed = serializers.BooleanField()
    sentence = serializers.CharField()
    reason = serializers.CharField(help_text="why a warning was passed over")
    found = Evidence(many=True)


class AssetTotal(serializers.Serializer[Any]):
    asset = serializers.CharField()
    scale = serializers.IntegerField()
    accounts = serializers.IntegerField()
    debits_minor = MinorField()
    credits_minor = MinorField()
    difference_minor = MinorField()


class CloseFields(serializers.Serializer[Any]):
    n = serializers.IntegerField(help_text="from 1; closing again after a reopening is the next")
    closed_at = serializers.DateTimeField()
    closed_by_id = serializers.IntegerField(allow_null=True)
    proposal_id = serializers.UUIDField(allow_null=True)
    digest = serializers.CharField(help_text="SHA-256 over the stored trial balance, as docs/ledger/periods.md says")
    checklist = CheckItem(many=True)
    restatement = serializers.JSONField(help_text="what changed since the close before and the entries that explain it; null for the first")


class PeriodDetail(Period):
    checklist = CheckItem(many=True, help_text="as it stands now; of a closed period, as its last close kept it")
    totals = AssetTotal(many=True)
    closes = CloseFields(many=True)


class YearBody(Body):
    entity = serializers.CharField(max_length=20)
    starts_on = serializers.DateField(help_text="the first day of a month; twelve months are opened from it")


class CloseBody(Body):
    narrative = serializers.CharField(max_length=4000)
    reasons = serializers.DictField(
        child=serializers.CharField(max_length=500), default=dict, help_text="by name of a check: why its warning is passed over"
    )


class ReopeningBody(Body):
    narrative = serializers.CharField(max_length=4000)
    until = serializers.DateTimeField(help_text="until when the period takes postings again")


class TrialBalanceLine(serializers.Serializer[Any]):
    account = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    type = serializers.ChoiceField(choices=AccountType.choices, source="account.type")
    owner_class = serializers.CharField(source="account.owner_class")
    level = serializers.IntegerField(help_text="1 at the top; an account's row holds what stands under it, too")
    debit_minor = MinorField()
    credit_minor = MinorField()
    compared_minor = MinorField(source="other_minor", help_text="debits less credits at the point compared with")
    difference_minor = MinorField(source="change_minor", help_text="debits less credits now less those compared with")


class TrialBalanceSection(serializers.Serializer[Any]):
    asset = serializers.CharField()
    scale = serializers.IntegerField()
    debit_minor = MinorField()
    credit_minor = MinorField()
    difference_minor = MinorField(help_text="debits minus credits: zero wherever the caller sees every account")
    rows = TrialBalanceLine(many=True)


class PointFields(serializers.Serializer[Any]):
    as_of = serializers.DateField()
    known_at = serializers.DateTimeField(allow_null=True, help_text="null: as known now")


class TrialBalance(PointFields):
    compared_with = PointFields(allow_null=True)
    whole_books = serializers.BooleanField(help_text="false where the caller's scope leaves accounts out")
    sections = TrialBalanceSection(many=True)


class TrialBalanceFilters(Body):
    as_of = serializers.DateField(required=False, help_text="an effective date; today, or the last day of the close that was named")
    known_at = serializers.CharField(required=False, max_length=40, help_text="an instant, or `close:<id>`; as known now if left out")
    compare_to = serializers.DateField(required=False, help_text="another effective date")
    compare_known_at = serializers.CharField(required=False, max_length=40, help_text="another instant or close to compare with")
    entity = serializers.CharField(required=False)


class GeneralLine(serializers.Serializer[Any]):
    account = serializers.CharField(source="account.code")
    name = serializers.CharField(source="account.name")
    entity = serializers.CharField(source="account.entity.code")
    asset = serializers.CharField(source="account.asset.code")
    scale = serializers.IntegerField(source="account.asset.scale")
    opening_minor = MinorField(help_text="on the account's normal side")
    debits_minor = MinorField()
    credits_minor = MinorField()
    closing_minor = MinorField(help_text="on the account's normal side")


class GeneralFilters(Body):
    since = serializers.DateField(required=False, help_text="first effective date; the first of this month if left out")
    until = serializers.DateField(required=False, help_text="last effective date; today if left out")
    entity = serializers.CharField(required=False)
    asset = serializers.CharField(required=False)
