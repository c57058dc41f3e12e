"""The supervisor restarts what crashes, with patience, and ends what it started."""

import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ledgerops.embedded import processes
from ledgerops.embedded.supervisor import Lock, Program, Supervisor

SLEEP = "import time; time.sleep(600)"
# A leader with one child in its session, as gunicorn and Celery are.
LEADER = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}]).wait()"


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(said: list[str]) -> Iterator[Supervisor]:
    supervisor = Supervisor(say=said.append)
    yield supervisor
    supervisor.stop_all()


def test_it_restarts_what_crashes_and_says_so(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    web = program(tmp_path, "web", SLEEP)
    supervisor.start(web)
    first = pid_of(web)

    os.kill(first, 9)
    watch(supervisor, until=lambda: bool(said) and web.process is not None and web.process.pid != first)

    assert said == ["web ended by signal SIGKILL; starting it again in 1 s"]
    assert (Path("/proc") / str(pid_of(web))).exists()


def test_it_waits_longer_after_each_crash(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    supervisor.start(program(tmp_path, "web", "raise SystemExit(3)"))
    watch(supervisor, until=lambda: len(said) == 3)
    assert said == [f"web ended with code 3; starting it again in {pause} s" for pause in (1, 2, 4)]


def test_nothing_of_a_crashed_program_lives_on(supervisor: Supervisor, said: list[str], tmp_path: Path) -> None:
    web = program(tmp_path, "web", LEADER)
    supervisor.start(web)
    assert processes.wait_until(lambda: len(processes.left_behind(tmp_path)) == 2, seconds=20)
    crashed = set(processes.left_behind(tmp_path))

    os.kill(pid_of(web), 9)
    watch(supervisor, until=lambda: bool(said))

    assert not crashed & set(processes.left_behind(tmp_path))


def test_it_stops_in_reverse_order(supervisor: Supervisor, tmp_path: Path) -> None:
    order = tmp_path / "order"
    for name in ("database", "web"):
        on_term = f"open({str(order)!r}, 'a').write('{name} '), sys.exit()"
        code = f"import signal, sys, time; signal.signal(15, lambda *_: ({on_term})); print('up', flush=True)"
        started = program(tmp_path, name, f"{code}; time.sleep(600)")
        supervisor.start(started)
        assert processes.wait_until(lambda log=started.log: "up" in log.read_text(), seconds=20)  # type: ignore[misc]

    supervisor.stop_all()

    assert order.read_text() == "web database "
    assert processes.left_behind(tmp_path) == []


def test_what_ignores_the_request_to_stop_is_killed(supervisor: Supervisor, tmp_path: Path) -> None:
    stubborn = program(tmp_path, "web", f"import signal; signal.signal(15, signal.SIG_IGN); print('up', flush=True); {SLEEP}")
    supervisor.start(stubborn)
    assert processes.wait_until(lambda: "up" in stubborn.log.read_text(), seconds=20)
    began = time.monotonic()
    supervisor.stop_all()
    assert time.monotonic() - began < 15
    assert processes.left_behind(tmp_path) == []


def test_the_lock_names_its_holder_and_is_held_once(tmp_path: Path) -> None:
    lock, other = Lock(tmp_path / "up.lock"), Lock(tmp_path / "up.lock")
    assert lock.holder() is None
    assert lock.take()
    assert other.holder() == os.getpid()
    assert not other.take()
    lock.release()
    assert other.take()
    other.release()


def program(folder: Path, name: str, code: str) -> Program:
    return Program(name=name, argv=[sys.executable, "-c", code], log=folder / f"{name}.log", cwd=folder, data_folder=folder, stop_seconds=1)


def pid_of(started: Program) -> int:
    assert started.process is not None
    return started.process.pid


def watch(supervisor: Supervisor, *, until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    supervisor.watch(until=lambda: until() or time.monotonic() > deadline)
    assert until()
