"""A large call posts what is plain at once and the rest draft by draft: the books come out as if each had been posted alone."""

import random
from collections.abc import Sequence

import pytest
from django.db import transaction

from ledger import operations
from ledger.accounting import EntryDraft
from ledger.models import Account, Balance, DayDelta, Posting, Transaction
from tests.fixtures import DAY, draft

SEED = 20261122
CUSTOMERS = ["2010", "2020"]


def drawn(*, seed: int, number: int) -> list[EntryDraft]:
    """Return drafts of which most are plain and some are refused, doubled, backdated or on a limited account."""
    print(f"seed {seed}")  # noqa: T201 (printed with a failure)
    dice = random.Random(seed)  # noqa: S311 (no secret)
    drafts: list[EntryDraft] = []
    for n in range(number):
        amount = f"{dice.randint(1, 900)}.{dice.randint(0, 99):02d}"
        day = DAY.replace(day=dice.randint(1, 28))
        customer = dice.choice(CUSTOMERS)
        kind, text = dice.choice([
            ("deposit", f"1010 debit {amount} USD / {customer} credit {amount} USD"),
            ("withdrawal", f"{customer} debit {amount} USD / 1010 credit {amount} USD"),
            ("fee", f"{customer} debit {amount} USD / 4010 credit {amount} USD"),
            ("deposit", f"1010 debit {amount} USD / 1010 debit 1.00 USD / {customer} credit {amount} USD / 2020 credit 1.00 USD"),
            ("deposit", f"1900 debit {amount} USD / {customer} credit {amount} USD"),
            ("deposit", f"1010 debit {amount} USD / 7777 credit {amount} USD"),
        ])  # fmt: skip
        drafts.append(draft(text, kind=kind, key=f"draft-{n:03d}", day=day))
    drafts += dice.sample(drafts, 5)
    return drafts


def figures() -> tuple[list[object], list[object]]:
    balances = Balance.objects.order_by("account__code").values_list(
        "account__code", "posted_debits_minor", "posted_credits_minor", "version"
    )
    days = DayDelta.objects.order_by("account__code", "effective_date").values_list(
        "account__code", "effective_date", "debits_minor", "credits_minor", "postings"
    )
    return list(balances), list(days)


def derived() -> list[object]:
    """Return what the postings themselves say of every strict account, in their own order."""
    sums: dict[str, list[int]] = {}
    for leg in Posting.objects.select_related("account").order_by("account_seq"):
        own = sums.setdefault(leg.account.code, [0, 0, 0])
        own[0 if leg.direction == "debit" else 1] += int(leg.amount_minor)
        own[2] += 1
        net = own[0] - own[1]
        assert leg.account_seq == own[2]
        assert leg.balance_after_minor == (net if leg.account.normal_side == "debit" else -net)
    return [(code, own[0], own[1], own[2]) for code, own in sorted(sums.items())]


@pytest.mark.parametrize("limited", [False, True])
def test_it_posts_a_large_batch_as_it_would_post_each_alone(*, chart: dict[str, Account], limited: bool) -> None:
    if limited:
        with transaction.atomic():
            operations.change_account(account=chart["2020"], changes={"overdraft_limit": "0"})
    drafts = drawn(seed=SEED + limited, number=120)
    alone = _rolled_back([[one] for one in drafts], scope="alone")
    results = operations.post_entries(drafts=drafts, scope="together")
    assert [one.draft.key for one in results] == [one.key for one in drafts]
    if not limited:
        # With a limit the order of posting decides who still gets something; without, nothing depends on it.
        assert [(one.outcome, one.code) for one in results] == alone[0]
        assert figures() == alone[1]
    assert {"posted", "refused", "replayed"} <= {one.outcome for one in results}
    assert [row for row in figures()[0] if row[3]] == derived()  # type: ignore[index]
    assert Transaction.objects.filter(scope="together").count() == 120
    assert all(one.entry_id for one in results if one.outcome != "refused")


def test_it_keeps_the_legs_of_a_deferred_account_in_the_tail(chart: dict[str, Account]) -> None:
    with transaction.atomic():
        operations.change_account(account=chart["4010"], changes={"deferred": True})
    drafts = [draft("2010 debit 1.00 USD / 4010 credit 1.00 USD", kind="fee", key=f"fee-{n}") for n in range(40)]
    results = operations.post_entries(drafts=drafts, scope="together")
    assert {one.outcome for one in results} == {"posted"}
    assert Posting.objects.filter(account=chart["4010"], account_seq__isnull=True).count() == 40
    assert Balance.objects.get(account=chart["4010"]).version == 0
    assert Balance.objects.get(account=chart["2010"]).version == 40


def _rolled_back(
    calls: Sequence[Sequence[EntryDraft]], *, scope: str
) -> tuple[list[tuple[str, str | None]], tuple[list[object], list[object]]]:
    with transaction.atomic():
        results = [one for call in calls for one in operations.post_entries(drafts=call, scope=scope)]
        found = figures()
        transaction.set_rollback(True)
    return [(one.outcome, one.code) for one in results], found
