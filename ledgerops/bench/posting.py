"""Single postings, spread over ten thousand accounts: the product in process against the floor in pgbench."""

import subprocess
import sys
from statistics import median
from typing import Any

from ledgerops.bench.server import PROJECT, Server, bench_server

REACH = {"floor_1": 0.55, "floor_8": 0.40}


def run(*, quick: bool) -> dict[str, Any]:
    """Alternate slices of floor and product at 1 and 8 clients; ratios are of the medians."""
    slices, seconds = (5, 1) if quick else (7, 4)
    rates: dict[str, list[float]] = {"floor_1": [], "product_1": [], "floor_8": [], "product_8": []}
    with bench_server() as server:
        clients = [_client(server) for _ in range(8)]
        try:
            _ask(clients[:1], "prepare")
            _ask(clients, "run 0.5")
            for _ in range(slices):
                for count in (1, 8):
                    server.checkpoint()
                    rates[f"floor_{count}"].append(server.floor_rate(script="floor_post.pgbench.sql", clients=count, seconds=seconds))
                    server.checkpoint()
                    rates[f"product_{count}"].append(sum(_ask(clients[:count], f"run {seconds}")) / seconds)
            settings = server.settings()
        finally:
            for client in clients:
                client.terminate()
                client.wait()
    ratios = {f"floor_{count}": round(median(rates[f"product_{count}"]) / median(rates[f"floor_{count}"]), 3) for count in (1, 8)}
    return {
        "bench": "posting",
        "sizes": {"accounts": 10_000, "slices": slices, "seconds": seconds},
        "settings": settings,
        "rates": {name: round(median(values), 1) for name, values in rates.items()},
        "ratios": ratios,
        "reach": REACH,
        "held": all(ratios[name] >= reach for name, reach in REACH.items()),
    }


def _client(server: Server) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "manage.py", "bench_posting_client"],
        cwd=PROJECT,
        env=server.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def _ask(clients: list[subprocess.Popen[str]], command: str) -> list[int]:
    for client in clients:
        assert client.stdin is not None
        client.stdin.write(command + "\n")
        client.stdin.flush()
    answers = []
    for client in clients:
        assert client.stdout is not None
        line = client.stdout.readline()
        if not line:
            raise RuntimeError("a client of the benchmark died")
        answers.append(int(line))
    return answers
