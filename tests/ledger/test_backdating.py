"""Entries dated back: what they make of the past, how far back they may go, and where they go if the past is closed."""

from datetime import date

import pytest

from ledger import operations
from ledger.accounting import CREDIT, DEBIT
from ledger.models import Account, AccountingPeriod, JournalEntry, Transaction
from ledger.registry import Leg, TypeTerms
from tests.fixtures import Post
from tests.ledger.holding import limited
from tests.notation import posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WITHDRAWAL = "2010 debit 4.00 USD / 1010 credit 4.00 USD"
OCTOBER = date(2026, 10, 5)


def test_it_names_the_days_on_which_the_account_would_have_been_below_its_limit(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    post(DEPOSIT, day=date(2026, 10, 20))
    posted = post(WITHDRAWAL, kind="withdrawal", day=OCTOBER)
    assert posted.detail == {"below_limit_on": {"2010": ["2026-10-05"]}}
    assert Transaction.objects.get(entry=posted.entry_id).warnings == posted.detail


def test_it_warns_of_nothing_where_the_past_held_enough(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    post(DEPOSIT, day=date(2026, 10, 1))
    posted = post(WITHDRAWAL, kind="withdrawal", day=OCTOBER)
    assert (posted.detail, Transaction.objects.get(entry=posted.entry_id).warnings) == ({}, None)


def test_a_type_says_how_far_back_it_goes(chart: dict[str, Account], post: Post) -> None:
    legs = [
        Leg(role="payer", direction=DEBIT, classes=("customer",), account="payer"),
        Leg(role="payee", direction=CREDIT, classes=("customer",), account="payee"),
    ]
    operations.define_transaction_type(TypeTerms(code="swift", name="Swift", legs=legs, backdating_days=5))
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post("2010 debit 1.00 USD / 2020 credit 1.00 USD", kind="swift", day=date(2026, 1, 5))
    assert (refused.value.detail["reason"], refused.value.field) == ("backdated_too_far", "effective_date")


@pytest.fixture
def closed_january(chart: dict[str, Account]) -> None:
    """January 2025 is closed, February 2025 is open."""
    january = operations.open_period(entity="M1", starts_on=date(2025, 1, 1), ends_on=date(2025, 1, 31))
    operations.open_period(entity="M1", starts_on=date(2025, 2, 1), ends_on=date(2025, 2, 28))
    operations.close_period(period_id=january.pk)


def test_into_a_closed_period_it_is_refused_and_told_the_first_open_date(closed_january: None, post: Post) -> None:
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post(DEPOSIT, day=date(2025, 1, 15))
    assert (refused.value.detail["reason"], refused.value.detail["first_open_date"]) == ("period_closed", "2025-02-01")


@pytest.mark.parametrize("status", ["closed", "soft_locked"])
def test_it_rolls_to_the_first_open_date_if_told_to(closed_january: None, post: Post, status: str) -> None:
    if status == "soft_locked":
        AccountingPeriod.objects.filter(starts_on=date(2025, 2, 1)).update(status="soft_locked")
    day, first = (date(2025, 1, 15), date(2025, 2, 1)) if status == "closed" else (date(2025, 2, 3), date(2026, 1, 1))
    with posts(DEPOSIT):
        posted = post(DEPOSIT, day=day, roll_to_open=True)
    entry = JournalEntry.objects.latest("number")
    assert (entry.effective_date, entry.value_date, entry.prior_period) == (first, day, True)
    assert entry.period.starts_on == first
    assert posted.detail == {"rolled_to": first.isoformat()}


def test_with_nothing_open_after_it_there_is_nowhere_to_roll_to(chart: dict[str, Account], post: Post) -> None:
    operations.close_period(period_id=AccountingPeriod.objects.get().pk)
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post(DEPOSIT, roll_to_open=True)
    assert (refused.value.detail["reason"], refused.value.detail["first_open_date"]) == ("period_closed", None)
