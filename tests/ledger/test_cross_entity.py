"""Entries across legal entities: each keeps its own books, by legs of what is due to and from the other."""

from datetime import date

import pytest

from ledger import operations
from ledger.models import Account, AccountingPeriod, AccountType, OwnerClass
from ledgerops.lib.errors import Refusal
from tests.fixtures import ENDS_ON, GROUP, STARTS_ON, Post
from tests.notation import balance, posts, writes_nothing

MOVED = "1010 credit 5.00 USD / 1800 debit 5.00 USD / 9010 debit 5.00 USD / 9800 credit 5.00 USD"


@pytest.fixture
def sister(chart: dict[str, Account]) -> AccountingPeriod:
    """A second entity with a bank account, and what each of the two is due from and to the other."""
    operations.define_entity(code="M2", name="Sister")
    for code, entity, kind, owner_class in [
        ("1800", "M1", AccountType.ASSET, OwnerClass.SETTLEMENT),
        ("9010", "M2", AccountType.ASSET, OwnerClass.NOSTRO),
        ("9800", "M2", AccountType.LIABILITY, OwnerClass.SETTLEMENT),
        ("9900", "M2", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ]:
        operations.open_account(code=code, name=code, entity=entity, group=GROUP, asset="USD", account_type=kind, owner_class=owner_class)
    return operations.open_period(entity="M2", starts_on=STARTS_ON, ends_on=ENDS_ON)


def test_each_entity_balances_by_what_the_other_owes_it(sister: AccountingPeriod, post: Post) -> None:
    with posts(MOVED):
        post(MOVED, kind="internal_transfer")
    assert (balance("1010"), balance("1800"), balance("9010"), balance("9800")) == ("-5.00 USD", "5.00 USD", "5.00 USD", "5.00 USD")


def test_an_entry_balanced_only_over_both_is_refused(sister: AccountingPeriod, post: Post) -> None:
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        post("9010 debit 5.00 USD / 1010 credit 5.00 USD", kind="settlement")
    assert (refused.value.detail["reason"], refused.value.detail["entity"]) == ("entity_does_not_balance", "M1")


def test_the_other_entity_has_its_own_periods(sister: AccountingPeriod, post: Post) -> None:
    operations.close_period(period_id=sister.pk)
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post(MOVED, kind="internal_transfer")
    assert (refused.value.detail["reason"], refused.value.detail["entity"]) == ("no_open_period_of_entity", "M2")


def test_an_entry_of_one_entity_is_not_booked_on_another_alone(sister: AccountingPeriod, post: Post) -> None:
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        post("9010 debit 5.00 USD / 9900 credit 5.00 USD")
    assert (refused.value.detail["reason"], refused.value.field) == ("account_of_another_entity", "lines[1].account")


def test_the_first_open_date_that_is_offered_is_of_the_entry_s_own_entity(sister: AccountingPeriod, post: Post) -> None:
    own = AccountingPeriod.objects.exclude(pk=sister.pk).get()
    operations.open_period(entity="M1", starts_on=date(2027, 1, 1), ends_on=date(2027, 12, 31))
    operations.close_period(period_id=own.pk)
    with writes_nothing(), pytest.raises(Refusal) as refused:
        post(MOVED, kind="internal_transfer")
    assert (refused.value.detail["reason"], refused.value.detail["first_open_date"]) == ("period_closed", "2027-01-01")
