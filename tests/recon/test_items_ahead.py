"""Items that are made while a statement is still being read are those that would be made at its end."""

import io

import pytest
from django.db import transaction

from approvals.models import User
from recon import operations
from recon.models import Item, Reconciliation, RepeatedLine, Source, Statement
from recon.operations import loading
from recon.operations.ahead import Ahead
from recon.operations.intake import FileRefused
from tests.concurrency import scene
from tests.database.around import session_of
from tests.notation import writes_nothing
from tests.recon.delivered import accept, counted, mt940, receive

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

# So many lines are read before items are made of them, and none is read while they are.
LINES = 2
SAME = (
    (0, 100, "A-0001"),
    (0, 100, "A-0001"),
    (0, 50, "A-0002"),
    (0, 100, "A-0001"),
    (1, 50, "A-0002"),
    (1, 5, "A-0003"),
    (1, 5, "A-0003"),
)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture(autouse=True)
def begun(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Make blocks small, and note up to which line each piece of work ahead goes."""
    monkeypatch.setattr(loading, "PIECE", 1)
    monkeypatch.setattr(loading, "LINES_OF_A_COPY", LINES)
    monkeypatch.setattr(loading, "LINES_HELD_BACK", 1)
    begun: list[int] = []
    begin = Ahead.begin

    def noted(self: Ahead, *, through: int) -> object:
        running = begin(self, through=through)
        if running is not None:
            begun.append(through)
        return running

    monkeypatch.setattr(Ahead, "begin", noted)
    return begun


def test_equal_lines_in_several_blocks_are_counted_on(bank: Source, maker: User, begun: list[int]) -> None:
    statement = accept(mt940(*SAME, last=1), by=maker, source=bank)
    assert begun == [2, 4, 6]
    assert counted(statement) == [reference for _, _, reference in SAME]
    occurrences = Item.objects.order_by("statement_line__ordinal").values_list("occurrence", flat=True)
    assert list(occurrences) == [1, 2, 1, 3, 1, 1, 2]
    assert list(Item.objects.order_by("id").values_list("statement_line__ordinal", flat=True)) == [1, 2, 3, 4, 5, 6, 7]


def test_what_shares_no_day_so_far_is_made_and_the_rest_waits_for_the_end(bank: Source, maker: User, begun: list[int]) -> None:
    accept(mt940((2, 30, "B-0001"), first=2, last=2), by=maker, source=bank)
    begun.clear()
    week = accept(mt940(*SAME, (2, 30, "B-0001"), (2, 30, "B-0001"), (3, 7, "B-0002"), number=9, last=4), by=maker, source=bank)
    assert begun == [2, 4, 6]
    assert counted(week) == [*(reference for _, _, reference in SAME), "B-0001", "B-0002"]
    assert RepeatedLine.objects.count() == 1


def test_a_version_of_the_same_days_is_left_to_the_end(bank: Source, maker: User, begun: list[int]) -> None:
    first = accept(mt940(*SAME, last=1), by=maker, source=bank)
    begun.clear()
    again = accept(mt940(*SAME, (1, 9, "A-0004"), last=1), by=maker, source=bank, restating=[first.pk])
    assert begun == []
    assert counted(again) == [*(reference for _, _, reference in SAME), "A-0004"]
    assert Item.objects.filter(withdrawn_by=None).count() == len(SAME) + 1


def test_statements_of_one_file_repeat_each_other_in_any_order(bank: Source, maker: User, begun: list[int]) -> None:
    week = mt940(*SAME, number=9, last=4)
    day = mt940(*SAME[:4], number=1)
    file = receive(week + b"\r\n" + day, by=maker)
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert begun == [2, 4, 6], "only the first one is taken ahead"
    assert Item.objects.count() == len(SAME)
    assert RepeatedLine.objects.count() == 4
    assert sorted(Statement.objects.values_list("line_count", flat=True)) == [4, 7]


def test_a_home_that_somebody_holds_is_not_waited_for(bank: Source, begun: list[int], maker: User) -> None:
    file = receive(mt940(*SAME, last=1), by=maker)
    with session_of("default") as other, transaction.atomic():
        other.execute("SELECT FROM recon_reconciliation WHERE id = %s FOR SHARE", [Reconciliation.objects.get().pk])
        source = Source.objects.get(pk=bank.pk)
        loader = loading.Loader(file_id=file.pk, source_of=lambda _: source, scales={"USD": 2}, ahead=True)
        (statement,) = operations.statements_in(file)
        loader.id_of(statement)
        assert loader._ahead[statement.ordinal].begin(through=LINES) is None
    assert begun == []


def test_a_file_that_cannot_be_read_to_its_end_leaves_no_item(bank: Source, maker: User, begun: list[int]) -> None:
    file = receive(mt940(*SAME, last=1).replace(b":62F:", b":61:rubbish\r\n:62F:"), by=maker, large_bytes=1)
    with writes_nothing(except_in=["recon_file_job"]), pytest.raises(FileRefused):
        operations.take_in(file_id=file.pk, source_ids=[bank.pk], unread=True)
    assert begun


def test_a_statement_that_was_accepted_before_leaves_no_item_of_another_file(bank: Source, maker: User) -> None:
    accept(mt940(*SAME, last=1), by=maker, source=bank)
    known = mt940(*SAME, last=1) + b"\r\n"
    file, _ = operations.receive_file(name="again.sta", content=io.BytesIO(known), maximum_bytes=10**6, received_by_id=maker.pk)
    with pytest.raises(operations.StatementKnown):
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert Item.objects.count() == len(SAME)
