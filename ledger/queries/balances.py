"""Balances at any time: now, as of an effective date, as of an instant of recording, and as of a date as it was known at an instant.

The caller has passed its accounts through a gate. A posting is known from its `posted_at` on. Along `account_seq` these instants only
grow, because both are taken under the lock of the balance: what was known at an instant is a first part of the account's own order, whose
end is found by halving. The legs of a deferred account stand in that order once the roller has placed them; those it has not placed yet
are folded in from the tail.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from ledger.accounting import DEBIT
from ledger.models import Account
from ledger.queries.effective import effective_sums

# Below so many postings it is not worth asking which way round is the shortest.
FEW = 2_000


class Sums(NamedTuple):
    """What was debited and credited in all."""

    debits_minor: int
    credits_minor: int

    def minus(self, other: "Sums") -> "Sums":
        return Sums(debits_minor=self.debits_minor - other.debits_minor, credits_minor=self.credits_minor - other.credits_minor)

    def plus(self, other: "Sums") -> "Sums":
        return Sums(debits_minor=self.debits_minor + other.debits_minor, credits_minor=self.credits_minor + other.credits_minor)

    def on_side_of(self, account: Account) -> int:
        """Return the balance on the account's normal side."""
        net = self.debits_minor - self.credits_minor
        return net if account.normal_side == DEBIT else -net


NOTHING = Sums(debits_minor=0, credits_minor=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Current:
    """What an account holds now on its normal side. `waiting` legs of a deferred account have no place yet; the sums include them."""

    sums: Sums
    posted_minor: int
    pending_out_minor: int
    pending_in_minor: int
    available_minor: int
    overdraft_limit_minor: int | None
    version: int
    waiting: int
    waiting_minor: int


# Most accounts are strict, and the row of a balance is all there is to know of those.
_STRICT = """
    SELECT account_id, debit_normal, posted_debits_minor, posted_credits_minor, pending_debits_minor, pending_credits_minor,
           overdraft_limit_minor, version, 0, 0, deferred
    FROM ledger_balance WHERE account_id = ANY (%(accounts)s)
"""
_DEFERRED = """
    SELECT b.account_id, b.debit_normal, b.posted_debits_minor + t.debits, b.posted_credits_minor + t.credits,
           b.pending_debits_minor, b.pending_credits_minor, b.overdraft_limit_minor, b.version, t.n, t.debits - t.credits
    FROM ledger_balance b
    CROSS JOIN LATERAL (
        SELECT count(*) AS n, coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'debit'), 0) AS debits,
               coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'credit'), 0) AS credits
        FROM ledger_posting_tail t WHERE t.account_id = b.account_id) t
    WHERE b.account_id = ANY (%(accounts)s)
"""


def current_balances(*, account_ids: Sequence[int]) -> dict[int, Current]:
    """Return what each account holds now: posted, pending and available."""
    rows = _rows(_STRICT, accounts=list(account_ids))
    deferred = [row[0] for row in rows if row[-1]]
    found = {row[0]: _current(row[:-1]) for row in rows if not row[-1]}
    if deferred:
        found |= {row[0]: _current(row) for row in _rows(_DEFERRED, accounts=deferred)}
    return found


def current_balance(account: Account) -> Current:
    """Return what an account holds, as it was read with its balance: only a deferred one is asked for what waits for its place."""
    balance = account.balance
    if balance.deferred:
        return current_balances(account_ids=[account.pk])[account.pk]
    return Current(
        sums=_sums(balance.posted_debits_minor, balance.posted_credits_minor),
        posted_minor=balance.posted_minor,
        pending_out_minor=balance.pending_out_minor,
        pending_in_minor=balance.pending_in_minor,
        available_minor=balance.available_minor,
        overdraft_limit_minor=None if balance.overdraft_limit_minor is None else int(balance.overdraft_limit_minor),
        version=int(balance.version),
        waiting=0,
        waiting_minor=0,
    )


def _current(row: Sequence[Any]) -> Current:
    _, debit_normal, debits, credits_, pending_debits, pending_credits, limit, version, waiting, waiting_net = row
    sign = 1 if debit_normal else -1
    out, into = (pending_credits, pending_debits) if debit_normal else (pending_debits, pending_credits)
    posted = sign * int(debits - credits_)
    return Current(
        sums=Sums(debits_minor=int(debits), credits_minor=int(credits_)),
        posted_minor=posted,
        pending_out_minor=int(out),
        pending_in_minor=int(into),
        available_minor=posted - int(out) + int(limit or 0),
        overdraft_limit_minor=None if limit is None else int(limit),
        version=version,
        waiting=waiting,
        waiting_minor=sign * int(waiting_net),
    )


def balances_as_of(*, account_ids: Sequence[int], as_of: date) -> dict[int, Sums]:
    """Return each account's sums at the end of an effective date, as they are known now."""
    rows = effective_sums(account_ids=account_ids, as_of=as_of, known_at=None)
    return {account: Sums(debits + late, credits_ + late_credits) for account, _, debits, credits_, late, late_credits in rows}


# The last place is asked first: most accounts have been quiet since, and are done with that.
_SEQS = """
    WITH RECURSIVE halving (account_id, low, high, middle) AS (
        SELECT b.account_id, 0::bigint, b.version, b.version FROM ledger_balance b WHERE b.account_id = ANY (%(accounts)s)
        UNION ALL
        SELECT account_id, low, high, (low + high + 1) / 2
        FROM (
            SELECT h.account_id, CASE WHEN k.is_known THEN h.middle ELSE h.low END AS low,
                   CASE WHEN k.is_known THEN h.high ELSE h.middle - 1 END AS high
            FROM halving h
            CROSS JOIN LATERAL (
                SELECT coalesce(
                    (SELECT e.posted_at FROM ledger_posting p JOIN ledger_entry e ON e.id = p.entry_id
                     WHERE p.account_id = h.account_id AND p.account_seq = h.middle),
                    (SELECT r.rolled_at FROM ledger_rolled_posting r WHERE r.account_id = h.account_id AND r.account_seq = h.middle)
                ) <= %(known_at)s AS is_known) k
            WHERE h.low < h.high) next
    )
    SELECT account_id, low, coalesce(
               (SELECT p.balance_after_minor FROM ledger_posting p WHERE p.account_id = f.account_id AND p.account_seq = f.low),
               (SELECT r.balance_after_minor FROM ledger_rolled_posting r WHERE r.account_id = f.account_id AND r.account_seq = f.low), 0)
    FROM halving f WHERE low = high
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What an account held on its normal side when its leg `account_seq` was its last; 0 is before its first."""

    account_seq: int
    balance_minor: int


def balances_recorded_at(*, account_ids: Sequence[int], recorded_at: datetime) -> dict[int, Recorded]:
    """Return what each account held at an instant, whatever the effective dates of its postings.

    A leg of a deferred account counts from when the roller placed it.
    """
    return {
        account: Recorded(account_seq=seq, balance_minor=int(held))
        for account, seq, held in _rows(_SEQS, accounts=list(account_ids), known_at=recorded_at)
    }


def seqs_known_at(*, account_ids: Sequence[int], known_at: datetime) -> dict[int, int]:
    """Return the last place in each account's own order that was recorded by an instant; 0 where there was none."""
    recorded = balances_recorded_at(account_ids=account_ids, recorded_at=known_at)
    return {account: one.account_seq for account, one in recorded.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Cut:
    """An account whose postings from `after` to `through` were recorded too late to be known."""

    account_id: int
    after: int
    through: int


def balances_known_at(*, account_ids: Sequence[int], as_of: date, known_at: datetime) -> dict[int, Sums]:
    """Return each account's sums at the end of an effective date as they were known at an instant."""
    # The places first: what is posted between the two statements lies behind both and is taken away again.
    seqs = seqs_known_at(account_ids=account_ids, known_at=known_at)
    known: dict[int, Sums] = {}
    cuts = []
    for account, version, debits, credits_, waited, waited_credits in effective_sums(
        account_ids=account_ids, as_of=as_of, known_at=known_at
    ):
        known[account] = Sums(debits + waited, credits_ + waited_credits)
        if version > seqs[account]:
            cuts.append(_Cut(account_id=account, after=seqs[account], through=version))
    for account, late in _late_sums(cuts, as_of=as_of, known_at=known_at).items():
        known[account] = known[account].minus(late)
    return known


# Of the legs recorded later than a cut those that count to a date: few of them are found by their places, many day by day, where each day's
# search begins at the cut, so that only what counts is read. The addition of nothing and the offset keep the planner on the way it is sent.
_LATE = """
    SELECT k.id, coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'debit'), 0),
           coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'credit'), 0)
    FROM unnest(%(accounts)s::bigint[], %(after)s::bigint[], %(through)s::bigint[]) AS k (id, after, through)
    CROSS JOIN LATERAL (
        SELECT p.direction, p.amount_minor FROM {legs}
        UNION ALL
        SELECT p.direction, p.amount_minor
        FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line
        JOIN ledger_entry e ON e.id = r.entry_id
        WHERE r.account_id = k.id AND r.account_seq > k.after AND r.account_seq <= k.through AND r.effective_date <= %(as_of)s
          AND e.posted_at > %(known_at)s) l
    GROUP BY k.id
"""
_BY_PLACE = """ledger_posting p
    WHERE p.account_id = k.id AND p.account_seq > k.after AND p.account_seq <= k.through AND p.effective_date + 0 <= %(as_of)s"""
_BY_DAY = """ledger_day_delta d CROSS JOIN LATERAL (
        SELECT p.* FROM ledger_posting p
        WHERE p.account_id = k.id AND p.effective_date = d.effective_date AND p.account_seq > k.after AND p.account_seq <= k.through
        OFFSET 0) p
    WHERE d.account_id = k.id AND d.effective_date <= %(as_of)s"""


def _late_sums(cuts: Sequence[_Cut], *, as_of: date, known_at: datetime | None) -> dict[int, Sums]:
    """Return the sums of what counts to a date and came after a cut, each account's by the shorter way.

    A leg that waited for its place at the instant is no late one; without an instant places alone count.
    """
    by_day = [cut for cut in cuts if cut.through - cut.after > FEW]
    by_place = [cut for cut in cuts if cut.through - cut.after <= FEW]
    found: dict[int, Sums] = {}
    for way, group in ((_BY_PLACE, by_place), (_BY_DAY, by_day)):
        if group:
            rows = _rows(
                _LATE.format(legs=way),
                accounts=[cut.account_id for cut in group],
                after=[cut.after for cut in group],
                through=[cut.through for cut in group],
                as_of=as_of,
                known_at=known_at or "-infinity",
            )
            found |= {account: _sums(debits, credits_) for account, debits, credits_ in rows}
    return found


def _sums(debits: Any, credits_: Any) -> Sums:
    return Sums(debits_minor=int(debits), credits_minor=int(credits_))


def _rows(statement: str, **parameters: Any) -> Iterable[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


def placed_sums(*, account_id: int, as_of: date, through: int) -> Sums:
    """Return the sums of an account's legs that count to a date and have a place up to `through`: what its statement lists."""
    ((_, version, debits, credits_, _, _),) = effective_sums(account_ids=[account_id], as_of=as_of, known_at=None)
    sums = Sums(debits, credits_)
    if version == through:
        return sums
    cut = _Cut(account_id=account_id, after=through, through=version)
    return sums.minus(_late_sums([cut], as_of=as_of, known_at=None).get(account_id, NOTHING))


_RECORDED_LESS_LATER_DAYS = """
    SELECT coalesce(
               (SELECT p.balance_after_minor FROM ledger_posting p WHERE p.account_id = %(account)s AND p.account_seq = %(through)s),
               (SELECT r.balance_after_minor FROM ledger_rolled_posting r
                WHERE r.account_id = %(account)s AND r.account_seq = %(through)s), 0),
           coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'debit'), 0),
           coalesce(sum(l.amount_minor) FILTER (WHERE l.direction = 'credit'), 0)
    FROM ledger_day_delta d
    CROSS JOIN LATERAL (
        (SELECT p.direction, p.amount_minor FROM ledger_posting p
         WHERE p.account_id = %(account)s AND p.effective_date = d.effective_date AND p.account_seq <= %(through)s OFFSET 0)
        UNION ALL
        (SELECT p.direction, p.amount_minor
         FROM ledger_rolled_posting r JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line
         WHERE r.account_id = %(account)s AND r.effective_date = d.effective_date AND r.account_seq <= %(through)s)) l
    WHERE d.account_id = %(account)s AND d.effective_date > %(as_of)s
"""


def placed_balance(account: Account, *, as_of: date, through: int, known_at: datetime | None) -> int:
    """Return on the normal side what `placed_sums` comes to, at a cost that does not grow with what was recorded since.

    Of what was recorded by an instant little counts to days after it: it is taken from the balance that stands in the last leg.
    """
    if known_at is None or as_of < known_at.date():
        return placed_sums(account_id=account.pk, as_of=as_of, through=through).on_side_of(account)
    ((recorded, debits, credits_),) = _rows(_RECORDED_LESS_LATER_DAYS, account=account.pk, as_of=as_of, through=through)
    return int(recorded) - _sums(debits, credits_).on_side_of(account)


@dataclass(frozen=True, slots=True, kw_only=True)
class LateLeg:
    """A leg that was not known at an instant, with what its entry says; one of a deferred account may have no place yet."""

    entry_id: UUID
    number: int
    posted_at: datetime
    description: str
    account_seq: int | None
    effective_date: date
    direction: str
    amount_minor: int

    @property
    def public_number(self) -> str:
        return f"LE-{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """What a date comes to now and what it came to at an instant, with the latest legs that make the difference."""

    now: Sums
    known: Sums
    late: Sequence[LateLeg]
    more: bool


_LATE_LEGS = """
    WITH k AS (SELECT %(account)s::bigint AS id, %(after)s::bigint AS after, %(through)s::bigint AS through)
    SELECT late.entry_id, e.number, e.posted_at, e.description, late.account_seq, late.effective_date, late.direction, late.amount_minor
    FROM (
        (SELECT p.entry_id, p.account_seq, p.effective_date, p.direction, p.amount_minor
         FROM k CROSS JOIN LATERAL (
            SELECT p.* FROM {legs} ORDER BY p.account_seq DESC LIMIT %(size)s) p)
        UNION ALL
        (SELECT r.entry_id, r.account_seq, r.effective_date, p.direction, p.amount_minor
         FROM k JOIN ledger_rolled_posting r ON r.account_id = k.id AND r.account_seq > k.after AND r.account_seq <= k.through
         JOIN ledger_posting p ON p.entry_id = r.entry_id AND p.line = r.line JOIN ledger_entry e ON e.id = r.entry_id
         WHERE r.effective_date <= %(as_of)s AND e.posted_at > %(known_at)s ORDER BY r.account_seq DESC LIMIT %(size)s)
        UNION ALL
        (SELECT t.entry_id, NULL, t.effective_date, t.direction, t.amount_minor
         FROM k JOIN ledger_posting_tail t ON t.account_id = k.id JOIN ledger_entry e ON e.id = t.entry_id
         WHERE t.effective_date <= %(as_of)s AND e.posted_at > %(known_at)s ORDER BY t.entry_id DESC LIMIT %(size)s)) late
    JOIN ledger_entry e ON e.id = late.entry_id
    ORDER BY account_seq DESC NULLS FIRST LIMIT %(size)s
"""


def difference_of(*, account_id: int, as_of: date, known_at: datetime, after: int, size: int) -> Difference:
    """Return what makes the difference between now and an instant, `after` being the account's last place that was recorded by then."""
    ((_, through, debits, credits_, waiting, waiting_credits),) = effective_sums(account_ids=[account_id], as_of=as_of, known_at=None)
    sums = Sums(debits, credits_)
    cut = _Cut(account_id=account_id, after=after, through=through)
    # The latest legs come first: where the date lies before the instant, few of those that came after it still count to it.
    by_day = through - after > FEW and as_of < known_at.date()
    rows = _rows(
        _LATE_LEGS.format(legs=_BY_DAY if by_day else _BY_PLACE),
        account=account_id,
        after=after,
        through=through,
        as_of=as_of,
        known_at=known_at,
        size=size + 1,
    )
    late = [
        LateLeg(
            entry_id=entry_id,
            number=number,
            posted_at=posted_at,
            description=description,
            account_seq=seq,
            effective_date=day,
            direction=direction,
            amount_minor=int(amount),
        )
        for entry_id, number, posted_at, description, seq, day, direction, amount in rows
    ]
    now = sums.plus(Sums(waiting, waiting_credits))
    if len(late) <= size:
        known = now.minus(_added(late))
    else:
        # More than is listed: what each of them moved is summed where it lies.
        placed = _late_sums([cut], as_of=as_of, known_at=known_at).get(account_id, NOTHING)
        ((_, _, _, _, waited, waited_credits),) = effective_sums(account_ids=[account_id], as_of=as_of, known_at=known_at)
        known = sums.minus(placed).plus(Sums(waited, waited_credits))
    return Difference(now=now, known=known, late=late[:size], more=len(late) > size)


def _added(legs: Sequence[LateLeg]) -> Sums:
    return Sums(
        debits_minor=sum(leg.amount_minor for leg in legs if leg.direction == DEBIT),
        credits_minor=sum(leg.amount_minor for leg in legs if leg.direction != DEBIT),
    )


_DAYS = """
    SELECT b.account_id, b.posted_debits_minor - b.posted_credits_minor + t.net, d.effective_date, d.debits_minor - d.credits_minor
    FROM ledger_balance b
    LEFT JOIN ledger_day_delta d ON d.account_id = b.account_id AND d.effective_date > %(since)s
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(CASE t.direction WHEN 'debit' THEN t.amount_minor ELSE -t.amount_minor END), 0) AS net
        FROM ledger_posting_tail t WHERE b.deferred AND t.account_id = b.account_id) t
    WHERE b.account_id = ANY (%(accounts)s)
"""


def balances_by_day(*, accounts: Iterable[Account], since: date, until: date) -> dict[int, list[tuple[date, int]]]:
    """Return each account's balance on its normal side at the end of the days after `since` up to `until`, oldest first.

    Legs that wait for their place count to every day: a picture needs no more of them.
    """
    by_id = {account.pk: account for account in accounts}
    levels: dict[int, int] = {}
    moved: dict[int, dict[date, int]] = {}
    for account_id, level, day, net in _rows(_DAYS, accounts=list(by_id), since=since):
        levels[account_id] = int(level)
        if day is not None:
            moved.setdefault(account_id, {})[day] = int(net)
    days = [until - timedelta(days=n) for n in range((until - since).days)]
    found = {}
    for account_id, account in by_id.items():
        nets = moved.get(account_id, {})
        level = levels[account_id] - sum(net for day, net in nets.items() if day > until)
        sign = 1 if account.normal_side == DEBIT else -1
        history = []
        for day in days:
            history.append((day, sign * level))
            level -= nets.get(day, 0)
        found[account_id] = history[::-1]
    return found
