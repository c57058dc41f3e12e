"""Child processes that die with their parent, the user servers run as, and what an earlier run left behind."""

import contextlib
import ctypes
import os
import pwd
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True)

# Set for every child; what still carries it when nobody supervises was left behind by a killed supervisor.
MARK = "LEDGEROPS_SUPERVISED"


class ServiceError(Exception):
    """An embedded service that cannot be brought up; the text says why and where its log is."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """An existing unprivileged user of this machine."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """Return the user that servers run as, or None where that is ourselves.

    :raises ServiceError: if this is not Linux, or we are root and the machine has no unprivileged user for it.
    """
    if sys.platform != "linux":
        raise ServiceError("the embedded services run on Linux alone; set DATABASE_URL, DATABASE_OWNER_URL and CELERY_BROKER_URL to others")
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)
    raise ServiceError("PostgreSQL refuses to run as root, and there is no user postgres or nobody to run it as; start as a normal user")


def spawn(
    argv: Sequence[str | Path],
    *,
    log: Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    account: Account | None = None,
    death_signal: signal.Signals = signal.SIGTERM,
    stdin: int = subprocess.DEVNULL,
) -> subprocess.Popen[bytes]:
    """Start a child in its own session that is sent `death_signal` when we end, however we end.

    Call it from the main thread: the kernel sends the signal when the *thread* that forked ends.
    """
    parent = os.getpid()

    def prepare() -> None:
        # After the change of user, which clears the setting.
        _libc.prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in argv],
            cwd=cwd,
            env=env,
            stdin=stdin,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=prepare,  # noqa: PLW1509 - we are in the main thread, before any other is started
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def ended(process: subprocess.Popen[bytes]) -> bool:
    """Return whether the child has ended; then nothing is left of its session either."""
    if process.returncode is not None:
        return True
    if os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None:
        return False
    # While it is not reaped its number can belong to nobody else.
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return True


def stop(
    process: subprocess.Popen[bytes], *, first: signal.Signals, seconds: float, then: Sequence[signal.Signals] = (signal.SIGKILL,)
) -> None:
    """Send `first` and wait so long; then the harder signals, each with five seconds more."""
    for number, patience in [(first, seconds), *((harder, 5.0) for harder in then)]:
        if ended(process):
            return
        process.send_signal(number)
        if wait_until(lambda: ended(process), seconds=patience):
            return


def wait_until(condition: Callable[[], bool], *, seconds: float, pause: float = 0.05) -> bool:
    """Return whether the condition became true in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause)
    return True


def running_in(folder: Path) -> list[int]:
    """Return the processes whose working folder this is; servers keep theirs in their data."""
    return _processes_where(lambda process: (process / "cwd").readlink() == folder)


def left_behind(data_folder: Path) -> list[int]:
    """Return the processes that a supervisor of this data folder started."""
    mark = f"{MARK}={data_folder}".encode()
    return _processes_where(lambda process: mark in (process / "environ").read_bytes().split(b"\0"))


def _processes_where(condition: Callable[[Path], bool]) -> list[int]:
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit() or int(process.name) == os.getpid():
            continue
        try:
            if condition(process):
                found.append(int(process.name))
        except OSError:  # it ended meanwhile, or belongs to somebody else
            continue
    return found


def end_all(find: Callable[[], list[int]], *, first: signal.Signals, seconds: float) -> None:
    """Send `first` to what `find` finds and wait for it to be gone; kill what remains.

    :raises ServiceError: if something cannot be killed.
    """
    for number, patience in ((first, seconds), (signal.SIGKILL, 10.0)):
        for pid in find():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        if wait_until(lambda: not find(), seconds=patience):
            return
    raise ServiceError(f"processes {find()} of an earlier run do not end")


def free_port(*, preferred: int | None = None) -> int:
    """Return the preferred port of 127.0.0.1 if nobody listens on it, else one that is free now.

    It lies below the ports that outgoing connections take: a client that retries while its server is down could otherwise be given the
    server's port and connect to itself.
    """
    candidates = [preferred] if preferred else []
    for port in (*candidates, *(20_000 + secrets.randbelow(12_000) for _ in range(200))):
        if is_free(port):
            return port
    raise ServiceError("no port of 127.0.0.1 is free")


def is_free(port: int) -> bool:
    """Return whether nobody listens on this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def tail(log: Path, *, lines: int = 12) -> str:
    """Return the last lines of a log."""
    if not log.is_file():
        return ""
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])
