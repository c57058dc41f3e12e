"""Recurring entries: approved once, posted by themselves once each, undone by themselves where they accrue."""

import threading
from datetime import date
from typing import Any

import pytest
from django.db import connection, connections

from approvals.models import Proposal, User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.accounting import Line
from ledger.models import Account, Alert, JournalEntry, RecurringEntry
from ledger.operations import recurring
from ledger.operations.journals import JournalInvalid
from ledger.operations.recurring import RecurringRequest, RecurringStopped, post_due, propose_recurring, stop_recurring
from ledger.queries.recurring import next_days
from ledgerops.lib.calendars import modified_following
from tests.fixtures import ENTITY, signed_in
from tests.ledger.manual import decide, line_fields
from tests.notation import balance, books, posts, writes_nothing

WHY = "The audit fee accrues evenly over the year"
RENT = "6420 debit 12.50 USD / 1900 credit 12.50 USD"
BACK = "6420 credit 12.50 USD / 1900 debit 12.50 USD"


@pytest.fixture
def months(chart: Any) -> None:
    """Have a period for each month from 2027 on, after the year that the chart has."""
    for month in range(1, 7):
        last = {1: 31, 2: 28, 3: 31, 4: 30, 5: 31, 6: 30}[month]
        ledger.open_period(entity=ENTITY, starts_on=date(2027, month, 1), ends_on=date(2027, month, last))


def request(**values: Any) -> RecurringRequest:
    said: dict[str, Any] = {
        "code": "AUDIT-FEE",
        "name": "Audit fee",
        "entity": ENTITY,
        "description": "Accrued audit fee",
        "reference": "ACC",
        "lines": books(RENT),
        "frequency": "monthly",
        "day": 31,
        "auto_reversing": False,
        "starts_on": date(2027, 1, 1),
        "ends_on": None,
        "reason_code": "RECURRING",
        "narrative": WHY,
    }
    return RecurringRequest(**{**said, **values})


def start(maker: User, checker: User, **values: Any) -> RecurringEntry:
    proposal = propose_recurring(request=request(**values), maker_id=maker.pk)
    assert decide(proposal, by=checker).status == "executed"
    return RecurringEntry.objects.get(proposal_id=proposal.pk)


def test_month_end_is_posted_once_on_a_business_day_it(months: None, maker: User, checker: User) -> None:
    rule = start(maker, checker)
    with writes_nothing():
        assert post_due(today=date(2027, 1, 30)) == 0
    # The last of January 2027 is a Sunday: the next business day is in February, so the last one before.
    with posts(RENT):
        assert post_due(today=date(2027, 1, 31)) == 1
    assert JournalEntry.objects.get().effective_date == date(2027, 1, 29)
    assert JournalEntry.objects.get().origin == "automatic"
    with writes_nothing():
        assert post_due(today=date(2027, 1, 31)) == 0
    rule.refresh_from_db()
    assert (rule.occurrences, rule.next_on) == (1, date(2027, 2, 28))
    assert AuditEvent.objects.filter(action="ledger.recurring.posted").count() == 1


def test_what_was_missed_is_caught_up_in_order_it(months: None, maker: User, checker: User) -> None:
    start(maker, checker, ends_on=date(2027, 3, 31))
    with posts(RENT, RENT, RENT):
        assert post_due(today=date(2027, 6, 30)) == 3
    days = list(JournalEntry.objects.order_by("number").values_list("effective_date", flat=True))
    assert days == [date(2027, 1, 29), date(2027, 2, 26), date(2027, 3, 31)]
    assert RecurringEntry.objects.get().next_on is None


def test_accrual_undoes_itself_on_the_first_day_of_the_following_period_it(months: None, maker: User, checker: User) -> None:
    start(maker, checker, auto_reversing=True)
    with posts(RENT):
        post_due(today=date(2027, 1, 31))
    with posts(BACK):
        post_due(today=date(2027, 2, 1))
    with writes_nothing():
        post_due(today=date(2027, 2, 2))
    occurrence, undoing = JournalEntry.objects.order_by("number")
    assert (undoing.effective_date, undoing.metadata["undoes"]) == (date(2027, 2, 1), str(occurrence.pk))
    assert (occurrence.proposal_part, undoing.proposal_part) == (0, 1)
    assert balance("6420") == "0.00 USD"


def test_stopped_accrual_still_undoes_what_it_posted_it(months: None, maker: User, checker: User) -> None:
    rule = start(maker, checker, auto_reversing=True)
    post_due(today=date(2027, 1, 31))
    stop_recurring(code=rule.code, reason="The contract has ended")
    with posts(BACK):
        assert post_due(today=date(2027, 6, 30)) == 1
    with writes_nothing(), pytest.raises(RecurringStopped):
        stop_recurring(code=rule.code, reason="Once more")


def test_closed_period_rolls_to_the_first_open_day_it(months: None, maker: User, checker: User) -> None:
    start(maker, checker)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ledger_period SET status = 'closed', closed_at = now() WHERE starts_on <= '2027-01-01'")
    with posts(RENT):
        post_due(today=date(2027, 2, 1))
    posted = JournalEntry.objects.get()
    assert (posted.effective_date, posted.value_date, posted.prior_period) == (date(2027, 2, 1), date(2027, 1, 29), True)


def test_refusal_of_the_books_is_one_alert_and_stays_due_it(months: None, maker: User, checker: User) -> None:
    start(maker, checker)
    account = Account.objects.get(code="6420")
    ledger.change_account(account=account, changes={"debits_frozen": True})
    for _ in range(2):
        assert post_due(today=date(2027, 1, 31)) == 0
    alert = Alert.objects.get()
    assert (alert.kind, alert.detail["recurring"], alert.detail["part"]) == ("recurring", "AUDIT-FEE", 0)
    assert JournalEntry.objects.count() == 0
    rule = RecurringEntry.objects.get()
    assert (rule.occurrences, rule.next_on) == (0, date(2027, 1, 31)), "it is still due, and its key is not spent"


def test_one_rule_that_fails_does_not_hold_up_the_others_it(months: None, maker: User, checker: User, monkeypatch: Any) -> None:
    broken, sound = start(maker, checker), start(maker, checker, code="RENT", name="Rent")
    real = recurring._post_rule

    def failing(rule_id: int, *, today: date) -> int:
        if rule_id == broken.pk:
            raise RuntimeError("out of order")
        return real(rule_id, today=today)

    monkeypatch.setattr(recurring, "_post_rule", failing)
    with posts(RENT), pytest.raises(recurring.RecurringIncomplete, match=str(broken.pk)):
        post_due(today=date(2027, 1, 31))
    sound.refresh_from_db()
    assert sound.occurrences == 1


def test_killed_in_between_it_is_posted_once(months: None, maker: User, checker: User, monkeypatch: Any) -> None:
    start(maker, checker)

    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(recurring, "following_day", killed)
        with writes_nothing(), pytest.raises(KeyboardInterrupt):
            post_due(today=date(2027, 1, 31))
    with posts(RENT):
        assert post_due(today=date(2027, 1, 31)) == 1


@pytest.mark.django_db(transaction=True)
def test_two_workers_post_each_occurrence_once_it(months: None, maker: User, checker: User) -> None:
    start(maker, checker, auto_reversing=True, ends_on=date(2027, 4, 30))
    barrier, wrong = threading.Barrier(3), []

    def work() -> None:
        try:
            barrier.wait(timeout=20)
            for _ in range(6):
                post_due(today=date(2027, 6, 30))
        except Exception as error:  # noqa: BLE001 (told below)
            wrong.append(error)
        finally:
            connections.close_all()

    workers = [threading.Thread(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=60)
    assert wrong == []
    # Who finds a rule in another's hands leaves it; what that other did not come to is the next sweep's.
    while post_due(today=date(2027, 6, 30)):
        pass
    assert list(JournalEntry.objects.order_by("proposal_part").values_list("proposal_part", flat=True)) == list(range(8))
    assert balance("6420") == "0.00 USD"


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"code": "A/B"}, "code"),
        ({"frequency": "weekly", "day": 8}, "day"),
        ({"ends_on": date(2027, 1, 30)}, "ends_on"),
        ({"lines": [Line(account="6420", direction="debit", amount_minor=100, asset="USD")]}, "lines"),
        ({"starts_on": date(2031, 1, 1)}, "effective_date"),
    ],
)
def test_unsound_terms_are_refused_it(months: None, maker: User, checker: User, changed: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(JournalInvalid) as refused:
        propose_recurring(request=request(**changed), maker_id=maker.pk)
    assert refused.value.field == field


def test_days_come_as_their_terms_say_it(months: None, maker: User, checker: User) -> None:
    assert modified_following(date(2027, 2, 6)) == date(2027, 2, 8)
    assert modified_following(date(2027, 1, 31)) == date(2027, 1, 29)
    daily = RecurringEntry(frequency="daily", day=1, next_on=date(2027, 1, 1), starts_on=date(2027, 1, 1))
    assert next_days(daily) == [date(2027, 1, 1), date(2027, 1, 4), date(2027, 1, 5)]
    weekly = RecurringEntry(frequency="weekly", day=3, next_on=date(2027, 1, 6), starts_on=date(2027, 1, 1))
    assert next_days(weekly, count=2) == [date(2027, 1, 6), date(2027, 1, 13)]
    monthly = RecurringEntry(frequency="monthly", day=31, next_on=date(2027, 11, 30), starts_on=date(2027, 1, 1))
    assert next_days(monthly) == [date(2027, 11, 30), date(2027, 12, 31), date(2028, 1, 31)]


def fields(**values: str) -> dict[str, str]:
    said = {"code": "RENT", "name": "Rent", "entity": ENTITY, "description": "Rent", "frequency": "monthly", "day": "1", "lines": "4"}
    more = {"starts_on": "2027-01-01", "ends_on": "", "reason_code": "RECURRING", "narrative": WHY, "auto_reversing": "on"}
    return {**said, **more, **line_fields("6420 debit 12.50 / 1900 credit 12.50"), **values}


def test_started_and_stopped_in_a_browser_it(months: None, maker: User, checker: User, auditor: User) -> None:
    browser = signed_in(maker)
    with writes_nothing():
        assert browser.post("/journals/recurring/new/", fields(day="40")).status_code == 422
        assert "USD balances at 12.50" in browser.post("/journals/recurring/new/", fields(act="preview")).text
    assert browser.post("/journals/recurring/new/", fields()).status_code == 302
    decide(Proposal.objects.get(), by=checker)
    page = browser.get("/journals/recurring/")
    assert "Day 1 of each month" in page.text
    assert signed_in(auditor).post("/journals/recurring/RENT/stop/", {"reason": "no"}).status_code == 403
    with writes_nothing():
        assert browser.post("/journals/recurring/RENT/stop/", {"reason": " "}).status_code == 422
    assert browser.post("/journals/recurring/RENT/stop/", {"reason": "The contract has ended"}).status_code == 302
    assert AuditEvent.objects.filter(action="ledger.recurring.stopped", reason="The contract has ended").count() == 1
    with writes_nothing():
        assert post_due(today=date(2027, 6, 1)) == 0
        assert browser.post("/journals/recurring/RENT/stop/", {"reason": "Again"}).status_code == 409


def test_out_of_sight_there_is_none_it(months: None, maker: User, checker: User, stranger: User) -> None:
    start(maker, checker)
    browser = signed_in(stranger)
    assert "AUDIT-FEE" not in browser.get("/journals/recurring/").text
    assert browser.post("/journals/recurring/AUDIT-FEE/stop/", {"reason": "mine"}).status_code == 404
