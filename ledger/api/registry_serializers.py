"""What the REST API says of the registry, and what may be said to it."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema_field, extend_schema_serializer
from rest_framework import serializers

from ledger.api.plain import plain_movement
from ledger.api.serializers import METADATA_KEYS, AmountFilters, EntryLine, LineBody
from ledger.conversion import Rounding
from ledger.models import Axis, Direction, EventOutcome, HoldAct, SettlementStatus, TransactionStatus
from ledger.models.registry import Origin
from ledger.operations import BATCH_MAXIMUM
from ledgerops.lib.api import AmountField, Body, MinorField


@extend_schema_field(
    {
        "type": "object",
        "additionalProperties": {"type": "string"},
        "description": "by the names of the type's rule (`GET /transaction-types`): account codes, amounts as strings of digits, evidence",
    }
)
class ParametersField(serializers.DictField):
    """Parameters of a type's rule; which are amounts is for the rule to say, so here each is a text."""

    def __init__(self, **options: Any) -> None:
        super().__init__(child=TextField(max_length=200), **options)


class TextField(serializers.CharField):
    """A text that was written as one: a number is not taken for its digits."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            raise serializers.ValidationError("a text, with amounts as strings of digits", code="invalid")
        return str(super().to_internal_value(data))


class _MovementBody(Body):
    """What every movement says, however its lines come about."""

    type = serializers.CharField(max_length=40, help_text="code of a transaction type that needs no proposal")
    effective_date = serializers.DateField()
    description = serializers.CharField(max_length=1000)
    reference = serializers.CharField(max_length=140, allow_blank=True, default="")
    counterparty = serializers.CharField(max_length=140, allow_blank=True, default="")
    metadata = serializers.DictField(child=serializers.CharField(max_length=500, allow_blank=True), default=dict)
    value_date = serializers.DateField(required=False, help_text="when money counts, if not on the effective date")
    roll_to_open = serializers.BooleanField(default=False, help_text="take the first open date if the period is closed")
    lines = LineBody(many=True, required=False, max_length=1000)  # type: ignore[call-arg] # it is the list that has a length
    parameters = ParametersField(required=False)

    def validate_metadata(self, value: dict[str, str]) -> dict[str, str]:
        if len(value) > METADATA_KEYS or any(not key.isprintable() or not 0 < len(key) <= 100 for key in value):
            raise serializers.ValidationError(f"at most {METADATA_KEYS} names of 1 to 100 printable characters")
        return value

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if ("lines" in attrs) + ("parameters" in attrs) != 1 and not ("reverses" in attrs and "parameters" not in attrs):
            raise serializers.ValidationError({"lines": "say either the lines or the parameters that the type's rule makes them of"})
        return attrs


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "A customer's deposit of 1,000.00 USD",
            request_only=True,
            value={
                "type": "deposit",
                "entity": "MERIDIAN",
                "effective_date": "2026-11-02",
                "description": "Deposit by wire",
                "reference": "DEP-0001",
                "lines": [
                    {"account": "1010-USD", "direction": "debit", "amount": "100000", "asset": "USD"},
                    {"account": "C0003-USD", "direction": "credit", "amount": "100000", "asset": "USD"},
                ],
            },
        )
    ]
)
class TransactionBody(_MovementBody):
    entity = serializers.CharField(max_length=20, help_text="code of the legal entity")
    initiate = serializers.BooleanField(default=False, help_text="keep it, and post it later by `/post` or by a status event")
    hold = serializers.UUIDField(required=False, help_text="the hold that this captures")
    final = serializers.BooleanField(default=False, help_text="give back what the hold keeps after this capture")
    reverses = serializers.UUIDField(required=False, help_text="the entry that this undoes; without lines, all of it")

    def run_validation(self, data: Any = serializers.empty) -> Any:
        read = plain_movement(data, keyed="key" in self.fields)
        return super().run_validation(data) if read is None else read


class CaptureBody(_MovementBody):
    final = serializers.BooleanField(default=False, help_text="give back what the hold keeps after this capture")


class BatchItem(TransactionBody):
    key = serializers.CharField(max_length=200, help_text="the item's own idempotency key")


class BatchBody(Body):
    atomic = serializers.BooleanField(help_text="true: all or none; false: each on its own")
    items = BatchItem(many=True, min_length=1, max_length=BATCH_MAXIMUM)  # type: ignore[call-arg] # it is the list that has a length


class EntrySummary(serializers.Serializer[Any]):
    """An entry with its legs, inside the transaction that posted it."""

    id = serializers.UUIDField()
    number = serializers.CharField(source="public_number")
    origin = serializers.ChoiceField(choices=Origin.choices)
    effective_date = serializers.DateField()
    value_date = serializers.DateField(allow_null=True)
    prior_period = serializers.BooleanField(help_text="it took the first open date: its own period was closed")
    posted_at = serializers.DateTimeField()
    description = serializers.CharField()
    reference = serializers.CharField()
    counterparty = serializers.CharField()
    metadata = serializers.DictField()
    proposal_id = serializers.UUIDField(allow_null=True)
    reverses_id = serializers.UUIDField(allow_null=True)
    lines = EntryLine(many=True, source="postings")


class TransactionHead(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    key = serializers.CharField()
    type = serializers.CharField(source="type.code", allow_null=True, default=None)
    type_version = serializers.IntegerField(source="type.version", allow_null=True, default=None)
    entity = serializers.CharField(source="entity.code", allow_null=True, default=None)
    status = serializers.ChoiceField(choices=TransactionStatus.choices)
    settlement = serializers.ChoiceField(choices=SettlementStatus.choices)
    reference = serializers.CharField()
    entry_number = serializers.CharField(source="entry.public_number", allow_null=True, default=None)
    parent_id = serializers.UUIDField(allow_null=True)
    refusal_code = serializers.CharField(allow_null=True)
    warnings = serializers.DictField(allow_null=True, help_text="days below a limit, a shortfall, a rolled date")
    actor_id = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField()
    created_at = serializers.DateTimeField()


class TransactionFields(TransactionHead):
    content = serializers.DictField(help_text="what was asked, as it was asked")
    entry = EntrySummary(allow_null=True)


class TransactionEventFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    axis = serializers.ChoiceField(choices=Axis.choices)
    from_status = serializers.CharField()
    to_status = serializers.CharField()
    outcome = serializers.ChoiceField(choices=EventOutcome.choices)
    source = serializers.CharField()  # type: ignore[assignment] # a field's name, which the parent has an attribute for
    source_event_id = serializers.CharField()
    source_at = serializers.DateTimeField(allow_null=True)
    note = serializers.CharField()
    deliveries = serializers.IntegerField()
    recorded_at = serializers.DateTimeField()


class TransactionDetail(TransactionFields):
    events = TransactionEventFields(many=True)
    children = TransactionHead(many=True)


class TransactionFilters(AmountFilters):
    type = serializers.CharField(required=False)
    status = serializers.ChoiceField(choices=TransactionStatus.choices, required=False)
    settlement = serializers.ChoiceField(choices=SettlementStatus.choices, required=False)
    entity = serializers.CharField(required=False)
    reference = serializers.CharField(required=False)
    account = serializers.CharField(required=False)
    since = serializers.DateField(required=False, help_text="first day of recording, UTC")
    until = serializers.DateField(required=False, help_text="last day of recording, UTC")
    conflicts = serializers.BooleanField(required=False, help_text="only those of which something impossible was reported")


class StatusBody(Body):
    axis = serializers.ChoiceField(choices=Axis.choices)
    to = serializers.CharField(max_length=15)
    source = serializers.CharField(max_length=60, help_text="who reports it: a bank, a payment provider")  # type: ignore[assignment]
    source_event_id = serializers.CharField(max_length=200, help_text="the source's own id of this report; it counts once")
    source_at = serializers.DateTimeField(required=False)
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        known = TransactionStatus.values if attrs["axis"] == Axis.STATUS else SettlementStatus.values
        if attrs["to"] not in known:
            raise serializers.ValidationError({"to": f"one of {', '.join(known)}"})
        return attrs


class StatusAnswer(serializers.Serializer[Any]):
    outcome = serializers.ChoiceField(choices=["applied", "late", "duplicate", "conflict"])
    transaction = TransactionHead()


class Refused(serializers.Serializer[Any]):
    code = serializers.CharField()
    reason = serializers.CharField(allow_null=True)
    message = serializers.CharField()
    field = serializers.CharField(allow_null=True)
    detail = serializers.DictField()


class BatchResult(serializers.Serializer[Any]):
    item = serializers.IntegerField(help_text="place in the request, from 1")
    key = serializers.CharField()
    outcome = serializers.ChoiceField(choices=["posted", "initiated", "replayed", "refused", "mismatch"])
    id = serializers.UUIDField(allow_null=True)
    warnings = serializers.DictField(allow_null=True)
    error = Refused(allow_null=True)


class BatchAnswer(serializers.Serializer[Any]):
    atomic = serializers.BooleanField()
    posted = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BatchResult(many=True)


class DryRunAnswer(serializers.Serializer[Any]):
    result = BatchResult()
    transaction = TransactionFields(allow_null=True, help_text="as it would be; ids and numbers will be others")


class HoldBody(Body):
    type = serializers.CharField(max_length=40, default="hold")
    entity = serializers.CharField(max_length=20)
    account = serializers.CharField(max_length=40)
    direction = serializers.ChoiceField(choices=Direction.choices, default=Direction.DEBIT)
    amount = AmountField()
    asset = serializers.CharField(max_length=20)
    expires_at = serializers.DateTimeField()
    description = serializers.CharField(max_length=1000, allow_blank=True, default="")
    reference = serializers.CharField(max_length=140, allow_blank=True, default="")


class ReleaseBody(Body):
    amount = AmountField(required=False, help_text="all that is still held if left out")


class HoldEventFields(serializers.Serializer[Any]):
    act = serializers.ChoiceField(choices=HoldAct.choices)
    amount = AmountField(source="amount_minor")
    terminal = serializers.BooleanField()
    transaction_id = serializers.UUIDField(allow_null=True)
    happened_at = serializers.DateTimeField()


class HoldFields(serializers.Serializer[Any]):
    id = serializers.UUIDField(source="transaction_id")
    type = serializers.CharField(source="transaction.type.code")
    account = serializers.CharField(source="account.code")
    asset = serializers.CharField(source="account.asset.code")
    scale = serializers.IntegerField(source="account.asset.scale")
    direction = serializers.ChoiceField(choices=Direction.choices)
    amount = AmountField(source="amount_minor")
    captured_minor = MinorField()
    released_minor = MinorField()
    remaining_minor = MinorField()
    multi_capture = serializers.BooleanField()
    status = serializers.ChoiceField(choices=TransactionStatus.choices, source="transaction.status")
    reference = serializers.CharField(source="transaction.reference")
    expires_at = serializers.DateTimeField()
    closed_at = serializers.DateTimeField(allow_null=True)


class HoldDetailFields(HoldFields):
    events = HoldEventFields(many=True)


class HoldFilters(Body):
    account = serializers.CharField(required=False)
    open = serializers.BooleanField(required=False)


class LegFields(serializers.Serializer[Any]):
    role = serializers.CharField()
    direction = serializers.ChoiceField(choices=Direction.choices)
    classes = serializers.ListField(child=serializers.CharField())
    account = serializers.CharField(help_text="name of the parameter that names the account")
    amount = serializers.CharField(help_text="name of the parameter that says the amount")
    optional = serializers.BooleanField()


class TypeFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    version = serializers.IntegerField()
    name = serializers.CharField()
    origin = serializers.ChoiceField(choices=Origin.choices)
    legs = LegFields(many=True)
    parameters = serializers.ListField(child=serializers.CharField(), help_text="evidence that is kept with the entry")
    external = serializers.BooleanField()
    reversible = serializers.BooleanField()
    mirrors = serializers.BooleanField()
    settles = serializers.BooleanField()
    multi_capture = serializers.BooleanField()
    in_soft_lock = serializers.BooleanField()
    backdating_days = serializers.IntegerField(allow_null=True)


class TypeProposalBody(Body):
    terms = serializers.DictField(help_text="as `GET /transaction-types` writes a type, without its version")
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=4000)


class TypeProposalAnswer(serializers.Serializer[Any]):
    proposal_id = serializers.UUIDField()
    proposal = serializers.CharField(help_text="its number")


class ConversionBody(Body):
    entity = serializers.CharField(max_length=20)
    effective_date = serializers.DateField()
    sold_account = serializers.CharField(max_length=40)
    bought_account = serializers.CharField(max_length=40)
    quote_id = serializers.CharField(max_length=100)
    rate = TextField(max_length=40, help_text='bought units for one sold, a decimal as text such as "1.0842"')
    quoted_at = serializers.DateTimeField()
    sold_amount = AmountField()
    spread_bps = serializers.IntegerField(required=False, min_value=0, max_value=9_999, help_text="taken from the sold amount")
    bought_amount = AmountField(required=False, help_text="agreed; the spread is what it leaves at the rate")
    rounding = serializers.ChoiceField(choices=[(one.value, one.value) for one in Rounding], default=Rounding.DOWN.value)
    spread_account = serializers.CharField(max_length=40, allow_blank=True, default="")
    description = serializers.CharField(max_length=1000, allow_blank=True, default="")
    reference = serializers.CharField(max_length=140, allow_blank=True, default="")
    counterparty = serializers.CharField(max_length=140, allow_blank=True, default="")


class KeyUseFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    transaction_id = serializers.UUIDField()
    mismatch = serializers.BooleanField()
    fields_differing = serializers.ListField(child=serializers.CharField(), source="fields")
    actor_id = serializers.IntegerField(allow_null=True)
    request_id = serializers.CharField()
    used_at = serializers.DateTimeField()


class KeyUseFilters(Body):
    mismatch = serializers.BooleanField(required=False)
