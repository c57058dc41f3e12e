"""What balances at a date are reckoned from: the nearest of the closes that still hold, the present, and the beginning of the books."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from django.db import connection

# Read apart from the sums: two plain statements are planned sooner than one of both. Postings may be dated after today.
_PERIODS = """
    SELECT p.entity_id, p.starts_on, p.ends_on, p.status = 'closed', p.closed_at, c.id, c.closed_at, greatest(current_date, latest.day)
    FROM ledger_period p
    LEFT JOIN LATERAL (SELECT c.id, c.closed_at FROM ledger_close c WHERE c.period_id = p.id ORDER BY c.n DESC LIMIT 1) c ON true
    CROSS JOIN (SELECT max(effective_date) AS day FROM ledger_entry) latest
    WHERE p.entity_id IN (SELECT a.entity_id FROM ledger_account a WHERE a.id = ANY (%(accounts)s))
    ORDER BY p.entity_id, p.starts_on
"""


PRESENT, BEGINNING = date.max, date.min


class Ground(NamedTuple):
    """Where the reckoning of an entity begins: a close, or without one the present or the beginning."""

    entity_id: int
    close_id: int | None
    stands_on: date


def grounds_of(*, account_ids: Sequence[int], as_of: date) -> list[Ground]:
    """Return for each entity of the accounts what lies the fewest days from the date, before or after it."""
    with connection.cursor() as cursor:
        cursor.execute(_PERIODS, {"accounts": list(account_ids)})
        rows = cursor.fetchall()
    return [_nearest(list(periods), as_of=as_of) for _, periods in groupby(rows, key=itemgetter(0))]


def _nearest(periods: Sequence[tuple[int, date, date, bool, datetime | None, int | None, datetime | None, date]], *, as_of: date) -> Ground:
    entity_id, starts_on, *_, today = periods[0]
    found = [
        (abs((today - as_of).days), Ground(entity_id, None, PRESENT)),
        (abs((as_of - starts_on).days), Ground(entity_id, None, BEGINNING)),
    ]
    # A close holds for its period if nothing can have been posted up to its end since: the period and all before it are closed, and none
    # of those was closed again later.
    latest: datetime | None = None
    for _, _, ends_on, closed, period_closed_at, close_id, closed_at, _ in periods:
        if not closed or period_closed_at is None:
            break
        if close_id is not None and closed_at is not None and (latest is None or latest <= closed_at):
            found.append((abs((ends_on - as_of).days), Ground(entity_id, close_id, ends_on)))
        latest = max(latest or period_closed_at, period_closed_at)
    return min(found, key=itemgetter(0))[1]
