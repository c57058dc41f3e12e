"""Single postings, spread over ten thousand accounts: the product in process against the floor in pgbench and against a peer."""

import math

from ledgerops.bench import books, volume
from ledgerops.bench.clients import product_clients
from ledgerops.bench.peer import hordak
from ledgerops.bench.report import Report, alternate, at_least, exponent, medians
from ledgerops.bench.server import bench_server

# Books that are not new: plans made while a table has a few pages read it from end to end, until it is analysed the next time.
WARMED = 2_000
REACH = {"floor_1": at_least(0.55), "floor_8": at_least(0.40), "hordak_1": at_least(2.5)}


def run(*, quick: bool) -> Report:
    """Alternate slices of floor, product and peer; then load a history and post on top of it."""
    slices, seconds, history = (5, 0.6, 100_000) if quick else (7, 4.0, 2_000_000)
    floor_seconds = math.ceil(seconds)  # pgbench knows whole ones alone
    with bench_server() as server, product_clients(server) as product, hordak(server) as peer:
        product.ask("prepare")
        product.ask("post_batch", drafts=WARMED)
        product.ask("post", clients=8, seconds=0.5)
        server.analyze()
        peer.ask("post", seconds=0.3)
        works = {
            "floor_1": lambda: server.floor_rate(script="floor_post.pgbench.sql", clients=1, seconds=floor_seconds),
            "product_1": lambda: sum(product.ask("post", clients=1, seconds=seconds)),
            "hordak_1": lambda: float(peer.ask("post", seconds=seconds)),
            "floor_8": lambda: server.floor_rate(script="floor_post.pgbench.sql", clients=8, seconds=floor_seconds),
            "product_8": lambda: sum(product.ask("post", clients=8, seconds=seconds)),
        }
        rates = medians(alternate(works, slices=slices, before=server.checkpoint))
        small = volume.postings(server)
        volume.load(server, postings=history)
        alone = {"product_1_on_history": works["product_1"]}
        rates |= medians(alternate(alone, slices=slices, before=server.checkpoint))
        return Report(
            bench="posting",
            sizes={"accounts": books.ACCOUNTS, "slices": slices, "seconds": seconds, "postings": [small, small + history]},
            settings=server.settings(),
            ratios={
                "floor_1": rates["product_1"] / rates["floor_1"],
                "floor_8": rates["product_8"] / rates["floor_8"],
                "hordak_1": rates["product_1"] / rates["hordak_1"],
            },
            reach=REACH,
            rates=rates,
            exponents={
                "cost by history": exponent(
                    sizes=(small, small + history), costs=(1 / rates["product_1"], 1 / rates["product_1_on_history"])
                )
            },
        )
