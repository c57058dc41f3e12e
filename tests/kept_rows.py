"""Rows that the operations wrote once in a run, put back for each test instead of being written anew.

The chart and the roles are the same for nearly every test, and writing them takes longer than most tests do. They are copied to a schema
that the application does not look into, and a function of the superuser puts them back past the triggers that have seen them already.
Where the servers are not ours there is no superuser, and nothing is kept.
"""

from collections.abc import Callable, Sequence

import psycopg
from django.db import connection, connections
from psycopg import sql

SCHEMA = "kept_rows"


class KeptRows:
    """The rows of one worker's database, by the name under which they were kept."""

    def __init__(self, *, superuser_url: str, not_kept: Sequence[str]) -> None:
        self.address = superuser_url
        self.not_kept = list(not_kept)
        self.names: list[str] = []

    def keep(self, name: str, define: Callable[[], None]) -> None:
        """Keep what `define` writes, which must be committed; it may add to what was kept before, and change nothing of it.

        :raises ValueError: if it changed a row that was kept before.
        """
        define()
        with psycopg.connect(self.address, dbname=connections["default"].settings_dict["NAME"], autocommit=True) as session:
            if not self.names:
                session.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
                session.execute(f"CREATE SCHEMA {SCHEMA}")
                session.execute(f"GRANT USAGE ON SCHEMA {SCHEMA} TO PUBLIC")
            added = [table for (table,) in session.execute(TABLES, [self.not_kept]) if self._copy(session, name=name, table=table)]
            session.execute(_function(name=name, inserts=[self._insert(session, name=name, table=table) for table in added]))
        self.names.append(name)

    def put_back(self, name: str) -> None:
        """Write the rows kept under that name into the transaction of the test."""
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL("SELECT {}.{}()").format(sql.Identifier(SCHEMA), sql.Identifier(f"put_back_{name}")))

    def _copy(self, session: psycopg.Connection, *, name: str, table: str) -> bool:
        """Copy the rows of a table that were not kept before; a row is compared as text, since not every type has an equality."""
        here, now = sql.Identifier("public", table), sql.Identifier(SCHEMA, f"{name}_{table}")
        before = [sql.Identifier(SCHEMA, f"{earlier}_{table}") for earlier in self.names]
        known = sql.SQL(" UNION ALL ").join(sql.SQL("SELECT b::text FROM {} AS b").format(one) for one in before)
        gone = sql.SQL("SELECT k FROM ({}) AS known (k) WHERE k NOT IN (SELECT a::text FROM {} AS a) LIMIT 1").format(known, here)
        if before and session.execute(gone).fetchone():
            raise ValueError(f"{name} changes rows of {table} that were kept before")
        new = sql.SQL(" WHERE a::text NOT IN ({})").format(known) if before else sql.SQL("")
        copied = session.execute(sql.SQL("CREATE TABLE {} AS SELECT a.* FROM {} AS a").format(now, here) + new)
        return copied.rowcount > 0

    def _insert(self, session: psycopg.Connection, *, name: str, table: str) -> sql.Composed:
        columns = sql.SQL(", ").join(sql.Identifier(column) for (column,) in session.execute(WRITTEN_COLUMNS, [f"public.{table}"]))
        return sql.SQL("INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM {};").format(
            sql.Identifier("public", table), sql.Identifier(SCHEMA, f"{name}_{table}"), columns=columns
        )


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND NOT tablename = ANY(%s) ORDER BY 1"
WRITTEN_COLUMNS = """
SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum
"""


def _function(*, name: str, inserts: Sequence[sql.Composed]) -> sql.Composed:
    return sql.SQL(
        "CREATE FUNCTION {} () RETURNS void LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog"
        " SET session_replication_role = replica AS $put_back$ BEGIN {} END $put_back$"
    ).format(sql.Identifier(SCHEMA, f"put_back_{name}"), sql.SQL(" ").join(inserts))
