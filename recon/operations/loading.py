"""Lines on their way from a file into the database: copied in batches, in the caller's transaction."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import connection
from psycopg import Copy

from ledgerops.lib.money import AmountRefused, minor_from_decimal
from recon.formats.events import LineRead, LocatedError
from recon.intake.errors import from_located
from recon.intake.rows import LINE_COLUMNS, escaped, line_row
from recon.intake.summary import ParsedStatement
from recon.models import Source

# So many lines are sent at a time: the database stores them while the next ones are read.
PIECE = 250
# A COPY ends after so many, however long the file is: each has its own time.
LINES_OF_A_COPY = 20_000
QUARANTINED_AT_ONCE = 1_000
QUARANTINE_COLUMNS = ("file_id", "source_id", "place", "field", "value", "message", "raw", "state", "reason")


class Loader:
    """A sink that copies lines and rows in quarantine while the file is read; entered around the reading, which may break off.

    While lines are on their way the connection is theirs: whoever asks the database something first calls `flush`.

    A statement's row is written by whoever reads, once its figures are complete: the constraints between them are deferred.
    `source_of` names the source of a statement or refuses.
    """

    def __init__(
        self,
        *,
        file_id: UUID,
        source_of: Callable[[ParsedStatement], Source],
        scales: Mapping[str, int],
    ) -> None:
        self.ids: dict[int, UUID] = {}
        self.sources: dict[int, Source] = {}
        self._written_ids: dict[int, str] = {}
        self._file_id = str(file_id)
        self._source_of = source_of
        self._scales = scales
        self._rows: list[str] = []
        self._sent = 0
        self._copy: Copy | None = None
        self._open = ExitStack()
        self._quarantine: list[str] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._copy = None
        self._open.__exit__(kind, error, trace)

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:
        statement_id = self._written_ids.get(statement.ordinal) or str(self.id_of(statement))
        details = None if event.details_total is None else self._details(event)
        self._rows.append(
            line_row(
                event,
                statement_id=statement_id,
                ordinal=statement.line_count,
                amount_minor=amount_minor,
                details_minor=details,
                content_key=content_key,
            )
        )
        if len(self._rows) >= PIECE:
            self._send()

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        self.id_of(statement)
        said = from_located(error)
        values = (said.where[:200], said.field[:60], said.value, said.message, error.raw)
        source_id = self.sources[statement.ordinal].pk
        self._quarantine.append("\t".join([self._file_id, str(source_id), *map(escaped, values), "open", ""]))
        if len(self._quarantine) >= QUARANTINED_AT_ONCE:
            self.flush()

    def id_of(self, statement: ParsedStatement) -> UUID:
        """Return the id that the statement's row will have; its source is found on the way, or refused."""
        known = self.ids.get(statement.ordinal)
        if known is None:
            self._end()
            self.sources[statement.ordinal] = self._source_of(statement)
            with connection.cursor() as cursor:
                cursor.execute("SELECT uuidv7()")
                (known,) = cursor.fetchone()
            self.ids[statement.ordinal] = known
            self._written_ids[statement.ordinal] = str(known)
        return known

    def flush(self) -> None:
        """Write what is gathered."""
        if self._rows:
            self._send()
        self._end()
        if self._quarantine:
            data = _data(self._quarantine)
            with connection.cursor() as cursor, cursor.copy(_statement("recon_quarantined_row", QUARANTINE_COLUMNS)) as copy:
                copy.write(data)
            self._quarantine.clear()

    def _send(self) -> None:
        if self._copy is None:
            cursor = self._open.enter_context(connection.cursor())
            self._copy = self._open.enter_context(cursor.copy(_statement("recon_statement_line", LINE_COLUMNS)))
        self._copy.write(_data(self._rows))
        self._sent += len(self._rows)
        self._rows.clear()
        if self._sent >= LINES_OF_A_COPY:
            self._end()

    def _end(self) -> None:
        self._copy, self._sent = None, 0
        self._open.close()

    def _details(self, event: LineRead) -> int | None:
        assert event.details_total is not None
        try:
            return minor_from_decimal(event.details_total, scale=self._scales[event.currency])
        except AmountRefused:
            return None  # it is shown beside the amount and decides nothing


def _statement(table: str, columns: tuple[str, ...]) -> str:
    return f"COPY {table} ({', '.join(columns)}) FROM STDIN"


def _data(rows: list[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode(errors="replace")
