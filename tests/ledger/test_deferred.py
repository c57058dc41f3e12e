"""Deferred accounts: their legs wait in a tail that reads add, and the roller gives each its place once."""

import pytest

from ledger import operations
from ledger.models import Account, AccountType, Balance, DayDelta, OwnerClass, Posting, PostingTail, RolledPosting
from tests.fixtures import ENTITY, GROUP, Post
from tests.notation import balance, posts

FEE = "2010 debit 1.00 USD / 4020 credit 1.00 USD"


@pytest.fixture
def busy(chart: dict[str, Account]) -> Account:
    """An account of fees in deferred mode."""
    return operations.open_account(
        code="4020", name="Fees, busy", entity=ENTITY, group=GROUP, asset="USD", account_type=AccountType.INCOME,
        owner_class=OwnerClass.FEE, controls={"deferred": True},
    )  # fmt: skip


def test_its_legs_are_posted_without_a_place_and_its_balance_does_not_move(busy: Account, post: Post) -> None:
    with posts(FEE, FEE):
        post(FEE, kind="fee")
        post(FEE, kind="fee")
    assert (balance("4020"), balance("2010")) == ("0.00 USD", "-2.00 USD")
    assert {(leg.account_seq, leg.balance_after_minor) for leg in Posting.objects.filter(account=busy)} == {(None, None)}
    assert PostingTail.objects.filter(account=busy).count() == 2


def test_the_roller_gives_each_leg_its_place_and_the_account_its_balance_once(busy: Account, post: Post) -> None:
    for _ in range(5):
        post(FEE, kind="fee")
    assert (operations.roll_deferred(at_most=2), operations.roll_deferred(at_most=2)) == (5, 0)
    assert balance("4020") == "5.00 USD"
    rolled = RolledPosting.objects.filter(account=busy).order_by("account_seq")
    assert [(leg.account_seq, int(leg.balance_after_minor)) for leg in rolled] == [(1, 100), (2, 200), (3, 300), (4, 400), (5, 500)]
    assert (Balance.objects.get(account=busy).version, PostingTail.objects.count()) == (5, 0)
    assert [(int(day.credits_minor), day.postings) for day in DayDelta.objects.filter(account=busy)] == [(500, 5)]


def test_several_legs_of_one_entry_keep_their_order(busy: Account, post: Post) -> None:
    post("2010 debit 3.00 USD / 4020 credit 1.00 USD / 4020 credit 2.00 USD", kind="fee")
    operations.roll_deferred()
    rolled = RolledPosting.objects.filter(account=busy).order_by("account_seq")
    assert [(leg.line, int(leg.balance_after_minor)) for leg in rolled] == [(2, 100), (3, 300)]


def test_it_takes_no_limit(chart: dict[str, Account], busy: Account) -> None:
    with pytest.raises(operations.ChartRefused) as refused:
        operations.change_account(account=busy, changes={"overdraft_limit": "0"})
    assert refused.value.field == "deferred"
