"""What balances at a date are reckoned from: the nearest of the closes that still hold, the present, and the beginning of the books."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import NamedTuple

from ledgerops.lib.prepared import array, read

# Instants as whole microseconds. Postings may be dated after today. An entity without periods has nothing posted.
_PERIODS = """
    SELECT json_agg(json_build_array(n.id, p.starts_on, p.ends_on, coalesce(p.status = 'closed', false),
               (extract(epoch FROM p.closed_at) * 1000000)::bigint, c.id, (extract(epoch FROM c.closed_at) * 1000000)::bigint,
               greatest(current_date, latest.day)) ORDER BY n.id, p.starts_on)::text
    FROM (SELECT DISTINCT a.entity_id AS id FROM ledger_account a WHERE a.id = ANY ($1::bigint[])) n
    LEFT JOIN ledger_period p ON p.entity_id = n.id
    LEFT JOIN LATERAL (SELECT c.id, c.closed_at FROM ledger_close c WHERE c.period_id = p.id ORDER BY c.n DESC LIMIT 1) c ON true
    CROSS JOIN (SELECT max(effective_date) AS day FROM ledger_entry) latest
"""
_Period = tuple[int, str | None, str | None, bool, int | None, int | None, int | None, str]


PRESENT, BEGINNING = date.max, date.min


class Ground(NamedTuple):
    """Where the reckoning of an entity begins: a close, or without one the present or the beginning."""

    entity_id: int
    close_id: int | None
    stands_on: date


def grounds_of(*, account_ids: Sequence[int], as_of: date) -> list[Ground]:
    """Return for each entity of the accounts what lies the fewest days from the date, before or after it."""
    periods: list[_Period] = read(_PERIODS, [array(account_ids)]) or []
    return [_nearest(list(of_entity), as_of=as_of) for _, of_entity in groupby(periods, key=itemgetter(0))]


def _nearest(periods: Sequence[_Period], *, as_of: date) -> Ground:
    entity_id, starts_on, *_, today = periods[0]
    if starts_on is None:
        return Ground(entity_id, None, BEGINNING)
    found = [
        (abs((date.fromisoformat(today) - as_of).days), Ground(entity_id, None, PRESENT)),
        (abs((as_of - date.fromisoformat(starts_on)).days), Ground(entity_id, None, BEGINNING)),
    ]
    # A close holds for its period if nothing can have been posted up to its end since: the period and all before it are closed, and none
    # of those was closed again later.
    latest = 0
    for _, _, ends_on, closed, period_closed_at, close_id, closed_at, _ in periods:
        if not closed or period_closed_at is None or ends_on is None:
            break
        if close_id is not None and closed_at is not None and latest <= closed_at:
            end = date.fromisoformat(ends_on)
            found.append((abs((end - as_of).days), Ground(entity_id, close_id, end)))
        latest = max(latest or period_closed_at, period_closed_at)
    return min(found, key=itemgetter(0))[1]
