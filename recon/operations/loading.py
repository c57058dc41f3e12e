"""Lines on their way from a file into the database: copied in batches, in the caller's transaction."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self
from uuid import UUID

from django.db import Error, connection
from psycopg import Copy

from ledgerops.lib.money import AmountRefused, minor_from_decimal
from recon.formats.events import LineRead, LocatedError
from recon.intake.errors import from_located
from recon.intake.rows import LINE_COLUMNS, escaped, line_row
from recon.intake.summary import ParsedStatement
from recon.models import Source
from recon.operations.ahead import Ahead, Running

# So many lines are sent at a time: the database stores them while the next ones are read.
PIECE = 250
# A COPY ends after so many, however long the file is: each has its own time, and items of its lines are made before the next one.
LINES_OF_A_COPY = 2_000
# So many lines are read while the server makes items, before it is waited for.
LINES_HELD_BACK = 4_000
QUARANTINED_AT_ONCE = 1_000
QUARANTINE_COLUMNS = ("file_id", "source_id", "place", "field", "value", "message", "raw", "state", "reason")


class Loader:
    """A sink that copies lines and rows in quarantine while the file is read; entered around the reading, which may break off.

    While lines are on their way the connection is theirs: whoever asks the database something first calls `flush`.

    A statement's row is written by whoever reads, once its figures are complete: the constraints between them are deferred.
    `source_of` names the source of a statement or refuses. With `ahead`, lines get their items as they come, where nothing speaks against
    it: `made_ahead` says up to which line of a statement, and how many.
    """

    def __init__(
        self,
        *,
        file_id: UUID,
        source_of: Callable[[ParsedStatement], Source],
        scales: Mapping[str, int],
        ahead: bool = False,
    ) -> None:
        self.ids: dict[int, UUID] = {}
        self.sources: dict[int, Source] = {}
        self._written_ids: dict[int, str] = {}
        self._file_id = str(file_id)
        self._source_of = source_of
        self._scales = scales
        self._rows: list[str] = []
        self._due = PIECE
        self._sent = 0
        self._copy: Copy | None = None
        self._open = ExitStack()
        self._quarantine: list[str] = []
        self._goes_ahead = ahead
        self._ahead: dict[int, Ahead] = {}
        self._running: tuple[Running, Ahead, int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._copy = None
        self._open.__exit__(kind, error, trace)
        if kind is None:
            self._fetch()
        elif self._running is not None:
            running, self._running = self._running[0], None
            with suppress(Error):  # what broke the reading off is what is told
                running.count()

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
        if len(self._rows) >= self._due:
            self._send_or_wait(statement)

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
            self._fetch()
            source = self._source_of(statement)
            # Two statements of a source in one file may repeat each other, whichever stands first.
            alone = self._goes_ahead and source not in self.sources.values()
            self.sources[statement.ordinal] = source
            with connection.cursor() as cursor:
                cursor.execute("SELECT uuidv7()")
                (known,) = cursor.fetchone()
            self.ids[statement.ordinal] = known
            self._written_ids[statement.ordinal] = str(known)
            if alone:
                self._ahead[statement.ordinal] = Ahead(statement, statement_id=known, source=source)
        return known

    def made_ahead(self, statement: ParsedStatement) -> tuple[int, int]:
        """Return up to which line of a statement items were made already, and how many."""
        ahead = self._ahead.get(statement.ordinal)
        return (ahead.through, ahead.made) if ahead is not None else (0, 0)

    def others_ahead(self, statement: ParsedStatement) -> bool:
        """Return whether another statement of its source in this file has items already."""
        source = self.sources[statement.ordinal]
        return any(
            ahead.through and self.sources[ordinal] == source for ordinal, ahead in self._ahead.items() if ordinal != statement.ordinal
        )

    def flush(self) -> None:
        """Write what is gathered."""
        self._fetch()
        if self._rows:
            self._send()
        self._end()
        if self._quarantine:
            data = _data(self._quarantine)
            with connection.cursor() as cursor, cursor.copy(_statement("recon_quarantined_row", QUARANTINE_COLUMNS)) as copy:
                copy.write(data)
            self._quarantine.clear()

    def _send_or_wait(self, statement: ParsedStatement) -> None:
        """Send what is gathered; while the server makes items it is gathered further."""
        if self._running is not None:
            if not self._running[0].is_done() and len(self._rows) < LINES_HELD_BACK:
                self._due += PIECE
                return
            self._fetch()
        held_back = self._due > PIECE
        self._send()
        # What was held back keeps the server busy for a while: it is not waited for.
        if self._sent >= LINES_OF_A_COPY and not held_back:
            self._end()
            ahead = self._ahead.get(statement.ordinal)
            running = ahead.begin(through=statement.line_count) if ahead is not None else None
            if ahead is not None and running is not None:
                self._running = running, ahead, statement.line_count

    def _fetch(self) -> None:
        """Wait for the items that are being made."""
        if self._running is not None:
            (running, ahead, through), self._running = self._running, None
            ahead.made += running.count()
            ahead.through = through

    def _send(self) -> None:
        if self._copy is None:
            cursor = self._open.enter_context(connection.cursor())
            self._copy = self._open.enter_context(cursor.copy(_statement("recon_statement_line", LINE_COLUMNS)))
        self._copy.write(_data(self._rows))
        self._sent += len(self._rows)
        self._rows.clear()
        self._due = PIECE

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
