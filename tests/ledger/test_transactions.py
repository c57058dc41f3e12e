"""Transactions over time: initiated, posted, and what sources report of them."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection

from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, AccountingPeriod, Alert, JournalEntry, SettlementStatus, Transaction, TransactionEvent, TransactionStatus
from ledger.registry import ARROWS
from ledgerops.runtime.models import Switch
from tests.fixtures import Post, draft
from tests.ledger.holding import limited
from tests.notation import balance, posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WITHDRAWAL = "2010 debit 4.00 USD / 1010 credit 4.00 USD"


def initiated(text: str = DEPOSIT, **values: Any) -> UUID:
    posted = operations.record_transaction(draft=draft(text, initiate=True, **values), scope="tests")
    assert (posted.outcome, posted.entry_id is not None) == ("initiated", True)
    assert posted.entry_id is not None
    return posted.entry_id


def report(transaction_id: UUID, to: str, *, axis: str = "settlement", event: str = "E1") -> str:
    return operations.report_status(transaction_id=transaction_id, axis=axis, to=to, source="bank", source_event_id=event)


def axes(transaction_id: UUID) -> tuple[str, str]:
    kept = Transaction.objects.get(pk=transaction_id)
    return kept.status, kept.settlement


# Initiated, then posted


def test_what_is_initiated_posts_nothing_until_it_is_posted_once(chart: dict[str, Account]) -> None:
    with posts():
        asked = initiated()
    assert axes(asked) == ("initiated", "expected")
    with posts(DEPOSIT):
        posted = operations.post_initiated(transaction_id=asked, actor_id=None)
        again = operations.post_initiated(transaction_id=asked, actor_id=None)
    assert (posted.entry_id, again.entry_id, again.replayed) == (asked, asked, True)
    assert axes(asked) == ("posted", "expected")
    assert AuditEvent.objects.filter(action="ledger.transaction.posted").count() == 1


def test_it_posts_with_everything_that_was_asked_for(chart: dict[str, Account]) -> None:
    asked = initiated(reference="INV-1", counterparty="Northwind", value_date=date(2026, 11, 3), metadata={"note": "x"})
    operations.post_initiated(transaction_id=asked, actor_id=7, request_id="r")
    entry = JournalEntry.objects.get(pk=asked)
    assert (entry.reference, entry.counterparty, entry.value_date, entry.metadata, entry.actor_id) == (
        "INV-1", "Northwind", date(2026, 11, 3), {"note": "x"}, 7,
    )  # fmt: skip


def test_a_refusal_at_posting_leaves_it_initiated_for_another_day(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    asked = initiated(WITHDRAWAL, kind="withdrawal")
    with writes_nothing(), pytest.raises(operations.PostingRefused):
        operations.post_initiated(transaction_id=asked, actor_id=None)
    assert axes(asked) == ("initiated", "expected")
    post(DEPOSIT)
    operations.post_initiated(transaction_id=asked, actor_id=None)
    assert balance("2010") == "6.00 USD"


@pytest.mark.parametrize("to", ["failed", "cancelled"])
def test_what_has_failed_or_was_cancelled_is_not_posted(chart: dict[str, Account], to: str) -> None:
    asked = initiated()
    assert report(asked, to, axis="status") == "applied"
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        operations.post_initiated(transaction_id=asked, actor_id=None)
    assert (refused.value.detail["reason"], refused.value.detail["status"]) == ("transaction_has_ended", to)


def test_a_transaction_that_does_not_exist_is_said_so(chart: dict[str, Account]) -> None:
    with writes_nothing(), pytest.raises(operations.TransactionUnknown):
        operations.post_initiated(transaction_id=uuid4(), actor_id=None)
    with writes_nothing(), pytest.raises(operations.TransactionUnknown):
        report(uuid4(), "sent")


# What sources report


def test_a_report_moves_settlement_along_its_arrows(post: Post) -> None:
    entry_id = post(DEPOSIT).entry_id
    assert entry_id is not None
    assert [report(entry_id, to, event=to) for to in ("sent", "confirmed", "settled", "returned")] == ["applied"] * 4
    assert axes(entry_id) == ("posted", "returned")


def test_a_late_report_is_kept_and_changes_nothing(post: Post) -> None:
    entry_id = post(DEPOSIT).entry_id
    assert entry_id is not None
    report(entry_id, "settled", event="E2")
    assert report(entry_id, "sent", event="E1") == "late"
    assert axes(entry_id) == ("posted", "settled")
    assert [(e.from_status, e.to_status, e.outcome) for e in TransactionEvent.objects.order_by("id")] == [
        ("expected", "settled", "applied"),
        ("settled", "sent", "late"),
    ]


def test_a_report_delivered_again_is_counted_and_changes_nothing(post: Post) -> None:
    entry_id = post(DEPOSIT).entry_id
    assert entry_id is not None
    report(entry_id, "sent")
    with writes_nothing(except_in=["ledger_transaction_event"]):
        assert report(entry_id, "sent") == "duplicate"
    assert [event.deliveries for event in TransactionEvent.objects.all()] == [2]


def test_an_impossible_report_is_kept_as_a_conflict_for_somebody_to_see_to(post: Post) -> None:
    entry_id = post("2010 debit 1.00 USD / 4010 credit 1.00 USD", kind="fee").entry_id
    assert entry_id is not None
    assert report(entry_id, "sent") == "conflict"
    assert report(entry_id, "cancelled", axis="status", event="E2") == "conflict"
    assert axes(entry_id) == ("posted", "not_applicable")
    assert [alert.detail["to"] for alert in Alert.objects.filter(transaction_id=entry_id).order_by("id")] == ["sent", "cancelled"]


def test_an_event_id_given_to_something_else_is_refused(post: Post) -> None:
    first, second = post(DEPOSIT).entry_id, post(DEPOSIT).entry_id
    assert first is not None
    assert second is not None
    report(first, "sent")
    with writes_nothing(except_in=["ledger_transaction_event"]), pytest.raises(operations.SourceEventReused):
        report(second, "sent")
    with writes_nothing(except_in=["ledger_transaction_event"]), pytest.raises(operations.SourceEventReused):
        report(first, "settled")


def test_a_report_that_it_has_posted_posts_it_with_one_event(chart: dict[str, Account]) -> None:
    asked = initiated()
    with posts(DEPOSIT):
        assert report(asked, "posted", axis="status") == "applied"
        assert report(asked, "posted", axis="status") == "duplicate"
        assert report(asked, "posted", axis="status", event="E2") == "late"
    assert axes(asked) == ("posted", "expected")
    assert [(e.from_status, e.outcome) for e in TransactionEvent.objects.order_by("id")] == [("initiated", "applied"), ("posted", "late")]


def test_a_report_of_what_the_books_refuse_is_not_kept_and_may_come_again(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    asked = initiated(WITHDRAWAL, kind="withdrawal")
    with writes_nothing(), pytest.raises(operations.PostingRefused):
        report(asked, "posted", axis="status")
    post(DEPOSIT)
    assert report(asked, "posted", axis="status") == "applied"


def test_a_report_under_a_used_event_id_posts_nothing(chart: dict[str, Account], post: Post) -> None:
    entry_id = post(DEPOSIT).entry_id
    assert entry_id is not None
    report(entry_id, "sent")
    asked = initiated()
    with posts(), pytest.raises(operations.SourceEventReused):
        report(asked, "posted", axis="status")
    assert axes(asked) == ("initiated", "expected")


def test_the_arrows_of_the_registry_are_those_of_the_database(db: None) -> None:
    known = {"status": TransactionStatus.values, "settlement": SettlementStatus.values}
    with connection.cursor() as cursor:
        for axis, statuses in known.items():
            assert set(ARROWS[axis]) == set(statuses)
            for old in statuses:
                cursor.execute("SELECT s FROM unnest(%s::text[]) s WHERE ledger_status_may_move_v1(%s, %s, s)", [statuses, axis, old])
                assert {new for (new,) in cursor.fetchall()} == set(ARROWS[axis][old]), (axis, old)


# What stops it


@pytest.mark.parametrize("scope", ["", "entity:M1", "account:2010"])
def test_a_stop_refuses_without_remembering(chart: dict[str, Account], scope: str) -> None:
    Switch.objects.create(function="posting", scope=scope, reason="An integrity finding")
    asked = draft(DEPOSIT, key="stopped")
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        operations.record_transaction(draft=asked, scope="tests")
    assert refused.value.detail["reason"] == "posting_stopped"
    assert not Transaction.objects.exists()


@pytest.mark.parametrize("scope", ["entity:M2", "account:2020"])
def test_a_stop_elsewhere_stops_nothing_here(chart: dict[str, Account], post: Post, scope: str) -> None:
    Switch.objects.create(function="posting", scope=scope, reason="An integrity finding")
    with posts(DEPOSIT):
        post(DEPOSIT)


def test_an_entry_lacks_no_leg_of_its_type(chart: dict[str, Account]) -> None:
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        operations.record_transaction(draft=draft("2010 debit 1.00 USD / 4010 credit 1.00 USD"), scope="tests")
    assert (refused.value.detail["reason"], refused.value.field) == ("role_missing", "lines")


def test_a_control_account_takes_no_postings(chart: dict[str, Account], post: Post) -> None:
    operations.change_account(account=chart["2020"], changes={"parent": "2010"})
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as refused:
        post(DEPOSIT)
    assert refused.value.detail["reason"] == "account_is_a_control_account"


@pytest.mark.parametrize(("kind", "reason"), [("deposit", "period_soft_locked"), ("adjustment", "approval_required")])
def test_a_soft_locked_period_takes_approved_entries_only(chart: dict[str, Account], kind: str, reason: str) -> None:
    AccountingPeriod.objects.update(status="soft_locked")
    with writes_nothing(), pytest.raises((operations.PostingRefused, operations.PostingInvalid)) as refused:
        operations.record_transaction(draft=draft(DEPOSIT, kind=kind), scope="tests")
    assert refused.value.detail["reason"] == reason
