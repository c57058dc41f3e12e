"""Rules: drafted, tried on what was decided, submitted, and put in force by a second person."""

from collections.abc import Callable
from typing import Any

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from audit.models import AuditEvent
from ledgerops.lib.errors import Refusal
from recon import operations, rule_queries
from recon.matching.rules import STANDARD, Rules
from recon.matching.trials import ADDED, CONTRADICTING, LOST, Decided, beside_decisions
from recon.models import Reconciliation, RulesVersion, Source
from tests.concurrency import scene
from tests.fixtures import DAY, Post
from tests.notation import writes_nothing

WHY = "References of this bank come a day later than they did"


def definition(**reference: Any) -> dict[str, Any]:
    """Return the standard rules with the pass by reference changed."""
    changes = {"days": 2, **reference}
    passes = [{**one, **(changes if one["id"] == "reference" else {})} for one in STANDARD["passes"]]
    return {"passes": passes, "tariffs": []}


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


Draft = Callable[..., RulesVersion]


@pytest.fixture
def drafted(bank: Source, maker: User) -> Draft:
    """Return a function that keeps the standard rules with a changed pass by reference as a draft of the maker."""

    def keep(**values: Any) -> RulesVersion:
        return operations.draft_rules(reconciliation_id=bank.reconciliation.pk, definition=definition(**values), drafted_by_id=maker.pk)

    return keep


def submitted(version: RulesVersion, *, by: User) -> Proposal:
    return operations.submit_rules(rules_id=version.pk, reason_code="RULES_MORE", narrative=WHY, maker_id=by.pk, since=DAY)


def decided(proposal: Proposal, *, by: User, outcome: str = "approve", digest: str = "") -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=digest or version.digest,
        approver_id=by.pk,
        outcome=DecisionOutcome(outcome),
        comment="" if outcome == "approve" else "Too wide",
    )


# Drafting


def test_draft_is_numbered_and_changes_nothing_yet(bank: Source, drafted: Draft) -> None:
    assert [drafted().number, drafted(days=3).number] == [2, 3]
    assert RulesVersion.objects.get(status="active").number == 1
    assert AuditEvent.objects.filter(action="recon.rules.drafted", outcome="done").count() == 2


def test_same_draft_again_is_the_one_there_is(drafted: Draft) -> None:
    version = drafted()
    with writes_nothing():
        assert drafted() == version


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"days": 91}, "passes.1.days"),
        ({"days": "2"}, "passes.1.days"),
        ({"keys": ["color"]}, "passes.1.keys"),
        ({"surprise": 1}, "passes.1.surprise"),
        ({"id": "contra"}, "passes.1.id"),
        ({"kind": "guess"}, "passes.1.kind"),
    ],
)
def test_definition_that_is_wrong_is_refused_at_its_field(drafted: Draft, values: dict[str, Any], field: str) -> None:
    with writes_nothing(), pytest.raises(operations.RulesInvalid) as caught:
        drafted(**values)
    assert caught.value.field == field


def test_rules_in_force_are_no_new_version(bank: Source, maker: User) -> None:
    with writes_nothing(), pytest.raises(operations.RulesNotNew):
        operations.draft_rules(reconciliation_id=bank.reconciliation.pk, definition=STANDARD, drafted_by_id=maker.pk)


# Four eyes


def test_approved_rules_retire_those_before(bank: Source, drafted: Draft, maker: User, checker: User) -> None:
    version = drafted()
    proposal = submitted(version, by=maker)
    version.refresh_from_db()
    assert (version.status, (version.backtest or {})["since"]) == ("submitted", "2026-11-02")
    assert decided(proposal, by=checker).status == "executed"
    assert dict(RulesVersion.objects.values_list("number", "status")) == {1: "retired", 2: "active"}
    version.refresh_from_db()
    assert version.proposal_id == proposal.pk
    assert Reconciliation.objects.get().rules_version == 2
    assert AuditEvent.objects.get(action="recon.rules.put_in_force").proposal_id == proposal.pk
    assert rule_queries.version_before(version) == RulesVersion.objects.get(number=1)


def test_next_run_matches_by_the_rules_in_force(bank: Source, drafted: Draft, maker: User, checker: User, post: Post) -> None:
    decided(submitted(drafted(), by=maker), by=checker)
    assert scene.reconcile(scene.mt940(("C", 100, "INV-1")), source=bank, by=maker).rules_version == 2


def test_who_drafted_them_submits_them_and_does_not_decide(drafted: Draft, person: Callable[[str, str], User], maker: User) -> None:
    version, other = drafted(), person("other", "Analyst")
    person("second", "Approver")
    with writes_nothing(), pytest.raises(operations.RulesNotYours):
        submitted(version, by=other)
    proposal = submitted(version, by=maker)
    with writes_nothing(), pytest.raises(Refusal):
        decided(proposal, by=maker)


def test_one_proposal_is_open_for_a_reconciliation(drafted: Draft, maker: User, checker: User) -> None:
    first, second = drafted(), drafted(days=3)
    submitted(first, by=maker)
    with writes_nothing(), pytest.raises(approvals.ObjectHasOpenProposal):
        submitted(second, by=maker)


def test_decision_on_another_content_is_refused(drafted: Draft, maker: User, checker: User) -> None:
    proposal = submitted(drafted(), by=maker)
    with writes_nothing(), pytest.raises(approvals.DecisionOutdated):
        decided(proposal, by=checker, digest="0" * 64)


@pytest.mark.parametrize("outcome", ["reject", "withdraw"])
def test_version_whose_proposal_ended_stays_so_and_may_be_drafted_again(drafted: Draft, maker: User, checker: User, outcome: str) -> None:
    version = drafted()
    proposal = submitted(version, by=maker)
    if outcome == "reject":
        decided(proposal, by=checker, outcome="reject")
    else:
        approvals.withdraw(proposal_id=proposal.pk, maker_id=maker.pk, reason="Not yet")
    version.refresh_from_db()
    assert version.status == "rejected"
    assert drafted().number == 3
    with writes_nothing(), pytest.raises(operations.RulesNotNew):
        submitted(version, by=maker)


def test_version_that_was_returned_gives_way_to_the_next_draft(drafted: Draft, maker: User, checker: User) -> None:
    proposal = submitted(drafted(), by=maker)
    decided(proposal, by=checker, outcome="request_changes")
    second = drafted(days=3)
    operations.revise_rules(
        proposal_id=proposal.pk, rules_id=second.pk, reason_code="RULES_MORE", narrative=WHY, maker_id=maker.pk, since=DAY
    )
    proposal.refresh_from_db()
    assert decided(proposal, by=checker).status == "executed"
    assert dict(RulesVersion.objects.values_list("number", "status")) == {1: "retired", 2: "rejected", 3: "active"}


# Beside what was decided


def items(*ids: int) -> frozenset[int]:
    return frozenset(ids)


def test_groups_are_held_against_every_decision() -> None:
    known = [
        Decided(items=items(1, 2), match_id="a", pass_id="key"),
        Decided(items=items(3, 4), match_id="b", pass_id="key"),
        Decided(items=items(5, 6), match_id="c", by_person=True),
        Decided(items=items(7, 8), match_id="d", by_person=True),
        Decided(items=items(9, 10), match_id="e", pass_id="key", undone=True),
    ]
    groups = [("key", (1, 2)), ("key", (6, 11)), ("key", (9, 10)), ("key", (12, 13)), ("key", (14, 15)), ("window", (16, 17))]
    outcome = beside_decisions(groups, decided=known, refused_pairs=[(14, 15)], automatic={"key"}, order=["key", "window"])
    assert [group.items for group in outcome.groups[ADDED]] == [(12, 13)]
    assert [(group.items, group.match_id) for group in outcome.groups[LOST]] == [((3, 4), "b")]
    assert [(group.items, group.match_id) for group in outcome.groups[CONTRADICTING]] == [((6, 11), "c"), ((9, 10), "e"), ((14, 15), "")]
    key, window = outcome.passes
    assert (key.same, key.added, key.lost, key.contradicting, window.suggested) == (1, 1, 1, 3, 1)
    assert outcome.left_to_people == 2


def test_back_test_loses_what_the_rules_no_longer_find(bank: Source, drafted: Draft, maker: User, checker: User, post: Post) -> None:
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    scene.reconcile(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    passes = [one for one in STANDARD["passes"] if one["id"] == "contra"]
    version = operations.draft_rules(
        reconciliation_id=bank.reconciliation.pk, definition={"passes": passes, "tariffs": []}, drafted_by_id=maker.pk
    )
    submitted(version, by=maker)
    version.refresh_from_db()
    shown = rule_queries.shown_backtest(version)
    assert shown is not None
    assert (shown.total("lost"), shown.total("added"), shown.total("contradicting")) == (1, 0, 0)
    assert sorted(item.reference for item in shown.lost[0].items) == ["INV-1001", "INV-1001"]


def test_every_definition_reads_back_the_same() -> None:
    rules = Rules.from_json(STANDARD)
    assert Rules.from_json(rules.definition).digest == rules.digest
