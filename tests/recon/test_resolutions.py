"""Resolving breaks: many to many, by write-off, by reversal and rebooking; and treating those that stay open."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import AccountType, JournalEntry, OwnerClass
from ledger.operations import post_entry
from ledger.operations.reversals import ReversalRequest, propose_reversal
from ledgerops.lib.calendars import business_day_after
from recon import operations, resolution_queries
from recon.models import Allocation, Break, BreakState, Item, Match, ResolutionTerms, Source, Treatment, TreatmentKind
from recon.operations import RebookingRequest, Terms, TreatmentRequest, WriteOffRequest
from tests.concurrency.scene import bank as bank_source
from tests.concurrency.scene import break_of, mt940, reconcile, wrongs
from tests.fixtures import DAY, ENTITY, GROUP, Post, draft
from tests.notation import balance, writes_nothing

WHY = "The bank kept a few cents and will not return them"
LIMIT_MINOR, TIMING_DAYS = 500, 5


@pytest.fixture
def bank(roles: None) -> Source:
    ledger.open_account(
        code="6490",
        name="Written-off differences",
        entity=ENTITY,
        group=GROUP,
        asset="USD",
        account_type=AccountType.EXPENSE,
        owner_class=OwnerClass.FEE,
    )
    operations.define_terms(
        Terms(entity=ENTITY, asset="USD", write_off_maximum_minor=LIMIT_MINOR, write_off_account="6490", timing_days_maximum=TIMING_DAYS)
    )
    return bank_source()


@pytest.fixture
def pair(bank: Source, maker: User, checker: User, post: Post) -> Break:
    """Leave an entry of 100.00 against a line of 97.50 under the same reference."""
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-5001", counterparty="Northwind")
    reconcile(mt940(("C", 97_50, "INV-5001")), source=bank, by=maker)
    return break_of(reference="INV-5001")


def decide(proposal: Proposal, *, by: User, outcome: DecisionOutcome = DecisionOutcome.APPROVE) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=outcome, comment="Looked at it", approver_id=by.pk
    )


def write_off(recon_break: Break, *, by: User, **values: object) -> Proposal:
    asked = {"item_ids": [], "reason_code": "WRITE_OFF_SMALL", "narrative": WHY, "effective_date": DAY, **values}
    return operations.propose_write_off(request=WriteOffRequest(break_id=recon_break.pk, **asked), maker_id=by.pk)  # type: ignore[arg-type]


def rebook(recon_break: Break, *, by: User, **values: object) -> Proposal:
    asked = {"item_ids": [], "reason_code": "REBOOK_AMOUNT", "narrative": WHY, "counter_account": "2010", "effective_date": DAY, **values}
    return operations.propose_rebooking(request=RebookingRequest(break_id=recon_break.pk, **asked), maker_id=by.pk)  # type: ignore[arg-type]


def treat(recon_break: Break, *, by: User, kind: TreatmentKind = TreatmentKind.TIMING, **values: object) -> Treatment:
    reasons = {"timing": "TIMING_IN_TRANSIT", "duplicate": "DUPLICATE_BANK", "statement_error": "STATEMENT_WRONG_LINE"}
    asked = {"version": recon_break.version, "reason_code": reasons[kind], "narrative": "The bank says so on the phone", **values}
    return operations.treat_break(request=TreatmentRequest(break_id=recon_break.pk, kind=kind, **asked), treated_by_id=by.pk)  # type: ignore[arg-type]


def after(days: int) -> date:
    return business_day_after(timezone.now().date(), count=days, calendar="WEEKDAYS")


# Many to many


def test_two_of_ours_and_three_of_the_banks_are_matched_as_one_group(bank: Source, maker: User, checker: User, post: Post) -> None:
    for amount, reference in (("60.00", "ORD-A"), ("40.00", "ORD-B")):
        post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference)
    reconcile(mt940(("C", 50_00, "X-1111"), ("C", 30_00, "X-2222"), ("C", 20_00, "X-3333")), source=bank, by=maker)
    first, items = break_of(reference="ORD-A"), list(Item.objects.values_list("pk", flat=True))
    match = operations.match_by_hand(break_id=first.pk, version=first.version, item_ids=items, matched_by_id=maker.pk)
    assert Allocation.objects.filter(match=match).count() == 5
    assert not Break.objects.exclude(state=BreakState.RESOLVED).exists()
    assert wrongs() == []


def test_who_keeps_the_rest_is_said_where_several_could(bank: Source, maker: User, checker: User, post: Post) -> None:
    for reference in ("ORD-A", "ORD-B"):
        post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference=reference)
    reconcile(mt940(("C", 100_00, "X-1111")), source=bank, by=maker)
    first = break_of(reference="ORD-A")
    keeper = Item.objects.get(reference="ORD-B")
    items = list(Item.objects.values_list("pk", flat=True))
    wish = {"break_id": first.pk, "version": first.version, "item_ids": items, "matched_by_id": maker.pk, "leave_rest": True}
    with writes_nothing(), pytest.raises(operations.MatchRefused, match="several could") as told:
        operations.match_by_hand(**wish)  # type: ignore[arg-type]
    assert told.value.field == "rest_of"
    with writes_nothing(), pytest.raises(operations.MatchRefused, match="cannot keep"):
        operations.match_by_hand(**wish, rest_of=Item.objects.get(reference="X-1111").pk)  # type: ignore[arg-type]
    operations.match_by_hand(**wish, rest_of=keeper.pk)  # type: ignore[arg-type]
    keeper.refresh_from_db()
    assert int(keeper.open_minor) == 20_00
    assert int(break_of(reference="ORD-B").difference_minor) == 20_00


def test_who_comes_too_late_is_told_who_was_faster_and_when(
    bank: Source, maker: User, checker: User, person: Callable[[str, str], User], post: Post
) -> None:
    post("1010 debit 60.00 USD / 2010 credit 60.00 USD", reference="ORD-A")
    reconcile(mt940(("C", 60_00, "X-1111"), ("C", 60_00, "X-2222")), source=bank, by=maker)
    other = person("second", "Analyst")
    ours, theirs = break_of(reference="X-2222"), Item.objects.get(reference="X-1111")
    mine = break_of(reference="ORD-A")
    operations.match_by_hand(break_id=mine.pk, version=mine.version, item_ids=[theirs.pk], matched_by_id=other.pk)
    taken = Item.objects.get(reference="ORD-A")
    with writes_nothing(), pytest.raises(operations.MatchRefused, match="matched meanwhile by Second at 20") as told:
        operations.match_by_hand(break_id=ours.pk, version=ours.version, item_ids=[taken.pk], matched_by_id=maker.pk)
    assert (told.value.detail["by"], told.value.detail["item"]) == ("Second", taken.pk)
    with writes_nothing(), pytest.raises(operations.BreakRefused, match="is resolved by Second at 20"):
        operations.match_by_hand(break_id=mine.pk, version=mine.version, item_ids=[theirs.pk], matched_by_id=maker.pk)


# Write-offs


def test_a_write_off_is_an_entry_whose_posting_closes_the_break(pair: Break, maker: User, checker: User) -> None:
    decide(write_off(pair, by=maker), by=checker)
    pair.refresh_from_db()
    assert (pair.state, pair.resolved_by and pair.resolved_by.method) == (BreakState.RESOLVED, "write_off")
    assert balance("6490") == "2.50 USD"
    assert Allocation.objects.filter(match=pair.resolved_by).count() == 3
    assert wrongs() == []
    assert pair.resolved_by_id is not None
    with pytest.raises(operations.UndoRefused, match="reverse its entry"):
        operations.undo_match(match_id=pair.resolved_by_id, undone_by_id=checker.pk, reason="no")


def test_above_the_limit_nothing_is_written_off(bank: Source, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-5001")
    reconcile(mt940(("C", 94_99, "INV-5001")), source=bank, by=maker)
    with writes_nothing(), pytest.raises(operations.WriteOffRefused, match=r"5\.01 USD is more than the 5\.00 USD .* adjustment"):
        write_off(break_of(reference="INV-5001"), by=maker)


def test_a_limit_lowered_meanwhile_holds_the_write_off_back(pair: Break, maker: User, checker: User) -> None:
    proposal = write_off(pair, by=maker)
    lower = Terms(entity=ENTITY, asset="USD", write_off_maximum_minor=249, write_off_account="6490", timing_days_maximum=2)
    asked = operations.propose_terms(terms=lower, reason_code="TERMS_POLICY", narrative=WHY, maker_id=maker.pk)
    assert decide(asked, by=checker).status == "executed"
    assert decide(proposal, by=checker).status == "stale"
    pair.refresh_from_db()
    assert pair.state == BreakState.INVESTIGATING
    assert ResolutionTerms.objects.count() == 2


# Reverse and rebook


def test_a_wrong_entry_is_reversed_and_booked_as_the_bank_has_it(pair: Break, maker: User, checker: User) -> None:
    before = JournalEntry.objects.get(reference="INV-5001")
    assert decide(rebook(pair, by=maker), by=checker).status == "executed"
    pair.refresh_from_db()
    assert (balance("1010"), balance("2010")) == ("97.50 USD", "97.50 USD")
    assert JournalEntry.objects.filter(reverses=before).count() == 1
    contra, anew = Match.objects.filter(method="rebooking").order_by("made_at")
    assert {one.side for one in (a.item for a in contra.allocations.all())} == {"ledger"}
    assert {one.side for one in (a.item for a in anew.allocations.all())} == {"ledger", "statement"}
    assert (pair.state, pair.resolved_by) == (BreakState.RESOLVED, anew)
    assert wrongs() == []


def test_an_entry_of_several_legs_changes_in_the_one_that_is_named(bank: Source, maker: User, checker: User) -> None:
    post_entry(
        draft=draft("1010 debit 100.00 USD / 2010 credit 98.00 USD / 4010 credit 2.00 USD", kind="deposit", reference="INV-5001"),
        scope="tests",
    )
    reconcile(mt940(("C", 97_50, "INV-5001")), source=bank, by=maker)
    wrong = break_of(reference="INV-5001")
    with writes_nothing(), pytest.raises(operations.RebookingRefused, match="several other legs"):
        rebook(wrong, by=maker, counter_account="1900")
    decide(rebook(wrong, by=maker, counter_account="2010"), by=checker)
    assert (balance("1010"), balance("2010"), balance("4010")) == ("97.50 USD", "95.50 USD", "2.00 USD")


def test_what_somebody_reversed_meanwhile_is_not_rebooked(pair: Break, maker: User, checker: User) -> None:
    proposal = rebook(pair, by=maker)
    entry = JournalEntry.objects.get(reference="INV-5001")
    reversal = propose_reversal(
        request=ReversalRequest(entry_id=entry.pk, amounts=None, effective_date=DAY, reason_code="REVERSAL_ERROR", narrative=WHY),
        maker_id=maker.pk,
    )
    decide(reversal, by=checker)
    assert decide(proposal, by=checker).status == "stale"
    assert balance("1010") == "0.00 USD"
    with writes_nothing(), pytest.raises(operations.RebookingRefused, match="undone already"):
        rebook(pair, by=maker)


def test_nothing_is_rebooked_without_a_line_of_the_bank(bank: Source, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-5001")
    reconcile(mt940(("C", 1_00, "OTHER-1")), source=bank, by=maker)
    with writes_nothing(), pytest.raises(operations.RebookingRefused, match="the bank's lines"):
        rebook(break_of(reference="INV-5001"), by=maker)


@pytest.mark.parametrize("way", [write_off, rebook])
def test_a_rejection_gives_the_break_back(pair: Break, maker: User, checker: User, way: Callable[..., Proposal]) -> None:
    proposal = way(pair, by=maker)
    pair.refresh_from_db()
    assert pair.state == BreakState.PROPOSED
    with writes_nothing(), pytest.raises(operations.BreakRefused, match=r"is proposed by Maker \(ADJ-"):
        operations.match_by_hand(break_id=pair.pk, version=pair.version, item_ids=[], matched_by_id=maker.pk)
    decide(proposal, by=checker, outcome=DecisionOutcome.REJECT)
    pair.refresh_from_db()
    assert (pair.state, pair.resolved_by) == (BreakState.INVESTIGATING, None)
    assert AuditEvent.objects.filter(action="recon.break.reopened", target_id=str(pair.pk)).exists()
    assert not JournalEntry.objects.filter(proposal_id=proposal.pk).exists()


# Treatments


def test_timing_leaves_everything_open_and_ends_by_the_clock(pair: Break, maker: User) -> None:
    treatment = treat(pair, by=maker, until=after(2))
    pair.refresh_from_db()
    assert (pair.state, pair.ledger_item and pair.ledger_item.open) == (BreakState.OPEN, True)
    today, everything = timezone.now().date(), Break.objects.all()
    assert resolution_queries.counts(treatment, today=today)
    assert list(resolution_queries.with_treatment(everything, treatment="timing", today=today)) == [pair]
    later = after(2) + timedelta(days=1)
    assert not resolution_queries.counts(treatment, today=later)
    assert list(resolution_queries.with_treatment(everything, treatment="timing", today=later)) == []
    for name in ("timing_over", "none"):
        assert list(resolution_queries.with_treatment(everything, treatment=name, today=later)) == [pair]


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"until": None}, "until"),
        ({"until": date(2026, 1, 5)}, "until"),
        ({"until": after(TIMING_DAYS + 1)}, "until"),
        ({"until": after(1), "reason_code": "DUPLICATE_BANK"}, "reason_code"),
        ({"until": after(1), "narrative": "short"}, "narrative"),
        ({"kind": TreatmentKind.DUPLICATE, "until": after(1)}, "until"),
    ],
)
def test_a_treatment_that_is_none_is_refused_at_its_field(pair: Break, maker: User, values: dict[str, object], field: str) -> None:
    with writes_nothing(), pytest.raises(operations.TreatmentInvalid) as told:
        treat(pair, by=maker, **values)  # type: ignore[arg-type]
    assert told.value.field == field


def test_timing_ends_on_a_business_day(pair: Break, maker: User) -> None:
    friday = next(day for day in (after(n) for n in range(1, TIMING_DAYS + 1)) if day.weekday() == 4)
    with writes_nothing(), pytest.raises(operations.TreatmentInvalid, match="no business day"):
        treat(pair, by=maker, until=friday + timedelta(days=1))


def test_another_treatment_takes_the_place_of_one_and_a_person_ends_it(pair: Break, maker: User) -> None:
    treat(pair, by=maker, until=after(1))
    with writes_nothing(), pytest.raises(operations.BreakRefused, match="has changed since you opened it, by"):
        treat(pair, by=maker, kind=TreatmentKind.DUPLICATE)
    pair.refresh_from_db()
    treat(pair, by=maker, kind=TreatmentKind.DUPLICATE)
    pair.refresh_from_db()
    assert [(one.kind, one.ended_at is None) for one in pair.treatments.all()] == [("timing", False), ("duplicate", True)]
    operations.end_treatment(break_id=pair.pk, version=pair.version, ended_by_id=maker.pk, reason="It was none")
    pair.refresh_from_db()
    assert resolution_queries.treatment_of(pair) is None
    with writes_nothing(), pytest.raises(operations.TreatmentRefused):
        operations.end_treatment(break_id=pair.pk, version=pair.version, ended_by_id=maker.pk, reason="Again")


def test_a_treated_break_is_resolved_by_its_line_as_any_other(bank: Source, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-5001")
    reconcile(mt940(("C", 1_00, "OTHER-1")), source=bank, by=maker)
    late = break_of(reference="INV-5001")
    treat(late, by=maker, until=after(1))
    reconcile(mt940(("C", 100_00, "INV-5001"), opening_minor=1_00, day=DAY + timedelta(days=1), number=2), source=bank, by=maker)
    late.refresh_from_db()
    assert (late.state, late.resolved_by and late.resolved_by.method) == (BreakState.RESOLVED, "rule")
