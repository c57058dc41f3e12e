"""Searches among amounts and pairs, each against an oracle that tries everything; and what a difference suggests."""

from collections import Counter
from decimal import Decimal
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recon.matching import assignment, subset
from recon.matching.causes import KINDS, cause_of
from recon.matching.rules import Tariff

AMOUNTS = st.lists(st.integers(1, 40), max_size=12)


def all_groups(amounts: list[int], target: int, most: int) -> list[tuple[int, ...]]:
    places = range(len(amounts))
    groups = [group for size in range(2, most + 1) for group in combinations(places, size)]
    return [group for group in groups if sum(amounts[place] for place in group) == target]


@settings(max_examples=150, deadline=None)
@given(amounts=AMOUNTS, target=st.integers(1, 120), most=st.integers(2, 12))
def test_subset_finds_what_trying_everything_finds(amounts: list[int], target: int, most: int) -> None:
    found = subset.subsets_with_sum(amounts, target, most=most)
    groups = all_groups(amounts, target, most)
    assert found.ways == min(len(groups), 2)
    assert set(found.solutions) <= set(groups)
    assert len(set(found.solutions)) == found.ways


@settings(max_examples=100, deadline=None)
@given(amounts=AMOUNTS, target=st.integers(1, 120), most=st.integers(2, 12))
def test_bits_find_what_halves_find(amounts: list[int], target: int, most: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subset, "HALVES_MAX", -1)
        found = subset.subsets_with_sum(amounts, target, most=most)
    assert found.ways == min(len(all_groups(amounts, target, most)), 2)
    assert all(sum(amounts[place] for place in group) == target and 2 <= len(group) <= most for group in found.solutions)


@given(amounts=st.lists(st.integers(1, 40), max_size=10), target=st.integers(1, 120), order=st.randoms(use_true_random=False))
def test_order_of_the_amounts_is_no_matter(amounts: list[int], target: int, order: object) -> None:
    shuffled = list(amounts)
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    found, again = subset.subsets_with_sum(amounts, target), subset.subsets_with_sum(shuffled, target)
    if found.is_unique:
        assert Counter(amounts[place] for place in found.solutions[0]) == Counter(shuffled[place] for place in again.solutions[0])
    assert (found.ways, found.given_up, found.by_chance) == (again.ways, again.given_up, again.by_chance)


def test_what_is_too_much_is_given_up_with_its_reason_and_always_alike() -> None:
    assert "200 items" in subset.subsets_with_sum(list(range(1, 300)), 5000).given_up
    assert "so large a sum" in subset.subsets_with_sum([10**12 + n for n in range(40)], 3 * 10**12 + 7).given_up
    long = [subset.subsets_with_sum([2 * n for n in range(10, 110)], 1001, steps=50).given_up for _ in range(2)]
    assert long == ["the search would take too long"] * 2


def test_round_amounts_hit_by_chance_and_odd_ones_hardly() -> None:
    rounded = subset.subsets_with_sum([n * 1000 for n in range(1, 21)], 30_000)
    odd = subset.subsets_with_sum([183_742, 99_301, 77_777], 183_742 + 99_301)
    assert rounded.by_chance > 1
    assert 0.001 > odd.by_chance > 0
    assert odd.solutions == ((0, 1),)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.tuples(st.integers(0, 5), st.integers(10, 15)), st.integers(1, 6), max_size=16))
def test_assignment_is_the_best_and_knows_whether_it_is_the_only_one(weights: dict[tuple[int, int], int]) -> None:
    components = assignment.best_pairs(weights)
    assert sorted(node for part in components for node in part.lefts) == sorted({left for left, _ in weights})
    for part in components:
        best = all_choices({pair: weight for pair, weight in weights.items() if pair[0] in part.lefts})
        heaviest = max(best.values())
        assert part.weight == heaviest == sum(weights[pair] for pair in part.pairs)
        assert part.unique == (sum(weight == heaviest for weight in best.values()) == 1)


def all_choices(weights: dict[tuple[int, int], int]) -> dict[frozenset[tuple[int, int]], int]:
    choices: dict[frozenset[tuple[int, int]], int] = {frozenset(): 0}
    for left, right in sorted(weights):
        for chosen, weight in list(choices.items()):
            if all(left != other and right != taken for other, taken in chosen):
                choices[chosen | {(left, right)}] = weight + weights[left, right]
    return choices


def test_assignment_leaves_a_large_part_alone() -> None:
    (part,) = assignment.best_pairs({(0, right): 1 for right in range(100, 151)})
    assert not part.solved
    assert part.pairs == ()


CARD = Tariff(code="CARD", name="Card fee", percent=Decimal("1.4"), fixed_minor=25)


@pytest.mark.parametrize(
    ("ledger", "statement", "kind", "told"),
    [
        (100_00, 98_35, "fee", {"tariffs": ["CARD"], "fee_minor": "165"}),
        (-98_35, -100_00, "fee", {"of_minor": "10000"}),
        (12_34, 13_24, "transposed", {"digits": ["2", "3"], "adjacent": True}),
        (5_01, 50_10, "decimal_shift", {"places": 1}),
        (7_000, 7, "decimal_shift", {"places": 3}),
        (25_00, 50_00, "doubled", {}),
        (50_00, 25_00, "halved", {}),
        (10_00, -10_00, "sign", {}),
        (10_00, -9_00, "unexplained", {}),
        (10_00, 9_10, "unexplained", {}),
        (0, 5, "unexplained", {}),
    ],
)
def test_difference_suggests_its_cause_with_the_values_it_rests_on(ledger: int, statement: int, kind: str, told: dict[str, object]) -> None:
    cause = cause_of(ledger_minor=ledger, statement_minor=statement, tariffs=[CARD])
    assert cause.kind == kind
    assert {name: cause.rests_on[name] for name in told} == told
    assert cause.as_json()["ledger_minor"] == str(ledger)


@given(st.integers(-(10**20), 10**20), st.integers(-(10**20), 10**20))
def test_cause_is_one_of_the_list_and_turns_with_the_signs(ledger: int, statement: int) -> None:
    cause = cause_of(ledger_minor=ledger, statement_minor=statement, tariffs=[CARD])
    assert cause.kind in KINDS
    assert cause_of(ledger_minor=-ledger, statement_minor=-statement, tariffs=[CARD]).kind == cause.kind


@given(st.integers(10, 10**12), st.data())
def test_two_digits_that_changed_places_are_found_unless_something_simpler_says_it(amount: int, data: st.DataObject) -> None:
    digits = list(str(amount))
    place = data.draw(st.integers(0, len(digits) - 2))
    digits[place], digits[place + 1] = digits[place + 1], digits[place]
    swapped = int("".join(digits))
    if digits[0] != "0" and swapped != amount:
        assert cause_of(ledger_minor=amount, statement_minor=swapped).kind in ("transposed", "doubled", "halved")
