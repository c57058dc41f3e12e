"""Many clients at one account, one key and one period."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from threading import Event, Thread
from typing import Any

import pytest
from django.db import OperationalError, connections, transaction
from django.db.models import Sum

from ledger import operations as ledger
from ledger.accounting import EntryDraft
from ledger.models import Account, AccountingPeriod, Asset, Balance, JournalEntry, Posting
from ledger.operations import IdempotencyKeyReused, Posted, PostingRefused
from ledgerops.lib.transactions import sqlstate_of
from tests.concurrency.together import at_once, meanwhile, of_type, start, until_it_waits
from tests.fixtures import DAY, Post, draft
from tests.notation import balance, journal

pytestmark = pytest.mark.django_db(transaction=True)

SCOPE = "concurrency"
CLIENTS = 8


def record(entry: EntryDraft) -> Callable[[], Posted]:
    return lambda: ledger.record_transaction(draft=entry, scope=SCOPE)


def book_keeping_errors() -> list[str]:
    """Return where balances, sequence numbers and postings disagree, and each asset whose trial balance is not zero."""
    said = []
    for account in Account.objects.select_related("balance"):
        debits = credits_ = Decimal()
        sign = 1 if account.normal_side == "debit" else -1
        for seq, posting in enumerate(Posting.objects.filter(account=account).order_by("account_seq"), start=1):
            if posting.direction == "debit":
                debits += posting.amount_minor
            else:
                credits_ += posting.amount_minor
            if posting.account_seq != seq:
                said.append(f"{account.code}: posting {seq} is numbered {posting.account_seq}")
            if posting.balance_after_minor != sign * (debits - credits_):
                said.append(f"{account.code}: after posting {seq} it holds {sign * (debits - credits_)}, not {posting.balance_after_minor}")
        held = account.balance
        if (held.posted_debits_minor, held.posted_credits_minor) != (debits, credits_):
            said.append(f"{account.code}: balance and postings differ")
        if held.version != Posting.objects.filter(account=account).count():
            said.append(f"{account.code}: version {held.version}")
    for asset in Asset.objects.all():
        total = Balance.objects.filter(account__asset=asset).aggregate(d=Sum("posted_debits_minor"), c=Sum("posted_credits_minor"))
        if total["d"] != total["c"]:
            said.append(f"{asset.code}: trial balance {total['d']} / {total['c']}")
    return said


def test_same_request_from_eight_clients_posts_once_and_replays_seven_times(chart: dict[str, Account]) -> None:
    same = draft("1010 debit 10.00 USD / 2010 credit 10.00 USD", key="once")
    outcomes = at_once([record(same)] * CLIENTS)
    assert sorted(outcome.outcome for outcome in outcomes) == ["posted", *["replayed"] * 7]
    assert len({outcome.entry_id for outcome in outcomes}) == 1
    assert journal() == ["1010 debit 10.00 USD / 2010 credit 10.00 USD"]
    assert book_keeping_errors() == []


def test_same_key_with_other_amounts_posts_one_and_refuses_the_others(chart: dict[str, Account]) -> None:
    drafts = [draft(f"1010 debit {n}.00 USD / 2010 credit {n}.00 USD", key="once") for n in range(1, CLIENTS + 1)]
    outcomes = at_once([record(one) for one in drafts])
    assert [outcome.outcome for outcome in of_type(outcomes, Posted)] == ["posted"]
    refusals = of_type(outcomes, IdempotencyKeyReused)
    assert len(refusals) == CLIENTS - 1
    assert {tuple(refusal.detail["fields"]) for refusal in refusals} == {("lines",)}
    assert len(journal()) == 1
    assert book_keeping_errors() == []


def test_a_session_that_has_forgotten_its_statements_posts_again(chart: dict[str, Account]) -> None:
    ledger.record_transaction(draft=draft("1010 debit 1.00 USD / 2010 credit 1.00 USD"), scope=SCOPE)
    with connections["default"].cursor() as cursor:
        cursor.execute("DEALLOCATE ALL")
    ledger.record_transaction(draft=draft("1010 debit 2.00 USD / 2010 credit 2.00 USD"), scope=SCOPE)
    assert len(journal()) == 2
    assert book_keeping_errors() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [({"debits_frozen": True}, "account_frozen"), ({"overdraft_limit": "0"}, "limit_exceeded"), ({"status": "closed"}, "account_not_open")],
)
def test_what_changes_while_a_posting_waits_for_the_account_is_heard(
    chart: dict[str, Account], changes: dict[str, object], said: str
) -> None:
    asked = draft("2010 debit 1.00 USD / 1010 credit 1.00 USD", kind="withdrawal", key="once")
    outcomes: list[Any] = []
    with meanwhile(lambda: ledger.change_account(account=chart["2010"], changes=changes)) as commit:
        posting = start(record(asked), outcomes)
        until_it_waits()
        commit()
        posting.join()
    assert [(type(outcome), outcome.detail["reason"]) for outcome in outcomes] == [(PostingRefused, said)]
    assert journal() == []
    assert book_keeping_errors() == []


def test_same_key_on_accounts_that_do_not_meet_posts_one(chart: dict[str, Account]) -> None:
    """No balance is shared, so the key alone keeps them apart."""
    texts = [
        "1010 debit 1.00 USD / 2010 credit 1.00 USD",
        "1030 debit 1 JPY / 2030 credit 1 JPY",
        "1040 debit 1.000000 USDC / 2040 credit 1.000000 USDC",
    ]
    outcomes = at_once([record(draft(text, key="once")) for text in texts])
    assert len(of_type(outcomes, Posted)) == 1
    assert len(of_type(outcomes, IdempotencyKeyReused)) == 2
    assert len(journal()) == 1
    assert book_keeping_errors() == []


def test_refused_key_offered_by_eight_clients_is_refused_to_all_alike(chart: dict[str, Account]) -> None:
    wrong = draft("1900 debit 1.00 USD / 2010 credit 1.00 USD", key="never")
    outcomes = at_once([record(wrong)] * CLIENTS)
    assert {(type(outcome).__name__, outcome.detail["reason"]) for outcome in outcomes} == {("PostingInvalid", "account_class_not_allowed")}
    assert journal() == []


def test_hot_pair_posted_in_both_orders_never_deadlocks(chart: dict[str, Account]) -> None:
    batches, size = 5, 10
    there, back = "1010 debit {n}.00 USD / 2010 credit {n}.00 USD", "2010 debit {n}.00 USD / 1010 credit {n}.00 USD"

    def client(number: int) -> Callable[[], list[Posted]]:
        forwards = number % 2 == 0

        def post_batches() -> list[Posted]:
            done: list[Posted] = []
            for batch in range(batches):
                drafts = [
                    draft(
                        (there if forwards else back).format(n=n), kind="deposit" if forwards else "withdrawal", key=f"{number}-{batch}-{n}"
                    )
                    for n in range(1, size + 1)
                ]
                done += ledger.post_entries(drafts=drafts if forwards else drafts[::-1], scope=SCOPE)
            return done

        return post_batches

    outcomes = at_once([client(number) for number in range(CLIENTS)])
    assert of_type(outcomes, Exception) == []
    assert {posted.outcome for done in outcomes for posted in done} == {"posted"}
    assert JournalEntry.objects.count() == CLIENTS * batches * size
    assert balance("1010") == balance("2010") == "0.00 USD"
    assert book_keeping_errors() == []


def test_close_among_eight_posting_clients_finishes_and_nothing_is_posted_after_it(chart: dict[str, Account]) -> None:
    period = AccountingPeriod.objects.get()
    before, enough = 30, Event()
    closed_at: list[float] = []

    def client(number: int) -> Callable[[], list[Any]]:
        def post_until_refused() -> list[Any]:
            answers: list[Any] = []
            for n in range(100_000):
                try:
                    answers.append(record(draft("1010 debit 1.00 USD / 2010 credit 1.00 USD", key=f"{number}-{n}"))())
                except PostingRefused as refusal:
                    answers.append(refusal)
                    return answers
                if len(answers) == before // CLIENTS:
                    enough.set()
            return answers

        return post_until_refused

    def close() -> float:
        enough.wait(timeout=30)
        started = time.monotonic()
        ledger.close_period(period_id=period.pk)
        closed_at.append(time.monotonic())
        return closed_at[0] - started

    *clients, waited = at_once([*(client(number) for number in range(CLIENTS)), close])
    assert isinstance(waited, float), waited
    assert waited < 4, "the close starved"
    assert of_type(clients, Exception) == []
    assert {answers[-1].detail["reason"] for answers in clients} == {"period_closed"}
    posted = sum(len(answers) - 1 for answers in clients)
    assert JournalEntry.objects.filter(effective_date=DAY).count() == posted
    period.refresh_from_db()
    assert not JournalEntry.objects.filter(period=period, posted_at__gt=period.closed_at).exists()
    assert book_keeping_errors() == []


@contextmanager
def open_posting(text: str) -> Iterator[None]:
    """Hold a transaction that has posted and not ended, in a connection of its own."""
    held, release = Event(), Event()

    def hold() -> None:
        with transaction.atomic():
            ledger.post_entry(draft=draft(text), scope=SCOPE)
            held.set()
            release.wait(timeout=30)
        connections.close_all()

    thread = Thread(target=hold)
    thread.start()
    assert held.wait(timeout=30)
    try:
        yield
    finally:
        release.set()
        thread.join()


def test_close_that_cannot_wait_any_longer_leaves_the_period_open_and_works_again(chart: dict[str, Account], post: Post) -> None:
    period = AccountingPeriod.objects.get()
    with open_posting("1010 debit 1.00 USD / 2010 credit 1.00 USD"), pytest.raises(OperationalError) as caught:
        ledger.close_period(period_id=period.pk)
    assert sqlstate_of(caught.value) == "55P03"
    period.refresh_from_db()
    assert (period.status, period.closed_at) == ("open", None)
    post("1010 debit 2.00 USD / 2010 credit 2.00 USD")
    assert ledger.close_period(period_id=period.pk).status == "closed"
    assert len(journal()) == 2
