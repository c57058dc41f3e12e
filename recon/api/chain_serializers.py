"""What the REST API says of chain sources, and what may be said to it."""

import re
from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from ledgerops.lib.api import Body
from recon.chain_queries import ORPHANED
from recon.models import ChainDelivery, ChainKind, ChainStage, FinalRule, RangeStatus, TransferKind, Uncounted

ITEMS_MAXIMUM = 500
STAGES = [*ChainStage.choices, (ORPHANED, "Orphaned")]
RESULTS = ["stored", "changed", "known", "refused"]
_DIGITS = re.compile(r"[0-9]{1,78}", re.ASCII)
_EXACT = {"type": "string", "pattern": "^-?[0-9]{1,78}$", "description": "whole number of the smallest unit, up to 78 digits, as a string"}


@extend_schema_field(_EXACT)
class ExactField(serializers.Field[int, Any, str, Any]):
    """A whole number of up to 78 digits, as text both ways: 256 bits fit into no JSON number. What is said is not negative."""

    def to_internal_value(self, data: Any) -> int:
        if not isinstance(data, str) or not _DIGITS.fullmatch(data):
            raise serializers.ValidationError('say it as a string of 1 to 78 digits, such as "1234"')
        return int(data)

    def to_representation(self, value: Any) -> str:
        return str(int(value))


class ChainBody(Body):
    source = serializers.CharField(max_length=40, help_text="code of a source of kind chain")  # type: ignore[assignment] # a declared field
    chain = serializers.CharField(max_length=41, help_text="CAIP-2 name, such as `eip155:1`")
    delivery = serializers.ChoiceField(choices=ChainDelivery.choices)
    kind = serializers.ChoiceField(choices=ChainKind.choices)
    contract = serializers.CharField(max_length=100, required=False, default="", allow_blank=True, help_text="address, never a symbol")
    decimals = serializers.IntegerField(min_value=0, max_value=18, help_text="of the contract and of the asset alike")
    addresses = serializers.ListField(child=serializers.CharField(max_length=100), min_length=1, max_length=50)
    first_block = serializers.IntegerField(min_value=0, max_value=2**63 - 2)
    safe_after = serializers.IntegerField(min_value=0, max_value=100_000, required=False, default=1)
    final_rule = serializers.ChoiceField(choices=FinalRule.choices, required=False, default=FinalRule.TAG)
    final_after = serializers.IntegerField(min_value=1, max_value=100_000, required=False, allow_null=True, default=None)
    providers = serializers.ListField(
        child=serializers.CharField(max_length=40), max_length=2, required=False, default=list, help_text="two names of the environment"
    )
    active = serializers.BooleanField(required=False, default=True)


class ChainRangeFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    from_block = serializers.IntegerField()
    to_block = serializers.IntegerField()
    to_hash = serializers.CharField()
    opening = ExactField(allow_null=True)
    movements = ExactField()
    closing = ExactField(allow_null=True)
    difference = ExactField(allow_null=True, help_text="closing less opening and movements")
    transfers_counted = serializers.IntegerField()
    transfers_uncounted = serializers.IntegerField()
    status = serializers.ChoiceField(choices=RangeStatus.choices)
    file_id = serializers.UUIDField(allow_null=True, help_text="the day's statement, once it is delivered")
    proven_at = serializers.DateTimeField()


class ChainProblem(serializers.Serializer[Any]):
    kind = serializers.CharField()
    place = serializers.CharField(help_text="the block, transaction, field or provider where the reading stopped")
    sentence = serializers.CharField()
    said = serializers.DictField(help_text="what each provider said")
    since = serializers.DateTimeField()
    times = serializers.IntegerField()


class ChainFields(serializers.Serializer[Any]):
    source = serializers.CharField(source="source.code")  # type: ignore[assignment] # a declared field
    name = serializers.CharField(source="source.name")
    asset = serializers.CharField(source="source.asset.code")
    chain = serializers.CharField()
    delivery = serializers.ChoiceField(choices=ChainDelivery.choices)
    kind = serializers.ChoiceField(choices=ChainKind.choices)
    contract = serializers.CharField()
    decimals = serializers.IntegerField()
    addresses = serializers.ListField(child=serializers.CharField())
    first_block = serializers.IntegerField()
    safe_after = serializers.IntegerField()
    final_rule = serializers.ChoiceField(choices=FinalRule.choices)
    final_after = serializers.IntegerField(allow_null=True)
    providers = serializers.ListField(child=serializers.CharField())
    active = serializers.BooleanField()
    head = serializers.IntegerField(source="cursor.head", allow_null=True)
    safe = serializers.IntegerField(source="cursor.safe", allow_null=True)
    final = serializers.IntegerField(source="cursor.final", allow_null=True)
    proven_through = serializers.IntegerField(source="cursor.proven_through")
    read_at = serializers.DateTimeField(source="cursor.read_at", allow_null=True)
    problem = ChainProblem(source="cursor.problem", allow_null=True)


class ChainTransferFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    tx = serializers.CharField(source="tx_hash")
    index = serializers.IntegerField(source="log_index", help_text="place of the log in its block; -1 the transaction's value, -2 its gas")
    kind = serializers.ChoiceField(choices=TransferKind.choices)
    stage = serializers.ChoiceField(choices=STAGES, source="word")
    block = serializers.IntegerField(source="block.number")
    block_hash = serializers.CharField(source="block.hash")
    mined_at = serializers.DateTimeField(source="block.mined_at")
    contract = serializers.CharField()
    sender = serializers.CharField()
    recipient = serializers.CharField()
    value = ExactField()
    flow = serializers.ChoiceField(choices=[("in", "In"), ("out", "Out")])
    gas = ExactField(allow_null=True)
    failed = serializers.BooleanField()
    uncounted = serializers.ChoiceField(choices=Uncounted.choices, allow_blank=True, help_text="why it does not count; empty where it does")
    orphaned_at = serializers.DateTimeField(allow_null=True)


class ChainTransferFilters(Body):
    stage = serializers.ChoiceField(choices=STAGES, required=False)
    counted = serializers.BooleanField(required=False)


class BlockItem(Body):
    number = serializers.IntegerField(min_value=0, max_value=2**63 - 2)
    hash = serializers.CharField(max_length=100)
    parent_hash = serializers.CharField(max_length=100)
    mined_at = serializers.DateTimeField()
    stage = serializers.ChoiceField(choices=STAGES)
    balance = ExactField(required=False, allow_null=True, default=None, help_text="of the watched addresses together, after this block")


class TransferItem(Body):
    tx = serializers.CharField(max_length=100)
    index = serializers.IntegerField(min_value=-2, max_value=2**31 - 1)
    block_hash = serializers.CharField(max_length=100)
    sender = serializers.CharField(max_length=100, allow_blank=True)
    recipient = serializers.CharField(max_length=100, allow_blank=True)
    value = ExactField()
    contract = serializers.CharField(max_length=100, required=False, default="", allow_blank=True)
    gas = ExactField(required=False, allow_null=True, default=None)
    failed = serializers.BooleanField(required=False, default=False)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A block is seen, with what the wallet holds after it",
            request_only=True,
            value={
                "items": [
                    {
                        "number": 4200,
                        "hash": "b4200",
                        "parent_hash": "b4199",
                        "mined_at": "2026-11-02T10:00:00Z",
                        "stage": "seen",
                        "balance": "2500000",
                    }
                ]
            },
        )
    ]
)
class BlocksBody(Body):
    items = BlockItem(many=True, allow_empty=False, max_length=ITEMS_MAXIMUM)  # type: ignore[call-arg] # the framework takes it for its list


class TransfersBody(Body):
    items = TransferItem(many=True, allow_empty=False, max_length=ITEMS_MAXIMUM)  # type: ignore[call-arg] # the framework takes it for its list


class ItemOutcome(serializers.Serializer[Any]):
    result = serializers.ChoiceField(choices=RESULTS)
    message = serializers.CharField(help_text="why an item was refused; empty otherwise")


class Outcomes(serializers.Serializer[Any]):
    results = ItemOutcome(many=True, help_text="one for each item, in their order")
