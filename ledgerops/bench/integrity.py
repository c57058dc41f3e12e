"""The full examination of the books against one sum over all postings, at two sizes."""

from functools import partial

from ledgerops.bench.clients import product_clients
from ledgerops.bench.report import Report, alternate, at_most, exponent, medians
from ledgerops.bench.volume import LARGE, volume_server

REACH = {"scan": at_most(20)}


def run(*, quick: bool) -> Report:
    """Alternate full examinations and sums without parallel workers on the small ledger and on the large one."""
    slices = 5 if quick else 3
    with (
        volume_server(quick=quick) as (server, volume),
        product_clients(server) as small,
        product_clients(server, database=LARGE) as large,
    ):
        (looked,) = large.ask("read", what="check", times=1)
        if looked["found"]:
            raise RuntimeError(f"{looked['found']} findings in a ledger that is right")
        works = {
            "small": partial(small.seconds_of, "check", times=1),
            "large": partial(large.seconds_of, "check", times=1),
            "scan": partial(large.seconds_of, "scan", times=1),
        }
        seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="integrity",
            sizes={"postings": list(volume.sizes), "slices": slices},
            settings=server.settings(),
            ratios={"scan": seconds["large"] / seconds["scan"]},
            reach=REACH,
            rates={f"{name} (ms)": each * 1000 for name, each in seconds.items()},
            exponents={"cost by postings": exponent(sizes=volume.sizes, costs=(seconds["small"], seconds["large"]))},
        )
