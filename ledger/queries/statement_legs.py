"""The legs of one account in one of its two orders, from any place in either direction.

In the order of record a leg's place is its `account_seq`, and the balance after it stands in the leg. In the order of effective dates it is
the date and within it the `account_seq`; the balance after it is that of the days before and of the day's legs up to it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.db import connection

from ledger.accounting import DEBIT
from ledger.models import Account
from ledger.queries.balances import Sums, placed_balance, seqs_known_at

LAST_SEQ = 2**63 - 1
_SEPARATOR = "~"


class Order(StrEnum):
    """What a statement is ordered by, and so what its balances are balances of."""

    RECORD = "record"
    EFFECTIVE = "effective"


# (date, account_seq), compared as such; the order of record leaves the date at its least.
Place = tuple[date, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """Which legs of an account a statement lists: those up to an effective date, and up to a place in the order of record."""

    account: Account
    order: Order
    as_of: date
    known_at: datetime | None
    through: int

    def place_of(self, leg: "Leg") -> Place:
        return (leg.effective_date if self.order is Order.EFFECTIVE else date.min, leg.account_seq)

    def holds(self, leg: "Leg") -> bool:
        return leg.account_seq <= self.through and leg.effective_date <= self.as_of

    def signed(self, leg: "Leg") -> int:
        return leg.amount_minor if leg.direction == self.account.normal_side else -leg.amount_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """A placed leg of the account. `balance_after_minor` is that of the order of record."""

    account_seq: int
    effective_date: date
    entry_id: UUID
    line: int
    direction: str
    amount_minor: int
    balance_after_minor: int

    @property
    def is_debit(self) -> bool:
        return self.direction == DEBIT


def view_of(
    *, account: Account, order: Order, as_of: date | None = None, known_at: datetime | None = None, through: int | None = None
) -> View:
    """Return the view of an account's legs; in the order of record there is no effective date to stop at.

    `through` is the last place that was recorded at `known_at`, for a caller that has asked for it already.
    """
    if known_at is None:
        through = int(account.balance.version)
    elif through is None:
        through = seqs_known_at(account_ids=[account.pk], known_at=known_at)[account.pk]
    last_day = as_of if as_of is not None and order is Order.EFFECTIVE else date.max
    return View(account=account, order=order, as_of=last_day, known_at=known_at, through=through)


_POSTED = "p.account_seq, p.effective_date, p.entry_id, p.line, p.direction, p.amount_minor, p.balance_after_minor"
_ROLLED = "r.account_seq, r.effective_date, r.entry_id, r.line, p.direction, p.amount_minor, r.balance_after_minor"
_JOINED = "ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line"

_BY_RECORD = f"""
    SELECT * FROM (
        (SELECT {_POSTED} FROM ledger_posting p
         WHERE p.account_id = %(account)s AND p.account_seq {{beyond}} %(seq)s AND p.account_seq <= %(through)s
         ORDER BY p.account_seq {{way}} LIMIT %(size)s)
        UNION ALL
        (SELECT {_ROLLED} FROM {_JOINED}
         WHERE r.account_id = %(account)s AND r.account_seq {{beyond}} %(seq)s AND r.account_seq <= %(through)s
         ORDER BY r.account_seq {{way}} LIMIT %(size)s)) l
    ORDER BY account_seq {{way}} LIMIT %(size)s
"""

# Day after day, each by its own search in the index: days whose legs were all recorded too late cost one search and not their legs.
_BY_DAY = f"""
    SELECT l.* FROM (
        SELECT d.effective_date AS day, CASE WHEN d.effective_date = %(day)s THEN %(seq)s ELSE %(edge)s END AS edge
        FROM ledger_day_delta d
        WHERE d.account_id = %(account)s AND d.effective_date {{beyond}}= %(day)s AND d.effective_date <= %(as_of)s
        ORDER BY d.effective_date {{way}}) d
    CROSS JOIN LATERAL (
        (SELECT {_POSTED} FROM ledger_posting p
         WHERE p.account_id = %(account)s AND p.effective_date = d.day AND p.account_seq {{beyond}} d.edge AND p.account_seq <= %(through)s
         ORDER BY p.account_seq {{way}} LIMIT %(size)s)
        UNION ALL
        (SELECT {_ROLLED} FROM {_JOINED}
         WHERE r.account_id = %(account)s AND r.effective_date = d.day AND r.account_seq {{beyond}} d.edge AND r.account_seq <= %(through)s
         ORDER BY r.account_seq {{way}} LIMIT %(size)s)) l
    ORDER BY d.day {{way}}, l.account_seq {{way}} LIMIT %(size)s
"""


def legs_beyond(view: View, *, place: Place | None, down: bool, size: int) -> list[Leg]:
    """Return the legs next to a place, or from the end of the statement where it is None: `down` to older ones, else to newer ones."""
    day, seq = place or ((date.max, LAST_SEQ) if down else (date.min, 0))
    values = {
        "account": view.account.pk,
        "through": view.through,
        "as_of": view.as_of,
        "day": day,
        "seq": seq,
        "edge": LAST_SEQ if down else 0,
        "size": size,
    }
    statement = _BY_DAY if view.order is Order.EFFECTIVE else _BY_RECORD
    return _legs(statement.format(beyond="<" if down else ">", way="DESC" if down else "ASC"), values)


# From each entry up to the transaction that started it all, from there down to all that came of it, and to the legs of that.
_FAMILIES = f"""
    WITH RECURSIVE up (leaf, id, parent_id) AS (
        SELECT t.id, t.id, t.parent_id FROM ledger_transaction t WHERE t.id = ANY (%(entries)s)
        UNION ALL
        SELECT u.leaf, t.id, t.parent_id FROM up u JOIN ledger_transaction t ON t.id = u.parent_id
    ), down (root, id) AS (
        SELECT DISTINCT u.id, u.id FROM up u WHERE u.parent_id IS NULL
        UNION ALL
        SELECT d.root, t.id FROM down d JOIN ledger_transaction t ON t.parent_id = d.id
    )
    SELECT {_POSTED}, d.root FROM down d JOIN ledger_posting p ON p.entry_id = d.id
    WHERE p.account_id = %(account)s AND p.account_seq IS NOT NULL
    UNION ALL
    SELECT {_ROLLED}, d.root FROM down d JOIN {_JOINED} ON r.entry_id = d.id WHERE r.account_id = %(account)s
"""


def families_of(view: View, *, entry_ids: Sequence[UUID]) -> dict[UUID, list[Leg]]:
    """Return the legs that the view lists of the movements these entries belong to, each movement's in the view's order.

    A movement is named by the transaction that started it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_FAMILIES, {"entries": list(entry_ids), "account": view.account.pk})
        rows = cursor.fetchall()
    families: dict[UUID, list[Leg]] = {}
    for *values, root in rows:
        leg = _leg(values)
        if view.holds(leg):
            families.setdefault(root, []).append(leg)
    return {root: sorted(legs, key=view.place_of) for root, legs in families.items()}


_WITHIN_DAY = """
    SELECT coalesce(sum(amount_minor) FILTER (WHERE direction = 'debit'), 0),
           coalesce(sum(amount_minor) FILTER (WHERE direction = 'credit'), 0)
    FROM (
        SELECT p.direction, p.amount_minor FROM ledger_posting p
        WHERE p.account_id = %(account)s AND p.effective_date = %(day)s AND p.account_seq < %(seq)s
        UNION ALL
        SELECT p.direction, p.amount_minor
        FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line
        WHERE r.account_id = %(account)s AND r.effective_date = %(day)s AND r.account_seq < %(seq)s) l
"""


def balance_before(view: View, leg: Leg) -> int:
    """Return the balance just before a leg of the view, on the account's normal side and in the view's order."""
    if view.order is Order.RECORD:
        return leg.balance_after_minor - view.signed(leg)
    before = date.fromordinal(leg.effective_date.toordinal() - 1)
    opening = placed_balance(view.account, as_of=before, through=view.through, known_at=view.known_at)
    with connection.cursor() as cursor:
        cursor.execute(_WITHIN_DAY, {"account": view.account.pk, "day": leg.effective_date, "seq": leg.account_seq})
        debits, credits_ = cursor.fetchone()
    return opening + Sums(debits_minor=int(debits), credits_minor=int(credits_)).on_side_of(view.account)


def balance_at_end(view: View) -> int:
    """Return the balance after the view's newest leg."""
    return placed_balance(view.account, as_of=view.as_of, through=view.through, known_at=view.known_at)


def _legs(statement: str, values: dict[str, Any]) -> list[Leg]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        return [_leg(row) for row in cursor.fetchall()]


def _leg(row: Sequence[Any]) -> Leg:
    seq, day, entry_id, line, direction, amount, after = row
    return Leg(
        account_seq=seq,
        effective_date=day,
        entry_id=entry_id,
        line=line,
        direction=direction,
        amount_minor=int(amount),
        balance_after_minor=int(after),
    )


def cursor_of(view: View, place: Place) -> str:
    """Return a place as an address carries it."""
    day, seq = place
    return f"{day.isoformat()}{_SEPARATOR}{seq}" if view.order is Order.EFFECTIVE else str(seq)


def place_from(view: View, cursor: str) -> Place | None:
    """Return the place that a cursor names, or None if it is no cursor of this order."""
    day, separator, seq = cursor.rpartition(_SEPARATOR)
    if not (seq.isascii() and seq.isdigit() and len(seq) < 19) or bool(separator) != (view.order is Order.EFFECTIVE):
        return None
    try:
        return (date.fromisoformat(day) if separator else date.min, int(seq))
    except ValueError:
        return None
