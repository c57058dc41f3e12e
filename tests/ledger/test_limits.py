"""What an account may do: overdraft, freezes and velocity refuse requests, and nothing that has happened."""

from typing import Any

import pytest

from ledger import operations
from ledger.models import Account, Posting
from tests.fixtures import Post
from tests.ledger.holding import available, hold, limited
from tests.notation import balance, posts, writes_nothing

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"


def withdrawal(amount: str) -> str:
    return f"2010 debit {amount} USD / 1010 credit {amount} USD"


def refused(post: Post, text: str, **values: Any) -> dict[str, Any]:
    with writes_nothing(), pytest.raises(operations.PostingRefused) as caught:
        post(text, **values)
    return dict(caught.value.detail)


def velocity(account: Account, **limit: Any) -> None:
    terms = {"direction": "debit", "window_minutes": 60, "maximum": None, "maximum_postings": None, **limit}
    operations.change_account(account=account, changes={"velocity": [terms]})


# Overdraft


@pytest.mark.parametrize(("limit", "most"), [("0", "10.00"), ("500", "15.00")])
def test_no_more_leaves_than_is_there_and_may_be_overdrawn(chart: dict[str, Account], post: Post, limit: str, most: str) -> None:
    limited(chart["2010"], overdraft_limit=limit)
    post(DEPOSIT)
    over = f"{float(most) + 0.01:.2f}"
    detail = refused(post, withdrawal(over), kind="withdrawal")
    assert (detail["reason"], detail["account"]) == ("limit_exceeded", "2010")
    assert (detail["available"], detail["asked"]) == (most.replace(".", ""), over.replace(".", ""))
    with posts(withdrawal(most)):
        post(withdrawal(most), kind="withdrawal")
    assert available("2010") == "0.00"


def test_a_limit_on_an_account_of_the_other_side_is_mirrored(chart: dict[str, Account], post: Post) -> None:
    limited(chart["1010"])
    post(DEPOSIT)
    assert refused(post, withdrawal("10.01"), kind="withdrawal")["account"] == "1010"
    post(withdrawal("10.00"), kind="withdrawal")
    assert balance("1010") == "0.00 USD"


def test_only_what_the_legs_come_to_together_is_held_against_the_limit(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    with posts("2010 debit 1.00 USD / 4010 credit 1.00 USD / 1010 debit 10.00 USD / 2010 credit 10.00 USD"):
        post("2010 debit 1.00 USD / 4010 credit 1.00 USD / 1010 debit 10.00 USD / 2010 credit 10.00 USD")
    legs = Posting.objects.filter(account=chart["2010"]).order_by("line")
    assert [(leg.account_seq, int(leg.balance_after_minor or 0)) for leg in legs] == [(1, -100), (2, 900)]
    assert balance("2010") == "9.00 USD"


def test_pending_outflow_is_gone_and_pending_inflow_is_not_there_yet(chart: dict[str, Account], post: Post) -> None:
    limited(chart["2010"])
    post(DEPOSIT)
    hold("2010", "4.00")
    hold("2010", "50.00", direction="credit")
    assert available("2010") == "6.00"
    assert refused(post, withdrawal("6.01"), kind="withdrawal")["available"] == "600"
    post(withdrawal("6.00"), kind="withdrawal")


def test_an_account_without_a_limit_goes_as_low_as_it_is_asked_to(post: Post) -> None:
    with posts(withdrawal("10.00")):
        post(withdrawal("10.00"), kind="withdrawal")
    assert balance("2010") == "-10.00 USD"


# Freezes


@pytest.mark.parametrize(
    ("direction", "stopped", "kind_stopped", "passes", "kind_passing"),
    [
        ("debits_frozen", withdrawal("1.00"), "withdrawal", "2020 debit 1.00 USD / 2010 credit 1.00 USD", "transfer"),
        ("credits_frozen", "2020 debit 1.00 USD / 2010 credit 1.00 USD", "transfer", withdrawal("1.00"), "withdrawal"),
    ],
)
def test_a_freeze_stops_one_direction_at_once(
    chart: dict[str, Account], post: Post, direction: str, stopped: str, kind_stopped: str, passes: str, kind_passing: str
) -> None:
    post(DEPOSIT)
    operations.change_account(account=chart["2010"], changes={direction: True})
    detail = refused(post, stopped, kind=kind_stopped)
    assert (detail["reason"], detail["direction"]) == ("account_frozen", direction.removesuffix("s_frozen"))
    with posts(passes):
        post(passes, kind=kind_passing)


def test_what_has_happened_passes_a_freeze(chart: dict[str, Account], post: Post) -> None:
    operations.change_account(account=chart["2010"], changes={"credits_frozen": True, "debits_frozen": True})
    with posts(DEPOSIT):
        post(DEPOSIT)


# Velocity


def test_no_more_than_so_much_leaves_in_a_while(chart: dict[str, Account], post: Post) -> None:
    velocity(chart["2010"], maximum="600")
    post(DEPOSIT)
    post(withdrawal("4.00"), kind="withdrawal")
    detail = refused(post, withdrawal("2.01"), kind="withdrawal")
    assert (detail["reason"], detail["moved"], detail["maximum"], detail["minutes"]) == ("velocity_limit_exceeded", "400", "600", 60)
    post(withdrawal("2.00"), kind="withdrawal")


def test_no_more_than_so_often_in_a_while(chart: dict[str, Account], post: Post) -> None:
    velocity(chart["2010"], maximum_postings=2)
    for _ in range(2):
        post(withdrawal("1.00"), kind="withdrawal")
    assert refused(post, withdrawal("1.00"), kind="withdrawal")["reason"] == "velocity_limit_exceeded"
    with posts(DEPOSIT):
        post(DEPOSIT)


def test_what_has_happened_passes_a_velocity_limit(chart: dict[str, Account], post: Post) -> None:
    velocity(chart["2010"], direction="credit", maximum="100")
    with posts(DEPOSIT):
        post(DEPOSIT)
    assert refused(post, "2020 debit 0.01 USD / 2010 credit 0.01 USD", kind="transfer")["moved"] == "1000"


# Setting them


def test_a_limit_below_what_is_overdrawn_already_is_refused(chart: dict[str, Account]) -> None:
    hold("2010", "5.00")
    with writes_nothing(), pytest.raises(operations.ChartRefused) as caught:
        operations.change_account(account=chart["2010"], changes={"overdraft_limit": "0"})
    assert caught.value.field == "account"  # in use: only a proposal changes it
