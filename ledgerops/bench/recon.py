"""Runs from nothing to matches and breaks, against loading both sides and one join; at ten times the lines, and with two workers."""

import time
from collections.abc import Iterator
from functools import partial
from itertools import count

import psycopg

from ledgerops.bench.clients import Clients, product_clients
from ledgerops.bench.report import Report, alternate, at_least, at_most, exponent, medians
from ledgerops.bench.server import FLOOR, PRODUCT, SQL, Server, bench_server

# With both workers and their server on two cores, twice the work cannot be had in the time; more hosts are for that.
REACH = {"floor": at_most(10), "growth_10x": at_most(12), "two_workers": at_least(1.1), "worker_megabytes": at_most(1024)}
SMALL, LARGE = "small", "large"
_names = count(1)


def run(*, quick: bool) -> Report:
    """Alternate the floor and runs over as many lines; every run is the first of a reconciliation of its own."""
    slices = 3 if quick else 5
    sizes = {SMALL: 1_000, LARGE: 10_000} if quick else {SMALL: 100_000, LARGE: 1_000_000}
    memory: list[float] = []
    with bench_server() as server:
        server.create_database(SMALL, template=PRODUCT)
        with product_clients(server, database=SMALL) as small, product_clients(server) as large:
            for clients, database, lines in ((small, SMALL, sizes[SMALL]), (large, PRODUCT, sizes[LARGE])):
                clients.ask("prepare_agreement")
                load_lines(server, database=database, lines=lines)
            works = {
                "floor": partial(floor_seconds, server, lines=sizes[LARGE]),
                "run": partial(_seconds, large, workers=1, memory=memory),
                "small run": partial(_seconds, small, workers=1, memory=memory),
                "two runs, one worker": partial(_seconds, small, workers=1, memory=memory, runs=2),
                "two runs, two workers": partial(_seconds, small, workers=2, memory=memory, runs=2),
            }
            seconds = medians(alternate(works, slices=slices, before=server.checkpoint))
        return Report(
            bench="recon",
            sizes={"lines of each side": list(sizes.values()), "slices": slices},
            settings=server.settings(),
            ratios={
                "floor": seconds["run"] / seconds["floor"],
                "growth_10x": seconds["run"] / seconds["small run"],
                "two_workers": seconds["two runs, one worker"] / seconds["two runs, two workers"],
                "worker_megabytes": max(memory),
            },
            reach=REACH,
            rates={
                **{f"{name} (s)": each for name, each in seconds.items()},
                "lines a second": 2 * sizes[LARGE] / seconds["run"],
            },
            exponents={
                "cost by lines": exponent(sizes=(sizes[SMALL], sizes[LARGE]), costs=(seconds["small run"], seconds["run"])),
            },
        )


def load_lines(server: Server, *, database: str, lines: int, first: int = 1) -> None:
    """Give both sources so many lines, past the guards, as accepted statements."""
    with psycopg.connect(server.url(database)) as connection:
        connection.execute("SET LOCAL session_replication_role = replica")
        connection.execute("SELECT set_config('bench.lines', %s, true), set_config('bench.from', %s, true)", [str(lines), str(first)])
        connection.execute((SQL / "lines.sql").read_bytes())
    server.analyze(database)


def floor_seconds(server: Server, *, lines: int) -> float:
    """Copy both sides in and join them, as the superuser without a guard, and return the seconds."""
    with psycopg.connect(server.url(FLOOR)) as connection:
        connection.execute((SQL / "floor_recon.sql").read_bytes())
        connection.commit()
        started = time.perf_counter()
        for table in ("left_line", "right_line"):
            with connection.cursor().copy(f"COPY {table} FROM STDIN".encode()) as copy:
                for block in _blocks(lines):
                    copy.write(block)
        connection.execute("ANALYZE left_line, right_line")
        connection.execute((SQL / "floor_match.sql").read_bytes())
        connection.commit()
        return time.perf_counter() - started


def _blocks(lines: int) -> Iterator[str]:
    for first in range(1, lines + 1, 10_000):
        yield "".join(
            f"{n}\tPAY{n:09d}\t{1000 + n % 100000}\t2026-06-{n // 100 % 28 + 1:02d}\n" for n in range(first, min(first + 10_000, lines + 1))
        )


def _seconds(product: Clients, *, workers: int, memory: list[float], runs: int = 1) -> float:
    product.ask("ask_for_runs", names=[f"Agreement {next(_names)}" for _ in range(runs)])
    started = time.perf_counter()
    answers = product.ask("work_runs", clients=workers)
    seconds = time.perf_counter() - started
    memory += [answer["megabytes"] for answer in answers]
    if not sum(answer["matches"] for answer in answers):
        raise RuntimeError("nothing was matched")
    return seconds
