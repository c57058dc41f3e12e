"""Precision and recall on generated reconciliations: no automatic match is wrong, and next to none is missing."""

import pytest

from ledgerops.scenarios.generate import SHARE, generate
from ledgerops.scenarios.judge import Verdict, judge, outcome_of
from ledgerops.scenarios.load import load

pytestmark = pytest.mark.django_db

RECALL, RECALL_OF_EACH, ITEMS_OF_EACH = 0.95, 0.90, 0.02


def verdict_on(*, seed: int, items: int, populations: int) -> Verdict:
    scenario = generate(seed=seed, items=items, populations=populations)
    return judge(scenario, outcome_of(load(scenario).reconciliation))


def hold(verdict: Verdict) -> None:
    """Assert what is promised of every seed."""
    assert verdict.wrong == ()
    assert min(verdict.recall.by_count, verdict.recall.by_value) >= RECALL
    short = {name: share for name, share in verdict.recalls.items() if min(share.by_count, share.by_value) < RECALL_OF_EACH}
    assert not short


@pytest.mark.parametrize(("seed", "populations"), [(1, 2), (2, 2), (3, 2), (1, 3), (2, 3)])
def test_no_automatic_match_is_wrong_and_next_to_none_is_missing(seed: int, populations: int) -> None:
    hold(verdict_on(seed=seed, items=400, populations=populations))


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "populations"), [*((seed, 2) for seed in range(100, 150)), *((seed, 3) for seed in range(100, 125))])
def test_so_it_is_on_every_seed(seed: int, populations: int) -> None:
    hold(verdict_on(seed=seed, items=400 + 23 * (seed - 100), populations=populations))


@pytest.mark.parametrize("populations", [2, 3])
def test_every_scenario_has_its_share_of_the_items(populations: int) -> None:
    scenario = generate(seed=11, items=1000, populations=populations)
    told = scenario.scenario_of()
    standing = [item.id for item in scenario.items if not item.withdrawn]
    assert set(told) == set(standing)
    assert SHARE >= ITEMS_OF_EACH
    counted = {name: sum(told[item] == name for item in standing) for name in set(told.values())}
    assert min(counted.values()) >= ITEMS_OF_EACH * len(standing)
