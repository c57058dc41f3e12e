"""A ledger with years behind it, loaded by the superuser past the guards, in the state that posting would have left."""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from django.conf import settings

from ledgerops.bench.books import DEFERRED
from ledgerops.bench.clients import product_clients
from ledgerops.bench.server import PRODUCT, PROJECT, SQL, Server, bench_server
from ledgerops.embedded import homes

LARGE = "large"
SMALL_POSTINGS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Volume:
    """How many postings the settlement account has in the two ledgers, and how many accounts of customers share a tenth as many."""

    small: int
    large: int
    accounts: int

    @property
    def sizes(self) -> tuple[int, int]:
        return self.small, self.large


FULL = Volume(small=SMALL_POSTINGS, large=10_000_000, accounts=1_000)
QUICK = Volume(small=SMALL_POSTINGS, large=2_000_000, accounts=100)
# The months before are closed, as a company's are.
OPEN_SINCE = "2026-11-01"


def load(server: Server, *, postings: int, database: str = PRODUCT) -> None:
    """Add so many postings to the settlement account, and a tenth as many to the customers' accounts in turn."""
    with psycopg.connect(server.url(database)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL work_mem = '256MB'")
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        connection.execute("SELECT set_config('bench.entries', %s, true)", [str(postings // 10)])
        connection.execute((SQL / "volume.sql").read_bytes())
    server.analyze(database)


def postings(server: Server, *, database: str = PRODUCT) -> int:
    """Return how many postings there are, as their accounts count them."""
    with psycopg.connect(server.url(database)) as connection:
        row = connection.execute("SELECT sum(version)::bigint FROM ledger_balance").fetchone()
        assert row is not None
        return int(row[0])


def defer(server: Server) -> None:
    """Put the second settlement account into deferred mode, which in a product somebody would have to approve."""
    with psycopg.connect(server.url(PRODUCT)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        statement = "UPDATE ledger_balance SET deferred = true WHERE account_id = (SELECT id FROM ledger_account WHERE code = %s)"
        connection.execute(statement, [DEFERRED])


@contextmanager
def volume_server(*, quick: bool) -> Iterator[tuple[Server, Volume]]:
    """Start a server with a small ledger in the product's database and a large one in `LARGE`, both with months that are closed.

    What was loaded is kept under the data folder until the schema changes, since several benchmarks read it; nobody posts to it.
    """
    size = QUICK if quick else FULL
    prefix = "volume-quick-" if quick else "volume-full-"
    kept = settings.DATA_DIR / "bench"
    folder = kept / f"{prefix}{_digest()}"
    if not (folder / "loaded").is_file():
        for outdated in kept.glob(f"{prefix}*"):
            homes.remove_home(outdated / "postgres")
            shutil.rmtree(outdated)
        folder.mkdir(parents=True)
        with bench_server(folder=folder) as server:
            with product_clients(server) as product:
                product.ask("prepare", accounts=size.accounts, by_month=True)
            server.create_database(LARGE, template=PRODUCT)
            load(server, postings=size.small)
            load(server, postings=size.large, database=LARGE)
            for database in (PRODUCT, LARGE):
                with product_clients(server, database=database) as product:
                    product.ask("close_months", before=OPEN_SINCE)
                server.analyze(database)
            server.checkpoint()
        (folder / "loaded").touch()
    with bench_server(folder=folder) as server:
        yield server, size


def _digest() -> str:
    """Return a digest of all that says what the loaded ledger looks like."""
    files: list[Path] = [Path(__file__), SQL / "volume.sql", Path(__file__).with_name("books.py")]
    files += sorted(PROJECT.glob("*/migrations/*.py")) + sorted(PROJECT.glob("*/sql/*.sql"))
    return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()[:12]
