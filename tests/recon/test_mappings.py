"""Mappings: drafted, tried, submitted, approved by a second person, and read by from then on."""

import io
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from ledgerops.lib.errors import Refusal
from recon import feed_calendar, operations, source_queries
from recon.intake import mapping_hints
from recon.models import Feed, MappingVersion, Source, Statement, StatementFile
from recon.operations.readers import reader_of
from recon.web.sources.mapping_form import MappingForm, initial_of
from tests.concurrency import scene
from tests.fixtures import signed_in
from tests.notation import writes_nothing

CSV = (
    b"Booking date;Text;Amount;Balance\n"
    b"02.11.2026;Opening;100,00;100,00\n"
    b"03.11.2026;Coffee;-3,50;96,50\n"
    b"04.11.2026;Salary;1.000,00;1.096,50\n"
)
WHY = "The bank delivers this account as CSV from now on"


def definition(**values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "format": "csv",
        "encoding": "ascii",
        "layout": {"delimiter": ";", "quote": '"', "header_row": 1},
        "currency": {"fixed": "USD"},
        "numbers": {"decimal": ",", "thousands": "."},
        "booking_date": {"column": "Booking date", "format": "DD.MM.YYYY"},
        "amount": {"sign": "signed", "column": "Amount"},
        "description": ["Text"],
        "balance_after": {"column": "Balance"},
        "order": "oldest_first",
    }
    return {**usual, **values}


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def sample(bank: Source, maker: User) -> StatementFile:
    return operations.receive_sample(source_id=bank.pk, name="november.csv", content=io.BytesIO(CSV), received_by_id=maker.pk)


Draft = Callable[..., MappingVersion]


@pytest.fixture
def drafted(bank: Source, sample: StatementFile, maker: User) -> Draft:
    """Return a function that keeps a definition as a draft of the maker."""

    def keep(**values: Any) -> MappingVersion:
        return operations.draft_mapping(source_id=bank.pk, definition=definition(**values), sample_id=sample.pk, drafted_by_id=maker.pk)

    return keep


def submitted(version: MappingVersion, *, by: User) -> Proposal:
    return operations.submit_mapping(mapping_id=version.pk, reason_code="MAPPING_NEW", narrative=WHY, maker_id=by.pk)


def decided(proposal: Proposal, *, by: User, outcome: str = "approve") -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    comment = "" if outcome == "approve" else "The amounts are not right"
    return approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        approver_id=by.pk,
        outcome=DecisionOutcome(outcome),
        comment=comment,
    )


# Drafting


def test_draft_is_numbered_and_reads_nothing_yet(bank: Source, drafted: Draft) -> None:
    assert [drafted().number, drafted(order="newest_first").number] == [1, 2]
    assert source_queries.mapping_in_force(bank) is None
    assert reader_of(bank, io.BytesIO(CSV)).reader is None
    assert AuditEvent.objects.filter(action="recon.mapping.drafted", outcome="done").count() == 2


def test_same_draft_again_is_the_one_there_is(drafted: Draft) -> None:
    version = drafted()
    with writes_nothing():
        assert drafted() == version


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"booking_date": {"column": "Booking date"}}, "booking_date.format"),
        ({"booking_date": {"column": "Booking date", "format": "DD.MM"}}, "booking_date.format"),
        ({"encoding": "guess"}, "encoding"),
        ({"amount": {"sign": "signed"}}, "amount.column"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_definition_that_leaves_something_open_is_refused_at_its_key(drafted: Draft, values: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(operations.MappingInvalid) as caught:
        drafted(**values)
    assert caught.value.field == field


def test_sample_that_is_empty_or_too_large_is_refused(bank: Source, maker: User) -> None:
    for content in (b"", b"x" * (operations.SAMPLE_MAXIMUM_BYTES + 1)):
        with writes_nothing(), pytest.raises(operations.SampleRefused):
            operations.receive_sample(source_id=bank.pk, name="x.csv", content=io.BytesIO(content), received_by_id=maker.pk)


# Four eyes


def test_approved_version_reads_what_comes_from_then_on(bank: Source, drafted: Draft, maker: User, checker: User) -> None:
    version = drafted()
    proposal = submitted(version, by=maker)
    assert MappingVersion.objects.get().status == "submitted"
    assert decided(proposal, by=checker).status == "executed"
    version.refresh_from_db()
    assert (version.status, version.proposal_id) == ("approved", proposal.pk)
    chosen = reader_of(bank, io.BytesIO(CSV))
    assert chosen.reader is not None
    assert (chosen.mapping_id, chosen.format) == (version.pk, "mapped")
    assert sum(type(event).__name__ == "LineRead" for event in chosen.reader(io.BytesIO(CSV))) == 3
    assert AuditEvent.objects.get(action="recon.mapping.approved").proposal_id == proposal.pk


def test_newest_approved_version_is_in_force(bank: Source, drafted: Draft, maker: User, checker: User) -> None:
    first, second = drafted(), drafted(description=["Text", "Amount"])
    decided(submitted(second, by=maker), by=checker)
    decided(submitted(first, by=maker), by=checker)
    assert source_queries.mapping_in_force(bank) == first
    assert source_queries.version_before(first) == second


def test_who_drafted_it_submits_it_and_does_not_decide(drafted: Draft, person: Callable[[str, str], User], maker: User) -> None:
    version = drafted()
    other = person("other", "Analyst")
    person("second", "Approver")
    with writes_nothing(), pytest.raises(operations.MappingNotYours):
        submitted(version, by=other)
    proposal = submitted(version, by=maker)
    with writes_nothing(), pytest.raises(Refusal):
        decided(proposal, by=maker)


def test_rejected_version_stays_so_and_the_same_may_be_drafted_again(drafted: Draft, maker: User, checker: User) -> None:
    version = drafted()
    decided(submitted(version, by=maker), by=checker, outcome="reject")
    version.refresh_from_db()
    assert version.status == "rejected"
    assert drafted().number == 2


def test_what_reads_the_files_already_is_no_new_version(drafted: Draft, maker: User, checker: User) -> None:
    decided(submitted(drafted(), by=maker), by=checker)
    with writes_nothing(), pytest.raises(operations.MappingNotNew):
        drafted()


def test_version_that_was_returned_gives_way_to_the_next_draft(drafted: Draft, maker: User, checker: User) -> None:
    first = drafted()
    proposal = submitted(first, by=maker)
    decided(proposal, by=checker, outcome="request_changes")
    second = drafted(description=["Text", "Amount"])
    operations.revise_mapping(proposal_id=proposal.pk, mapping_id=second.pk, reason_code="MAPPING_NEW", narrative=WHY, maker_id=maker.pk)
    proposal.refresh_from_db()
    assert decided(proposal, by=checker).status == "executed"
    assert dict(MappingVersion.objects.values_list("number", "status")) == {1: "rejected", 2: "approved"}


# How a file finds its reader


def test_content_that_names_itself_needs_no_mapping(bank: Source) -> None:
    chosen = reader_of(bank, io.BytesIO(scene.mt940(("C", 100, "INV-1"))))
    assert (chosen.reader, chosen.mapping_id) == (None, None)


def test_source_that_is_mapped_is_never_recognised_by_content(bank: Source) -> None:
    source = operations.choose_format(source_id=bank.pk, format="mapped")
    assert reader_of(source, io.BytesIO(scene.mt940(("C", 100, "INV-1")))).mapping_id is None


def test_format_that_is_none_is_refused(bank: Source) -> None:
    with writes_nothing(), pytest.raises(operations.SourceInvalid):
        operations.choose_format(source_id=bank.pk, format="telex")


def test_file_is_accepted_by_the_mapping_in_force_and_keeps_its_version(bank: Source, drafted: Draft, maker: User, checker: User) -> None:
    version = drafted(account={"fixed": scene.IDENTIFIER})
    decided(submitted(version, by=maker), by=checker)
    content = CSV.replace(b"Coffee", b"Tea")
    file, _ = operations.receive_file(
        name="november.csv", content=io.BytesIO(content), maximum_bytes=10_000, received_by_id=maker.pk, source_id=bank.pk
    )
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    statement = Statement.objects.get()
    assert (statement.mapping, statement.proof, statement.line_count) == (version, "proven", 3)


def test_file_without_rows_is_a_day_without_lines_and_what_was_due_has_come(
    bank: Source, drafted: Draft, maker: User, checker: User
) -> None:
    layout = {"delimiter": ";", "quote": '"', "header_row": 3}
    version = drafted(
        layout=layout,
        day={"row": 1, "cell": 2, "format": "DD.MM.YYYY"},
        opening={"row": 2, "cell": 2},
        closing={"row": 2, "cell": 2},
        balance_after=None,
    )
    decided(submitted(version, by=maker), by=checker)
    feed = Feed.objects.create(source=bank, calendar="TARGET", due_time=time(8, 0), starts_on=date(2026, 11, 2), ends_on=date(2026, 11, 2))
    content = b"As of;02.11.2026\nBalance;100,00\nBooking date;Text;Amount;Balance\n"
    file, _ = operations.receive_file(
        name="quiet.csv", content=io.BytesIO(content), maximum_bytes=10_000, received_by_id=maker.pk, source_id=bank.pk
    )
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    statement = Statement.objects.get()
    assert (statement.proof, statement.line_count, statement.closing_date) == ("proven", 0, date(2026, 11, 2))
    now = datetime(2026, 11, 4, 12, 0, tzinfo=UTC)
    (day,) = feed_calendar.days_of([feed], since=feed.starts_on, until=feed.starts_on, now=now)[bank.pk]
    assert (day.statement, day.state.value) == (statement, "arrived")


# The editor's form


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"format": "fixed", "layout": {"columns": [{"name": "Day", "start": 1, "width": 8}], "line_width": 80, "skip_rows": 1}},
        {"format": "json", "layout": {"records": "data/items"}},
        {"format": "xml", "layout": {"record": "Document/Entry"}},
        {"layout": {"delimiter": "\t", "quote": "", "header_row": 0, "columns": ["A", "B"]}},
        {"amount": {"sign": "columns", "debit": "Out", "credit": "In", "debit_written": "positive"}},
        {
            "amount": {
                "sign": "indicator", "column": "Amount", "indicator": "DC", "debit_values": ["D", "S"], "credit_values": ["C"],
                "debit_written": "negative", "inverted": True,
            },
        },
        {"account": {"column": "IBAN"}, "currency": {"column": "Currency"}, "value_date": {"column": "Value", "format": "YYYYMMDD"}},
        {"keys": {"payout": "Payout ID"}, "facts": {"fee": "Fee"}, "booked": {"column": "State", "equals": ["Booked"]}},
        {"skip": [{"column": "Type", "equals": ["Total"]}, {"column": "Text", "begins": ["Sum", "Total"]}]},
        {"skip": [{"column": "Amount", "empty": True}]},
        {"opening": {"where": {"column": "Text", "equals": ["Opening"]}, "column": "Amount"}},
        {"numbers": {"decimal": "", "thousands": "", "units": "minor", "scales": {"USDC": 6}, "affixes": ["EUR", "USD"]}},
        {"booking_date": {"column": "Created", "format": "unix", "time_zone": "UTC"}},
    ],
)  # fmt: skip
def test_form_says_a_definition_and_takes_it_back(values: dict[str, Any]) -> None:
    said = definition(**values)
    form = MappingForm({name: value for name, value in initial_of(said).items() if value is not None and value is not False})
    assert form.is_valid(), form.errors
    assert form.definition() == said


def test_days_that_could_be_two_are_named_and_nothing_is_suggested() -> None:
    hints = mapping_hints.day_hints("Date", ["01/02/2026", "03/04/2026", ""])
    assert (hints.is_ambiguous, hints.ambiguous_count, hints.rows) == (True, 2, 2)
    assert {pattern for pattern, _ in hints.ambiguous[0].readings} == {"DD/MM/YYYY", "MM/DD/YYYY"}


def test_one_day_that_can_be_no_month_decides() -> None:
    hints = mapping_hints.day_hints("Date", ["01/02/2026", "13/02/2026"])
    assert not hints.is_ambiguous
    assert set(hints.fitting) == {"DD/MM/YYYY", "D/M/YYYY"}


def test_same_day_and_month_is_not_ambiguous() -> None:
    assert not mapping_hints.day_hints("Date", ["02/02/2026"]).is_ambiguous


# The pages


def test_onboarding_leads_from_a_new_source_to_an_approved_mapping(maker: User, checker: User, chart: dict[str, Any]) -> None:
    browser = signed_in(maker)
    registered = browser.post(
        "/sources/new/",
        {"kind": "processor", "name": "Card payouts", "identifier": "PAYOUTS-1", "account": "1020", "format": "mapped"},
    )
    assert registered["Location"] == "/sources/card-payouts/mapping/"
    uploaded = browser.post("/sources/card-payouts/sample/", {"file": io.BytesIO(CSV)})
    sample = StatementFile.objects.get()
    assert uploaded["Location"] == f"/sources/card-payouts/mapping/?sample={sample.pk}"
    shown = browser.get(uploaded["Location"]).content.decode()
    assert "Suggestions" in shown
    assert "none is applied before you say so" in shown
    fields = {name: value for name, value in initial_of(definition()).items() if value is not None and value is not False and value != ""}
    preview = browser.post(
        "/sources/card-payouts/mapping/",
        {**fields, "sample": str(sample.pk)},
        headers={"HX-Request": "true", "HX-Target": "mapping-preview"},
    )
    assert "3 lines, 0 in quarantine" in preview.content.decode()
    assert not MappingVersion.objects.exists()
    kept = browser.post("/sources/card-payouts/mapping/", {**fields, "sample": str(sample.pk), "act": "save"})
    assert kept["Location"] == "/sources/card-payouts/mappings/1/"
    asked = browser.post("/sources/card-payouts/mappings/1/submit/", {"reason_code": "MAPPING_NEW", "narrative": WHY})
    proposal = Proposal.objects.get()
    assert asked["Location"] == f"/approvals/{proposal.pk}/"
    review = signed_in(checker).get(asked["Location"]).content.decode()
    assert "booking_date.format" in review
    assert "DD.MM.YYYY" in review
    assert "3 lines, 0 in quarantine" in review
    decided(proposal, by=checker)
    assert "in force" in browser.get("/sources/card-payouts/").content.decode()


def test_editor_says_what_is_missing_and_which_days_are_ambiguous(bank: Source, maker: User) -> None:
    content = b"Date;Amount\n01/02/2026;1,00\n03/04/2026;2,00\n"
    sample = operations.receive_sample(source_id=bank.pk, name="a.csv", content=io.BytesIO(content), received_by_id=maker.pk)
    said = {
        "format": "csv", "encoding": "ascii", "delimiter": ";", "quote": '"', "header_row": "1", "booking_column": "Date",
        "sample": str(sample.pk), "account_how": "source", "currency_fixed": "USD", "decimal": ",", "thousands": "none",
    }  # fmt: skip
    shown = signed_in(maker).post(f"/sources/{bank.code}/mapping/", said).content.decode()
    assert "2 of 2 days of “Date” can be read in two ways" in shown
    assert "1 February 2026" in shown
    assert "2 January 2026" in shown
    assert "Still open: is written" in shown
    refused = signed_in(maker).post(f"/sources/{bank.code}/mapping/", {**said, "act": "save"})
    assert refused.status_code == 422
    assert not MappingVersion.objects.exists()


def test_suggestions_are_filled_in_when_asked_for_and_never_over_what_was_said(bank: Source, sample: StatementFile, maker: User) -> None:
    said = {"sample": str(sample.pk), "encoding": "cp1252", "act": "use", "format": "csv", "quote": '"'}
    shown = signed_in(maker).post(f"/sources/{bank.code}/mapping/", said).content.decode()
    assert '<option value="cp1252" selected>' in shown
    assert '<option value=";" selected>' in shown


def test_who_may_not_map_does_not(bank: Source, sample: StatementFile, checker: User, auditor: User, stranger: User) -> None:
    for who in (checker, auditor):
        assert signed_in(who).get(f"/sources/{bank.code}/mapping/").status_code == 403
        assert signed_in(who).post(f"/sources/{bank.code}/sample/", {}).status_code == 403
    with writes_nothing():
        assert signed_in(stranger).post(f"/sources/{bank.code}/mapping/", {"act": "save"}).status_code == 404


def test_pages_ask_the_database_no_more_for_more_sources(bank: Source, drafted: Draft, maker: User) -> None:
    drafted()
    browser = signed_in(maker)
    for page in ("/sources/", f"/sources/{bank.code}/", f"/sources/{bank.code}/mappings/1/"):
        browser.get(page)
        with CaptureQueriesContext(connection) as asked:
            assert browser.get(page).status_code == 200
        assert len(asked) <= 25, page
