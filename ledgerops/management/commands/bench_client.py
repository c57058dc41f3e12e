"""The clients of a benchmark: orders come in, one JSON object a line, and as many processes as one names carry it out."""

import gc
import json
import multiprocessing
import sys
from collections.abc import Callable
from importlib import import_module
from multiprocessing.connection import Connection
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand

from ledgerops.bench import agreements, books, deliveries, reads
from ledgerops.scenarios import work as scenarios

WORKS: dict[str, Callable[..., Any]] = {
    **books.WORKS,
    **deliveries.WORKS,
    **agreements.WORKS,
    "read": reads.read,
    "judge_scenario": scenarios.judge_file,
}
_fork = multiprocessing.get_context("fork")


class Command(BaseCommand):
    """Answers until its input ends. `{"do": "post", "clients": 8, ...}` is answered with eight results."""

    help = "Clients of a benchmark; started by it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out order after order. Each client is forked once and keeps its connection; this process never opens one."""
        # As `ledgerops.wsgi` does before its workers are forked.
        import_module(settings.ROOT_URLCONF)
        gc.collect()
        gc.freeze()
        pipes: list[Connection] = []
        for line in sys.stdin:
            order = json.loads(line)
            wanted = order.pop("clients", 1)
            while len(pipes) < wanted:
                pipes.append(_forked())
            for pipe in pipes[:wanted]:
                pipe.send(order)
            self.stdout.write(json.dumps([pipe.recv() for pipe in pipes[:wanted]]))
            self.stdout.flush()


def _forked() -> Connection:
    ours, theirs = _fork.Pipe()
    _fork.Process(target=_serve, args=(theirs,), daemon=True).start()
    theirs.close()
    return ours


def _serve(pipe: Connection) -> None:
    while True:
        try:
            order = pipe.recv()
        except EOFError:
            return
        pipe.send(WORKS[order.pop("do")](**order))
