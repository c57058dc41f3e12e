"""A restated statement is a new version: what stays keeps its matches, what is gone gives them up, what is new counts."""

import pytest

from approvals.models import User
from audit.models import AuditEvent
from recon import operations
from recon.models import Allocation, Break, Item, RepeatedLine, Run, Source, Statement
from recon.operations import RestatementWaits, StatementKnown, StatementRestated
from tests.concurrency import scene
from tests.fixtures import Post
from tests.notation import writes_nothing
from tests.recon.delivered import accept, counted, mt940, receive, run_all

BEFORE = mt940((0, 100, "INV-0001"), (0, 250, "INV-0002"), (0, -30, "FEE-0001"), number=1)
AFTER = mt940((0, 100, "INV-0001"), (0, 260, "INV-0002"), (0, -30, "FEE-0001"), (0, 7, "INV-0003"), number=1)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def first(bank: Source, maker: User, post: Post) -> Statement:
    """A statement of three lines, of which two are matched and one is a break."""
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", reference="INV-0001")
    post("1010 debit 2.50 USD / 2010 credit 2.50 USD", reference="INV-0002")
    statement = accept(BEFORE, by=maker, source=bank)
    run_all()
    assert Allocation.objects.filter(revoked_at=None).count() == 4
    return statement


def test_other_content_under_the_same_number_is_refused_until_somebody_says_that_it_replaces(
    first: Statement, bank: Source, maker: User
) -> None:
    file = receive(AFTER, by=maker)
    with writes_nothing(), pytest.raises(StatementRestated) as refusal:
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert refusal.value.detail["statement_id"] == str(first.pk)


def test_lines_that_stay_keep_their_items_and_matches_and_lines_that_are_gone_give_them_up(
    first: Statement, bank: Source, maker: User
) -> None:
    kept = Item.objects.get(statement_line__reference="INV-0001")
    fee = Item.objects.get(statement_line__reference="FEE-0001")
    gone = Item.objects.get(statement_line__reference="INV-0002")
    second = accept(AFTER, by=maker, source=bank, restating=[first.pk])
    assert (second.version, second.supersedes_id, counted(second)) == (2, first.pk, ["INV-0001", "INV-0002", "FEE-0001", "INV-0003"])
    for item in (kept, fee, gone):
        item.refresh_from_db()
    lines = second.statement_lines
    assert (lines.get(reference="INV-0001").item, kept.open) == (kept, False)
    assert (lines.get(reference="FEE-0001").item, fee.open, gone.withdrawn_by_id, gone.open) == (fee, True, second.pk, False)
    assert Item.objects.get(side="ledger", reference="INV-0002").open
    assert scene.wrongs() == [f"item {gone.pk} is closed without a match"]
    events = AuditEvent.objects.filter(action__in=["recon.statement.restated", "recon.match.revoked"], outcome="done")
    assert events.count() == 2
    assert Run.objects.filter(status="queued").count() == 1
    run_all()
    assert {one.type for one in Break.objects.exclude(state="resolved")} >= {"amount"}


def test_break_about_a_line_that_is_gone_is_withdrawn_with_it(first: Statement, bank: Source, maker: User) -> None:
    about = Break.objects.get(statement_item__statement_line__reference="FEE-0001")
    without = mt940((0, 100, "INV-0001"), (0, 250, "INV-0002"), number=1)
    second = accept(without, by=maker, source=bank, restating=[first.pk])
    about.refresh_from_db()
    assert (about.state, about.withdrawn_by_id, about.resolved_by_id) == ("resolved", second.pk, None)
    assert Allocation.objects.filter(revoked_at=None).count() == 4


def test_proposal_on_a_line_that_would_go_is_decided_first(first: Statement, bank: Source, maker: User, checker: User) -> None:
    scene.propose(scene.break_of(reference="FEE-0001"), by=maker)
    file = receive(mt940((0, 100, "INV-0001"), (0, 250, "INV-0002"), number=1), by=maker)
    with writes_nothing(), pytest.raises(RestatementWaits, match="is to be decided first"):
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk], restating=[first.pk])


def test_the_superseded_version_neither_counts_nor_comes_back(first: Statement, bank: Source, maker: User) -> None:
    second = accept(AFTER, by=maker, source=bank, restating=[first.pk])
    again = BEFORE.replace(b":20:W1", b":20:XX")
    with pytest.raises(StatementKnown):
        accept(again, by=maker, source=bank, restating=[second.pk])
    assert list(Statement.objects.counting()) == [second]


def test_repeated_lines_of_the_version_before_stay_repeated(bank: Source, maker: User) -> None:
    accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank)
    rows = [(0, 100, "A-0001"), (2, 5, "A-0002")]
    week = accept(mt940(*rows, number=9, last=4), by=maker, source=bank)
    restated = accept(mt940(*rows, (3, 6, "A-0003"), number=9, last=4), by=maker, source=bank, restating=[week.pk])
    assert counted(restated) == ["A-0002", "A-0003"]
    assert RepeatedLine.objects.filter(line__statement=restated).count() == 1
    assert Item.objects.filter(withdrawn_by=None).count() == 3


def test_two_equal_lines_of_which_one_goes_keep_the_first(bank: Source, maker: User) -> None:
    before = accept(mt940((0, 100, "A-0001"), (0, 100, "A-0001"), number=1), by=maker, source=bank)
    items = list(Item.objects.order_by("pk"))
    after = accept(mt940((0, 100, "A-0001"), number=1), by=maker, source=bank, restating=[before.pk])
    assert counted(after) == ["A-0001"]
    assert [Item.objects.get(pk=item.pk).withdrawn_by_id for item in items] == [None, after.pk]


def test_preview_says_what_a_restatement_would_do(first: Statement, bank: Source, maker: User) -> None:
    file = receive(AFTER, by=maker)
    (parsed,) = operations.statements_in(file)
    effect = operations.restatement_by(file, parsed=parsed, replaced=first)
    assert (effect.kept, effect.gone_count, effect.new_count, effect.matches) == (2, 1, 2, 1)
    assert [line.reference for line in effect.gone] == ["INV-0002"]
    assert [line.reference for line in effect.new] == ["INV-0002", "INV-0003"]
