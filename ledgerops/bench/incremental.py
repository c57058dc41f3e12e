"""A run when a thousand lines of each side meet what was matched long ago, against the same run where nothing was."""

from functools import partial
from itertools import count

import psycopg

from ledgerops.bench.clients import Clients, product_clients
from ledgerops.bench.recon import load_lines
from ledgerops.bench.report import Report, alternate, at_most, exponent, medians
from ledgerops.bench.server import PRODUCT, SQL, Server, bench_server

REACH = {"history": at_most(2)}
PAST = "past"
NEW_LINES = 500
_first = count(10_000_001, NEW_LINES)


def run(*, quick: bool) -> Report:
    """Alternate runs over new lines, both with the same open items, one of them with a history besides."""
    slices = 3 if quick else 5
    pairs, open_lines = (100_000, 10_000) if quick else (2_500_000, 800_000)
    with bench_server() as server:
        with product_clients(server) as product:
            product.ask("prepare_agreement")
            load_lines(server, database=PRODUCT, lines=open_lines)
            (reconciliation,) = product.ask("define_agreement", name="Agreement")
            product.ask("work_runs", reconciliation=reconciliation)
        server.create_database(PAST, template=PRODUCT)
        _load_history(server, reconciliation=reconciliation, pairs=pairs)
        with product_clients(server) as empty, product_clients(server, database=PAST) as full:
            works = {
                "empty": partial(_seconds, server, empty, database=PRODUCT, reconciliation=reconciliation),
                "history": partial(_seconds, server, full, database=PAST, reconciliation=reconciliation),
            }
            seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        ratio = seconds["history"] / seconds["empty"]
        matched = 2 * pairs
        return Report(
            bench="incremental",
            sizes={"new lines": 2 * NEW_LINES, "matched before": matched, "lines that left open items": 2 * open_lines, "slices": slices},
            settings=server.settings(),
            ratios={"history": ratio},
            reach=REACH,
            rates={f"{name} (ms)": each * 1000 for name, each in seconds.items()},
            exponents={
                "cost by items matched before": exponent(sizes=(2 * open_lines, matched), costs=(seconds["empty"], seconds["history"]))
            },
        )


def _seconds(server: Server, product: Clients, *, database: str, reconciliation: int) -> float:
    load_lines(server, database=database, lines=NEW_LINES, first=next(_first))
    (answer,) = product.ask("work_runs", reconciliation=reconciliation)
    if not answer["matches"]:
        raise RuntimeError("nothing was matched")
    return float(answer["seconds"])


def _load_history(server: Server, *, reconciliation: int, pairs: int) -> None:
    with psycopg.connect(server.url(PAST)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SET LOCAL maintenance_work_mem = '512MB'")
        # Lines of the past, which nobody reads any more, are numbers only: far from those of the sequence.
        connection.execute("CREATE SEQUENCE bench_line START 1000000000")
        connection.execute(
            "SELECT set_config('bench.reconciliation', %s, true), set_config('bench.pairs', %s, true)", [str(reconciliation), str(pairs)]
        )
        connection.execute((SQL / "matched.sql").read_bytes())
    server.analyze(PAST)
