"""Clients of a benchmark: processes that are told what to do, one JSON object a line, and answer with one."""

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ledgerops.bench.server import PROJECT, Server


class Clients:
    """A process that answers orders."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, do: str, **arguments: Any) -> Any:
        """Give one order and return its answer.

        :raises RuntimeError: if the process ended instead; what it said is on our standard error.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a client of the benchmark died over {do}")
        return json.loads(line)

    def seconds_of(self, reading: str, *, times: int) -> float:
        """Return the median seconds of a reading of `ledgerops.bench.reads`."""
        (answer,) = self.ask("read", what=reading, times=times)
        return float(answer["seconds"])


@contextmanager
def clients_of(command: Sequence[str], *, environment: Mapping[str, str] | None = None) -> Iterator[Clients]:
    """Start a process that answers orders, and end it."""
    process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Clients(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def product_clients(server: Server, *, database: str | None = None) -> Iterator[Clients]:
    """Start `manage.py bench_client`, which forks as many clients as an order names."""
    environment = server.environment_of(database) if database else server.environment
    with clients_of([sys.executable, "manage.py", "bench_client"], environment=environment) as clients:
        yield clients
