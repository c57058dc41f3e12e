"""Versioned SQL files as migration operations."""

from pathlib import Path

from django.db.migrations.operations import RunSQL
from django.db.models import DateTimeField, Func, UUIDField

REVERSE_MARK = "-- reverse\n"


def sql_file(app: str, name: str) -> RunSQL:
    """Return the migration operation that applies `<app>/sql/<name>.sql` and undoes it by the part after its reverse mark.

    An applied file is never edited; what follows it has the next version in its name.
    """
    root = Path(__file__).resolve().parent.parent.parent
    forward, mark, backward = (root / app / "sql" / f"{name}.sql").read_text().partition(REVERSE_MARK)
    if not mark:
        raise ValueError(f"{app}/sql/{name}.sql has no reverse part")
    return RunSQL(forward, backward)


class UUIDv7(Func):
    """The database's time-ordered UUID."""

    function = "uuidv7"
    arity = 0
    output_field = UUIDField()


class ClockTimestamp(Func):
    """The instant of recording, by the database's clock."""

    function = "clock_timestamp"
    arity = 0
    output_field = DateTimeField()
