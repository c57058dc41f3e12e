"""Rows that could not be read: dismissed with a reason, or understood when their file is read again."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from audit.context import current_origin
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import retried
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.formats.events import LineRead, LocatedError
from recon.intake.errors import describe
from recon.intake.summary import ParsedFile, ParsedStatement
from recon.models import FileStatus, QuarantinedRow, QuarantineState, Run, Statement, StatementFile
from recon.operations.intake import LARGE_TIMEOUT, FileRefused, place_all, read_stored_file, read_with_source, scales, sourced
from recon.operations.kept_bytes import verified
from recon.operations.loading import Loader
from recon.operations.runs import queue_run

REASON_MAXIMUM = 200


class QuarantineRefused(Refusal):
    """The row has left the quarantine already, or no reason was given."""

    code = "quarantine_refused"
    kind = RefusalKind.CONFLICT


class NothingNew(Refusal):
    """Read again, the file says what it said before."""

    code = "nothing_new"
    kind = RefusalKind.CONFLICT


def dismiss_row(*, row_id: int, reason: str, dismissed_by_id: int) -> QuarantinedRow:
    """Say why a row in quarantine need not be read.

    :raises QuarantineRefused: if it has left the quarantine, or there is no reason.
    """
    with act("recon.row.dismissed", target_type="recon.quarantined_row", target_id=row_id):
        row = QuarantinedRow.objects.select_for_update(of=("self",)).get(pk=row_id)
        if row.state != QuarantineState.OPEN:
            raise QuarantineRefused(f"this row was {row.get_state_display().lower()} before")
        if not 0 < len(reason.strip()) <= REASON_MAXIMUM:
            raise QuarantineRefused(f"say why in at most {REASON_MAXIMUM} characters", field="reason")
        row.state, row.ended_by_id, row.reason = QuarantineState.DISMISSED, dismissed_by_id, reason.strip()
        QuarantinedRow.objects.filter(pk=row.pk).update(state=row.state, ended_by=dismissed_by_id, ended_at=Now(), reason=row.reason)
        record_event(
            "recon.row.dismissed",
            target_type="recon.quarantined_row",
            target_id=row.pk,
            reason=row.reason,
            after={"file": row.file_id, "place": row.place},
        )
        return row


def read_again(*, file_id: UUID, source_ids: Sequence[int]) -> list[Run]:
    """Read the same bytes as their source's files are read now.

    Of a file that was accepted, each statement that says something else becomes a new version, and the rows that are understood now
    leave the quarantine; one that was not accepted is shown anew.

    :raises NothingNew: if it says what it said before.
    :raises FileRefused: if it cannot be read this time, or belongs to another source.
    """
    if StatementFile.objects.values_list("status", flat=True).get(pk=file_id) != FileStatus.ACCEPTED:
        read_stored_file(file_id=file_id)
        return []
    return retried(lambda: _read_again_once(file_id=file_id, source_ids=source_ids))


class _Again(Loader):
    """Loads only statements that say something else than before, and keeps rows that are in quarantine already where they are."""

    def __init__(self, *, unchanged: Collection[int], source_ids: Sequence[int], file: StatementFile) -> None:
        super().__init__(file_id=file.pk, source_of=sourced(file, source_ids), scales=scales())
        waiting = QuarantinedRow.objects.filter(file=file, state=QuarantineState.OPEN)
        self._unchanged = unchanged
        self._waiting = set(waiting.values_list("place", flat=True))
        self.places: set[str] = set()

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:
        if statement.ordinal not in self._unchanged:
            super().line(statement, event, amount_minor=amount_minor, content_key=content_key)

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        place = describe(error.place)[:200]
        self.places.add(place)
        if place not in self._waiting:
            super().quarantined(statement, error)


def _read_again_once(*, file_id: UUID, source_ids: Sequence[int]) -> list[Run]:
    with act("recon.file.read", target_type="recon.file", target_id=file_id):
        refuse_if_stopped(Function.INGESTION)
        file = StatementFile.objects.select_for_update(of=("self",)).select_related("source").get(pk=file_id)
        before = file.mapping_id
        versions = _newest_versions(file)
        with connection.cursor() as cursor:
            cursor.execute(f"SET LOCAL statement_timeout = '{LARGE_TIMEOUT}'")
        with verified(file) as content:
            unchanged = _unchanged(read_with_source(file, content), versions=versions)
            loader = _Again(unchanged=unchanged, file=file, source_ids=source_ids)
            parsed = read_with_source(file, content, sink=loader)
            changed = [one for one in parsed.statements if one.ordinal not in unchanged]
            for one in changed:
                loader.id_of(one)
            loader.flush()
        reconciliations = place_all(changed, file=file, loader=loader, replaced=lambda one, _: versions.get(one.ordinal))
        understood = _end_understood(file, still=loader.places)
        StatementFile.objects.filter(pk=file.pk).update(mapping=file.mapping_id, summary=parsed.as_json())
        record_event(
            "recon.file.read",
            target_type="recon.file",
            target_id=file.pk,
            before={"mapping": before},
            after={"mapping": file.mapping_id, "statements_changed": len(changed), "rows_understood": understood},
        )
        return [queue_run(reconciliation=one, requested_by_id=current_origin().user_id) for one in reconciliations]


def _newest_versions(file: StatementFile) -> dict[int, Statement]:
    own = Statement.objects.select_related("source").filter(file=file, superseded_by=None)
    return {one.ordinal: one for one in own.order_by("version")}


def _unchanged(parsed: ParsedFile, *, versions: Mapping[int, Statement]) -> set[int]:
    """Return the places of the statements that say what they said."""
    if parsed.refused:
        raise FileRefused("read again, this file would be refused", errors=[error.message for error in parsed.errors[:20]])
    said = {ordinal: one.content_digest for ordinal, one in versions.items()}
    unchanged = {one.ordinal for one in parsed.statements if said.get(one.ordinal) == one.digest}
    if len(unchanged) == len(parsed.statements):
        raise NothingNew("read again, this file says what it said before")
    return unchanged


def _end_understood(file: StatementFile, *, still: Collection[str]) -> int:
    """Let the rows leave the quarantine that this reading did not put there again, and return how many they are."""
    waiting = QuarantinedRow.objects.filter(file=file, state=QuarantineState.OPEN)
    understood = [pk for pk, place in waiting.values_list("pk", "place") if place not in still]
    rows = QuarantinedRow.objects.filter(pk__in=understood)
    return rows.update(state=QuarantineState.READ_AGAIN, ended_by=current_origin().user_id, ended_at=Now())
