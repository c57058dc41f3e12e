"""Deliveries that nobody looks at first: pushed records, the watched folder, large files that a worker has in hand."""

import io
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db.models.functions import Now

from approvals.models import User
from audit.context import Origin, acting_from
from audit.models import AuditEvent
from recon import operations
from recon.models import FileJob, Item, QuarantinedRow, Source, Statement, StatementFile, StatementLine
from recon.operations import DeliveryKeyTaken, QuarantineRefused, RecordsRefused
from tests.concurrency import scene
from tests.notation import writes_nothing
from tests.recon.delivered import accept, mt940, receive

OLD = 3_600.0


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def record(number: int, **values: Any) -> dict[str, Any]:
    return {
        "id": f"PAY-{number:04d}",
        "booked_on": "2026-11-02",
        "direction": "credit",
        "amount": "10.00",
        "currency": "USD",
        "reference": f"INV-{number:04d}",
        **values,
    }


def push(*records: dict[str, Any], source: Source, by: User, key: str = "one") -> operations.Delivered:
    return operations.push_records(source=source, records=records, delivery_key=key, delivered_by_id=by.pk)


def test_pushed_records_count_at_once_and_the_bad_one_waits_in_quarantine(bank: Source, maker: User) -> None:
    done = push(record(1), record(2, amount="10.00 USD"), record(3, direction="debit"), source=bank, by=maker)
    assert (done.new, done.file.status, done.file.channel, len(done.runs)) == (True, "accepted", "api", 1)
    statement = Statement.objects.get()
    assert (statement.kind, statement.proof, statement.line_count, statement.quarantined) == ("report", "no_balance", 2, 1)
    assert [(item.flow, int(item.amount_minor)) for item in Item.objects.order_by("pk")] == [("in", 1000), ("out", 1000)]
    row = QuarantinedRow.objects.get()
    assert (row.place, row.field, row.value) == ("records[2]", "amount", "10.00 USD")
    assert {key.partition(":")[0] for line in StatementLine.objects.all() for key in line.keys} == {
        "own_reference",
        "bank_reference",
        "external",
    }


def test_a_bad_record_before_the_first_good_one_waits_in_quarantine_too(bank: Source, maker: User) -> None:
    push(record(1, amount="?"), record(2), source=bank, by=maker)
    row = QuarantinedRow.objects.get()
    assert (row.place, row.source, Statement.objects.get().quarantined) == ("records[1]", bank, 1)


def test_the_same_push_again_changes_nothing_and_another_under_its_key_is_refused(bank: Source, maker: User) -> None:
    first = push(record(1), source=bank, by=maker)
    with writes_nothing():
        again = push(record(1), source=bank, by=maker)
    assert (again.file.pk, again.new, again.runs) == (first.file.pk, False, [])
    with writes_nothing(), pytest.raises(DeliveryKeyTaken):
        push(record(2), source=bank, by=maker)


def test_a_record_pushed_again_under_another_key_counts_once(bank: Source, maker: User) -> None:
    push(record(1), source=bank, by=maker)
    push(record(1), record(2), source=bank, by=maker, key="two")
    assert (StatementLine.objects.count(), Item.objects.count()) == (3, 2)


@pytest.mark.parametrize(("count", "key"), [(0, "one"), (10_001, "one"), (1, ""), (1, "k" * 101)])
def test_a_push_of_none_or_too_many_or_without_a_key_is_refused(bank: Source, maker: User, count: int, key: str) -> None:
    with writes_nothing(), pytest.raises(RecordsRefused):
        push(*[record(n) for n in range(count)], source=bank, by=maker, key=key)


def test_row_is_dismissed_once_and_with_a_reason(bank: Source, maker: User) -> None:
    push(record(1), record(2, amount="x"), source=bank, by=maker)
    row = QuarantinedRow.objects.get()
    with writes_nothing(), pytest.raises(QuarantineRefused, match="say why"):
        operations.dismiss_row(row_id=row.pk, reason="  ", dismissed_by_id=maker.pk)
    operations.dismiss_row(row_id=row.pk, reason="A test of the sender", dismissed_by_id=maker.pk)
    with writes_nothing(), pytest.raises(QuarantineRefused, match="dismissed before"):
        operations.dismiss_row(row_id=row.pk, reason="Again", dismissed_by_id=maker.pk)
    assert AuditEvent.objects.get(action="recon.row.dismissed", outcome="done").reason == "A test of the sender"


# The watched folder


@pytest.fixture
def folder(tmp_path: Path, bank: Source) -> Path:
    (tmp_path / bank.code).mkdir()
    return tmp_path


def dropped(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_what_is_dropped_is_taken_in_and_moved(folder: Path, bank: Source) -> None:
    (folder / "bank" / "day.sta").write_bytes(mt940((0, 100, "A-0001")))
    (folder / "bank" / "letter.txt").write_bytes(b"dear bank, please")
    (folder / "nobody").mkdir()
    (folder / "nobody" / "day.sta").write_bytes(b"x")
    now = (folder / "bank" / "day.sta").stat().st_mtime + OLD
    (run,) = operations.take_dropped(folder=folder, now=now)
    assert run.status == "queued"
    assert dropped(folder) == ["bank/refused/letter.txt", "bank/taken/day.sta", "nobody/day.sta"]
    file = StatementFile.objects.get(name="day.sta")
    assert (file.status, file.channel, file.received_by, file.source) == ("accepted", "folder", None, bank)
    assert operations.take_dropped(folder=folder, now=now + OLD) == []


def test_what_is_still_written_or_is_no_plain_file_is_left_alone(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"nobody's business")
    own = folder / "bank"
    (own / "growing.sta").write_bytes(b"half")
    for name in (".hidden", "upload.part", "upload.TMP"):
        (own / name).write_bytes(b"x")
    (own / "link.sta").symlink_to(secret)
    (own / "folder.sta").mkdir()
    before = dropped(folder)
    with writes_nothing():
        operations.take_dropped(folder=folder, now=(own / "growing.sta").stat().st_mtime + 5)
    with writes_nothing():
        os.utime(own / "growing.sta", (OLD * 1e6, OLD * 1e6))
        operations.take_dropped(folder=folder, now=0)
    assert dropped(folder) == before


def test_what_a_person_must_decide_waits_for_one(folder: Path, bank: Source, maker: User) -> None:
    first = accept(mt940((0, 100, "A-0001")), by=maker, source=bank)
    (folder / "bank" / "again.sta").write_bytes(mt940((0, 900, "A-0001")))
    operations.take_dropped(folder=folder, now=(folder / "bank" / "again.sta").stat().st_mtime + OLD)
    file = StatementFile.objects.get(name="again.sta")
    assert (file.status, file.jobs.get().status) == ("received", "done")
    assert "say that it is to be replaced" in file.jobs.get().failure
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk], restating=[first.pk])
    assert Statement.objects.counting().get().version == 2


def test_a_name_is_only_a_name(bank: Source, maker: User) -> None:
    file, _ = operations.receive_file(
        name="../../etc/pass\x07wd\\..\\day.sta", content=io.BytesIO(b"x"), maximum_bytes=10, received_by_id=maker.pk
    )
    assert file.name == "day.sta"


# Large files


def test_a_large_file_is_read_and_accepted_by_a_worker_and_each_step_may_be_done_twice(bank: Source, maker: User) -> None:
    file = receive(mt940((0, 100, "A-0001")), by=maker, large_bytes=10)
    assert (file.status, file.summary) == ("stored", {})
    job = FileJob.objects.get()
    operations.execute_job(job_id=job.pk)
    file.refresh_from_db()
    assert file.status == "received"
    with acting_from(lambda: Origin(user_id=maker.pk, user_name=maker.username)):
        assert operations.accept_file(file_id=file.pk, source_ids=[bank.pk], large_bytes=10) == []
    (waiting,) = operations.overdue_jobs()
    assert len(operations.execute_job(job_id=waiting)) == 1
    assert operations.execute_job(job_id=waiting) == []
    assert (Statement.objects.count(), Item.objects.count()) == (1, 1)
    assert AuditEvent.objects.get(action="recon.file.accepted").actor_name == maker.username


def test_a_worker_that_went_silent_loses_its_claim_and_the_work_is_done_by_another(bank: Source, maker: User) -> None:
    file = receive(mt940((0, 100, "A-0001")), by=maker, large_bytes=10)
    (job_id,) = operations.overdue_jobs()
    assert operations.claim_job(job_id=job_id) is not None
    assert (operations.overdue_jobs(), operations.claim_job(job_id=job_id)) == ([], None)
    FileJob.objects.update(heartbeat_at=Now() - timedelta(minutes=3))
    assert operations.overdue_jobs() == [job_id]
    operations.execute_job(job_id=job_id)
    file.refresh_from_db()
    assert (file.status, file.jobs.get().status) == ("received", "done")


def test_a_large_file_that_cannot_be_accepted_says_why_on_its_job(bank: Source, maker: User, stranger: User) -> None:
    file = receive(mt940((0, 100, "A-0001")), by=stranger, large_bytes=10)
    operations.execute_job(job_id=FileJob.objects.get().pk)
    file.refresh_from_db()
    FileJob.objects.create(file=file, job="accept", requested_by=stranger)
    operations.execute_job(job_id=FileJob.objects.latest("id").pk)
    failed = FileJob.objects.latest("id")
    assert (failed.status, "is no source in your scope" in failed.failure) == ("failed", True)
    assert not StatementLine.objects.exists()


def test_an_upload_too_large_names_the_other_ways_in(bank: Source, maker: User) -> None:
    with writes_nothing(), pytest.raises(operations.FileRefused, match=r"the watched folder or POST /api/v1/files"):
        operations.receive_file(name="x", content=io.BytesIO(b"x" * 11), maximum_bytes=10, received_by_id=maker.pk)
