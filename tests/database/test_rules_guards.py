"""The guards of rules, populations and what was said of items alone, written around the operations."""

from typing import Any

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from recon import operations
from recon.models import (
    Item,
    MatchChallenge,
    MatchUndoing,
    NeverMatch,
    PassDemotion,
    Population,
    PopulationStatement,
    RulesVersion,
    Run,
    RunPass,
    Source,
    Statement,
    Suggestion,
)
from recon.models import Match as MatchRow
from tests.concurrency import scene
from tests.database.around import Session, refused_by
from tests.fixtures import DAY, Post
from tests.recon.test_rules import WHY, definition

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def drafted(bank: Source, maker: User) -> RulesVersion:
    return operations.draft_rules(reconciliation_id=bank.reconciliation.pk, definition=definition(), drafted_by_id=maker.pk)


@pytest.fixture
def run(bank: Source, maker: User, post: Post) -> Run:
    """A run that made one match."""
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1001")
    return scene.reconcile(scene.mt940(("C", 1000, "INV-1001"), ("C", 300, "INV-1002")), source=bank, by=maker)


def asked(version: RulesVersion, *, by: User) -> Proposal:
    return operations.submit_rules(rules_id=version.pk, reason_code="RULES_MORE", narrative=WHY, maker_id=by.pk, since=DAY)


# Versions


@pytest.mark.parametrize("change", ["definition = '{}'", "digest = 'x'", "number = 7", "note = 'x'", "drafted_by_id = drafted_by_id + 1"])
def test_rules_become_others_it(owner: Session, drafted: RulesVersion, change: str) -> None:
    with refused_by("recon_rules_never_change"):
        owner.execute(f"UPDATE recon_rules_version SET {change} WHERE number = 2".encode())


def test_rules_are_deleted_it(owner: Session, drafted: RulesVersion) -> None:
    with refused_by("recon_rules_never_deleted"):
        owner.execute("DELETE FROM recon_rules_version WHERE number = 2")


@pytest.mark.parametrize(("number", "status"), [(3, "active"), (3, "submitted"), (7, "draft"), (1, "draft")])
def test_rules_are_born_in_force_or_out_of_order_it(runtime: Session, drafted: RulesVersion, number: int, status: str) -> None:
    with refused_by("recon_rules_are_born_a_draft"):
        runtime.execute(
            "INSERT INTO recon_rules_version (id, reconciliation_id, number, definition, digest, note, status, drafted_by_id, proposal_id,"
            " drafted_at, activated_at) SELECT uuidv7(), reconciliation_id, %s, definition, digest, '', %s, drafted_by_id, uuidv7(), now(),"
            " now() FROM recon_rules_version WHERE number = 2",
            [number, status],
        )


@pytest.mark.parametrize("status", ["rejected", "retired"])
def test_rules_skip_their_submission_it(runtime: Session, drafted: RulesVersion, status: str) -> None:
    runtime.execute("UPDATE recon_rules_version SET status = 'retired' WHERE number = 1")
    with refused_by("recon_rules_go_forward"):
        runtime.execute(
            "UPDATE recon_rules_version SET status = %s, proposal_id = uuidv7(), activated_at = now() WHERE number = 2", [status]
        )


def test_back_test_is_changed_after_submission_it(runtime: Session, drafted: RulesVersion, maker: User, checker: User) -> None:
    asked(drafted, by=maker)
    with refused_by("recon_rules_go_forward"):
        runtime.execute("UPDATE recon_rules_version SET backtest = '{}' WHERE number = 2")


def test_rules_nobody_approved_it(runtime: Session, drafted: RulesVersion, maker: User, checker: User) -> None:
    proposal = asked(drafted, by=maker)
    runtime.execute("UPDATE recon_rules_version SET status = 'retired' WHERE number = 1")
    with refused_by("recon_rules_are_approved_by_two"):
        runtime.execute(
            "UPDATE recon_rules_version SET status = 'active', proposal_id = %s, activated_at = now() WHERE number = 2", [str(proposal.pk)]
        )


def test_rules_approved_by_the_proposal_of_others_it(runtime: Session, drafted: RulesVersion, maker: User, checker: User) -> None:
    other = operations.draft_rules(reconciliation_id=drafted.reconciliation_id, definition=definition(days=3), drafted_by_id=maker.pk)
    proposal = asked(drafted, by=maker)
    version = proposal.versions.get()
    approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
    )
    runtime.execute("UPDATE recon_rules_version SET status = 'retired', retired_at = now() WHERE status = 'active'")
    runtime.execute("UPDATE recon_rules_version SET status = 'submitted' WHERE id = %s", [str(other.pk)])
    with refused_by("recon_rules_are_approved_by_two"):
        runtime.execute(
            "UPDATE recon_rules_version SET status = 'active', proposal_id = %s, activated_at = now() WHERE id = %s",
            [str(proposal.pk), str(other.pk)],
        )


# What stays


def test_population_becomes_another_it(owner: Session, bank: Source) -> None:
    with refused_by("recon_population_append_only"):
        owner.execute("UPDATE recon_population SET sign = -sign")


def test_account_leaves_its_population_it(owner: Session, bank: Source) -> None:
    with refused_by("recon_population_account_never_deleted"):
        owner.execute("DELETE FROM recon_population_account")


def test_statement_leaves_a_population_it(owner: Session, bank: Source, run: Run) -> None:
    PopulationStatement.objects.create(population=Population.objects.get(side="statement"), statement=Statement.objects.get())
    with refused_by("recon_population_statement_append_only"):
        owner.execute("DELETE FROM recon_population_statement")


def test_funnel_of_a_run_is_rewritten_it(owner: Session, run: Run) -> None:
    RunPass.objects.create(run=run, position=90, pass_id="reference", kind="key", name="Reference", automatic=True)
    with refused_by("recon_run_pass_append_only"):
        owner.execute("UPDATE recon_run_pass SET matches = 7")


def test_demotion_is_taken_back_it(owner: Session, bank: Source) -> None:
    PassDemotion.objects.create(rules=RulesVersion.objects.get(), pass_id="reference", matches_made=9, matches_undone=3)
    with refused_by("recon_demotion_append_only"):
        owner.execute("DELETE FROM recon_pass_demotion")


def test_pair_that_never_matches_is_forgotten_it(owner: Session, run: Run, maker: User) -> None:
    left, right = Item.objects.order_by("pk")[:2]
    NeverMatch.objects.create(left=left, right=right, reason="Not the same", said_by=maker, until=DAY)
    with refused_by("recon_never_match_append_only"):
        owner.execute("UPDATE recon_never_match SET until = until + 1")


def test_undoing_of_a_match_is_rewritten_it(owner: Session, run: Run, maker: User) -> None:
    MatchUndoing.objects.create(match=MatchRow.objects.get(), reason="Wrong", undone_by=maker)
    with refused_by("recon_undoing_append_only"):
        owner.execute("UPDATE recon_match_undoing SET reason = 'another'")


@pytest.fixture
def suggestion(run: Run) -> Suggestion:
    ids = list(Item.objects.order_by("pk").values_list("pk", flat=True)[:2])
    said: dict[str, Any] = {"pass_id": "subset", "kind": "subset", "score": 1, "explanation": {}}
    return Suggestion.objects.create(reconciliation=run.reconciliation, run=run, items=ids, **said)


@pytest.mark.parametrize("change", ["items = '{1}'", "score = 99", "explanation = '{\"a\": 1}'"])
def test_suggestion_becomes_another_it(owner: Session, suggestion: Suggestion, change: str) -> None:
    with refused_by("recon_suggestion_meaning_never_changes"):
        owner.execute(f"UPDATE recon_suggestion SET {change}".encode())


def test_suggestion_is_deleted_it(owner: Session, suggestion: Suggestion) -> None:
    with refused_by("recon_suggestion_never_deleted"):
        owner.execute("DELETE FROM recon_suggestion")


def test_challenge_is_deleted_it(owner: Session, run: Run) -> None:
    MatchChallenge.objects.create(match=MatchRow.objects.get(), item=Item.objects.order_by("-pk")[0], run=run)
    with refused_by("recon_challenge_never_deleted"):
        owner.execute("DELETE FROM recon_match_challenge")
