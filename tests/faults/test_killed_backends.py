"""A database session is ended in the middle of an act: nothing half-done stays, and the act done again is done once.

The act is stopped where it wants a lock that somebody holds, which is always the same place, and its session is terminated there.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import InterfaceError, OperationalError, connections
from django.db.models import F

from approvals.models import Decision, Execution, User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import JournalEntry
from recon import operations as recon
from recon.models import Allocation, Break, Item, Match, MatchMethod, Population, Reconciliation, Run, Source, Statement, StatementLine
from tests.concurrency import scene
from tests.concurrency.test_approvals import CHARGE, approve, charge_proposed
from tests.concurrency.test_posting import book_keeping_errors
from tests.concurrency.together import meanwhile, start, until_it_waits
from tests.fixtures import DAY, Post, draft
from tests.notation import journal, writes_nothing

pytestmark = pytest.mark.django_db(transaction=True)

# Of the same amount as the charge, and so able to take its place in a match.
BOOKED = "1010 debit 0.50 USD / 2010 credit 0.50 USD"


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def end_the_waiting_session() -> None:
    """Terminate the session that waits for a lock, as an administrator or a crash would."""
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        assert cursor.fetchall() == [(True,)]


def killed(act: Callable[[], Any], *, where: Callable[[], Any]) -> None:
    """Start an act, end its session where it waits for what `where` holds, and let go of that."""
    outcomes: list[Any] = []
    with meanwhile(where, undone=True):
        victim = start(act, outcomes)
        until_it_waits()
        end_the_waiting_session()
        victim.join()
    assert [isinstance(outcome, OperationalError | InterfaceError) for outcome in outcomes] == [True], outcomes


def hold_reconciliation() -> None:
    list(Reconciliation.objects.select_for_update())


def hold_balance() -> None:
    ledger.post_entry(draft=draft("1010 debit 1.00 USD / 2010 credit 1.00 USD"), scope="faults")


def hold_item(reference: str) -> Callable[[], None]:
    def hold() -> None:
        list(Item.objects.select_for_update().filter(reference=reference))

    return hold


def hold_allocation() -> None:
    """Give the item of the break to a match, as the approved charge will once it is posted."""
    charge = Item.objects.get()
    population = Population.objects.get(reconciliation=charge.reconciliation_id, side="ledger")
    posting = Item.objects.create(
        reconciliation_id=charge.reconciliation_id,
        population=population,
        side="ledger",
        entry_id=JournalEntry.objects.get().pk,
        entry_line=1,
        flow=charge.flow,
        amount_minor=charge.amount_minor,
        open_minor=charge.amount_minor,
        item_date=charge.item_date,
    )
    match = Match.objects.create(
        reconciliation_id=charge.reconciliation_id, method=MatchMethod.MANUAL, made_by=User.objects.all()[0], explanation={}
    )
    Allocation.objects.bulk_create(Allocation(match=match, item=item, amount_minor=item.amount_minor) for item in (charge, posting))


def hold_queue() -> None:
    Run.objects.create(number=1, reconciliation=Reconciliation.objects.get())


@pytest.mark.parametrize("where", [hold_balance, hold_allocation], ids=["while posting", "after posting"])
def test_approval_whose_session_dies_decides_nothing_and_done_again_posts_once(
    bank: Source, maker: User, checker: User, post: Post, where: Callable[[], Any]
) -> None:
    proposal, version = charge_proposed(bank, maker)
    post(BOOKED)
    with writes_nothing():
        killed(approve(proposal, version, by=checker), where=where)
    assert (Decision.objects.count(), journal(), Break.objects.get().state) == (0, [BOOKED], "proposed")
    assert approve(proposal, version, by=checker)().status == "executed"
    assert (journal(), Execution.objects.count(), Decision.objects.count()) == ([BOOKED, CHARGE], 1, 1)
    assert (Break.objects.get().state, scene.wrongs(), book_keeping_errors()) == ("resolved", [], [])


@pytest.mark.parametrize("where", [hold_reconciliation, hold_queue], ids=["before the lines", "after the lines"])
def test_acceptance_whose_session_dies_stores_nothing_and_done_again_stores_once(
    bank: Source, maker: User, where: Callable[[], Any]
) -> None:
    file = scene.receive(scene.mt940(("C", 100, "REF1"), ("D", 40, "REF2")), by=maker)
    with writes_nothing():
        killed(lambda: recon.accept_file(file_id=file.pk, source_ids=[bank.pk]), where=where)
    assert len(recon.accept_file(file_id=file.pk, source_ids=[bank.pk])) == 1
    assert (Statement.objects.count(), StatementLine.objects.count(), Item.objects.count(), Run.objects.count()) == (1, 2, 2, 1)
    assert AuditEvent.objects.filter(action__in=["recon.file.accepted", "recon.statement.accepted"]).count() == 2


@pytest.mark.parametrize(
    ("where", "reached"),
    [(hold_reconciliation, ""), (hold_item("INV-0001"), "collect"), (hold_item("ALONE1"), "suggest")],
    ids=["collect", "match", "explain"],
)
def test_run_whose_session_dies_keeps_the_steps_done_and_is_finished_by_the_next_worker(
    bank: Source, maker: User, post: Post, where: Callable[[], Any], reached: str
) -> None:
    for n in (1, 2, 3):
        post(f"1010 debit {n}.00 USD / 2010 credit {n}.00 USD", reference=f"INV-{n:04d}")
    run = scene.accept(scene.mt940(("C", 100, "INV-0001"), ("C", 200, "INV-0002"), ("C", 900, "ALONE1")), source=bank, by=maker)
    killed(lambda: recon.execute_run(run_id=run.pk), where=where)
    run.refresh_from_db()
    assert (run.status, run.step) == ("running", reached)
    assert Match.objects.count() == (2 if reached == "suggest" else 0)
    assert Break.objects.count() == 0
    assert recon.overdue_runs() == [], "its worker may still be at work"

    Run.objects.filter(pk=run.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=10))
    assert recon.overdue_runs() == [run.pk]
    finished = recon.execute_run(run_id=run.pk)
    assert (finished.status, finished.matches_made, finished.breaks_opened, finished.through_account_seq) == ("completed", 2, 2, 3)
    assert sorted(Break.objects.values_list("reference", flat=True)) == ["ALONE1", "INV-0003"]
    assert (Match.objects.count(), AuditEvent.objects.filter(action="recon.run.completed").count(), scene.wrongs()) == (2, 1, [])


def test_batch_whose_session_dies_in_its_middle_posts_nothing_and_done_again_posts_all(roles: None) -> None:
    drafts = [draft(f"1010 debit {n}.00 USD / 2010 credit {n}.00 USD", key=f"batch-{n:02d}") for n in range(1, 41)]
    elsewhere = draft("1030 debit 1 JPY / 2030 credit 1 JPY", key="batch-20")
    with writes_nothing():
        killed(lambda: ledger.post_entries(drafts=drafts, scope="faults"), where=lambda: ledger.post_entry(draft=elsewhere, scope="faults"))
    assert {posted.outcome for posted in ledger.post_entries(drafts=drafts, scope="faults")} == {"posted"}
    assert {posted.outcome for posted in ledger.post_entries(drafts=drafts, scope="faults")} == {"replayed"}
    assert (JournalEntry.objects.filter(effective_date=DAY).count(), book_keeping_errors()) == (40, [])


def test_proposal_whose_session_dies_holds_nothing(bank: Source, maker: User, checker: User) -> None:
    scene.reconcile(scene.mt940(("D", 50, "CHARGE1")), source=bank, by=maker)
    recon_break = scene.break_of(reference="CHARGE1")
    with writes_nothing():
        killed(lambda: scene.propose(recon_break, by=maker), where=hold_item("CHARGE1"))
    assert approve(*scene.propose(recon_break, by=maker), by=checker)().status == "executed"
