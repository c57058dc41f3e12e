"""The same line in two deliveries counts once; two equal lines of one account are two lines; a person may say otherwise, two of them."""

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, User
from recon import feeds, operations
from recon.models import Item, RepeatedLine, Source, Statement
from recon.operations import RepeatRefused
from recon.web.statements.preview import preview_of
from tests.concurrency import scene
from tests.notation import writes_nothing
from tests.recon.delivered import accept, counted, mt940, receive


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def test_a_week_over_its_days_counts_only_what_is_new_and_stays_proven(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), (0, 100, "A-0001"), number=1), by=maker, source=bank)
    accept(mt940((1, 50, "A-0002"), number=2, first=1, last=1, opening_minor=200), by=maker, source=bank)
    week = accept(
        mt940((0, 100, "A-0001"), (0, 100, "A-0001"), (1, 50, "A-0002"), (2, -30, "A-0003"), number=9, first=0, last=4),
        by=maker,
        source=bank,
    )
    assert (week.proof, week.line_count, counted(week)) == ("proven", 4, ["A-0003"])
    assert RepeatedLine.objects.filter(line__statement=week).count() == 3
    assert Item.objects.count() == 4
    assert [week.repeated_minor, week.gap_minor, feeds.continuity_now(week).gap_minor] == [250, 0, 0], "it goes on without them"
    assert feeds.with_continuity(Statement.objects.filter(pk=week.pk)).get().gap_now_minor == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize("missing_minor", [0, 40])
def test_preview_says_the_gap_that_acceptance_finds(bank: Source, maker: User, missing_minor: int) -> None:
    accept(mt940((0, 100, "A-0001"), (0, 100, "A-0001"), number=1), by=maker, source=bank)
    content = mt940((0, 100, "A-0001"), (0, 100, "A-0001"), (2, -30, "A-0003"), number=9, last=4, opening_minor=missing_minor)
    file = receive(content, by=maker)
    detail = preview_of(file, user=maker, ordinal=1, first_line=1).detail
    assert detail is not None
    assert (detail.gap_minor, detail.repeated) == (missing_minor, 2)
    assert accept(content, by=maker, source=bank).gap_minor == missing_minor


def test_an_overlap_with_something_missing_before_it_is_a_gap(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank)
    week = accept(mt940((0, 100, "A-0001"), (2, -30, "A-0003"), number=9, last=4, opening_minor=40), by=maker, source=bank)
    assert [week.gap_minor, feeds.continuity_now(week).gap_minor] == [40, 40]


def test_one_occurrence_more_than_before_is_a_line_of_its_own(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank)
    week = accept(mt940((0, 100, "A-0001"), (0, 100, "A-0001"), number=9, first=0, last=4), by=maker, source=bank)
    assert counted(week) == ["A-0001"]
    assert list(Item.objects.order_by("occurrence").values_list("occurrence", flat=True)) == [1, 2]


def test_a_statement_that_goes_on_by_its_balance_repeats_nothing(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank)
    later = mt940((0, 100, "A-0001"), number=2, first=1, last=0, opening_minor=100)
    assert counted(accept(later, by=maker, source=bank)) == ["A-0001"]
    assert not RepeatedLine.objects.exists()


def test_a_week_of_an_account_emptied_every_day_does_not_pass_for_a_continuation(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), (0, -100, "A-0002"), number=1), by=maker, source=bank)
    accept(mt940((1, 70, "A-0003"), (1, -70, "A-0004"), number=2, first=1, last=1), by=maker, source=bank)
    rows = ((0, 100, "A-0001"), (0, -100, "A-0002"), (1, 70, "A-0003"), (1, -70, "A-0004"))
    assert counted(accept(mt940(*rows, number=9, first=0, last=1), by=maker, source=bank)) == []
    assert Item.objects.count() == 4


def test_what_is_no_duplicate_counts_once_two_people_say_so(bank: Source, maker: User, checker: User) -> None:
    accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank)
    week = accept(mt940((0, 100, "A-0001"), (2, 5, "A-0009"), number=9, first=0, last=4), by=maker, source=bank)
    repeated = RepeatedLine.objects.get(line__statement=week)
    proposal = operations.propose_counting(
        line_id=repeated.pk, reason_code="NO_DUPLICATE", narrative="The customer paid the same twice on that day", maker_id=maker.pk
    )
    assert counted(week) == ["A-0009"]
    version = proposal.versions.get()
    approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        outcome=DecisionOutcome.APPROVE,
        comment="",
        approver_id=checker.pk,
    )
    assert sorted(counted(week)) == ["A-0001", "A-0009"]
    repeated.refresh_from_db()
    assert repeated.proposal_id == proposal.pk
    with writes_nothing(), pytest.raises(RepeatRefused, match="counts already"):
        operations.propose_counting(line_id=repeated.pk, reason_code="NO_DUPLICATE", narrative="Once more", maker_id=maker.pk)


def test_a_line_that_repeats_nothing_cannot_be_counted_again(bank: Source, maker: User) -> None:
    statement: Statement = accept(mt940((0, 100, "A-0001")), by=maker, source=bank)
    with writes_nothing(), pytest.raises(RepeatRefused, match="repeats no other"):
        operations.propose_counting(
            line_id=statement.statement_lines.get().pk, reason_code="NO_DUPLICATE", narrative="Not repeated at all", maker_id=maker.pk
        )
