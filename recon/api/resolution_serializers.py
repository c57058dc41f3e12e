"""Shapes of resolutions and treatments over REST."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body
from recon.api.serializers import item_ids
from recon.models import Side, TreatmentKind
from recon.operations import CANCELLATION_REASONS, MESSAGE_KINDS, MESSAGE_TEXT_MAX

KINDS = list(MESSAGE_KINDS.items())
REASONS = list(CANCELLATION_REASONS.items())


class OpenItemFilters(Body):
    side = serializers.ChoiceField(choices=Side.choices, required=False)
    reference = serializers.CharField(required=False, max_length=140)
    counterparty = serializers.CharField(required=False, max_length=140)
    amount_from = serializers.IntegerField(required=False, min_value=0, help_text="minor units")
    amount_to = serializers.IntegerField(required=False, min_value=0, help_text="minor units")
    since = serializers.DateField(required=False)
    until = serializers.DateField(required=False)


class OpenItemFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    side = serializers.CharField()
    population = serializers.CharField(source="population.name")
    flow = serializers.CharField()
    amount_minor = serializers.CharField()
    open_minor = serializers.CharField()
    item_date = serializers.DateField()
    reference = serializers.CharField()
    counterparty = serializers.CharField()
    entry_id = serializers.UUIDField(allow_null=True)


class _CorrectionBody(Body):
    item_ids = item_ids()
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=4000, help_text="why, in at least 20 characters")
    effective_date = serializers.DateField()
    break_version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="given, the proposal is refused once the break has changed"
    )


class WriteOffBody(_CorrectionBody):
    pass


class RebookingBody(_CorrectionBody):
    counter_account = serializers.CharField(max_length=40, help_text="the entry's leg that takes the change")


class TreatmentBody(Body):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="the version of the break that was read")
    kind = serializers.ChoiceField(choices=TreatmentKind.choices)
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)
    until = serializers.DateField(required=False, allow_null=True, default=None, help_text="of timing: a business day")


class TreatmentEndBody(Body):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1)
    reason = serializers.CharField(max_length=500)


class TreatmentFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    kind = serializers.ChoiceField(choices=TreatmentKind.choices)
    reason_code = serializers.CharField(source="reason_id")
    narrative = serializers.CharField()
    until = serializers.DateField(allow_null=True)
    accepted_by = serializers.CharField(source="accepted_by.username")
    accepted_at = serializers.DateTimeField()
    ended_by = serializers.CharField(source="ended_by.username", default=None, allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)
    end_reason = serializers.CharField()


class BreakEvidenceBody(Body):
    file = serializers.FileField()
    note = serializers.CharField(max_length=500, required=False, default="", allow_blank=True)


class BreakEvidenceFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    origin = serializers.CharField()
    name = serializers.CharField()
    media_type = serializers.CharField()
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField()
    note = serializers.CharField()
    added_by = serializers.CharField(source="added_by.username")
    added_at = serializers.DateTimeField()


class MessageBody(Body):
    kind = serializers.ChoiceField(choices=KINDS)
    text = serializers.CharField(max_length=MESSAGE_TEXT_MAX, help_text="what the bank is asked")
    reason = serializers.ChoiceField(
        choices=REASONS, required=False, default="", help_text="of camt.056: why the payment is to be cancelled"
    )


class MentionFilters(Body):
    all = serializers.BooleanField(required=False, help_text="with those that you have seen")


class MentionFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    break_id = serializers.UUIDField(source="comment.recon_break_id")
    break_number = serializers.CharField(source="comment.recon_break.public_number")
    author = serializers.CharField(source="comment.author.username")
    text = serializers.CharField(source="comment.text")
    written_at = serializers.DateTimeField(source="comment.written_at")
    seen_at = serializers.DateTimeField(allow_null=True)


class TermsFields(serializers.Serializer[Any]):
    entity = serializers.CharField(source="entity.code")
    asset = serializers.CharField(source="asset.code")
    version = serializers.IntegerField()
    write_off_maximum_minor = serializers.CharField()
    write_off_account = serializers.CharField(source="write_off_account.code", default=None, allow_null=True)
    timing_days_maximum = serializers.IntegerField()


class TermsBody(Body):
    entity = serializers.CharField(max_length=40)
    asset = serializers.CharField(max_length=40)
    write_off_maximum_minor = serializers.RegexField(r"^[0-9]{1,38}$", help_text="minor units, as text")
    write_off_account = serializers.CharField(max_length=40, allow_null=True, help_text="an expense account; null: nothing is written off")
    timing_days_maximum = serializers.IntegerField(min_value=0, max_value=60)
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=4000)
