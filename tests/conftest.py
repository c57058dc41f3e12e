"""The servers of a test run, its databases, and what every test may ask for.

The servers start when this file is loaded, which is before Django reads its settings: the suite runs on a real PostgreSQL as the runtime
role. With DATABASE_URL (and DATABASE_OWNER_URL, CELERY_BROKER_URL) set it runs on those servers instead; its databases are named test_*.
"""

import atexit
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Collection
from pathlib import Path

import django
import psycopg
import pytest
from django.conf import settings
from django.db import connections
from django.test import TransactionTestCase
from django.test.utils import setup_databases
from pytest_django.plugin import DjangoDbBlocker
from xdist.remote import Producer
from xdist.scheduler import LoadFileScheduling, Scheduling

from ledgerops.embedded import roles
from ledgerops.embedded.postgres import EmbeddedPostgres
from ledgerops.embedded.valkey import EmbeddedValkey
from tests.kept_rows import KeptRows

# The cast, the chart and how to sign in; imported once Django is ready.
pytest_plugins = ["tests.fixtures"]

# Set by the process that started the servers; workers of pytest-xdist inherit it.
SUPERUSER_URL = "LEDGEROPS_TEST_SUPERUSER_URL"
# Written by migrate and read by Django itself, so they outlive a test.
KEPT_TABLES = ["django_migrations", "django_content_type", "auth_permission"]


def _start_servers() -> None:
    folder = Path(tempfile.mkdtemp(prefix="ledgerops-tests-"))
    folder.chmod(0o711)  # the servers may run as another user
    postgres = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
    valkey = EmbeddedValkey(folder=folder / "valkey", log=folder / "valkey.log")

    def stop() -> None:
        if os.getpid() == starter:
            valkey.stop()
            postgres.stop()
            shutil.rmtree(folder, ignore_errors=True)

    starter = os.getpid()
    atexit.register(stop)
    postgres.start()
    valkey.start()
    postgres.wait_ready()
    valkey.wait_ready()
    passwords = roles.kept_passwords(folder / "passwords.json")
    os.environ["LEDGEROPS_DATA_DIR"] = str(folder)
    os.environ["LEDGEROPS_SECRET_KEY"] = "for tests alone, where nothing that it signs is worth anything"
    os.environ["DATABASE_URL"] = postgres.url(database="ledgerops", user="ledgerops_app", password=passwords.app)
    os.environ["DATABASE_OWNER_URL"] = postgres.url(database="ledgerops", user="ledgerops_migrator", password=passwords.migrator)
    os.environ["CELERY_BROKER_URL"] = valkey.url
    os.environ[SUPERUSER_URL] = postgres.url()


def _configure_django() -> None:
    os.environ["DJANGO_SETTINGS_MODULE"] = "ledgerops.settings"
    # The manifest of static files is proved by tests/platform; a page under test needs none.
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
    settings.STATIC_ROOT.mkdir(parents=True, exist_ok=True)
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    django.setup()


if "DATABASE_URL" not in os.environ:
    if settings.configured:
        raise pytest.UsageError("Django's settings were read before the test servers were started; unset DJANGO_SETTINGS_MODULE")
    _start_servers()
_configure_django()


@pytest.fixture(scope="session")
def django_db_setup(
    django_test_environment: None,
    django_db_modify_db_settings: None,
    django_db_blocker: DjangoDbBlocker,
    definitions: dict[str, Callable[[], None]],
) -> KeptRows | None:
    """Migrate the database of this worker as the owner; the alias `default` reaches it as the runtime role.

    It is kept: on our own server it goes with the server, on another the migrator need not be allowed to create databases.
    What most tests begin with is written once and kept, where there is a superuser who can put it back.
    """
    with django_db_blocker.unblock():
        if SUPERUSER_URL in os.environ:
            owner = connections["owner"].settings_dict
            name = owner["TEST"]["NAME"] or f"test_{owner['NAME']}"
            passwords = roles.Passwords(app=connections["default"].settings_dict["PASSWORD"], migrator=owner["PASSWORD"])
            roles.bootstrap(superuser_url=os.environ[SUPERUSER_URL], database=name, passwords=passwords)
        setup_databases(verbosity=0, interactive=False, keepdb=True, serialized_aliases=[])
        empty_filled_tables()
        if SUPERUSER_URL not in os.environ:
            return None
        kept = KeptRows(superuser_url=os.environ[SUPERUSER_URL], not_kept=KEPT_TABLES)
        for name, define in definitions.items():
            kept.keep(name, define)
        empty_filled_tables()
    return kept


class ByFile(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests go to one process, and so do all that need the whole product running: it is started once."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "tests/browser" if file.startswith("tests/browser/") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling | None:
    return ByFile(config, log) if config.getvalue("dist") == "loadfile" else None


def empty_filled_tables() -> None:
    """Empty every table that has rows, as the owner, past the triggers that refuse it.

    Truncating takes a new file for each table and each of its indexes, so that only what has grown is truncated where there is a superuser,
    who may delete past every trigger. Django's connections are not used: a test may be forbidden the alias of the owner, and an open
    transaction of its own would wait for itself.
    """
    for connection in connections.all(initialized_only=True):
        connection.close()
    owner = connections["owner"].settings_dict
    if SUPERUSER_URL in os.environ:
        with psycopg.connect(os.environ[SUPERUSER_URL], dbname=owner["NAME"], options="-c lock_timeout=10s") as session:
            session.execute("SET LOCAL session_replication_role = replica")
            filled = _filled(session)
            grown = {table for (table,) in session.execute(GROWN, [filled])} if filled else set()
            for table in filled:
                if table not in grown:
                    session.execute(f"DELETE FROM {table}")
            if grown:
                session.execute(f"TRUNCATE {', '.join(_together(session, grown))}")
        return
    address = {"host": owner["HOST"], "port": owner["PORT"], "dbname": owner["NAME"], "user": owner["USER"], "password": owner["PASSWORD"]}
    with psycopg.connect(**address, options="-c lock_timeout=10s") as session:
        session.execute(f"SET ROLE {owner['OPTIONS']['assume_role']}")
        if filled := _filled(session):
            _truncate_as_owner(session, _together(session, filled))


def _filled(session: psycopg.Connection) -> list[str]:
    tables = [table for (table,) in session.execute(ALL_TABLES, [KEPT_TABLES])]
    if not tables:
        return []
    ask = " UNION ALL ".join(f"SELECT '{table}' WHERE EXISTS (SELECT FROM {table})" for table in tables)
    return [table for (table,) in session.execute(ask.encode())]


def _together(session: psycopg.Connection, tables: Collection[str]) -> list[str]:
    return [table for (table,) in session.execute(TRUNCATED_WITH, [list(tables)])]


def _truncate_as_owner(session: psycopg.Connection, tables: list[str]) -> None:
    triggers = session.execute(TRUNCATE_TRIGGERS, [tables]).fetchall()
    for table, trigger, _ in triggers:
        session.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    session.execute(f"TRUNCATE {', '.join(tables)}")
    for table, trigger, state in triggers:
        session.execute(f"ALTER TABLE {table} ENABLE {'ALWAYS ' if state == 'A' else ''}TRIGGER {trigger}")


ALL_TABLES = "SELECT format('%%I.%%I', schemaname, tablename) FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s)"
# Pages of deleted rows are read by every later test.
GROWN = "SELECT name FROM unnest(%s::text[]) AS name WHERE pg_relation_size(name::regclass) > 512 * 1024"
# A table can be truncated only together with those that refer to it.
TRUNCATED_WITH = """
WITH RECURSIVE together (oid) AS (
    SELECT unnest(%s::text[])::regclass::oid
    UNION
    SELECT reference.conrelid FROM together
    JOIN pg_constraint AS reference ON reference.confrelid = together.oid AND reference.contype = 'f'
)
SELECT oid::regclass::text FROM together
"""
TRUNCATE_TRIGGERS = """
SELECT tgrelid::regclass::text, quote_ident(tgname), tgenabled FROM pg_trigger
WHERE tgrelid = ANY(%s::regclass[]) AND NOT tgisinternal AND tgenabled IN ('O', 'A') AND tgtype & 32 > 0
"""


def _empty_after_transactional_test(self: TransactionTestCase) -> None:
    empty_filled_tables()


# Django would flush with the test's own alias, which may truncate nothing.
TransactionTestCase._fixture_teardown = _empty_after_transactional_test  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Return an installed Chromium; as root, one is installed from the distribution if there is none."""
    found = _find_chromium()
    if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "install", "--yes", "--no-install-recommends", "chromium"], check=False, timeout=600)
        found = _find_chromium()
    if found is None:
        pytest.skip("no Chromium found; install the package chromium of the distribution")
    return found


def _find_chromium() -> Path | None:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return Path(path)
    return None
