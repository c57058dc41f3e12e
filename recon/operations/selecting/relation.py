"""What a pass looks at: the free items of a reconciliation as a temporary relation, and what it chooses of them.

`recon_free` holds every item that may be matched, `recon_free_key` what it can be found by, `recon_chosen` the items of each group with
how much of each is taken, `recon_chosen_group` what the pass says of the group. A group is named by the least id of its items.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db import connection

from ledgerops.lib.calendars import is_business_day
from recon.models import BusinessDay, Population, Reconciliation

# Business days are counted from here. Dates outside the years counted are told apart by plain days: no rule reaches that far.
_FIRST_DAY = date(2000, 1, 1)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100

# An item of a break with a proposal waits for its end. The condition on the amount is the one of the indexes of open items.
_OPEN = """
SELECT i.id, i.open_minor AS left_minor FROM recon_item i
WHERE i.reconciliation_id = %(reconciliation)s AND i.open_minor > 0
  AND i.id NOT IN (
      SELECT b.ledger_item_id FROM recon_break b
      WHERE b.reconciliation_id = %(reconciliation)s AND b.state = 'proposed' AND b.ledger_item_id IS NOT NULL
      UNION ALL
      SELECT b.statement_item_id FROM recon_break b
      WHERE b.reconciliation_id = %(reconciliation)s AND b.state = 'proposed' AND b.statement_item_id IS NOT NULL)
"""

# Everything that is open, and everything matched since a day as if it were.
_AS_IF_OPEN = """
SELECT i.id, i.open_minor + coalesce(taken.minor, 0) AS left_minor FROM recon_item i
LEFT JOIN (
    SELECT a.item_id, sum(a.amount_minor) AS minor FROM recon_allocation a JOIN recon_match m ON m.id = a.match_id
    WHERE m.reconciliation_id = %(reconciliation)s AND a.revoked_at IS NULL
      AND (%(since)s::date IS NULL OR m.made_at >= %(since)s::date)
    GROUP BY a.item_id) taken ON taken.item_id = i.id
WHERE i.reconciliation_id = %(reconciliation)s AND i.withdrawn_by_id IS NULL AND (i.open_minor > 0 OR taken.minor IS NOT NULL)
"""

_FREE = """
CREATE TEMP TABLE recon_free ON COMMIT DROP AS
SELECT i.id, i.population_id AS population, (CASE i.flow WHEN 'in' THEN p.sign ELSE -p.sign END)::smallint AS direction,
       o.left_minor, i.amount_minor, (CASE i.flow WHEN 'in' THEN p.sign ELSE -p.sign END) * o.left_minor AS signed,
       i.item_date, coalesce(b.number, i.item_date - DATE '2000-01-01') AS day, b.number IS NULL AS uncounted,
       i.match_key, i.keys
FROM ({open}) o
JOIN recon_item i ON i.id = o.id
JOIN recon_population p ON p.id = i.population_id
LEFT JOIN recon_business_day b ON b.calendar = %(calendar)s AND b.day = i.item_date
"""

# A reference is what it says, under whatever name a side knows it: values are compared, and only those of the kinds asked for.
# With one key at most, as nearly all have, nothing can be there twice.
_KEYS = """
CREATE TEMP TABLE recon_free_key ON COMMIT DROP AS
SELECT f.id, f.population, f.signed, f.day,
       CASE WHEN f.match_key <> '' THEN f.match_key ELSE split_part(f.keys[1], ':', 2) END AS key
FROM recon_free f
WHERE %(all)s AND (f.match_key <> '' AND (f.keys = '{}' OR f.keys = ARRAY['own_reference:' || f.match_key])
                   OR f.match_key = '' AND cardinality(f.keys) = 1)
UNION ALL
SELECT DISTINCT f.id, f.population, f.signed, f.day, substr(k.told, strpos(k.told, ':') + 1)
FROM recon_free f, unnest(CASE WHEN f.match_key <> '' AND %(all)s THEN f.keys || (':' || f.match_key) ELSE f.keys END) AS k (told)
WHERE (%(all)s OR split_part(k.told, ':', 1) = ANY(%(kinds)s))
  AND NOT (%(all)s AND (f.match_key <> '' AND (f.keys = '{}' OR f.keys = ARRAY['own_reference:' || f.match_key])
                        OR f.match_key = '' AND cardinality(f.keys) = 1))
"""

_CHOSEN = """
CREATE TEMP TABLE recon_chosen (grp bigint NOT NULL, item bigint NOT NULL, amount numeric NOT NULL, partial boolean NOT NULL)
    ON COMMIT DROP;
CREATE TEMP TABLE recon_chosen_group (grp bigint NOT NULL, said jsonb NOT NULL) ON COMMIT DROP;
CREATE TEMP TABLE recon_refused ON COMMIT DROP AS
SELECT n.left_id AS a, n.right_id AS b FROM recon_never_match n JOIN recon_free f ON f.id = n.left_id WHERE n.until >= current_date
"""

# A set of millions of rows is sorted and hashed in memory that a page's query never gets.
_SETTINGS = (
    "SET LOCAL work_mem = '192MB'; SET LOCAL statement_timeout = '1h'; SET LOCAL idle_in_transaction_session_timeout = '1h';"
    " SET LOCAL jit = off; SET LOCAL temp_buffers = '64MB'"
)
TABLES = ("recon_free", "recon_free_key", "recon_free_value", "recon_chosen", "recon_chosen_group", "recon_refused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """The populations of a reconciliation, in their order, and its calendar."""

    reconciliation_id: int
    calendar: str
    populations: tuple[int, ...]
    names: Mapping[int, str]


def scene_of(reconciliation: Reconciliation) -> Scene:
    told = list(Population.objects.filter(reconciliation=reconciliation).order_by("position").values_list("pk", "name"))
    return Scene(
        reconciliation_id=reconciliation.pk, calendar=reconciliation.calendar, populations=tuple(pk for pk, _ in told), names=dict(told)
    )


def prepare(scene: Scene, *, since: date | None = None, decided: bool = False) -> int:
    """Make the relation of free items inside the caller's transaction and return how many they are.

    With `decided`, what was matched since that day is free as well, as if it never had been; that is for trying, not for matching.
    """
    allow_for_sets()
    make = _FREE.replace("{open}", _AS_IF_OPEN if decided else _OPEN)
    parameters = {"reconciliation": scene.reconciliation_id, "calendar": scene.calendar, "since": since}
    _drop(*TABLES)
    execute(make, parameters)
    ((first, last),) = rows("SELECT min(item_date), max(item_date) FROM recon_free WHERE uncounted")
    if first is not None and _count_days(scene.calendar, first=first, last=last):
        _drop("recon_free")
        execute(make, parameters)
    # What passes join and group by; to know which keys are frequent would cost more than all of these.
    execute("ANALYZE recon_free (id, population, direction, left_minor, signed, day, match_key)")
    execute(_CHOSEN)
    return left_free()


def allow_for_sets() -> None:
    """Give the rest of this transaction the memory and the time that work on whole sets takes."""
    execute(_SETTINGS)


def make_keys(kinds: Sequence[str]) -> None:
    """Make the relation of what free items can be found by: the keys of some kinds, or all and their match key where none are named."""
    _drop("recon_free_key")
    execute(_KEYS, {"all": not kinds, "kinds": list(kinds)})
    execute("ANALYZE recon_free_key")


def clear_chosen() -> None:
    if rows("SELECT EXISTS (SELECT FROM recon_chosen)")[0][0]:
        execute("TRUNCATE recon_chosen, recon_chosen_group")


def take_chosen() -> None:
    """Let what a pass has chosen be free no longer, without writing it: so the next pass sees what a run would leave it."""
    execute(
        "UPDATE recon_free f SET left_minor = f.left_minor - c.amount, signed = f.direction * (f.left_minor - c.amount)"
        " FROM recon_chosen c WHERE c.item = f.id"
    )
    execute("DELETE FROM recon_free WHERE left_minor <= 0")


def left_free() -> int:
    ((count,),) = rows("SELECT count(*) FROM recon_free")
    return int(count)


def execute(statement: str, parameters: Mapping[str, Any] | None = None) -> int:
    """Execute a statement and return how many rows it wrote."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def rows(statement: str, parameters: Mapping[str, Any] | None = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def _drop(*tables: str) -> None:
    execute("SET LOCAL client_min_messages = warning; " + "; ".join(f"DROP TABLE IF EXISTS pg_temp.{table}" for table in tables))


def _count_days(calendar: str, *, first: date, last: date) -> bool:
    """Count the business days of the years between two dates, from one fixed day on, so that whoever counts comes to the same."""
    years = [year for year in range(first.year, last.year + 1) if _FIRST_YEAR <= year <= _LAST_YEAR]
    if not years:
        return False
    start, end = date(min(years[0], _FIRST_DAY.year), 1, 1), date(max(years[-1], _FIRST_DAY.year), 12, 31)
    number = -sum(is_business_day(_day(n), calendar=calendar) for n in range(start.toordinal() + 1, _FIRST_DAY.toordinal() + 1))
    counted = []
    for ordinal in range(start.toordinal(), end.toordinal() + 1):
        day = _day(ordinal)
        number += is_business_day(day, calendar=calendar) if ordinal > start.toordinal() else 0
        if years[0] <= day.year <= years[-1]:
            counted.append(BusinessDay(calendar=calendar, day=day, number=number))
    BusinessDay.objects.bulk_create(counted, ignore_conflicts=True, batch_size=2000)
    return True


def _day(ordinal: int) -> date:
    return date.fromordinal(ordinal)
