"""What the runtime role may do is the list in ledgerops.grants and nothing else; what it may not do is tried."""

import psycopg
import pytest
from django.apps import apps
from django.db import connection, connections

from ledgerops.grants import RUNTIME_FUNCTIONS, RUNTIME_GRANTS, RUNTIME_ROLE

# Facts and evidence: not even what the application itself wrote may be written over.
FACTS = [
    "approvals_decision",
    "approvals_execution",
    "approvals_policy_version",
    "approvals_proposal_version",
    "audit_event",
    "ledger_balance",
    "ledger_close",
    "ledger_close_balance",
    "ledger_day_delta",
    "ledger_entry",
    "ledger_hold",
    "ledger_hold_event",
    "ledger_key_use",
    "ledger_posting",
    "ledger_posting_tail",
    "ledger_rate",
    "ledger_reversed_leg",
    "ledger_rolled_posting",
    "ledger_transaction",
    "ledger_transaction_event",
    "ledger_transaction_type",
    "ledger_velocity_limit",
    "recon_allocation",
    "recon_match",
    "recon_statement",
    "recon_statement_line",
]
BEHIND_A_DOOR = [
    "audit_event",
    "ledger_balance",
    "ledger_day_delta",
    "ledger_entry",
    "ledger_hold",
    "ledger_hold_event",
    "ledger_key_use",
    "ledger_posting",
    "ledger_posting_tail",
    "ledger_reversed_leg",
    "ledger_rolled_posting",
    "ledger_transaction",
    "ledger_transaction_event",
    "ledger_transaction_type",
    "ledger_velocity_limit",
]


def refused(statement: str) -> str | None:
    """Run a statement as the runtime role in a session of its own and return the code of the error it ends in."""
    own = connection.settings_dict
    address = {"host": own["HOST"], "port": own["PORT"], "dbname": own["NAME"], "user": own["USER"], "password": own["PASSWORD"]}
    with psycopg.connect(**address) as session:
        try:
            session.execute(statement)
        except psycopg.Error as error:
            return error.sqlstate
        finally:
            session.rollback()
    return None


INSUFFICIENT_PRIVILEGE = "42501"


@pytest.mark.django_db
def test_the_suite_runs_as_the_runtime_role_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, (SELECT rolsuper FROM pg_roles WHERE rolname = current_user)")
        assert cursor.fetchone() == (RUNTIME_ROLE, False)


@pytest.mark.django_db
@pytest.mark.parametrize("table", FACTS)
@pytest.mark.parametrize("act", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
def test_runtime_role_rewrites_a_fact_it_is_refused(table: str, act: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum = 1", [table])
        (column,) = cursor.fetchone()
    assert refused(act.format(table, column, column)) == INSUFFICIENT_PRIVILEGE


@pytest.mark.django_db
@pytest.mark.parametrize("table", BEHIND_A_DOOR)
def test_runtime_role_inserts_behind_a_door_it_is_refused(table: str) -> None:
    assert refused(f"INSERT INTO {table} DEFAULT VALUES") == INSUFFICIENT_PRIVILEGE


@pytest.mark.django_db
@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ledger_posting DISABLE TRIGGER ALL",
        "DROP TRIGGER ledger_entry_balanced ON ledger_posting",
        "SET session_replication_role = replica",
        "CREATE TABLE public.mine (id integer)",
        "SET ROLE ledgerops_owner",
        "UPDATE approvals_proposal SET maker_id = maker_id",
        "UPDATE ledger_account SET owner_class = 'customer'",
        "UPDATE ledger_account SET status = 'open'",
        "UPDATE ledger_account SET parent_id = NULL",
        "UPDATE ledger_account SET is_control = false",
        "UPDATE ledger_recurring_entry SET entry = '{}'",
        "UPDATE ledger_external_account SET identifier = ''",
        "UPDATE runtime_switch SET reason = ''",
        "DELETE FROM runtime_switch",
        "DELETE FROM approvals_proposal",
        "DELETE FROM recon_break",
        "DELETE FROM recon_file",
    ],
)
def test_runtime_role_goes_around_a_guard_it_is_refused(statement: str) -> None:
    assert refused(statement) == INSUFFICIENT_PRIVILEGE


@pytest.mark.django_db
def test_every_table_has_a_line_in_the_list_of_grants_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        tables = {table for (table,) in cursor.fetchall()}
    assert tables == set(RUNTIME_GRANTS)
    assert {model._meta.db_table for model in apps.get_models(include_auto_created=True)} <= tables


@pytest.mark.django_db
def test_the_list_of_grants_is_what_the_catalogue_says_it() -> None:
    granted: dict[str, set[str]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname, a.privilege_type FROM pg_class c, aclexplode(c.relacl) a JOIN pg_roles r ON r.oid = a.grantee
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND r.rolname = %s
            UNION ALL
            SELECT c.relname, a.privilege_type || ' (' || t.attname || ')'
            FROM pg_class c JOIN pg_attribute t ON t.attrelid = c.oid, aclexplode(t.attacl) a JOIN pg_roles r ON r.oid = a.grantee
            WHERE c.relnamespace = 'public'::regnamespace AND r.rolname = %s
            """,
            [RUNTIME_ROLE, RUNTIME_ROLE],
        )
        for table, privilege in cursor.fetchall():
            granted.setdefault(table, set()).add(privilege)
    assert granted == {table: {"SELECT", *_privileges(rights)} for table, rights in RUNTIME_GRANTS.items()}


@pytest.mark.django_db
def test_the_runtime_role_executes_only_the_listed_functions_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.oid::regprocedure::text FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace AND has_function_privilege(%s, p.oid, 'EXECUTE')
              AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
            """,
            [RUNTIME_ROLE],
        )
        executable = {name.replace(",", ", ") for (name,) in cursor.fetchall()}
    assert executable == set(RUNTIME_FUNCTIONS)


@pytest.mark.django_db
def test_every_function_with_its_owners_rights_fixes_its_search_path_it() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT p.oid::regprocedure::text FROM pg_proc p
            WHERE p.pronamespace = 'public'::regnamespace
              AND NOT EXISTS (SELECT 1 FROM pg_depend d WHERE d.objid = p.oid AND d.deptype = 'e')
              AND NOT EXISTS (SELECT 1 FROM unnest(p.proconfig) setting WHERE setting LIKE 'search_path=%pg_temp')
            """
        )
        assert cursor.fetchall() == []


def _privileges(rights: str) -> set[str]:
    """Return `INSERT, UPDATE (a, b)` as the catalogue words it: INSERT, UPDATE (a), UPDATE (b)."""
    plain: set[str] = set()
    columns, verb = False, ""
    for word in rights.replace(",", " , ").replace("(", " ( ").replace(")", " ) ").split():
        if word == "(":
            columns = True
            plain.discard(verb)
        elif word == ")":
            columns = False
        elif word == ",":
            continue
        elif columns:
            plain.add(f"{verb} ({word})")
        else:
            verb = word
            plain.add(word)
    return plain


def test_owner_alias_is_not_used_by_requests_it() -> None:
    assert connections["default"].settings_dict["USER"] != connections["owner"].settings_dict["USER"]
