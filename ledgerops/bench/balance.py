"""An account's balance, now, at an effective date and as recorded at an instant, with ten thousand postings and with ten million."""

from functools import partial

from ledgerops.bench.clients import product_clients
from ledgerops.bench.report import Report, alternate, at_most, exponent, medians
from ledgerops.bench.volume import LARGE, volume_server

REACH = {"growth": at_most(1.5), "pk": at_most(3)}
KINDS = ["current", "effective", "recorded"]


def run(*, quick: bool) -> Report:
    """Alternate reads of the small ledger and of the large one."""
    slices, times = (5, 40) if quick else (9, 200)
    with (
        volume_server(quick=quick) as (server, volume),
        product_clients(server) as small,
        product_clients(server, database=LARGE) as large,
    ):
        works = {f"{kind}, small": partial(small.seconds_of, kind, times=times) for kind in ["primary_key", *KINDS]}
        works |= {f"{kind}, large": partial(large.seconds_of, kind, times=times) for kind in ["primary_key", *KINDS]}
        seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        growth = {kind: seconds[f"{kind}, large"] / seconds[f"{kind}, small"] for kind in KINDS}
        return Report(
            bench="balance",
            sizes={"postings of the account": list(volume.sizes), "slices": slices, "reads": times},
            settings=server.settings(),
            ratios={
                "growth": max(growth.values()),
                "pk": seconds["current, large"] / seconds["primary_key, large"],
                **{f"growth of {kind}": ratio for kind, ratio in growth.items()},
            },
            reach=REACH,
            rates={f"{name} (us)": each * 1e6 for name, each in seconds.items()},
            exponents={
                f"cost of {kind} by postings": exponent(sizes=volume.sizes, costs=(seconds[f"{kind}, small"], seconds[f"{kind}, large"]))
                for kind in KINDS
            },
        )
