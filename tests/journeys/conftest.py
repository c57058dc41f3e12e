"""A real worker behind the test: another process, on the test's database, told of its work by the embedded broker."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from django.conf import settings
from django.db import connections

from ledgerops.celery import app

PROJECT = Path(__file__).resolve().parent.parent.parent
STARTS_WITHIN = 60  # seconds, on a busy machine

# Each process of a test run has a queue of its own, or one's worker would be told of another's runs. Celery prefers the environment.
_process = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
settings.CELERY_BROKER_URL = urlsplit(settings.CELERY_BROKER_URL)._replace(path=f"/{1 + _process % 15}").geturl()
os.environ["CELERY_BROKER_URL"] = settings.CELERY_BROKER_URL


@pytest.fixture
def worker(transactional_db: None, tmp_path: Path) -> Iterator[None]:
    """Run a Celery worker as production does, until the test ends."""
    assert app.conf.broker_url == settings.CELERY_BROKER_URL, "the queue was chosen before Celery read its settings"
    app.control.purge()
    default = connections["default"].settings_dict
    address = f"{default['HOST']}:{default['PORT']}/{default['NAME']}"
    environment = {
        **os.environ,
        "DATABASE_URL": f"postgresql://{default['USER']}:{quote(default['PASSWORD'], safe='')}@{address}",
        "LEDGEROPS_DATA_DIR": str(settings.DATA_DIR),
    }
    name = f"journey-{os.getpid()}@here"
    command = [sys.executable, "-m", "celery", "-A", "ledgerops", "worker", "--pool", "solo", "--hostname", name, "--without-gossip"]
    with (tmp_path / "worker.log").open("w+") as log:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=log, stderr=subprocess.STDOUT)
        try:
            deadline = time.monotonic() + STARTS_WITHIN
            while not app.control.ping(destination=[name], timeout=0.5):
                assert process.poll() is None, Path(log.name).read_text()
                assert time.monotonic() < deadline, Path(log.name).read_text()
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)
