"""Runs: broken off and resumed, cancelled, with nothing to do, by shuffled input; passes that are demoted, matches that are challenged."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from approvals.models import User
from audit.models import AuditEvent
from recon import operations
from recon.models import (
    Item,
    Match,
    MatchChallenge,
    MatchUndoing,
    PassDemotion,
    Population,
    Reconciliation,
    Run,
    RunPass,
    Source,
    Suggestion,
)
from recon.operations import engine, runs
from recon.operations.runs import NOTHING_NEW
from tests.notation import writes_nothing
from tests.recon.passes.agreeing import groups, open_of, reconciliation, run, sources, told
from tests.recon.passes.test_passes_by_kind import KEY, line

Lines = list[dict[str, Any]]
OTHERS = ((1, "1040"), (2, "1050"))


@pytest.fixture
def both(roles: None, chart: object) -> tuple[Source, Source]:
    return sources()


def a_days_lines() -> tuple[Lines, Lines]:
    """Return something for every pass: pairs, ties, sums, an error with its reversal, alike ones, and what is on one side alone."""
    left = [line(f"l{n}", 100 + n, f"PAIR{n:02d}") for n in range(12)] + [line(f"lt{n}", 900, "TIED01") for n in range(2)]
    left += [line("ls1", 300, "BATCH1"), line("ls2", 200, "BATCH1"), line("le", 77, "ERROR1"), line("lr", -77, "ERROR1", after=1)]
    left += [line(f"lb{n}", 640, counterparty="Shop") for n in range(3)] + [line("lw", 4321)]
    right = [line(f"r{n}", 100 + n, f"PAIR{n:02d}", after=n % 3) for n in range(12)] + [line("rt", 900, "TIED01")]
    right += [line("rs", 500, "BATCH1")] + [line(f"rb{n}", 640, counterparty="Shop") for n in range(3)] + [line("rw", 4321, after=1)]
    return left, right


def agreement(both: tuple[Source, Source], *, seed: int = 0) -> Reconciliation:
    made = reconciliation(*both)
    for source, lines in zip(both, a_days_lines(), strict=True):
        random.Random(seed).shuffle(lines)  # noqa: S311 (no secret)
        told(source, *lines)
    return made


def outcome(made: Reconciliation) -> tuple[Any, ...]:
    explained = sorted(Match.objects.filter(reconciliation=made).values_list("pass_id", "explanation__days", "explanation__key"), key=str)
    suggested = Suggestion.objects.filter(reconciliation=made).count()
    breaks = sorted(made.breaks.values_list("type", "reference", "difference_minor"))
    return groups(made), open_of(made), explained, suggested, breaks


@pytest.mark.parametrize("seed", range(1, 4))
def test_order_of_what_comes_in_changes_nothing(both: tuple[Source, Source], seed: int) -> None:
    first = reconciliation(*both)
    for source, lines in zip(both, a_days_lines(), strict=True):
        told(source, *lines)
    run(first)
    others = [operations.register_source(code=f"s{seed}{n}", name=f"S{n}", identifier=f"1000{n}", account=code) for n, code in OTHERS]
    second = reconciliation(*others)
    for source, lines in zip(others, a_days_lines(), strict=True):
        random.Random(seed).shuffle(lines)  # noqa: S311 (no secret)
        told(source, *lines)
    run(second)
    assert outcome(first) == outcome(second)
    assert len(groups(first)) == 11


@pytest.mark.parametrize(("dies_after", "together"), [*((n, -1) for n in range(1, 7)), *((n, engine.TOGETHER_MAX) for n in range(1, 4))])
def test_run_that_is_lost_anywhere_goes_on_there_and_ends_alike(
    both: tuple[Source, Source], dies_after: int, together: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, again = agreement(both), reconciliation(*both)
    run(again)
    monkeypatch.setattr(engine, "TOGETHER_MAX", together)
    steps = []

    def dying(take: Callable[..., bool]) -> Callable[..., bool]:
        def step(**arguments: Any) -> bool:
            steps.append(arguments)
            if len(steps) > dies_after:
                raise KeyboardInterrupt
            return take(**arguments)

        return step

    queued = operations.request_run(reconciliation_id=made.pk, requested_by_id=None)  # type: ignore[arg-type]
    with monkeypatch.context() as patch:
        patch.setattr(runs, "_take_step", dying(runs._take_step))
        with pytest.raises(KeyboardInterrupt):
            operations.execute_run(run_id=queued.pk)
    Run.objects.filter(pk=queued.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=10))
    done = operations.execute_run(run_id=queued.pk)
    assert (done.status, outcome(made)) == ("completed", outcome(again))
    told_of = [one.position for one in done.passes.all()]
    assert told_of == list(range(1, len(told_of) + 1)), "each pass once, those that suggest included"
    assert len(told_of) >= done.passes_total


def test_run_with_nothing_new_says_so(both: tuple[Source, Source]) -> None:
    made = agreement(both)
    first = run(made)
    with writes_nothing(except_in=["recon_run"]):
        second = run(made)
    assert (first.step, second.status, second.step, second.watermark) == ("explain", "completed", NOTHING_NEW, first.watermark)
    told(both[0], line("late", 1, "LATE01"))
    assert run(made).step == "explain"


def test_run_is_cancelled_between_passes_and_keeps_what_it_matched(
    both: tuple[Source, Source], maker: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = agreement(both)
    queued = operations.request_run(reconciliation_id=made.pk, requested_by_id=maker.pk)
    take = engine.take_pass

    def take_and_ask(**arguments: Any) -> RunPass:
        if arguments["position"] == 2:
            Run.objects.filter(pk=queued.pk).update(cancel_asked_by=maker, cancel_asked_at=Now())
        return take(**arguments)

    monkeypatch.setattr(engine, "take_pass", take_and_ask)
    done = operations.execute_run(run_id=queued.pk)
    assert (done.status, done.passes_done, done.cancel_asked_by) == ("cancelled", 2, maker)
    assert done.matches_made == len(groups(made)) > 0
    with pytest.raises(operations.RunRefused):
        operations.cancel_run(run_id=queued.pk, asked_by_id=maker.pk)


def test_run_whose_worker_is_gone_is_cancelled_by_the_next_one(both: tuple[Source, Source], maker: User) -> None:
    queued = operations.request_run(reconciliation_id=agreement(both).pk, requested_by_id=maker.pk)
    operations.claim_run(run_id=queued.pk)
    assert operations.cancel_run(run_id=queued.pk, asked_by_id=maker.pk).status == "running"
    Run.objects.filter(pk=queued.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=10))
    assert operations.execute_run(run_id=queued.pk).status == "cancelled"
    events = AuditEvent.objects.filter(action__startswith="recon.run.cancel", outcome="done").values_list("action", flat=True)
    assert sorted(events) == ["recon.run.cancel_asked", "recon.run.cancelled"]


def test_waiting_run_is_cancelled_at_once(both: tuple[Source, Source], maker: User) -> None:
    queued = operations.request_run(reconciliation_id=agreement(both).pk, requested_by_id=maker.pk)
    assert operations.cancel_run(run_id=queued.pk, asked_by_id=maker.pk).status == "cancelled"
    assert operations.execute_run(run_id=queued.pk).status == "cancelled"


def test_pass_whose_matches_are_undone_only_suggests(both: tuple[Source, Source], maker: User) -> None:
    made = reconciliation(*both, rules=[KEY])
    for side, source in enumerate(both):
        told(source, *(line(f"{side}{n}", 100 + n, f"PAIR{n:02d}") for n in range(6)))
    run(made)
    for match in Match.objects.order_by("pk")[:4]:
        MatchUndoing.objects.create(match=match, reason="not these", undone_by=maker)
    for side, source in enumerate(both):
        told(source, line(f"{side}-late", 700, "LATE01"))
    done = run(made)
    demotion = PassDemotion.objects.get()
    assert (demotion.pass_id, demotion.matches_made, demotion.matches_undone) == ("key", 6, 4)
    assert (done.matches_made, done.suggestions_made, done.passes.get().automatic) == (0, 1, False)


def test_later_item_that_would_have_been_a_tie_challenges_the_match(both: tuple[Source, Source]) -> None:
    made = reconciliation(*both, rules=[KEY])
    told(both[0], line("a", 300, "SAME01"))
    told(both[1], line("b", 300, "SAME01"))
    run(made)
    told(both[1], line("c", 300, "SAME01"))
    done = run(made)
    raised = MatchChallenge.objects.get()
    assert (raised.match, raised.item, done.challenges_raised) == (Match.objects.get(), Item.objects.get(reference="c"), 1)
    told(both[1], line("d", 5, "OTHER1"))
    assert run(made).challenges_raised == 0, "once is enough"


@pytest.mark.parametrize(
    ("filters", "taken"), [({"codes": ["FEE"]}, {"a"}), ({"without_codes": ["FEE"]}, {"b", "c"}), ({}, {"a", "b", "c"})]
)
def test_population_takes_in_only_its_codes(both: tuple[Source, Source], filters: dict[str, Any], taken: set[str]) -> None:
    made = reconciliation(both[0], rules=[KEY])
    Population.objects.create(reconciliation=made, position=2, name="Others", side="statement", source=both[1], **filters)
    told(both[1], *(line(name, 300, f"SAME{name}", transaction_code=code) for name, code in (("a", "FEE"), ("b", "PAY"), ("c", ""))))
    run(made)
    assert set(open_of(made)) == taken
