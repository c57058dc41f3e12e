"""Journals: written by hand or brought in a file, proposed by one person, posted by the approval of another."""

import io
import json
import zipfile
from datetime import date
from typing import Any
from uuid import uuid4

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import Proposal, User
from approvals.operations import add_user, define_role, grant_sight
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.journal_files import JOURNAL_COLUMNS, KnownAccount, journal_of, rows_of
from ledger.models import Account, AccountType, JournalEntry, LegalEntity, OwnerClass
from ledger.operations.journals import JournalInvalid, JournalKnown, JournalRefused
from ledgerops import reference
from tests.fixtures import DAY, ENTITY, PASSWORD, signed_in
from tests.ledger.manual import CHARGE, WHY, decide, entry, form, propose
from tests.notation import balance, posts, writes_nothing

KNOWN = {code: KnownAccount(asset="USD", scale=2) for code in ("6420", "1900", "1010")}
FILE = """entry,date,description,reference,account,debit,credit,asset
A,2026-11-02,Accrued audit fee,ACC-11,6420,12.50,,USD
A,,,,1900,,12.50,
B,2026-11-03,Fee of the bank,,6420,"1,000.00",0.00,USD
B,,,,1010,,1000,USD
"""


def upload(client: Any, text: str | bytes = FILE, *, name: str = "accruals.csv") -> Any:
    content = text.encode() if isinstance(text, str) else text
    return client.post("/journals/upload/", {"entity": ENTITY, "file": SimpleUploadedFile(name, content)})


def workbook_of(rows: list[list[Any]]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)  # type: ignore[union-attr]
    book.save(file)
    return file.getvalue()


# One entry by hand


def test_entry_written_in_a_browser_is_posted_by_anothers_approval_it(maker: User, checker: User) -> None:
    response = signed_in(maker).post("/journals/new/", form())
    assert response.status_code == 302
    proposal = Proposal.objects.get()
    assert JournalEntry.objects.count() == 0
    with posts(CHARGE):
        assert decide(proposal, by=checker).status == "executed"
    posted = JournalEntry.objects.get()
    assert (posted.type.code, posted.origin, posted.proposal_id, posted.proposal_part) == ("journal", "manual", proposal.pk, 0)
    assert (posted.effective_date, posted.reference, posted.description) == (DAY, "ACC-11", "Accrued audit fee")
    event = AuditEvent.objects.get(action="ledger.journal.posted")
    assert event.proposal_id == proposal.pk


def test_maker_cannot_approve_it(maker: User) -> None:
    grant = maker.groups.get()
    define_role(name=grant.name, permissions=[*reference.ROLES["Analyst"], "approvals.decide_proposal"])
    add_user(username="other", full_name="Other", role="Approver", password=PASSWORD)
    proposal = propose(by=maker)
    with writes_nothing(), pytest.raises(Exception, match="you made this proposal"):
        decide(proposal, by=User.objects.get(pk=maker.pk))


def test_the_same_journal_asked_twice_is_one_proposal_it(maker: User, checker: User) -> None:
    said = form()
    for _ in range(2):
        assert signed_in(maker).post("/journals/new/", said).status_code == 302
    proposal = Proposal.objects.get()
    changed = {**said, "description": "Another fee altogether"}
    with writes_nothing():
        response = signed_in(maker).post("/journals/new/", changed)
    assert response.status_code == 409
    assert "with other content" in response.text
    decide(proposal, by=checker)
    assert signed_in(maker).post("/journals/new/", said).status_code == 302
    assert Proposal.objects.count() == 1


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"credit-2": "12.49"}, "differ by 0.01 USD"),
        ({"account-2": "9999"}, "there is no account 9999 in your scope"),
        ({"debit-1": "12.505"}, "more than 2 decimals"),
        ({"credit-1": "1.00"}, "either a debit or a credit"),
        ({"effective_date": "2027-03-01"}, "no accounting period that contains 2027-03-01"),
        ({"narrative": "too short"}, "at least 20 characters"),
        ({"reason_code": "BANK_FEE"}, "Select a valid choice"),
        ({"account-2": "1030", "credit-2": "12"}, "differ by"),
    ],
)
def test_what_is_wrong_comes_back_at_its_place_and_writes_nothing_it(
    maker: User, checker: User, changed: dict[str, str], sentence: str
) -> None:
    with writes_nothing():
        response = signed_in(maker).post("/journals/new/", form(**changed))
    assert response.status_code == 422
    assert sentence in response.text
    assert "Accrued audit fee" in response.text, "the input is kept"


def test_preview_shows_balances_and_what_the_books_would_say_it(maker: User) -> None:
    with writes_nothing():
        response = signed_in(maker).post(
            "/journals/new/", form(**{"credit-2": "10"}), headers={"HX-Request": "true", "HX-Target": "preview"}
        )
        plain = signed_in(maker).post("/journals/new/", form(act="preview"))
        more = signed_in(maker).post("/journals/new/", form(act="lines"))
    assert response.status_code == plain.status_code == more.status_code == 200
    assert "USD differs by +2.50" in response.text
    assert "<form" not in response.text, "the part alone"
    assert "USD balances at 12.50" in plain.text
    assert 'name="account-8"' in more.text


def test_accounts_out_of_sight_do_not_exist_it(maker: User, checker: User) -> None:
    ledger.define_account_group(code="SECRET", name="Secret")
    kinds: Any = {"asset": "USD", "account_type": AccountType.ASSET, "owner_class": OwnerClass.NOSTRO}
    ledger.open_account(code="1999", name="Hidden", entity=ENTITY, group="SECRET", **kinds)
    with writes_nothing():
        response = signed_in(maker).post("/journals/new/", form(**{"account-2": "1999"}))
    assert response.status_code == 422
    assert "there is no account 1999 in your scope" in response.text


def test_who_does_not_see_every_account_sees_no_proposal_of_entries_it(maker: User, checker: User) -> None:
    proposal = propose(by=maker)
    define_role(name="Half", permissions=reference.ROLES["Approver"])
    grant_sight(role="Half", scope_object=LegalEntity.objects.get(code=ENTITY))
    half = add_user(username="half", full_name="Half", role="Half", password=PASSWORD)
    assert signed_in(half).get(f"/approvals/{proposal.pk}/").status_code == 404
    assert signed_in(checker).get(f"/approvals/{proposal.pk}/").status_code == 200


# What changes between asking and posting


def test_period_closed_meanwhile_makes_it_stale(maker: User, checker: User) -> None:
    proposal = propose(by=maker)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_period SET status = 'closed', closed_at = now()")
    decided = decide(proposal, by=checker)
    assert (decided.status, JournalEntry.objects.count()) == ("stale", 0)
    assert "the period of 2026-11-02 of M1 is closed now" in decided.status_reason


def test_refusal_of_the_books_posts_none_of_many_it(maker: User, checker: User) -> None:
    proposal = propose(entry(), entry("2010 debit 5.00 USD / 1900 credit 5.00 USD"), by=maker)
    _freeze("2010")
    with writes_nothing(except_in=("approvals_proposal", "approvals_decision", "approvals_execution")):
        decided = decide(proposal, by=checker)
    assert decided.status == "failed"
    assert decided.status_reason.startswith("entry 2: account 2010 takes no debits")
    assert balance("1900") == "0.00 USD"


def _freeze(code: str) -> None:
    ledger.change_account(account=Account.objects.get(code=code), changes={"debits_frozen": True})


def test_frozen_account_is_refused_before_it_is_proposed_it(maker: User, checker: User) -> None:
    _freeze("6420")
    with writes_nothing(), pytest.raises(JournalRefused) as refused:
        propose(by=maker)
    assert refused.value.field == "lines[1].account"


def test_many_problems_are_told_with_their_places_it(maker: User, checker: User) -> None:
    with writes_nothing(), pytest.raises(JournalInvalid) as refused:
        propose(entry(), entry("6420 debit 1.00 USD / 1010 credit 2.00 USD"), entry(day=date(2030, 1, 1)), by=maker)
    places = [one["field"] for one in refused.value.detail["problems"]]
    assert places == ["entries[2].lines", "entries[3].effective_date"]


def test_another_content_under_a_known_id_is_refused_it(maker: User, checker: User) -> None:
    journal_id = uuid4()
    propose(by=maker, journal_id=journal_id)
    with writes_nothing(), pytest.raises(JournalKnown):
        propose(entry(description="Something else"), by=maker, journal_id=journal_id)


def test_returned_journal_is_revised_on_its_form_it(maker: User, checker: User) -> None:
    signed_in(maker).post("/journals/new/", form())
    proposal = decide(Proposal.objects.get(), by=checker, outcome="request_changes", comment="Wrong month")
    browser = signed_in(maker)
    page = browser.get(f"/adjustments/{proposal.pk}/edit/", follow=True)
    assert page.status_code == 200
    assert 'value="12.50"' in page.text
    said = form(journal=page.context["form"]["journal"].value(), effective_date="2026-10-31")
    assert browser.post(f"/journals/new/?revise={proposal.pk}", said).status_code == 302
    with posts(CHARGE):
        decide(proposal, by=checker)
    assert JournalEntry.objects.get().effective_date == date(2026, 10, 31)


# Files


def test_file_is_previewed_and_then_posted_as_one_proposal_it(maker: User, checker: User) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        shown = upload(browser)
    assert shown.status_code == 200
    assert "1,012.50 USD" in shown.text
    kept = {"kept": shown.context["kept"], "entity": ENTITY, "reason_code": "JOURNAL_ACCRUAL", "narrative": WHY}
    assert browser.post("/journals/upload/", kept).status_code == 302
    proposal = Proposal.objects.get()
    assert proposal.title == "Post 2 entries from accruals.csv"
    with posts(CHARGE, "6420 debit 1000.00 USD / 1010 credit 1000.00 USD"):
        decide(proposal, by=checker)
    assert list(JournalEntry.objects.order_by("number").values_list("proposal_part", flat=True)) == [0, 1]


def test_errors_in_a_file_are_told_with_row_and_column_it(maker: User, checker: User) -> None:
    wrong = FILE.replace("A,,,,1900,,12.50,", "A,,,,1900,,12.505,").replace("2026-11-03", "3 November") + "C,2026-11-04,Lost,,4711,1,,\n"
    with writes_nothing():
        response = upload(signed_in(maker), wrong)
    assert response.status_code == 422
    places = {(error.row, error.column) for error in response.context["errors"]}
    assert {(3, "credit"), (4, "date"), (6, "account")} <= places


def test_what_the_books_would_refuse_is_told_at_its_row_it(maker: User, checker: User) -> None:
    _freeze("6420")
    response = upload(signed_in(maker), FILE)
    assert response.status_code == 422
    assert (2, "account") in {(error.row, error.column) for error in response.context["errors"]}


def test_touched_preview_is_read_anew_it(maker: User, checker: User) -> None:
    browser = signed_in(maker)
    kept = upload(browser).context["kept"]
    with writes_nothing():
        response = browser.post(
            "/journals/upload/", {"kept": kept[:-1] + "x", "entity": ENTITY, "reason_code": "JOURNAL_ACCRUAL", "narrative": WHY}
        )
    assert response.status_code == 422


def test_spreadsheet_reads_like_a_text_file_it() -> None:
    head = list(JOURNAL_COLUMNS)
    rows, errors = rows_of(
        workbook_of(
            [head, ["A", date(2026, 11, 2), "Fee", "", "6420", 12.5, None, "USD"], ["A", None, None, None, 1900, None, 12.5, None]]
        ),
        columns=JOURNAL_COLUMNS,
    )
    read = journal_of(rows, entity=ENTITY, accounts=KNOWN)
    assert errors == read.errors == []
    (one,) = read.entries
    assert [(line.account, line.direction, line.amount_minor) for line in one.lines] == [("6420", "debit", 1250), ("1900", "credit", 1250)]
    assert one.effective_date == date(2026, 11, 2)


def test_formulas_and_inexact_numbers_are_refused_it() -> None:
    head = list(JOURNAL_COLUMNS)
    rows: list[list[Any]] = [
        head,
        ["A", "2026-11-02", "Fee", "", "6420", "=1+1", None, ""],
        ["A", "", "", "", "1900", None, 1234567890123456.7, ""],
    ]
    _, errors = rows_of(workbook_of(rows), columns=JOURNAL_COLUMNS)
    assert [(error.row, error.column) for error in errors] == [(2, "F"), (3, "G")]


def bomb() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"0" * 30_000_000)
    return file.getvalue()


def entities() -> bytes:
    file, inner = io.BytesIO(), workbook_of([list(JOURNAL_COLUMNS)])
    with zipfile.ZipFile(io.BytesIO(inner)) as source, zipfile.ZipFile(file, "w") as archive:
        for name in source.namelist():
            content = source.read(name)
            if name.startswith("xl/worksheets/"):
                content = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]>' + content
            archive.writestr(name, content)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "empty"),
        (b"x" * (5 * 1024 * 1024 + 1), "larger than 5 MB"),
        (b"PK\x03\x04 no archive", "cannot be read"),
        (bomb(), "unpacks to many times its size"),
        (entities(), "defines entities"),
        (b"entry,date\n1,2", "names no column"),
        (b"\xff\xfe", "not UTF-8"),
        (("entry,date,description,account,debit,credit\n" + "A,2026-11-02,x,6420,1,\n" * 20_001).encode(), "more than 20,000 lines"),
        (b"entry,date,description,account,debit,credit\n" + b'A,2026-11-02,"never closed', "cannot be read"),
        (b"entry,date,description,account,debit,credit\nA,2026-11-02," + b"x" * 3000 + b",6420,1,\n", "more than 2,000 characters"),
    ],
)
def test_hostile_file_is_one_error_it(content: bytes, sentence: str) -> None:
    rows, errors = rows_of(content, columns=JOURNAL_COLUMNS)
    assert rows == []
    assert sentence in errors[-1].message


def test_template_reads_back_it(maker: User) -> None:
    browser = signed_in(maker)
    for kind in ("csv", "xlsx"):
        response = browser.get(f"/journals/template/?format={kind}")
        content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
        rows, errors = rows_of(content, columns=JOURNAL_COLUMNS)
        read = journal_of(rows, entity=ENTITY, accounts=KNOWN)
        assert errors == read.errors == []
        assert len(read.entries) == 1


# Pages and the API


def test_pages_cost_what_they_show_it(maker: User, checker: User) -> None:
    waiting, done = propose(by=maker), propose(entry(), entry(), by=maker)
    decide(done, by=checker)
    browser = signed_in(maker)
    pages = ["/journals/", "/journals/?view=posted", "/journals/new/", f"/approvals/{waiting.pk}/", f"/approvals/{done.pk}/"]
    for page in [*pages, f"/ledger/entries/{JournalEntry.objects.first().pk}/"]:  # type: ignore[union-attr]
        with CaptureQueriesContext(connection) as captured:
            response = browser.get(page)
        assert response.status_code == 200, page
        assert "<c-" not in response.text
        assert len(captured) <= 25, (page, len(captured))


def api(client: Any, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"/api/v1/{path}", json.dumps(body), content_type="application/json", headers=headers)


BODY: dict[str, Any] = {
    "entries": [
        {
            "entity": ENTITY,
            "effective_date": "2026-11-02",
            "description": "Accrued audit fee",
            "lines": [
                {"account": "6420", "direction": "debit", "amount": "1250", "asset": "USD"},
                {"account": "1900", "direction": "credit", "amount": "1250", "asset": "USD"},
            ],
        }
    ],
    "reason_code": "JOURNAL_ACCRUAL",
    "narrative": WHY,
}


def test_journal_over_rest_waits_and_is_replayed_by_its_key_it(maker: User, checker: User) -> None:
    client = signed_in(maker)
    first = api(client, "journals", BODY, **{"Idempotency-Key": "j-1"})
    again = api(client, "journals", BODY, **{"Idempotency-Key": "j-1"})
    assert first.status_code == again.status_code == 202
    assert first.json()["id"] == again.json()["id"]
    other = api(client, "journals", {**BODY, "narrative": WHY + " and three"}, **{"Idempotency-Key": "j-1"})
    assert (other.status_code, other.json()["error"]["code"]) == (409, "journal_known")
    with posts(CHARGE):
        decide(Proposal.objects.get(), by=checker)


def test_dry_run_over_rest_says_the_effects_and_writes_nothing_it(maker: User, checker: User) -> None:
    with writes_nothing():
        sound = api(signed_in(maker), "journals?dry_run=true", BODY)
        lines = [BODY["entries"][0]["lines"][0], {**BODY["entries"][0]["lines"][1], "amount": "1249"}]
        wrong = api(signed_in(maker), "journals?dry_run=true", {**BODY, "entries": [{**BODY["entries"][0], "lines": lines}]})
    assert sound.status_code == wrong.status_code == 200
    assert sound.json()["problems"] == []
    assert [(one["account"], one["now_minor"], one["after_minor"]) for one in sound.json()["effects"]] == [
        ("6420", "0", "1250"),
        ("1900", "0", "1250"),
    ]
    assert wrong.json()["problems"][0]["field"] == "lines"


def test_refusals_over_rest_name_their_place_it(maker: User, checker: User) -> None:
    lines = [{**BODY["entries"][0]["lines"][0], "account": "9999"}, BODY["entries"][0]["lines"][1]]
    with writes_nothing():
        response = api(
            signed_in(maker), "journals", {**BODY, "entries": [{**BODY["entries"][0], "lines": lines}]}, **{"Idempotency-Key": "x"}
        )
    assert response.status_code == 404
    assert response.json()["error"]["field"] == "entries[1].lines[1].account"
    assert Account.objects.filter(code="9999").count() == 0
