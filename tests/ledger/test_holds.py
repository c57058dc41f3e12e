"""Holds: what is set aside, what a capture takes and gives back, what ends a hold, and what is refused."""

import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest

from ledger import operations
from ledger.models import Account, AccountType, Alert, HoldEvent, OwnerClass
from ledgerops.lib.errors import Refusal
from tests.fixtures import ENTITY, GROUP, Post
from tests.ledger.holding import available, hold, limited, place, shortly, state
from tests.notation import balance, posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
PAID = "2010 debit 6.00 USD / 1010 credit 6.00 USD"


@pytest.fixture
def funded(chart: dict[str, Account], post: Post) -> dict[str, Account]:
    """A customer with ten dollars and no overdraft."""
    limited(chart["2010"])
    post(DEPOSIT)
    return chart


def acts(hold_id: UUID) -> list[tuple[str, int, bool]]:
    return [(event.act, int(event.amount_minor), event.terminal) for event in HoldEvent.objects.filter(hold_id=hold_id).order_by("id")]


# What it keeps


def test_it_sets_outflow_aside_and_posts_nothing(funded: dict[str, Account]) -> None:
    with posts():
        held = hold("2010", "6.00")
    assert (balance("2010"), available("2010")) == ("10.00 USD", "4.00")
    assert state(held) == "pending: 0.00 captured, 0.00 released, 6.00 held"


def test_awaited_inflow_raises_nothing_that_could_be_spent(funded: dict[str, Account], post: Post) -> None:
    hold("2010", "90.00", direction="credit")
    assert available("2010") == "10.00"
    with pytest.raises(operations.PostingRefused):
        post("2010 debit 10.01 USD / 1010 credit 10.01 USD", kind="withdrawal")


def test_the_same_request_again_is_the_same_hold_and_another_one_is_refused(funded: dict[str, Account]) -> None:
    first = place(key="one")
    again = place(key="one")
    assert (again.hold_id, again.replayed) == (first.hold_id, True)
    assert available("2010") == "4.00"
    with writes_nothing(), pytest.raises(operations.IdempotencyKeyReused) as refused:
        place("2010", "7.00", key="one")
    assert refused.value.detail["fields"] == ["amount"]


# What takes from it


def test_a_capture_posts_and_takes_what_was_held(funded: dict[str, Account], post: Post) -> None:
    held = hold()
    with posts(PAID):
        post(PAID, kind="withdrawal", hold_id=held)
    assert state(held) == "posted: 6.00 captured, 0.00 released, 0.00 held"
    assert (balance("2010"), available("2010")) == ("4.00 USD", "4.00")
    assert acts(held) == [("placed", 600, False), ("captured", 600, True)]


def test_a_single_capture_gives_the_rest_back(funded: dict[str, Account], post: Post) -> None:
    held = hold()
    post("2010 debit 2.50 USD / 1010 credit 2.50 USD", kind="withdrawal", hold_id=held)
    assert state(held) == "posted: 2.50 captured, 3.50 released, 0.00 held"
    assert available("2010") == "7.50"
    assert acts(held) == [("placed", 600, False), ("captured", 250, False), ("released", 350, True)]


def test_an_authorisation_is_captured_in_parts_until_one_is_final(funded: dict[str, Account], post: Post) -> None:
    held = hold(kind="authorisation")
    post("2010 debit 1.00 USD / 1010 credit 1.00 USD", kind="withdrawal", hold_id=held)
    assert (state(held), available("2010")) == ("pending: 1.00 captured, 0.00 released, 5.00 held", "4.00")
    post("2010 debit 2.00 USD / 1010 credit 2.00 USD", kind="withdrawal", hold_id=held, final=True)
    assert (state(held), available("2010")) == ("posted: 3.00 captured, 3.00 released, 0.00 held", "7.00")


def test_a_capture_may_take_what_nothing_else_may_take_any_more(funded: dict[str, Account], post: Post) -> None:
    held = hold("2010", "10.00")
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post("2010 debit 0.01 USD / 1010 credit 0.01 USD", kind="withdrawal")
    assert refused.value.detail["available"] == "0"
    post("2010 debit 10.00 USD / 1010 credit 10.00 USD", kind="withdrawal", hold_id=held)
    assert (balance("2010"), available("2010")) == ("0.00 USD", "0.00")


def test_it_is_released_in_part_and_whole(funded: dict[str, Account]) -> None:
    held = hold()
    operations.release_hold(hold_id=held, key="part", scope="tests", amount_minor=200)
    assert (state(held), available("2010")) == ("pending: 0.00 captured, 2.00 released, 4.00 held", "6.00")
    operations.release_hold(hold_id=held, key="rest", scope="tests")
    assert operations.release_hold(hold_id=held, key="rest", scope="tests").replayed
    assert (state(held), available("2010")) == ("cancelled: 0.00 captured, 6.00 released, 0.00 held", "10.00")


def test_its_end_by_time_gives_it_back_and_a_late_job_allows_no_late_capture(funded: dict[str, Account], post: Post) -> None:
    held = hold(expires_at=shortly())
    stays = hold("2010", "1.00")
    time.sleep(0.25)
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        post(PAID, kind="withdrawal", hold_id=held)
    assert refused.value.detail["reason"] == "hold_has_expired"
    assert (operations.expire_holds(), operations.expire_holds()) == (1, 0)
    assert state(held) == "cancelled: 0.00 captured, 6.00 released, 0.00 held"
    assert acts(held)[-1] == ("expired", 600, True)
    assert (state(stays), available("2010")) == ("pending: 0.00 captured, 0.00 released, 1.00 held", "9.00")


def test_nobody_ends_a_hold_by_saying_so(funded: dict[str, Account], post: Post) -> None:
    held = hold()
    for number, to in enumerate(["cancelled", "failed", "posted"]):
        answer = operations.report_status(transaction_id=held, axis="status", to=to, source="card", source_event_id=f"E{number}")
        assert answer == "conflict", to
    assert Alert.objects.filter(kind="status_conflict", transaction_id=held).count() == 3
    with pytest.raises(operations.TransactionPostsNothing):
        operations.post_initiated(transaction_id=held, actor_id=None)
    post(PAID, kind="withdrawal", hold_id=held)
    assert state(held) == "posted: 6.00 captured, 0.00 released, 0.00 held"


# What is refused


def _platform_account(chart: dict[str, Account]) -> None:
    operations.open_account(
        code="2900", name="Busy", entity=ENTITY, group=GROUP, asset="USD", account_type=AccountType.LIABILITY,
        owner_class=OwnerClass.PLATFORM, controls={"deferred": True},
    )  # fmt: skip


def _nothing(_chart: dict[str, Account]) -> None:
    pass


REFUSED: dict[str, tuple[Callable[[dict[str, Account]], None], dict[str, Any]]] = {
    "unknown_transaction_type": (_nothing, {"kind": "keep"}),
    "approval_required": (_nothing, {"kind": "adjustment"}),
    "unknown_account": (_nothing, {"account": "7777"}),
    "account_of_another_entity": (_nothing, {"entity": "M9"}),
    "account_holds_another_asset": (_nothing, {"account": "2030"}),
    "account_class_not_allowed": (_nothing, {"account": "1010"}),
    "account_is_a_control_account": (lambda chart: operations.change_account(account=chart["2020"], changes={"parent": "1900"}),
                                     {"account": "1900"}),
    "account_is_deferred": (_platform_account, {"account": "2900"}),
    "account_not_open": (lambda chart: operations.change_account(account=chart["2020"], changes={"status": "closed"}),
                         {"account": "2020"}),
    "account_frozen": (lambda chart: operations.change_account(account=chart["2020"], changes={"debits_frozen": True}),
                       {"account": "2020"}),
    "limit_exceeded": (_nothing, {"amount": "10.01"}),
    "velocity_limit_exceeded": (
        lambda chart: operations.change_account(
            account=chart["2020"],
            changes={"velocity": [{"direction": "debit", "window_minutes": 60, "maximum": "100", "maximum_postings": None}]},
        ),
        {"account": "2020", "amount": "1.01"},
    ),
    "hold_has_expired": (_nothing, {"expires_at": shortly()}),
}  # fmt: skip


@pytest.mark.parametrize("reason", REFUSED)
def test_it_is_refused_by_reason_remembered_and_keeps_nothing(funded: dict[str, Account], reason: str) -> None:
    arrange, asked = REFUSED[reason]
    arrange(funded)
    for _ in range(2):
        with writes_nothing(), pytest.raises(Refusal) as refused:
            place(**{"key": "wrong", **asked})
        assert refused.value.detail["reason"] == reason


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("capture_takes_nothing", "2020 debit 6.00 USD / 1010 credit 6.00 USD"),
        ("capture_exceeds_hold", "2010 debit 6.01 USD / 1010 credit 6.01 USD"),
    ],
)
def test_a_capture_of_something_else_is_refused(funded: dict[str, Account], post: Post, reason: str, text: str) -> None:
    held = hold()
    with writes_nothing(), pytest.raises(Refusal) as refused:
        post(text, kind="withdrawal", hold_id=held)
    assert refused.value.detail["reason"] == reason


def test_what_does_not_exist_or_has_ended_is_neither_captured_nor_released(funded: dict[str, Account], post: Post) -> None:
    for reason, held in (("unknown_hold", uuid4()), ("hold_has_ended", hold())):
        if reason == "hold_has_ended":
            operations.release_hold(hold_id=held, key="gone", scope="tests")
        with writes_nothing(), pytest.raises(Refusal) as refused:
            post(PAID, kind="withdrawal", hold_id=held)
        assert refused.value.detail["reason"] == reason
        with writes_nothing(), pytest.raises(Refusal) as refused:
            operations.release_hold(hold_id=held, key=f"late-{reason}", scope="tests")
        assert refused.value.detail["reason"] == reason


def test_no_more_than_is_held_is_released(funded: dict[str, Account]) -> None:
    held = hold()
    with writes_nothing(), pytest.raises(operations.PostingRefused) as refused:
        operations.release_hold(hold_id=held, key="much", scope="tests", amount_minor=601)
    assert (refused.value.detail["reason"], refused.value.detail["remaining"]) == ("release_exceeds_hold", "600")


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"key": ""}, "key"), ({"amount_minor": 0}, "amount"), ({"amount_minor": 1.0}, "amount"), ({"direction": "both"}, "direction")],
)
def test_a_request_that_contradicts_itself_is_refused_by_field(funded: dict[str, Account], wrong: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(operations.HoldInvalid) as refused:
        place(**wrong)
    assert refused.value.field == field
