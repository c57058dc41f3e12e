"""A ledger with years behind it, loaded by the superuser past the guards, in the state that posting would have left."""

import psycopg

from ledgerops.bench.server import PRODUCT, SQL, Server


def load(server: Server, *, postings: int, database: str = PRODUCT) -> None:
    """Add so many postings to the settlement account, and a tenth as many to the customers' accounts in turn."""
    with psycopg.connect(server.url(database)) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET LOCAL synchronous_commit = off")
        connection.execute("SELECT set_config('bench.entries', %s, true)", [str(postings // 10)])
        connection.execute((SQL / "volume.sql").read_bytes())
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM (ANALYZE)")


def postings(server: Server, *, database: str = PRODUCT) -> int:
    """Return how many postings there are, as their accounts count them."""
    with psycopg.connect(server.url(database)) as connection:
        row = connection.execute("SELECT sum(version)::bigint FROM ledger_balance").fetchone()
        assert row is not None
        return int(row[0])
