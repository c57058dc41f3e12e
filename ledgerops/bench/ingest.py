"""Files to proven statement lines with their items, against their reader alone; and the memory that a large file takes."""

from functools import partial

from ledgerops.bench.clients import Clients, product_clients
from ledgerops.bench.report import Report, alternate, at_least, at_most, exponent, medians
from ledgerops.bench.server import bench_server

FORMATS = ("mt940", "camt053", "csv")
REACH = {**{code: at_least(0.5) for code in FORMATS}, "camt_megabytes": at_most(200)}
# Lines of a small and a large statement. The large ones keep their readers busy for about as long: what a delivery costs whatever
# its size (its bytes made durable, two commits, events) is no part of the speed of lines, and is seen in the small ones.
QUICK = {"mt940": (1_000, 12_000), "camt053": (1_000, 6_000), "csv": (1_000, 24_000)}
FULL = {"mt940": (2_000, 30_000), "camt053": (2_000, 15_000), "csv": (2_000, 60_000)}


def run(*, quick: bool) -> Report:
    """Alternate the reader alone and the product, each on a statement of its own."""
    slices = 3 if quick else 5
    sizes = QUICK if quick else FULL
    with bench_server() as server:
        with product_clients(server) as product:
            product.ask("prepare_sources")
            for code in FORMATS:
                product.ask("take_in", code=code, lines=sizes[code][0])
            server.analyze()
            works = {f"{code} alone": partial(_rate, product, "read_alone", code=code, lines=sizes[code][1]) for code in FORMATS}
            works |= {f"{code} taken in": partial(_rate, product, "take_in", code=code, lines=sizes[code][1]) for code in FORMATS}
            works |= {f"{code} small": partial(_rate, product, "take_in", code=code, lines=sizes[code][0]) for code in FORMATS}
            rates = medians(alternate(works, slices=slices, before=server.checkpoint))
        # A process of its own: what one took for another file it keeps.
        with product_clients(server) as fresh:
            megabytes = (4, 24) if quick else (24, 1024)
            (small,) = fresh.ask("take_in_large", megabytes=megabytes[0], number=2_000)
            (large,) = fresh.ask("take_in_large", megabytes=megabytes[1], number=2_001)
        return Report(
            bench="ingest",
            sizes={"lines": sizes, "slices": slices, "large files (MB)": list(megabytes), "large file (lines)": large["lines"]},
            settings=server.settings(),
            ratios={
                **{code: rates[f"{code} taken in"] / rates[f"{code} alone"] for code in FORMATS},
                "camt_megabytes": large["megabytes"],
            },
            reach=REACH,
            rates={
                **{f"{name} (lines/s)": rate for name, rate in rates.items()},
                "large file (s)": large["seconds"],
                **{f"peak memory at {size} MB (MB)": one["megabytes"] for size, one in zip(megabytes, (small, large), strict=True)},
            },
            exponents={
                f"cost by lines, {code}": exponent(
                    sizes=sizes[code],
                    costs=(sizes[code][0] / rates[f"{code} small"], sizes[code][1] / rates[f"{code} taken in"]),
                )
                for code in FORMATS
            },
        )


def _rate(product: Clients, work: str, *, code: str, lines: int) -> float:
    (answer,) = product.ask(work, code=code, lines=lines)
    return lines / float(answer["seconds"])
