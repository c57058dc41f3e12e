"""Accounts that everybody posts to: each deferred leg gets one place, balances are right at every read, waits are seen and attributed."""

import time
from collections.abc import Callable
from datetime import timedelta
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils import timezone

from approvals.models import ProposalStatus, User
from ledger import operations
from ledger.models import Account, Balance, DayDelta, LockWait, Posting, PostingTail, RolledPosting
from ledger.operations.hot import roll_deferred, sample_lock_waits
from ledger.queries import hot
from ledger.queries.controls import balances_with_tails
from tests.concurrency.together import at_once, meanwhile, start, until_it_waits
from tests.fixtures import Post, draft, signed_in
from tests.ledger.test_account_changes import approve

pytestmark = pytest.mark.django_db(transaction=True)

WRITERS, ROLLERS, EACH = 8, 2, 15
FEE = "2010 debit 0.01 USD / 4010 credit 0.01 USD"


def defer(account: Account) -> None:
    with transaction.atomic():
        operations.change_account(account=account, changes={"deferred": True})


def places(account: Account) -> list[int]:
    return list(RolledPosting.objects.filter(account=account).order_by("account_seq").values_list("account_seq", flat=True))


def test_writers_and_rollers_together_lose_nothing_and_read_right(chart: dict[str, Account], post: Post) -> None:
    fees, customer = chart["4010"], chart["2010"]
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD")
    defer(fees)
    written = Event()

    def write() -> int:
        for _ in range(EACH):
            operations.record_transaction(draft=draft(FEE, kind="fee"), scope="tests")
        return EACH

    def roll() -> int:
        folded = 0
        while not written.is_set() or PostingTail.objects.exists():
            folded += roll_deferred(at_most=7)
        return folded

    def read() -> list[tuple[int, int]]:
        """Both sides of the same entries, in one statement each time: what the customers gave is what the fees took."""
        seen = []
        while not written.is_set():
            held = balances_with_tails([fees.pk, customer.pk])
            seen.append((held[fees.pk], 10000 - held[customer.pk]))
        return seen

    done: list[int] = []

    def counted_write() -> int:
        done.append(write())
        if len(done) == WRITERS:
            written.set()
        return done[-1]

    outcomes = at_once([*([counted_write] * WRITERS), *([roll] * ROLLERS), read])
    assert [one for one in outcomes if isinstance(one, Exception)] == []
    legs = WRITERS * EACH
    assert sum(outcomes[WRITERS : WRITERS + ROLLERS]) == legs
    assert outcomes[-1]
    assert all(took == gave for took, gave in outcomes[-1]), "a leg is never counted twice or not at all"
    balance = Balance.objects.get(account=fees)
    assert (balance.version, int(balance.posted_credits_minor), PostingTail.objects.count()) == (legs, legs, 0)
    assert places(fees) == list(range(1, legs + 1))
    after = RolledPosting.objects.filter(account=fees).order_by("account_seq").values_list("balance_after_minor", flat=True)
    assert [int(one) for one in after] == list(range(1, legs + 1))
    (day,) = DayDelta.objects.filter(account=fees)
    assert (int(day.credits_minor), day.postings) == (legs, legs)
    assert Posting.objects.filter(account=fees, account_seq__isnull=False).count() == 0


def test_writers_to_a_deferred_account_do_not_wait_for_each_other(chart: dict[str, Account], post: Post) -> None:
    defer(chart["4010"])
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD")
    post("1010 debit 100.00 USD / 2020 credit 100.00 USD")
    with meanwhile(lambda: operations.post_entries(drafts=[draft(FEE, kind="fee")], scope="tests")):
        post(FEE.replace("2010", "2020"), kind="fee")
    assert PostingTail.objects.count() == 2


def test_an_account_that_another_worker_rolls_is_left_to_it(chart: dict[str, Account], post: Post) -> None:
    defer(chart["4010"])
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    post(FEE, kind="fee")

    def take() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_xact_lock(4203, hashint8(%s))", [chart["4010"].pk])

    with meanwhile(take):
        assert roll_deferred() == 0
    assert roll_deferred() == 1
    assert roll_deferred() == 0


def test_going_back_to_strict_leaves_no_gap(maker: User, checker: User, chart: dict[str, Account], post: Post) -> None:
    defer(chart["4010"])
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    post(FEE, kind="fee")
    post(FEE, kind="fee")
    proposal = operations.propose_account_change(
        account="4010", changes={"deferred": False}, reason_code="ACCOUNT_MODE", narrative="It is quiet on it again.", maker_id=maker.pk
    )
    assert PostingTail.objects.count() == 2
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED
    assert (PostingTail.objects.count(), places(chart["4010"])) == (0, [1, 2])
    post(FEE, kind="fee")
    assert list(Posting.objects.filter(account=chart["4010"], account_seq__isnull=False).values_list("account_seq", flat=True)) == [3]


def test_who_waits_is_counted_on_the_account_they_wait_for(chart: dict[str, Account], post: Post, maker: User) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    outcomes: list[object] = []
    text = "1010 debit 0.01 USD / 2010 credit 0.01 USD"
    with meanwhile(lambda: operations.post_entries(drafts=[draft(text)], scope="tests")) as commit:
        threads = [start(lambda: operations.record_transaction(draft=draft(text), scope="tests"), outcomes) for _ in range(3)]
        until_it_waits()
        time.sleep(0.3)
        assert sample_lock_waits(looks=2, apart_s=0.05, stands_for_s=0.5) == 6
        commit()
        for thread in threads:
            thread.join()
    assert not [one for one in outcomes if isinstance(one, Exception)]
    (wait,) = LockWait.objects.select_related("account")
    assert (wait.account.code, wait.waited_ms, wait.most_waiting) == ("1010", 3000, 3)
    assert wait.longest_ms >= 200
    assert sample_lock_waits(looks=1) == 0, "nobody waits any more"
    (row, *_) = hot.hot_accounts_for(maker)
    assert (row.account.code, row.waited_s, row.may_be_deferred, row.postings) == ("1010", "3.0", False, 5)


def test_samples_of_a_minute_add_up_and_old_ones_go(chart: dict[str, Account]) -> None:
    old = timezone.now().replace(second=0, microsecond=0) - timedelta(days=8)
    LockWait.objects.create(account=chart["1010"], minute=old, waited_ms=5, most_waiting=1, longest_ms=5)
    assert sample_lock_waits(looks=1) == 0
    assert not LockWait.objects.exists()


def test_the_page_and_the_api_show_mode_tail_and_lag(
    maker: User, stranger: User, person: Callable[[str, str], User], chart: dict[str, Account], post: Post
) -> None:
    defer(chart["4010"])
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    post(FEE, kind="fee")
    LockWait.objects.create(
        account=chart["1010"],
        minute=timezone.now().replace(second=0, microsecond=0),
        waited_ms=12_500,
        most_waiting=4,
        longest_ms=90,
    )
    page = " ".join(signed_in(maker).get("/accounts/hot/").content.decode().split())
    assert "12.5" in page
    assert "Propose strict" in page
    assert "Propose deferred" not in page, "a bank account has a statement"
    assert "waiting for a place" in signed_in(maker).get("/accounts/4010/").content.decode()
    rows: dict[str, dict[str, Any]] = {row["account"]: row for row in signed_in(maker).get("/api/v1/hot-accounts").json()}
    assert (rows["4010"]["deferred"], rows["4010"]["tail"], rows["1010"]["waited_ms"]) == (True, 1, 12_500)
    assert signed_in(stranger).get("/api/v1/hot-accounts").json() == []
