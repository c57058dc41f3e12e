"""Several people and workers at one reconciliation: files, runs, breaks and matches."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from django.core.files import File
from django.core.files.storage import default_storage
from django.db import OperationalError

from approvals.models import User
from audit.models import AuditEvent
from recon import operations as recon
from recon.models import Break, Item, Match, MatchMethod, PopulationAccount, RepeatedLine, Run, Source, Statement, StatementFile
from recon.operations import BreakRefused, MatchRefused, StatementKnown
from recon.operations.matches import lock_items, make_match
from tests.concurrency import scene
from tests.concurrency.test_approvals import match_with
from tests.concurrency.together import at_once, meanwhile, of_type, start, until_it_waits
from tests.fixtures import DAY, Post
from tests.recon import delivered

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def run_again(bank: Source, *, by: User) -> Run:
    return recon.execute_run(run_id=recon.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=by.pk).pk)


def done(action: str) -> int:
    return AuditEvent.objects.filter(action=action, outcome="done").count()


def receiving(content: bytes, *, by: User) -> Callable[[], StatementFile]:
    return lambda: scene.receive(content, by=by)


def stored_under(file: StatementFile) -> list[str]:
    """Return every name in the store that begins with the file's hash."""
    return [name for name in default_storage.listdir(file.sha256[:2])[1] if name.startswith(file.sha256)]


def test_same_bytes_uploaded_eight_times_at_once_are_one_file_and_whole(bank: Source, maker: User) -> None:
    content = scene.mt940(*(("C", n, f"REF{n:05d}") for n in range(1, 2000)), remark="eight")
    outcomes = at_once([receiving(content, by=maker)] * 8)
    assert of_type(outcomes, Exception) == []
    assert len({file.pk for file in outcomes}) == 1
    file = StatementFile.objects.get()
    assert default_storage.open(file.storage_name).read() == content
    assert stored_under(file) == [file.sha256]
    assert done("recon.file.received") == 1


class Delivery(io.BytesIO):
    """Bytes that arrive slowly: something happens before the second piece of them is stored."""

    def __init__(self, content: bytes, *, before_second_piece: Callable[[], None]) -> None:
        super().__init__(content)
        self._before_second_piece = before_second_piece
        self._pieces = 0

    def read(self, size: int | None = -1, /) -> bytes:
        if size == File.DEFAULT_CHUNK_SIZE:  # the digest is taken in larger pieces
            self._pieces += 1
            if self._pieces == 2:
                self._before_second_piece()
        return super().read(size)


def test_upload_broken_off_while_another_stores_the_same_bytes_takes_nothing_from_it(bank: Source, maker: User) -> None:
    content = scene.mt940(*(("C", n, f"REF{n:05d}") for n in range(1, 4000)), remark="broken")
    assert len(content) > 2 * File.DEFAULT_CHUNK_SIZE

    def store(before_second_piece: Callable[[], None]) -> StatementFile:
        delivery = Delivery(content, before_second_piece=before_second_piece)
        file, _ = recon.receive_file(name="statement.sta", content=delivery, maximum_bytes=10**6, received_by_id=maker.pk)
        return file

    def break_off() -> None:
        raise OSError("the line went dead")

    def other_comes_and_breaks_off() -> None:
        assert [str(outcome) for outcome in at_once([lambda: store(break_off)])] == ["the line went dead"]

    file = store(other_comes_and_breaks_off)
    assert default_storage.open(file.storage_name).read() == content
    assert stored_under(file) == [file.sha256]


def test_file_whose_bytes_are_no_longer_those_received_is_not_taken_in(bank: Source, maker: User) -> None:
    content = scene.mt940(("C", 100, "REF1"), remark="rot")
    file = scene.receive(content, by=maker)
    stored = Path(default_storage.path(file.storage_name))
    stored.chmod(0o600)
    for spoil in (lambda: stored.write_bytes(content.replace(b"C1,00", b"C9,00")), stored.unlink):
        spoil()
        with pytest.raises(recon.FileBytesLost):
            recon.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert Statement.objects.count() == 0


def test_same_file_accepted_four_times_at_once_is_taken_in_once(bank: Source, maker: User) -> None:
    file = scene.receive(scene.mt940(("C", 100, "REF1"), ("C", 200, "REF2")), by=maker)
    outcomes = at_once([lambda: recon.accept_file(file_id=file.pk, source_ids=[bank.pk])] * 4)
    assert sorted(len(runs) for runs in outcomes) == [0, 0, 0, 1]
    assert (Statement.objects.count(), Item.objects.count(), Run.objects.count()) == (1, 2, 1)
    assert (done("recon.file.accepted"), done("recon.statement.accepted")) == (1, 1)


def test_one_statement_in_two_files_accepted_at_once_counts_once(bank: Source, maker: User) -> None:
    files = [scene.receive(scene.mt940(("C", 100, "REF1")) + end, by=maker) for end in (b"", b"\r\n")]
    outcomes = at_once([lambda file=file: recon.accept_file(file_id=file.pk, source_ids=[bank.pk]) for file in files])  # type: ignore[misc]
    assert len(of_type(outcomes, StatementKnown)) == 1, outcomes
    assert (Statement.objects.count(), Item.objects.count()) == (1, 1)
    assert sorted(StatementFile.objects.values_list("status", flat=True)) == ["accepted", "received"]


@pytest.mark.parametrize("turn", range(3))
def test_two_days_accepted_at_once_chain_as_if_one_came_after_the_other(bank: Source, maker: User, turn: int) -> None:
    first = scene.mt940(("C", 100, "REF1"), day=DAY, number=1)
    second = scene.mt940(("C", 200, "REF2"), day=DAY + timedelta(days=1), number=2, opening_minor=100)
    third = scene.mt940(("C", 300, "REF3"), day=DAY + timedelta(days=2), number=3, opening_minor=350)
    files = [scene.receive(content, by=maker) for content in (first, second, third)]
    outcomes = at_once([lambda file=file: recon.accept_file(file_id=file.pk, source_ids=[bank.pk]) for file in files])  # type: ignore[misc]
    assert of_type(outcomes, Exception) == []
    # What a statement says of its gap is what stood before it when it was accepted: the order of acceptance explains every value.
    accepted: list[Statement] = []
    for statement in Statement.objects.order_by("accepted_at"):
        earlier = [known for known in accepted if known.closing_date < statement.closing_date]
        previous = max(earlier, key=lambda known: known.closing_date, default=None)
        expected = None if previous is None else (statement.opening_minor or 0) - (previous.closing_minor or 0)
        assert statement.gap_minor == expected, statement.number
        accepted.append(statement)
    assert Run.objects.filter(status="queued").count() == 1


@pytest.mark.parametrize("turn", range(3))
def test_two_overlapping_deliveries_accepted_at_once_count_each_line_once(bank: Source, maker: User, turn: int) -> None:
    days = [delivered.mt940(*((0, 100 + n, f"REF{n:04d}") for n in range(first, first + 20)), number=first + 1) for first in (0, 10)]
    files = [delivered.receive(content, by=maker) for content in days]
    outcomes = at_once([lambda file=file: recon.accept_file(file_id=file.pk, source_ids=[bank.pk]) for file in files])  # type: ignore[misc]
    assert of_type(outcomes, Exception) == []
    assert (Item.objects.count(), RepeatedLine.objects.count()) == (30, 10)
    assert Item.objects.values("content_key").distinct().count() == 30


def test_run_executed_by_two_workers_at_once_matches_each_item_once(bank: Source, maker: User, post: Post) -> None:
    for n in range(1, 21):
        post(f"1010 debit {n}.00 USD / 2010 credit {n}.00 USD", reference=f"INV-{n:04d}")
    run = scene.accept(scene.mt940(*(("C", n * 100, f"INV-{n:04d}") for n in range(3, 25))), source=bank, by=maker)
    outcomes = at_once([lambda: recon.execute_run(run_id=run.pk)] * 2)
    assert of_type(outcomes, Exception) == []
    run.refresh_from_db()
    assert (run.status, run.matches_made, run.breaks_opened, run.items_total) == ("completed", 18, 6, 42)
    assert (Match.objects.count(), Break.objects.count(), done("recon.run.completed")) == (18, 6, 1)
    assert scene.wrongs() == []


def test_run_meets_a_match_by_hand_of_an_item_it_wants_and_goes_on_with_the_rest(bank: Source, maker: User, post: Post) -> None:
    for reference in ("WANTED", "OTHER1"):
        post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference=reference)
    run_again(bank, by=maker)
    run = scene.accept(scene.mt940(("C", 500, "WANTED"), ("C", 500, "OTHER1")), source=bank, by=maker)
    recon_id = bank.reconciliation.pk
    # By hand the item goes to the other's line: a choice of a person, which no run would make.
    chosen = [Item.objects.get(side="ledger", reference="WANTED").pk, Item.objects.get(side="statement", reference="OTHER1").pk]
    outcome: list[object] = []

    def by_hand() -> None:
        items = lock_items(item_ids=chosen, reconciliation_id=recon_id)
        make_match(items=items, method=MatchMethod.MANUAL, explanation={}, made_by_id=maker.pk)

    with meanwhile(by_hand) as commit:
        worker = start(lambda: recon.execute_run(run_id=run.pk), outcome)
        until_it_waits()
        commit()
        worker.join()
    (ran,) = outcome
    assert isinstance(ran, Run), ran
    assert (ran.status, ran.matches_made) == ("completed", 0)
    assert Match.objects.get().method == "manual"
    assert sorted(Break.objects.exclude(state="resolved").values_list("reference", flat=True)) == ["OTHER1", "WANTED"]
    assert scene.wrongs() == []


def test_worker_that_was_given_up_does_nothing_more_once_another_took_the_run(bank: Source, maker: User, post: Post) -> None:
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="INV-0001")
    run = scene.accept(scene.mt940(("C", 500, "INV-0001"), ("C", 600, "INV-0002")), source=bank, by=maker)
    taken = PopulationAccount.objects.filter(population__reconciliation=bank.reconciliation)
    outcomes: list[object] = []
    with meanwhile(lambda: list(taken.select_for_update(of=("self",)))) as commit:
        slow = start(lambda: recon.execute_run(run_id=run.pk), outcomes)
        until_it_waits()
        Run.objects.filter(pk=run.pk).update(heartbeat_at=run.requested_at - timedelta(minutes=10))
        quick = start(lambda: recon.execute_run(run_id=run.pk), outcomes)
        Event().wait(0.5)  # the second worker now waits behind the first
        commit()
        slow.join()
        quick.join()
    assert of_type(outcomes, Exception) == []
    run.refresh_from_db()
    assert (run.status, run.matches_made, run.breaks_opened) == ("completed", 1, 1)
    assert (done("recon.run.completed"), Match.objects.count(), Break.objects.count()) == (1, 1, 1)
    assert scene.wrongs() == []


def test_run_that_could_not_get_a_lock_in_time_is_left_to_the_sweep(bank: Source, maker: User) -> None:
    run = scene.accept(scene.mt940(("C", 600, "INV-0002")), source=bank, by=maker)
    recon_id = bank.reconciliation.pk
    outcomes: list[object] = []
    with meanwhile(lambda: list(type(bank.reconciliation).objects.select_for_update().filter(pk=recon_id))):
        worker = start(lambda: recon.execute_run(run_id=run.pk), outcomes)
        worker.join()
    run.refresh_from_db()
    assert [type(outcome) for outcome in outcomes] == [OperationalError]
    assert (run.status, recon.overdue_runs()) == ("running", [])
    Run.objects.filter(pk=run.pk).update(heartbeat_at=run.requested_at - timedelta(minutes=10))
    assert recon.overdue_runs() == [run.pk]
    assert recon.execute_run(run_id=run.pk).status == "completed"
    assert Break.objects.count() == 1


def two_breaks_that_agree(bank: Source, maker: User, post: Post) -> tuple[Break, Break]:
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="LEFT1")
    scene.reconcile(scene.mt940(("C", 500, "RIGHT1")), source=bank, by=maker)
    return scene.break_of(reference="LEFT1"), scene.break_of(reference="RIGHT1")


@pytest.mark.parametrize("turn", range(4))
def test_two_breaks_matched_with_each_other_from_both_at_once_match_once(bank: Source, maker: User, post: Post, turn: int) -> None:
    left, right = two_breaks_that_agree(bank, maker, post)
    assert left.ledger_item is not None
    assert right.statement_item is not None
    outcomes = at_once([match_with(left, right.statement_item, by=maker), match_with(right, left.ledger_item, by=maker)])
    assert len(of_type(outcomes, Match)) == 1, outcomes
    assert len(of_type(outcomes, BreakRefused | MatchRefused)) == 1, outcomes  # type: ignore[arg-type]
    assert Break.objects.exclude(state="resolved").count() == 0
    assert (Match.objects.count(), done("recon.match.made"), done("recon.break.resolved")) == (1, 1, 2)
    assert scene.wrongs() == []


def test_break_matched_by_eight_people_at_once_is_matched_once(bank: Source, maker: User, post: Post) -> None:
    left, right = two_breaks_that_agree(bank, maker, post)
    assert right.statement_item is not None
    outcomes = at_once([match_with(left, right.statement_item, by=maker)] * 8)
    assert len(of_type(outcomes, Match)) == 1
    assert len(of_type(outcomes, BreakRefused)) == 7, outcomes
    assert scene.wrongs() == []


def test_break_assigned_meanwhile_is_not_matched_on_what_was_read_before(bank: Source, maker: User, post: Post) -> None:
    left, right = two_breaks_that_agree(bank, maker, post)
    assert right.statement_item is not None
    recon.assign_break(break_id=left.pk, assignee_id=maker.pk)
    with pytest.raises(BreakRefused) as caught:
        match_with(left, right.statement_item, by=maker)()
    assert caught.value.detail["version"] == left.version + 1
    assert caught.value.detail["what"] == "A break was given to a person"
    assert Match.objects.count() == 0


def test_break_assigned_to_two_people_at_once_ends_with_one_of_them_and_both_on_the_trail(
    bank: Source, maker: User, post: Post, person: Callable[[str, str], User]
) -> None:
    left, _ = two_breaks_that_agree(bank, maker, post)
    other = person("second", "Analyst")
    outcomes = at_once([lambda who=who: recon.assign_break(break_id=left.pk, assignee_id=who.pk) for who in (maker, other)])  # type: ignore[misc]
    assert of_type(outcomes, Exception) == []
    left.refresh_from_db()
    assert (left.version, done("recon.break.assigned")) == (3, 2)
    assert left.assignee_id in (maker.pk, other.pk)
