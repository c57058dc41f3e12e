"""What the REST API says of the trail."""

from typing import Any

from rest_framework import serializers

from audit.models import Outcome
from ledgerops.lib.api import Body


class Event(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    at = serializers.DateTimeField()
    actor_type = serializers.ChoiceField(choices=["user", "system", "anonymous"])
    actor_id = serializers.IntegerField(allow_null=True)
    actor_name = serializers.CharField()
    ip = serializers.CharField(allow_null=True)
    request_id = serializers.CharField()
    action = serializers.CharField()
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    outcome = serializers.ChoiceField(choices=Outcome.choices)
    reason = serializers.CharField()
    before = serializers.DictField(allow_null=True)
    after = serializers.DictField(allow_null=True)
    proposal_id = serializers.UUIDField(allow_null=True)


class EventFilters(Body):
    actor = serializers.CharField(required=False, help_text="a user name, `system` or `visitor`")
    action = serializers.CharField(required=False)
    target_type = serializers.CharField(required=False)
    target_id = serializers.CharField(required=False)
    outcome = serializers.ChoiceField(choices=Outcome.choices, required=False)
    proposal = serializers.UUIDField(required=False)
    request_id = serializers.CharField(required=False)
    since = serializers.DateField(required=False, help_text="first day, in UTC")
    until = serializers.DateField(required=False, help_text="last day, in UTC")


class Action(serializers.Serializer[Any]):
    action = serializers.CharField()
    meaning = serializers.CharField()
