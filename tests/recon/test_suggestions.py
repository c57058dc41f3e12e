"""What runs suggest, and what people make of it: nothing suggested is ever a match by itself."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from django.urls import reverse
from django.utils import timezone

from approvals.models import User
from audit.models import AuditEvent
from ledger.models import AccountingPeriod
from recon import operations
from recon.matching import suggestions
from recon.models import Allocation, Break, Item, Match, MatchChallenge, MatchUndoing, NeverMatch, Run, Source, Suggestion
from recon.operations import suggesting
from tests.concurrency import scene
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def run_again(bank: Source, by: User) -> Run:
    return operations.execute_run(run_id=operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=by.pk).pk)


def receipt(post: Post, amount: str, reference: str = "", *, day: date = DAY, counterparty: str = "") -> None:
    post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, day=day, counterparty=counterparty)


@pytest.fixture
def payout(bank: Source, post: Post, maker: User) -> Suggestion:
    """Three receipts that the bank paid in one sum, without a reference between them; the odd amounts add up one way only."""
    for amount, reference in (("183.42", "ORD-7001"), ("99.31", "ORD-7002"), ("77.07", "ORD-7003"), ("12.00", "ORD-7004")):
        receipt(post, amount, reference)
    scene.reconcile(scene.mt940(("C", 183_42 + 99_31 + 77_07, "BATCH-55")), source=bank, by=maker)
    return Suggestion.objects.get(kind="subset")


def test_several_that_add_up_one_way_are_suggested_and_nothing_is_matched(payout: Suggestion) -> None:
    amounts = sorted(int(item.amount_minor) for item in Item.objects.filter(pk__in=payout.items))
    assert amounts == [77_07, 99_31, 183_42, 183_42 + 99_31 + 77_07]
    assert (payout.ways, payout.state) == (1, "open")
    assert not Match.objects.exists()
    run = Run.objects.get()
    assert run.suggestions_made == run.passes.get(pass_id="subset").suggestions == 1


def test_run_suggests_the_same_once(payout: Suggestion, bank: Source, maker: User, post: Post) -> None:
    receipt(post, "1.00", "ORD-7009")
    assert run_again(bank, maker).suggestions_made == 0
    assert Suggestion.objects.get() == payout


def test_two_ways_are_no_suggestion_to_accept(bank: Source, post: Post, maker: User) -> None:
    for number in range(3):
        receipt(post, "50.00", f"ORD-700{number}")
    scene.reconcile(scene.mt940(("C", 100_00, "BATCH-55")), source=bank, by=maker)
    suggestion = Suggestion.objects.get(kind="subset")
    assert suggestion.ways == 2
    with writes_nothing(), pytest.raises(operations.SuggestionRefused, match="more than one way"):
        operations.accept_suggestion(suggestion_id=suggestion.pk, accepted_by_id=maker.pk)


def test_what_was_not_searched_is_said(bank: Source, post: Post, maker: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suggesting, "ITEMS_MAX", 5)
    monkeypatch.setattr(suggestions, "TARGETS_MAX", 1)
    for number, amount in enumerate(("11.10", "12.20", "13.30", "14.40", "15.50")):
        receipt(post, amount, f"ORD-700{number}")
    scene.reconcile(scene.mt940(("C", 10_00, "BATCH-55")), source=bank, by=maker)
    run = Run.objects.get()
    told = run.passes.get(pass_id="subset").given_up
    assert told == {"only the 5 oldest open items are looked at": 1, "only the 1 largest of a side are searched": 3}
    page = signed_in(maker).get(reverse("recon:run", args=[run.pk])).content.decode()
    assert "Not everything was searched for suggestions" in page
    assert "3 items not tried, only the 1 largest of a side are searched" in page


def test_accepting_makes_a_match_by_hand_that_says_what_it_rests_on(payout: Suggestion, maker: User) -> None:
    match = operations.accept_suggestion(suggestion_id=payout.pk, accepted_by_id=maker.pk)
    assert (match.method, match.made_by, match.explanation["suggestion"]) == ("manual", maker, str(payout.pk))
    assert Allocation.objects.filter(match=match).count() == 4
    assert not Break.objects.filter(state="open", ledger_item__in=payout.items).exists()
    payout.refresh_from_db()
    assert (payout.state, payout.ended_by) == ("accepted", maker)
    assert AuditEvent.objects.filter(action="recon.suggestion.accepted").exists()
    with writes_nothing(), pytest.raises(operations.SuggestionRefused, match="accepted"):
        operations.accept_suggestion(suggestion_id=payout.pk, accepted_by_id=maker.pk)


def test_suggestion_whose_items_were_taken_meanwhile_is_refused(payout: Suggestion, bank: Source, maker: User) -> None:
    operations.accept_suggestion(suggestion_id=payout.pk, accepted_by_id=maker.pk)
    stale = Suggestion.objects.create(
        reconciliation=bank.reconciliation,
        run=payout.run,
        pass_id="fuzzy",
        kind="fuzzy",
        items=payout.items[:2],
        score=1,
        explanation={},
    )
    with writes_nothing(), pytest.raises(operations.MatchRefused, match="matched meanwhile"):
        operations.accept_suggestion(suggestion_id=stale.pk, accepted_by_id=maker.pk)


def test_dismissed_group_is_not_suggested_again_until_the_date(payout: Suggestion, bank: Source, maker: User, post: Post) -> None:
    until = timezone.localdate() + timedelta(days=30)
    operations.dismiss_suggestion(suggestion_id=payout.pk, dismissed_by_id=maker.pk, reason="Other orders", until=until)
    target = payout.explanation["target"]
    refused = {(said.left_id, said.right_id) for said in NeverMatch.objects.all()}
    assert refused == {(min(item, target), max(item, target)) for item in payout.items if item != target}
    receipt(post, "1.00", "ORD-7009")
    run_again(bank, maker)
    assert list(Suggestion.objects.values_list("state", flat=True)) == ["dismissed"]


@pytest.mark.parametrize(("reason", "days", "field"), [(" ", 30, "reason"), ("Other orders", -1, "until"), ("Other orders", 400, "until")])
def test_dismissing_needs_a_reason_and_an_end(payout: Suggestion, maker: User, reason: str, days: int, field: str) -> None:
    with writes_nothing(), pytest.raises(operations.SuggestionInvalid) as refused:
        operations.dismiss_suggestion(
            suggestion_id=payout.pk, dismissed_by_id=maker.pk, reason=reason, until=timezone.localdate() + timedelta(days=days)
        )
    assert refused.value.field == field


def test_two_items_never_match_until_a_date(bank: Source, post: Post, maker: User) -> None:
    receipt(post, "10.00", "INV-1001", day=DAY - timedelta(days=4))
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    pair = Break.objects.get(type="date")
    items = [pair.ledger_item_id or 0, pair.statement_item_id or 0]
    until = timezone.localdate() + timedelta(days=10)
    operations.never_match(item_ids=items, said_by_id=maker.pk, reason="Another customer", until=until)
    assert NeverMatch.objects.get().until == until
    with writes_nothing(), pytest.raises(operations.SuggestionInvalid, match="already"):
        operations.never_match(item_ids=items, said_by_id=maker.pk, reason="Another customer", until=until)


@pytest.fixture
def matched(bank: Source, post: Post, maker: User) -> Match:
    receipt(post, "10.00", "INV-1001")
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    return Match.objects.get()


def test_undoing_frees_the_items_and_keeps_the_history(matched: Match, checker: User, bank: Source, maker: User) -> None:
    operations.undo_match(match_id=matched.pk, undone_by_id=checker.pk, reason="Belongs to another invoice")
    assert set(Item.objects.values_list("open", flat=True)) == {True}
    assert Allocation.objects.filter(revoked_at=None).count() == 0
    assert Allocation.objects.count() == 2
    assert MatchUndoing.objects.get().undone_by == checker
    assert AuditEvent.objects.filter(action="recon.match.undone", target_id=str(matched.pk)).exists()
    with writes_nothing(), pytest.raises(operations.UndoRefused, match="undone"):
        operations.undo_match(match_id=matched.pk, undone_by_id=checker.pk, reason="Belongs to another invoice")


def test_undone_match_reopens_the_breaks_it_closed(payout: Suggestion, maker: User, checker: User) -> None:
    match = operations.accept_suggestion(suggestion_id=payout.pk, accepted_by_id=maker.pk)
    closed = list(Break.objects.filter(resolved_by=match).values_list("pk", flat=True))
    operations.undo_match(match_id=match.pk, undone_by_id=checker.pk, reason="Not that batch")
    assert set(Break.objects.filter(pk__in=closed).values_list("state", flat=True)) == {"open"}


def test_match_of_a_closed_period_stays(matched: Match, checker: User) -> None:
    AccountingPeriod.objects.update(status="soft_locked")
    with writes_nothing(), pytest.raises(operations.UndoRefused, match="period"):
        operations.undo_match(match_id=matched.pk, undone_by_id=checker.pk, reason="Belongs to another invoice")


def test_pair_that_was_undone_is_not_matched_again_by_the_next_run(matched: Match, bank: Source, maker: User, checker: User) -> None:
    operations.undo_match(match_id=matched.pk, undone_by_id=checker.pk, reason="Belongs to another invoice")
    run_again(bank, maker)
    assert not Allocation.objects.filter(revoked_at=None).exists()


def test_seeing_a_challenge_says_who_looked_and_what_they_found(matched: Match, maker: User) -> None:
    raised = MatchChallenge.objects.create(match=matched, item=Item.objects.earliest("pk"), run=Run.objects.get(), verdict="")
    operations.see_challenge(challenge_id=raised.pk, seen_by_id=maker.pk, verdict="The match is right")
    raised.refresh_from_db()
    assert (raised.seen_by, raised.verdict) == (maker, "The match is right")
    with writes_nothing(), pytest.raises(operations.ChallengeRefused):
        operations.see_challenge(challenge_id=raised.pk, seen_by_id=maker.pk, verdict="Again")


def test_challenged_match_is_listed_until_somebody_says_that_it_is_right_or_undoes_it(
    matched: Match, maker: User, checker: User, auditor: User
) -> None:
    raised = MatchChallenge.objects.create(match=matched, item=Item.objects.earliest("pk"), run=Run.objects.get(), verdict="")
    page, seen = reverse("recon:challenges"), reverse("recon:challenge_seen", args=[raised.pk])
    assert b"came later" in signed_in(auditor).get(page).content
    with writes_nothing():
        assert signed_in(auditor).post(seen, {"verdict": "It is right"}).status_code == 403
        assert signed_in(maker).post(seen, {"verdict": " "}).status_code == 422
    undo = reverse("recon:undo_challenged", args=[matched.pk])
    with writes_nothing():
        assert signed_in(maker).post(undo, {"reason": "It is wrong"}).status_code == 403
    assert signed_in(maker).post(seen, {"verdict": "The other one is of another month"}).status_code == 302
    assert b"No match is challenged" in signed_in(maker).get(page).content
    assert b"of another month" in signed_in(maker).get(page, {"view": "seen"}).content


def test_rest_of_the_larger_side_stays_open_in_its_break(bank: Source, post: Post, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    scene.reconcile(scene.mt940(("C", 970, "INV-1001")), source=bank, by=maker)
    pair = Break.objects.get()
    operations.match_by_hand(break_id=pair.pk, version=pair.version, item_ids=[], matched_by_id=maker.pk, leave_rest=True)
    ledger = Item.objects.get(side="ledger")
    assert (int(ledger.open_minor), Item.objects.get(side="statement").open) == (30, False)
    (left,) = Break.objects.exclude(state="resolved")
    assert (left.ledger_item_id, left.statement_item_id, int(left.difference_minor)) == (ledger.pk, None, 30)
    (whole, part) = Allocation.objects.order_by("partial")
    assert (int(whole.amount_minor), int(part.amount_minor), part.partial) == (970, 970, True)


def test_rest_is_left_only_where_one_item_is_the_larger(bank: Source, post: Post, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    scene.reconcile(scene.mt940(("D", 970, "INV-1001")), source=bank, by=maker)
    pair = Break.objects.earliest("number")
    other = Item.objects.exclude(pk=pair.ledger_item_id or 0)[0]
    with writes_nothing(), pytest.raises(operations.MatchRefused):
        operations.match_by_hand(break_id=pair.pk, version=pair.version, item_ids=[other.pk], matched_by_id=maker.pk, leave_rest=True)


# On the page and over REST


def page(found: Break, name: str = "break", *more: object) -> str:
    return reverse(f"recon:{name}", args=[found.pk, *more])


def text_of(response: Any) -> str:
    return " ".join(response.content.decode().split())


def test_page_shows_the_group_with_its_sum_and_what_each_pass_said(payout: Suggestion, maker: User, auditor: User) -> None:
    paid = Break.objects.get(statement_item__isnull=False)
    shown = text_of(signed_in(maker).get(page(paid)))
    assert "Suggested groups" in shown
    assert "Accept as one match" in shown
    assert "What each pass of the rules said" in shown
    looked = text_of(signed_in(auditor).get(page(paid)))
    assert "Suggested groups" in looked
    assert "Accept as one match" not in looked
    with writes_nothing():
        assert signed_in(auditor).post(page(paid, "accept_suggestion", payout.pk)).status_code == 403


def test_accepted_on_the_page_undone_by_a_controller(payout: Suggestion, maker: User, person: Callable[[str, str], User]) -> None:
    paid = Break.objects.get(statement_item__isnull=False)
    assert signed_in(maker).post(page(paid, "accept_suggestion", payout.pk)).status_code == 302
    assert "Undo this match" not in text_of(signed_in(maker).get(page(paid)))
    controller = signed_in(person("controller", "Controller"))
    assert "Undo this match" in text_of(controller.get(page(paid)))
    with writes_nothing():
        assert controller.post(page(paid, "undo_match"), {"reason": " "}).status_code == 422
        assert signed_in(maker).post(page(paid, "undo_match"), {"reason": "Wrong"}).status_code == 403
    assert controller.post(page(paid, "undo_match"), {"reason": "Not that batch"}).status_code == 302
    paid.refresh_from_db()
    assert paid.state == "open"


def test_dismissed_on_the_page_with_a_reason_and_a_date(payout: Suggestion, maker: User) -> None:
    paid = Break.objects.get(statement_item__isnull=False)
    with writes_nothing():
        assert signed_in(maker).post(page(paid, "dismiss_suggestion", payout.pk), {"reason": "Other", "until": "soon"}).status_code == 422
    until = (timezone.localdate() + timedelta(days=5)).isoformat()
    sent = {"reason": "Other orders", "until": until}
    assert signed_in(maker).post(page(paid, "dismiss_suggestion", payout.pk), sent).status_code == 302
    assert "Suggested groups" not in text_of(signed_in(maker).get(page(paid)))


def test_why_is_answered_over_rest_and_a_stranger_sees_none_of_it(payout: Suggestion, maker: User, stranger: User) -> None:
    paid = Break.objects.get(statement_item__isnull=False)
    answers = signed_in(maker).get(f"/api/v1/breaks/{paid.pk}/why").json()
    assert [answer["pass_id"] for answer in answers][:2] == ["contra", "reference"]
    full = signed_in(maker).get(f"/api/v1/breaks/{paid.pk}").json()
    assert [group["item_ids"] for group in full["suggestions"]] == [payout.items]
    assert signed_in(stranger).get(f"/api/v1/breaks/{paid.pk}/why").status_code == 404
    with writes_nothing():
        assert signed_in(stranger).post(f"/api/v1/suggestions/{payout.pk}/accept").status_code == 404
