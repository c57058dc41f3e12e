"""What deploy/roles.sql promises: the runtime role owns nothing and creates nothing, and running it again changes nothing."""

import os

import psycopg
import pytest
from django.db import connection, connections

from ledgerops.embedded import roles

REFUSED_TO_THE_RUNTIME_ROLE = (
    "CREATE TABLE taken (a int)",
    "CREATE FUNCTION taken() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA taken",
    "CREATE EXTENSION citext",
    "CREATE ROLE taken",
    "CREATE DATABASE taken",
    "SET ROLE ledgerops_owner",
    "SET session_replication_role = replica",
    "ALTER ROLE ledgerops_app SUPERUSER",
)
ROLES = """
SELECT rolname, rolcanlogin, rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls
FROM pg_roles WHERE rolname LIKE 'ledgerops%' ORDER BY rolname
"""
OWNED = """
SELECT relname::text FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE nspname = 'public' AND relkind IN ('r', 'p', 'v', 'm', 'S') AND pg_get_userbyid(relowner) <> 'ledgerops_owner'
"""


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("statement", REFUSED_TO_THE_RUNTIME_ROLE)
def test_the_runtime_role_is_refused(statement: str) -> None:
    with psycopg.connect(url_of("default"), autocommit=True) as runtime, pytest.raises(psycopg.errors.InsufficientPrivilege):
        runtime.execute(statement.encode())


@pytest.mark.django_db(databases=["default", "owner"])
def test_the_suite_runs_as_the_runtime_role_on_what_the_owner_owns() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user, session_user, current_database()")
        user, session_user, database = cursor.fetchone()
        cursor.execute(OWNED)
        assert cursor.fetchall() == []
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT current_user, session_user, current_database()")
        assert cursor.fetchone() == ("ledgerops_owner", "ledgerops_migrator", database)
    assert (user, session_user) == ("ledgerops_app", "ledgerops_app")


@pytest.mark.django_db
def test_two_roles_log_in_and_none_is_privileged() -> None:
    with connection.cursor() as cursor:
        cursor.execute(ROLES)
        assert cursor.fetchall() == [
            ("ledgerops_app", True, False),
            ("ledgerops_auditor", False, False),
            ("ledgerops_migrator", True, False),
            ("ledgerops_owner", False, False),
            ("ledgerops_sealer", False, False),
        ]


@pytest.mark.django_db(transaction=True)
def test_what_the_owner_creates_belongs_to_nobody_else_until_granted() -> None:
    with psycopg.connect(url_of("owner"), autocommit=True) as owner:
        owner.execute("SET ROLE ledgerops_owner")
        owner.execute("CREATE TABLE fresh (a int)")
        owner.execute("CREATE FUNCTION fresh_function() RETURNS int LANGUAGE sql AS 'SELECT 1'")
        try:
            with psycopg.connect(url_of("default"), autocommit=True) as runtime:
                for statement in (b"SELECT * FROM fresh", b"SELECT fresh_function()"):
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        runtime.execute(statement)
        finally:
            owner.execute("DROP TABLE fresh")
            owner.execute("DROP FUNCTION fresh_function()")


@pytest.mark.django_db(transaction=True)
def test_bootstrap_changes_nothing_the_second_time() -> None:
    superuser_url = os.environ.get("LEDGEROPS_TEST_SUPERUSER_URL")
    if superuser_url is None:
        pytest.skip("a server of somebody else: we are not its superuser")
    owner, runtime = (connections[alias].settings_dict for alias in ("owner", "default"))
    passwords = roles.Passwords(app=runtime["PASSWORD"], migrator=owner["PASSWORD"])

    def catalogue() -> list[object]:
        with psycopg.connect(superuser_url, dbname=owner["NAME"]) as connection:
            return [
                connection.execute(statement).fetchall()
                for statement in (
                    "SELECT rolname, rolsuper, rolcanlogin, rolinherit, rolcreatedb FROM pg_roles ORDER BY 1",
                    "SELECT roleid::regrole::text, member::regrole::text, inherit_option, set_option FROM pg_auth_members ORDER BY 1, 2",
                    "SELECT nspname, nspowner::regrole::text, nspacl::text FROM pg_namespace ORDER BY 1",
                    "SELECT datname, datdba::regrole::text, datacl::text FROM pg_database ORDER BY 1",
                    "SELECT defaclrole::regrole::text, defaclobjtype, defaclacl::text FROM pg_default_acl ORDER BY 1, 2",
                    "SELECT extname FROM pg_extension ORDER BY 1",
                )
            ]

    before = catalogue()
    roles.bootstrap(superuser_url=superuser_url, database=owner["NAME"], passwords=passwords)
    assert catalogue() == before


def url_of(alias: str) -> str:
    parts = connections[alias].settings_dict
    return f"postgresql://{parts['USER']}:{parts['PASSWORD']}@{parts['HOST']}:{parts['PORT']}/{parts['NAME']}"
