"""An account at the end of a day: which balance counts, what is open, how it went on, and what is unexplained."""

import csv
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from approvals.models import User
from audit.models import AuditEvent
from ledger.models import JournalEntry
from recon import operations
from recon.account_day_queries import AccountDay, account_day
from recon.day_queries import Rule, figures_by_day
from recon.matching.unexplained import Reason
from recon.models import Break, Source, Statement
from tests.concurrency import scene
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing
from tests.recon.delivered import accept, day, mt940, run_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def booked(post: Post, amount: str, reference: str, *, on: int) -> None:
    """Post a receipt, or with a minus a payment, of the bank account on the n-th day of the week."""
    size = f"{amount.lstrip('-')} USD"
    if amount.startswith("-"):
        post(f"2010 debit {size} / 1010 credit {size}", kind="withdrawal", reference=reference, day=day(on))
    else:
        post(f"1010 debit {size} / 2010 credit {size}", reference=reference, day=day(on))


@pytest.fixture
def week(bank: Source, maker: User, post: Post) -> Source:
    """Monday: two receipts agree. Tuesday: a payment of ours reaches the bank on Wednesday. Wednesday: a fee nobody booked."""
    booked(post, "10.00", "INV-1001", on=0)
    booked(post, "20.00", "INV-1002", on=0)
    booked(post, "-7.50", "PAY-2001", on=1)
    booked(post, "1.00", "INV-1003", on=1)
    accept(mt940((0, 1000, "INV-1001"), (0, 2000, "INV-1002")), by=maker, source=bank)
    accept(mt940((1, 100, "INV-1003"), opening_minor=3000, number=2, first=1, last=1), by=maker, source=bank)
    accept(mt940((2, -750, "PAY-2001"), (2, -15, "FEE-0001"), opening_minor=3100, number=3, first=2, last=2), by=maker, source=bank)
    run_all()
    return bank


def seen(source: Source, number: int, **values: Any) -> AccountDay:
    return account_day(source.reconciliation, day=day(number), **values)


def summary(shown: AccountDay) -> tuple[int, int | None, int, int | None]:
    return shown.figures.ledger_minor, shown.figures.external.minor, shown.open_minor, shown.figures.unexplained_minor


def test_open_is_what_is_matched_only_later_or_not_at_all(week: Source) -> None:
    assert summary(seen(week, 0)) == (3000, 3000, 0, 0)
    tuesday = seen(week, 1)
    assert summary(tuesday) == (2350, 3100, -750, 0)
    (payment,) = tuesday.items
    assert (payment.open.item.reference, payment.open.cleared_on, payment.open.signed_minor) == ("PAY-2001", day(2), -750)
    assert payment.explanation == f"timing: matched by what came on {day(2)}"
    wednesday = seen(week, 2)
    assert summary(wednesday) == (2350, 2335, 15, 0)
    (fee,) = wednesday.items
    assert fee.held_by == Break.objects.get(reference="FEE-0001")
    assert all(one.adds_up for one in (tuesday, wednesday))


def test_open_items_roll_forward_side_by_side(week: Source) -> None:
    ledger, statement = seen(week, 2).forward
    assert (ledger.opening_minor, ledger.new_minor, ledger.cleared_minor, ledger.closing_minor) == (-750, 0, -750, 0)
    assert (statement.opening_minor, statement.new_minor, statement.cleared_minor, statement.closing_minor) == (0, -765, -750, -15)
    ledger, statement = seen(week, 2, before=day(-1)).forward
    assert (ledger.opening_count, ledger.new_count, ledger.cleared_count, ledger.closing_count) == (0, 4, 4, 0)
    assert (statement.new_count, statement.cleared_count, statement.closing_count) == (5, 4, 1)


def test_part_of_an_item_that_a_later_day_explains_is_open_too(week: Source, post: Post, maker: User) -> None:
    item = seen(week, 2).items[0].open.item
    booked(post, "-0.10", "FEE-A", on=3)
    booked(post, "-0.05", "FEE-B", on=3)
    operations.request_run(reconciliation_id=week.reconciliation.pk, requested_by_id=maker.pk)
    run_all()
    parts = [one.open.item.pk for one in seen(week, 3).items if one.open.item.side == "ledger"]
    assert len(parts) == 2
    found = Break.objects.get(statement_item=item)
    operations.match_by_hand(break_id=found.pk, version=found.version, item_ids=parts, matched_by_id=maker.pk)
    assert summary(seen(week, 2)) == (2350, 2335, 15, 0)
    assert seen(week, 3).items == []


def test_closing_of_the_day_counts_else_the_opening_of_the_next_and_nothing_else(week: Source) -> None:
    figures = figures_by_day([week.reconciliation], since=day(-1), until=day(4))[week.reconciliation.pk]
    assert [(figures[day(n)].external.rule, figures[day(n)].external.minor) for n in range(-1, 5)] == [
        (Rule.NEXT_OPENING, 0),
        (Rule.CLOSING, 3000),
        (Rule.CLOSING, 3100),
        (Rule.CLOSING, 2335),
        (Rule.NONE, None),
        (Rule.NONE, None),
    ]
    assert figures[day(3)].unexplained_minor is None


def test_opening_counts_for_quiet_days_before_it_only(bank: Source, maker: User) -> None:
    accept(mt940((0, 1000, "A-0001")), by=maker, source=bank)
    accept(mt940((3, 500, "A-0002"), (4, 100, "A-0003"), opening_minor=1000, number=2, first=3, last=4), by=maker, source=bank)
    figures = figures_by_day([bank.reconciliation], since=day(0), until=day(4))[bank.reconciliation.pk]
    rules = [figures[day(n)].external.rule for n in range(5)]
    assert rules == [Rule.CLOSING, Rule.NEXT_OPENING, Rule.NEXT_OPENING, Rule.NONE, Rule.CLOSING]


def test_what_no_run_has_looked_at_stands_by_itself(week: Source, post: Post) -> None:
    booked(post, "4.00", "INV-1009", on=2)
    shown = seen(week, 2)
    assert (shown.figures.uncompared_minor, shown.figures.unexplained_minor) == (400, 0)
    assert shown.adds_up


def test_statement_that_does_not_prove_itself_leaves_something_unexplained(bank: Source, maker: User, post: Post) -> None:
    booked(post, "10.00", "INV-1001", on=0)
    booked(post, "12.31", "INV-1002", on=0)
    accept(mt940((0, 1000, "INV-1001"), (0, 1231, "INV-1002"), closing_minor=1000), by=maker, source=bank)
    run_all()
    shown = seen(bank, 0)
    assert shown.figures.unexplained_minor == 1231
    first = shown.hints[0]
    assert first.hint.reason is Reason.ROW
    assert {row.label for group in first.groups for row in group} == {"line 2", f"LE-{_number('INV-1002')}"}


def _number(reference: str) -> int:
    return JournalEntry.objects.get(reference=reference).number


def test_restated_statement_changes_the_day_it_is_of(week: Source, maker: User) -> None:
    first = Statement.objects.get(source=week, closing_date=day(2))
    corrected = mt940((2, -750, "PAY-2001"), (2, -25, "FEE-0001"), opening_minor=3100, number=3, first=2, last=2)
    accept(corrected, by=maker, source=week, restating=[first.pk])
    run_all()
    assert summary(seen(week, 2)) == (2350, 2325, 25, 0)
    assert seen(week, 2).adds_up


# The page and its files


def page(user: User, **query: Any) -> str:
    response = signed_in(user).get("/accounts/1010/proof/", query)
    assert response.status_code == 200
    text = " ".join(response.content.decode().split())
    assert "<c-" not in text
    return text


def test_page_shows_the_day_with_its_rows(week: Source, auditor: User) -> None:
    text = page(auditor, as_of=day(1).isoformat())
    for said in ("Nothing unexplained", "PAY-2001", "Payments of ours, not at the source", "closing balance of the day", "timing: matched"):
        assert said in text


def test_page_opens_on_the_latest_day_with_a_statement(week: Source, auditor: User) -> None:
    assert f"{day(2):%A, %-d %B %Y}" in page(auditor)


def test_page_asks_a_fixed_number_of_questions(week: Source, auditor: User, post: Post) -> None:
    browser = signed_in(auditor)
    for n in range(12):
        booked(post, f"{n + 1}.00", f"MORE-{n}", on=2)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        browser.get("/accounts/1010/proof/")
    assert len(asked) <= 25, [one["sql"][:100] for one in asked]


def test_dates_that_cannot_be_read_are_refused_in_place(week: Source, auditor: User) -> None:
    response = signed_in(auditor).get("/accounts/1010/proof/?as_of=tomorrow")
    assert response.status_code == 422
    assert "The dates cannot be read" in response.content.decode()


def test_account_without_a_source_or_out_of_sight_is_not_there(week: Source, auditor: User, stranger: User) -> None:
    assert signed_in(auditor).get("/accounts/2010/proof/").status_code == 404
    assert signed_in(stranger).get("/accounts/1010/proof/").status_code == 404


@pytest.mark.parametrize("kind", ["csv", "xlsx", "pdf"])
def test_statement_leaves_as_a_file_and_is_on_the_trail(week: Source, auditor: User, kind: str) -> None:
    response = signed_in(auditor).post(f"/accounts/1010/proof/export/?as_of={day(1)}", {"format": kind})
    content = b"".join(response) if response.streaming else response.content
    assert response.status_code == 200
    if kind == "csv":
        said = {row[0]: row[-2] for row in csv.reader(content.decode().splitlines()) if len(row) == 9}
        parts = ("ledger balance", "payments of ours, not at the source", "unexplained", "closing balance of the day")
        assert [said[part] for part in parts] == ["23.50", "-7.50", "0.00", "31.00"]
    event = AuditEvent.objects.filter(action="recon.account_day.exported").get()
    assert (event.target_id, event.after) == ("1010", {"day": day(1).isoformat(), "rows": 1, "format": kind})


def test_no_other_file_leaves(week: Source, auditor: User) -> None:
    with writes_nothing():
        assert signed_in(auditor).post("/accounts/1010/proof/export/", {"format": "docx"}).status_code == 422


def test_every_day_of_a_month_of_work_adds_up(bank: Source, maker: User, post: Post) -> None:
    """Rows and sums are two ways to one figure: they agree on every day, whatever was late, split or never came."""
    opening = 0
    for n in range(10):
        amounts = [100 + 7 * n + k for k in range(4)]
        for k, amount in enumerate(amounts):
            booked(post, f"{amount // 100}.{amount % 100:02d}", f"REF-{n}-{k}", on=n)
        late = [(n, 100 + 7 * (n - 1) + 3, f"REF-{n - 1}-3")] if n else []
        rows = [*late, *[(n, amount, f"REF-{n}-{k}") for k, amount in enumerate(amounts[:3])]]
        accept(mt940(*rows, opening_minor=opening, number=n + 1, first=n, last=n), by=maker, source=bank)
        opening += sum(amount for _, amount, _ in rows)
        run_all()
    for n in range(10):
        shown = seen(bank, n)
        assert shown.adds_up
        assert shown.figures.unexplained_minor == 0
        assert len(shown.items) == 1
        assert shown.items[0].age_days == 0
    assert seen(bank, 9).items[0].open.cleared_on is None
    assert seen(bank, 8).items[0].open.cleared_on == day(9)
    assert day(9) - day(8) == timedelta(days=1)
