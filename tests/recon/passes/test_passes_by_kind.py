"""Each kind of pass: what it matches, and the ties that it leaves to people."""

from functools import partial
from typing import Any

import pytest

from approvals.models import User
from recon.matching.rules import Rules
from recon.models import Match, NeverMatch, Source, Suggestion
from recon.operations.engine import try_rules
from tests.fixtures import Post
from tests.recon.passes.agreeing import groups, open_of, reconciliation, run, sources, told

Line = dict[str, Any]


@pytest.fixture
def both(roles: None, chart: object) -> tuple[Source, Source]:
    return sources()


def line(name: str, minor: int, key: str = "", **said: Any) -> Line:
    return {"name": name, "minor": minor, "match_key": key, **said}


def matched(both: tuple[Source, Source], left: list[Line], right: list[Line], *rules: Line, **more: Any) -> list[tuple[str, ...]]:
    made = reconciliation(*both, rules=rules, **more)
    told(both[0], *left)
    told(both[1], *right)
    run(made)
    return groups(made)


CONTRA = {"kind": "contra", "days": 5}
KEY = {"kind": "key", "days": 1}
GROUP = {"kind": "group", "days": 5}
BLOCK = {"kind": "block", "attributes": ["counterparty"], "days": 0}
ATTRIBUTE = {"kind": "attribute", "attributes": ["counterparty"], "days": 2}


def test_error_and_its_reversal_cancel_each_other(both: tuple[Source, Source]) -> None:
    assert matched(both, [line("a", 500, "SAME01"), line("b", -500, "SAME01", after=2)], [], CONTRA) == [("a", "b")]


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ([line("a", 500, "SAME01"), line("b", -500, "SAME01", after=14)], []),
        ([line("a", 500, "SAME01"), line("b", -500, "SAME01"), line("c", -500, "SAME01")], []),
        ([line("a", 500, "SAME01"), line("b", -500, "SAME01")], [line("c", 500, "SAME01")]),
        ([line("a", 500, "SAME01"), line("b", -500, "OTHER1")], []),
    ],
    ids=["too far apart", "two reversals", "the other side has it too", "another reference"],
)
def test_opposite_that_may_be_something_else_stays(both: tuple[Source, Source], left: list[Line], right: list[Line]) -> None:
    assert matched(both, left, right, CONTRA) == []


def test_any_shared_reference_is_enough(both: tuple[Source, Source]) -> None:
    left = line("a", 500, "OURS01", keys=["own_reference:OURS01", "payout:PAY001"])
    assert matched(both, [left], [line("b", 500, "THEIRS1", keys=["end_to_end:THEIRS1", "payout:PAY001"])], KEY) == [("a", "b")]


def test_reference_of_many_tells_nothing_where_their_own_ones_differ(both: tuple[Source, Source]) -> None:
    left = [line("a", 500, "OURS01", keys=["end_to_end:OURS01", "batch:BATCH1"]), line("b", 700, "OURS02", keys=["batch:BATCH1"])]
    assert matched(both, left, [line("c", 500, "THEIRS1", keys=["end_to_end:THEIRS1", "batch:BATCH1"])], KEY) == []


def test_item_that_two_references_give_to_two_others_is_nobodys(both: tuple[Source, Source]) -> None:
    left = [line("a", 500, keys=["order:ORDER1", "payout:PAY001"])]
    right = [line("b", 500, keys=["order:ORDER1"]), line("c", 500, keys=["payout:PAY001"])]
    assert matched(both, left, right, KEY) == []


def test_movements_with_two_transaction_hashes_are_two(both: tuple[Source, Source]) -> None:
    left, right = line("a", 500, "SAME01", keys=["tx:0001"]), line("b", 500, "SAME01", keys=["tx:0002"])
    assert matched(both, [left], [right], KEY) == []


def test_pass_looks_only_at_the_kinds_that_it_names(both: tuple[Source, Source]) -> None:
    left, right = line("a", 500, "SAME01", keys=["order:SAME01"]), line("b", 500, "SAME01", keys=["order:SAME01"])
    assert matched(both, [left], [right], {**KEY, "keys": ["payout"]}) == []


def test_chain_of_three_is_one_match_though_no_reference_is_known_to_all(both: tuple[Source, Source], post: Post) -> None:
    made = reconciliation(*both, ledger="1010", rules=[KEY])
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="order-1", metadata={"order": "ORDER-1"})
    told(both[0], line("bank", 500, keys=["payout:PAY001"]))
    told(both[1], line("psp", 500, keys=["order:ORDER1", "payout:PAY001"]))
    run(made)
    assert groups(made) == [("bank", "order-1", "psp")]
    assert Match.objects.get(reconciliation=made).explanation["keys"] == ["ORDER1", "PAY001"]


def test_chain_with_a_missing_hop_waits(both: tuple[Source, Source]) -> None:
    made = reconciliation(*both, ledger="1010", rules=[KEY])
    told(both[0], line("bank", 500, "SAME01"))
    told(both[1], line("psp", 500, "SAME01"))
    run(made)
    assert groups(made) == []


def test_several_under_one_reference_that_add_up_to_one(both: tuple[Source, Source]) -> None:
    left = [line("a", 300, "BATCH1"), line("b", 200, "BATCH1"), line("c", -50, "BATCH1")]
    assert matched(both, left, [line("d", 450, "BATCH1")], GROUP) == [("a", "b", "c", "d")]


def test_several_that_do_not_add_up_stay(both: tuple[Source, Source]) -> None:
    assert matched(both, [line("a", 300, "BATCH1"), line("b", 200, "BATCH1")], [line("c", 499, "BATCH1")], GROUP) == []


def test_item_of_two_groups_that_both_add_up_is_nobodys(both: tuple[Source, Source]) -> None:
    left = [
        line("a", 300, keys=["batch:BATCH1", "payout:PAY001"]),
        line("b", 200, keys=["batch:BATCH1"]),
        line("c", 100, keys=["payout:PAY001"]),
    ]
    right = [line("d", 500, keys=["batch:BATCH1"]), line("e", 400, keys=["payout:PAY001"])]
    assert matched(both, left, right, GROUP) == []


def test_difference_that_is_a_charge_stays_open_and_says_which(both: tuple[Source, Source]) -> None:
    made = reconciliation(
        *both, rules=[{**GROUP, "tariffs": ["card"]}], tariffs=[{"code": "card", "name": "Card", "percent": "1.5", "fixed_minor": 10}]
    )
    told(both[0], line("a", 6000, "BATCH1"), line("b", 4000, "BATCH1"))
    told(both[1], line("c", 9840, "BATCH1"))
    run(made)
    assert (groups(made), open_of(made)) == ([("a", "b", "c")], {"a": 160})
    said = Match.objects.get(reconciliation=made).explanation
    assert (said["residual"], said["because"], said["tariff"]) == ("160", "tariff", "card")


def test_as_many_alike_on_each_side_are_one_match_and_more_on_one_none(both: tuple[Source, Source]) -> None:
    left = [line("a", 300, counterparty="Shop"), line("b", 300, counterparty="SHOP."), line("x", 900, counterparty="Shop")]
    right = [line("c", 300, counterparty="shop"), line("d", 300, counterparty="shop"), line("y", 900, counterparty="Shop"),
             line("z", 900, counterparty="Shop")]  # fmt: skip
    assert matched(both, left, right, BLOCK) == [("a", "b", "c", "d")]


def test_nothing_is_alike_that_says_nothing(both: tuple[Source, Source]) -> None:
    assert matched(both, [line("a", 300)], [line("b", 300)], BLOCK, ATTRIBUTE) == []


@pytest.mark.parametrize(("after", "found"), [(2, [("a", "b")]), (3, [])])
def test_same_counterparty_and_amount_within_days(both: tuple[Source, Source], after: int, found: list[Any]) -> None:
    left, right = line("a", 300, counterparty="Shop"), line("b", 300, counterparty="Shop", after=after)
    assert matched(both, [left], [right], ATTRIBUTE) == found


def test_second_candidate_within_days_makes_it_nobodys(both: tuple[Source, Source]) -> None:
    right = [line("b", 300, counterparty="Shop", after=2), line("c", 300, counterparty="Shop", after=1)]
    assert matched(both, [line("a", 300, counterparty="Shop")], right, ATTRIBUTE) == []


@pytest.mark.parametrize(("theirs", "found"), [("INV10032", [("a", "b")]), ("ORD98765", [])], ids=["mistyped", "another"])
def test_other_reference_is_another_movement_unless_mistyped(both: tuple[Source, Source], theirs: str, found: list[Any]) -> None:
    left, right = line("a", 300, "INV10023", counterparty="Shop"), line("b", 300, theirs, counterparty="Shop")
    assert matched(both, [left], [right], ATTRIBUTE) == found


def test_amount_alone_only_suggests(both: tuple[Source, Source]) -> None:
    window = {"kind": "window", "days": 2, "automatic": False}
    assert matched(both, [line("a", 300)], [line("b", 300, after=1)], window) == []
    assert Suggestion.objects.get().kind == "window"


def test_amounts_within_the_bound_under_one_reference_leave_the_rest_open(both: tuple[Source, Source]) -> None:
    made = reconciliation(*both, rules=[{"kind": "tolerance", "absolute_minor": 5, "days": 1}])
    told(both[0], line("a", 1000, "SAME01"), line("b", 1000, "SAME02"))
    told(both[1], line("c", 996, "SAME01"), line("d", 994, "SAME02"))
    run(made)
    assert (groups(made), open_of(made)) == ([("a", "c")], {"a": 4, "b": 1000, "d": 994})


def test_pair_that_somebody_refused_is_never_matched(both: tuple[Source, Source], maker: User) -> None:
    made = reconciliation(*both, rules=[CONTRA])
    told(both[0], line("a", 300, "SAME01"))
    told(both[1], line("b", 300, "SAME01"))
    run(made)
    rules = Rules.from_json({"passes": [{**KEY, "id": "key", "name": "key"}]})
    left, right = sorted(made.items.values_list("pk", flat=True))
    tried = partial(try_rules, reconciliation=made, rules=rules, since=None, decided=False)
    assert [group.items for group in tried().groups] == [(left, right)]
    NeverMatch.objects.create(left_id=left, right_id=right, reason="two payments", said_by=maker, until="2099-01-01")
    assert (tried().groups, tried().left) == ((), 2)
