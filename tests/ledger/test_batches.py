"""Many transactions in one request: each on its own, or all of them or none."""

import pytest

from ledger import operations
from ledger.accounting import DraftUnbalanced
from ledger.models import Account, Transaction
from tests.fixtures import Post, draft
from tests.notation import posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WRONG = "1900 debit 1.00 USD / 2010 credit 1.00 USD"


def test_each_on_its_own_posts_what_can_be_and_answers_all(chart: dict[str, Account]) -> None:
    with posts(DEPOSIT):
        answers = operations.record_batch(drafts=[draft(WRONG), draft(DEPOSIT)], scope="tests", atomic=False)
    assert [(answer.outcome, answer.code) for answer in answers] == [("refused", "account_class_not_allowed"), ("posted", None)]


def test_all_or_none_posts_all(chart: dict[str, Account]) -> None:
    with posts(DEPOSIT, DEPOSIT):
        operations.record_batch(drafts=[draft(DEPOSIT), draft(DEPOSIT)], scope="tests", atomic=True)


def test_all_or_none_posts_none_and_keeps_no_key(chart: dict[str, Account]) -> None:
    sound = draft(DEPOSIT, key="sound")
    with writes_nothing(), pytest.raises(operations.BatchRefused) as refused:
        operations.record_batch(drafts=[sound, draft(WRONG, key="wrong")], scope="tests", atomic=True)
    assert [(item["key"], item["code"]) for item in refused.value.detail["items"]] == [("wrong", "account_class_not_allowed")]
    assert not Transaction.objects.exists()
    with posts(DEPOSIT):
        operations.record_batch(drafts=[sound], scope="tests", atomic=True)


def test_a_draft_that_contradicts_itself_is_named_and_nothing_is_posted(chart: dict[str, Account]) -> None:
    unbalanced = draft("1010 debit 10.00 USD / 2010 credit 9.00 USD")
    with writes_nothing(), pytest.raises(DraftUnbalanced) as refused:
        operations.record_batch(drafts=[draft(DEPOSIT), unbalanced], scope="tests", atomic=False)
    assert (refused.value.detail["item"], refused.value.field) == (1, "items[2].lines")


def test_one_draft_may_rest_on_what_another_before_it_brings(chart: dict[str, Account], post: Post) -> None:
    operations.change_account(account=chart["2010"], changes={"overdraft_limit": "0"})
    payment = "2010 debit 10.00 USD / 1010 credit 10.00 USD"
    with posts(DEPOSIT, payment):
        operations.record_batch(drafts=[draft(DEPOSIT, key="a"), draft(payment, kind="withdrawal", key="b")], scope="tests", atomic=True)


@pytest.mark.parametrize("number", [0, operations.BATCH_MAXIMUM + 1])
def test_a_batch_has_some_and_not_too_many(chart: dict[str, Account], number: int) -> None:
    with writes_nothing(), pytest.raises(operations.BatchInvalid):
        operations.record_batch(drafts=[draft(DEPOSIT)] * number, scope="tests", atomic=False)
