"""Deliveries that need nobody to look first: what comes by folder or API for a source is read and accepted in one go."""

import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from ledgerops.lib.errors import Refusal, RefusalKind
from recon.formats.records import FORMAT, RECORDS_MAX
from recon.models import FileStatus, Job, Run, Source, StatementFile
from recon.operations.file_jobs import execute_job
from recon.operations.file_queue import live_jobs_of
from recon.operations.intake import LARGE_BYTES, receive_file

FILE_MAXIMUM_BYTES = 10 * 1024**3
KEY_MAXIMUM = 100


class RecordsRefused(Refusal):
    """What was pushed is no delivery of records; `field` says where."""

    code = "records_refused"
    kind = RefusalKind.INVALID


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """`runs` are those that it started; a file that waits for a person, or for a worker, has started none."""

    file: StatementFile
    new: bool
    runs: Sequence[Run]


def deliver_file(
    *,
    name: str,
    content: BinaryIO,
    channel: str,
    source_id: int,
    delivered_by_id: int | None,
    maximum_bytes: int = FILE_MAXIMUM_BYTES,
    delivery_key: str = "",
    large_bytes: int = LARGE_BYTES,
) -> Delivered:
    """Store a file that came for a source and take it in, in one reading; what a person must decide waits on the file's page.

    The same bytes again change nothing. A file of more than `large_bytes` is left to a worker, and so is one whose taking in is cut off.

    :raises FileRefused: if it is empty or too large.
    :raises DeliveryKeyTaken: if the key came with other content before.
    """
    file, new = receive_file(
        name=name,
        content=content,
        maximum_bytes=maximum_bytes,
        received_by_id=delivered_by_id,
        channel=channel,
        source_id=source_id,
        delivery_key=delivery_key,
        job=Job.TAKE,
    )
    runs: list[Run] = []
    if file.status == FileStatus.STORED and file.size_bytes <= large_bytes:
        for job_id in live_jobs_of(file.pk):
            runs = execute_job(job_id=job_id)
        file.refresh_from_db()
    return Delivered(file=file, new=new, runs=runs)


def push_records(*, source: Source, records: Sequence[Mapping[str, Any]], delivery_key: str, delivered_by_id: int) -> Delivered:
    """Take records that an operational system pushes: they are stored as a file of their own and read like any other.

    :raises RecordsRefused: if there are none, or too many, or the key is no key.
    :raises DeliveryKeyTaken: if the key came with other records before.
    """
    if not 0 < len(records) <= RECORDS_MAX:
        raise RecordsRefused(f"a push holds 1 to {RECORDS_MAX} records, this one {len(records)}", field="records")
    if not 0 < len(delivery_key) <= KEY_MAXIMUM or not delivery_key.isprintable():
        raise RecordsRefused(f"a push needs an Idempotency-Key of at most {KEY_MAXIMUM} characters", field="Idempotency-Key")
    said = {"format": FORMAT, "account": source.identifier, "delivery": delivery_key, "records": list(records)}
    content = json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return deliver_file(
        name=f"{source.code}-{delivery_key}.json",
        content=io.BytesIO(content),
        channel="api",
        source_id=source.pk,
        delivered_by_id=delivered_by_id,
        delivery_key=delivery_key,
    )
