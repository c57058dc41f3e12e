"""Counting the figures of days: those that changed after each run, all of them every night. Each reconciliation in its own transaction."""

from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection, transaction

from ledgerops.lib.transactions import database_now
from recon.models import FiguresCount, Reconciliation

FIGURES_LOCK = 4205
# Whoever worked longer than this and commits now is not seen by the next count, but by the one of the night.
OVERLAP = timedelta(hours=1)

# An item changes its place among the figures only so: it is new or freed, and then open; it is matched; it is withdrawn. A match is counted
# on the day on which it was made, and again when it is undone.
_CHANGED = """
WITH left_open AS (
    SELECT i.item_date AS day, count(*) AS n, sum(i.open_minor) AS minor FROM recon_item i
    WHERE i.reconciliation_id = %(reconciliation)s AND i.open_minor > 0 GROUP BY i.item_date),
matched AS MATERIALIZED (
    SELECT m.id, m.made_at FROM recon_match m
    WHERE m.id >= uuidv7(%(since)s - clock_timestamp()) AND m.reconciliation_id = %(reconciliation)s),
undone AS MATERIALIZED (
    SELECT m.made_at FROM recon_match_undoing u JOIN recon_match m ON m.id = u.match_id
    WHERE u.undone_at >= %(since)s AND m.reconciliation_id = %(reconciliation)s)
SELECT coalesce(o.day, f.day) FROM left_open o
FULL JOIN (SELECT day, open_items, left_minor FROM recon_day_figures WHERE reconciliation_id = %(reconciliation)s) f ON f.day = o.day
WHERE (coalesce(o.n, 0), coalesce(o.minor, 0)) <> (coalesce(f.open_items, 0), coalesce(f.left_minor, 0))
UNION
SELECT i.item_date FROM matched m JOIN recon_allocation a ON a.match_id = m.id JOIN recon_item i ON i.id = a.item_id
UNION
SELECT i.item_date FROM recon_item i JOIN recon_statement s ON s.id = i.withdrawn_by_id
WHERE i.withdrawn_by_id IS NOT NULL AND i.reconciliation_id = %(reconciliation)s AND s.accepted_at >= %(since)s
UNION
SELECT (made_at AT TIME ZONE 'UTC')::date FROM matched
UNION
SELECT (made_at AT TIME ZONE 'UTC')::date FROM undone
"""

# {days} limits it to some days; the ids of matches are of the time at which they were made, to the second.
_COUNT = """
WITH standing AS (
    SELECT i.item_date AS day, i.amount_minor, i.open_minor,
           i.open_minor = 0 AND coalesce(bool_and(m.method = 'rule'), false) AS automatic
    FROM recon_item i
    LEFT JOIN recon_allocation a ON a.item_id = i.id AND a.revoked_at IS NULL
    LEFT JOIN recon_match m ON m.id = a.match_id
    WHERE i.reconciliation_id = %(reconciliation)s AND i.withdrawn_by_id IS NULL {items}
    GROUP BY i.id),
items AS (
    SELECT day, count(*) AS items, count(*) FILTER (WHERE automatic) AS automatic,
           count(*) FILTER (WHERE open_minor = 0 AND NOT automatic) AS by_people, count(*) FILTER (WHERE open_minor > 0) AS open_items,
           sum(amount_minor) AS items_minor, coalesce(sum(amount_minor) FILTER (WHERE automatic), 0) AS automatic_minor,
           coalesce(sum(amount_minor) FILTER (WHERE open_minor = 0 AND NOT automatic), 0) AS by_people_minor,
           coalesce(sum(amount_minor) FILTER (WHERE open_minor > 0), 0) AS open_items_minor, sum(open_minor) AS left_minor
    FROM standing GROUP BY day),
matches AS (
    SELECT (m.made_at AT TIME ZONE 'UTC')::date AS day, count(*) AS made, count(u.match_id) AS undone
    FROM recon_match m LEFT JOIN recon_match_undoing u ON u.match_id = m.id
    WHERE m.reconciliation_id = %(reconciliation)s AND m.method = 'rule' {matches}
    GROUP BY 1)
INSERT INTO recon_day_figures (
    reconciliation_id, day, items, automatic, by_people, open_items, items_minor, automatic_minor, by_people_minor, open_items_minor,
    left_minor, rule_matches, rule_matches_undone)
SELECT %(reconciliation)s, day, coalesce(i.items, 0), coalesce(i.automatic, 0), coalesce(i.by_people, 0), coalesce(i.open_items, 0),
       coalesce(i.items_minor, 0), coalesce(i.automatic_minor, 0), coalesce(i.by_people_minor, 0), coalesce(i.open_items_minor, 0),
       coalesce(i.left_minor, 0), coalesce(m.made, 0), coalesce(m.undone, 0)
FROM items i FULL JOIN matches m USING (day)
"""
_OF_ITEMS = "AND i.item_date = ANY (%(days)s)"
_OF_MATCHES = """AND (m.made_at AT TIME ZONE 'UTC')::date = ANY (%(days)s)
      AND m.id >= uuidv7(%(first)s::date - interval '1 minute' - clock_timestamp())
      AND m.id < uuidv7(%(last)s::date + interval '1 day 1 minute' - clock_timestamp())"""


def count_figures(*, reconciliation_id: int, whole: bool = False) -> int:
    """Count the days of a reconciliation that have changed since the last time, or all of them, and return how many were counted.

    Counting twice changes nothing; of two at once the second waits and then finds little to do.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [FIGURES_LOCK, reconciliation_id])
        now = database_now()
        last = FiguresCount.objects.filter(reconciliation=reconciliation_id).first()
        whole = whole or last is None
        days = None if whole or last is None else _changed(reconciliation_id, since=last.counted_at - OVERLAP)
        counted = _count(reconciliation_id, days=days) if days is None or days else 0
        told = {"counted_at": now, **({"whole_at": now} if whole else {})}
        FiguresCount.objects.update_or_create(reconciliation_id=reconciliation_id, defaults=told)
        return counted


def count_all_figures(*, whole: bool = False) -> int:
    """Count every reconciliation, each in a transaction of its own, and return how many days were counted."""
    ids = Reconciliation.objects.order_by("pk").values_list("pk", flat=True)
    return sum(count_figures(reconciliation_id=pk, whole=whole) for pk in list(ids))


def _changed(reconciliation_id: int, *, since: datetime) -> list[date]:
    with connection.cursor() as cursor:
        cursor.execute(_CHANGED, {"reconciliation": reconciliation_id, "since": since})
        return sorted(day for (day,) in cursor.fetchall())


def _count(reconciliation_id: int, *, days: list[date] | None) -> int:
    values: dict[str, Any] = {"reconciliation": reconciliation_id}
    parts, limited = {"items": "", "matches": ""}, ""
    if days is not None:
        values |= {"days": days, "first": days[0], "last": days[-1]}
        parts, limited = {"items": _OF_ITEMS, "matches": _OF_MATCHES}, "AND day = ANY (%(days)s)"
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM recon_day_figures WHERE reconciliation_id = %(reconciliation)s {limited}", values)  # noqa: S608
        cursor.execute(_COUNT.format(**parts), values)
        return int(cursor.rowcount)
