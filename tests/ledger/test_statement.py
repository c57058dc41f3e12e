"""A statement is the account's legs in its order, each exactly once and with the balance that addition gives."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone

from approvals.models import User
from ledger import operations
from ledger.models import Account, AccountType, JournalEntry, OwnerClass, Posting, RolledPosting
from ledger.queries.statement import Movement, StatementPage, statement_lines, statement_page
from ledger.queries.statement_legs import Order, Place, View, view_of
from tests.fixtures import DAY, ENTITY, STARTS_ON, draft, signed_in
from tests.notation import writes_nothing

FIRST_DAYS = 12


def deposit(amount: str, *, day: date = DAY, fee: str = "") -> UUID:
    text = f"1010 debit {amount} USD / 2010 credit {amount} USD"
    text += f" / 2010 debit {fee} USD / 4010 credit {fee} USD" if fee else ""
    posted = operations.post_entry(draft=draft(text, day=day), scope="tests").entry_id
    assert posted is not None
    return posted


def returned(entry_id: UUID, amount: str, *, day: date = DAY) -> None:
    text = f"1010 credit {amount} USD / 2010 debit {amount} USD"
    operations.post_entry(draft=draft(text, kind="return", day=day, reverses=entry_id), scope="tests")


def held(amount_minor: int) -> UUID:
    request = operations.HoldRequest(
        key=f"hold-{random.random()}",  # noqa: S311 (a name)
        type="authorisation",
        entity=ENTITY,
        account="2010",
        direction="debit",
        amount_minor=amount_minor,
        asset="USD",
        expires_at=timezone.now() + timedelta(days=3),
    )
    return operations.place_hold(request=request, scope="tests").hold_id


def captured(hold_id: UUID, amount: str, *, day: date = DAY, final: bool = False) -> None:
    text = f"2010 debit {amount} USD / 1010 credit {amount} USD"
    operations.post_entry(draft=draft(text, kind="withdrawal", day=day, hold_id=hold_id, final=final), scope="tests")


@pytest.fixture
def busy(chart: dict[str, Account]) -> Account:
    """Customer one after deposits with fees, captures of holds and returns, on a dozen days and not in their order."""
    chance = random.Random(7)  # noqa: S311 (a fixed seed, no secret)
    entries: list[UUID] = []
    for n in range(45):
        day = STARTS_ON + timedelta(days=chance.randrange(FIRST_DAYS))
        entries.append(deposit(f"{100 + n}.00", day=day, fee="1.50" if n % 4 == 0 else ""))
        if n % 7 == 3:
            amount = f"{100 + n - 2}.00"
            returned(entries[n - 2], amount, day=STARTS_ON + timedelta(days=FIRST_DAYS))
    return chart["2010"]


def brute(account: Account, *, order: Order, as_of: date, known_at: datetime) -> list[tuple[int, int]]:
    """Return (place, balance) of every leg, oldest first, by addition alone."""
    places = dict(RolledPosting.objects.filter(account=account).values_list("entry_id", "account_seq"))
    legs = [
        (leg.effective_date, leg.account_seq or places.get(leg.entry_id, 0), leg)
        for leg in Posting.objects.filter(account=account, entry__posted_at__lte=known_at).select_related("entry")
        if order is Order.RECORD or leg.effective_date <= as_of
    ]
    legs.sort(key=lambda one: one[:2] if order is Order.EFFECTIVE else one[1])
    level, found = 0, []
    for _, seq, leg in legs:
        level += int(leg.amount_minor) * (1 if leg.direction == account.normal_side else -1)
        found.append((seq, level))
    return found


def pages_down(view: View, *, size: int, folded: bool) -> Iterator[StatementPage]:
    after: Place | None = None
    while True:
        page = statement_page(view, after=after, size=size, folded=folded)
        yield page
        if page.older is None:
            return
        after = page.older


def rows_up(view: View, *, last: StatementPage, size: int, folded: bool) -> list[Movement]:
    """Return all rows by going from the last page up, newest first."""
    rows, page = list(last.movements), last
    while page.newer is not None:
        page = statement_page(view, before=page.newer, size=size, folded=folded)
        rows = [row for row in page.movements if row.last.leg not in {known.last.leg for known in rows}] + rows
    return rows


def views(account: Account) -> Iterator[tuple[View, list[tuple[int, int]]]]:
    instants = list(JournalEntry.objects.order_by("posted_at").values_list("posted_at", flat=True))
    for order in Order:
        for known_at in (None, instants[len(instants) // 2], instants[-1]):
            for as_of in (date.max, STARTS_ON + timedelta(days=5)):
                view = view_of(account=account, order=order, as_of=as_of, known_at=known_at)
                yield view, brute(account, order=order, as_of=as_of, known_at=known_at or timezone.now())


@pytest.mark.parametrize("folded", [False, True])
def test_pages_list_every_leg_once_with_its_balance_it(busy: Account, folded: bool) -> None:  # noqa: FBT001 (a parameter)
    for view, true in views(busy):
        pages = list(pages_down(view, size=7, folded=folded))
        rows = [row for page in pages for row in page.movements]
        listed = [part.leg.account_seq for row in rows for part in row.parts]
        assert sorted(listed) == sorted(seq for seq, _ in true)
        balances = dict(true)
        assert [row.balance_minor for row in rows] == [balances[row.last.leg.account_seq] for row in rows]
        assert [seq for seq, _ in reversed(true) if seq in {row.last.leg.account_seq for row in rows}] == [
            row.last.leg.account_seq for row in rows
        ]
        known = [part for row in rows for part in row.parts if part.balance_minor is not None]
        assert all(part.balance_minor == balances[part.leg.account_seq] for part in known)
        up = rows_up(view, last=pages[-1], size=7, folded=folded)
        assert [row.last.leg for row in up] == [row.last.leg for row in rows]
        assert [(row.balance_minor, row.between_minor) for row in up] == [(row.balance_minor, row.between_minor) for row in rows]


def test_column_of_balances_adds_up_though_movements_are_folded_it(busy: Account) -> None:
    for view, true in views(busy):
        rows = [row for page in pages_down(view, size=9, folded=True) for row in page.movements]
        order = [seq for seq, _ in true]
        amounts = {part.leg.account_seq: view.signed(part.leg) for row in rows for part in row.parts}
        for row, following in zip(rows, [*rows[1:], None], strict=True):
            start = order.index(following.last.leg.account_seq) + 1 if following else 0
            between = order[start : order.index(row.last.leg.account_seq) + 1]
            own = {part.leg.account_seq for part in row.parts}
            assert row.between_minor == sum(amounts[seq] for seq in between if seq not in own)
            assert row.below_minor == sum(amounts[seq] for seq in own if seq not in between)


def test_deposit_and_its_fee_and_its_return_are_one_row_it(chart: dict[str, Account]) -> None:
    entry = deposit("100.00", fee="2.00")
    deposit("7.00")
    returned(entry, "100.00")
    rows = statement_page(view_of(account=chart["2010"], order=Order.RECORD)).movements
    assert [(row.debit_minor, row.credit_minor, row.balance_minor, len(row.parts)) for row in rows] == [
        (10_200, 10_000, 500, 3),
        (0, 700, 10_500, 1),
    ]
    assert (rows[0].below_minor, rows[1].between_minor) == (9_800, 9_800)


def test_captures_of_one_hold_are_one_row_with_its_story_it(chart: dict[str, Account]) -> None:
    deposit("100.00")
    hold = held(5_000)
    captured(hold, "20.00")
    captured(hold, "15.00", final=True)
    rows = statement_page(view_of(account=chart["2010"], order=Order.EFFECTIVE)).movements
    assert [(row.debit_minor, row.balance_minor) for row in rows] == [(3_500, 6_500), (0, 10_000)]
    assert [event.act for event in rows[0].hold_events][:2] == ["placed", "captured"]
    assert rows[0].hold is not None
    assert not rows[1].folds


def test_deferred_account_lists_its_legs_once_they_have_a_place_it(chart: dict[str, Account]) -> None:
    fees = chart["4010"]
    operations.change_account(account=fees, changes={"deferred": True})
    deposit("100.00", fee="3.00", day=DAY)
    deposit("100.00", fee="2.00", day=STARTS_ON)
    for order in Order:
        assert statement_page(view_of(account=fees, order=order)).movements == []
    with connection.cursor() as cursor:
        cursor.execute("SELECT ledger_roll_account_v1(%s, %s)", [fees.pk, 1000])
    fees = Account.objects.get(code="4010")
    shown = {order: statement_page(view_of(account=fees, order=order)).movements for order in Order}
    assert [(row.credit_minor, row.balance_minor) for row in shown[Order.RECORD]] == [(200, 500), (300, 300)]
    assert [(row.credit_minor, row.balance_minor) for row in shown[Order.EFFECTIVE]] == [(300, 500), (200, 200)]


def test_file_lists_the_same_legs_and_balances_it(busy: Account) -> None:
    for view, true in views(busy):
        assert [(leg.account_seq, level) for leg, _, level in statement_lines(view)] == true


# Over REST


def test_balance_and_statement_over_rest_it(maker: User, chart: dict[str, Account]) -> None:
    deposit("100.00", day=STARTS_ON)
    known_at = timezone.now().isoformat()
    late = deposit("7.00", day=STARTS_ON)
    browser = signed_in(maker)
    told = browser.get("/api/v1/accounts/2010/balance", {"as_of": str(STARTS_ON), "known_at": known_at}).json()
    assert (told["balance_minor"], told["now_minor"], told["difference_minor"], told["recorded_minor"]) == (
        "10000",
        "10700",
        "700",
        "10000",
    )
    assert [one["entry_id"] for one in told["explained_by"]] == [str(late)]
    rows = browser.get("/api/v1/accounts/2010/statement", {"order": "effective", "limit": "1"}).json()
    assert [row["balance_minor"] for row in rows["results"]] == ["10700"]
    following = browser.get(rows["next"]).json()
    assert ([row["balance_minor"] for row in following["results"]], following["next"]) == (["10000"], None)
    postings = browser.get("/api/v1/accounts/2010/postings").json()["results"]
    assert [(one["account_seq"], one["balance_after_minor"]) for one in postings] == [(2, "10700"), (1, "10000")]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("balance?as_of=2026-02-30", "as_of"),
        ("balance?known_at=yesterday", "known_at"),
        ("balance?on=2026-02-01", "on"),
        ("statement?order=size", "order"),
        ("statement?order=effective&after=7", "after"),
        ("statement?limit=0", "limit"),
        ("postings?after=2026-01-01~3", "after"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_it(maker: User, chart: dict[str, Account], path: str, field: str) -> None:
    answer = signed_in(maker).get(f"/api/v1/accounts/2010/{path}")
    assert answer.status_code == 422
    assert answer.json()["error"]["field"] == field


def test_account_out_of_sight_has_no_balance_it(stranger: User, chart: dict[str, Account]) -> None:
    browser = signed_in(stranger)
    for path in ("balance", "statement", "postings"):
        assert browser.get(f"/api/v1/accounts/2010/{path}").status_code == 404


# On screen


def test_page_shows_dates_and_instants_and_refuses_what_is_none_it(maker: User, chart: dict[str, Account]) -> None:
    deposit("100.00", day=STARTS_ON)
    known_at = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%f}"
    deposit("7.00", day=STARTS_ON)
    browser = signed_in(maker)
    page = browser.get("/accounts/2010/", {"order": "effective", "as_of": str(STARTS_ON), "known_at": known_at})
    figures = page.context["figures"]
    assert (figures.now_minor, figures.known_minor, figures.difference_minor, len(figures.late)) == (10_700, 10_000, 700, 1)
    assert [row.balance_minor for row in page.context["movements"]] == [10_000]
    for wrong in ("as_of=2026-02-30", "known_at=never", "order=size"):
        refused = browser.get(f"/accounts/2010/?{wrong}")
        assert refused.status_code == 422
        assert "The dates cannot be read" in refused.content.decode()
        with writes_nothing():
            assert browser.post(f"/accounts/2010/export/?{wrong}", {"format": "csv"}).status_code == 422


def test_control_account_holds_what_is_under_it_at_any_depth_it(maker: User, chart: dict[str, Account]) -> None:
    for code, parent in (("2000", None), ("2100", "2000"), ("2110", "2100")):
        operations.open_account(
            code=code,
            name=f"Under {parent}",
            entity=ENTITY,
            group="ALL",
            asset="USD",
            account_type=AccountType.LIABILITY,
            owner_class=OwnerClass.CUSTOMER,
            parent=parent,
        )
    operations.post_entry(draft=draft("1010 debit 9.00 USD / 2110 credit 9.00 USD"), scope="tests")
    rows = {row.account.code: row for row in signed_in(maker).get("/accounts/").context["rows"]}
    assert [(code, rows[code].level, rows[code].posted_minor) for code in ("2000", "2100", "2110")] == [
        ("2000", 1, 900),
        ("2100", 2, 900),
        ("2110", 3, 900),
    ]
