"""What the REST API says of the books, and what may be said to it."""

from typing import Any

from rest_framework import serializers

from ledger.models import Account, AccountStatus, AccountType, Direction, OwnerClass
from ledger.queries import balance_of
from ledgerops.lib.api import AmountField, Body, MinorField

METADATA_KEYS = 50


class LineBody(Body):
    account = serializers.CharField(max_length=40, help_text="code of the account")
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField()
    asset = serializers.CharField(max_length=20, help_text="code of the account's asset")


class EntryLine(serializers.Serializer[Any]):
    line = serializers.IntegerField()
    account = serializers.CharField(source="account.code")
    account_name = serializers.CharField(source="account.name")
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField(source="amount_minor")
    asset = serializers.CharField(source="asset.code")
    scale = serializers.IntegerField(source="asset.scale")
    balance_after_minor = MinorField(help_text="the account's balance on its normal side once this line was posted")


class Entry(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField(source="public_number")
    type = serializers.CharField(source="type.code")
    origin = serializers.CharField(help_text="rule or manual; a manual entry has a proposal")
    entity = serializers.CharField(source="entity.code")
    effective_date = serializers.DateField()
    posted_at = serializers.DateTimeField()
    description = serializers.CharField()
    reference = serializers.CharField()
    counterparty = serializers.CharField()
    metadata = serializers.DictField()
    actor_id = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField()
    proposal_id = serializers.UUIDField(allow_null=True)
    lines = EntryLine(many=True, source="postings")


class AmountFilters(Body):
    """An amount and its asset, which say nothing without each other."""

    amount = AmountField(required=False, help_text="what one of the lines is of; on the account, where one is named")
    asset = serializers.CharField(required=False, help_text="code of the asset of the amount")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        missing = {"amount", "asset"} - set(attrs)
        if len(missing) == 1:
            raise serializers.ValidationError({missing.pop(): "an amount is of an asset: say both"})
        return attrs


class EntryFilters(AmountFilters):
    type = serializers.CharField(required=False)
    account = serializers.CharField(required=False, help_text="code of an account that one of the lines is on")
    reference = serializers.CharField(required=False)
    proposal = serializers.UUIDField(required=False)
    since = serializers.DateField(required=False, help_text="first effective date")
    until = serializers.DateField(required=False, help_text="last effective date")


class AccountFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    entity = serializers.CharField(source="entity.code")
    group = serializers.CharField(source="group.code")
    asset = serializers.CharField(source="asset.code")
    scale = serializers.IntegerField(source="asset.scale")
    type = serializers.ChoiceField(choices=AccountType.choices)
    owner_class = serializers.ChoiceField(choices=OwnerClass.choices)
    status = serializers.ChoiceField(choices=AccountStatus.choices)
    normal_side = serializers.ChoiceField(choices=Direction.choices)
    posted_debits_minor = MinorField(source="balance.posted_debits_minor")
    posted_credits_minor = MinorField(source="balance.posted_credits_minor")
    balance_minor = serializers.SerializerMethodField(help_text="on the normal side, in minor units, as a string of digits")
    pending_out_minor = MinorField(source="balance.pending_out_minor", help_text="held, not yet posted")
    pending_in_minor = MinorField(source="balance.pending_in_minor", help_text="promised; it never raises what is available")
    available_minor = MinorField(source="balance.available_minor", help_text="posted less pending outflow, plus the overdraft allowed")
    overdraft_limit = serializers.SerializerMethodField(help_text="how far below zero requests may take it, in minor units; null: any")
    debits_frozen = serializers.BooleanField(source="balance.debits_frozen")
    credits_frozen = serializers.BooleanField(source="balance.credits_frozen")
    deferred = serializers.BooleanField(source="balance.deferred")
    reserve_class = serializers.CharField()
    purpose = serializers.CharField()

    def get_balance_minor(self, account: Account) -> str:
        return str(balance_of(account))

    def get_overdraft_limit(self, account: Account) -> str | None:
        limit = account.balance.overdraft_limit_minor
        return None if limit is None else str(int(limit))


class AccountFilters(Body):
    type = serializers.ChoiceField(choices=AccountType.choices, required=False)
    owner_class = serializers.ChoiceField(choices=OwnerClass.choices, required=False)
    asset = serializers.CharField(required=False)
    status = serializers.ChoiceField(choices=AccountStatus.choices, required=False)
    q = serializers.CharField(required=False, help_text="start of the code, or part of the name")


class AssetFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    scale = serializers.IntegerField(help_text="how many of an amount's digits are decimals")
    network = serializers.CharField()
    contract = serializers.CharField()
