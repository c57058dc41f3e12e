"""What the REST API says of sources, files, statements, runs and breaks, and what may be said to it."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiExample, extend_schema_serializer
from rest_framework import serializers

from approvals.api.serializers import ProposalFields
from audit.api.serializers import Event
from ledgerops.lib.api import AmountField, Body, MinorField
from recon.api.judging_serializers import SuggestionFields
from recon.break_clock import DUES, NATURES
from recon.matching.candidates import Verdict
from recon.models import (
    BreakState,
    BreakType,
    Channel,
    FileStatus,
    Flow,
    Job,
    JobStatus,
    MatchMethod,
    ProofStatus,
    Purpose,
    QuarantineState,
    RunStatus,
    Side,
    SourceKind,
    StatementKind,
)

ITEMS_MAXIMUM = 500


TREATMENTS = ["timing", "timing_over", "duplicate", "statement_error", "none"]


class SourceFields(serializers.Serializer[Any]):
    code = serializers.CharField()
    name = serializers.CharField()
    kind = serializers.ChoiceField(choices=SourceKind.choices)
    format = serializers.CharField(help_text="code of the reader of its files, `mapped`, or empty: recognised by content")
    servicer = serializers.CharField()
    identifier = serializers.CharField(help_text="the account's number, as statements give it")
    asset = serializers.CharField(source="asset.code")
    scale = serializers.IntegerField(source="asset.scale")
    account = serializers.CharField(source="account.code", help_text="code of the ledger account that must agree")


class FileUpload(Body):
    file = serializers.FileField(help_text="a file in one of the formats that are read, as it was delivered")
    source = serializers.CharField(  # type: ignore[assignment] # a declared field, not the attribute
        required=False, help_text="code of the source it is for, where the file names no account or its columns are mapped"
    )
    take = serializers.BooleanField(
        default=False, help_text="accept it in the same go, for a file of the source named; what needs a decision waits for a person"
    )


class RecordFields(Body):
    id = serializers.CharField(max_length=140, help_text="the id that the sending system gave it")
    booked_on = serializers.DateField()
    value_on = serializers.DateField(required=False)
    direction = serializers.ChoiceField(choices=["credit", "debit"], help_text="credit where value came in")
    amount = serializers.CharField(max_length=60, help_text="decimal digits with the decimals of the currency, such as 10.50")
    currency = serializers.CharField(max_length=20)
    reference = serializers.CharField(required=False, allow_blank=True)
    end_to_end_id = serializers.CharField(required=False, allow_blank=True)
    uetr = serializers.CharField(required=False, allow_blank=True)
    counterparty = serializers.CharField(required=False, allow_blank=True)
    counterparty_account = serializers.CharField(required=False, allow_blank=True)
    type = serializers.CharField(required=False, allow_blank=True)
    description = serializers.CharField(required=False, allow_blank=True)
    keys = serializers.DictField(child=serializers.CharField(), required=False, help_text="further references, by kind of key")
    facts = serializers.DictField(child=serializers.CharField(), required=False, help_text="named values worth showing")


class RecordsBody(Body):
    records = serializers.ListField(
        child=serializers.DictField(), max_length=10_000, help_text="each as `RecordFields`; one that cannot be read goes into quarantine"
    )


class SourceChoice(Body):
    source = serializers.CharField()  # type: ignore[assignment] # a declared field, not the attribute


class AcceptanceBody(Body):
    restating = serializers.ListField(
        child=serializers.UUIDField(), default=list, help_text="the accepted statements that this file may replace"
    )


class DismissalBody(Body):
    reason = serializers.CharField(max_length=200)


class CountingBody(Body):
    reason_code = serializers.CharField()
    narrative = serializers.CharField(max_length=2000)


class QuarantineFilters(Body):
    source = serializers.CharField(required=False)  # type: ignore[assignment] # a declared field, not the attribute
    state = serializers.ChoiceField(choices=QuarantineState.choices, required=False)
    file = serializers.UUIDField(required=False)


class QuarantinedRowFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    file_id = serializers.UUIDField()
    source = serializers.CharField(source="source.code")  # type: ignore[assignment] # a declared field, not the attribute
    place = serializers.CharField()
    field = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()
    raw = serializers.CharField()
    state = serializers.ChoiceField(choices=QuarantineState.choices)
    reason = serializers.CharField()
    ended_by = serializers.CharField(source="ended_by.username", allow_null=True, default=None)
    ended_at = serializers.DateTimeField(allow_null=True)


class JobFields(serializers.Serializer[Any]):
    job = serializers.ChoiceField(choices=Job.choices)
    status = serializers.ChoiceField(choices=JobStatus.choices)
    bytes_done = serializers.IntegerField()
    lines_done = serializers.IntegerField()
    failure = serializers.CharField()


class LocatedErrorFields(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="the place in the file, such as `line 41, :61:`")
    field = serializers.CharField()
    value = serializers.CharField()
    message = serializers.CharField()
    fatal = serializers.BooleanField(help_text="a fatal error refuses the file")
    row = serializers.BooleanField(default=False, help_text="a row in quarantine, while the rest of its file is read")


class FileFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    name = serializers.CharField()
    sha256 = serializers.CharField()
    size_bytes = serializers.IntegerField()
    format = serializers.CharField()
    status = serializers.ChoiceField(choices=FileStatus.choices)
    channel = serializers.ChoiceField(choices=Channel.choices)
    source = serializers.CharField(source="source.code", allow_null=True, default=None)  # type: ignore[assignment]
    received_by = serializers.CharField(source="received_by.username", allow_null=True, default=None, help_text="null where no person did")
    received_at = serializers.DateTimeField()
    accepted_at = serializers.DateTimeField(allow_null=True)
    errors = LocatedErrorFields(many=True)  # type: ignore[assignment] # a declared field, not the attribute


class ReceivedFile(FileFields):
    known = serializers.BooleanField(help_text="true where these bytes were received before; nothing was changed then")


class ParsedFields(serializers.Serializer[Any]):
    ordinal = serializers.IntegerField()
    place = serializers.CharField()
    account = serializers.CharField()
    currency = serializers.CharField()
    number = serializers.CharField()
    opening_minor = MinorField(allow_null=True)
    opening_date = serializers.DateField(allow_null=True)
    closing_minor = MinorField(allow_null=True)
    closing_date = serializers.DateField(allow_null=True)
    movements_minor = MinorField()
    proof = serializers.ChoiceField(choices=ProofStatus.choices)
    difference_minor = MinorField(help_text="opening plus movements less closing")


class ControlFields(serializers.Serializer[Any]):
    name = serializers.CharField()
    declared = serializers.CharField()
    found = serializers.CharField()
    place = serializers.CharField()


class PreviewedStatement(ParsedFields):
    source = serializers.CharField(  # type: ignore[assignment] # a declared field, not the attribute
        allow_null=True, help_text="null where the account is no source in your scope: then the file is refused"
    )
    line_count = serializers.IntegerField()


class StatementFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    source = serializers.CharField(source="source.code")  # type: ignore[assignment] # a declared field, not the attribute
    asset = serializers.CharField(source="source.asset.code")
    scale = serializers.IntegerField(source="source.asset.scale")
    file_id = serializers.UUIDField()
    ordinal = serializers.IntegerField()
    number = serializers.CharField()
    opening_minor = MinorField(allow_null=True)
    opening_date = serializers.DateField(allow_null=True)
    closing_minor = MinorField(allow_null=True)
    closing_date = serializers.DateField()
    line_count = serializers.IntegerField()
    movements_minor = MinorField()
    proof = serializers.ChoiceField(choices=ProofStatus.choices)
    difference_minor = MinorField()
    gap_minor = MinorField(allow_null=True, help_text="opening less the closing of the statement before; null where there is none")
    kind = serializers.ChoiceField(choices=StatementKind.choices)
    purpose = serializers.ChoiceField(choices=Purpose.choices)
    version = serializers.IntegerField()
    supersedes_id = serializers.UUIDField(allow_null=True, help_text="the version that this one took the place of")
    superseded_by_id = serializers.SerializerMethodField(help_text="the version that counts in place of this one; null where this one does")
    sequence = serializers.IntegerField(allow_null=True)
    controls = ControlFields(many=True, help_text="totals that the file declares beside those found")
    quarantined = serializers.IntegerField(help_text="rows of it that could not be read")
    accepted_at = serializers.DateTimeField()

    def get_superseded_by_id(self, statement: Any) -> UUID | None:
        newer = getattr(statement, "superseded_by", None)
        return newer.pk if newer else None


class FileDetailFields(FileFields):
    job = JobFields(allow_null=True, help_text="what a worker did last with a large file; null where none had it")
    open_rows = serializers.IntegerField(help_text="rows of it that are still in quarantine")
    preview = PreviewedStatement(many=True, allow_null=True, help_text="what a file says that waits for acceptance; null otherwise")
    statements = StatementFields(many=True, help_text="what was accepted from it, as far as you see its sources")


class StatementFilters(Body):
    source = serializers.CharField(required=False)  # type: ignore[assignment] # a declared field, not the attribute
    proof = serializers.ChoiceField(choices=ProofStatus.choices, required=False)
    since = serializers.DateField(required=False, help_text="first closing date")
    until = serializers.DateField(required=False, help_text="last closing date")


class LineFields(serializers.Serializer[Any]):
    ordinal = serializers.IntegerField()
    booking_date = serializers.DateField()
    value_date = serializers.DateField()
    flow = serializers.ChoiceField(choices=Flow.choices, help_text="which way value moved for the account holder")
    amount = AmountField(source="amount_minor")
    reversal = serializers.BooleanField()
    booked = serializers.BooleanField()
    reference = serializers.CharField()
    bank_reference = serializers.CharField()
    end_to_end_id = serializers.CharField()
    counterparty = serializers.CharField()
    counterparty_account = serializers.CharField()
    transaction_code = serializers.CharField()
    description = serializers.CharField()
    raw = serializers.CharField(help_text="the text of the file that this was read from")
    place = serializers.CharField()
    item_id = serializers.SerializerMethodField(help_text="the line as the matcher sees it; null where it does not count")
    facts = serializers.DictField(child=serializers.CharField())
    open = serializers.SerializerMethodField(help_text="whether the line is still to be matched")

    def get_item_id(self, line: Any) -> int | None:
        return line.item.pk if line.item else None

    def get_open(self, line: Any) -> bool:
        return line.item is not None and line.item.open


class StandingFields(serializers.Serializer[Any]):
    ledger_minor = MinorField()
    external_minor = MinorField(allow_null=True, help_text="the latest closing balance delivered")
    external_date = serializers.DateField(allow_null=True)
    open_items_minor = MinorField(help_text="the effect of everything still open")
    uncompared_minor = MinorField(help_text="what was posted since the last run looked")
    unexplained_minor = MinorField(allow_null=True, help_text="what none of these explains: zero unless something is lost")


class ReconciliationFields(serializers.Serializer[Any]):
    id = serializers.IntegerField(source="reconciliation.id")
    name = serializers.CharField(source="reconciliation.name")
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment] # a declared field, not the attribute
    account = serializers.CharField(source="reconciliation.source.account.code")
    asset = serializers.CharField(source="reconciliation.source.asset.code")
    scale = serializers.IntegerField(source="reconciliation.source.asset.scale")
    rules_version = serializers.IntegerField(source="reconciliation.rules_version")
    standing = StandingFields(source="*")


class RunFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.IntegerField()
    reconciliation_id = serializers.IntegerField()
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment] # a declared field, not the attribute
    status = serializers.ChoiceField(choices=RunStatus.choices)
    requested_by = serializers.CharField(source="requested_by.username", allow_null=True, default=None)
    requested_at = serializers.DateTimeField()
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    step = serializers.CharField()
    items_total = serializers.IntegerField()
    items_done = serializers.IntegerField()
    matches_made = serializers.IntegerField()
    breaks_opened = serializers.IntegerField()
    breaks_resolved = serializers.IntegerField()
    failure = serializers.CharField()


class AcceptedFile(FileFields):
    statements = StatementFields(many=True)
    runs = RunFields(many=True, help_text="the reconciliation runs this started; empty where the file was accepted before")


class RunFilters(Body):
    source = serializers.CharField(required=False)  # type: ignore[assignment] # a declared field, not the attribute
    status = serializers.ChoiceField(choices=RunStatus.choices, required=False)


class BreakFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    number = serializers.CharField(source="public_number")
    type = serializers.ChoiceField(choices=BreakType.choices)
    state = serializers.ChoiceField(choices=BreakState.choices)
    reconciliation_id = serializers.IntegerField()
    source = serializers.CharField(source="reconciliation.source.code")  # type: ignore[assignment] # a declared field, not the attribute
    account = serializers.CharField(source="reconciliation.source.account.code")
    asset = serializers.CharField(source="reconciliation.source.asset.code")
    scale = serializers.IntegerField(source="reconciliation.source.asset.scale")
    difference_minor = MinorField(help_text="ledger less statement")
    occurred_on = serializers.DateField()
    reference = serializers.CharField()
    counterparty = serializers.CharField()
    assignee = serializers.CharField(source="assignee.username", allow_null=True, default=None)
    ledger_item_id = serializers.IntegerField(allow_null=True)
    statement_item_id = serializers.IntegerField(allow_null=True)
    opened_at = serializers.DateTimeField()
    resolved_at = serializers.DateTimeField(allow_null=True)
    waits_for = serializers.CharField(
        source="parent.public_number",
        allow_null=True,
        default=None,
        help_text="the break that stands for it",
    )
    cause = serializers.DictField(
        help_text="what the amounts of a pair suggest, with the values it rests on; of an ambiguity its counts; "
        "of a `chain_reorg` the fork with its blocks and transfers"
    )
    missing_days = serializers.ListField(child=serializers.DateField(), help_text="of a `stale_feed`: the reports that have not come")
    resolution = serializers.CharField(help_text="how a `stale_feed` or a `chain_reorg` ended")
    version = serializers.IntegerField(help_text="what an act on the break must name")


class LedgerFacts(serializers.Serializer[Any]):
    item_id = serializers.IntegerField(source="item.id")
    amount_minor = MinorField(help_text="positive where value came in")
    value_date = serializers.DateField()
    counterparty = serializers.CharField()
    reference = serializers.CharField()
    description = serializers.CharField()
    entry_id = serializers.UUIDField(source="entry.id")
    entry_number = serializers.CharField(source="entry.public_number")
    entry_line = serializers.IntegerField(source="item.entry_line")


class StatementFacts(serializers.Serializer[Any]):
    item_id = serializers.IntegerField(source="item.id")
    amount_minor = MinorField(help_text="positive where value came in")
    value_date = serializers.DateField()
    booking_date = serializers.DateField()
    counterparty = serializers.CharField()
    reference = serializers.CharField()
    end_to_end_id = serializers.CharField()
    description = serializers.CharField()
    raw = serializers.CharField()
    place = serializers.CharField()
    line = serializers.IntegerField(source="line.ordinal")
    statement_id = serializers.UUIDField(source="line.statement.id")
    file_id = serializers.UUIDField(source="line.statement.file.id")
    file_sha256 = serializers.CharField(source="line.statement.file.sha256")


class ComparedField(serializers.Serializer[Any]):
    field = serializers.CharField()
    ledger = serializers.CharField()
    statement = serializers.CharField()
    result = serializers.CharField()
    differs = serializers.BooleanField()


class ReasonFields(serializers.Serializer[Any]):
    topic = serializers.CharField()
    verdict = serializers.ChoiceField(choices=[verdict.value for verdict in Verdict])
    points = serializers.DecimalField(max_digits=4, decimal_places=1, help_text="log-odds: one point doubles the odds")
    detail = serializers.CharField()


class CandidateFields(serializers.Serializer[Any]):
    item_id = serializers.IntegerField(source="item.id")
    side = serializers.ChoiceField(choices=Side.choices, source="item.side")
    amount_minor = MinorField(source="item.signed_minor")
    item_date = serializers.DateField(source="item.item_date")
    reference = serializers.CharField(source="item.reference")
    counterparty = serializers.CharField(source="item.counterparty")
    score = serializers.IntegerField(help_text="1 to 99: the likelihood that the reasons' points add up to")
    waterfall = serializers.CharField(help_text="the points in words, one step for each criterion")
    reasons = ReasonFields(many=True)
    remaining_minor = MinorField(help_text="the difference that would be left")


class MatchFields(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    method = serializers.ChoiceField(choices=MatchMethod.choices)
    proposal_id = serializers.UUIDField(allow_null=True)
    made_at = serializers.DateTimeField()
    explanation = serializers.DictField()


class BreakDetailFields(BreakFields):
    explanation = serializers.CharField(help_text="why it was matched, or why it was not")
    ledger = LedgerFacts(allow_null=True)
    statement = StatementFacts(allow_null=True)
    comparison = ComparedField(many=True, help_text="field by field, where there are two sides")
    candidates = CandidateFields(many=True, help_text="open items that could explain it, best first")
    suggestions = SuggestionFields(many=True, help_text="groups of open items that runs suggest, the likeliest first")
    resolved_by = MatchFields(allow_null=True)
    proposals = ProposalFields(many=True)
    timeline = Event(many=True)
    nature = serializers.ChoiceField(choices=NATURES, help_text="what it is today, by the clock")
    due_on = serializers.DateField(help_text="the business day by whose end it is to be resolved")
    labels = serializers.ListField(child=serializers.CharField())
    root_cause = serializers.CharField(allow_null=True)
    snoozed_until = serializers.DateField(allow_null=True)
    snooze_reason = serializers.CharField()
    previous_assignee = serializers.CharField(allow_null=True)
    watched = serializers.BooleanField(help_text="by who asks")


class BreakFilters(Body):
    state = serializers.ChoiceField(choices=BreakState.choices, required=False, help_text="every live break if left out")
    type = serializers.ChoiceField(choices=BreakType.choices, required=False)
    source = serializers.CharField(required=False)  # type: ignore[assignment] # a declared field, not the attribute
    asset = serializers.CharField(required=False)
    assignee = serializers.CharField(required=False, help_text="a user name, `me` or `nobody`")
    nature = serializers.ChoiceField(choices=NATURES, required=False, help_text="what it is today, by the clock")
    due = serializers.ChoiceField(choices=DUES, required=False, help_text="past its day, due today, due by tomorrow")
    label = serializers.CharField(required=False)  # type: ignore[assignment] # a declared field, not the attribute
    q = serializers.CharField(required=False, help_text="a break's number, or part of its reference or counterparty")
    treatment = serializers.ChoiceField(choices=TREATMENTS, required=False, help_text="how it is treated today")
    waits_for = serializers.CharField(required=False, help_text="number of the break of a missing file: what waits for it")


class AssignmentBody(Body):
    assignee = serializers.CharField(max_length=150, allow_null=True, help_text="a user name, or null for nobody")


class CommentBody(Body):
    text = serializers.CharField(max_length=4000)


class CommentFields(serializers.Serializer[Any]):
    id = serializers.IntegerField()
    author = serializers.CharField(source="author.username")
    text = serializers.CharField()
    written_at = serializers.DateTimeField()


def item_ids() -> serializers.ListField:
    """Return the field of items taken in besides a break's own."""
    item = serializers.IntegerField(min_value=1, max_value=2**63 - 1)
    return serializers.ListField(child=item, max_length=ITEMS_MAXIMUM, default=list, help_text="further items besides the break's own")


class MatchBody(Body):
    version = serializers.IntegerField(min_value=1, max_value=2**31 - 1, help_text="the version of the break that was read")
    item_ids = item_ids()
    leave_rest = serializers.BooleanField(default=False, help_text="take one item of the larger side in part, and leave the rest open")
    rest_of = serializers.IntegerField(
        min_value=1, max_value=2**63 - 1, required=False, help_text="the item that keeps the rest, where several could"
    )


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Post a bank charge that was not booked",
            request_only=True,
            value={
                "reason_code": "BANK_FEE",
                "narrative": "Monthly charge of the bank, not booked in our ledger.",
                "counter_account": "5010-USD",
                "effective_date": "2026-11-02",
            },
        )
    ]
)
class AdjustmentBody(Body):
    item_ids = item_ids()
    reason_code = serializers.CharField(max_length=40)
    narrative = serializers.CharField(max_length=4000, help_text="why, in at least 20 characters")
    counter_account = serializers.CharField(max_length=40, help_text="code of the account that takes the other leg")
    effective_date = serializers.DateField()
    break_version = serializers.IntegerField(
        min_value=1, max_value=2**31 - 1, required=False, help_text="given, the proposal is refused once the break has changed"
    )
