"""A page of an account's statement: the first, and the last of all."""

from functools import partial

from ledgerops.bench.clients import product_clients
from ledgerops.bench.report import Report, alternate, at_most, exponent, medians
from ledgerops.bench.volume import LARGE, volume_server

REACH = {"last_over_first": at_most(1.5)}


def run(*, quick: bool) -> Report:
    """Alternate first and last pages of the small ledger and of the large one."""
    slices, times = (5, 20) if quick else (9, 100)
    with (
        volume_server(quick=quick) as (server, volume),
        product_clients(server) as small,
        product_clients(server, database=LARGE) as large,
    ):
        works = {
            f"{name}, {page}": partial(clients.seconds_of, page, times=times)
            for name, clients in (("small", small), ("large", large))
            for page in ("first_page", "last_page")
        }
        seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="statement",
            sizes={"postings of the account": list(volume.sizes), "slices": slices, "reads": times},
            settings=server.settings(),
            ratios={"last_over_first": seconds["large, last_page"] / seconds["large, first_page"]},
            reach=REACH,
            rates={f"{name} (ms)": each * 1000 for name, each in seconds.items()},
            exponents={
                "cost of the last page by postings": exponent(
                    sizes=volume.sizes, costs=(seconds["small, last_page"], seconds["large, last_page"])
                )
            },
        )
