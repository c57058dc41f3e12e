"""What the REST API says of proposals, and what may be said to it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from approvals.models import DecisionOutcome, ProposalStatus
from ledgerops.lib.api import AmountField, Body
from ledgerops.runtime.models import Function


class ProposalAmount(serializers.Serializer[Any]):
    amount = AmountField(source="minor")
    asset = serializers.CharField()
    scale = serializers.IntegerField()


class ProposalFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField(source="public_number")
    kind = serializers.CharField()
    title = serializers.CharField()
    maker = serializers.CharField(source="maker.username")
    target_type = serializers.CharField()
    target_id = serializers.CharField()
    status = serializers.ChoiceField(choices=ProposalStatus.choices)
    status_reason = serializers.CharField()
    current_version = serializers.IntegerField()
    created_at = serializers.DateTimeField()
    expires_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class DecisionFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    approver = serializers.CharField(source="approver.username")
    outcome = serializers.ChoiceField(choices=DecisionOutcome.choices)
    comment = serializers.CharField()
    decided_at = serializers.DateTimeField()


class Version(serializers.Serializer[Any]):
    n = serializers.IntegerField()
    digest = serializers.CharField(help_text="SHA-256 of `canonical`, in hexadecimal")
    canonical = serializers.CharField(help_text="the exact content as canonical JSON (RFC 8785): what an approver agrees to")
    payload = serializers.DictField(help_text="the same content, parsed")
    reason_code = serializers.CharField(source="reason_code_id")
    narrative = serializers.CharField()
    submitted_by = serializers.CharField(source="submitted_by.username")
    submitted_at = serializers.DateTimeField()
    required_approvals = serializers.IntegerField(source="policy_version.required_approvals")
    decisions = DecisionFields(many=True)


class CheckFields(serializers.Serializer[Any]):
    state = serializers.ChoiceField(choices=["passed", "failed", "note"])
    text = serializers.CharField()
    source = serializers.CharField()  # type: ignore[assignment] # a declared field, not the attribute


class ProposalDetailFields(ProposalFields):
    worth = ProposalAmount(allow_null=True)
    versions = Version(many=True)
    checks = CheckFields(many=True)
    why_not_decidable = serializers.CharField(help_text="why you cannot decide this now; empty if you can")


class ProposalFilters(Body):
    status = serializers.ChoiceField(choices=ProposalStatus.choices, required=False)
    kind = serializers.CharField(required=False)
    mine = serializers.BooleanField(required=False, help_text="true: those you made; false: those of others")
    decidable = serializers.BooleanField(required=False, help_text="true: those you could decide now")


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Approve what was read",
            request_only=True,
            value={
                "version": 1,
                "digest": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
                "outcome": "approve",
                "comment": "Agrees with the statement.",
            },
        )
    ]
)
class DecisionBody(Body):
    version = serializers.IntegerField(min_value=1, max_value=1_000_000)
    digest = serializers.RegexField(r"^[0-9a-f]{64}\Z", help_text="the digest of the version that was read")
    outcome = serializers.ChoiceField(choices=DecisionOutcome.choices)
    comment = serializers.CharField(max_length=4000, allow_blank=True, default="", help_text="required unless the outcome is approve")


class WithdrawalBody(Body):
    reason = serializers.CharField(max_length=4000, allow_blank=True, default="")


class SwitchFields(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="switch.id")
    function = serializers.CharField(source="switch.function")
    scope = serializers.CharField(source="switch.scope", help_text="empty: everywhere; else entity:CODE or account:CODE")
    reason = serializers.CharField(source="switch.reason")
    passes_approved = serializers.BooleanField(source="switch.passes_approved")
    set_by = serializers.CharField(help_text="empty: the system")
    set_at = serializers.DateTimeField(source="switch.set_at")
    lifted_at = serializers.DateTimeField(source="switch.lifted_at", allow_null=True)
    lift_proposal_id = serializers.UUIDField(source="switch.lift_proposal_id", allow_null=True)


class SwitchBody(Body):
    function = serializers.ChoiceField(choices=Function.choices)
    scope = serializers.CharField(max_length=60, allow_blank=True, default="", help_text="entity:CODE or account:CODE; empty: everywhere")
    reason = serializers.CharField(max_length=1000)
    passes_approved = serializers.BooleanField(default=False)


class LiftBody(Body):
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)


class Reason(serializers.Serializer[Any]):
    code = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a declared field, not the attribute
    kind = serializers.CharField(help_text="the kind of proposal it may be given for")
    usual_account = serializers.CharField()


class ReasonFilters(Body):
    kind = serializers.CharField(required=False)
