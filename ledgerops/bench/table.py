"""The page of what was measured."""

from collections.abc import Sequence
from datetime import date

from ledgerops.bench.report import Bound, Report, machine, significant

_HEAD = """# Benchmarks

Written by `make bench`; nobody edits it. Every figure is a ratio of medians of alternating slices in one run on one machine, each
after a CHECKPOINT, on an embedded PostgreSQL of the benchmark's own with durable settings. The floor is the least SQL that posts the
same (`ledgerops/bench/sql`); the peer is django-hordak. Rates depend on the machine and on who else uses it: for orientation only.
"""


def table(reports: Sequence[Report], *, on: date, quick: bool) -> str:
    """Return the page for these reports."""
    facts = [f"{name}: {value}" for name, value in machine().items()]
    facts += [f"{name}: {value}" for name, value in reports[0].settings.items()]
    size = "reduced (`--quick`)" if quick else "full"
    lines = [_HEAD, f"Measured on {on.isoformat()}, size {size}. {'; '.join(facts)}.", ""]
    lines += ["| bench | ratio | measured | to reach | held |", "|---|---|---|---|---|"]
    lines += [_row(report, name=name, bound=bound) for report in reports for name, bound in report.reach.items()]
    for report in reports:
        lines += ["", f"## {report.bench}", "", f"Sizes: {_words(report.sizes)}.", ""]
        other = {name: f"{significant(ratio):g}" for name, ratio in report.ratios.items() if name not in report.reach}
        lines += _pairs("ratio", other)
        lines += _pairs("rate", {name: f"{significant(rate):g}" for name, rate in report.rates.items()})
        lines += _pairs("growth, as a power of the size", {name: f"{power:.2f}" for name, power in report.exponents.items()})
    return "\n".join(lines).rstrip() + "\n"


def _row(report: Report, *, name: str, bound: Bound) -> str:
    ratio = report.ratios[name]
    return f"| {report.bench} | {name} | {significant(ratio):g} | {bound} | {'yes' if bound.holds(ratio) else '**no**'} |"


def _words(sizes: object) -> str:
    assert isinstance(sizes, dict)
    return "; ".join(
        f"{name} {' and '.join(map(_thousands, size)) if isinstance(size, list) else _thousands(size)}" for name, size in sizes.items()
    )


def _thousands(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(value)


def _pairs(title: str, pairs: dict[str, str]) -> list[str]:
    if not pairs:
        return []
    return [f"| {title} | |", "|---|---|", *(f"| {name} | {value} |" for name, value in pairs.items()), ""]
