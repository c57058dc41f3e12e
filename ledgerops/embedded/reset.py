"""`make reset`: stop what runs and remove its data, to start anew."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from ledgerops.embedded import homes, processes
from ledgerops.embedded.processes import ServiceError
from ledgerops.embedded.supervisor import Lock


def reset(data_folder: Path, *, say: Callable[[str], object]) -> None:
    """Stop the supervisor of this data folder and remove the folder.

    :raises ServiceError: if it does not stop.
    """
    if not data_folder.is_dir():
        say("nothing to remove")
        return
    lock = Lock(data_folder / "up.lock")
    pid = lock.holder()
    if pid:
        say(f"stopping process {pid}")
        os.kill(pid, signal.SIGTERM)
    if not processes.wait_until(lock.take, seconds=120, pause=0.2):
        raise ServiceError(f"process {pid} does not stop")
    processes.end_all(lambda: processes.left_behind(data_folder), first=signal.SIGTERM, seconds=20)
    for home, data in (("postgres", "data"), ("valkey", ".")):
        really = (data_folder / home / data).resolve()
        processes.end_all(lambda folder=really: processes.running_in(folder), first=signal.SIGINT, seconds=60)  # type: ignore[misc]
        homes.remove_home(data_folder / home)
    shutil.rmtree(data_folder)
    say(f"removed {data_folder}")


if __name__ == "__main__":
    project = Path(__file__).resolve().parent.parent.parent
    try:
        reset(Path(os.environ.get("LEDGEROPS_DATA_DIR") or project / "var").resolve(), say=print)
    except ServiceError as error:
        sys.exit(str(error))
