"""What the REST API says of sources, feeds and mappings, and what may be said to it."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body
from recon.api.serializers import SourceFields
from recon.due import DayState, Terms
from recon.models import FeedFrequency, MappingStatus, SourceKind

DAYS_MAXIMUM = 400
# Two days that are too far apart to be looked at in one answer.
SPAN = f"at most {DAYS_MAXIMUM} days"


class NewAccountBody(Body):
    code = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=100)
    entity = serializers.CharField(max_length=40)
    group = serializers.CharField(max_length=40)
    asset = serializers.CharField(max_length=20)


class SourceBody(Body):
    code = serializers.CharField(max_length=40)
    name = serializers.CharField(max_length=120)
    identifier = serializers.CharField(max_length=60, help_text="the account as its files name it")
    kind = serializers.ChoiceField(choices=SourceKind.choices, default=SourceKind.BANK)
    servicer = serializers.CharField(max_length=120, required=False, default="", allow_blank=True)
    format = serializers.CharField(
        max_length=20, required=False, default="", allow_blank=True, help_text="a format's code, `mapped`, or empty: recognised by content"
    )
    account = serializers.CharField(max_length=40, required=False, help_text="code of a ledger account without a source")
    new_account = NewAccountBody(required=False, help_text="instead of `account`: one that is to be opened")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("account" in attrs) == ("new_account" in attrs):
            raise serializers.ValidationError({"account": "name an account, or one that is to be opened"})
        return attrs


class FormatBody(Body):
    format = serializers.CharField(max_length=20, allow_blank=True)


class FeedFields(serializers.Serializer[Any]):
    frequency = serializers.ChoiceField(choices=FeedFrequency.choices)
    calendar = serializers.CharField()
    timezone = serializers.CharField()
    due_time = serializers.TimeField()
    days_after = serializers.IntegerField()
    grace_minutes = serializers.IntegerField()
    weekday = serializers.IntegerField(allow_null=True)
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(allow_null=True)
    set_at = serializers.DateTimeField()


class FeedBody(Body):
    frequency = serializers.ChoiceField(choices=FeedFrequency.choices)
    calendar = serializers.CharField(max_length=20, help_text="WEEKDAYS, EVERY_DAY, TARGET, FED, or a country's ISO code")
    timezone = serializers.CharField(max_length=60, help_text="such as Europe/Berlin")
    due_time = serializers.TimeField()
    days_after = serializers.IntegerField(help_text="business days after the day that is reported on")
    grace_minutes = serializers.IntegerField(help_text="late until then, missing after it")
    weekday = serializers.IntegerField(required=False, allow_null=True, default=None, help_text="0 is Monday; of weekly feeds")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField(required=False, allow_null=True, default=None)

    def terms(self, said: dict[str, Any]) -> Terms:
        return Terms(**said)


class WaiverBody(Body):
    day = serializers.DateField()
    reason = serializers.CharField(max_length=200)


class WaiverFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    reason = serializers.CharField()
    waived_by = serializers.CharField(source="waived_by.username")
    waived_at = serializers.DateTimeField()


class CalendarFilters(Body):
    since = serializers.DateField(required=False, help_text="30 days ago if left out")
    until = serializers.DateField(required=False, help_text="a week from now if left out")


class ExpectedDayFields(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="the day that is reported on")
    due_at = serializers.DateTimeField()
    missing_from = serializers.DateTimeField()
    state = serializers.ChoiceField(choices=[state.value for state in DayState], source="state.value")
    statement_id = serializers.UUIDField(source="statement.pk", allow_null=True, default=None)
    waiver = WaiverFields(allow_null=True)


class CalendarFields(serializers.Serializer[Any]):
    days = ExpectedDayFields(many=True)


class MappingFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    status = serializers.ChoiceField(choices=MappingStatus.choices)
    digest = serializers.CharField()
    definition = serializers.JSONField()
    sample_id = serializers.UUIDField(allow_null=True)
    drafted_by = serializers.CharField(source="drafted_by.username")
    drafted_at = serializers.DateTimeField()
    proposal_id = serializers.UUIDField(allow_null=True)
    approved_at = serializers.DateTimeField(allow_null=True)


class MappingBody(Body):
    definition = serializers.DictField(help_text="as docs/formats.md describes it")
    sample_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class TryBody(Body):
    definition = serializers.DictField(help_text="as docs/formats.md describes it; nothing is kept")
    sample_id = serializers.UUIDField()


class SampleUpload(Body):
    file = serializers.FileField(help_text="a file of this source, at most 5 MB")


class SampleFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField()


class SubmitBody(Body):
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)


class TriedRow(serializers.Serializer[Any]):
    where = serializers.CharField()
    raw = serializers.CharField(help_text="the row as it stands in the file")
    booking_date = serializers.DateField(source="line.booking_date", default=None, allow_null=True)
    value_date = serializers.DateField(source="line.value_date", default=None, allow_null=True)
    direction = serializers.CharField(source="line.direction", default=None, allow_null=True)
    amount = serializers.CharField(source="line.amount", default=None, allow_null=True, help_text="as written, an exact decimal")
    currency = serializers.CharField(source="line.currency", default=None, allow_null=True)
    error = serializers.CharField(source="error.message", default=None, allow_null=True, help_text="why the row would go to quarantine")


class TriedStatement(serializers.Serializer[Any]):
    account = serializers.CharField(help_text="empty: the source's own")
    currency = serializers.CharField()
    lines = serializers.IntegerField()
    came = serializers.CharField()
    went = serializers.CharField()
    opening = serializers.CharField(allow_null=True)
    closing = serializers.CharField(allow_null=True)
    proof = serializers.CharField()
    difference = serializers.CharField(allow_null=True)


class TriedError(serializers.Serializer[Any]):
    line = serializers.IntegerField(source="place.line", allow_null=True)
    path = serializers.CharField(source="place.path")
    field = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()


class TriedFields(serializers.Serializer[Any]):
    refused = serializers.BooleanField(help_text="nothing of the file would be read")
    line_count = serializers.IntegerField()
    error_count = serializers.IntegerField(help_text="rows that would go to quarantine, or what refuses the file")
    proof = serializers.CharField()
    statements = TriedStatement(many=True)
    rows = TriedRow(many=True, help_text="the first 25")
    errors = TriedError(many=True)  # type: ignore[assignment] # a declared field, not the attribute
    remarks = TriedError(many=True)


class NextDueFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    due_at = serializers.DateTimeField()


class SourceDetailFields(SourceFields):
    feed = FeedFields(allow_null=True, help_text="what is expected; null where nobody said it")
    next_due = NextDueFields(allow_null=True)
    missing_days = serializers.ListField(child=serializers.DateField(), help_text="reports that have not come in time")
    mapping = MappingFields(allow_null=True, help_text="the version that reads the next file")
    quarantined = serializers.IntegerField(help_text="rows that wait in quarantine")
