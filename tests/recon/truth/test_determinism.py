"""The same items give the same matches, in whatever order they come, wherever a run is lost, and however often it is repeated."""

import json
from collections.abc import Callable
from functools import lru_cache

import pytest
from django.db import transaction
from django.db.models import F

from ledgerops.scenarios.generate import generate
from ledgerops.scenarios.judge import outcome_of
from ledgerops.scenarios.load import Defined, define, deliver, load, run
from ledgerops.scenarios.shapes import Scenario
from recon import operations as recon
from recon.models import Allocation, Break, Item, Match, Reconciliation, Run, Suggestion
from recon.operations import engine, runs

pytestmark = pytest.mark.django_db

SEED, ITEMS = 21, 160


@lru_cache
def scenario(populations: int = 2) -> Scenario:
    return generate(seed=SEED, items=ITEMS, populations=populations)


def alone(defined: Defined, work: Callable[[], None]) -> str:
    """Do the work in a transaction of its own, take what came of it as JSON, and undo it; ids go on counting."""
    undone = transaction.atomic()
    undone._from_testcase = True  # type: ignore[attr-defined] # the acts within insist on transactions of their own
    with undone:
        work()
        told = json.dumps(outcome_of(defined.reconciliation).as_json())
        transaction.set_rollback(True)
    return told


@pytest.mark.parametrize("populations", [2, 3])
def test_the_order_of_items_changes_nothing(populations: int) -> None:
    told = scenario(populations)
    defined = define(told)

    def both(shuffled: int | None) -> None:
        for delivery in (1, 2):
            deliver(told, defined, delivery=delivery, shuffled=shuffled)
            run(defined)

    expected = alone(defined, lambda: both(None))
    assert len(json.loads(expected)["matches"]) > ITEMS // 6
    assert alone(defined, lambda: both(1)) == expected
    assert alone(defined, lambda: both(2)) == expected


class Lost(BaseException):
    """A worker that is killed leaves nothing behind but what it had committed."""


def test_a_run_that_is_lost_before_any_of_its_steps_ends_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    defined = define(scenario())
    deliver(scenario(), defined, delivery=1)
    take_step, left = runs._take_step, 1000
    # However little a pass matches, what comes after it is a step of its own.
    monkeypatch.setattr(engine, "TOGETHER_MAX", -1)

    def step(**values: object) -> bool:
        nonlocal left
        if left == 0:
            raise Lost
        left -= 1
        return take_step(**values)  # type: ignore[arg-type]

    def lose_and_go_on(before: int) -> None:
        nonlocal left
        left = before
        with pytest.raises(Lost):
            run(defined)
        left = 1000
        Run.objects.filter(status="running").update(heartbeat_at=F("heartbeat_at") - 2 * runs.SILENCE)
        for pk in recon.overdue_runs():
            recon.execute_run(run_id=pk)

    monkeypatch.setattr(runs, "_take_step", step)
    expected = alone(defined, lambda: run(defined))
    steps = 1000 - left
    assert steps == len(["collect", "contra", "reference", "group", "alike", "party", "window", "suggest", "explain"])
    for before in range(steps):
        assert alone(defined, lambda before=before: lose_and_go_on(before)) == expected  # type: ignore[misc]


@pytest.mark.parametrize("populations", [2, 3])
def test_running_again_changes_nothing(populations: int) -> None:
    defined = load(scenario(populations))
    before = _everything(defined.reconciliation)
    run(defined)
    assert _everything(defined.reconciliation) == before
    assert Run.objects.latest("number").matches_made == 0
    # A run that looks at everything, because its watermark is gone, comes to the same.
    Run.objects.filter(reconciliation=defined.reconciliation).update(watermark="")
    run(defined)
    assert _everything(defined.reconciliation) == before


def _everything(reconciliation: Reconciliation) -> list[list[tuple[object, ...]]]:
    of_it = {"reconciliation": reconciliation}
    return [
        list(Item.objects.filter(**of_it).order_by("pk").values_list()),
        list(Match.objects.filter(**of_it).order_by("pk").values_list("pk", "pass_id", "explanation")),
        list(Allocation.objects.filter(match__reconciliation=reconciliation).order_by("pk").values_list()),
        list(Break.objects.filter(**of_it).order_by("pk").values_list("pk", "type", "state", "ledger_item", "statement_item", "version")),
        list(Suggestion.objects.filter(**of_it).order_by("pk").values_list("pk", "items", "state")),
    ]
