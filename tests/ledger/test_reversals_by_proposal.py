"""Undoing a posted entry, in full or in part, by proposal."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from approvals.models import Proposal, User
from approvals.operations import ObjectHasOpenProposal
from audit.models import AuditEvent
from ledger.models import JournalEntry, ReversedLeg, Transaction
from ledger.operations.journals import JournalInvalid
from ledger.operations.reversals import NotReversible, ReversalRequest, propose_reversal
from tests.fixtures import DAY, Post, signed_in
from tests.ledger.manual import decide
from tests.ledger.test_journals import api
from tests.notation import balance, posts, writes_nothing

WHY = "Booked twice, the bank says so in its letter"
DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
UNDONE = "1010 credit 10.00 USD / 2010 debit 10.00 USD"


@pytest.fixture
def deposit(post: Post) -> JournalEntry:
    post(DEPOSIT)
    return JournalEntry.objects.get()


def reverse(entry: JournalEntry, *, by: User, amounts: dict[tuple[str, str], int] | None = None, day: date = DAY) -> Proposal:
    request = ReversalRequest(entry_id=entry.pk, amounts=amounts, effective_date=day, reason_code="REVERSAL_DUPLICATE", narrative=WHY)
    return propose_reversal(request=request, maker_id=by.pk)


def both(minor: int) -> dict[tuple[str, str], int]:
    return {("1010", "debit"): minor, ("2010", "credit"): minor}


def fields(**values: str) -> dict[str, str]:
    said = {"amount-1": "10.00", "amount-2": "10.00", "when": "original", "reason_code": "REVERSAL_ERROR", "narrative": WHY}
    return {**said, **{name.replace("_n", "-"): value for name, value in values.items()}}


def test_entry_is_undone_to_the_last_leg_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    assert signed_in(maker).post(f"/ledger/entries/{deposit.pk}/reverse/", fields()).status_code == 302
    with posts(UNDONE):
        assert decide(Proposal.objects.get(), by=checker).status == "executed"
    reversal = JournalEntry.objects.get(type__code="reversal")
    assert (reversal.reverses_id, reversal.effective_date) == (deposit.pk, DAY)
    assert Transaction.objects.get(pk=deposit.pk).status == "reversed"
    assert AuditEvent.objects.filter(action="ledger.entry.reversed", target_id=str(deposit.pk)).count() == 1
    page = signed_in(maker).get(f"/ledger/entries/{deposit.pk}/").text
    assert reversal.public_number in page
    assert "Propose reversal" not in page


def test_parts_add_up_under_the_cap_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    decide(reverse(deposit, by=maker, amounts=both(400)), by=checker)
    assert balance("2010") == "6.00 USD"
    with writes_nothing(), pytest.raises(JournalInvalid, match=r"6\.00 USD left"):
        reverse(deposit, by=maker, amounts=both(601))
    page = signed_in(maker).get(f"/ledger/entries/{deposit.pk}/reverse/").text
    assert 'value="6.00"' in page
    decide(reverse(deposit, by=maker), by=checker)
    assert balance("2010") == "0.00 USD"
    with writes_nothing(), pytest.raises(NotReversible, match="undone already"):
        reverse(deposit, by=maker)


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"amount_n1": "10.01"}, "10.00 USD is left of it"),
        ({"amount_n1": "4.00"}, "differ by"),
        ({"amount_n1": "", "amount_n2": ""}, "at least one leg"),
        ({"amount_n1": "ten"}, "write an amount"),
        ({"narrative": "short"}, "at least 20 characters"),
        ({"when": "yesterday"}, "Select a valid choice"),
    ],
)
def test_what_is_wrong_comes_back_at_its_place_it(
    deposit: JournalEntry, maker: User, checker: User, changed: dict[str, str], sentence: str
) -> None:
    with writes_nothing():
        response = signed_in(maker).post(f"/ledger/entries/{deposit.pk}/reverse/", fields(**changed))
    assert response.status_code == 422
    assert sentence in response.text


def test_undone_meanwhile_by_the_outside_world_makes_it_stale(deposit: JournalEntry, maker: User, checker: User, post: Post) -> None:
    proposal = reverse(deposit, by=maker, amounts=both(400))
    post("1010 credit 1.00 USD / 2010 debit 1.00 USD", kind="return", reverses=deposit.pk)
    decided = decide(proposal, by=checker)
    assert decided.status == "stale"
    assert "has been undone meanwhile" in decided.status_reason
    assert set(ReversedLeg.objects.values_list("reversed_minor", flat=True)) == {100}


def test_one_entry_has_one_reversal_waiting_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    reverse(deposit, by=maker, amounts=both(100))
    with writes_nothing(), pytest.raises(ObjectHasOpenProposal):
        reverse(deposit, by=maker, amounts=both(100))


def test_closed_period_leaves_today_it(deposit: JournalEntry, maker: User, checker: User, chart: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_period SET status = 'closed', closed_at = now()")
    page = signed_in(maker).get(f"/ledger/entries/{deposit.pk}/reverse/")
    assert [value for value, _, _ in page.context["days"]] == ["today"]
    with writes_nothing():
        response = signed_in(maker).post(f"/ledger/entries/{deposit.pk}/reverse/", fields(when="original"))
    assert response.status_code == 422


def test_nothing_is_undone_before_it_happened_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    with writes_nothing(), pytest.raises(JournalInvalid, match="before it happened"):
        reverse(deposit, by=maker, day=date(2026, 11, 1))


def test_a_reversal_is_not_undone_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    decide(reverse(deposit, by=maker), by=checker)
    reversal = JournalEntry.objects.get(type__code="reversal")
    with writes_nothing(), pytest.raises(NotReversible):
        reverse(reversal, by=maker)
    assert "is not undone" in signed_in(maker).get(f"/ledger/entries/{reversal.pk}/reverse/").text


def test_entry_out_of_sight_is_404_it(deposit: JournalEntry, stranger: User) -> None:
    assert signed_in(stranger).get(f"/ledger/entries/{deposit.pk}/reverse/").status_code == 404


def test_who_may_not_propose_is_403_it(deposit: JournalEntry, checker: User, auditor: User) -> None:
    for person in (checker, auditor):
        assert signed_in(person).get(f"/ledger/entries/{deposit.pk}/reverse/").status_code == 403
        assert "Propose reversal" not in signed_in(person).get(f"/ledger/entries/{deposit.pk}/").text


def test_returned_reversal_is_revised_on_its_form_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    proposal = reverse(deposit, by=maker)
    decide(proposal, by=checker, outcome="request_changes", comment="Only half of it")
    browser = signed_in(maker)
    assert browser.get(f"/adjustments/{proposal.pk}/edit/", follow=True).status_code == 200
    half = fields(amount_n1="5.00", amount_n2="5.00")
    assert browser.post(f"/ledger/entries/{deposit.pk}/reverse/?revise={proposal.pk}", half).status_code == 302
    with posts("1010 credit 5.00 USD / 2010 debit 5.00 USD"):
        decide(proposal, by=checker)


def test_reversal_over_rest_it(deposit: JournalEntry, maker: User, checker: User) -> None:
    body: dict[str, Any] = {"effective_date": str(timezone.localdate()), "reason_code": "REVERSAL_PARTIAL", "narrative": WHY}
    too_much = [{"account": "1010", "direction": "debit", "amount": "1001"}]
    with writes_nothing():
        refused = api(signed_in(maker), f"entries/{deposit.pk}/reversals", {**body, "amounts": too_much})
    assert (refused.status_code, refused.json()["error"]["field"]) == (422, "amounts[1].amount")
    if timezone.localdate() >= DAY:
        assert api(signed_in(maker), f"entries/{deposit.pk}/reversals", body).status_code == 202
