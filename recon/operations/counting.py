"""Which lines of an accepted statement count: items for those that are new, none for those that an earlier delivery said already."""

from datetime import date
from uuid import UUID

from django.db import connection
from django.db.models import Q

from recon.models import Population, Reconciliation, Source, Statement

# The n-th occurrence of a content that counts already, by an overlapping delivery or by the version before, is not counted again.
_NOTE_REPEATED = """
WITH told AS MATERIALIZED (
    SELECT l.id, l.content_key, CASE l.flow WHEN 'in' THEN l.amount_minor ELSE -l.amount_minor END AS signed_minor,
           i.id IS NULL AND r.line_id IS NULL AS fresh,
           row_number() OVER (PARTITION BY l.content_key ORDER BY i.id IS NULL, r.line_id IS NULL, l.ordinal) AS n
    FROM recon_statement_line l
    LEFT JOIN recon_item i ON i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s
    LEFT JOIN recon_repeated_line r ON r.line_id = l.id
    WHERE l.statement_id = %(statement)s AND l.booked AND l.amount_minor > 0),
counted AS (
    SELECT i.content_key, i.statement_line_id, row_number() OVER (PARTITION BY i.content_key ORDER BY i.occurrence) AS n
    FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.side = 'statement' AND i.withdrawn_by_id IS NULL
      AND i.content_key IN (SELECT content_key FROM told)),
noted AS (
    INSERT INTO recon_repeated_line (line_id, repeats_id)
    SELECT t.id, c.statement_line_id FROM told t JOIN counted c USING (content_key, n) WHERE t.fresh
    RETURNING line_id)
SELECT count(*), coalesce(sum(t.signed_minor), 0) FROM noted n JOIN told t ON t.id = n.line_id
"""

# Only where another statement has its days can a line have an item, moved on from the version before, or repeat another.
_UNCOUNTED = """
      AND NOT EXISTS (SELECT FROM recon_item i WHERE i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s)
      AND NOT EXISTS (SELECT FROM recon_repeated_line r WHERE r.line_id = l.id)"""

# What is not booked does not count, and nothing can be matched against no money. Another line of the same content is looked for line by
# line, where there can be one: a join could be planned by what the table held long ago.
_MAKE_ITEMS = """
WITH fresh AS MATERIALIZED (
    SELECT l.id, l.ordinal, l.flow, l.amount_minor, l.value_date, l.match_key, l.keys, l.end_to_end_id, l.reference, l.counterparty,
           l.content_key, row_number() OVER (PARTITION BY l.content_key ORDER BY l.ordinal) AS n
    FROM recon_statement_line l
    WHERE l.statement_id = %(statement)s AND l.ordinal > %(after)s AND l.ordinal <= %(through)s
      AND l.booked AND l.amount_minor > 0 {uncounted}),
made AS (
    INSERT INTO recon_item (
        reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date, match_key, keys, reference,
        counterparty, content_key, occurrence)
    SELECT %(reconciliation)s, %(population)s, 'statement', f.id, f.flow, f.amount_minor, f.amount_minor, f.value_date, f.match_key, f.keys,
           coalesce(nullif(f.end_to_end_id, ''), f.reference), f.counterparty, f.content_key, {last} f.n
    FROM fresh f
    ORDER BY f.ordinal
    RETURNING 1)
SELECT count(*) FROM made
"""
_LAST = """coalesce((
               SELECT i.occurrence FROM recon_item i
               WHERE i.population_id = %(population)s AND i.content_key = f.content_key AND i.side = 'statement'
                 AND i.withdrawn_by_id IS NULL
               ORDER BY i.occurrence DESC LIMIT 1), 0) +"""
_TO_THE_END = 2**31 - 1


# Judged line by line: it takes the next occurrence of its content.
_COUNT_ONE = """
INSERT INTO recon_item (
    reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date, match_key, keys, reference,
    counterparty, content_key, occurrence)
SELECT %(reconciliation)s, %(population)s, 'statement', l.id, l.flow, l.amount_minor, l.amount_minor, l.value_date, l.match_key, l.keys,
       coalesce(nullif(l.end_to_end_id, ''), l.reference), l.counterparty, l.content_key,
       coalesce((SELECT max(i.occurrence) FROM recon_item i
                 WHERE i.reconciliation_id = %(reconciliation)s AND i.side = 'statement' AND i.withdrawn_by_id IS NULL
                   AND i.content_key = l.content_key), 0) + 1
FROM recon_statement_line l WHERE l.id = %(line)s
RETURNING id
"""


def note_repeated_lines(*, statement: UUID, reconciliation: Reconciliation) -> tuple[int, int]:
    """Mark the lines of a statement that are repeated from what counts already, and return how many there are and their signed sum."""
    with connection.cursor() as cursor:
        cursor.execute(_NOTE_REPEATED, {"statement": statement, "reconciliation": reconciliation.pk})
        count, minor = cursor.fetchone()
    return int(count), int(minor)


def make_items(*, statement: UUID, reconciliation: Reconciliation, joined: bool, after: int = 0) -> int:
    """Give every line that counts and has no item yet its item; `joined` is false where no other statement has its days.

    Lines up to `after` were given theirs while the statement was read.
    """
    population = population_of(reconciliation)
    sql, parameters = making_of_items(statement=statement, reconciliation=reconciliation, population=population, joined=joined, after=after)
    return _count(sql, **parameters)


def making_of_items(
    *,
    statement: UUID,
    reconciliation: Reconciliation,
    population: int,
    joined: bool = False,
    after: int = 0,
    through: int = _TO_THE_END,
) -> tuple[str, dict[str, int | UUID]]:
    """Return the SQL that gives the lines between two places their items and counts them, with its parameters."""
    sql = _MAKE_ITEMS.replace("{uncounted}", _UNCOUNTED if joined else "").replace("{last}", _LAST if joined or after else "")
    parameters: dict[str, int | UUID] = {
        "statement": statement,
        "reconciliation": reconciliation.pk,
        "population": population,
        "after": after,
        "through": through,
    }
    return sql, parameters


def count_repeated_line(*, line: int, reconciliation: Reconciliation) -> int:
    """Give one line its item, which somebody has decided, and return the item's id."""
    return _count(_COUNT_ONE, line=line, reconciliation=reconciliation.pk, population=population_of(reconciliation))


def population_of(reconciliation: Reconciliation) -> int:
    """Return the population of the source in its home."""
    return Population.objects.values_list("pk", flat=True).get(reconciliation=reconciliation, source=reconciliation.source_id)


def shares_days(*, source: Source, statement_id: UUID, booked_from: date | None, booked_to: date | None) -> bool:
    """Return whether another statement of the source that counts, or did, has booking dates among those of this one."""
    if booked_from is None or booked_to is None:
        return False
    others = Statement.objects.filter(source=source, booked_from__lte=booked_to, booked_to__gte=booked_from)
    return others.filter(~Q(pk=statement_id)).exists()


def _count(sql: str, **parameters: int | UUID) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        (count,) = cursor.fetchone()
    return int(count)
