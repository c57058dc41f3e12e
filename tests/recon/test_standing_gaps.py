"""What is missing before a statement, as things stand, is what its source's statements say: in whatever order they come, and restated."""

from itertools import permutations
from uuid import UUID

import pytest

from approvals.models import User
from recon.feeds import with_continuity
from recon.models import Source, StandingGap, Statement
from tests.concurrency import scene
from tests.fixtures import signed_in
from tests.recon.delivered import accept, mt940

# Four days; the third does not begin with what the second ended with, and the last two are of one day.
DELIVERED = [
    mt940((0, 100, "A-0001"), number=1),
    mt940((1, 50, "A-0002"), number=2, first=1, last=1, opening_minor=100),
    mt940((2, 30, "A-0003"), number=3, first=2, last=2, opening_minor=170),
    mt940((2, 5, "A-0004"), number=4, first=2, last=2, opening_minor=200),
]


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def kept() -> dict[UUID, int]:
    return {gap.statement_id: int(gap.gap_minor) for gap in StandingGap.objects.all()}


def reckoned() -> dict[UUID, int]:
    return {one.pk: int(gap) for one in with_continuity(Statement.objects.all()) if (gap := vars(one)["gap_now_minor"])}


@pytest.mark.parametrize("order", list(permutations(range(4)))[::3])
def test_whatever_the_order_of_arrival_what_is_kept_is_what_stands(bank: Source, maker: User, order: tuple[int, ...]) -> None:
    for place in order:
        accept(DELIVERED[place], by=maker, source=bank)
        assert kept() == reckoned()
    assert {Statement.objects.get(pk=pk).number: gap for pk, gap in kept().items()} == {"3/1": 20}


def test_restatement_opens_and_closes_what_comes_after_it(bank: Source, maker: User) -> None:
    first, second = (accept(content, by=maker, source=bank) for content in DELIVERED[:2])
    accept(DELIVERED[2], by=maker, source=bank)
    restated = mt940((1, 70, "A-0002"), number=2, first=1, last=1, opening_minor=100)
    accept(restated, by=maker, source=bank, restating=[second.pk])
    assert kept() == reckoned()
    assert StandingGap.objects.count() == 0
    accept(mt940((0, 90, "A-0001"), number=1), by=maker, source=bank, restating=[first.pk])
    assert kept() == reckoned()
    assert sorted(kept().values()) == [10, 10], "the version before of the next day is not gone"


def test_list_of_gaps_shows_what_does_not_go_on(bank: Source, maker: User) -> None:
    for content in DELIVERED[:3]:
        accept(content, by=maker, source=bank)
    browser = signed_in(maker)
    shown = [list(browser.get(f"/statements/?gap={wanted}").context["page"].rows) for wanted in ("gap", "none")]
    assert [[one.number for one in rows] for rows in shown] == [["3/1"], ["2/1", "1/1"]]
