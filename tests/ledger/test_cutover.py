"""Cutover: opening balances and open items of an entity, out of a file, by proposal."""

from datetime import date
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from approvals.models import Proposal, User
from audit.models import AuditEvent
from ledger.models import AccountType, JournalEntry, OwnerClass
from ledger.operations import open_account
from ledger.operations.cutover import BooksHaveBegun, OpeningRequest, opening_entries, propose_opening
from ledger.operations.journals import JournalInvalid
from tests.fixtures import ENTITY, GROUP, Post, signed_in
from tests.ledger.manual import decide
from tests.ledger.test_journals import api
from tests.notation import balance, books, posts, writes_nothing

WHY = "Balances of the books before, signed by both auditors"
CUTOVER = date(2026, 9, 30)
FILE = """account,debit,credit,asset,reference,date,description
1010,100.00,,USD,,,
2010,,90.00,USD,,,
1010,7.50,,USD,DEP-9,2026-09-29,Deposit not on the statement yet
"""


@pytest.fixture
def opening_account(chart: Any) -> None:
    open_account(
        code="3900",
        name="Opening balances",
        entity=ENTITY,
        group=GROUP,
        asset="USD",
        account_type=AccountType.EQUITY,
        owner_class=OwnerClass.EQUITY,
        purpose="opening",
    )


def upload(browser: Any, text: str = FILE, *, day: date = CUTOVER) -> Any:
    file = SimpleUploadedFile("balances.csv", text.encode())
    return browser.post("/journals/opening/", {"entity": ENTITY, "cutover_date": day.isoformat(), "file": file})


def propose(text: str, *, by: User) -> Proposal:
    entries = opening_entries(entity=ENTITY, cutover_date=CUTOVER, balances=books(text), items=[])
    request = OpeningRequest(entity=ENTITY, cutover_date=CUTOVER, entries=entries, open_items=0, reason_code="CUTOVER", narrative=WHY)
    return propose_opening(request=request, maker_id=by.pk)


def test_file_opens_the_books_it(opening_account: None, maker: User, checker: User) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        shown = upload(browser)
    assert shown.status_code == 200
    said = {"kept": shown.context["kept"], "reason_code": "CUTOVER", "narrative": WHY}
    assert browser.post("/journals/opening/", said).status_code == 302
    with posts(
        "1010 debit 92.50 USD / 2010 credit 90.00 USD / 3900 credit 2.50 USD",
        "1010 debit 7.50 USD / 3900 credit 7.50 USD",
    ):
        assert decide(Proposal.objects.get(), by=checker).status == "executed"
    assert (balance("1010"), balance("2010"), balance("3900")) == ("100.00 USD", "90.00 USD", "10.00 USD")
    item = JournalEntry.objects.get(reference="DEP-9")
    assert (item.effective_date, item.type.code) == (date(2026, 9, 29), "opening")
    assert AuditEvent.objects.filter(action="ledger.opening.posted", target_id=ENTITY).count() == 1


def test_balanced_file_needs_no_opening_account_it(chart: Any, maker: User, checker: User) -> None:
    proposal = propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker)
    with posts("1010 debit 5.00 USD / 2010 credit 5.00 USD"):
        decide(proposal, by=checker)


def test_difference_without_an_opening_account_is_refused_it(chart: Any, maker: User, checker: User) -> None:
    with writes_nothing(), pytest.raises(JournalInvalid, match="no account for opening balances in USD"):
        propose("1010 debit 5.00 USD / 2010 credit 4.00 USD", by=maker)
    with writes_nothing():
        response = upload(signed_in(maker))
    assert response.status_code == 422
    assert "no account for opening balances in USD" in response.text


def test_books_that_have_begun_take_no_opening_it(opening_account: None, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", day=CUTOVER)
    with writes_nothing(), pytest.raises(BooksHaveBegun):
        propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker)


def test_entries_after_the_cutover_do_not_matter_it(opening_account: None, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", day=date(2026, 10, 1))
    assert decide(propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker), by=checker).status == "executed"


def test_second_opening_is_refused_it(opening_account: None, maker: User, checker: User) -> None:
    decide(propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker), by=checker)
    with writes_nothing(), pytest.raises(BooksHaveBegun):
        propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker)


def test_books_begun_meanwhile_make_it_stale(opening_account: None, maker: User, checker: User, post: Post) -> None:
    proposal = propose("1010 debit 5.00 USD / 2010 credit 5.00 USD", by=maker)
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", day=date(2026, 3, 1))
    decided = decide(proposal, by=checker)
    assert (decided.status, JournalEntry.objects.count()) == ("stale", 1)


@pytest.mark.parametrize(
    ("changed", "row", "column"),
    [
        (FILE.replace("2010,", "2011,"), 3, "account"),
        (FILE.replace("90.00", "90.005"), 3, "credit"),
        (FILE.replace("2026-09-29", "29.9.2026"), 4, "date"),
        (FILE + "1010,1.00,,USD,,,\n", 5, "account"),
        (FILE.replace("1010,100.00,,USD,,,\n", ""), 3, "account"),
        (FILE.replace("USD,,,\n2010", "JPY,,,\n2010"), 2, "asset"),
        (FILE.replace("DEP-9", ""), 4, "reference"),
        (FILE.replace("2026-09-29", "2019-09-29"), None, "effective_date"),
    ],
)
def test_errors_are_told_with_row_and_column_it(
    opening_account: None, maker: User, checker: User, changed: str, row: int | None, column: str
) -> None:
    with writes_nothing():
        response = upload(signed_in(maker), changed)
    assert response.status_code == 422
    places = {(error.row, error.column) for error in response.context["errors"]}
    assert (row, column) in places or (row is None and column in {place[1] for place in places}), places


def test_opening_over_rest_it(opening_account: None, maker: User, checker: User) -> None:
    def line(account: str, direction: str, amount: str) -> dict[str, str]:
        return {"account": account, "direction": direction, "amount": amount, "asset": "USD"}

    body = {
        "entity": ENTITY,
        "cutover_date": "2026-09-30",
        "balances": [line("1010", "debit", "1000"), line("2010", "credit", "1000")],
        "open_items": [{**line("1010", "debit", "250"), "reference": "DEP-9", "date": "2026-09-29"}],
        "reason_code": "CUTOVER",
        "narrative": WHY,
    }
    assert api(signed_in(maker), "openings", body).status_code == 202
    with posts("1010 debit 7.50 USD / 2010 credit 10.00 USD / 3900 debit 2.50 USD", "1010 debit 2.50 USD / 3900 credit 2.50 USD"):
        decide(Proposal.objects.get(), by=checker)
    assert balance("3900") == "0.00 USD"
