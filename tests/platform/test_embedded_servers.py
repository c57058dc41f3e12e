"""The embedded servers survive what happens to them: crashes, reused process numbers, a killed parent, a long recovery."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from ledgerops.embedded import processes
from ledgerops.embedded.postgres import EmbeddedPostgres
from ledgerops.embedded.processes import ServiceError
from ledgerops.embedded.valkey import EmbeddedValkey

PROJECT = Path(__file__).resolve().parents[2]
# Starts a server in a process of its own, says where, and waits to be killed.
HOLDER = """
import sys, time
from pathlib import Path
from ledgerops.embedded.postgres import EmbeddedPostgres
folder = Path(sys.argv[1])
server = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
server.start()
server.wait_ready()
print(server.port, flush=True)
time.sleep(600)
"""


@pytest.fixture
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("servers")
    for part in (place, place.parent, place.parent.parent):
        part.chmod(0o711)  # the servers may run as another user
    return place


@pytest.fixture
def postgres(folder: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
    server.start()
    server.wait_ready()
    yield server
    server.stop()


def test_what_was_committed_outlives_a_kill_of_the_server(postgres: EmbeddedPostgres) -> None:
    execute(postgres, "CREATE TABLE kept AS SELECT 7 AS number")
    port = postgres.port

    kill(postgres.process)
    with pytest.raises(ServiceError, match="PostgreSQL ended"):
        postgres.wait_ready()
    postgres.start()
    postgres.wait_ready()

    assert postgres.port == port
    assert execute(postgres, "SELECT number FROM kept") == [(7,)]


def test_it_waits_for_recovery_as_long_as_the_server_lives(postgres: EmbeddedPostgres) -> None:
    execute(postgres, "CREATE TABLE much AS SELECT number, repeat('x', 200) AS text FROM generate_series(1, 300000) AS number")
    kill(postgres.process)
    postgres.start()
    recovery = until_found(lambda: child_called(postgres, "startup"))

    # The recovery is held up, so "not yet" is an answer that lasts.
    os.kill(recovery, signal.SIGSTOP)
    assert not postgres.is_ready()
    time.sleep(0.5)
    assert not postgres.is_ready()
    os.kill(recovery, signal.SIGCONT)
    postgres.wait_ready()

    assert execute(postgres, "SELECT count(*) FROM much") == [(300000,)]


def test_a_pid_file_with_a_number_that_somebody_else_has_now_is_no_obstacle(postgres: EmbeddedPostgres) -> None:
    pid_file = postgres.data / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    kill(postgres.process)
    innocent = subprocess.Popen(["sleep", "60"], user=postgres.account.uid if postgres.account else None)
    try:
        pid_file.write_text("\n".join([str(innocent.pid), *lines[1:]]) + "\n")
        postgres.start()
        postgres.wait_ready()
        assert innocent.poll() is None
    finally:
        innocent.kill()
        innocent.wait()


def test_a_killed_parent_leaves_no_server_behind_and_the_next_start_works(folder: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    assert parent.stdout.readline().strip().isdigit()
    next_server = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
    assert processes.running_in(next_server.data)

    kill(parent)
    parent.stdout.close()
    assert processes.wait_until(lambda: not processes.running_in(next_server.data), seconds=30)
    next_server.start()
    next_server.wait_ready()

    assert execute(next_server, "SELECT 1") == [(1,)]
    next_server.stop()


def test_a_second_start_of_a_cluster_is_refused(postgres: EmbeddedPostgres, folder: Path) -> None:
    other = EmbeddedPostgres(folder=folder / "postgres", log=folder / "other.log")
    with pytest.raises(ServiceError, match="in use by another process"):
        other.start()
    assert execute(postgres, "SELECT 1") == [(1,)]


def test_initdb_that_was_cut_short_is_begun_again(folder: Path) -> None:
    server = EmbeddedPostgres(folder=folder / "postgres", log=folder / "postgres.log")
    (server.folder / "data.new").mkdir()
    (server.folder / "data.new" / "PG_VERSION").write_text("18\n")
    server.start()
    server.wait_ready()
    assert execute(server, "SELECT 1") == [(1,)]
    server.stop()


def test_secrets_and_data_are_private(postgres: EmbeddedPostgres) -> None:
    assert (postgres.folder / "password").stat().st_mode & 0o777 == 0o600
    assert postgres.folder.stat().st_mode & 0o777 == 0o700
    assert postgres.data.stat().st_mode & 0o777 == 0o700
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(postgres.url(password="guessed"))


def test_a_queued_task_outlives_a_kill_of_valkey(folder: Path) -> None:
    server = EmbeddedValkey(folder=folder / "valkey", log=folder / "valkey.log")
    server.start()
    server.wait_ready()
    ask(server, "RPUSH queue task")
    port = server.port

    kill(server.process)
    server.start()
    server.wait_ready()

    assert server.port == port
    assert "task" in ask(server, "LRANGE queue 0 -1")
    server.stop()


def test_valkey_answers_nobody_without_the_password(folder: Path) -> None:
    server = EmbeddedValkey(folder=folder / "valkey", log=folder / "valkey.log")
    server.start()
    server.wait_ready()
    assert "NOAUTH" in ask(server, "KEYS *", password=None)
    command_line = Path(f"/proc/{server.process.pid}/cmdline").read_text() if server.process else ""
    assert server.password not in command_line
    server.stop()


def execute(server: EmbeddedPostgres, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(server.url(), autocommit=True) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description and cursor.rownumber is not None else []


def ask(server: EmbeddedValkey, command: str, *, password: str | None = "") -> str:

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as connection:
        if password is not None:
            connection.sendall(f"AUTH {server.password}\r\n".encode())
            connection.recv(1024)
        connection.sendall(f"{command}\r\n".encode())
        return connection.recv(65536).decode()


def kill(process: subprocess.Popen[bytes] | subprocess.Popen[str] | None) -> None:
    assert process is not None
    process.kill()
    process.wait()


def child_called(server: EmbeddedPostgres, name: str) -> int | None:
    assert server.process is not None
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    for pid in children:
        try:
            if name in Path(f"/proc/{pid}/cmdline").read_text():
                return int(pid)
        except OSError:
            continue
    return None


def until_found(find: Callable[[], int | None]) -> int:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if (pid := find()) is not None:
            return pid
    raise AssertionError("recovery was over before it could be held up")
