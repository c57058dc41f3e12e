"""Each guard of the database alone: written around the operations, as the owner whom no privilege stops, and named by the guard."""

from uuid import uuid4

import pytest

from approvals.models import User
from ledger.models import Account, AccountingPeriod
from ledger.operations import close_period
from tests.database.around import (
    LINES,
    Session,
    post_manually,
    refused_by,
    write_decision,
    write_entry,
    write_execution,
    write_postings,
    write_proposal,
    write_transaction,
)
from tests.fixtures import Post

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

BALANCED = ((1, "1010", "debit", 100), (2, "2010", "credit", 100))


def test_balanced_entry_written_around_the_door_stands_it(owner: Session, chart: dict[str, Account]) -> None:
    write_postings(owner, write_entry(owner), *BALANCED)
    owner.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_unbalanced_entry_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner)
    with refused_by("ledger_entry_balanced"):
        write_postings(owner, entry, (1, "1010", "debit", 100), (2, "2010", "credit", 99))


def test_entry_balanced_only_across_assets_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner)
    with refused_by("ledger_entry_balanced"):
        write_postings(owner, entry, (1, "1010", "debit", 100), (2, "2030", "credit", 100))


def test_entry_with_fewer_postings_than_declared_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner, lines=3)
    with refused_by("ledger_entry_complete"):
        write_postings(owner, entry, *BALANCED, lines=3)


def test_postings_added_in_a_second_statement_it(owner: Session, chart: dict[str, Account]) -> None:
    entry_id = write_entry(owner, lines=4)
    with refused_by("ledger_entry_complete"):
        write_postings(owner, entry_id, (3, "1010", "debit", 5), (4, "2010", "credit", 5), lines=4)


def test_posting_added_to_a_posted_entry_it(owner: Session, chart: dict[str, Account], post: Post) -> None:
    entry_id = post("1010 debit 1.00 USD / 2010 credit 1.00 USD").entry_id
    assert entry_id is not None
    with refused_by("ledger_posting_line_is_declared"):
        write_postings(owner, entry_id, (3, "1010", "debit", 5), (4, "2010", "credit", 5))


def test_entry_without_postings_it(owner: Session, chart: dict[str, Account]) -> None:
    write_entry(owner)
    with refused_by("ledger_transaction_entry_exists"):
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_entry_of_one_line_it(owner: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_entry_has_two_lines"):
        write_entry(owner, lines=1)


@pytest.mark.parametrize("amount", [0, -5])
def test_posting_of_nothing_or_less_it(owner: Session, chart: dict[str, Account], amount: int) -> None:
    entry = write_entry(owner)
    with refused_by("ledger_posting_amount_positive"):
        write_postings(owner, entry, (1, "1010", "debit", amount), (2, "2010", "credit", amount))


def test_posting_in_another_asset_than_its_account_it(owner: Session, chart: dict[str, Account]) -> None:
    entry = write_entry(owner)
    yen, bank = Account.objects.get(code="1030"), Account.objects.get(code="1010")
    with refused_by("ledger_posting_agrees_with_account"):
        owner.execute(
            "INSERT INTO ledger_posting (entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date,"
            " account_seq, balance_after_minor) VALUES (%s, 1, 2, %s, %s, %s, 'debit', 1, '2026-11-02', 1, 0),"
            " (%s, 2, 2, %s, %s, %s, 'credit', 1, '2026-11-02', 2, 0)",
            [entry, bank.pk, yen.asset_id, bank.entity_id, entry, bank.pk, yen.asset_id, bank.entity_id],
        )


def test_two_postings_of_an_account_with_one_place_it(owner: Session, chart: dict[str, Account], post: Post) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD")
    entry = write_entry(owner)
    account = Account.objects.get(code="1010")
    with refused_by("ledger_posting_account_seq"):
        owner.execute(
            "INSERT INTO ledger_posting (entry_id, line, lines, account_id, asset_id, entity_id, direction, amount_minor, effective_date,"
            " account_seq, balance_after_minor) VALUES (%s, 1, 2, %s, %s, %s, 'debit', 1, '2026-11-02', 1, 0),"
            " (%s, 2, 2, %s, %s, %s, 'credit', 1, '2026-11-02', 2, 0)",
            [entry, account.pk, account.asset_id, account.entity_id, entry, account.pk, account.asset_id, account.entity_id],
        )


@pytest.mark.parametrize(
    ("table", "guard"),
    [
        ("ledger_entry", "ledger_entry_append_only"),
        ("ledger_posting", "ledger_posting_append_only"),
        ("audit_event", "audit_event_append_only"),
        ("ledger_key_use", "ledger_key_use_append_only"),
    ],
)
@pytest.mark.parametrize("act", ["UPDATE {table} SET {column} = {column}", "DELETE FROM {table}"])
def test_owner_rewrites_a_fact_it(owner: Session, chart: dict[str, Account], post: Post, table: str, guard: str, act: str) -> None:
    for _ in range(2):
        post("1010 debit 1.00 USD / 2010 credit 1.00 USD", key="again")
    row = owner.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table]).fetchone()
    assert row is not None
    with refused_by(guard):
        owner.execute(act.format(table=table, column=row[0]).encode())


def test_entry_in_a_closed_period_it(owner: Session, chart: dict[str, Account]) -> None:
    close_period(period_id=AccountingPeriod.objects.get().pk)
    with refused_by("ledger_entry_in_open_period"):
        write_entry(owner)


def test_entry_outside_its_period_it(owner: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_entry_in_open_period"):
        write_entry(owner, day="2027-01-01")


def test_periods_that_overlap_it(owner: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_periods_do_not_overlap"):
        owner.execute(
            "INSERT INTO ledger_period (entity_id, starts_on, ends_on, status)"
            " SELECT entity_id, ends_on, ends_on + 30, 'open' FROM ledger_period"
        )


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        ("UPDATE ledger_asset SET scale = scale + 1", "ledger_asset_scale_never_changes"),
        ("UPDATE ledger_account SET owner_class = 'equity'", "ledger_account_meaning_never_changes"),
        ("UPDATE ledger_transaction_type SET origin = 'manual' WHERE code = 'deposit'", "ledger_type_rules_never_change"),
        ("UPDATE ledger_period SET ends_on = ends_on + 1", "ledger_period_dates_never_change"),
        ("DELETE FROM ledger_balance", "ledger_balance_never_deleted"),
    ],
)
def test_what_gives_meaning_changes_it(owner: Session, chart: dict[str, Account], statement: str, guard: str) -> None:
    with refused_by(guard):
        owner.execute(statement.encode())


def test_one_key_answers_twice_it(owner: Session, chart: dict[str, Account], post: Post) -> None:
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", key="once")
    with refused_by("ledger_one_key_posts_once"):
        owner.execute(
            "INSERT INTO ledger_transaction (id, scope, key, content, status, settlement, request_id, created_at)"
            " SELECT uuidv7(), scope, key, content, status, settlement, '', created_at FROM ledger_transaction WHERE key = 'once'"
        )


def test_transaction_that_says_it_posted_what_does_not_exist_it(owner: Session, chart: dict[str, Account]) -> None:
    write_transaction(owner, uuid4(), lines=2)
    with refused_by("ledger_transaction_entry_exists"):
        owner.execute("SET CONSTRAINTS ALL IMMEDIATE")


# --- Four eyes ---------------------------------------------------------------------------------------------------------------------


def test_maker_decides_as_the_runtime_role_it(runtime: Session, maker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    with refused_by("approvals_checker_is_not_maker"):
        write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=maker)


def test_maker_decides_under_another_makers_name_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    with refused_by("approvals_decision_names_the_maker"):
        runtime.execute(
            "INSERT INTO approvals_decision (proposal_id, version_id, maker_id, submitted_by_id, approver_id, outcome, comment, decided_at)"
            " VALUES (%s, %s, %s, %s, %s, 'approve', '', now())",
            [proposal, version, checker.pk, checker.pk, maker.pk],
        )


def test_one_person_votes_twice_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    with refused_by("approvals_one_person_one_vote"):
        write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)


def test_version_whose_digest_is_not_of_its_content_it(runtime: Session, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker)
    with refused_by("approvals_version_matches_its_digest"):
        runtime.execute(
            "INSERT INTO approvals_proposal_version (proposal_id, n, payload, canonical, digest, preconditions, reason_code_id, narrative,"
            " policy_version_id, submitted_by_id, submitted_at) SELECT proposal_id, 2, '{}', '{}', digest, '{}', reason_code_id, '',"
            " policy_version_id, submitted_by_id, now() FROM approvals_proposal_version WHERE proposal_id = %s",
            [proposal],
        )


def test_manual_entry_without_a_proposal_it(runtime: Session, maker: User) -> None:
    assert post_manually(runtime, proposal=None) == "approval_required"


def test_manual_entry_without_a_proposal_around_the_door_it(owner: Session, chart: dict[str, Account]) -> None:
    with refused_by("ledger_manual_entry_has_a_proposal"):
        write_entry(owner, origin="manual")


def test_manual_entry_nobody_approved_it(runtime: Session, maker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_execution(runtime, proposal=proposal, version=version)
    assert post_manually(runtime, proposal=proposal) == "posted"
    with refused_by("ledger_manual_entry_is_approved"):
        runtime.execute("SET CONSTRAINTS ledger_manual_entry_is_approved IMMEDIATE")


def test_manual_entry_with_one_approval_of_two_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker, required=2)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    write_execution(runtime, proposal=proposal, version=version)
    assert post_manually(runtime, proposal=proposal) == "posted"
    with refused_by("ledger_manual_entry_is_approved"):
        runtime.execute("SET CONSTRAINTS ledger_manual_entry_is_approved IMMEDIATE")


def test_manual_entry_of_another_amount_than_approved_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    write_execution(runtime, proposal=proposal, version=version)
    more = [{**line, "amount": "100000"} for line in LINES]
    assert post_manually(runtime, proposal=proposal, lines=more) == "posted"
    with refused_by("ledger_manual_entry_is_what_was_approved"):
        runtime.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_approved_proposal_posts_twice_it(runtime: Session, maker: User, checker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_decision(runtime, proposal=proposal, version=version, maker=maker, approver=checker)
    write_execution(runtime, proposal=proposal, version=version)
    assert post_manually(runtime, proposal=proposal) == "posted"
    with refused_by("ledger_proposal_posts_once"):
        post_manually(runtime, proposal=proposal)


def test_proposal_executed_twice_it(runtime: Session, maker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_execution(runtime, proposal=proposal, version=version)
    with refused_by("approvals_execution_pkey"):
        write_execution(runtime, proposal=proposal, version=version)


def test_suspense_paid_out_as_a_deposit_by_the_runtime_role_it(runtime: Session, chart: dict[str, Account]) -> None:
    lines = [
        {"account": "1900", "direction": "debit", "amount": "100", "asset": "USD"},
        {"account": "2010", "direction": "credit", "amount": "100", "asset": "USD"},
    ]
    assert post_manually(runtime, proposal=None, lines=lines, kind="deposit") == "account_class_not_allowed"


def test_ended_proposal_lives_again_it(runtime: Session, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker)
    runtime.execute("UPDATE approvals_proposal SET status = 'rejected' WHERE id = %s", [proposal])
    with refused_by("approvals_proposal_ended_is_final"):
        runtime.execute("UPDATE approvals_proposal SET status = 'submitted' WHERE id = %s", [proposal])


def test_proposal_returns_to_an_earlier_version_it(runtime: Session, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker)
    runtime.execute("UPDATE approvals_proposal SET current_version = 2 WHERE id = %s", [proposal])
    with refused_by("approvals_proposal_version_never_goes_down"):
        runtime.execute("UPDATE approvals_proposal SET current_version = 1 WHERE id = %s", [proposal])


def test_proposal_called_executed_that_was_not_it(runtime: Session, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker)
    with refused_by("approvals_executed_proposal_was_executed"):
        runtime.execute("UPDATE approvals_proposal SET status = 'executed', closed_at = now() WHERE id = %s", [proposal])


def test_proposal_born_executed_it(runtime: Session, maker: User) -> None:
    proposal, _ = write_proposal(runtime, maker=maker)
    with refused_by("approvals_executed_proposal_was_executed"):
        runtime.execute(
            "INSERT INTO approvals_proposal (number, kind, title, maker_id, scope, target_type, target_id, locked_object, status,"
            " status_reason, current_version, expires_at) SELECT number + 1, kind, title, maker_id, scope, target_type, target_id, 'other',"
            " 'executed', '', 1, expires_at FROM approvals_proposal WHERE id = %s",
            [proposal],
        )


def test_proposal_that_was_executed_is_called_so(runtime: Session, maker: User) -> None:
    proposal, version = write_proposal(runtime, maker=maker)
    write_execution(runtime, proposal=proposal, version=version)
    runtime.execute("UPDATE approvals_proposal SET status = 'executed', closed_at = now() WHERE id = %s", [proposal])
