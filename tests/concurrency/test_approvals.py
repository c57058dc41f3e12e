"""Several people at one proposal; an approval against a match of the same items, by hand or by a run."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import Q

from approvals import operations as approvals
from approvals.models import Decision, DecisionOutcome, Execution, Proposal, ProposalVersion, User
from approvals.operations.decisions import DecidedAlready, DecisionNotAllowed
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import JournalEntry
from recon import operations as recon
from recon.models import Break, Item, Match, MatchMethod, Run, Source
from recon.operations import ADJUSTMENT, BreakRefused, MatchRefused, collecting
from recon.operations.matches import lock_items, make_match
from tests.concurrency import scene
from tests.concurrency.test_posting import book_keeping_errors
from tests.concurrency.together import at_once, meanwhile, of_type, start, until_it_waits
from tests.fixtures import Post, draft
from tests.notation import journal

pytestmark = pytest.mark.django_db(transaction=True)

CHARGE = "6420 debit 0.50 USD / 1010 credit 0.50 USD"


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def approve(proposal: Proposal, version: ProposalVersion, *, by: User) -> Callable[[], Proposal]:
    return lambda: approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


def charge_proposed(bank: Source, maker: User) -> tuple[Proposal, ProposalVersion]:
    """Reconcile a statement with one charge the ledger does not know, and propose to book it."""
    scene.reconcile(scene.mt940(("D", 50, "CHARGE1")), source=bank, by=maker)
    return scene.propose(scene.break_of(reference="CHARGE1"), by=maker)


def events(action: str, outcome: str = "done") -> int:
    return AuditEvent.objects.filter(action=action, outcome=outcome).count()


def test_three_approve_at_once_where_two_must_and_it_is_carried_out_once(
    bank: Source, maker: User, person: Callable[[str, str], User]
) -> None:
    checkers = [person(f"checker-{name}", "Approver") for name in ("one", "two", "three")]
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=2, expires_after_hours=96)
    proposal, version = charge_proposed(bank, maker)
    outcomes = at_once([approve(proposal, version, by=checker) for checker in checkers])
    assert sorted(outcome.status for outcome in of_type(outcomes, Proposal)) == ["executed", "submitted"]
    assert [refusal.code for refusal in of_type(outcomes, Exception)] == ["proposal_not_waiting"]
    assert journal() == [CHARGE]
    assert Execution.objects.count() == 1
    assert Decision.objects.count() == 2
    assert (events("approvals.proposal.executed"), events("recon.adjustment.posted"), events("approvals.proposal.approved")) == (1, 1, 2)
    assert (Break.objects.get().state, scene.wrongs(), book_keeping_errors()) == ("resolved", [], [])


def test_one_person_who_approves_twice_at_once_has_one_vote(
    bank: Source, maker: User, checker: User, person: Callable[[str, str], User]
) -> None:
    person("second", "Approver")
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=2, expires_after_hours=96)
    proposal, version = charge_proposed(bank, maker)
    outcomes = at_once([approve(proposal, version, by=checker)] * 4)
    assert len(of_type(outcomes, DecidedAlready)) == 3
    assert Decision.objects.count() == 1
    assert journal() == []
    proposal.refresh_from_db()
    assert proposal.status == "submitted"


def test_approval_and_withdrawal_at_once_end_it_once(bank: Source, maker: User, checker: User) -> None:
    proposal, version = charge_proposed(bank, maker)
    outcomes = at_once(
        [approve(proposal, version, by=checker), lambda: approvals.withdraw(proposal_id=proposal.pk, maker_id=maker.pk, reason="no longer")]
    )
    assert len(of_type(outcomes, Proposal)) == 1
    proposal.refresh_from_db()
    executed = proposal.status == "executed"
    assert proposal.status in ("executed", "withdrawn")
    assert journal() == ([CHARGE] if executed else [])
    assert Break.objects.get().state == ("resolved" if executed else "investigating")


def match_with(recon_break: Break, *items: Item, by: User) -> Callable[[], Match]:
    return lambda: recon.match_by_hand(
        break_id=recon_break.pk, version=recon_break.version, item_ids=[item.pk for item in items], matched_by_id=by.pk
    )


@pytest.mark.parametrize("turn", range(3))
def test_approval_and_a_match_by_hand_of_an_item_it_takes_in_let_one_of_them_through(
    bank: Source, maker: User, checker: User, post: Post, turn: int
) -> None:
    """The adjustment of one break takes in an item of another, which somebody matches by hand at the same moment."""
    post("1010 debit 9.00 USD / 2010 credit 9.00 USD", reference="LEFT1")
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", reference="LEFT2")
    scene.reconcile(scene.mt940(("C", 1000, "RIGHT1"), ("C", 100, "RIGHT2")), source=bank, by=maker)
    ours, theirs = scene.break_of(reference="RIGHT1"), scene.break_of(reference="RIGHT2")
    wanted = Item.objects.get(side="ledger", reference="LEFT2")
    # RIGHT1 is 10.00; LEFT2 explains 1.00 of it and the rest would be booked. RIGHT2 is 1.00 and agrees with LEFT2 outright.
    proposal, version = scene.propose(ours, by=maker, item_ids=[wanted.pk])
    acts: list[Callable[[], Any]] = [approve(proposal, version, by=checker), match_with(theirs, wanted, by=maker)]
    approved, matched = at_once(acts if turn % 2 else acts[::-1])[:: 1 if turn % 2 else -1]
    proposal.refresh_from_db()
    assert isinstance(approved, Proposal)
    if isinstance(matched, Match):
        assert proposal.status == "stale"
        assert JournalEntry.objects.count() == 2
        assert scene.break_of(reference="RIGHT1").state == "investigating"
    else:
        assert isinstance(matched, MatchRefused | BreakRefused), matched
        assert proposal.status == "executed"
        assert JournalEntry.objects.count() == 3
    assert (scene.wrongs(), book_keeping_errors()) == ([], [])


@pytest.mark.parametrize("turn", range(3))
def test_approval_and_a_run_at_once_match_each_item_once(bank: Source, maker: User, checker: User, post: Post, turn: int) -> None:
    proposal, version = charge_proposed(bank, maker)
    post("6420 debit 0.50 USD / 1010 credit 0.50 USD", kind="bank_charge", reference="CHARGE1")
    run = recon.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk)
    approved, ran = at_once([approve(proposal, version, by=checker), lambda: recon.execute_run(run_id=run.pk)])
    assert isinstance(approved, Proposal), approved
    assert ran.status == "completed", ran
    # The proposal held the break, so the run left its item alone; the posting that came meanwhile has a break of its own or waits for one.
    assert approved.status == "executed"
    recon.execute_run(run_id=recon.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk).pk)
    assert (Match.objects.count(), Match.objects.get().method) == (1, "adjustment")
    assert [b.ledger_item is not None for b in Break.objects.exclude(state="resolved")] == [True]
    assert (scene.wrongs(), book_keeping_errors()) == ([], [])


def lose_the_role(user: User) -> None:
    user.groups.clear()


def lose_the_desk(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


@pytest.mark.parametrize("leave", [lose_the_role, lose_the_desk])
def test_vote_of_somebody_who_may_no_longer_decide_does_not_carry_it_out(
    bank: Source, maker: User, person: Callable[[str, str], User], leave: Callable[[User], None]
) -> None:
    first, second, third = (person(f"checker-{name}", "Approver") for name in ("one", "two", "three"))
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=2, expires_after_hours=96)
    proposal, version = charge_proposed(bank, maker)
    assert approve(proposal, version, by=first)().status == "submitted"
    leave(first)
    assert approve(proposal, version, by=second)().status == "submitted"
    assert journal() == []
    assert approve(proposal, version, by=third)().status == "executed"
    assert journal() == [CHARGE]


def test_approver_who_is_locked_out_while_the_approval_waits_has_no_vote(bank: Source, maker: User, checker: User) -> None:
    proposal, version = charge_proposed(bank, maker)
    outcomes: list[object] = []
    with meanwhile(lambda: Proposal.objects.select_for_update().get(pk=proposal.pk)) as commit:
        waiting = start(approve(proposal, version, by=checker), outcomes)
        until_it_waits()
        lose_the_desk(checker)
        commit()
        waiting.join()
    assert [type(outcome) for outcome in outcomes] == [DecisionNotAllowed]
    assert (journal(), Decision.objects.count(), events("approvals.proposal.approved", "refused")) == ([], 0, 1)


def pair_and_single(bank: Source, maker: User, post: Post) -> tuple[Break, Break]:
    """A pair that differs by 0.40 and a line of 10.40 that the pair's posting would explain."""
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="PAIR1")
    scene.reconcile(scene.mt940(("C", 1040, "PAIR1"), ("C", 1100, "ALONE1")), source=bank, by=maker)
    return scene.break_of(reference="PAIR1"), scene.break_of(reference="ALONE1")


def test_item_of_a_break_that_waits_for_approval_is_not_proposed_elsewhere(bank: Source, maker: User, checker: User, post: Post) -> None:
    pair, alone = pair_and_single(bank, maker, post)
    assert pair.ledger_item_id is not None
    scene.propose(pair, by=maker)
    with pytest.raises(MatchRefused):
        scene.propose(alone, by=maker, item_ids=[pair.ledger_item_id])
    assert Proposal.objects.count() == 1


def test_approval_that_would_take_an_item_from_a_break_proposed_meanwhile_is_stale(
    bank: Source, maker: User, checker: User, post: Post
) -> None:
    pair, alone = pair_and_single(bank, maker, post)
    assert pair.ledger_item_id is not None
    proposal, version = scene.propose(alone, by=maker, item_ids=[pair.ledger_item_id])
    own, own_version = scene.propose(pair, by=maker)
    assert approve(proposal, version, by=checker)().status == "stale"
    assert (scene.break_of(reference="PAIR1").state, scene.break_of(reference="ALONE1").state) == ("proposed", "investigating")
    assert approve(own, own_version, by=checker)().status == "executed"
    assert (JournalEntry.objects.count(), scene.wrongs(), book_keeping_errors()) == (2, [], [])


def test_stale_proposal_of_a_break_resolved_meanwhile_does_not_say_the_break_was_reopened(bank: Source, maker: User, checker: User) -> None:
    proposal, version = charge_proposed(bank, maker)
    post_and_run_around_it(bank, by=maker)
    assert approve(proposal, version, by=checker)().status == "stale"
    assert Break.objects.get().state == "resolved"
    assert events("recon.break.reopened") == 0


def post_and_run_around_it(bank: Source, *, by: User) -> None:
    """Match the proposed break's item as a run would that had it in view before the break was proposed."""
    posted = ledger.post_entry(draft=draft(CHARGE, kind="bank_charge", reference="CHARGE1"), scope="tests")
    with transaction.atomic():
        collecting.collect(reconciliation=bank.reconciliation, run=Run.objects.latest("id"))
        items = lock_items(
            item_ids=list(Item.objects.filter(Q(entry_id=posted.entry_id) | Q(side="statement")).values_list("pk", flat=True)),
            reconciliation_id=bank.reconciliation.pk,
        )
        make_match(items=items, method=MatchMethod.MANUAL, explanation={}, made_by_id=by.pk)
