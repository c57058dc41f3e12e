"""The trial balance at a date against the sum over all postings up to it, both in one process and with the same figures."""

from functools import partial

from ledgerops.bench.clients import product_clients
from ledgerops.bench.reads import DAYS
from ledgerops.bench.report import Report, alternate, at_least, exponent, medians
from ledgerops.bench.volume import LARGE, volume_server

REACH = {"sum_speedup": at_least(100)}


def run(*, quick: bool) -> Report:
    """Alternate the trial balance and the sum on the large ledger, and the trial balance on the small one; the slowest day counts."""
    slices, times = (5, 10) if quick else (7, 20)
    with (
        volume_server(quick=quick) as (server, volume),
        product_clients(server) as small,
        product_clients(server, database=LARGE) as large,
    ):
        for day in DAYS:
            (shown,), (summed,) = large.ask("read", what=f"trial_balance {day}", times=1), large.ask("read", what=f"sum {day}", times=1)
            if shown["found"] != summed["found"]:
                raise RuntimeError(f"the trial balance of {day} is not the sum of the postings")
        works = {}
        for day in DAYS:
            works[f"small, {day}"] = partial(small.seconds_of, f"trial_balance {day}", times=times)
            works[f"large, {day}"] = partial(large.seconds_of, f"trial_balance {day}", times=times)
            works[f"sum, {day}"] = partial(large.seconds_of, f"sum {day}", times=1)
        seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        speedups = {day: seconds[f"sum, {day}"] / seconds[f"large, {day}"] for day in DAYS}
        slowest = min(DAYS, key=speedups.__getitem__)
        return Report(
            bench="trial",
            sizes={"postings": list(volume.sizes), "accounts": volume.accounts, "days": [str(day) for day in DAYS], "slices": slices},
            settings=server.settings(),
            ratios={"sum_speedup": speedups[slowest], **{f"sum_speedup of {day}": ratio for day, ratio in speedups.items()}},
            reach=REACH,
            rates={f"{name} (ms)": each * 1000 for name, each in seconds.items()},
            exponents={
                "cost by postings": exponent(sizes=volume.sizes, costs=(seconds[f"small, {slowest}"], seconds[f"large, {slowest}"]))
            },
        )
