"""Lines on their way from a file into the database: copied in batches, in the caller's transaction."""

from collections.abc import Callable, Mapping
from uuid import UUID

from django.db import connection

from ledgerops.lib.money import AmountRefused, minor_from_decimal
from recon.formats.events import LineRead, LocatedError
from recon.intake.errors import from_located
from recon.intake.rows import KEY_COLUMNS, LINE_COLUMNS, escaped, keys_of, line_row
from recon.intake.summary import ParsedStatement
from recon.models import Source

BATCH = 5_000
QUARANTINE_COLUMNS = ("file_id", "source_id", "place", "field", "value", "message", "raw", "state", "reason")


class Loader:
    """A sink that copies lines, their keys and rows in quarantine while the file is read.

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
        self._file_id = str(file_id)
        self._source_of = source_of
        self._scales = scales
        self._rows: list[str] = []
        self._keys: list[tuple[int, str, str]] = []
        self._quarantine: list[str] = []

    def line(self, statement: ParsedStatement, event: LineRead, *, amount_minor: int, content_key: str) -> None:
        statement_id = self.id_of(statement)
        details = None if event.details_total is None else self._details(event)
        row = line_row(
            event,
            statement_id=str(statement_id),
            ordinal=statement.line_count,
            amount_minor=amount_minor,
            details_minor=details,
            content_key=content_key,
        )
        place = len(self._rows)
        self._keys.extend((place, kind, value) for kind, value in keys_of(event))
        self._rows.append(row)
        if len(self._rows) >= BATCH:
            self.flush()

    def quarantined(self, statement: ParsedStatement, error: LocatedError) -> None:
        self.id_of(statement)
        said = from_located(error)
        values = (said.where[:200], said.field[:60], said.value, said.message, error.raw)
        source_id = self.sources[statement.ordinal].pk
        self._quarantine.append("\t".join([self._file_id, str(source_id), *map(escaped, values), "open", ""]))
        if len(self._quarantine) >= BATCH:
            self.flush()

    def id_of(self, statement: ParsedStatement) -> UUID:
        """Return the id that the statement's row will have; its source is found on the way, or refused."""
        known = self.ids.get(statement.ordinal)
        if known is None:
            self.sources[statement.ordinal] = self._source_of(statement)
            with connection.cursor() as cursor:
                cursor.execute("SELECT uuidv7()")
                (known,) = cursor.fetchone()
            self.ids[statement.ordinal] = known
        return known

    def flush(self) -> None:
        """Write what is gathered."""
        if self._rows:
            with connection.cursor() as cursor:
                cursor.execute("SELECT nextval('recon_statement_line_id_seq') FROM generate_series(1, %s)", [len(self._rows)])
                ids = [str(row[0]) for row in cursor.fetchall()]
            _copy("recon_statement_line", LINE_COLUMNS, [f"{pk}\t{row}" for pk, row in zip(ids, self._rows, strict=True)])
            _copy("recon_line_key", KEY_COLUMNS, [f"{ids[place]}\t{kind}\t{escaped(value)}" for place, kind, value in self._keys])
            self._rows.clear()
            self._keys.clear()
        if self._quarantine:
            _copy("recon_quarantined_row", QUARANTINE_COLUMNS, self._quarantine)
            self._quarantine.clear()

    def _details(self, event: LineRead) -> int | None:
        assert event.details_total is not None
        try:
            return minor_from_decimal(event.details_total, scale=self._scales[event.currency])
        except AmountRefused:
            return None  # it is shown beside the amount and decides nothing


def _copy(table: str, columns: tuple[str, ...], rows: list[str]) -> None:
    if not rows:
        return
    data = ("\n".join(rows) + "\n").encode(errors="replace")
    statement = f"COPY {table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        copy.write(data)
