"""Closing a period by proposal, what is stored, reopening it for a time, closing it again, and what that restates."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from ledger import operations, queries
from ledger.models import Account, AccountingPeriod, Close, CloseBalance, JournalEntry, PeriodStatus
from ledger.queries.periods import digest_of_stored
from ledgerops.lib.transactions import database_now
from tests.fixtures import Post, draft
from tests.notation import posts, writes_nothing

WHY = "The month is complete and agreed with the bank."
DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WITHDRAWAL = "2010 debit 4.00 USD / 1010 credit 4.00 USD"


@pytest.fixture
def months(chart: dict[str, Account]) -> dict[str, AccountingPeriod]:
    """The last three months of 2025, by `2025-10` and so on."""
    return {
        f"2025-{month}": operations.open_period(entity="M1", starts_on=date(2025, month, 1), ends_on=date(2025, month, last))
        for month, last in ((10, 31), (11, 30), (12, 31))
    }


@pytest.fixture
def controller(person: Callable[[str, str], User]) -> User:
    return person("controller", "Controller")


def decided(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get()
    return approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


def close(period: AccountingPeriod, *, by: User, checker: User, **reasons: str) -> Close:
    proposal = operations.propose_close(period_id=period.pk, reasons=reasons, narrative=WHY, maker_id=by.pk)
    assert decided(proposal, by=checker).status == "executed", decided
    return Close.objects.filter(period=period).latest("n")


def reopen(period: AccountingPeriod, *, by: User, checker: User, hours: int = 4) -> Proposal:
    until = timezone.now() + timedelta(hours=hours)
    proposal = operations.propose_reopening(
        period_id=period.pk, until=until, narrative="An invoice of that month came late.", maker_id=by.pk
    )
    return decided(proposal, by=checker)


def stored(found: Close) -> dict[str, tuple[int, int, int]]:
    rows = CloseBalance.objects.filter(close=found).select_related("account")
    return {row.account.code: (int(row.debits_minor), int(row.credits_minor), row.account_seq) for row in rows}


def test_a_year_of_months_is_opened_in_one_act_and_again_changes_nothing(chart: dict[str, Account]) -> None:
    months = operations.open_year(entity="M1", starts_on=date(2027, 4, 1))
    assert [(one.starts_on, one.ends_on) for one in (months[0], months[10], months[11])] == [
        (date(2027, 4, 1), date(2027, 4, 30)),
        (date(2028, 2, 1), date(2028, 2, 29)),
        (date(2028, 3, 1), date(2028, 3, 31)),
    ]
    with writes_nothing():
        assert operations.open_year(entity="M1", starts_on=date(2027, 4, 1)) == months
        with pytest.raises(operations.PeriodRefused):
            operations.open_year(entity="M1", starts_on=date(2026, 6, 1))
        with pytest.raises(operations.PeriodInvalid):
            operations.open_year(entity="M1", starts_on=date(2028, 4, 2))


def test_a_soft_lock_lets_no_ordinary_entry_in_and_comes_off(months: dict[str, AccountingPeriod]) -> None:
    period = months["2025-12"]
    assert operations.soft_lock_period(period_id=period.pk).status == PeriodStatus.SOFT_LOCKED
    with writes_nothing():
        operations.soft_lock_period(period_id=period.pk)
        with pytest.raises(operations.PostingRefused, match="approved entries only"):
            operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 12, 5)), scope="tests")
    operations.unlock_period(period_id=period.pk)
    with posts(DEPOSIT):
        operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 12, 5)), scope="tests")
    operations.close_period(period_id=period.pk)
    for act in (operations.soft_lock_period, operations.unlock_period):
        with writes_nothing(), pytest.raises(operations.PeriodRefused):
            act(period_id=period.pk)


def test_a_close_stores_the_trial_balance_with_its_digest_and_who_closed(
    months: dict[str, AccountingPeriod], post: Post, controller: User, checker: User
) -> None:
    post(DEPOSIT, day=date(2025, 10, 31))
    post(WITHDRAWAL, kind="withdrawal", day=date(2025, 11, 1))
    found = close(months["2025-10"], by=controller, checker=checker)
    assert stored(found) == {"1010": (1000, 0, 2), "2010": (0, 1000, 2)}
    assert (found.n, found.closed_by_id, found.restatement) == (1, checker.pk, None)
    assert found.digest == digest_of_stored(found)
    assert all(item["passed"] for item in found.checklist)
    # The next close adds its own days to what this one stored.
    assert stored(close(months["2025-11"], by=controller, checker=checker)) == {"1010": (1000, 400, 2), "2010": (400, 1000, 2)}


def test_a_blocker_refuses_the_proposal_and_names_itself(months: dict[str, AccountingPeriod], controller: User, checker: User) -> None:
    with writes_nothing(), pytest.raises(operations.PeriodNotReady) as refused:
        operations.propose_close(period_id=months["2025-12"].pk, reasons={}, narrative=WHY, maker_id=controller.pk)
    assert refused.value.detail["blockers"] == {"earlier_periods": "2 earlier periods not closed"}


def test_a_warning_needs_a_reason_and_the_reason_is_kept(
    months: dict[str, AccountingPeriod], post: Post, controller: User, checker: User
) -> None:
    operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 10, 3), initiate=True), scope="tests")
    period = months["2025-10"]
    with writes_nothing(), pytest.raises(operations.ReasonMissing) as refused:
        operations.propose_close(period_id=period.pk, reasons={"initiated": " no "}, narrative=WHY, maker_id=controller.pk)
    assert refused.value.field == "reasons.initiated"
    found = close(period, by=controller, checker=checker, initiated="The bank confirmed that it will come in November.")
    (kept,) = [item for item in found.checklist if not item["passed"]]
    assert (kept["name"], kept["reason"]) == ("initiated", "The bank confirmed that it will come in November.")


def test_what_came_up_after_the_proposal_makes_it_stale(
    months: dict[str, AccountingPeriod], post: Post, controller: User, checker: User
) -> None:
    proposal = operations.propose_close(period_id=months["2025-10"].pk, reasons={}, narrative=WHY, maker_id=controller.pk)
    operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 10, 3), initiate=True), scope="tests")
    assert decided(proposal, by=checker).status == "stale"
    months["2025-10"].refresh_from_db()
    assert (months["2025-10"].status, Close.objects.count()) == ("open", 0)


def test_a_period_that_was_closed_meanwhile_is_not_closed_again(
    months: dict[str, AccountingPeriod], controller: User, checker: User
) -> None:
    proposal = operations.propose_close(period_id=months["2025-10"].pk, reasons={}, narrative=WHY, maker_id=controller.pk)
    operations.close_period(period_id=months["2025-10"].pk)
    assert decided(proposal, by=checker).status == "stale"
    assert Close.objects.count() == 1


def test_a_reopened_period_takes_postings_until_its_time_is_over(
    months: dict[str, AccountingPeriod], controller: User, checker: User
) -> None:
    period = months["2025-10"]
    close(period, by=controller, checker=checker)
    assert reopen(period, by=controller, checker=checker).status == "executed"
    with posts(DEPOSIT):
        operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 10, 3)), scope="tests")
    AccountingPeriod.objects.filter(pk=period.pk).update(reopen_ends_at=database_now() - timedelta(seconds=1))
    with writes_nothing(), pytest.raises(operations.PostingRefused):
        operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 10, 3)), scope="tests")
    assert operations.note_ended_reopenings() == 1
    with writes_nothing():
        assert operations.note_ended_reopenings() == 0
        for act in (operations.soft_lock_period, operations.unlock_period):
            with pytest.raises(operations.PeriodRefused):
                act(period_id=period.pk)
    assert AuditEvent.objects.filter(action="ledger.period.reopening_ended", target_id=str(period.pk)).count() == 1
    # Nor does what belongs into an earlier closed period roll into it: the next that is open takes it.
    september = operations.open_period(entity="M1", starts_on=date(2025, 9, 1), ends_on=date(2025, 9, 30))
    operations.close_period(period_id=september.pk)
    rolled = operations.record_transaction(draft=draft(DEPOSIT, day=date(2025, 9, 30), roll_to_open=True), scope="tests")
    assert rolled.entry_id is not None
    assert JournalEntry.objects.get(pk=rolled.entry_id).effective_date == date(2025, 11, 1)
    assert queries.first_open_date(entity=period.entity) == date(2025, 11, 1)


@pytest.mark.parametrize("until", ["", "yesterday", "2020-01-01T00:00:00+00:00", "2030-01-01T00:00:00"])
def test_a_reopening_needs_an_instant_to_come(months: dict[str, AccountingPeriod], controller: User, checker: User, until: str) -> None:
    operations.close_period(period_id=months["2025-10"].pk)
    payload = {"period": str(months["2025-10"].pk), "until": until, "reason_code": "PERIOD_REOPEN", "narrative": WHY}
    with writes_nothing(), pytest.raises(operations.PeriodInvalid) as refused:
        approvals.submit(kind="ledger.reopen_period", payload=payload, maker_id=controller.pk)
    assert refused.value.field == "until"


def test_closing_again_stores_what_changed_and_the_entries_that_explain_it(
    months: dict[str, AccountingPeriod], post: Post, controller: User, checker: User
) -> None:
    october, november = months["2025-10"], months["2025-11"]
    post(DEPOSIT, day=date(2025, 10, 3))
    post(DEPOSIT, day=date(2025, 12, 3))
    close(october, by=controller, checker=checker)
    close(november, by=controller, checker=checker)
    reopen(october, by=controller, checker=checker)
    late = post("1010 debit 2.50 USD / 2020 credit 2.50 USD", day=date(2025, 10, 31), reference="LATE-1")
    post(DEPOSIT, day=date(2025, 12, 4))
    found = close(october, by=controller, checker=checker)

    assert found.n == 2
    restatement: dict[str, Any] = found.restatement or {}
    assert restatement["of"] == 1
    assert [(one["account"], one["before"], one["after"]) for one in restatement["accounts"]] == [
        ("1010", {"debits": "1000", "credits": "0"}, {"debits": "1250", "credits": "0"}),
        ("2020", {"debits": "0", "credits": "0"}, {"debits": "0", "credits": "250"}),
    ]
    (entry,) = restatement["entries"]
    assert (UUID(entry["id"]), entry["reference"], len(entry["legs"])) == (late.entry_id, "LATE-1", 2)
    # What was carried forward into the month after is stored anew, too, with the same explanation.
    after = Close.objects.get(period=november, n=2)
    assert stored(after)["2020"][:2] == (0, 250)
    assert [one["id"] for one in (after.restatement or {})["entries"]] == [entry["id"]]
    assert after.digest == digest_of_stored(after)
    assert (stored(Close.objects.get(period=october, n=1)))["1010"] == (1000, 0, 2)


def test_closing_again_with_nothing_changed_restates_nothing(
    months: dict[str, AccountingPeriod], post: Post, controller: User, checker: User
) -> None:
    post(DEPOSIT, day=date(2025, 10, 3))
    close(months["2025-10"], by=controller, checker=checker)
    close(months["2025-11"], by=controller, checker=checker)
    reopen(months["2025-10"], by=controller, checker=checker)
    again = close(months["2025-10"], by=controller, checker=checker)
    assert again.restatement == {"of": 1, "accounts": [], "entries": []}
    assert Close.objects.filter(period=months["2025-11"]).count() == 1


def test_the_maker_of_a_close_does_not_decide_it(months: dict[str, AccountingPeriod], controller: User, checker: User) -> None:
    proposal = operations.propose_close(period_id=months["2025-10"].pk, reasons={}, narrative=WHY, maker_id=controller.pk)
    with pytest.raises(approvals.CheckerIsMaker):
        decided(proposal, by=controller)
    assert queries.periods_for(controller).get(pk=months["2025-10"].pk).status == PeriodStatus.OPEN
