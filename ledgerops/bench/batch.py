"""Ten thousand independent drafts in one call, against the least that PostgreSQL can do with as many in one statement."""

import io
import random
import time
import uuid

import psycopg

from ledgerops.bench import books
from ledgerops.bench.clients import product_clients
from ledgerops.bench.report import Report, alternate, at_least, exponent, medians
from ledgerops.bench.server import FLOOR, SQL, Server, bench_server

REACH = {"floor_10000": at_least(0.50)}
SIZES = (1_000, 10_000)


def run(*, quick: bool) -> Report:
    """Alternate single calls of floor and product; sizes are drafts in a call."""
    slices = 5 if quick else 9
    with bench_server() as server, product_clients(server) as product:
        product.ask("prepare")
        product.ask("post_batch", drafts=100)
        server.analyze()
        kilobytes: dict[int, float] = {}

        def posted(drafts: int) -> float:
            (outcome,) = product.ask("post_batch", drafts=drafts)
            kilobytes.setdefault(drafts, outcome["kilobytes"])
            return drafts / float(outcome["seconds"])

        # The smaller first: what a process once took it keeps, so each size's memory is that of its first call.
        works = {
            "product_1000": lambda: posted(SIZES[0]),
            "floor_1000": lambda: _floor_rate(server, drafts=SIZES[0]),
            "product_10000": lambda: posted(SIZES[1]),
            "floor_10000": lambda: _floor_rate(server, drafts=SIZES[1]),
        }
        rates = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="batch",
            sizes={"drafts": list(SIZES), "slices": slices, "accounts": books.ACCOUNTS},
            settings=server.settings(),
            ratios={
                "floor_10000": rates["product_10000"] / rates["floor_10000"],
                "kilobytes_a_draft": (kilobytes[SIZES[1]] - kilobytes[SIZES[0]]) / (SIZES[1] - SIZES[0]),
            },
            reach=REACH,
            rates=rates,
            exponents={
                "cost by drafts": exponent(sizes=SIZES, costs=(SIZES[0] / rates["product_1000"], SIZES[1] / rates["product_10000"])),
            },
        )


def _floor_rate(server: Server, *, drafts: int) -> float:
    """Copy drafts into a temporary table and post them in one statement; return the entries a second."""
    rows = io.StringIO()
    for _ in range(drafts):
        payer, payee = random.sample(range(1, books.ACCOUNTS + 1), 2)
        rows.write(f"{uuid.uuid4().hex}\t{payer}\t{payee}\t100\n")
    with psycopg.connect(server.url(FLOOR)) as connection, connection.cursor() as cursor:
        started = time.monotonic()
        cursor.execute("CREATE TEMPORARY TABLE draft (key text, payer bigint, payee bigint, moved numeric) ON COMMIT DROP")
        with cursor.copy("COPY draft FROM STDIN") as copy:
            copy.write(rows.getvalue())
        cursor.execute((SQL / "floor_batch.sql").read_bytes())
        connection.commit()
        return drafts / (time.monotonic() - started)
