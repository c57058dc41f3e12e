"""What the runtime role could once write around the operations, and what a guard made of NULLs."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from django.db import connections
from psycopg.types.json import Json

from approvals.canonical import canonical_json, digest_of
from approvals.models import PolicyVersion, User
from ledger.models import AccountingPeriod
from ledger.operations import close_period
from recon.models import Break, Item, Match, Source
from tests.concurrency import scene
from tests.fixtures import Post

pytestmark = pytest.mark.django_db(transaction=True)

Session = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture
def runtime(transactional_db: None) -> Iterator[Session]:
    """A session of the runtime role, in one transaction that is rolled back."""
    own = connections["default"].settings_dict
    with psycopg.connect(host=own["HOST"], port=own["PORT"], dbname=own["NAME"], user=own["USER"], password=own["PASSWORD"]) as session:
        yield session
        session.rollback()


@contextmanager
def refused_by(guard: str) -> Iterator[None]:
    with pytest.raises(psycopg.Error) as caught:
        yield
    assert caught.value.diag.constraint_name == guard, str(caught.value)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def reconciled(bank: Source, maker: User, post: Post) -> Match:
    """One match, made by a run, and one break on each side."""
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="BOTH1")
    post("1010 debit 7.00 USD / 2010 credit 7.00 USD", reference="OURS1")
    scene.reconcile(scene.mt940(("C", 500, "BOTH1"), ("C", 900, "THEIRS1")), source=bank, by=maker)
    return Match.objects.get()


def test_closed_period_is_opened_again_it(runtime: Session, chart: dict[str, Any]) -> None:
    close_period(period_id=AccountingPeriod.objects.get().pk)
    with refused_by("ledger_period_stays_closed"):
        runtime.execute("UPDATE ledger_period SET status = 'open', closed_at = NULL")


def test_break_closed_by_the_match_of_other_items_it(runtime: Session, reconciled: Match) -> None:
    with refused_by("recon_break_is_explained_by_its_match"):
        runtime.execute(
            "UPDATE recon_break SET state = 'resolved', resolved_by_id = %s, resolved_at = now() WHERE reference = 'OURS1'", [reconciled.pk]
        )


def test_item_hidden_without_a_match_it(runtime: Session, reconciled: Match) -> None:
    with refused_by("recon_item_is_open_or_matched"):
        runtime.execute("UPDATE recon_item SET open_minor = 0 WHERE reference = 'OURS1'")


def test_matched_item_offered_again_it(runtime: Session, reconciled: Match) -> None:
    with refused_by("recon_item_is_open_or_matched"):
        runtime.execute("UPDATE recon_item SET open_minor = amount_minor WHERE reference = 'BOTH1'")


def test_item_hidden_from_birth_it(runtime: Session, reconciled: Match) -> None:
    with refused_by("recon_item_is_born_open"):
        runtime.execute(
            "INSERT INTO recon_item (reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date,"
            " match_key, reference, counterparty) SELECT reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, 0,"
            " item_date, '', '', ''"
            " FROM recon_item WHERE reference = 'THEIRS1'"
        )


def test_allocation_given_back_after_it_was_revoked_it(runtime: Session, reconciled: Match) -> None:
    runtime.execute("UPDATE recon_allocation SET revoked_at = now()")
    with refused_by("recon_allocation_is_only_revoked"):
        runtime.execute("UPDATE recon_allocation SET revoked_at = NULL")


def test_break_and_item_follow_their_match_as_before(reconciled: Match) -> None:
    assert (Item.objects.filter(open=False).count(), Break.objects.count(), scene.wrongs()) == (2, 2, [])


LINES = [
    {"account": "6420", "direction": "debit", "amount": "100", "asset": "USD"},
    {"account": "1010", "direction": "credit", "amount": "100", "asset": "USD"},
]


@pytest.mark.parametrize(
    "approved",
    [
        {"type": "adjustment", "lines": LINES},
        {"effective_date": "2026-11-02", "lines": LINES},
        {"effective_date": "2026-11-02", "type": "write_off", "lines": LINES},
        {"effective_date": "2026-11-02", "type": "adjustment"},
    ],
    ids=["no date", "no type", "another type", "no lines"],
)
def test_manual_entry_that_says_more_than_was_approved_it(runtime: Session, maker: User, checker: User, approved: dict[str, Any]) -> None:
    policy = PolicyVersion.objects.get(kind="recon.post_adjustment")
    row = runtime.execute(
        "INSERT INTO approvals_proposal (number, kind, title, maker_id, scope, target_type, target_id, locked_object, status,"
        " status_reason, current_version, expires_at) VALUES (nextval('approvals_proposal_number'), 'recon.post_adjustment', 't', %s, 's',"
        " 't', 't', 'o', 'submitted', '', 1, now() + interval '1 hour') RETURNING id",
        [maker.pk],
    ).fetchone()
    assert row is not None
    proposal = row[0]
    canonical = canonical_json({"entry": approved})
    row = runtime.execute(
        "INSERT INTO approvals_proposal_version (proposal_id, n, payload, canonical, digest, preconditions, reason_code_id, narrative,"
        " policy_version_id, submitted_by_id) VALUES (%s, 1, %s::jsonb, %s, %s, '{}', 'BANK_FEE', '', %s, %s) RETURNING id",
        [proposal, canonical, canonical, digest_of(canonical), policy.pk, maker.pk],
    ).fetchone()
    assert row is not None
    runtime.execute(
        "INSERT INTO approvals_decision (proposal_id, version_id, maker_id, submitted_by_id, approver_id, outcome, comment)"
        " VALUES (%s, %s, %s, %s, %s, 'approve', '')",
        [proposal, row[0], maker.pk, maker.pk, checker.pk],
    )
    runtime.execute("INSERT INTO approvals_execution (proposal_id, version_id) VALUES (%s, %s)", [proposal, row[0]])
    draft: dict[str, Any] = {
        "key": "around", "type": "adjustment", "entity": "M1", "effective_date": "2026-11-02", "description": "by hand", "reference": "",
        "counterparty": "", "metadata": {}, "proposal_id": str(proposal), "actor_id": None, "request_id": "", "lines": LINES,
    }  # fmt: skip
    runtime.execute("SELECT * FROM ledger_post_entries_v1('around', %s::jsonb)", [Json([draft])])
    with refused_by("ledger_manual_entry_is_what_was_approved"):
        runtime.execute("SET CONSTRAINTS ALL IMMEDIATE")
