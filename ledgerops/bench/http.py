"""The same posting through `POST /api/v1/transactions`: eight connections at gunicorn as `make up` runs it."""

import json
import os
import random
import selectors
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median, quantiles

from ledgerops.bench import books
from ledgerops.bench.clients import product_clients
from ledgerops.bench.posting import WARMED
from ledgerops.bench.report import Report, alternate, at_least, at_most, exponent, medians
from ledgerops.bench.server import PROJECT, Server, bench_server
from ledgerops.embedded.processes import free_port, wait_until
from ledgerops.embedded.stack import WEB

REACH = {"in_process": at_least(0.25), "p99_over_p50": at_most(8)}
CONNECTIONS = 8


def run(*, quick: bool) -> Report:
    """Alternate slices in process at one client with slices over HTTP at two connections and at eight."""
    slices, seconds = (5, 1.2) if quick else (7, 5.0)
    with bench_server() as server, product_clients(server) as product:
        product.ask("prepare")
        (token,) = product.ask("token")
        product.ask("post_batch", drafts=WARMED)
        with _web(server) as (port, web):
            callers = _Callers(port=port, token=token)
            callers.rate(connections=CONNECTIONS, seconds=2.0)
            server.analyze()
            callers.waits.clear()
            works = {
                "product_1": lambda: sum(product.ask("post", seconds=seconds)),
                "http_2": lambda: callers.rate(connections=2, seconds=seconds),
                "http_8": lambda: callers.rate(connections=CONNECTIONS, seconds=seconds),
            }
            callers.seconds, served = 0.0, _cpu_of_children(web)
            rates = medians(alternate(works, slices=slices, before=server.checkpoint))
            served = _cpu_of_children(web) - served
        asked = sum(len(waited) for slices_waited in callers.waits.values() for waited in slices_waited)
        waits = callers.waits[CONNECTIONS]
        percentiles = [quantiles(waited, n=100) for waited in waits]
        p50, p99 = median(each[49] for each in percentiles), median(each[98] for each in percentiles)
        return Report(
            bench="http",
            sizes={"accounts": books.ACCOUNTS, "slices": slices, "seconds": seconds, "connections": [2, CONNECTIONS]},
            settings=server.settings(),
            ratios={"in_process": rates["http_8"] / rates["product_1"], "p99_over_p50": p99 / p50},
            reach=REACH,
            rates={
                **rates,
                "p50_ms": p50 * 1000,
                "p99_ms": p99 * 1000,
                "processor of the web server (ms a request)": served / asked * 1000,
                "processor of the callers (ms a request)": callers.seconds / asked * 1000,
            },
            exponents={
                "cost by connections": exponent(sizes=(2, CONNECTIONS), costs=(1 / rates["http_2"], 1 / rates["http_8"])),
            },
        )


@contextmanager
def _web(server: Server) -> Iterator[tuple[int, int]]:
    """Serve the product on a free port as `make up` does; yield the port and the process that its workers are children of."""
    port = free_port(preferred=0)
    (Path(server.environment["LEDGEROPS_DATA_DIR"]) / "static").mkdir(exist_ok=True)
    log = Path(server.environment["LEDGEROPS_DATA_DIR"]) / "web.log"
    command = [sys.executable, "-m", *WEB, "--bind", f"127.0.0.1:{port}"]
    # A line for each request, as in production.
    environment = {**server.environment, "LEDGEROPS_LOG_LEVEL": "INFO"}
    with log.open("wb") as said:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stderr=said)
        try:
            if not wait_until(lambda: process.poll() is not None or _answers(port), seconds=60, pause=0.1) or process.poll() is not None:
                raise RuntimeError(f"the web server of the benchmark did not start: {log.read_text()[-2000:]}")
            yield port, process.pid
        finally:
            process.terminate()
            process.wait()


def _cpu_of_children(parent: int) -> float:
    """Return the seconds of processor that the processes of a parent have used so far."""
    ticks = 0
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz/live", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


class _Callers:
    """Connections in one thread, each with one request under way: callers must not take the cores that they measure."""

    def __init__(self, *, port: int, token: str) -> None:
        self._port = port
        self._head = (
            f"POST /api/v1/transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n"
        )
        self.waits: dict[int, list[list[float]]] = {}
        # Of processor, which these callers took from what they measure.
        self.seconds = 0.0

    def rate(self, *, connections: int, seconds: float) -> float:
        """Ask for that long and return the entries posted a second; what each waited is kept in `waits`."""
        waited: list[float] = []
        used = time.process_time()
        with selectors.DefaultSelector() as ready:
            started = time.monotonic()
            sent = {}
            for _ in range(connections):
                connection = socket.create_connection(("127.0.0.1", self._port))
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                ready.register(connection, selectors.EVENT_READ)
                sent[connection] = self._ask(connection)
            now = started
            while sent:
                for key, _ in ready.select(timeout=60):
                    connection = key.fileobj  # type: ignore[assignment]
                    _read_created(connection)
                    now = time.monotonic()
                    waited.append(now - sent.pop(connection))
                    if now < started + seconds:
                        sent[connection] = self._ask(connection)
                    else:
                        ready.unregister(connection)
                        connection.close()
        self.seconds += time.process_time() - used
        self.waits.setdefault(connections, []).append(waited)
        return len(waited) / (now - started)

    def _ask(self, connection: socket.socket) -> float:
        payer, payee = random.sample(range(1, books.ACCOUNTS + 1), 2)
        lines = [
            {"account": f"C{payer}", "direction": "debit", "amount": "100", "asset": books.ASSET},
            {"account": f"C{payee}", "direction": "credit", "amount": "100", "asset": books.ASSET},
        ]
        body = json.dumps(
            {
                "type": "transfer",
                "entity": books.ENTITY,
                "effective_date": books.DAY.isoformat(),
                "description": "transfer",
                "reference": "BENCH",
                "lines": lines,
            }
        ).encode()
        head = f"{self._head}Idempotency-Key: {uuid.uuid4().hex}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        connection.sendall(head + body)
        return time.monotonic()


def _read_created(connection: socket.socket) -> None:
    """Read one answer to its end.

    :raises RuntimeError: if it is not that something was posted.
    """
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _received(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    length = next(int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:"))
    while len(body) < length:
        body += _received(connection)
    if not head.startswith(b"HTTP/1.1 201"):
        raise RuntimeError(f"not posted: {head.splitlines()[0].decode()} {body.decode()[:500]}")


def _received(connection: socket.socket) -> bytes:
    content = connection.recv(65536)
    if not content:
        raise RuntimeError("the web server hung up")
    return content
