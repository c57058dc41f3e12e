"""Runs at the same moment as other runs, as people who match by hand, and as postings: no item is used twice, and no match is wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from django.db.models import Count, F, Sum

from ledgerops.lib.errors import Refusal
from ledgerops.scenarios.generate import generate
from ledgerops.scenarios.judge import judge, outcome_of
from ledgerops.scenarios.load import Defined, define, post, run, take_in
from ledgerops.scenarios.shapes import Scenario
from recon import operations as recon
from recon.models import Allocation, Break, Item, Match, MatchMethod, Run
from tests.concurrency.together import at_once

pytestmark = pytest.mark.django_db(transaction=True)

STEADY = {
    "plain", "timing", "noise", "typo", "unreferenced", "aggregate", "split", "batch", "missing_external", "missing_internal",
}  # fmt: skip


@pytest.fixture
def told() -> Scenario:
    """Return a scenario of which nothing depends on what comes first, as duplicates do."""
    whole = generate(seed=31, items=320)
    kept = {item for item, name in whole.scenario_of().items() if name in STEADY}
    return replace(
        whole,
        items=tuple(item for item in whole.items if item.id in kept),
        groups=tuple(group for group in whole.groups if group.scenario in STEADY),
        breaks=tuple(one for one in whole.breaks if one.scenario in STEADY),
    )


@pytest.fixture
def defined(told: Scenario) -> Defined:
    """Make everything a break by a statement of the last day alone, with half of the ledger; then take in all of the statement."""
    ready = define(told)
    ours = [item for item in told.items if item.population == "Ledger"]
    theirs = [item for item in told.items if item.population == "Bank" and not item.withdrawn]
    post(ours[::2], account=ready.accounts["Ledger"], asset=told.asset)
    take_in(theirs[-1:], scenario=told, defined=ready, population=told.populations[1])
    run(ready)
    take_in(theirs, scenario=told, defined=ready, population=told.populations[1])
    return ready


def test_no_item_is_used_twice_whoever_comes_at_once(told: Scenario, defined: Defined) -> None:
    rest = [item for item in told.items if item.population == "Ledger"][1::2]
    queued = recon.request_run(reconciliation_id=defined.reconciliation.pk, requested_by_id=defined.maker.pk)
    outcomes = at_once(
        [
            lambda: recon.execute_run(run_id=queued.pk),
            lambda: recon.execute_run(run_id=queued.pk),
            *_by_hand(told, defined),
            lambda: post(rest, account=defined.accounts["Ledger"], asset=told.asset),
        ]
    )
    assert [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Refusal)] == []
    for pk in recon.overdue_runs():
        recon.execute_run(run_id=pk)
    run(defined)
    assert set(Run.objects.filter(reconciliation=defined.reconciliation).values_list("status", flat=True)) == {"completed"}
    assert Item.objects.filter(reconciliation=defined.reconciliation, side="ledger").count() == sum(
        item.population == "Ledger" for item in told.items
    )
    _nothing_is_used_twice()
    verdict = judge(told, outcome_of(defined.reconciliation))
    assert verdict.wrong == ()
    by_hand = Match.objects.filter(method=MatchMethod.MANUAL).count()
    assert by_hand + verdict.matches >= sum(group.automatic for group in told.groups) * 0.9


def test_two_whole_runs_asked_for_at_once_match_as_one_would(told: Scenario, defined: Defined) -> None:
    def ask_and_run() -> Run:
        queued = recon.request_run(reconciliation_id=defined.reconciliation.pk, requested_by_id=defined.maker.pk)
        return recon.execute_run(run_id=queued.pk)

    post([item for item in told.items if item.population == "Ledger"][1::2], account=defined.accounts["Ledger"], asset=told.asset)
    outcomes = at_once([ask_and_run, ask_and_run])
    assert [one for one in outcomes if isinstance(one, Exception) and not isinstance(one, Refusal)] == []
    assert set(Run.objects.filter(reconciliation=defined.reconciliation).values_list("status", flat=True)) == {"completed"}
    _nothing_is_used_twice()
    verdict = judge(told, outcome_of(defined.reconciliation))
    assert verdict.wrong == ()
    assert verdict.recall.by_count >= 0.95


def _by_hand(told: Scenario, defined: Defined) -> list[Callable[[], Any]]:
    """Return what three people do: each matches pairs that belong together, by the breaks of their postings."""
    lines = dict(Item.objects.filter(side="statement", open=True).values_list("statement_line__raw", "pk"))
    keys = {break_.reference: break_ for break_ in Break.objects.filter(type="missing_external")}
    items = {item.id: item for item in told.items}
    wanted = []
    for group in told.groups:
        ours, theirs = (next((one for one in group.items if items[one].population == side), "") for side in ("Ledger", "Bank"))
        if group.scenario in ("plain", "timing") and theirs in lines and items[ours].reference in keys:
            wanted.append((keys[items[ours].reference], lines[theirs]))
    assert len(wanted) > 6

    def work(mine: list[tuple[Break, int]]) -> int:
        made = 0
        for recon_break, item in mine:
            try:
                recon.match_by_hand(break_id=recon_break.pk, version=recon_break.version, item_ids=[item], matched_by_id=defined.maker.pk)
            except Refusal:
                continue  # the run was first
            made += 1
        return made

    return [lambda mine=wanted[n::3]: work(mine) for n in range(3)]  # type: ignore[misc]


def _nothing_is_used_twice() -> None:
    live = Allocation.objects.filter(revoked_at=None)
    assert not live.values("item").annotate(used=Sum("amount_minor"), of=F("item__amount_minor")).filter(used__gt=F("of")).exists()
    assert not live.filter(partial=False).values("item").annotate(times=Count("pk")).filter(times__gt=1).exists()
