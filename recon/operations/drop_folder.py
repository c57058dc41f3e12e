"""The watched folder: `<folder>/<source code>/` holds what came for a source; what was taken or refused is moved out of the way."""

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

from ledgerops.lib.errors import Refusal
from recon.models import Channel, FileStatus, Run, Source
from recon.operations.delivery import deliver_file

log = structlog.get_logger(__name__)

TAKEN, REFUSED = "taken", "refused"
# A file that is still being written grows, or was touched a moment ago.
QUIET_SECONDS = 20.0
# Whoever uploads under another name and renames at the end uses one of these.
PARTIAL = (".part", ".partial", ".filepart", ".tmp", ".crdownload", "~")
FILES_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Waiting:
    path: Path
    source: Source


def take_dropped(*, folder: Path, now: float) -> list[Run]:
    """Take every complete file of the watched folder in; returns the runs that were started. `now` is the clock of the file system.

    A name is only a name: nothing is opened but ordinary files directly in the folder of a source, and links are not followed.
    """
    runs: list[Run] = []
    for waiting in list(_complete(folder, now=now))[:FILES_AT_ONCE]:
        runs += _take(waiting)
    return runs


def _complete(folder: Path, *, now: float) -> Iterator[_Waiting]:
    sources = {source.code: source for source in Source.objects.select_related("asset")}
    for own in sorted(folder.iterdir()) if folder.is_dir() else []:
        if own.name not in sources or own.is_symlink() or not own.is_dir():
            continue
        for path in sorted(own.iterdir()):
            found = path.lstat()
            quiet = now - found.st_mtime >= QUIET_SECONDS
            if stat.S_ISREG(found.st_mode) and quiet and not path.name.startswith(".") and not path.name.lower().endswith(PARTIAL):
                yield _Waiting(path, sources[own.name])


def _take(waiting: _Waiting) -> list[Run]:
    """Deliver one file and move it; a file that is moved was stored before, so nothing is lost by a kill in between."""
    path, source = waiting.path, waiting.source
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        log.warning("dropped_file_not_opened", source=source.code, error=type(error).__name__)
        return []
    with os.fdopen(descriptor, "rb") as content:
        before = os.fstat(descriptor)
        try:
            done = deliver_file(name=path.name, content=content, channel=Channel.FOLDER, source_id=source.pk, delivered_by_id=None)
        except Refusal as refusal:
            log.warning("dropped_file_refused", source=source.code, code=refusal.code)
            _move(path, into=REFUSED)
            return []
        after = os.fstat(descriptor)
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        return list(done.runs)  # it grew while it was read: what it has become is another file, taken next time
    _move(path, into=REFUSED if done.file.status == FileStatus.REFUSED else TAKEN)
    return list(done.runs)


def _move(path: Path, *, into: str) -> None:
    folder = path.parent / into
    folder.mkdir(exist_ok=True)
    target = folder / path.name
    number = 1
    while target.exists():
        number += 1
        target = folder / f"{path.stem}.{number}{path.suffix}"
    path.rename(target)
