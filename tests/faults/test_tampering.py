"""Every corruption the integrity checker claims to name, written by a superuser past every guard, into books that were right.

The books are made once; each corruption is examined in a savepoint and taken back. `names` are the checks that must name it, and no others
may: the first is the one the corruption is meant for, the rest follow from it by arithmetic.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from django.db import connection, connections, transaction

from approvals.models import User
from ledger import operations
from ledger.models import IntegrityFinding
from ledger.operations.integrity_checks import CHECK_OF, CHECKS
from ledgerops.runtime.models import Switch
from tests.conftest import SUPERUSER_URL
from tests.integrity_scene import busy_books

pytestmark = pytest.mark.django_db

_ENTRY = "(SELECT id FROM ledger_entry WHERE reference = 'SETTLED')"
_TRANSACTION = f"id = {_ENTRY}"
_LEG = f"entry_id = {_ENTRY} AND line = 2"
_DEFERRED = "(SELECT id FROM ledger_account WHERE code = '4011')"
_BANK = "(SELECT id FROM ledger_account WHERE code = '1010')"
_CUSTOMER = "(SELECT id FROM ledger_account WHERE code = '2020')"
_LIMITED = "(SELECT id FROM ledger_account WHERE code = '2060')"
_CHILD = "(SELECT id FROM ledger_account WHERE code = '2101')"
_OPEN_HOLD = "(SELECT transaction_id FROM ledger_hold WHERE closed_at IS NULL)"
_YEN = "(SELECT id FROM ledger_asset WHERE code = 'JPY')"


@dataclass(frozen=True)
class Tampering:
    """What the superuser writes, what must name it, which constraint is taken away for it, and where posting then stops."""

    name: str
    sql: str
    names: tuple[str, ...]
    stops: tuple[str, ...] = ()
    without: tuple[str, str] | None = None
    # Where what is new is named otherwise than what was verified before.
    each_minute: tuple[str, ...] = ()


CASES = [
    Tampering(
        "balance changed",
        f"UPDATE ledger_balance SET posted_credits_minor = posted_credits_minor + 1 WHERE account_id = {_CUSTOMER}",
        ("balance_is_its_postings", "days_add_up", "trial_balance_is_zero"),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "balance and its other side changed alike",
        "UPDATE ledger_balance SET posted_debits_minor = posted_debits_minor + 1, posted_credits_minor = posted_credits_minor + 1"
        f" WHERE account_id = {_CUSTOMER}",
        ("balance_is_its_postings", "days_add_up"),
        ("account:2020",),
    ),
    Tampering(
        "place in the account skipped",
        f"UPDATE ledger_posting SET account_seq = 99 WHERE {_LEG}",
        ("account_seq_is_dense", "balance_after_follows", "posted_in_order", "verified_figures_hold"),
        ("account:2020",),
        each_minute=("account_seq_is_dense", "balance_after_follows", "balance_is_its_postings"),
    ),
    Tampering(
        "version ahead of the postings",
        f"UPDATE ledger_balance SET version = version + 1 WHERE account_id = {_CUSTOMER}",
        ("account_seq_is_dense", "days_add_up"),
        ("account:2020",),
    ),
    Tampering(
        "balance after a posting changed",
        f"UPDATE ledger_posting SET balance_after_minor = balance_after_minor + 1 WHERE {_LEG}",
        ("balance_after_follows",),
        ("account:2020",),
    ),
    Tampering(
        "balances after two postings changed so that their sum stays",
        f"UPDATE ledger_posting SET balance_after_minor = balance_after_minor + CASE account_seq WHEN 1 THEN 5 ELSE -5 END"
        f" WHERE account_id = {_CUSTOMER} AND account_seq IN (1, 2)",
        ("balance_after_follows",),
        ("account:2020",),
    ),
    Tampering(
        "amounts of two postings changed so that their sum stays",
        f"UPDATE ledger_posting SET amount_minor = amount_minor + CASE account_seq WHEN 1 THEN 5 ELSE -5 END"
        f" WHERE account_id = {_CUSTOMER} AND account_seq IN (1, 2)",
        ("balance_after_follows", "entry_balances", "content_is_what_was_posted", "reversals_add_up"),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "two postings of an account have changed places",
        f"""
        UPDATE ledger_posting SET account_seq = -1 WHERE account_id = {_CUSTOMER} AND account_seq = 1;
        UPDATE ledger_posting SET account_seq = 1 WHERE account_id = {_CUSTOMER} AND account_seq = 2;
        UPDATE ledger_posting SET account_seq = 2 WHERE account_id = {_CUSTOMER} AND account_seq = -1
        """,
        ("balance_after_follows", "posted_in_order"),
        ("account:2020",),
    ),
    Tampering(
        "two postings of an account have changed places and balances",
        f"""
        UPDATE ledger_posting p SET account_seq = -n.account_seq, balance_after_minor = CASE n.account_seq
            WHEN 1 THEN p.amount_minor ELSE (SELECT sum(x.amount_minor) FROM ledger_posting x
                WHERE x.account_id = {_CUSTOMER} AND x.account_seq IN (1, 2)) END
            FROM (VALUES (1, 2), (2, 1)) AS n (old_seq, account_seq) WHERE p.account_id = {_CUSTOMER} AND p.account_seq = n.old_seq;
        UPDATE ledger_posting SET account_seq = -account_seq WHERE account_id = {_CUSTOMER} AND account_seq < 0
        """,
        ("posted_in_order",),
    ),
    Tampering(
        "instant of posting changed",
        f"UPDATE ledger_entry SET posted_at = posted_at - interval '1 day' WHERE {_TRANSACTION}",
        ("posted_in_order",),
    ),
    Tampering(
        "history rewritten in every place at once",
        f"""
        UPDATE ledger_posting SET amount_minor = amount_minor + 500 WHERE entry_id = {_ENTRY} AND line IN (1, 2);
        UPDATE ledger_posting p SET balance_after_minor = p.balance_after_minor + 500 FROM ledger_posting t
            WHERE t.entry_id = {_ENTRY} AND t.line IN (1, 2) AND p.account_id = t.account_id AND p.account_seq >= t.account_seq;
        UPDATE ledger_balance SET posted_debits_minor = posted_debits_minor + 500 WHERE account_id = {_BANK};
        UPDATE ledger_balance SET posted_credits_minor = posted_credits_minor + 500 WHERE account_id = {_CUSTOMER};
        UPDATE ledger_day_delta SET debits_minor = debits_minor + 500 WHERE account_id = {_BANK} AND effective_date = '2026-11-02';
        UPDATE ledger_day_delta SET credits_minor = credits_minor + 500 WHERE account_id = {_CUSTOMER} AND effective_date = '2026-11-02';
        UPDATE ledger_transaction
            SET content = jsonb_set(jsonb_set(content, '{{lines,0,amount}}', '"5500"'), '{{lines,1,amount}}', '"3500"') WHERE {_TRANSACTION}
        """,
        ("verified_figures_hold",),
        ("account:1010", "account:2020"),
    ),
    Tampering(
        "day changed",
        f"UPDATE ledger_day_delta SET credits_minor = credits_minor + 1 WHERE account_id = {_CUSTOMER}",
        ("day_is_its_postings", "days_add_up"),
        ("account:2020",),
    ),
    Tampering(
        "day missing",
        f"DELETE FROM ledger_day_delta WHERE account_id = {_CUSTOMER}",
        ("days_add_up", "day_is_its_postings"),
        ("account:2020",),
    ),
    Tampering(
        "amount moved from one day to another",
        f"INSERT INTO ledger_day_delta (account_id, effective_date, debits_minor, credits_minor, postings)"
        f" VALUES ({_CUSTOMER}, '2026-10-01', 0, 100, 1); UPDATE ledger_day_delta SET credits_minor = credits_minor - 100,"
        f" postings = postings - 1 WHERE account_id = {_CUSTOMER} AND effective_date = '2026-11-02'",
        ("day_is_its_postings",),
        ("account:2020",),
    ),
    Tampering(
        "deferred posting lost from the tail",
        f"DELETE FROM ledger_posting_tail WHERE account_id = {_DEFERRED}",
        ("tail_is_what_is_unrolled", "trial_balance_is_zero"),
        ("account:4011", "entity:M1"),
    ),
    Tampering(
        "deferred posting in the tail after it was rolled",
        "INSERT INTO ledger_posting_tail (entry_id, line, account_id, effective_date, direction, amount_minor) SELECT p.entry_id, p.line,"
        " p.account_id, p.effective_date, p.direction, p.amount_minor FROM ledger_rolled_posting r"
        " JOIN ledger_posting p USING (entry_id, line)",
        ("tail_is_what_is_unrolled", "trial_balance_is_zero"),
        ("account:4011", "entity:M1"),
    ),
    Tampering(
        "what is rolled lost",
        "DELETE FROM ledger_rolled_posting",
        ("tail_is_what_is_unrolled", "account_seq_is_dense", "balance_is_its_postings", "day_is_its_postings", "verified_figures_hold"),
        ("account:4011",),
    ),
    Tampering(
        "pending changed",
        "UPDATE ledger_balance SET pending_debits_minor = pending_debits_minor + 1 WHERE account_id = (SELECT id FROM ledger_account"
        " WHERE code = '2010')",
        ("pending_is_its_open_holds",),
        ("account:2010",),
    ),
    Tampering(
        "limit overrun",
        "UPDATE ledger_balance SET overdraft_limit_minor = -100 WHERE account_id = " + _LIMITED,
        ("limit_is_kept",),
        without=("ledger_balance", "ledger_balance_keeps_its_limit"),
    ),
    Tampering(
        "amount of a posting flipped",
        f"UPDATE ledger_posting SET amount_minor = amount_minor + 1 WHERE {_LEG}",
        (
            "entry_balances",
            "balance_is_its_postings",
            "balance_after_follows",
            "day_is_its_postings",
            "content_is_what_was_posted",
            "verified_figures_hold",
        ),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "side of a posting flipped",
        f"UPDATE ledger_posting SET direction = 'debit' WHERE {_LEG}",
        (
            "entry_balances",
            "balance_is_its_postings",
            "balance_after_follows",
            "day_is_its_postings",
            "content_is_what_was_posted",
            "verified_figures_hold",
        ),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "posting deleted",
        f"DELETE FROM ledger_posting WHERE {_LEG}",
        (
            "entry_is_complete",
            "entry_balances",
            "account_seq_is_dense",
            "balance_is_its_postings",
            "balance_after_follows",
            "day_is_its_postings",
            "content_is_what_was_posted",
            "verified_figures_hold",
        ),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "day of a posting changed",
        f"UPDATE ledger_posting SET effective_date = '2026-10-01' WHERE {_LEG}",
        ("entry_is_complete", "day_is_its_postings"),
        ("account:2020", "entity:M1"),
    ),
    Tampering(
        "asset of a posting changed",
        f"UPDATE ledger_posting SET asset_id = {_YEN} WHERE {_LEG}",
        ("posting_agrees_with_its_account", "entry_balances", "content_is_what_was_posted"),
        ("entity:M1",),
    ),
    Tampering(
        "entry deleted, its postings left",
        f"DELETE FROM ledger_entry WHERE {_TRANSACTION}",
        ("postings_have_their_entry", "transaction_has_its_entry"),
        ("entity:M1",),
    ),
    Tampering(
        "transaction deleted, its entry left",
        f"DELETE FROM ledger_transaction WHERE {_TRANSACTION}",
        ("entry_has_its_transaction",),
        ("entity:M1",),
    ),
    Tampering(
        "entry deleted with its postings",
        f"DELETE FROM ledger_posting WHERE entry_id = {_ENTRY}; DELETE FROM ledger_entry WHERE reference = 'SETTLED'",
        (
            "transaction_has_its_entry",
            "account_seq_is_dense",
            "balance_is_its_postings",
            "balance_after_follows",
            "day_is_its_postings",
            "verified_figures_hold",
        ),
        ("account:1010", "account:2010", "account:2020", "entity:M1"),
    ),
    Tampering(
        "what was asked changed",
        f"UPDATE ledger_transaction SET content = jsonb_set(content, '{{lines,0,amount}}', '\"4999\"') WHERE {_TRANSACTION}",
        ("content_is_what_was_posted",),
        ("entity:M1",),
    ),
    Tampering(
        "what was asked blanked",
        f"UPDATE ledger_transaction SET content = '{{}}' WHERE {_TRANSACTION}",
        ("content_is_what_was_posted",),
        ("entity:M1",),
    ),
    Tampering(
        "description of an entry rewritten",
        f"UPDATE ledger_entry SET description = 'Nothing to see' WHERE {_TRANSACTION}",
        ("content_is_what_was_posted",),
        ("entity:M1",),
    ),
    Tampering(
        "what a shortfall moved changed",
        "UPDATE ledger_transaction SET warnings = jsonb_set(warnings, '{shortfalls,0,amount}', '\"700\"') WHERE warnings ? 'shortfalls'",
        ("content_is_what_was_posted",),
        ("entity:M1",),
    ),
    Tampering(
        "entry put into another period",
        f"UPDATE ledger_entry SET period_id = (SELECT id FROM ledger_period WHERE status = 'closed') WHERE {_TRANSACTION}",
        ("entry_lies_in_its_period",),
    ),
    Tampering(
        "entry of a rule called manual",
        f"UPDATE ledger_entry SET origin = 'automatic', proposal_part = 1,"
        f" proposal_id = (SELECT proposal_id FROM approvals_execution) WHERE {_TRANSACTION}",
        ("entry_is_of_its_type",),
    ),
    Tampering(
        "execution of a proposal deleted",
        "DELETE FROM approvals_execution",
        ("manual_entry_was_approved",),
        ("entity:M1",),
    ),
    Tampering(
        "status changed",
        f"UPDATE ledger_transaction SET status = 'pending' WHERE {_TRANSACTION}",
        ("transaction_status_agrees",),
    ),
    Tampering(
        "status of a part reversal changed",
        "UPDATE ledger_transaction SET status = 'reversed' WHERE content->>'reference' = 'PARTLY'",
        ("transaction_status_agrees",),
    ),
    Tampering(
        "settlement changed",
        f"UPDATE ledger_transaction SET settlement = 'sent' WHERE {_TRANSACTION}",
        ("settlement_agrees",),
    ),
    Tampering(
        "hold has captured more than its events say",
        f"UPDATE ledger_hold SET captured_minor = captured_minor + 100 WHERE transaction_id = {_OPEN_HOLD}",
        ("hold_adds_up", "pending_is_its_open_holds"),
        ("account:2010",),
    ),
    Tampering(
        "end of a hold deleted",
        "DELETE FROM ledger_hold_event WHERE terminal",
        ("hold_adds_up",),
        ("account:2010",),
    ),
    Tampering(
        "less undone than was reversed",
        "UPDATE ledger_reversed_leg SET reversed_minor = reversed_minor - 1 WHERE direction = 'credit' AND account_id = " + _CUSTOMER,
        ("reversals_add_up",),
    ),
    Tampering(
        "what was undone forgotten",
        "DELETE FROM ledger_reversed_leg WHERE account_id = " + _CUSTOMER,
        ("reversals_add_up",),
    ),
    Tampering(
        "posting under a control account",
        f"UPDATE ledger_account SET is_control = true WHERE id = {_CUSTOMER}",
        ("control_account_has_no_postings",),
        ("account:2020",),
    ),
    Tampering(
        "account under a control account of another type",
        f"UPDATE ledger_account SET type = 'equity' WHERE id = {_CHILD}",
        ("account_stands_under_its_kind",),
    ),
    Tampering(
        "account under itself",
        f"UPDATE ledger_account SET parent_id = {_CHILD} WHERE code = '2100'; UPDATE ledger_account SET is_control = true"
        f" WHERE code = '2101'; UPDATE ledger_account SET is_control = false WHERE id = {_CHILD}",
        ("account_stands_under_its_kind",),
    ),
    Tampering(
        "balance row on the other side",
        "UPDATE ledger_balance SET debit_normal = NOT debit_normal WHERE account_id = (SELECT id FROM ledger_account WHERE code = '3010')",
        ("account_has_its_balance_row",),
        ("account:3010",),
    ),
    Tampering(
        "balance row deleted",
        "DELETE FROM ledger_balance WHERE account_id = (SELECT id FROM ledger_account WHERE code = '3010')",
        ("account_has_its_balance_row",),
        ("account:3010",),
    ),
    Tampering(
        "close changed together with its digest",
        """
        UPDATE ledger_close_balance SET debits_minor = debits_minor + 1 WHERE debits_minor > 0;
        UPDATE ledger_close c SET digest = encode(sha256(convert_to((
            SELECT e.code || ' ' || p.starts_on || ' ' || p.ends_on || ' close ' || c.n || string_agg(
                E'\\n' || concat_ws(' ', a.code, x.code, b.debits_minor, b.credits_minor, b.account_seq), '' ORDER BY a.code COLLATE "C")
            FROM ledger_close_balance b JOIN ledger_account a ON a.id = b.account_id JOIN ledger_asset x ON x.id = a.asset_id,
                 ledger_period p, ledger_entity e
            WHERE b.close_id = c.id AND p.id = c.period_id AND e.id = p.entity_id GROUP BY e.code, p.starts_on, p.ends_on), 'UTF8')), 'hex')
        """,
        ("close_is_what_was_posted",),
    ),
    Tampering(
        "row of a close deleted",
        f"DELETE FROM ledger_close_balance WHERE account_id = {_BANK}",
        ("close_digest_is_its_balances",),
    ),
    Tampering(
        "entry posted into a closed period past the guards",
        f"""
        UPDATE ledger_entry SET effective_date = '2025-03-01' WHERE {_TRANSACTION};
        UPDATE ledger_posting SET effective_date = '2025-03-01' WHERE entry_id = {_ENTRY}
        """,
        ("entry_lies_in_its_period", "content_is_what_was_posted", "day_is_its_postings", "close_is_what_was_posted"),
        ("account:1010", "account:2010", "account:2020", "entity:M1"),
    ),
    Tampering(
        "all of an entity's customers richer",
        "UPDATE ledger_balance SET posted_credits_minor = posted_credits_minor + 100 WHERE NOT debit_normal AND version > 0",
        ("trial_balance_is_zero", "balance_is_its_postings", "days_add_up"),
        ("account:2010", "account:2020", "account:2040", "account:2060", "account:2101", "account:4011", "entity:M1"),
    ),
]


@pytest.fixture(scope="module", autouse=True)
def _as_superuser(django_db_setup: None) -> Iterator[None]:
    """Let this module's own connection be the superuser's: its savepoints hold both what is corrupted and what is found."""
    own = connections["default"]
    kept = dict(own.settings_dict)
    address = urlsplit(os.environ[SUPERUSER_URL])
    own.close()
    own.settings_dict.update(USER=unquote(address.username or ""), PASSWORD=unquote(address.password or ""))
    yield
    own.close()
    own.settings_dict.update(kept)


@pytest.fixture
def sound_books(chart: dict[str, Any], person: Callable[[str, str], User]) -> None:
    busy_books(maker=person("maker", "Analyst"), checker=person("checker", "Approver"))


@dataclass(frozen=True)
class Named:
    everything: frozenset[str]
    each_minute: frozenset[str]
    stops: frozenset[str]


_NAMED: dict[str, Named] = {}


@pytest.fixture
def named(request: pytest.FixtureRequest) -> dict[str, Named]:
    """What each corruption was named, by both kinds of examination; all of them on the same books, whichever test asks first."""
    if not _NAMED:
        request.getfixturevalue("sound_books")
        _NAMED["nothing"] = _examined(None)
        _NAMED.update((case.name, _examined(case)) for case in CASES)
    return _NAMED


def _examined(case: Tampering | None) -> Named:
    point = transaction.savepoint()
    operations.check_books(full=True)
    assert not IntegrityFinding.objects.exists(), list(IntegrityFinding.objects.values_list("sentence", flat=True))
    _tamper(case)
    operations.check_books(full=True)
    found, stops = _open_findings(), frozenset(Switch.objects.values_list("scope", flat=True))
    transaction.savepoint_rollback(point)
    # The minute's run has not seen these postings: they are as new to it.
    point = transaction.savepoint()
    _tamper(case)
    operations.check_books(full=False)
    new = _open_findings()
    transaction.savepoint_rollback(point)
    return Named(everything=found, each_minute=new, stops=stops)


def _tamper(case: Tampering | None) -> None:
    if case is None:
        return
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        if case.without:
            cursor.execute(f"ALTER TABLE {case.without[0]} DROP CONSTRAINT {case.without[1]}")
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute(case.sql)
        cursor.execute("SET LOCAL session_replication_role = origin")


def _open_findings() -> frozenset[str]:
    return frozenset(IntegrityFinding.objects.filter(resolved_at=None).values_list("check_name", flat=True))


def test_sound_books_it_finds_nothing(named: dict[str, Named]) -> None:
    assert named["nothing"] == Named(everything=frozenset(), each_minute=frozenset(), stops=frozenset())


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_corruption_it_is_named_by_these_checks_and_no_others(case: Tampering, named: dict[str, Named]) -> None:
    assert named[case.name].everything == set(case.names)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_corruption_of_what_is_new_it_is_named_within_a_minute(case: Tampering, named: dict[str, Named]) -> None:
    claimed = case.each_minute or [name for name in case.names if CHECK_OF[name].each_minute]
    assert named[case.name].each_minute == set(claimed)


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_corruption_it_stops_posting_where_it_is_and_nowhere_else(case: Tampering, named: dict[str, Named]) -> None:
    assert named[case.name].stops == set(case.stops)


def test_every_check_has_a_corruption_of_its_own_it() -> None:
    assert {case.names[0] for case in CASES} == {check.name for check in CHECKS}
