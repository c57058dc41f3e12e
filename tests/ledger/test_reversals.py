"""What undoes an entry: leg by leg, never more than was posted, and never refused if it has happened outside."""

from uuid import UUID, uuid4

import pytest

from ledger import operations
from ledger.models import Account, AccountType, Alert, OwnerClass, Transaction
from ledgerops.lib.errors import Refusal
from tests.fixtures import ENTITY, GROUP, Post
from tests.ledger.holding import hold, limited
from tests.notation import balance, posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
RETURNED = "2010 debit 10.00 USD / 1010 credit 10.00 USD"


@pytest.fixture
def deposited(chart: dict[str, Account], post: Post) -> UUID:
    """A deposit of ten dollars for a customer without overdraft."""
    limited(chart["2010"])
    entry_id = post(DEPOSIT).entry_id
    assert entry_id is not None
    return entry_id


def receivable() -> None:
    operations.open_account(
        code="1390", name="Overdrawn by customers", entity=ENTITY, group=GROUP, asset="USD", account_type=AccountType.ASSET,
        owner_class=OwnerClass.SETTLEMENT, purpose="shortfall",
    )  # fmt: skip


def status(transaction_id: UUID) -> str:
    return Transaction.objects.get(pk=transaction_id).status


def test_a_full_return_undoes_it_and_it_is_reversed(deposited: UUID, post: Post) -> None:
    with posts(RETURNED):
        returned = post(RETURNED, kind="return", reverses=deposited)
    assert (status(deposited), balance("2010")) == ("reversed", "0.00 USD")
    assert returned.entry_id is not None
    assert Transaction.objects.get(pk=returned.entry_id).parent_id == deposited


def test_parts_are_undone_up_to_the_whole_and_no_further(deposited: UUID, post: Post) -> None:
    post("2010 debit 4.00 USD / 1010 credit 4.00 USD", kind="return", reverses=deposited)
    assert status(deposited) == "posted"
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post("2010 debit 6.01 USD / 1010 credit 6.01 USD", kind="return", reverses=deposited)
    assert refused.value.detail["reason"] == "reversal_exceeds_entry"
    assert (refused.value.detail["reversed"], refused.value.detail["posted"]) == ("400", "1000")
    post("2010 debit 6.00 USD / 1010 credit 6.00 USD", kind="return", reverses=deposited)
    assert (status(deposited), balance("2010")) == ("reversed", "0.00 USD")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2020 debit 1.00 USD / 1010 credit 1.00 USD", "reversal_leg_not_in_entry"),
        (DEPOSIT, "reversal_leg_not_in_entry"),
        ("2010 debit 5.00 USD / 2010 debit 5.01 USD / 1010 credit 10.01 USD", "reversal_exceeds_entry"),
    ],
)
def test_what_was_not_posted_is_not_undone(deposited: UUID, post: Post, text: str, reason: str) -> None:
    with writes_nothing(), pytest.raises(Refusal) as refused:
        post(text, kind="return", reverses=deposited)
    assert refused.value.detail["reason"] == reason


def test_what_undoes_is_not_undone_itself(deposited: UUID, post: Post) -> None:
    returned = post(RETURNED, kind="return", reverses=deposited).entry_id
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        post(DEPOSIT, kind="return", reverses=returned)
    assert refused.value.detail["reason"] == "entry_not_reversible"


@pytest.mark.parametrize(
    ("kind", "reverses", "reason"),
    [("return", uuid4(), "unknown_entry"), ("return", None, "reversed_entry_required"), ("withdrawal", uuid4(), "type_reverses_nothing")],
)
def test_it_names_the_entry_that_it_undoes_if_it_undoes_one(
    chart: dict[str, Account], post: Post, kind: str, reverses: UUID | None, reason: str
) -> None:
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        post(RETURNED, kind=kind, reverses=reverses)
    assert refused.value.detail["reason"] == reason


# What has happened outside is booked, whatever the customer still has


def test_a_returned_deposit_that_was_spent_takes_what_is_left_and_the_rest_is_owed(deposited: UUID, post: Post) -> None:
    receivable()
    post("2010 debit 8.00 USD / 4010 credit 8.00 USD", kind="fee")
    with posts("2010 debit 2.00 USD / 1390 debit 8.00 USD / 1010 credit 10.00 USD"):
        returned = post(RETURNED, kind="return", reverses=deposited)
    assert (balance("2010"), balance("1390"), status(deposited)) == ("0.00 USD", "8.00 USD", "reversed")
    (shortfall,) = returned.detail["shortfalls"]
    assert (shortfall["account"], shortfall["receivable"], shortfall["amount"]) == ("2010", "1390", "800")
    alert = Alert.objects.get()
    assert (alert.kind, alert.transaction_id, alert.account.code if alert.account else None) == ("shortfall", returned.entry_id, "2010")


def test_what_is_held_is_not_taken_by_a_return(deposited: UUID, post: Post) -> None:
    receivable()
    hold("2010", "7.00")
    with posts("2010 debit 3.00 USD / 1390 debit 7.00 USD / 1010 credit 10.00 USD"):
        post(RETURNED, kind="return", reverses=deposited)


def test_a_return_of_everything_spent_is_owed_whole(deposited: UUID, post: Post) -> None:
    receivable()
    post("2010 debit 10.00 USD / 4010 credit 10.00 USD", kind="fee")
    with posts("1390 debit 10.00 USD / 1010 credit 10.00 USD"):
        post(RETURNED, kind="return", reverses=deposited)


def test_without_a_receivable_it_is_refused_and_says_which_account_is_missing(deposited: UUID, post: Post) -> None:
    post("2010 debit 8.00 USD / 4010 credit 8.00 USD", kind="fee")
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post(RETURNED, kind="return", reverses=deposited)
    assert (refused.value.detail["reason"], refused.value.detail["account"]) == ("shortfall_account_missing", "2010")


def test_two_customers_who_spent_a_returned_deposit_both_owe_it(chart: dict[str, Account], post: Post) -> None:
    receivable()
    limited(chart["2010"])
    limited(chart["2020"])
    both = post("1010 debit 10.00 USD / 2010 credit 4.00 USD / 2020 credit 6.00 USD").entry_id
    post("2010 debit 3.00 USD / 2020 debit 5.00 USD / 4010 credit 8.00 USD", kind="fee")
    with posts("2010 debit 1.00 USD / 1390 debit 3.00 USD / 2020 debit 1.00 USD / 1390 debit 5.00 USD / 1010 credit 10.00 USD"):
        post("2010 debit 4.00 USD / 2020 debit 6.00 USD / 1010 credit 10.00 USD", kind="return", reverses=both)
    assert Alert.objects.filter(kind="shortfall").count() == 2


def test_what_was_initiated_and_has_happened_is_booked_with_its_shortfall(deposited: UUID, post: Post) -> None:
    receivable()
    returned = post(RETURNED, kind="return", reverses=deposited, initiate=True).entry_id
    assert returned is not None
    post("2010 debit 8.00 USD / 4010 credit 8.00 USD", kind="fee")
    with posts("2010 debit 2.00 USD / 1390 debit 8.00 USD / 1010 credit 10.00 USD"):
        operations.post_initiated(transaction_id=returned, actor_id=None)
    assert (status(deposited), status(returned)) == ("reversed", "posted")
