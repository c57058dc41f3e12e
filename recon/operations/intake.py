"""Taking files in: bytes first, then what they say."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from functools import partial
from itertools import islice
from typing import IO, BinaryIO, cast
from uuid import UUID

from django.core.files.storage import default_storage
from django.db import IntegrityError, connection, transaction

from audit.context import current_origin
from audit.operations import act, record_event
from ledger.models import Asset
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.intake.reading import read_file
from recon.intake.summary import ParsedFile, ParsedStatement, statements_from_json
from recon.models import Channel, FileStatus, Job, Population, Reconciliation, Run, Source, Statement, StatementFile
from recon.operations.file_queue import queue_job
from recon.operations.kept_bytes import hash_of, keep, verified
from recon.operations.loading import Loader
from recon.operations.placing import place_statement, superseded_by
from recon.operations.progress import Progress
from recon.operations.readers import Chosen, reader_of
from recon.operations.runs import queue_run

# What is read while somebody waits; a worker reads what is larger.
LARGE_BYTES = 5 * 1024 * 1024
# A transaction that copies a large file waits long for its last statements, which is no reason to give up.
LARGE_TIMEOUT = "30min"
# Items are made while the file is read, with the home of its source locked, where that takes no longer than making them all at its end.
AHEAD_BYTES = 16 * 1024 * 1024
KEY_TAKEN = "this key was used for a delivery of other content"


class FileRefused(Refusal):
    """The file cannot be taken as it is; `detail["errors"]` locates why."""

    code = "file_refused"
    kind = RefusalKind.INVALID


class DeliveryKeyTaken(Refusal):
    """The key was used for a delivery of other content."""

    code = "delivery_key_taken"
    kind = RefusalKind.CONFLICT


class FileNotReady(Refusal):
    """A worker has the file in hand; what is asked can be asked again when it has done."""

    code = "file_not_ready"
    kind = RefusalKind.CONFLICT


class StatementRestated(Refusal):
    """The file says otherwise what was accepted under the same number and date: it is taken once somebody says that it replaces it."""

    code = "statement_restated"
    kind = RefusalKind.CONFLICT


def receive_file(
    *,
    name: str,
    content: BinaryIO,
    maximum_bytes: int,
    received_by_id: int | None,
    channel: str = Channel.UPLOAD,
    source_id: int | None = None,
    large_bytes: int = LARGE_BYTES,
    delivery_key: str = "",
    job: str = Job.READ,
) -> tuple[StatementFile, bool]:
    """Store a file's bytes under their hash and read it once; returns the row and whether it is new.

    A file that cannot be read is stored too, refused, with its located errors. The same bytes again change nothing. A file of more
    than `large_bytes`, or one that is to be taken in (`job`), is stored, and the job is queued.

    :raises FileRefused: if the file is empty or larger than `maximum_bytes`.
    :raises DeliveryKeyTaken: if the key came with other content for this source before.
    """
    sha256, size = hash_of(content)
    with act("recon.file.received", target_type="recon.file", target_id=sha256):
        refuse_if_stopped(Function.INGESTION)
        _refuse_size(size, maximum_bytes=maximum_bytes, channel=channel)
        known = StatementFile.objects.filter(sha256=sha256).first()
        if known is not None:
            return known, False
        _refuse_key(delivery_key, source_id=source_id)
        keep(sha256=sha256, content=content)
        row = StatementFile(
            sha256=sha256,
            size_bytes=size,
            name=_tidy(name),
            status=FileStatus.STORED,
            channel=channel,
            source_id=source_id,
            delivery_key=delivery_key,
            received_by_id=received_by_id,
        )
        if size <= large_bytes and job == Job.READ:
            content.seek(0)
            _note_reading(row, read_with_source(row, content))
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if constraint_of(error) == "recon_delivery_key_is_used_once":
                raise DeliveryKeyTaken(KEY_TAKEN, field="Idempotency-Key") from error
            if constraint_of(error) != "recon_file_is_stored_once":
                raise
            return StatementFile.objects.get(sha256=sha256), False
        if row.status == FileStatus.STORED:
            queue_job(file=row, job=job, requested_by_id=received_by_id)
        record_event(
            "recon.file.received",
            target_type="recon.file",
            target_id=row.pk,
            after={
                "sha256": sha256,
                "size_bytes": size,
                "name": row.name,
                "format": row.format,
                "status": row.status,
                "channel": row.channel,
                "source": row.source_id,
            },
        )
        return row, True


def read_stored_file(*, file_id: UUID, progress: Progress | None = None) -> StatementFile:
    """Read a stored file, or one that was read before and not accepted, and note what it says on its row.

    :raises FileBytesLost: if its bytes are not those that were received.
    :raises FileRefused: if it was accepted already.
    """
    file = StatementFile.objects.select_related("source").get(pk=file_id)
    with verified(file) as content:
        parsed = read_with_source(file, content, progress=progress)
    with act("recon.file.read", target_type="recon.file", target_id=file_id):
        locked = StatementFile.objects.select_for_update().get(pk=file_id)
        if locked.status == FileStatus.ACCEPTED:
            raise FileRefused("this file was accepted already")
        locked.mapping_id = file.mapping_id
        _note_reading(locked, parsed)
        locked.save(update_fields=["format", "status", "errors", "summary", "mapping"])
        record_event(
            "recon.file.read",
            target_type="recon.file",
            target_id=file_id,
            after={
                "format": locked.format,
                "status": locked.status,
                "statements": len(parsed.statements),
                "lines": parsed.line_count,
                "quarantined": parsed.quarantined,
                "mapping": locked.mapping_id,
            },
        )
        return locked


def choose_source(*, file_id: UUID, source_id: int) -> StatementFile:
    """Say which source a file that names no account was delivered for, and read it as that source's files are read.

    :raises FileRefused: if it was accepted already.
    """
    with act("recon.file.assigned", target_type="recon.file", target_id=file_id):
        file = StatementFile.objects.select_for_update().get(pk=file_id)
        if file.status == FileStatus.ACCEPTED:
            raise FileRefused("this file was accepted already", field="source")
        before, file.source_id = file.source_id, source_id
        file.save(update_fields=["source"])
        record_event(
            "recon.file.assigned", target_type="recon.file", target_id=file_id, before={"source": before}, after={"source": source_id}
        )
        if file.size_bytes > LARGE_BYTES:
            queue_job(file=file, job=Job.READ, requested_by_id=current_origin().user_id)
            return file
    return read_stored_file(file_id=file_id)


def statements_in(file: StatementFile) -> list[ParsedStatement]:
    """Return what a file that was read says, statement by statement."""
    return statements_from_json(file.summary)


def accept_file(*, file_id: UUID, source_ids: Sequence[int], restating: Collection[UUID] = (), large_bytes: int = LARGE_BYTES) -> list[Run]:
    """Take a received file's statements and lines in, all or nothing, and queue a run for each source.

    `source_ids` are the sources the caller may deliver for, `restating` the accepted statements that the caller agrees to replace.
    An accepted file is not taken twice: no run comes back. Nor does one from a file of more than `large_bytes`: a job is queued.

    :raises FileRefused: if the file was refused, or names an account that is none of the sources.
    :raises FileNotReady: if it was not read yet.
    :raises FileBytesLost: if its bytes are not those that were received.
    :raises StatementKnown: if one of its statements came in another file before.
    :raises StatementRestated: if one of them replaces an accepted one, and that was not said.
    """
    size = StatementFile.objects.values_list("size_bytes", flat=True).get(pk=file_id)
    if size > large_bytes:
        return _queue_acceptance(file_id=file_id, source_ids=source_ids, restating=restating)
    return take_in(file_id=file_id, source_ids=source_ids, restating=restating)


def take_in(
    *,
    file_id: UUID,
    source_ids: Sequence[int],
    restating: Collection[UUID] = (),
    unread: bool = False,
    progress: Progress | None = None,
) -> list[Run]:
    """Accept a file now, whatever its size; where `unread` is true, one that was only stored is read and accepted in one go."""
    # Two files may name the same statements in opposite orders; whoever loses looks again.
    return retried(lambda: _take_in_once(file_id=file_id, source_ids=source_ids, restating=restating, unread=unread, progress=progress))


def _queue_acceptance(*, file_id: UUID, source_ids: Sequence[int], restating: Collection[UUID]) -> list[Run]:
    with act("recon.file.accepted", target_type="recon.file", target_id=file_id):
        refuse_if_stopped(Function.INGESTION)
        file = StatementFile.objects.select_for_update().get(pk=file_id)
        if file.status == FileStatus.ACCEPTED:
            return []
        _refuse_unready(file, unread=False)
        for statement in statements_in(file):
            _replaced(statement, sourced(file, source_ids)(statement), restating=restating)
        queue_job(file=file, job=Job.ACCEPT, requested_by_id=current_origin().user_id, restating=restating)
        return []


def _take_in_once(
    *, file_id: UUID, source_ids: Sequence[int], restating: Collection[UUID], unread: bool, progress: Progress | None
) -> list[Run]:
    with act("recon.file.accepted", target_type="recon.file", target_id=file_id):
        refuse_if_stopped(Function.INGESTION)
        file = StatementFile.objects.select_for_update(of=("self",)).select_related("source").get(pk=file_id)
        if file.status == FileStatus.ACCEPTED:
            return []
        _refuse_unready(file, unread=unread)
        if file.size_bytes > LARGE_BYTES:
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = '{LARGE_TIMEOUT}'")
        loader = Loader(file_id=file.pk, source_of=sourced(file, source_ids), scales=scales(), ahead=file.size_bytes <= AHEAD_BYTES)
        with verified(file) as content, loader:
            parsed = read_with_source(file, content, sink=loader, progress=progress)
        if parsed.refused:
            raise FileRefused("this file cannot be read", errors=[asdict(error) for error in islice(parsed.errors, 20)])
        for statement in parsed.statements:
            loader.id_of(statement)
        loader.flush()
        reconciliations = place_all(
            parsed.statements, file=file, loader=loader, replaced=lambda one, source: _replaced(one, source, restating=restating)
        )
        _note_reading(file, parsed)
        file.status, file.accepted_at = FileStatus.ACCEPTED, database_now()
        file.save(update_fields=["format", "status", "errors", "summary", "mapping", "accepted_at"])
        record_event(
            "recon.file.accepted",
            target_type="recon.file",
            target_id=file.pk,
            after={
                "sha256": file.sha256,
                "statements": len(parsed.statements),
                "lines": parsed.line_count,
                "quarantined": parsed.quarantined,
            },
        )
        return [queue_run(reconciliation=reconciliation, requested_by_id=current_origin().user_id) for reconciliation in reconciliations]


def place_all(
    statements: Sequence[ParsedStatement],
    *,
    file: StatementFile,
    loader: Loader,
    replaced: Callable[[ParsedStatement, Source], Statement | None],
) -> list[Reconciliation]:
    """Write the statements whose lines are in, one of a source after the other: how each goes on from the last is read from what stands.

    `replaced` names the version that a statement takes the place of, or refuses.
    """
    sources = {loader.sources[one.ordinal].pk for one in statements}
    locked = Reconciliation.objects.select_for_update(no_key=True, of=("self",)).filter(source__in=sources, home=True)
    homes = list(locked.order_by("pk"))
    by_source = {one.source_id: one for one in homes}
    for statement in sorted(statements, key=lambda one: (str(one.closing_date), one.ordinal)):
        source = loader.sources[statement.ordinal]
        place_statement(
            statement,
            statement_id=loader.ids[statement.ordinal],
            file=file,
            source=source,
            reconciliation=by_source[source.pk],
            supersedes=replaced(statement, source),
            made_ahead=loader.made_ahead(statement),
            others_ahead=loader.others_ahead(statement),
        )
    others = Reconciliation.objects.filter(pk__in=Population.objects.filter(source__in=sources).values("reconciliation"), home=False)
    return [*homes, *others.order_by("pk")]


def hand_out_file(*, file_id: UUID) -> IO[bytes]:
    """Open a stored file's bytes for the person who asked, and record that they were handed out."""
    with act("recon.file.downloaded", target_type="recon.file", target_id=file_id):
        file = StatementFile.objects.get(pk=file_id)
        content = default_storage.open(file.storage_name)
        record_event("recon.file.downloaded", target_type="recon.file", target_id=file_id, after={"sha256": file.sha256, "name": file.name})
        return cast("IO[bytes]", content)


def _replaced(statement: ParsedStatement, source: Source, *, restating: Collection[UUID]) -> Statement | None:
    """Return the accepted version that a statement takes the place of, which somebody must have agreed to."""
    replaced = superseded_by(statement, source=source)
    if replaced is not None and replaced.pk not in restating:
        raise StatementRestated(
            f"{statement.place}: statement {statement.number or statement.closing_date} of {replaced.source.name} was accepted with other"
            " content; say that it is to be replaced",
            field="restating",
            statement_id=str(replaced.pk),
        )
    return replaced


def sourced(file: StatementFile, source_ids: Sequence[int]) -> Callable[[ParsedStatement], Source]:
    """Return the function that names a statement's source, or refuses the file."""
    chosen = Chosen(file.source)

    def source_of(statement: ParsedStatement) -> Source:
        source = chosen.source_of(statement)
        if source is None or source.pk not in source_ids:
            said = f"account {statement.account}" if statement.account else "a statement that names no account"
            raise FileRefused(f"{statement.place}: {said} in {statement.currency} is no source in your scope", field="account")
        return source

    return source_of


def _refuse_unready(file: StatementFile, *, unread: bool) -> None:
    if file.status == FileStatus.REFUSED:
        raise FileRefused("this file was refused when it was read", errors=file.errors)
    if file.status == FileStatus.STORED and not unread:
        raise FileNotReady("this file is still being read; accept it once its page shows what it says")


def _refuse_key(delivery_key: str, *, source_id: int | None) -> None:
    if delivery_key and StatementFile.objects.filter(source=source_id, delivery_key=delivery_key).exists():
        raise DeliveryKeyTaken(KEY_TAKEN, field="Idempotency-Key")


def _refuse_size(size: int, *, maximum_bytes: int, channel: str) -> None:
    if not size:
        raise FileRefused("the file is empty", field="file")
    if size > maximum_bytes:
        way = "; a large file comes through the watched folder or POST /api/v1/files" if channel == Channel.UPLOAD else ""
        raise FileRefused(f"the file is larger than {maximum_bytes} bytes{way}", field="file")


def read_with_source(
    file: StatementFile,
    content: BinaryIO,
    *,
    sink: Loader | None = None,
    progress: Progress | None = None,
) -> ParsedFile:
    """Read a file with the reader that its source says, and remember on the row which mapping that was."""
    chosen = reader_of(file.source, content)
    file.mapping_id = chosen.mapping_id
    return read_file(
        content,
        scales=scales(),
        format_code=chosen.format,
        reader=chosen.reader,
        sink=sink,
        watched=None if progress is None else partial(progress.watch, content),
    )


def _note_reading(row: StatementFile, parsed: ParsedFile) -> None:
    row.format = parsed.format or ""
    row.status = FileStatus.REFUSED if parsed.refused else FileStatus.RECEIVED
    row.errors = [asdict(error) for error in parsed.errors]
    row.summary = parsed.as_json()


def _tidy(name: str) -> str:
    """Return the last part of a name that somebody else chose, without what no name should hold."""
    last = name.replace("\\", "/").rpartition("/")[2]
    return "".join(sign for sign in last if sign.isprintable())[-255:] or "unnamed"


def scales() -> dict[str, int]:
    """Return the decimals of every asset that the ledger knows."""
    return dict(Asset.objects.values_list("code", "scale"))
