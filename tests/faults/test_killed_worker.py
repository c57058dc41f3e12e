"""A worker is killed while it copies a large file: nothing half-done stays, and the next worker finishes it, once."""

import os
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote
from uuid import UUID

import pytest
from django.conf import settings
from django.db import connection
from django.db.models.functions import Now

from approvals.models import User
from audit.models import AuditEvent
from recon import operations
from recon.models import FileJob, Item, Job, QuarantinedRow, Run, Source, Statement, StatementLine
from tests.concurrency import scene
from tests.notation import writes_nothing
from tests.recon.delivered import mt940, receive

pytestmark = pytest.mark.django_db(transaction=True)

PROJECT = Path(__file__).resolve().parent.parent.parent
LINES = 15_000
WITHIN = 120.0  # seconds
WORKER = """
import sys
from uuid import UUID
import django
django.setup()
from recon import operations
operations.execute_job(job_id=UUID(sys.argv[1]))
"""


def worker(job_id: UUID) -> subprocess.Popen[bytes]:
    """Start a worker of its own that takes up one job on this test's database."""
    own = settings.DATABASES["default"] | connection.settings_dict
    address = f"postgresql://{own['USER']}:{quote(own['PASSWORD'])}@{own['HOST']}:{own['PORT']}/{own['NAME']}"
    environment = os.environ | {"DATABASE_URL": address, "DJANGO_SETTINGS_MODULE": "ledgerops.settings"}
    return subprocess.Popen([sys.executable, "-c", WORKER, str(job_id)], cwd=PROJECT, env=environment)


def until_it_copies(process: subprocess.Popen[bytes]) -> None:
    """Wait until lines are on their way into their table."""
    deadline = time.monotonic() + WITHIN
    while time.monotonic() < deadline:
        assert process.poll() is None, "the worker had done before it could be killed"
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT max(tuples_processed) FROM pg_stat_progress_copy WHERE relid = 'recon_statement_line'::regclass"
                " AND datname = current_database()"
            )
            (copied,) = cursor.fetchone()
        if copied:
            return
        time.sleep(0.01)
    raise AssertionError("no line was copied")


def until_its_session_is_gone() -> None:
    deadline = time.monotonic() + WITHIN
    others = (
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL"
    )
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(others)
            if cursor.fetchone() == (0,):
                return
        time.sleep(0.05)
    raise AssertionError("the session of the killed worker lives on")


def test_worker_killed_while_it_copies_leaves_nothing_and_the_next_one_finishes(roles: None, maker: User) -> None:
    bank: Source = scene.bank()
    content = mt940(*((0, 100, f"REF{n:07d}") for n in range(LINES)))
    file = receive(content, by=maker, large_bytes=10, source_id=bank.pk, job=Job.TAKE)
    job = FileJob.objects.get()

    with writes_nothing(except_in=["recon_file_job"]):
        first = worker(job.pk)
        until_it_copies(first)
        first.kill()
        first.wait()
        until_its_session_is_gone()

    job.refresh_from_db()
    file.refresh_from_db()
    assert (job.status, file.status) == ("running", "stored")
    assert operations.overdue_jobs() == [], "its worker may still be at work"

    FileJob.objects.update(heartbeat_at=Now() - timedelta(minutes=3))
    assert operations.overdue_jobs() == [job.pk]
    for _ in range(2):  # whoever comes second finds nothing to do
        assert worker(job.pk).wait(timeout=WITHIN) == 0

    job.refresh_from_db()
    file.refresh_from_db()
    assert (job.status, job.failure, file.status) == ("done", "", "accepted")
    counts = (Statement.objects.count(), StatementLine.objects.count(), Item.objects.count(), QuarantinedRow.objects.count())
    assert counts == (1, LINES, LINES, 0)
    assert Run.objects.filter(status="queued").count() == 1
    assert AuditEvent.objects.filter(action="recon.file.accepted", outcome="done").count() == 1
