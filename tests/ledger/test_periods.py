"""Accounting periods: opening, closing, and what may be posted into them."""

from datetime import date

import pytest

from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, AccountingPeriod
from tests.fixtures import draft
from tests.notation import posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
DECEMBER = (date(2025, 12, 1), date(2025, 12, 31))


def open_december() -> AccountingPeriod:
    return operations.open_period(entity="M1", starts_on=DECEMBER[0], ends_on=DECEMBER[1])


def test_opening_the_same_period_again_changes_nothing(chart: dict[str, Account]) -> None:
    period = open_december()
    with writes_nothing():
        assert open_december() == period


@pytest.mark.parametrize(
    ("starts_on", "ends_on"),
    [(date(2025, 12, 31), date(2026, 1, 31)), (date(2026, 12, 31), date(2027, 1, 31)), (date(2026, 3, 1), date(2026, 3, 31))],
)
def test_a_period_that_overlaps_another_is_refused(chart: dict[str, Account], starts_on: date, ends_on: date) -> None:
    with writes_nothing(), pytest.raises(operations.PeriodRefused) as refused:
        operations.open_period(entity="M1", starts_on=starts_on, ends_on=ends_on)
    assert refused.value.field == "starts_on"


def test_both_ends_of_a_period_belong_to_it(chart: dict[str, Account]) -> None:
    open_december()
    with posts(DEPOSIT, DEPOSIT):
        for day in DECEMBER:
            operations.record_transaction(draft=draft(DEPOSIT, day=day), scope="tests")


def test_nothing_is_posted_into_a_closed_period_and_the_first_open_date_is_named(chart: dict[str, Account]) -> None:
    operations.close_period(period_id=open_december().pk)
    with writes_nothing(), pytest.raises(operations.PostingRefused, match="first open date is 2026-01-01"):
        operations.record_transaction(draft=draft(DEPOSIT, day=DECEMBER[1]), scope="tests")
    with posts(DEPOSIT):
        operations.record_transaction(draft=draft(DEPOSIT, day=date(2026, 1, 1)), scope="tests")


def test_closing_is_on_the_trail_once_though_asked_twice(chart: dict[str, Account]) -> None:
    period = open_december()
    operations.close_period(period_id=period.pk)
    with writes_nothing():
        assert operations.close_period(period_id=period.pk).closed_at is not None
    assert AuditEvent.objects.filter(action="ledger.period.closed", target_id=str(period.pk)).count() == 1


def test_closing_a_period_that_is_not_there_is_refused(chart: dict[str, Account]) -> None:
    with writes_nothing(), pytest.raises(operations.PeriodRefused):
        operations.close_period(period_id=999_999)
