"""What each guard costs: single postings with one guard of the database switched off, in turn, and on again."""

from collections.abc import Callable
from functools import partial

import psycopg
from psycopg import sql

from ledgerops.bench import books
from ledgerops.bench.clients import Clients, product_clients
from ledgerops.bench.report import Report, alternate, medians
from ledgerops.bench.server import PRODUCT, Server, bench_server

# Guards that posting asks: on INSERT where it inserted, on UPDATE where it updated (bits 4 and 16 of tgtype).
_GUARDS = """
SELECT t.tgrelid::regclass::text, t.tgname
FROM pg_trigger t JOIN pg_stat_user_tables s ON s.relid = t.tgrelid
WHERE NOT t.tgisinternal AND s.relname LIKE 'ledger\\_%' AND s.relname <> 'ledger_account'
    AND (t.tgtype & 4 = 4 AND s.n_tup_ins > 0 OR t.tgtype & 16 = 16 AND s.n_tup_upd > 0)
ORDER BY 1, 2
"""
# Every table that posting wrote to; its foreign keys are triggers of the system.
_WRITTEN = "SELECT relname FROM pg_stat_user_tables WHERE relname LIKE 'ledger\\_%' AND n_tup_ins + n_tup_upd > 1000"


def run(*, quick: bool) -> Report:
    """Alternate slices with all guards on and with each off; a ratio is the rate with all on over the rate without that one."""
    slices, seconds = (5, 0.4) if quick else (9, 3.0)
    with bench_server() as server, product_clients(server) as product:
        product.ask("prepare")
        product.ask("post", seconds=1.0)
        server.analyze()
        product.ask("post", seconds=1.0)
        with psycopg.connect(server.url(PRODUCT), autocommit=True) as connection:
            guards = [(str(table), str(name)) for table, name in connection.execute(_GUARDS)]
            written = [str(table) for (table,) in connection.execute(_WRITTEN)]
        switches = {name: [(table, name)] for table, name in guards}
        works: dict[str, Callable[[], float]] = {"all on": partial(_rate, server, product, seconds=seconds, off=[])}
        works |= {name: partial(_rate, server, product, seconds=seconds, off=off) for name, off in switches.items()}
        works["all of these and foreign keys"] = partial(_rate, server, product, seconds=seconds, off=[(table, "ALL") for table in written])
        rates = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="guards",
            sizes={"accounts": books.ACCOUNTS, "slices": slices, "seconds": seconds},
            settings=server.settings(),
            ratios={name: rates["all on"] / rate for name, rate in rates.items() if name != "all on"},
            reach={},
            rates=rates,
            exponents={},
        )


def _rate(server: Server, product: Clients, *, seconds: float, off: list[tuple[str, str]]) -> float:
    """Post with some triggers switched off, as only the superuser can."""
    with psycopg.connect(server.url(PRODUCT), autocommit=True) as connection:
        _switch(connection, "DISABLE", triggers=off)
        try:
            return float(sum(product.ask("post", seconds=seconds)))
        finally:
            _switch(connection, "ENABLE", triggers=off)


def _switch(connection: psycopg.Connection, how: str, *, triggers: list[tuple[str, str]]) -> None:
    for table, name in triggers:
        trigger = sql.SQL("ALL") if name == "ALL" else sql.Identifier(name)
        connection.execute(sql.SQL("ALTER TABLE {} {} TRIGGER {}").format(sql.Identifier(table), sql.SQL(how), trigger))
