"""What a benchmark says of itself, without running one."""

from datetime import date

import pytest

from ledgerops.bench import table
from ledgerops.bench.report import Bound, Report, alternate, at_least, at_most, exponent, medians
from ledgerops.management.commands.bench import BENCHES

# The names under which the ratios of each benchmark are asked for.
ASKED = {
    "posting": {"floor_1", "floor_8", "hordak_1"},
    "http": {"in_process", "p99_over_p50"},
    "hot": {"floor_single", "floor_batch"},
    "batch": {"floor_10000"},
    "balance": {"growth", "pk"},
    "trial": {"sum_speedup"},
    "statement": {"last_over_first"},
    "integrity": {"scan"},
    "ingest": {"mt940", "camt053", "csv", "camt_megabytes"},
    "recon": {"floor", "growth_10x", "two_workers", "worker_megabytes"},
    "incremental": {"history"},
}


def report(*, ratio: float, bound: Bound) -> Report:
    return Report(
        bench="posting",
        sizes={"postings": [10_000, 10_000_000], "slices": 5},
        settings={"fsync": "on"},
        ratios={"floor_1": ratio, "beside": 3.14159},
        reach={"floor_1": bound},
        rates={"product_1": 1234.56},
        exponents={"cost": 0.034},
    )


@pytest.mark.parametrize(
    ("ratio", "bound", "held"),
    [(0.55, at_least(0.55), True), (0.54, at_least(0.55), False), (1.5, at_most(1.5), True), (1.51, at_most(1.5), False)],
)
def test_it_holds_when_every_ratio_is_what_it_must_reach(*, ratio: float, bound: Bound, held: bool) -> None:
    assert report(ratio=ratio, bound=bound).held is held


def test_it_is_one_json_object_with_the_agreed_names() -> None:
    said = report(ratio=0.5, bound=at_least(0.4)).as_json()
    assert set(said) == {"bench", "sizes", "settings", "ratios", "reach", "held", "rates", "exponents"}
    assert (said["ratios"], said["reach"], said["held"]) == ({"floor_1": 0.5, "beside": 3.14}, {"floor_1": 0.4}, True)


def test_its_page_names_what_is_not_held() -> None:
    page = table.table([report(ratio=0.3, bound=at_least(0.4))], on=date(2026, 11, 2), quick=True)
    assert "| posting | floor_1 | 0.3 | at least 0.4 | **no** |" in page
    assert "postings 10,000 and 10,000,000" in page
    assert "reduced" in page


def test_every_benchmark_is_held_to_the_ratios_asked_for() -> None:
    import_of = {name: __import__(run.__module__, fromlist=["REACH"]) for name, run in BENCHES.items()}
    reached = {name: set(module.REACH) for name, module in import_of.items() if hasattr(module, "REACH")}
    assert reached == ASKED


def test_slices_alternate_and_only_their_median_counts() -> None:
    order: list[str] = []
    rates = iter([1.0, 100.0, 3.0])

    def floor() -> float:
        order.append("floor")
        return next(rates)

    def product() -> float:
        order.append("product")
        return 2.0

    measured = alternate({"floor": floor, "product": product}, slices=3, before=lambda: order.append("checkpoint"))
    assert order == ["checkpoint", "floor", "checkpoint", "product"] * 3
    assert medians(measured) == {"floor": 3.0, "product": 2.0}


@pytest.mark.parametrize(("costs", "power"), [((1.0, 1.0), 0), ((1.0, 1000.0), 1), ((1.0, 1_000_000.0), 2)])
def test_growth_is_a_power_of_the_size(costs: tuple[float, float], power: float) -> None:
    assert exponent(sizes=(10_000, 10_000_000), costs=costs) == pytest.approx(power)
