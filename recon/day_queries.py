"""An account at the end of a day: the ledger against its source, what both sides have open, and what neither explains.

Figures of many days come from sums that are kept by day and by statement. What is open is also known row by row: items that nothing
explains, and items explained only by something of a later day. A line belongs to the day on which its statement closes.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Case, F, Sum, When

from recon.models import Item, Reconciliation, RepeatedLine, Side, Statement, StatementKind

# More than any reconciliation has open.
ALL = 10**9


class Rule(StrEnum):
    """Which balance of the source counts for a day: what it closed with, else what the next statement opened with, and no other."""

    CLOSING = "closing"
    NEXT_OPENING = "next_opening"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class External:
    """What a source says it held at the end of a day. `indicated_minor` is what an intraday report said, which counts for nothing."""

    rule: Rule
    minor: int | None = None
    statement: Statement | None = None
    indicated_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DayStanding:
    """The figures of one account at the end of one day, debits and receipts positive.

    `uncompared_minor` is what was posted and no run has looked at yet. `unexplained_minor` is None where no balance of the day is known.
    `through` is the last place of the account's own order that the ledger's figure includes.
    """

    day: date
    ledger_minor: int
    external: External
    open_minor: int
    uncompared_minor: int
    through: int

    @property
    def unexplained_minor(self) -> int | None:
        if self.external.minor is None:
            return None
        return self.ledger_minor - self.external.minor - self.open_minor - self.uncompared_minor


Days = dict[date, DayStanding]


def figures_by_day(reconciliations: Sequence[Reconciliation], *, since: date, until: date) -> dict[int, Days]:
    """Return the figures of sources' own reconciliations day by day, by their ids: from sums alone, at a cost of the days looked at."""
    levels, moved = _ledger_days(reconciliations, after=since)
    open_now = _open_sums(reconciliations)
    waiting = _uncompared_by_day(reconciliations)
    statements = _statements(reconciliations, since=since)
    lines = _sums_of_lines(statements)
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    found: dict[int, Days] = {}
    for one in reconciliations:
        of_source = [each for each in statements if each.source_id == one.source_id]
        (through, level), own_waiting = levels[one.source.account_id], waiting[one.source.account_id]
        found[one.pk] = {}
        for day in days:
            moved_later = _after(day, moved[one.source.account_id])
            items_later = moved_later - _after(day, own_waiting)
            lines_later = sum(lines[each.pk] for each in of_source if each.closing_date > day)
            found[one.pk][day] = DayStanding(
                day=day,
                ledger_minor=level - moved_later,
                external=external_on(day, statements=of_source),
                open_minor=open_now[one.pk] - (items_later - lines_later),
                uncompared_minor=sum(minor for on, minor in own_waiting.items() if on <= day),
                through=through,
            )
    return found


def external_on(day: date, *, statements: Sequence[Statement]) -> External:
    """Return which balance counts for a day, of the statements of one source that close on it or later, in the order of their closing."""
    full = [one for one in statements if one.kind != StatementKind.INTRADAY]
    closing = _last_of_day([one for one in full if one.closing_date == day and one.closing_minor is not None])
    if closing is not None and closing.closing_minor is not None:
        return External(rule=Rule.CLOSING, minor=int(closing.closing_minor), statement=closing)
    following = [one for one in full if one.closing_date > day]
    first = _first_of_day([one for one in following if one.closing_date == following[0].closing_date]) if following else None
    begins = first is not None and (first.booked_from is None or first.booked_from > day)
    if first is not None and first.opening_minor is not None and begins:
        return External(rule=Rule.NEXT_OPENING, minor=int(first.opening_minor) + int(first.repeated_minor), statement=first)
    intraday = [
        one for one in statements if one.kind == StatementKind.INTRADAY and one.closing_date == day and one.closing_minor is not None
    ]
    said = intraday[-1].closing_minor if intraday else None
    return External(rule=Rule.NONE, indicated_minor=None if said is None else int(said))


def _last_of_day(statements: Sequence[Statement]) -> Statement | None:
    """Return which of a day's statements the others lead up to: none goes on from it; of several the one accepted last."""
    ends = [one for one in statements if not any(other is not one and other.opening_minor == one.closing_minor for other in statements)]
    return max(ends or statements, key=lambda one: one.pk, default=None)


def _first_of_day(statements: Sequence[Statement]) -> Statement | None:
    begins = [one for one in statements if not any(other is not one and other.closing_minor == one.opening_minor for other in statements)]
    return min(begins or statements, key=lambda one: one.pk, default=None)


def statements_from(reconciliation: Reconciliation, *, since: date) -> list[Statement]:
    """Return the source's statements that close on a day or later, with their files: those that count, and intraday reports."""
    return _statements([reconciliation], since=since, files=True)


def _statements(reconciliations: Sequence[Reconciliation], *, since: date, files: bool = False) -> list[Statement]:
    of_days = Statement.objects.filter(source__in=[one.source_id for one in reconciliations], closing_date__gte=since)
    known = (of_days.select_related("file") if files else of_days).with_replaced().order_by("closing_date", "pk")
    return [one for one in known if not vars(one)["is_replaced"] and (one.counts or one.kind == StatementKind.INTRADAY)]


def _sums_of_lines(statements: Iterable[Statement]) -> dict[UUID, int]:
    """Return the signed sum of the lines of each statement that count: all that are booked, but for those that repeat others."""
    sums = {one.pk: 0 if one.kind == StatementKind.INTRADAY else int(one.movements_minor) for one in statements}
    repeated = RepeatedLine.objects.filter(line__statement__in=list(sums), line__booked=True, counted_at=None)
    signed = Case(When(line__flow="in", then=F("line__amount_minor")), default=-F("line__amount_minor"))
    for statement, minor in repeated.values_list("line__statement").annotate(minor=Sum(signed)):
        sums[statement] -= int(minor)
    return sums


def _open_sums(reconciliations: Sequence[Reconciliation]) -> dict[int, int]:
    sums = dict.fromkeys([one.pk for one in reconciliations], 0)
    found = Item.objects.filter(reconciliation__in=sums, open=True).values_list("reconciliation", "side", "flow")
    for pk, side, flow, minor in found.annotate(minor=Sum("open_minor")):
        sums[pk] += int(minor) if (flow == "in") == (side == Side.LEDGER) else -int(minor)
    return sums


_UNCOMPARED = """
SELECT p.account_id, p.effective_date, sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END)
FROM recon_population n
JOIN recon_population_account t ON t.population_id = n.id
CROSS JOIN LATERAL (
    SELECT l.* FROM ledger_posting l WHERE l.account_id = t.account_id AND l.account_seq > t.last_account_seq OFFSET 0) p
WHERE n.reconciliation_id = ANY(%(reconciliations)s)
  AND NOT EXISTS (
      SELECT FROM recon_item i WHERE i.reconciliation_id = n.reconciliation_id AND i.entry_id = p.entry_id AND i.entry_line = p.line
        AND i.side = 'ledger')
GROUP BY p.account_id, p.effective_date
"""


def _uncompared_by_day(reconciliations: Sequence[Reconciliation]) -> dict[int, dict[date, int]]:
    """Return by account and effective date what was posted since each one's last run and is no item."""
    sums: dict[int, dict[date, int]] = {one.source.account_id: {} for one in reconciliations}
    with connection.cursor() as cursor:
        cursor.execute(_UNCOMPARED, {"reconciliations": [one.pk for one in reconciliations]})
        for account, day, minor in cursor.fetchall():
            sums[account][day] = int(minor)
    return sums


# The balance and the days after are read at one moment: accounts of which others keep a statement are never in deferred mode.
_LEDGER_DAYS = """
SELECT b.account_id, b.version, b.posted_debits_minor - b.posted_credits_minor, d.effective_date, d.debits_minor - d.credits_minor
FROM ledger_balance b LEFT JOIN ledger_day_delta d ON d.account_id = b.account_id AND d.effective_date > %(after)s
WHERE b.account_id = ANY(%(accounts)s)
"""


def _ledger_days(
    reconciliations: Sequence[Reconciliation], *, after: date
) -> tuple[dict[int, tuple[int, int]], dict[int, dict[date, int]]]:
    """Return by account its last place with what it holds now, and what each later day added; debits are positive."""
    accounts = [one.source.account_id for one in reconciliations]
    levels: dict[int, tuple[int, int]] = {}
    moved: dict[int, dict[date, int]] = {account: {} for account in accounts}
    with connection.cursor() as cursor:
        cursor.execute(_LEDGER_DAYS, {"accounts": accounts, "after": after})
        for account, version, level, day, minor in cursor.fetchall():
            levels[account] = (version, int(level))
            if day is not None:
                moved[account][day] = int(minor)
    return levels, moved


def _after(day: date, by_day: Mapping[date, int]) -> int:
    return sum(minor for on, minor in by_day.items() if on > day)


# What lies beyond the day, found through postings and statements by their days; the matches that reach there; what these hold of the day.
_BEYOND = """
WITH later AS MATERIALIZED (
    SELECT i.id, p.effective_date AS day
    FROM ledger_posting p
    JOIN recon_item i ON i.reconciliation_id = %(reconciliation)s AND i.entry_id = p.entry_id AND i.entry_line = p.line
        AND i.side = 'ledger'
    WHERE p.account_id = %(account)s AND p.effective_date > %(day)s
    UNION ALL
    SELECT i.id, s.closing_date
    FROM recon_statement s
    JOIN recon_statement_line l ON l.statement_id = s.id
    JOIN recon_item i ON i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s AND i.withdrawn_by_id IS NULL
    WHERE s.source_id = %(source)s AND s.closing_date > %(day)s),
reaching AS MATERIALIZED (
    SELECT a.match_id, max(n.day) AS day FROM later n
    JOIN recon_allocation a ON a.item_id = n.id AND a.revoked_at IS NULL GROUP BY a.match_id)
"""
_OPEN = """{beyond},
held AS MATERIALIZED (
    SELECT a.item_id, sum(a.amount_minor) AS minor, max(r.day) AS cleared_on
    FROM reaching r JOIN recon_allocation a ON a.match_id = r.match_id AND a.revoked_at IS NULL
    WHERE NOT EXISTS (SELECT FROM later n WHERE n.id = a.item_id) GROUP BY a.item_id)
SELECT o.* FROM (
    SELECT i.id, i.side, i.flow, i.open_minor + coalesce(h.minor, 0) AS minor, h.cleared_on, coalesce(s.closing_date, i.item_date) AS since,
           row_number() OVER (PARTITION BY i.side, i.flow ORDER BY i.item_date, i.id) AS place,
           count(*) OVER (PARTITION BY i.side, i.flow) AS many, sum(i.open_minor + coalesce(h.minor, 0)) OVER (PARTITION BY i.side, i.flow)
    FROM (SELECT c.id FROM recon_item c WHERE c.reconciliation_id = %(reconciliation)s AND c.open_minor > 0
          UNION SELECT h.item_id FROM held h) c
    JOIN recon_item i ON i.id = c.id
    LEFT JOIN held h ON h.item_id = i.id
    LEFT JOIN recon_statement_line l ON l.id = i.statement_line_id
    LEFT JOIN recon_statement s ON s.id = l.statement_id
    WHERE coalesce(s.closing_date, i.item_date) <= %(day)s) o
WHERE o.place <= %(most)s
ORDER BY o.since, o.side, o.id
""".replace("{beyond}", _BEYOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenItem:
    """An item that was open at the end of a day, for `open_minor` of its amount. `cleared_on` is the later day that explained it since.

    `since` is the day from which on it is open: of a posting its effective date, of a line the day on which its statement closed.
    """

    item: Item
    open_minor: int
    cleared_on: date | None
    since: date

    @property
    def signed_minor(self) -> int:
        """Return it as value that came in, or went out."""
        return self.open_minor if self.item.flow == "in" else -self.open_minor

    @property
    def difference_minor(self) -> int:
        """Return by how much it makes the ledger differ from the source."""
        return self.signed_minor if self.item.side == Side.LEDGER else -self.signed_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenAt:
    """What both sides had open at the end of a day: the oldest items of each side and flow, and of all of them how many and how much."""

    items: Sequence[OpenItem]
    totals: Mapping[tuple[str, str], tuple[int, int]]

    @property
    def count(self) -> int:
        return sum(many for many, _ in self.totals.values())

    @property
    def difference_minor(self) -> int:
        """Return by how much they make the ledger differ from the source."""
        return self.signed_minor(Side.LEDGER) - self.signed_minor(Side.STATEMENT)

    def signed_minor(self, side: str) -> int:
        """Return what one side has open as value that came in, less what went out."""
        return self.totals.get((side, "in"), (0, 0))[1] - self.totals.get((side, "out"), (0, 0))[1]

    def count_of(self, side: str) -> int:
        return sum(many for (of_side, _), (many, _) in self.totals.items() if of_side == side)


def open_items_at(reconciliation: Reconciliation, *, day: date, most: int = ALL) -> OpenAt:
    """Return what both sides had open at the end of a day: what is matched only by something of a later day is open.

    Of each side and flow no more than the `most` oldest items are read; their totals are of all.
    """
    rows = _rows(_OPEN, reconciliation, day=day, most=most)
    items = Item.objects.in_bulk([row[0] for row in rows]) if most > 1 else {}
    return OpenAt(
        items=[
            OpenItem(item=items[pk], open_minor=int(minor), cleared_on=cleared, since=since)
            for pk, _, _, minor, cleared, since, *_ in rows
            if pk in items
        ],
        totals={(side, flow): (int(many), int(total)) for _, side, flow, _, _, _, _, many, total in rows},
    )


_NEW = """{beyond},
fresh AS MATERIALIZED (
    SELECT i.id, i.side, i.flow, i.amount_minor
    FROM ledger_posting p
    JOIN recon_item i ON i.reconciliation_id = %(reconciliation)s AND i.entry_id = p.entry_id AND i.entry_line = p.line
        AND i.side = 'ledger'
    WHERE p.account_id = %(account)s AND p.effective_date > %(before)s AND p.effective_date <= %(day)s
    UNION ALL
    SELECT i.id, i.side, i.flow, i.amount_minor
    FROM recon_statement s
    JOIN recon_statement_line l ON l.statement_id = s.id
    JOIN recon_item i ON i.statement_line_id = l.id AND i.reconciliation_id = %(reconciliation)s AND i.withdrawn_by_id IS NULL
    WHERE s.source_id = %(source)s AND s.closing_date > %(before)s AND s.closing_date <= %(day)s),
done AS MATERIALIZED (
    SELECT DISTINCT a.match_id FROM fresh f
    JOIN recon_allocation a ON a.item_id = f.id AND a.revoked_at IS NULL
    WHERE NOT EXISTS (SELECT FROM reaching r WHERE r.match_id = a.match_id))
SELECT 'new', f.side, count(*), coalesce(sum(CASE f.flow WHEN 'in' THEN f.amount_minor ELSE -f.amount_minor END), 0)
FROM fresh f GROUP BY f.side
UNION ALL
SELECT 'cleared', i.side, count(*), coalesce(sum(CASE i.flow WHEN 'in' THEN a.amount_minor ELSE -a.amount_minor END), 0)
FROM done d JOIN recon_allocation a ON a.match_id = d.match_id AND a.revoked_at IS NULL JOIN recon_item i ON i.id = a.item_id
GROUP BY i.side
""".replace("{beyond}", _BEYOND)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """How one side's open items went on: what was open, what came, what was cleared, and what is open; signed as value came in."""

    side: str
    opening_minor: int
    opening_count: int
    new_minor: int
    new_count: int
    cleared_minor: int
    cleared_count: int
    closing_minor: int
    closing_count: int

    @property
    def difference_minor(self) -> int:
        """Return what it lacks to come out: nothing, or an item changed while nobody said so."""
        return self.opening_minor + self.new_minor - self.cleared_minor - self.closing_minor


def roll_forward(reconciliation: Reconciliation, *, before: date, day: date, closing: OpenAt) -> list[Forward]:
    """Return how each side's open items went on from the end of one day to the end of another; `closing` are those of the latter."""
    opening = open_items_at(reconciliation, day=before, most=1)
    moved = {(kind, side): (int(count), int(minor)) for kind, side, count, minor in _rows(_NEW, reconciliation, day=day, before=before)}
    found = []
    for side in (Side.LEDGER, Side.STATEMENT):
        new_count, new_minor = moved.get(("new", side), (0, 0))
        cleared_count, cleared_minor = moved.get(("cleared", side), (0, 0))
        found.append(
            Forward(
                side=side,
                opening_minor=opening.signed_minor(side),
                opening_count=opening.count_of(side),
                new_minor=new_minor,
                new_count=new_count,
                cleared_minor=cleared_minor,
                cleared_count=cleared_count,
                closing_minor=closing.signed_minor(side),
                closing_count=closing.count_of(side),
            )
        )
    return found


def _rows(statement: str, reconciliation: Reconciliation, **values: date | int) -> list[Any]:
    parameters: Mapping[str, Any] = {
        "reconciliation": reconciliation.pk,
        "account": reconciliation.source.account_id,
        "source": reconciliation.source_id,
        **values,
    }
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
