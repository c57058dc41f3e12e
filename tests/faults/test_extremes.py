"""The largest of everything that is allowed: it is taken or refused, and never breaks what stands around it."""

from dataclasses import replace

import pytest

from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.accounting import CREDIT, DEBIT, MAXIMUM_AMOUNT, Line
from ledger.models import Account, Balance, Posting
from tests.fixtures import draft

pytestmark = pytest.mark.django_db(transaction=True)


def test_refusal_of_the_longest_key_in_the_longest_scope_is_on_the_trail(chart: dict[str, Account]) -> None:
    key, scope = "k" * 200, "s" * 60
    with pytest.raises(ledger.PostingInvalid):
        ledger.record_transaction(draft=draft("1900 debit 1.00 USD / 2010 credit 1.00 USD", key=key), scope=scope)
    assert AuditEvent.objects.get(outcome="refused").target_id == f"{scope}/{key}"


def test_balance_holds_more_than_the_largest_amount(chart: dict[str, Account]) -> None:
    small = draft("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    for n in (1, 2, 3):
        lines = [
            Line(account="1050", direction=DEBIT, amount_minor=MAXIMUM_AMOUNT, asset="DAI"),
            Line(account="2050", direction=CREDIT, amount_minor=MAXIMUM_AMOUNT, asset="DAI"),
        ]
        large = replace(draft("1050 debit 1.00 DAI / 2050 credit 1.00 DAI"), lines=lines)
        outcomes = [posted.outcome for posted in ledger.post_entries(drafts=[large, small], scope="extremes")]
        assert outcomes == ["posted", "posted" if n == 1 else "replayed"]
    held = Balance.objects.get(account__code="1050")
    assert (int(held.posted_debits_minor), int(held.posted_credits_minor)) == (3 * MAXIMUM_AMOUNT, 0)
    assert int(Posting.objects.filter(account__code="2050").latest("account_seq").balance_after_minor or 0) == 3 * MAXIMUM_AMOUNT
