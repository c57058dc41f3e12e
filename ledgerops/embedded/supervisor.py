"""Keeps services and programs running until it is told to stop: starts them, restarts what crashes, stops them in reverse order."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO, Protocol

from ledgerops.embedded import processes
from ledgerops.embedded.processes import MARK, ServiceError

LONGEST_PAUSE = 30.0
# What ran so long had started well, so its next restart is not delayed by earlier ones.
SETTLED_AFTER = 60.0


class Interrupted(BaseException):
    """We were asked to stop."""


class Service(Protocol):
    """What can be supervised."""

    name: str
    process: subprocess.Popen[bytes] | None

    def start(self) -> None: ...

    def stop(self) -> None: ...


@dataclass(kw_only=True)
class Program:
    """A command of our own: web, worker, beat."""

    name: str
    argv: Sequence[str]
    log: Path
    cwd: Path
    data_folder: Path
    env: Mapping[str, str] = field(default_factory=dict)
    stop_seconds: float = 20.0
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it."""
        env = {**os.environ, **self.env, MARK: str(self.data_folder)}
        self.process = processes.spawn(self.argv, log=self.log, cwd=self.cwd, env=env)

    def stop(self) -> None:
        """Let it finish what it is at, then end it."""
        if self.process is not None:
            processes.stop(self.process, first=signal.SIGTERM, seconds=self.stop_seconds)
            self.process = None

    def finish(self) -> None:
        """Wait for the end of one that ends by itself, if it was started; end it if we are interrupted.

        :raises ServiceError: if it fails.
        """
        try:
            failed = self.process is not None and self.process.wait() != 0
        finally:
            self.stop()
        if failed:
            raise ServiceError(f"{self.name} failed; the end of {self.log}:\n{processes.tail(self.log)}")


@dataclass
class _Crash:
    failures: int = 0
    started: float = 0.0
    again_at: float | None = None


class Supervisor:
    """The running services, in the order in which they were started."""

    def __init__(self, *, say: Callable[[str], None]) -> None:
        self.say = say
        self._services: list[Service] = []
        self._crashes: dict[str, _Crash] = {}

    def start(self, service: Service) -> None:
        """Start a service and stop it when all are stopped."""
        self._services.append(service)
        self._crashes[service.name] = _Crash(started=time.monotonic())
        service.start()

    def watch(self, *, until: Callable[[], bool] = lambda: False) -> None:
        """Restart what ends, until interrupted."""
        while not until():
            for service in self._services:
                self._look_after(service)
            time.sleep(0.2)

    def stop_all(self) -> None:
        """Stop the services, the last one first."""
        while self._services:
            self._services.pop().stop()

    def _look_after(self, service: Service) -> None:
        crash = self._crashes[service.name]
        now = time.monotonic()
        if crash.again_at is None:
            if service.process is None or not processes.ended(service.process):
                return
            crash.failures = 1 if now - crash.started > SETTLED_AFTER else crash.failures + 1
            pause = min(2.0 ** (crash.failures - 1), LONGEST_PAUSE)
            crash.again_at = now + pause
            self.say(f"{service.name} ended {_how(service.process.returncode)}; starting it again in {pause:.0f} s")
        elif now >= crash.again_at:
            crash.again_at, crash.started = None, now
            try:
                service.start()
            except ServiceError as error:
                self.say(str(error))


def _how(code: int) -> str:
    return f"by signal {signal.Signals(-code).name}" if code < 0 else f"with code {code}"


@contextmanager
def interruptible() -> Iterator[None]:
    """Turn the first request to stop into `Interrupted`; later ones change nothing, stopping is under way and bounded."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Interrupted

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Lock:
    """The right to run in a data folder. The kernel takes it back when we end, however we end."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self._held: IO[str] | None = None

    def take(self) -> bool:
        """Return whether we have it now; the file then holds our process number."""
        handle = self.file.open("a+")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            return False
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._held = handle
        return True

    def release(self) -> None:
        """Let the next one have it."""
        if self._held is not None:
            self._held.close()
            self._held = None

    def holder(self) -> int | None:
        """Return the process number of whoever holds it, or None if it is free."""
        if not self.file.is_file():
            return None
        with self.file.open("r+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                text = handle.read().strip()
                return int(text) if text.isdigit() else 0
        return None
