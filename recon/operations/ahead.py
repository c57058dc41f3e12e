"""Items of a statement's first lines, made by the server while its next lines are being read.

Only where no other statement has the days of these lines: they can repeat nothing, and no version before can have said them. The home of
the source is locked first, as it is by whoever places a statement.
"""

from collections.abc import Mapping
from datetime import date
from select import select
from uuid import UUID

from django.db import connection
from psycopg import ClientCursor
from psycopg.errors import error_from_result
from psycopg.pq import ExecStatus

from recon.intake.summary import ParsedStatement
from recon.models import Purpose, Reconciliation, Source
from recon.operations.counting import making_of_items, population_of, shares_days


class Running:
    """A statement of SQL that the server works on. Nothing else can be asked of the connection until its result has been fetched."""

    def __init__(self, sql: str, parameters: Mapping[str, object]) -> None:
        raw = connection.connection
        self._server = raw.pgconn
        self._encoding = raw.info.encoding
        with connection.wrap_database_errors:
            self._server.send_query(ClientCursor(raw).mogrify(sql, parameters).encode())
            while self._server.flush():
                select([self._server.socket], [self._server.socket], [])
                self._server.consume_input()

    def is_done(self) -> bool:
        with connection.wrap_database_errors:
            self._server.consume_input()
        return not self._server.is_busy()

    def count(self) -> int:
        """Wait for the end and return the number that the statement selected."""
        while not self.is_done():
            select([self._server.socket], [], [])
        result = self._server.get_result()
        while self._server.get_result() is not None:
            pass
        assert result is not None
        if result.status != ExecStatus.TUPLES_OK:
            with connection.wrap_database_errors:
                raise error_from_result(result, encoding=self._encoding)
        return int(result.get_value(0, 0) or 0)


class Ahead:
    """What has items of one statement: its lines up to `through`, of which `made` count."""

    def __init__(self, statement: ParsedStatement, *, statement_id: UUID, source: Source) -> None:
        self.through = 0
        self.made = 0
        self._said = statement
        self._statement_id = statement_id
        self._source = source
        self._home: Reconciliation | None = None
        self._population = 0
        self._may = statement.counts and statement.purpose == Purpose.UPDATE
        self._alone: tuple[date, date] | None = None

    def begin(self, *, through: int) -> Running | None:
        """Let the server make items of the next lines, up to `through`; nothing runs where that has to wait for the whole statement."""
        if not self._may or through <= self.through or not self._may_go_on():
            self._may = False
            return None
        assert self._home is not None
        sql, parameters = making_of_items(
            statement=self._statement_id, reconciliation=self._home, population=self._population, after=self.through, through=through
        )
        return Running(sql, parameters)

    def _may_go_on(self) -> bool:
        said = self._said
        if said.booked_from is None or said.booked_to is None:
            return False
        if self._home is None:
            # Whoever has it is not waited for: what is made at the end waits its turn.
            locked = Reconciliation.objects.select_for_update(no_key=True, of=("self",), skip_locked=True)
            self._home = locked.filter(source=self._source, home=True).first()
            if self._home is None:
                return False
            self._population = population_of(self._home)
        days = (said.booked_from, said.booked_to)
        if days != self._alone:
            if shares_days(source=self._source, statement_id=self._statement_id, booked_from=days[0], booked_to=days[1]):
                return False
            self._alone = days
        return True
