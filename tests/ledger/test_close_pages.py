"""The pages of the close: who opens them, what may be done on them, and what comes back when it is refused."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import Proposal, User
from ledger import operations
from ledger.models import Account, AccountingPeriod, Close
from tests.fixtures import Post, draft, signed_in
from tests.ledger.test_close import WHY, close, decided, reopen
from tests.notation import writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
MOST_QUERIES = 25
# A checklist asks each of its checks once, whatever there is.
MOST_OF_A_CHECKLIST = 38


@pytest.fixture
def controller(person: Callable[[str, str], User]) -> User:
    return person("controller", "Controller")


@pytest.fixture
def october(chart: dict[str, Account]) -> AccountingPeriod:
    operations.open_period(entity="M1", starts_on=date(2025, 11, 1), ends_on=date(2025, 11, 30))
    return operations.open_period(entity="M1", starts_on=date(2025, 10, 1), ends_on=date(2025, 10, 31))


@pytest.mark.parametrize("tab", ["checklist", "balances", "restatement"])
def test_each_part_of_an_open_and_of_a_closed_period_is_shown_within_its_queries(
    october: AccountingPeriod, controller: User, checker: User, post: Post, tab: str
) -> None:
    post(DEPOSIT, day=date(2025, 10, 3))
    browser = signed_in(controller)
    for closed in (False, True, True):
        if closed:
            close(october, by=controller, checker=checker)
        with CaptureQueriesContext(connection) as captured:
            response = browser.get(f"/close/{october.pk}/?tab={tab}")
        assert response.status_code == 200
        assert b"<c-" not in response.content
        assert len(captured) <= (MOST_OF_A_CHECKLIST if tab == "checklist" else MOST_QUERIES), [query["sql"][:90] for query in captured]
        if closed:
            reopen(october, by=controller, checker=checker)
            post(DEPOSIT, day=date(2025, 10, 4))


def test_the_calendar_shows_each_month_and_what_is_to_be_closed_again(october: AccountingPeriod, controller: User, checker: User) -> None:
    close(october, by=controller, checker=checker)
    reopen(october, by=controller, checker=checker)
    browser = signed_in(controller)
    assert "Reopened" in browser.get("/close/?entity=M1&year=2025").text
    AccountingPeriod.objects.filter(pk=october.pk).update(reopen_ends_at=timezone.now() - timedelta(seconds=1))
    with CaptureQueriesContext(connection) as captured:
        page = browser.get("/close/?entity=M1&year=2025").text
    assert "is to be closed again" in page
    assert len(captured) <= MOST_QUERIES


def test_a_controller_opens_a_year(october: AccountingPeriod, controller: User) -> None:
    browser = signed_in(controller)
    with writes_nothing():
        assert browser.post("/close/open-year/", {"entity": "M1", "starts_on": "2027-01-02"}).status_code == 422
        assert browser.post("/close/open-year/", {"entity": "M1", "starts_on": "2026-01-01"}).status_code == 409
        assert browser.post("/close/open-year/", {"entity": "M9", "starts_on": "2027-01-01"}).status_code == 422
    assert browser.post("/close/open-year/", {"entity": "M1", "starts_on": "2027-01-01"}).status_code == 302
    assert AccountingPeriod.objects.filter(starts_on__year=2027).count() == 12


def test_a_close_is_proposed_with_its_reasons_and_the_input_is_kept_when_one_is_missing(
    october: AccountingPeriod, controller: User, checker: User
) -> None:
    operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 10, 3), initiate=True), scope="tests")
    browser = signed_in(controller)
    with writes_nothing():
        refused = browser.post(f"/close/{october.pk}/propose/", {"narrative": WHY})
    assert refused.status_code == 422
    assert WHY in refused.text
    assert "why this is passed over" in refused.text
    said = {"narrative": WHY, "reason-initiated": "It will come in November."}
    assert browser.post(f"/close/{october.pk}/propose/", said).status_code == 302
    review = signed_in(checker).get(f"/approvals/{Proposal.objects.get().pk}/")
    assert "It will come in November." in review.text
    assert decided(Proposal.objects.get(), by=checker).status == "executed"
    assert "It will come in November." in browser.get(f"/close/{october.pk}/").text


def test_a_reopening_is_proposed_and_shown_to_whom_it_is_for(october: AccountingPeriod, controller: User, checker: User) -> None:
    close(october, by=controller, checker=checker)
    browser = signed_in(controller)
    with writes_nothing():
        assert browser.post(f"/close/{october.pk}/reopen/", {"narrative": WHY, "until": "2020-01-01T10:00"}).status_code == 422
        assert browser.post(f"/close/{october.pk}/reopen/", {"narrative": "short", "until": "2040-01-01T10:00"}).status_code == 422
    assert browser.post(f"/close/{october.pk}/reopen/", {"narrative": WHY, "until": "2040-01-01T10:00"}).status_code == 302
    proposal = Proposal.objects.get(kind="ledger.reopen_period")
    assert "Open until" in signed_in(checker).get(f"/approvals/{proposal.pk}/").text
    assert decided(proposal, by=checker).status == "executed"


def test_a_soft_lock_is_set_and_taken_off_and_refused_on_a_closed_period(
    october: AccountingPeriod, controller: User, checker: User
) -> None:
    browser = signed_in(controller)
    for act, status in (("soft-lock", "soft_locked"), ("unlock", "open")):
        assert browser.post(f"/close/{october.pk}/{act}/").status_code == 302
        october.refresh_from_db()
        assert october.status == status
    close(october, by=controller, checker=checker)
    with writes_nothing():
        assert browser.post(f"/close/{october.pk}/soft-lock/").status_code == 409


@pytest.mark.parametrize("act", ["propose", "reopen", "soft-lock", "unlock"])
def test_nobody_else_acts_and_a_stranger_finds_no_period(october: AccountingPeriod, maker: User, stranger: User, act: str) -> None:
    with writes_nothing():
        assert signed_in(maker).post(f"/close/{october.pk}/{act}/").status_code == 403
        assert signed_in(stranger).get(f"/close/{october.pk}/").status_code == 404
    assert Close.objects.count() == 0
