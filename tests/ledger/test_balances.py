"""Balances at any time, against sums over the postings that know nothing of days, closes, places and tails."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from ledger import operations
from ledger.models import Account, AccountingPeriod, Close, CloseBalance, DayDelta, PeriodStatus, Posting
from ledger.queries import balances
from ledger.queries.balances import NOTHING, Sums
from tests.fixtures import ENTITY, draft

MOVES = [("deposit", "1010", "2010"), ("deposit", "1020", "2020"), ("transfer", "2010", "2020"), ("withdrawal", "2020", "1010"),
         ("settlement", "1020", "1010"), ("fee", "2010", "4010"), ("fee", "2020", "4010")]  # fmt: skip
CODES = ["1010", "1020", "2010", "2020", "4010", "6420"]
FIRST_DAY = date(2025, 10, 1)
MONTHS = [(date(2025, 10, 1), date(2025, 10, 31)), (date(2025, 11, 1), date(2025, 11, 30)), (date(2025, 12, 1), date(2025, 12, 31))]


class Books:
    """Random postings on a chart whose account 4010 is deferred, and what they come to by addition."""

    def __init__(self, chart: dict[str, Account], seed: int) -> None:
        self.random = random.Random(seed)  # noqa: S311 (a fixed seed, no secret)
        self.accounts = {code: chart[code].pk for code in CODES}
        operations.change_account(account=chart["4010"], changes={"deferred": True}, proposal_id=None)
        for starts_on, ends_on in MONTHS:
            operations.open_period(entity=ENTITY, starts_on=starts_on, ends_on=ends_on)

    def post(self, count: int, *, days: range) -> None:
        for _ in range(count):
            kind, debited, credited = self.random.choice(MOVES)
            day = FIRST_DAY + timedelta(days=self.random.choice(days))
            amount = f"{self.random.randrange(1, 10**6) / 100:.2f}"
            text = f"{debited} debit {amount} USD / {credited} credit {amount} USD"
            operations.post_entry(draft=draft(text, kind=kind, day=day), scope="tests")

    def roll(self, at_most: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT ledger_roll_account_v1(%s, %s)", [self.accounts["4010"], at_most])


Leg = tuple[str, date, datetime, str, int]


def legs() -> list[Leg]:
    """Return every posting there is: account, effective date, when it was recorded, direction and amount."""
    of_posting = Posting.objects.values_list("account__code", "entry__effective_date", "entry__posted_at", "direction", "amount_minor")
    return [(code, day, at, direction, int(amount)) for code, day, at, direction, amount in of_posting]


def summed(every: list[Leg], code: str, *, as_of: date, known_at: datetime) -> Sums:
    sums = {"debit": 0, "credit": 0}
    for of, day, at, direction, amount in every:
        if of == code and day <= as_of and at <= known_at:
            sums[direction] += amount
    return Sums(debits_minor=sums["debit"], credits_minor=sums["credit"])


def close(starts_on: date) -> None:
    """Close a period with the rows that a close leaves."""
    period = AccountingPeriod.objects.get(starts_on=starts_on)
    AccountingPeriod.objects.filter(pk=period.pk).update(status=PeriodStatus.CLOSED, closed_at=timezone.now())
    n = Close.objects.filter(period=period).count() + 1
    made = Close.objects.create(period=period, n=n, checklist={}, digest="0" * 64)
    for account in Account.objects.filter(daydelta__isnull=False).distinct():
        days = list(DayDelta.objects.filter(account=account, effective_date__lte=period.ends_on))
        CloseBalance.objects.create(
            close=made,
            account=account,
            debits_minor=sum(day.debits_minor for day in days),
            credits_minor=sum(day.credits_minor for day in days),
            account_seq=account.balance.version,
        )


@pytest.fixture(params=[1, 2, 3])
def kept(request: pytest.FixtureRequest, chart: dict[str, Account]) -> Books:
    return Books(chart, seed=request.param)


def questions(kept: Books) -> Iterator[tuple[date, datetime]]:
    instants = list(Posting.objects.order_by("entry__posted_at").values_list("entry__posted_at", flat=True))
    for day in (-1, 0, 10, 30, 31, 45, 60, 61, 91, 92, 120, 500):
        for at in (instants[0] - timedelta(microseconds=1), *kept.random.sample(instants, 4), instants[-1]):
            yield FIRST_DAY + timedelta(days=day), at


def wrongs(kept: Books) -> list[str]:
    ids = list(kept.accounts.values())
    now = timezone.now() + timedelta(days=1)
    every = legs()
    found = []
    for as_of, known_at in questions(kept):
        shown, known = (
            balances.balances_as_of(account_ids=ids, as_of=as_of),
            balances.balances_known_at(account_ids=ids, as_of=as_of, known_at=known_at),
        )
        for code, account in kept.accounts.items():
            if shown[account] != summed(every, code, as_of=as_of, known_at=now):
                found.append(f"{code} as of {as_of}")
            if known[account] != summed(every, code, as_of=as_of, known_at=known_at):
                found.append(f"{code} as of {as_of} known at {known_at}")
        for code, account in kept.random.sample(sorted(kept.accounts.items()), 2):
            at = balances.seqs_known_at(account_ids=[account], known_at=known_at)[account]
            difference = balances.difference_of(
                account_id=account, as_of=as_of, known_at=known_at, after=at, size=kept.random.choice([2, 99])
            )
            if (difference.now, difference.known) != (shown[account], known[account]):
                found.append(f"{code} difference as of {as_of} known at {known_at}")
    return found


def test_balances_at_any_time_are_the_sums_of_the_postings_it(kept: Books) -> None:
    kept.post(40, days=range(120))
    kept.roll(7)
    kept.post(20, days=range(60))
    assert wrongs(kept) == []


def test_closed_periods_are_a_base_and_what_came_after_is_added_it(kept: Books) -> None:
    kept.post(30, days=range(120))
    kept.roll(1000)
    close(MONTHS[0][0])
    kept.post(20, days=range(31, 120))
    kept.roll(1000)
    close(MONTHS[1][0])
    kept.post(20, days=range(61, 120))
    assert wrongs(kept) == []


def test_close_made_before_an_earlier_period_was_closed_is_no_base_it(kept: Books) -> None:
    kept.post(20, days=range(120))
    kept.roll(1000)
    close(MONTHS[1][0])
    kept.post(10, days=range(31))
    assert wrongs(kept) == []
    kept.roll(1000)
    close(MONTHS[0][0])
    assert wrongs(kept) == []


def test_both_ways_to_what_was_recorded_later_come_to_the_same_it(kept: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    kept.post(40, days=range(60))
    monkeypatch.setattr(balances, "FEW", 0)
    assert wrongs(kept) == []


def test_place_and_balance_at_an_instant_of_recording_it(kept: Books) -> None:
    kept.post(40, days=range(120))
    for code in ("1010", "2010"):
        account = kept.accounts[code]
        own = list(Posting.objects.filter(account=account).select_related("entry").order_by("account_seq"))
        for at in (leg.entry.posted_at for leg in own):
            last = [leg for leg in own if leg.entry.posted_at <= at][-1]
            assert balances.seqs_known_at(account_ids=[account], known_at=at) == {account: last.account_seq}
            recorded = balances.balances_recorded_at(account_ids=[account], recorded_at=at)[account]
            assert (recorded.account_seq, recorded.balance_minor) == (last.account_seq, int(last.balance_after_minor or 0))
        before = own[0].entry.posted_at - timedelta(microseconds=1)
        assert balances.balances_recorded_at(account_ids=[account], recorded_at=before)[account].balance_minor == 0


def test_deferred_account_is_recorded_when_its_legs_were_placed_it(kept: Books) -> None:
    kept.post(30, days=range(60))
    account = kept.accounts["4010"]
    assert balances.balances_recorded_at(account_ids=[account], recorded_at=timezone.now())[account].account_seq == 0
    current = balances.current_balances(account_ids=[account])[account]
    every = legs()
    placed = sum(code == "4010" for code, *_ in every)
    assert (current.waiting, current.version) == (placed, 0)
    assert current.posted_minor == current.waiting_minor
    assert current.sums == summed(every, "4010", as_of=date.max, known_at=timezone.now())
    kept.roll(1000)
    rolled = balances.current_balances(account_ids=[account])[account]
    assert (rolled.waiting, rolled.version, rolled.sums) == (0, placed, current.sums)
    assert balances.balances_recorded_at(account_ids=[account], recorded_at=timezone.now())[account].balance_minor == rolled.posted_minor


def test_account_that_never_moved_holds_nothing_at_any_time_it(kept: Books) -> None:
    account = kept.accounts["6420"]
    known = balances.balances_known_at(account_ids=[account], as_of=FIRST_DAY, known_at=timezone.now())
    assert known == balances.balances_as_of(account_ids=[account], as_of=FIRST_DAY) == {account: NOTHING}
    assert balances.seqs_known_at(account_ids=[account], known_at=timezone.now()) == {account: 0}


def test_days_of_a_closed_period_are_not_added_again_it(kept: Books) -> None:
    kept.post(30, days=range(60))
    close(MONTHS[0][0])
    account, day = kept.accounts["1010"], MONTHS[0][1]
    true = balances.balances_as_of(account_ids=[account], as_of=day)[account]
    # A wrong close is not hidden by the days behind it: it is what is read, and the checker's to find.
    period = AccountingPeriod.objects.get(starts_on=MONTHS[0][0])
    wrong = Close.objects.create(period=period, n=2, checklist={}, digest="0" * 64)
    CloseBalance.objects.create(
        close=wrong, account_id=account, debits_minor=true.debits_minor + 1, credits_minor=true.credits_minor, account_seq=1
    )
    assert balances.balances_as_of(account_ids=[account], as_of=day)[account].minus(true) == Sums(debits_minor=1, credits_minor=0)
