"""Reading what became of deliveries: work on files, rows in quarantine, lines that repeat others, versions of a statement."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import FileJob, QuarantinedRow, QuarantineState, RepeatedLine, Statement, StatementFile, StatementLine
from recon.queries import sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

SHOWN = 100

# The n-th line of a content in one version is the n-th of it in the other.
_DIFFERENCE = """
WITH lines AS (
    SELECT l.id, l.statement_id, l.ordinal, l.content_key, l.booked,
           row_number() OVER (PARTITION BY l.statement_id, l.content_key, l.booked ORDER BY l.ordinal) AS n
    FROM recon_statement_line l WHERE l.statement_id IN (%(old)s, %(new)s)),
sides AS (
    SELECT o.id AS old, o.ordinal AS old_ordinal, s.id AS new, s.ordinal AS new_ordinal
    FROM (SELECT * FROM lines WHERE statement_id = %(old)s) o
    FULL JOIN (SELECT * FROM lines WHERE statement_id = %(new)s) s USING (content_key, booked, n))
SELECT count(*) FILTER (WHERE old IS NOT NULL AND new IS NOT NULL), count(*) FILTER (WHERE new IS NULL),
       count(*) FILTER (WHERE old IS NULL),
       (array_agg(old ORDER BY old_ordinal) FILTER (WHERE new IS NULL))[1:%(shown)s],
       (array_agg(new ORDER BY new_ordinal) FILTER (WHERE old IS NULL))[1:%(shown)s]
FROM sides
"""


class RowNotFound(Refusal):
    code = "row_not_found"
    kind = RefusalKind.NOT_FOUND


class LineNotFound(Refusal):
    code = "line_not_found"
    kind = RefusalKind.NOT_FOUND


def quarantine_for(user: "AbstractUser") -> QuerySet[QuarantinedRow]:
    """Return the rows that could not be read, of the sources this user sees, newest first."""
    visible = sources_for(user).order_by().values("pk")
    return QuarantinedRow.objects.filter(source__in=visible).select_related("source", "file", "ended_by").order_by("-id")


def quarantined_row_for(user: "AbstractUser", *, row_id: int) -> QuarantinedRow:
    """Return one row in quarantine.

    :raises RowNotFound: if it is not there for this user.
    """
    found = quarantine_for(user).filter(pk=row_id).first()
    if found is None:
        raise RowNotFound("there is no such row in your scope")
    return found


def open_rows_of(file: StatementFile) -> int:
    """Return how many rows of a file are still in quarantine."""
    return QuarantinedRow.objects.filter(file=file, state=QuarantineState.OPEN).count()


def line_for(user: "AbstractUser", *, statement_id: UUID, ordinal: int) -> StatementLine:
    """Return one line of a statement.

    :raises LineNotFound: if it is not there for this user.
    """
    visible = sources_for(user).order_by().values("pk")
    found = StatementLine.objects.filter(statement=statement_id, statement__source__in=visible, ordinal=ordinal).first()
    if found is None:
        raise LineNotFound("there is no such line in your scope")
    return found


def jobs_of(files: Collection[StatementFile]) -> dict[UUID, FileJob]:
    """Return the last job of each file that has had one, by the file's id."""
    last = (
        FileJob.objects.filter(file__in=[file.pk for file in files]).select_related("file").order_by("file_id", "-id").distinct("file_id")
    )
    return {job.file_id: job for job in last}


def repetitions_of(lines: Sequence[StatementLine]) -> dict[int, RepeatedLine]:
    """Return which of the lines repeat another, with the one that they repeat, by the line's id."""
    found = RepeatedLine.objects.filter(line__in=[line.pk for line in lines]).select_related("repeats__statement__file")
    return {one.line_id: one for one in found}


def repeated_in(statement: Statement) -> int:
    """Return how many lines of a statement repeat another and do not count."""
    return RepeatedLine.objects.filter(line__statement=statement, counted_at=None).count()


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A statement against the version before it: complete counts, and the first lines that are gone or new."""

    previous: Statement
    kept: int
    gone_count: int
    new_count: int
    gone: Sequence[StatementLine]
    new: Sequence[StatementLine]


def difference_of(statement: Statement) -> Difference | None:
    """Return what a version changed; None for the first one."""
    if statement.supersedes is None:
        return None
    with connection.cursor() as cursor:
        cursor.execute(_DIFFERENCE, {"old": statement.supersedes_id, "new": statement.pk, "shown": SHOWN})
        kept, gone_count, new_count, gone, new = cursor.fetchone()
    lines = StatementLine.objects.in_bulk([*(gone or []), *(new or [])])
    return Difference(
        previous=statement.supersedes,
        kept=kept,
        gone_count=gone_count,
        new_count=new_count,
        gone=[lines[pk] for pk in gone or []],
        new=[lines[pk] for pk in new or []],
    )
