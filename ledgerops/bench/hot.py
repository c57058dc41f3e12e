"""Every posting goes through one settlement account, from sixteen clients: singly, many drafts in a call, and singly in deferred mode."""

import math
from functools import partial

from ledgerops.bench import volume
from ledgerops.bench.clients import product_clients
from ledgerops.bench.posting import WARMED
from ledgerops.bench.report import Report, alternate, at_least, exponent, medians
from ledgerops.bench.server import bench_server

REACH = {"floor_single": at_least(0.60), "floor_batch": at_least(3)}
CLIENTS = 16
BATCHES = (25, 100)


def run(*, quick: bool) -> Report:
    """Alternate slices of the floor, of single postings and of batches."""
    slices, seconds = (5, 0.7) if quick else (7, 4.0)
    with bench_server() as server, product_clients(server) as product:
        product.ask("prepare")
        product.ask("post_batch", drafts=WARMED)
        volume.defer(server)
        post = partial(product.ask, "post", kind="deposit", clients=CLIENTS, seconds=seconds)
        post(seconds=0.5)
        server.analyze()
        works = {
            "floor": lambda: server.floor_rate(script="floor_hot.pgbench.sql", clients=CLIENTS, seconds=math.ceil(seconds)),
            "single": lambda: sum(post()),
            f"batch_{BATCHES[0]}": lambda: sum(post(drafts=BATCHES[0])),
            "deferred": lambda: sum(post(kind="deferred deposit")),
            f"batch_{BATCHES[1]}": lambda: sum(post(drafts=BATCHES[1])),
        }
        rates = medians(alternate(works, slices=slices, before=server.checkpoint))
        batched = [rates[f"batch_{size}"] for size in BATCHES]
        return Report(
            bench="hot",
            sizes={"clients": CLIENTS, "slices": slices, "seconds": seconds, "drafts a call": list(BATCHES)},
            settings=server.settings(),
            ratios={"floor_single": rates["single"] / rates["floor"], "floor_batch": batched[1] / rates["floor"]},
            reach=REACH,
            rates=rates,
            exponents={"cost of an entry by drafts a call": exponent(sizes=BATCHES, costs=(1 / batched[0], 1 / batched[1]))},
        )
