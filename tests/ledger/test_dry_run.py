"""A dry run says what posting would, and leaves nothing."""

from collections.abc import Sequence
from typing import Any

import pytest

from ledger import operations
from ledger.models import Account, Transaction
from ledger.operations import Posted
from tests.fixtures import Post, draft
from tests.ledger.holding import limited
from tests.notation import balance, journal, writes_nothing

DRAFTS = [
    ("1010 debit 10.00 USD / 2010 credit 10.00 USD", "deposit"),
    ("2010 debit 10.01 USD / 1010 credit 10.01 USD", "withdrawal"),
    ("2010 debit 4.00 USD / 4010 credit 4.00 USD", "fee"),
    ("1900 debit 1.00 USD / 2010 credit 1.00 USD", "deposit"),
    ("2010 debit 6.00 USD / 2020 credit 6.00 USD", "transfer"),
]


def seen(results: Sequence[Posted]) -> dict[str, Any]:
    """Return what the books say once drafts are posted: answers, entries, balances."""
    return {
        "answers": [(posted.outcome, posted.code, dict(posted.detail)) for posted in results],
        "journal": journal(),
        "balances": [balance(code) for code in ("1010", "2010", "2020", "4010")],
    }


def test_it_says_what_posting_then_does_and_writes_nothing(chart: dict[str, Account]) -> None:
    limited(chart["2010"])
    drafts = [draft(text, kind=kind, key=f"draft-{number}") for number, (text, kind) in enumerate(DRAFTS)]
    with writes_nothing():
        foretold = operations.dry_run(drafts=drafts, scope="tests", reading=seen)
    assert not Transaction.objects.exists()
    assert foretold == seen(operations.post_entries(drafts=drafts, scope="tests"))
    assert [outcome for outcome, _, _ in foretold["answers"]] == ["posted", "refused", "posted", "refused", "posted"]


def test_it_uses_no_key_and_knows_those_used(chart: dict[str, Account], post: Post) -> None:
    asked = draft("1010 debit 10.00 USD / 2010 credit 10.00 USD", key="same")
    assert operations.dry_run(drafts=[asked], scope="tests", reading=lambda results: results[0].outcome) == "posted"
    operations.record_transaction(draft=asked, scope="tests")
    assert operations.dry_run(drafts=[asked], scope="tests", reading=lambda results: results[0].outcome) == "replayed"


def test_of_all_or_none_it_is_refused_as_posting_would_be(chart: dict[str, Account]) -> None:
    drafts = [draft(text, kind=kind) for text, kind in DRAFTS]
    with writes_nothing(), pytest.raises(operations.BatchRefused):
        operations.dry_run(drafts=drafts, scope="tests", atomic=True, reading=len)
