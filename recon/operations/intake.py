"""Taking files in: bytes first, then what they say."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import IO, BinaryIO, cast
from uuid import UUID, uuid4

from django.core.files import File
from django.core.files.storage import default_storage
from django.db import IntegrityError, transaction

from audit.context import current_origin
from audit.operations import act, record_event
from ledger.models import Asset
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.feeds import continuity_of
from recon.intake.parsing import ParsedFile, ParsedLine, ParsedStatement, parse
from recon.matching.keys import match_key
from recon.models import FileStatus, Item, Reconciliation, Run, Side, Source, Statement, StatementFile, StatementLine
from recon.operations.runs import queue_run

CHUNK = 1024 * 1024


class FileRefused(Refusal):
    """The file cannot be taken as it is; `detail["errors"]` locates why."""

    code = "file_refused"
    kind = RefusalKind.INVALID


class FileBytesLost(Refusal):
    """The store no longer holds the bytes that were received under this hash."""

    code = "file_bytes_lost"
    kind = RefusalKind.CONFLICT


class StatementKnown(Refusal):
    code = "statement_known"
    kind = RefusalKind.CONFLICT


def receive_file(*, name: str, content: BinaryIO, maximum_bytes: int, received_by_id: int) -> tuple[StatementFile, bool]:
    """Store a file's bytes under their hash and read it once; returns the row and whether it is new.

    A file that cannot be read is stored too, refused, with its located errors. The same bytes again change nothing.

    :raises FileRefused: if the file is empty or larger than `maximum_bytes`.
    """
    sha256, size = _digest(content)
    with act("recon.file.received", target_type="recon.file", target_id=sha256):
        refuse_if_stopped(Function.INGESTION)
        if not 0 < size <= maximum_bytes:
            raise FileRefused("the file is empty" if not size else f"the file is larger than {maximum_bytes} bytes", field="file")
        known = StatementFile.objects.filter(sha256=sha256).first()
        if known is not None:
            return known, False
        _store(sha256=sha256, content=content)
        content.seek(0)
        parsed = parse(content, scales=_scales())
        row = StatementFile(
            sha256=sha256,
            size_bytes=size,
            name=name[-255:],
            format=parsed.format or "",
            status=FileStatus.REFUSED if parsed.refused else FileStatus.RECEIVED,
            errors=[asdict(error) for error in parsed.errors],
            received_by_id=received_by_id,
        )
        try:
            with transaction.atomic():
                row.save(force_insert=True)
        except IntegrityError as error:
            if constraint_of(error) != "recon_file_is_stored_once":
                raise
            return StatementFile.objects.get(sha256=sha256), False
        record_event(
            "recon.file.received",
            target_type="recon.file",
            target_id=row.pk,
            after={"sha256": sha256, "size_bytes": size, "name": row.name, "format": row.format, "status": row.status},
        )
        return row, True


def read_again(file: StatementFile) -> ParsedFile:
    """Return what a stored file says, read from its bytes.

    :raises FileBytesLost: if they are gone or not those that were received.
    """
    try:
        with default_storage.open(file.storage_name) as stored:
            content = cast("BinaryIO", stored)
            if _digest(content) != (file.sha256, file.size_bytes):
                raise FileBytesLost("the stored bytes of this file are not those that were received", sha256=file.sha256)
            return parse(content, scales=_scales())
    except FileNotFoundError as error:
        raise FileBytesLost("the stored bytes of this file are gone", sha256=file.sha256) from error


def source_of(statement: ParsedStatement) -> Source | None:
    """Return the source that a statement's account belongs to."""
    return Source.objects.select_related("asset", "account").filter(identifier=statement.account, asset__code=statement.currency).first()


def accept_file(*, file_id: UUID, source_ids: Sequence[int]) -> list[Run]:
    """Take a received file's statements and lines in, all or nothing, and queue a run for each source.

    `source_ids` are the sources the caller may deliver for. An accepted file is not taken twice: no run comes back.

    :raises FileRefused: if the file was refused, or names an account that is none of the sources.
    :raises FileBytesLost: if its bytes are not those that were received.
    :raises StatementKnown: if one of its statements came in another file before.
    """
    # Two files may name the same statements in opposite orders; whoever loses looks again.
    return retried(lambda: _accept_once(file_id=file_id, source_ids=source_ids))


def _accept_once(*, file_id: UUID, source_ids: Sequence[int]) -> list[Run]:
    with act("recon.file.accepted", target_type="recon.file", target_id=file_id):
        refuse_if_stopped(Function.INGESTION)
        file = StatementFile.objects.select_for_update().get(pk=file_id)
        if file.status == FileStatus.ACCEPTED:
            return []
        if file.status == FileStatus.REFUSED:
            raise FileRefused("this file was refused when it arrived", errors=file.errors)
        parsed = read_again(file)
        sources = []
        for statement in parsed.statements:
            source = source_of(statement)
            if source is None or source.pk not in source_ids:
                raise FileRefused(
                    f"{statement.place}: account {statement.account} in {statement.currency} is no source in your scope", field="account"
                )
            sources.append(source)
        # One statement of a source after the other: how each goes on from the last is read from what is committed.
        reconciliations = list(Reconciliation.objects.select_for_update(no_key=True).filter(source__in=sources).order_by("pk"))

        for statement, source in sorted(
            zip(parsed.statements, sources, strict=True), key=lambda pair: (str(pair[0].closing_date), pair[0].ordinal)
        ):
            _take_statement(statement, file=file, source=source)
        file.status = FileStatus.ACCEPTED
        file.accepted_at = database_now()
        file.save(update_fields=["status", "accepted_at"])
        record_event(
            "recon.file.accepted",
            target_type="recon.file",
            target_id=file.pk,
            after={"sha256": file.sha256, "statements": len(parsed.statements), "lines": sum(len(s.lines) for s in parsed.statements)},
        )
        return [queue_run(reconciliation=reconciliation, requested_by_id=current_origin().user_id) for reconciliation in reconciliations]


def hand_out_file(*, file_id: UUID) -> IO[bytes]:
    """Open a stored file's bytes for the person who asked, and record that they were handed out."""
    with act("recon.file.downloaded", target_type="recon.file", target_id=file_id):
        file = StatementFile.objects.get(pk=file_id)
        content = default_storage.open(file.storage_name)
        record_event("recon.file.downloaded", target_type="recon.file", target_id=file_id, after={"sha256": file.sha256, "name": file.name})
        return cast("IO[bytes]", content)


def _take_statement(parsed: ParsedStatement, *, file: StatementFile, source: Source) -> None:
    assert parsed.closing_date is not None, "the parser refuses a statement without any date"
    gap = continuity_of(
        source=source, closing_date=parsed.closing_date, opening_minor=parsed.opening_minor, closing_minor=parsed.closing_minor
    ).gap_minor
    try:
        with transaction.atomic():
            statement = Statement.objects.create(
                source=source,
                file=file,
                ordinal=parsed.ordinal,
                number=parsed.number[:60],
                opening_minor=parsed.opening_minor,
                closing_minor=parsed.closing_minor,
                opening_date=parsed.opening_date,
                closing_date=parsed.closing_date,
                line_count=len(parsed.lines),
                movements_minor=parsed.movements_minor,
                proof=parsed.proof,
                difference_minor=parsed.difference_minor,
                gap_minor=gap,
                content_digest=parsed.content_digest(),
            )
    except IntegrityError as error:
        if constraint_of(error) != "recon_statement_is_accepted_once":
            raise
        known = Statement.objects.get(source=source, content_digest=parsed.content_digest())
        raise StatementKnown(
            f"{parsed.place}: statement {parsed.number} of {source.name} was accepted before", statement_id=str(known.pk)
        ) from error
    _store_lines(statement, lines=parsed.lines)
    record_event(
        "recon.statement.accepted",
        target_type="recon.statement",
        target_id=statement.pk,
        after={
            "source": source.code,
            "number": statement.number,
            "closing_date": statement.closing_date,
            "lines": len(parsed.lines),
            "proof": parsed.proof,
            "difference_minor": str(parsed.difference_minor),
            "gap_minor": None if gap is None else str(gap),
        },
    )


def _store_lines(statement: Statement, *, lines: Sequence[ParsedLine]) -> None:
    stored = StatementLine.objects.bulk_create(
        [
            StatementLine(statement=statement, ordinal=ordinal, content_key=uuid4().hex, **asdict(line))
            for ordinal, line in enumerate(lines, start=1)
        ],
        batch_size=1000,
    )
    reconciliation = Reconciliation.objects.get(source=statement.source)
    # What is not booked does not count, and nothing can be matched against no money.
    Item.objects.bulk_create(
        [
            Item(
                reconciliation=reconciliation,
                side=Side.STATEMENT,
                statement_line=line,
                flow=line.flow,
                amount_minor=line.amount_minor,
                item_date=line.value_date,
                match_key=match_key(line.end_to_end_id, line.reference),
                reference=line.end_to_end_id or line.reference,
                counterparty=line.counterparty,
                content_key=line.content_key,
                occurrence=1,
            )
            for line in stored
            if line.booked and line.amount_minor
        ],
        batch_size=1000,
    )


def _digest(content: BinaryIO) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    content.seek(0)
    while chunk := content.read(CHUNK):
        digest.update(chunk)
        size += len(chunk)
    content.seek(0)
    return digest.hexdigest(), size


def _store(*, sha256: str, content: BinaryIO) -> None:
    """Write the bytes before any row names them: under a name of their own first, then moved, so that no name holds half a file."""
    name = f"{sha256[:2]}/{sha256}"
    if default_storage.exists(name):
        return
    own_name = f"{name}.{uuid4().hex}"
    try:
        own = Path(default_storage.path(default_storage.save(own_name, File(content))))
        _make_durable(own)
        own.replace(default_storage.path(name))
        _make_durable(own.parent)
    finally:
        default_storage.delete(own_name)


def _make_durable(path: Path) -> None:
    """Wait until the disk has a file's bytes, or a folder's names: the row that will name them must not outlive them."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _scales() -> dict[str, int]:
    return dict(Asset.objects.values_list("code", "scale"))
