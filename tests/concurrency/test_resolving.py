"""Several people, runs and statements at one break: one wins, and the other is told who was faster and when."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from approvals.models import Proposal, User
from recon import operations as recon
from recon.models import Break, Item, Match, Run, Source, Statement
from recon.operations import BreakRefused, MatchRefused, RestatementWaits
from tests.concurrency import scene
from tests.concurrency.together import at_once, of_type
from tests.fixtures import DAY, Post
from tests.recon.test_resolutions import after, decide, treat, write_off
from tests.recon.test_resolutions import bank as _bank_with_terms
from tests.resolved import ungrounded

pytestmark = pytest.mark.django_db(transaction=True)

bank = _bank_with_terms


def matching(recon_break: Break, *items: Item, by: User) -> Callable[[], Match]:
    return lambda: recon.match_by_hand(
        break_id=recon_break.pk, version=recon_break.version, item_ids=[item.pk for item in items], matched_by_id=by.pk
    )


@pytest.mark.parametrize("turn", range(3))
def test_two_analysts_at_one_break(bank: Source, maker: User, person: Callable[[str, str], User], post: Post, turn: int) -> None:
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    scene.reconcile(scene.mt940(("C", 60_00, "X-1111"), ("C", 60_00, "X-2222")), source=bank, by=maker)
    other, mine = person("second", "Analyst"), scene.break_of(reference="ORD-A")
    first, second = (Item.objects.get(reference=reference) for reference in ("X-1111", "X-2222"))
    outcomes = at_once([matching(mine, first, by=maker), matching(mine, second, by=other)])
    (won,) = of_type(outcomes, Match)
    (lost,) = [one for one in outcomes if not isinstance(one, Match)]
    assert isinstance(lost, BreakRefused | MatchRefused), lost
    assert lost.detail["by"] == (won.made_by and won.made_by.shown_name)
    assert lost.detail["at"]
    assert (scene.wrongs(), ungrounded()) == ([], [])


@pytest.mark.parametrize("turn", range(3))
def test_a_write_off_and_a_match_of_the_same_break(bank: Source, maker: User, checker: User, post: Post, turn: int) -> None:
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    post("1010 debit 3.00 USD / 2010 credit 3.00 USD", reference="ORD-B")
    scene.reconcile(scene.mt940(("C", 63_00, "ORD-A")), source=bank, by=maker)
    pair, rest = scene.break_of(reference="ORD-A"), Item.objects.get(reference="ORD-B")
    proposed, matched = at_once([lambda: write_off(pair, by=maker, break_version=pair.version), matching(pair, rest, by=checker)])
    if isinstance(matched, Match):
        assert isinstance(proposed, BreakRefused | MatchRefused), proposed
        assert proposed.detail["by"] == checker.shown_name
    else:
        assert isinstance(proposed, Proposal), proposed
        assert isinstance(matched, BreakRefused), matched
        assert matched.detail["by"].startswith(maker.shown_name)
    assert (scene.wrongs(), ungrounded()) == ([], [])


@pytest.mark.parametrize("turn", range(3))
def test_an_analyst_and_a_run(bank: Source, maker: User, post: Post, turn: int) -> None:
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    scene.reconcile(scene.mt940(("C", 1_00, "OTHER-1"), ("C", 60_00, "X-1111")), source=bank, by=maker)
    mine, typed = scene.break_of(reference="ORD-A"), Item.objects.get(reference="X-1111")
    run = scene.accept(
        scene.mt940(("C", 60_00, "ORD-A"), opening_minor=61_00, day=DAY + timedelta(days=1), number=2), source=bank, by=maker
    )
    ran, matched = at_once([lambda: recon.execute_run(run_id=run.pk), matching(mine, typed, by=maker)])
    assert isinstance(ran, Run), ran
    if not isinstance(matched, Match):
        assert isinstance(matched, BreakRefused | MatchRefused), matched
        assert matched.detail["by"] == f"run {run.number}"
    mine.refresh_from_db()
    assert mine.state == "resolved"
    assert (scene.wrongs(), ungrounded()) == ([], [])


@pytest.mark.parametrize("turn", range(3))
def test_an_approval_and_a_restatement(bank: Source, maker: User, checker: User, post: Post, turn: int) -> None:
    """The statement comes again without the line whose difference is to be written off."""
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    scene.reconcile(scene.mt940(("C", 58_00, "ORD-A"), ("C", 5_00, "KEPT-1")), source=bank, by=maker)
    pair = scene.break_of(reference="ORD-A")
    proposal = write_off(pair, by=maker)
    file = scene.receive(scene.mt940(("C", 5_00, "KEPT-1"), remark="again"), by=maker)
    first = Statement.objects.get()
    decided, restated = at_once(
        [
            lambda: decide(proposal, by=checker),
            lambda: recon.accept_file(file_id=file.pk, source_ids=[bank.pk], restating=[first.pk]),
        ]
    )
    assert isinstance(decided, Proposal), decided
    assert decided.status == "executed"
    if isinstance(restated, RestatementWaits):
        assert restated.detail["by"].startswith(maker.shown_name)
        file.refresh_from_db()
        assert file.status == "received"
    else:
        assert isinstance(restated, list), restated
    assert ungrounded() == []


@pytest.mark.parametrize("turn", range(2))
def test_two_treatments_at_once(bank: Source, maker: User, checker: User, post: Post, turn: int) -> None:
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    scene.reconcile(scene.mt940(("C", 58_00, "ORD-A")), source=bank, by=maker)
    pair = scene.break_of(reference="ORD-A")
    outcomes = at_once([lambda: treat(pair, by=maker, until=after(1)), lambda: treat(pair, by=checker, until=after(2))])
    (lost,) = of_type(outcomes, BreakRefused)
    assert "at" in lost.detail
    assert pair.treatments.filter(ended_at=None).count() == 1
