"""`manage.py up` as a person uses it: start, start again, Ctrl-C, and whatever gets killed."""

import os
import re
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from ledgerops.embedded import processes, services
from ledgerops.embedded.stack import WEB_URL, answer

PROJECT = Path(__file__).resolve().parents[2]
PROGRAMS = ("postgres", "valkey-server", "gunicorn", "worker", "beat")
# Runs the rest of its arguments in a network of its own that has nothing but loopback.
OFFLINE = """
import ctypes, fcntl, os, socket, struct, sys
NEW_NETWORK, NEW_USER, SET_FLAGS, UP = 0x40000000, 0x10000000, 0x8914, 1
if ctypes.CDLL(None, use_errno=True).unshare(NEW_NETWORK | (0 if os.geteuid() == 0 else NEW_USER)) != 0:
    sys.exit("this machine allows no network namespaces")
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as loopback:
    fcntl.ioctl(loopback, SET_FLAGS, struct.pack("16sh", b"lo", UP))
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


class Up:
    """One data folder and the supervisor that runs in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = folder.parent / "output"
        self.port = processes.free_port()
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, *, wrapper: tuple[str, ...] = ()) -> None:
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, *wrapper, *self.command],
                cwd=PROJECT,
                env=self.environment,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        self.process = process
        assert processes.wait_until(lambda: "ready after" in self.said or process.poll() is not None, seconds=180), self.said
        assert process.poll() is None, self.said

    @property
    def command(self) -> tuple[str, ...]:
        return ("manage.py", "up", "--no-demo", "--port", str(self.port))

    @property
    def environment(self) -> Mapping[str, str]:
        ours = ("DATABASE_", "CELERY_", "LEDGEROPS_", "DJANGO_", "PYTEST_")
        return {**{name: value for name, value in os.environ.items() if not name.startswith(ours)}, "LEDGEROPS_DATA_DIR": str(self.folder)}

    @property
    def said(self) -> str:
        return self.output.read_text()

    def children(self) -> dict[str, int]:
        """Return the supervised processes by program."""
        found = {}
        assert self.process is not None
        for pid in Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split():
            try:
                words = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
            except OSError:
                continue
            found.update({program: int(pid) for program in PROGRAMS if program in words.replace(str(self.folder), "")})
        return found

    def is_serving(self) -> bool:
        return answer(self.port) is not None

    def leftovers(self) -> list[int]:
        servers = ((self.folder / part).resolve() for part in ("postgres/data", "valkey"))
        return processes.left_behind(self.folder) + [pid for server in servers for pid in processes.running_in(server)]

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        return self.process.wait(timeout=120)


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    place = tmp_path_factory.mktemp("up")
    for part in (place, place.parent, place.parent.parent):
        part.chmod(0o711)  # the servers may run as another user
    started = Up(place / "var")
    yield started
    started.stop()


@pytest.fixture
def up(once: Up) -> Up:
    """Return it running; the first start is the long one."""
    if once.process is None or once.process.poll() is not None:
        once.start()
    return once


def test_one_command_starts_everything_and_a_page_is_served(up: Up) -> None:
    assert set(up.children()) == set(PROGRAMS)
    assert f"http://localhost:{up.port}" in up.said
    page = got(f"http://localhost:{up.port}/account/login/")
    stylesheets = re.findall(r'href="(/static/[^"]+\.css)"', page)
    assert stylesheets
    for stylesheet in stylesheets:
        assert re.search(r"\.[0-9a-f]{12}\.css$", stylesheet)
        assert got(f"http://localhost:{up.port}{stylesheet}")


def test_secrets_are_private(up: Up) -> None:
    for name in ("secret-key", "database-passwords.json", services.FILE_NAME):
        assert (up.folder / name).stat().st_mode & 0o777 == 0o600, name


def test_what_serves_requests_does_not_know_the_owners_password(up: Up) -> None:
    password = services.read(up.folder)["DATABASE_OWNER_URL"].split(":")[2].partition("@")[0]
    for program in ("gunicorn", "worker", "beat"):
        assert password not in Path(f"/proc/{up.children()[program]}/environ").read_text()
        assert "DATABASE_OWNER_URL=" in Path(f"/proc/{up.children()[program]}/environ").read_text()


def test_a_second_start_says_where_it_runs(up: Up) -> None:
    before = up.children()
    second = subprocess.run(
        [sys.executable, *up.command], cwd=PROJECT, env=up.environment, capture_output=True, text=True, timeout=120, check=False
    )
    assert second.returncode == 0, second.stderr
    assert "already running" in second.stdout
    assert f"http://localhost:{up.port}" in second.stdout
    assert up.children() == before


def test_every_program_that_is_killed_comes_back(up: Up) -> None:
    before = up.children()
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def all_are_back() -> bool:
        now = up.children()
        return set(now) == set(before) and all(now[name] != before[name] for name in before)

    assert processes.wait_until(all_are_back, seconds=60), up.said
    assert processes.wait_until(up.is_serving, seconds=60)
    assert up.said.count("ended by signal SIGKILL; starting it again") == len(PROGRAMS)


def test_a_killed_supervisor_leaves_nothing_behind_and_the_next_start_works_offline(up: Up) -> None:
    assert up.process is not None
    up.process.kill()
    up.process.wait()
    assert processes.wait_until(lambda: not up.leftovers(), seconds=60), up.leftovers()

    up.start(wrapper=("-c", OFFLINE))

    assert set(up.children()) == set(PROGRAMS)
    assert services.read(up.folder)[WEB_URL] == f"http://localhost:{up.port}"
    # What had been done and has not changed is not done again.
    assert "migrating" not in up.said
    assert (up.folder / "logs" / "collectstatic.log").stat().st_mtime < (up.folder / "up.lock").stat().st_mtime


def test_ctrl_c_stops_everything(up: Up) -> None:
    assert up.stop() == 0
    assert "stopping" in up.said
    assert up.leftovers() == []
    assert WEB_URL not in services.read(up.folder)


def test_a_taken_port_is_said_and_the_next_one_used(up: Up) -> None:
    up.stop()
    with socket.socket() as occupied:
        occupied.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        occupied.bind(("127.0.0.1", up.port))
        occupied.listen()
        up.start()
        assert f"port {up.port} is taken, using {up.port + 1}" in up.said
        assert services.read(up.folder)[WEB_URL] == f"http://localhost:{up.port + 1}"
        assert up.stop() == 0


def test_reset_stops_what_runs_and_removes_its_data(up: Up) -> None:
    homes = [(up.folder / part).resolve() for part in ("postgres", "valkey")]
    done = subprocess.run([sys.executable, "-m", "ledgerops.embedded.reset"], cwd=PROJECT, env=up.environment, timeout=180, check=False)
    assert done.returncode == 0
    assert up.process is not None
    assert up.process.wait(timeout=60) == 0
    assert not up.folder.exists()
    assert not any(home.exists() for home in homes)


def got(url: str) -> str:
    with urllib.request.urlopen(url, timeout=60) as response:
        assert response.status == 200
        body: bytes = response.read()
        return body.decode()
