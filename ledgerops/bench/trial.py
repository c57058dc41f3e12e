"""The trial balance at a date against the sum over all postings up to it, with the same figures."""

from functools import partial

from ledgerops.bench.clients import product_clients
from ledgerops.bench.report import Report, alternate, at_least, exponent, medians
from ledgerops.bench.volume import ACCOUNTS, LARGE, volume_server

REACH = {"sum_speedup": at_least(100)}


def run(*, quick: bool) -> Report:
    """Alternate the trial balance and the sum on the large ledger, and the trial balance on the small one."""
    slices, times = (5, 3) if quick else (7, 5)
    with (
        volume_server(quick=quick) as (server, sizes),
        product_clients(server) as small,
        product_clients(server, database=LARGE) as large,
    ):
        (shown,), (summed,) = large.ask("read", what="trial_balance", times=1), large.ask("read", what="sum", times=1)
        if shown["found"] != summed["found"]:
            raise RuntimeError("the trial balance is not the sum of the postings")
        works = {
            "small": partial(small.seconds_of, "trial_balance", times=times),
            "large": partial(large.seconds_of, "trial_balance", times=times),
            "sum": partial(large.seconds_of, "sum", times=1),
        }
        seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="trial",
            sizes={"postings": list(sizes), "accounts": ACCOUNTS, "slices": slices},
            settings=server.settings(),
            ratios={"sum_speedup": seconds["sum"] / seconds["large"]},
            reach=REACH,
            rates={f"{name} (ms)": each * 1000 for name, each in seconds.items()},
            exponents={"cost by postings": exponent(sizes=sizes, costs=(seconds["small"], seconds["large"]))},
        )
