"""Posting through the one door: what is written, what is refused with which detail, and what is remembered."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from django.db import transaction

from audit.models import AuditEvent
from ledger import operations
from ledger.accounting import MAXIMUM_AMOUNT, DraftRefused, DraftUnbalanced, EntryDraft, Line
from ledger.models import Account, AccountType, JournalEntry, OwnerClass
from ledger.operations.posting import _SENTENCES
from ledgerops.lib.errors import Refusal
from tests.fixtures import GROUP, Post, draft
from tests.notation import balance, books, journal, posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"


def record(wanted: EntryDraft) -> operations.Posted:
    return operations.record_transaction(draft=wanted, scope="tests")


# What is written


def test_it_posts_the_legs_as_given_and_moves_each_balance_on_its_normal_side(post: Post) -> None:
    with posts(DEPOSIT):
        post(DEPOSIT)
    assert (balance("1010"), balance("2010")) == ("10.00 USD", "10.00 USD")


def test_it_posts_several_legs_of_one_account_in_their_order(post: Post) -> None:
    post("1010 debit 7.00 USD / 1010 debit 3.00 USD / 2010 credit 4.00 USD / 2020 credit 6.00 USD")
    legs = JournalEntry.objects.get().postings.order_by("line")
    assert [(leg.account.code, leg.account_seq, int(leg.balance_after_minor or 0)) for leg in legs] == [
        ("1010", 1, 700),
        ("1010", 2, 1000),
        ("2010", 1, 400),
        ("2020", 1, 600),
    ]


def test_it_posts_each_draft_of_a_batch_by_itself_and_answers_in_their_order(chart: dict[str, Account]) -> None:
    batch = [
        draft(DEPOSIT, key="z-first"),
        draft("1010 debit 1.00 USD / 2010 credit 1.00 USD", key="a-second", day=date(2020, 1, 1)),
        draft("2010 debit 4.00 USD / 4010 credit 4.00 USD", key="m-third", kind="fee"),
    ]
    with posts("2010 debit 4.00 USD / 4010 credit 4.00 USD", DEPOSIT):  # keys are locked, and so posted, by name
        answers = operations.post_entries(drafts=batch, scope="tests")
    assert [(answer.draft.key, answer.outcome, answer.code) for answer in answers] == [
        ("z-first", "posted", None),
        ("a-second", "refused", "no_accounting_period"),
        ("m-third", "posted", None),
    ]


MINORS = [1, 7, 10**6 + 1, 10**18 + 1, 2**53 + 1, 10**37 + 1]


@pytest.mark.parametrize(
    ("bank", "customer", "asset"),
    [("1030", "2030", "JPY"), ("1010", "2010", "USD"), ("1040", "2040", "USDC"), ("1050", "2050", "DAI")],
)
def test_it_keeps_every_digit_and_takes_it_back_to_nothing(chart: dict[str, Account], bank: str, customer: str, asset: str) -> None:
    def moved(debited: str, credited: str, kind: str, minor: int) -> EntryDraft:
        lines = [
            Line(account=debited, direction="debit", amount_minor=minor, asset=asset),
            Line(account=credited, direction="credit", amount_minor=minor, asset=asset),
        ]
        return EntryDraft(key=f"{kind}-{minor}", type=kind, entity="M1", effective_date=date(2026, 5, 4), description="There", lines=lines)

    for minor in MINORS:
        record(moved(bank, customer, "deposit", minor))
        held = JournalEntry.objects.latest("number").postings.order_by("line")
        assert [(int(leg.amount_minor), int(leg.balance_after_minor or 0)) for leg in held] == [(minor, minor), (minor, minor)]
        record(moved(customer, bank, "withdrawal", minor))
        back = JournalEntry.objects.latest("number").postings.order_by("line")
        assert [(int(leg.amount_minor), int(leg.balance_after_minor or 0)) for leg in back] == [(minor, 0), (minor, 0)]


def test_it_posts_an_amount_of_38_digits(chart: dict[str, Account]) -> None:
    largest = f"{MAXIMUM_AMOUNT // 100}.99"
    with posts(f"1010 debit {largest} USD / 2010 credit {largest} USD"):
        record(draft(f"1010 debit {largest} USD / 2010 credit {largest} USD"))
    assert balance("1010") == f"{largest} USD"


# What contradicts itself


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"key": ""}, "key"),
        ({"key": "k" * 201}, "key"),
        ({"description": " "}, "description"),
        ({"reference": "r" * 141}, "reference"),
        ({"lines": []}, "lines"),
        ({"lines": [Line(account="1010", direction="debit", amount_minor=1, asset="USD")]}, "lines"),
        ({"lines": [Line(account="1010", direction="both", amount_minor=1, asset="USD")] * 2}, "lines[1].direction"),
        ({"lines": [Line(account="1010", direction="debit", amount_minor=0, asset="USD")] * 2}, "lines[1].amount"),
        ({"lines": [Line(account="1010", direction="debit", amount_minor=-5, asset="USD")] * 2}, "lines[1].amount"),
        ({"lines": [Line(account="1010", direction="debit", amount_minor=1.0, asset="USD")] * 2}, "lines[1].amount"),  # type: ignore[arg-type]
        ({"lines": [Line(account="1010", direction="debit", amount_minor=True, asset="USD")] * 2}, "lines[1].amount"),
        ({"lines": [Line(account="1010", direction="debit", amount_minor=10**38, asset="USD")] * 2}, "lines[1].amount"),
    ],
)
def test_it_refuses_a_draft_that_contradicts_itself_by_field(chart: dict[str, Account], changes: dict[str, Any], field: str) -> None:
    values: dict[str, Any] = {
        "key": "k",
        "type": "deposit",
        "entity": "M1",
        "effective_date": date(2026, 11, 2),
        "description": "Deposit",
        "lines": books(DEPOSIT),
    }
    with writes_nothing(), pytest.raises(DraftRefused) as refused:
        record(EntryDraft(**values | changes))
    assert refused.value.field == field


def test_it_refuses_debits_that_are_not_credits_in_each_asset(chart: dict[str, Account]) -> None:
    with writes_nothing(), pytest.raises(DraftUnbalanced) as refused:
        record(draft("1010 debit 10.00 USD / 2010 credit 9.99 USD / 1030 debit 5 JPY / 2030 credit 5 JPY"))
    assert refused.value.detail == {"differences": {"USD": "1"}}


# What the books refuse

Arranged = Callable[[dict[str, Account]], EntryDraft]


def _of_another_entity(_chart: dict[str, Account]) -> EntryDraft:
    operations.define_entity(code="M2", name="Other")
    operations.open_account(
        code="9010", name="Theirs", entity="M2", group=GROUP, asset="USD", account_type=AccountType.ASSET, owner_class=OwnerClass.NOSTRO
    )
    return draft("9010 debit 10.00 USD / 2010 credit 10.00 USD")


def _into_a_closed_period(_chart: dict[str, Account]) -> EntryDraft:
    operations.open_period(entity="M1", starts_on=date(2027, 1, 1), ends_on=date(2027, 1, 31))
    closing = operations.open_period(entity="M1", starts_on=date(2025, 12, 1), ends_on=date(2025, 12, 31))
    operations.close_period(period_id=closing.pk)
    return draft(DEPOSIT, day=date(2025, 12, 31))


def _on_a_closed_account(_chart: dict[str, Account]) -> EntryDraft:
    with transaction.atomic():
        operations.change_account(account=_chart["2010"], changes={"status": "closed"})
    return draft(DEPOSIT)


REFUSED: dict[str, tuple[Arranged, type[Refusal], str | None, dict[str, Any]]] = {
    "unknown_transaction_type": (lambda _: draft(DEPOSIT, kind="gift"), operations.PostingInvalid, "type", {"type": "gift"}),
    "approval_required": (lambda _: draft(DEPOSIT, kind="adjustment"), operations.PostingInvalid, None, {"type": "adjustment"}),
    "approval_not_applicable": (lambda _: draft(DEPOSIT, proposal_id=uuid4()), operations.PostingInvalid, None, {"type": "deposit"}),
    "no_accounting_period": (
        lambda _: draft(DEPOSIT, day=date(2020, 2, 29)),
        operations.PostingInvalid,
        "effective_date",
        {"entity": "M1", "effective_date": "2020-02-29"},
    ),
    "period_closed": (
        _into_a_closed_period,
        operations.PostingRefused,
        "effective_date",
        {"effective_date": "2025-12-31", "first_open_date": "2026-01-01"},
    ),
    "unknown_account": (
        lambda _: draft("1010 debit 10.00 USD / 7777 credit 10.00 USD"),
        operations.PostingInvalid,
        "lines[2].account",
        {"account": "7777"},
    ),
    "account_holds_another_asset": (
        lambda _: draft("1010 debit 10.00 USD / 2030 credit 10.00 USD"),
        operations.PostingInvalid,
        "lines[2].account",
        {"line": 2, "account": "2030", "asset": "JPY"},
    ),
    "entity_does_not_balance": (_of_another_entity, operations.PostingInvalid, "lines", {"entity": "M1", "asset": "USD"}),
    "account_not_open": (
        _on_a_closed_account,
        operations.PostingRefused,
        "lines[2].account",
        {"line": 2, "account": "2010", "status": "closed"},
    ),
    "account_class_not_allowed": (
        lambda _: draft("1900 debit 10.00 USD / 2010 credit 10.00 USD"),
        operations.PostingInvalid,
        "lines[1].account",
        {"line": 1, "account": "1900", "direction": "debit", "owner_class": "suspense"},
    ),
}
assert set(REFUSED) <= set(_SENTENCES)


@pytest.mark.parametrize("reason", REFUSED)
def test_it_refuses_by_reason_with_what_a_caller_needs_and_writes_nothing(chart: dict[str, Account], reason: str) -> None:
    arrange, kind, field, detail = REFUSED[reason]
    wanted = arrange(chart)
    with writes_nothing(), pytest.raises(Refusal) as refused:
        record(wanted)
    assert (type(refused.value), refused.value.field, refused.value.detail["reason"]) == (kind, field, reason)
    assert {name: refused.value.detail[name] for name in detail} == detail
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.outcome, event.target_id) == ("ledger.transaction.recorded", "refused", f"tests/{wanted.key}")


# What is remembered


def test_the_same_request_again_gives_the_same_entry_and_posts_nothing(chart: dict[str, Account]) -> None:
    first = record(draft(DEPOSIT, key="order-1"))
    with writes_nothing():
        again = record(draft(DEPOSIT, key="order-1", actor_id=None, request_id="another"))
    assert (first.replayed, again.replayed, again.entry_id) == (False, True, first.entry_id)


def test_the_same_key_of_another_caller_is_another_key(chart: dict[str, Account]) -> None:
    record(draft(DEPOSIT, key="order-1"))
    with posts(DEPOSIT):
        operations.record_transaction(draft=draft(DEPOSIT, key="order-1"), scope="another")


@pytest.mark.parametrize(
    ("other", "fields"),
    [
        (lambda: draft("1010 debit 10.01 USD / 2010 credit 10.01 USD", key="order-1"), ["lines"]),
        (lambda: draft(DEPOSIT, key="order-1", day=date(2026, 11, 3), reference="INV-9"), ["effective_date", "reference"]),
        (lambda: draft(DEPOSIT, key="order-1", metadata={"rail": "wire"}), ["metadata"]),
    ],
)
def test_the_same_key_with_other_content_is_refused_and_names_what_differs(
    chart: dict[str, Account], other: Callable[[], EntryDraft], fields: list[str]
) -> None:
    record(draft(DEPOSIT, key="order-1"))
    with writes_nothing(), pytest.raises(operations.IdempotencyKeyReused) as refused:
        record(other())
    assert refused.value.detail["fields"] == fields
    assert journal() == [DEPOSIT]


def test_a_refusal_is_remembered_though_the_books_would_take_it_now(chart: dict[str, Account]) -> None:
    early = draft(DEPOSIT, key="order-1", day=date(2027, 1, 4))
    with pytest.raises(operations.PostingInvalid):
        record(early)
    operations.open_period(entity="M1", starts_on=date(2027, 1, 1), ends_on=date(2027, 1, 31))
    with writes_nothing(), pytest.raises(operations.PostingInvalid) as again:
        record(early)
    assert again.value.detail["reason"] == "no_accounting_period"
    assert again.value.detail["replayed"] is True
    with posts(DEPOSIT):
        record(draft(DEPOSIT, key="order-2", day=date(2027, 1, 4)))
