"""The peer: django-hordak (MIT), in an environment of its own, with hashes, so that it never becomes a dependency of the product."""

import hashlib
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from ledgerops.bench.clients import Clients, clients_of
from ledgerops.bench.server import PROJECT, Server

LOCK = PROJECT / "requirements-bench.txt"
DATABASE = "hordak"


@contextmanager
def hordak(server: Server) -> Iterator[Clients]:
    """Start a process that posts with django-hordak into a database of its own on the same server."""
    url = server.create_database(DATABASE)
    # -P: what lies beside the script is ours, not the peer's.
    with clients_of([str(_python()), "-P", str(Path(__file__).with_name("hordak_peer.py")), url]) as peer:
        peer.ask("prepare")
        yield peer


def _python() -> Path:
    """Return the interpreter of the peer's environment, making it the first time and whenever the lock is another."""
    environments = settings.DATA_DIR / "bench"
    folder = environments / f"hordak-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
    python = folder / "bin" / "python"
    if not (folder / "installed").is_file():
        for outdated in environments.glob("hordak-*"):
            shutil.rmtree(outdated)
        venv.create(folder, with_pip=False, symlinks=True)
        # Its source distribution is built by tools that the same file locks.
        locked = ["--require-hashes", "--build-constraints", str(LOCK), "--requirement", str(LOCK)]
        subprocess.run([sys.executable, "-m", "uv", "pip", "install", "--quiet", "--python", str(python), *locked], check=True)
        (folder / "installed").touch()
    return python
