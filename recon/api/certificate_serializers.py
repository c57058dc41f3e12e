"""What the REST API says of account-days and certificates, and what may be said to it."""

from typing import Any

from rest_framework import serializers

from ledgerops.lib.api import Body, MinorField
from recon.certification_queries import CellState
from recon.day_queries import Rule
from recon.matching.unexplained import Reason
from recon.models import Side

DAYS_MAXIMUM = 62


class DayFilters(Body):
    as_of = serializers.DateField(required=False, help_text="the day; the latest with a statement unless it is said")
    since = serializers.DateField(required=False, help_text="from the end of which day open items are rolled forward")


class GridFilters(Body):
    until = serializers.DateField(required=False)
    days = serializers.IntegerField(required=False, min_value=1, max_value=DAYS_MAXIMUM)
    source = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]
    state = serializers.ChoiceField(required=False, choices=[one.value for one in CellState])


class CertificateFilters(Body):
    source = serializers.CharField(required=False, max_length=40)  # type: ignore[assignment]


class PrepareBody(Body):
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)


class WithdrawBody(Body):
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=2000)


class CertificationTermsBody(Body):
    break_days = serializers.IntegerField(min_value=1, max_value=366)
    owners_required = serializers.BooleanField()


class CertificationTermsFields(serializers.Serializer[Any]):
    break_days = serializers.IntegerField(help_text="business days after which a live break blocks")
    owners_required = serializers.BooleanField()


class DayOpenItemFields(serializers.Serializer[Any]):
    item = serializers.IntegerField(source="open.item.pk")
    side = serializers.ChoiceField(source="open.item.side", choices=Side.choices)
    row = serializers.CharField(source="number")
    since = serializers.DateField(source="open.since")
    amount_minor = MinorField(source="open.signed_minor")
    counterparty = serializers.CharField(source="open.item.counterparty")
    reference = serializers.CharField(source="open.item.reference")
    age_business_days = serializers.IntegerField(source="age_days")
    cleared_on = serializers.DateField(source="open.cleared_on", allow_null=True)
    explanation = serializers.CharField()


class DayForwardFields(serializers.Serializer[Any]):
    side = serializers.ChoiceField(choices=Side.choices)
    opening_minor = MinorField()
    new_minor = MinorField()
    cleared_minor = MinorField()
    closing_minor = MinorField()


class RowFoundFields(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment]
    amount_minor = MinorField(source="signed_minor")
    entry_id = serializers.UUIDField(allow_null=True)
    statement_id = serializers.UUIDField(allow_null=True)
    ordinal = serializers.IntegerField(allow_null=True)


class DayHintFields(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(source="hint.reason", choices=[one.value for one in Reason])
    ways = serializers.IntegerField(source="hint.ways", help_text="how many fit, also those that are not named")
    tariffs = serializers.ListField(source="hint.tariffs", child=serializers.CharField())
    groups = serializers.ListField(child=RowFoundFields(many=True), help_text="the rows that it rests on, each group by itself")


class AccountDayFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment]
    asset = serializers.CharField(source="reconciliation.source.asset.code")
    scale = serializers.IntegerField(source="reconciliation.source.asset.scale")
    ledger_minor = MinorField(source="figures.ledger_minor")
    external_minor = MinorField(source="figures.external.minor", allow_null=True)
    balance = serializers.ChoiceField(source="figures.external.rule", choices=[one.value for one in Rule])
    indicated_minor = MinorField(source="figures.external.indicated_minor", allow_null=True)
    open_minor = MinorField()
    uncompared_minor = MinorField(source="figures.uncompared_minor")
    unexplained_minor = MinorField(source="figures.unexplained_minor", allow_null=True)
    open_items = DayOpenItemFields(source="items", many=True)
    roll_forward = DayForwardFields(source="forward", many=True)
    hints = DayHintFields(many=True)


class CertificationDayFields(serializers.Serializer[Any]):
    day = serializers.DateField()
    state = serializers.ChoiceField(choices=[one.value for one in CellState])
    reason = serializers.CharField()
    certificate_id = serializers.UUIDField(allow_null=True)
    proposal_id = serializers.UUIDField(allow_null=True)


class CertificationRowFields(serializers.Serializer[Any]):
    account = serializers.CharField(source="reconciliation.source.account.code")
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment]
    days = CertificationDayFields(source="cells", many=True)


class CertificationGridFields(serializers.Serializer[Any]):
    accounts = CertificationRowFields(source="rows", many=True)


class CertificateFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    account = serializers.CharField(source="reconciliation.source.account.code")
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment]
    first_day = serializers.DateField()
    last_day = serializers.DateField()
    digest = serializers.CharField(help_text="SHA-256 of the machine-readable twin")
    pack_digest = serializers.CharField(help_text="SHA-256 of the PDF")
    prepared_by = serializers.CharField(source="prepared_by.username")
    reviewed_by = serializers.CharField(source="reviewed_by.username")
    proposal_id = serializers.UUIDField()
    certified_at = serializers.DateTimeField()
    withdrawn_at = serializers.DateTimeField(allow_null=True)


class LatePostingFields(serializers.Serializer[Any]):
    entry_id = serializers.UUIDField()
    entry = serializers.CharField(source="entry.public_number")
    effective_date = serializers.DateField()
    recorded_at = serializers.DateTimeField(source="entry.posted_at")
    direction = serializers.CharField()
    amount_minor = MinorField()


class StatementNamed(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    closing_date = serializers.DateField()
    version = serializers.IntegerField()


class AfterSignOffFields(serializers.Serializer[Any]):
    changes = serializers.ListField(child=serializers.CharField())
    postings = LatePostingFields(many=True)
    came = StatementNamed(many=True)
    gone = StatementNamed(many=True)


class CertificateDetailFields(CertificateFields):
    content = serializers.JSONField(help_text="everything that was shown, as the twin says it")
    after_sign_off = AfterSignOffFields(allow_null=True, help_text="what came later; null once it was withdrawn")
