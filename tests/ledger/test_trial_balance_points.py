"""The trial balance at any point: through closes, reopenings, backdating and closing again, against a sum over every posting."""

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from approvals.models import User
from ledger import operations
from ledger.models import Account, AccountingPeriod, AccountType, Close, CloseBalance, OwnerClass, PeriodStatus, Posting
from ledger.queries.balances import NOTHING, Sums
from ledger.queries.periods import closes_known_to, digest_of_stored
from ledger.queries.trial import Point, PointInvalid, explaining, named_accounts, point_of, sums_at, trial_balance_tree
from ledgerops.lib.transactions import database_now
from tests.fixtures import GROUP, Post, draft, signed_in
from tests.ledger.test_close import close, reopen

PAIRS = [("deposit", "1010", "2010"), ("deposit", "1020", "2020"), ("withdrawal", "2010", "1020"), ("fee", "2020", "4010")]
FIRST = date(2025, 9, 1)


@pytest.fixture
def controller(person: Callable[[str, str], User]) -> User:
    return person("controller", "Controller")


def brute_force(*, point: Point) -> dict[int, Sums]:
    """Add up every posting that counts at a point."""
    sums: dict[int, Sums] = {}
    legs = Posting.objects.filter(effective_date__lte=point.as_of).select_related("entry")
    for leg in legs:
        if point.known_at is None or leg.entry.posted_at <= point.known_at:
            amount = int(leg.amount_minor)
            moved = Sums(debits_minor=amount * (leg.direction == "debit"), credits_minor=amount * (leg.direction == "credit"))
            sums[leg.account_id] = sums.get(leg.account_id, NOTHING).plus(moved)
    return sums


def agree(points: list[Point]) -> None:
    ids = list(Account.objects.values_list("pk", flat=True))
    for point in points:
        expected = brute_force(point=point)
        found = {pk: sums for pk, sums in sums_at(account_ids=ids, point=point).items() if sums != NOTHING}
        assert found == expected, point
        assert sum(sums.debits_minor - sums.credits_minor for sums in found.values()) == 0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_each_point_is_what_its_postings_add_up_to(chart: dict[str, Account], controller: User, checker: User, seed: int) -> None:
    rng = random.Random(seed)  # noqa: S311 no secret
    months = [operations.open_period(entity="M1", starts_on=first, ends_on=last) for first, last in _months()]
    instants: list[datetime] = [database_now()]
    for _ in range(45):
        open_months = list(AccountingPeriod.objects.filter(pk__in=[m.pk for m in months], status=PeriodStatus.OPEN))
        closed = AccountingPeriod.objects.filter(pk__in=[m.pk for m in months], status=PeriodStatus.CLOSED)
        move = rng.random()
        if move < 0.75 and open_months:
            month = rng.choice(open_months)
            kind, debited, credited = rng.choice(PAIRS)
            day = month.starts_on + timedelta(days=rng.randrange((month.ends_on - month.starts_on).days + 1))
            amount = f"{rng.randrange(1, 10_000)}.{rng.randrange(100):02}"
            text = f"{debited} debit {amount} USD / {credited} credit {amount} USD"
            operations.record_transaction(draft=draft(text, kind=kind, day=day), scope="walk")
        elif move < 0.9 and open_months:
            close(min(open_months, key=lambda one: one.starts_on), by=controller, checker=checker)
        elif closed.exists():
            reopen(rng.choice(list(closed)), by=controller, checker=checker)
        instants.append(database_now())
    days = [FIRST + timedelta(days=rng.randrange(125)) for _ in range(12)] + [one.ends_on for one in months]
    agree([Point(as_of=day) for day in days])
    agree([Point(as_of=rng.choice(days), known_at=rng.choice(instants)) for _ in range(25)])
    _closes_tell_the_truth()
    _differences_are_explained(rng, days=days, instants=instants)


def _months() -> list[tuple[date, date]]:
    return [(date(2025, 9, 1), date(2025, 9, 30)), (date(2025, 10, 1), date(2025, 10, 31)), (date(2025, 11, 1), date(2025, 11, 30))]


def _closes_tell_the_truth() -> None:
    """Each close stored what was known then; what it restated is the difference from the one before, and its entries add up to it."""
    for found in Close.objects.select_related("period__entity").order_by("period", "n"):
        stored = {row.account_id: Sums(debits_minor=int(row.debits_minor), credits_minor=int(row.credits_minor)) for row in _rows(found)}
        expected = brute_force(point=Point(as_of=found.period.ends_on, known_at=found.closed_at))
        assert stored == expected
        assert found.digest == digest_of_stored(found)
        if found.restatement is None:
            continue
        moved: dict[str, int] = {}
        for entry in found.restatement["entries"]:
            for leg in entry["legs"]:
                moved[leg["account"]] = moved.get(leg["account"], 0) + int(leg["amount"]) * (1 if leg["direction"] == "debit" else -1)
        changed = {one["account"]: _net(one["after"]) - _net(one["before"]) for one in found.restatement["accounts"]}
        assert {code: net for code, net in moved.items() if net} == {code: net for code, net in changed.items() if net}


def _rows(found: Close) -> list[CloseBalance]:
    return list(CloseBalance.objects.filter(close=found))


def _net(sums: dict[str, str]) -> int:
    return int(sums["debits"]) - int(sums["credits"])


def _differences_are_explained(rng: random.Random, *, days: list[date], instants: list[datetime]) -> None:
    """Between any two points the legs that are named add up to the difference, account by account."""
    accounts = list(Account.objects.select_related("asset"))
    ids = [account.pk for account in accounts]
    codes = {account.pk: account.code for account in accounts}
    for _ in range(25):
        one, two = (Point(as_of=rng.choice(days), known_at=rng.choice([None, *instants])) for _ in range(2))
        before, after = sums_at(account_ids=ids, point=two), sums_at(account_ids=ids, point=one)
        moved: dict[str, int] = {}
        for leg in explaining(account_ids=ids, point=one, other=two, most=10_000):
            sign = (1 if leg.direction == "debit" else -1) * (1 if leg.added else -1)
            moved[leg.account] = moved.get(leg.account, 0) + sign * leg.amount_minor
        for pk in ids:
            difference = after.get(pk, NOTHING).minus(before.get(pk, NOTHING))
            assert difference.debits_minor - difference.credits_minor == moved.get(codes[pk], 0)


def test_the_tree_adds_up_what_stands_under_each_account_and_compares(chart: dict[str, Account], post: Post) -> None:
    control = operations.open_account(
        code="2000",
        name="Customers",
        entity="M1",
        group=GROUP,
        asset="USD",
        account_type=AccountType.LIABILITY,
        owner_class=OwnerClass.CUSTOMER,
    )
    for code in ("2001", "2002"):
        operations.open_account(
            code=code,
            name=code,
            entity="M1",
            group=GROUP,
            asset="USD",
            account_type=AccountType.LIABILITY,
            owner_class=OwnerClass.CUSTOMER,
            parent=control.code,
        )
    post("1010 debit 10.00 USD / 2001 credit 10.00 USD", day=date(2026, 3, 2))
    post("1010 debit 2.00 USD / 2002 credit 2.00 USD", day=date(2026, 3, 9))
    accounts = named_accounts(Account.objects.all())
    points = {"point": Point(as_of=date(2026, 3, 31)), "other": Point(as_of=date(2026, 3, 5))}
    (section,) = trial_balance_tree(accounts=accounts, expanded=set(), **points)
    shown = [(row.account.code, row.level, row.net_minor, row.other_minor, row.change_minor, row.accounts) for row in section.rows]
    assert shown == [("1010", 1, 1200, 1000, 200, 1), ("2000", 1, -1200, -1000, -200, 2)]
    assert (section.difference_minor, section.change_minor) == (0, 0)
    (unfolded,) = trial_balance_tree(accounts=accounts, expanded={"2000"}, **points)
    assert [(row.account.code, row.level) for row in unfolded.rows] == [("1010", 1), ("2000", 1), ("2001", 2), ("2002", 2)]


def test_a_point_is_an_instant_or_a_close_in_sight(chart: dict[str, Account], controller: User, stranger: User, checker: User) -> None:
    period = operations.open_period(entity="M1", starts_on=date(2025, 9, 1), ends_on=date(2025, 9, 30))
    found = close(period, by=controller, checker=checker)
    asked: dict[str, Any] = {"as_of": None, "today": date(2026, 11, 2), "field": "known_at"}
    assert point_of(known=f"close:{found.pk}", closes=closes_known_to(controller), **asked).as_of == period.ends_on
    naive = point_of(known="2026-10-31T18:00", closes=closes_known_to(controller), **asked)
    assert (naive.as_of, naive.known_at) == (date(2026, 11, 2), datetime(2026, 10, 31, 18, tzinfo=UTC))
    for closes, known in (
        (closes_known_to(stranger), f"close:{found.pk}"),
        (closes_known_to(controller), "close:x"),
        (closes_known_to(controller), "soon"),
    ):
        with pytest.raises(PointInvalid):
            point_of(known=known, closes=closes, **asked)


def test_the_page_compares_two_points_and_names_the_entries(chart: dict[str, Account], post: Post, controller: User, checker: User) -> None:
    period = operations.open_period(entity="M1", starts_on=date(2025, 9, 1), ends_on=date(2025, 9, 30))
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", day=date(2025, 9, 2))
    found = close(period, by=controller, checker=checker)
    reopen(period, by=controller, checker=checker)
    post("1010 debit 2.50 USD / 2010 credit 2.50 USD", day=date(2025, 9, 3), reference="LATE-1")
    browser = signed_in(controller)
    page = browser.get(f"/ledger/trial-balance/?compare_known_at=close:{found.pk}&explain=1010")
    assert page.status_code == 200
    assert [leg.reference for leg in page.context["legs"]] == ["LATE-1"]
    (section,) = page.context["shown"].sections
    assert [row.change_minor for row in section.rows] == [250, -250]
    assert browser.get("/ledger/trial-balance/?compare_known_at=soon").status_code == 422
    exported: Any = browser.post(f"/ledger/trial-balance/export/?compare_known_at=close:{found.pk}")
    assert "2.50" in b"".join(exported.streaming_content).decode()
