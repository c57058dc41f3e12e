"""What the REST API takes and gives for entries that go through approval."""

from typing import Any

from rest_framework import serializers

from ledger.api.serializers import LineBody
from ledger.models import Direction, Frequency
from ledger.proposed import ENTRIES_MAXIMUM
from ledger.queries.recurring import next_days
from ledgerops.lib.api import AmountField, Body, MinorField


class ReasonBody(Body):
    reason_code = serializers.CharField(max_length=40, help_text="from `/reason-codes?kind=…`")
    narrative = serializers.CharField(max_length=2000, help_text="why, in at least 20 characters")


class EntryBody(Body):
    entity = serializers.CharField(max_length=20)
    effective_date = serializers.DateField()
    description = serializers.CharField(max_length=1000)
    reference = serializers.CharField(max_length=140, allow_blank=True, default="")
    lines = LineBody(many=True, max_length=1000)  # type: ignore[call-arg] # it is the list that has a length


class JournalBody(ReasonBody):
    entries = EntryBody(many=True, max_length=ENTRIES_MAXIMUM)  # type: ignore[call-arg] # likewise


class DryRunFilters(Body):
    dry_run = serializers.BooleanField(default=False, help_text="say what it would do and propose nothing")


class EffectFields(serializers.Serializer[Any]):
    account = serializers.CharField(source="account.code")
    asset = serializers.CharField(source="account.asset.code")
    debit_minor = MinorField()
    credit_minor = MinorField()
    now_minor = MinorField(help_text="on the normal side")
    after_minor = MinorField(help_text="on the normal side")


class ProblemFields(serializers.Serializer[Any]):
    field = serializers.CharField(help_text="such as `entries[2].lines[1].account`; entries and lines are counted from 1")
    message = serializers.CharField(source="sentence")
    kind = serializers.CharField(help_text="invalid: never so; conflict: not as the books stand now")


class EffectsOfJournal(serializers.Serializer[Any]):
    effects = EffectFields(many=True)
    problems = ProblemFields(many=True, help_text="why the books would refuse; empty if they would not")


class LegBody(Body):
    account = serializers.CharField(max_length=40)
    direction = serializers.ChoiceField(choices=Direction.choices, help_text="the side that was posted")
    amount = AmountField()


class ReversalBody(ReasonBody):
    effective_date = serializers.DateField()
    amounts = LegBody(many=True, required=False, help_text="how much of which legs; left out, all that is left")


class OpenItemBody(Body):
    account = serializers.CharField(max_length=40)
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField()
    asset = serializers.CharField(max_length=20)
    reference = serializers.CharField(max_length=140)
    date = serializers.DateField()
    description = serializers.CharField(max_length=1000, required=False)


class CutoverBody(ReasonBody):
    entity = serializers.CharField(max_length=20)
    cutover_date = serializers.DateField()
    balances = LineBody(many=True, max_length=20_000, help_text="each account's whole balance")  # type: ignore[call-arg] # likewise
    open_items = OpenItemBody(many=True, required=False, help_text="parts of those balances that are entries of their own")


class RecurringBody(ReasonBody):
    code = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    entity = serializers.CharField(max_length=20)
    description = serializers.CharField(max_length=1000)
    reference = serializers.CharField(max_length=140, allow_blank=True, default="")
    lines = LineBody(many=True, max_length=1000)  # type: ignore[call-arg] # likewise
    frequency = serializers.ChoiceField(choices=Frequency.choices)
    day = serializers.IntegerField(min_value=1, max_value=31, default=1, help_text="of the month (31 is the last) or ISO weekday")
    auto_reversing = serializers.BooleanField(default=False)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True, default=None)


class StopBody(Body):
    reason = serializers.CharField(max_length=500)


class RecurringFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    entity = serializers.CharField(source="entity.code")
    frequency = serializers.ChoiceField(choices=Frequency.choices)
    day = serializers.IntegerField()
    auto_reversing = serializers.BooleanField()
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    next_on = serializers.DateField(allow_null=True)
    next_days = serializers.SerializerMethodField()
    occurrences = serializers.IntegerField()
    active = serializers.BooleanField()
    proposal_id = serializers.UUIDField()

    def get_next_days(self, rule: Any) -> list[str]:
        return [day.isoformat() for day in next_days(rule)]
