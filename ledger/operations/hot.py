"""Accounts that everybody posts to: folding deferred legs into balances, and measuring who waits for whom."""

import time
from datetime import timedelta

from django.db import connection, transaction
from django.db.models.functions import Now

from ledger.models import LockWait
from ledgerops.lib.transactions import retried

ROLLED_AT_ONCE = 2_000
ROUNDS = 5

# How lock waits are sampled: so many looks, so far apart, and for how much time each look stands.
LOOKS = 10
APART_S = 0.05
EVERY_S = 5.0
KEPT_DAYS = 7

# One row for each account that has a tail, whatever the length of the tails: an index skipping through its accounts.
_WITH_TAILS = """
    WITH RECURSIVE tail AS (
        (SELECT account_id FROM ledger_posting_tail ORDER BY account_id LIMIT 1)
        UNION ALL
        SELECT (SELECT t.account_id FROM ledger_posting_tail t WHERE t.account_id > tail.account_id ORDER BY t.account_id LIMIT 1)
        FROM tail WHERE tail.account_id IS NOT NULL)
    SELECT account_id FROM tail WHERE account_id IS NOT NULL
"""


def roll_deferred(*, at_most: int = ROLLED_AT_ONCE) -> int:
    """Fold waiting legs into the balances of their accounts, a bounded batch to a transaction; returns how many legs.

    May run at any time and in several workers: an account that another one is rolling is left to it. It derives figures and states
    nothing new, so it is on no trail.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WITH_TAILS)
        accounts = [account_id for (account_id,) in cursor.fetchall()]
    rolled = 0
    for account_id in accounts:
        for _ in range(ROUNDS):
            folded = retried(lambda account_id=account_id: _roll(account_id, at_most=at_most))  # type: ignore[misc]
            rolled += folded
            if folded < at_most:
                break
    return rolled


def _roll(account_id: int, *, at_most: int) -> int:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(4203, hashint8(%s))", [account_id])
        if not cursor.fetchone()[0]:
            return 0
        cursor.execute("SELECT ledger_roll_account_v1(%s, %s)", [account_id, at_most])
        return int(cursor.fetchone()[0])


# Whoever waits for a row holds or awaits the lock of its place in the table; what keeps them waiting is the one lock not granted to them.
_WAITING = """
    WITH held AS MATERIALIZED (SELECT * FROM pg_locks)
    SELECT b.account_id, count(DISTINCT place.pid),
           max(extract(epoch FROM clock_timestamp() - wait.waitstart) * 1000)::bigint
    FROM held place
    JOIN held wait ON wait.pid = place.pid AND NOT wait.granted
    JOIN ledger_balance b ON b.ctid = format('(%s,%s)', place.page, place.tuple)::tid
    WHERE place.locktype = 'tuple' AND place.relation = 'ledger_balance'::regclass
      AND place.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
    GROUP BY b.account_id
"""

_ADD = """
    INSERT INTO ledger_lock_wait AS w (account_id, minute, waited_ms, most_waiting, longest_ms)
    VALUES (%s, date_trunc('minute', clock_timestamp()), %s, %s, %s)
    ON CONFLICT (account_id, minute) DO UPDATE SET waited_ms = w.waited_ms + excluded.waited_ms,
        most_waiting = greatest(w.most_waiting, excluded.most_waiting), longest_ms = greatest(w.longest_ms, excluded.longest_ms)
"""


def sample_lock_waits(*, looks: int = LOOKS, apart_s: float = APART_S, stands_for_s: float = EVERY_S / LOOKS) -> int:
    """Look several times at who waits for an account's balance, and add what each look stands for to the present minute; returns the waits.

    Posting itself measures nothing, so measuring cannot slow it: how long requests waited is estimated from how many wait when it is
    looked at (docs/decisions/0009). The figures are no facts of the books and go after a week.
    """
    seen = 0
    with connection.cursor() as cursor:
        for look in range(looks):
            if look:
                time.sleep(apart_s)
            # Its values are in the statement, where a percent sign means itself.
            cursor.execute(_WAITING)
            for account_id, waiting, longest_ms in cursor.fetchall():
                seen += waiting
                cursor.execute(_ADD, [account_id, int(waiting * stands_for_s * 1000), waiting, max(0, longest_ms or 0)])
    LockWait.objects.filter(minute__lt=Now() - timedelta(days=KEPT_DAYS)).delete()
    return seen
