"""Sums of accounts at the end of an effective date: what stood on the nearest ground, and the days between the two."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from itertools import groupby

from ledger.queries.grounds import PRESENT, Ground, grounds_of
from ledgerops.lib.prepared import array, read, rows

# What stood on the ground, and the days between it and the date. One text of numbers: thousands of accounts are read at a time, and a value
# of a row each would take longer than adding them up. $1 are the accounts, $2 entities and $3 closes, $4 and $5 what the days lie between,
# $6 the date, $7 whether it is reckoned from the present, $8 until when what waits for its place was recorded.
_AS_OF = """
    SELECT '[' || string_agg('[' || concat_ws(',', a.id, b.version,
               CASE WHEN $7::boolean THEN b.posted_debits_minor ELSE coalesce(h.debits_minor, 0) END,
               CASE WHEN $7::boolean THEN b.posted_credits_minor ELSE coalesce(h.credits_minor, 0) END,
               coalesce(d.debits, 0), coalesce(d.credits, 0), coalesce(t.debits, 0), coalesce(t.credits, 0)) || ']', ',') || ']'
    FROM ledger_account a
    JOIN ledger_balance b ON b.account_id = a.id
    LEFT JOIN {closes} h ON h.account_id = a.id
    LEFT JOIN {days} ON d.account_id = a.id
    LEFT JOIN (
        SELECT t.account_id, coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'debit'), 0) AS debits,
               coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'credit'), 0) AS credits
        FROM ledger_posting_tail t JOIN ledger_entry e ON e.id = t.entry_id
        WHERE t.account_id = ANY ($1::bigint[]) AND t.effective_date <= $6::date AND e.posted_at <= $8::timestamptz
        GROUP BY t.account_id) t ON t.account_id = a.id
    WHERE a.id = ANY ($1::bigint[]) AND a.entity_id = ANY ($2::bigint[])
"""
# The days of some accounts are found account by account, those of many in one stretch: they lie together as they were written.
_DAYS_OF_SOME = """LATERAL (
        SELECT a.id AS account_id, sum(x.debits_minor) AS debits, sum(x.credits_minor) AS credits FROM ledger_day_delta x
        WHERE x.account_id = a.id AND x.effective_date > $4::date AND x.effective_date <= $5::date) d"""
_DAYS_OF_MANY = """(
        SELECT x.account_id, sum(x.debits_minor) AS debits, sum(x.credits_minor) AS credits FROM ledger_day_delta x
        WHERE x.effective_date > $4::date AND x.effective_date <= $5::date GROUP BY x.account_id) d"""
_CLOSES = "SELECT * FROM ledger_close_balance WHERE close_id = ANY ($3::bigint[])"
_AS_OF_OF_SOME = _AS_OF.format(days=_DAYS_OF_SOME, closes=f"({_CLOSES})")
# The offset has closes read whole, too, and not account by account.
_AS_OF_OF_MANY = _AS_OF.format(days=_DAYS_OF_MANY, closes=f"({_CLOSES} OFFSET 0)")
_ACCOUNTS_IN_ALL = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'ledger_account'::regclass"
# So many accounts of all are many: reading a day of an account by itself takes several times as long as among others.
MANY = 0.1
# So few are read one by one without asking how many there are.
FEW = 60


def effective_sums(*, account_ids: Sequence[int], as_of: date, known_at: datetime | None) -> Iterable[tuple[int, int, int, int, int, int]]:
    """Return for each account its last place, its sums at a date, and those of the legs that had no place yet."""
    grounds = sorted(grounds_of(account_ids=account_ids, as_of=as_of), key=_stands_on)
    many = len(account_ids) > FEW and _are_many(len(account_ids))
    for stands_on, group in groupby(grounds, key=_stands_on):
        of_day = list(group)
        found = read(
            _AS_OF_OF_MANY if many else _AS_OF_OF_SOME,
            [
                array(account_ids),
                array(ground.entity_id for ground in of_day),
                array(ground.close_id for ground in of_day if ground.close_id),
                str(min(stands_on, as_of)),
                str(max(stands_on, as_of)),
                str(as_of),
                str(stands_on == PRESENT),
                known_at.isoformat() if known_at else "infinity",
            ],
        )
        sign = -1 if stands_on > as_of else 1
        for account, version, debits, credits_, day_debits, day_credits, late, late_credits in found or ():
            yield account, version, debits + sign * day_debits, credits_ + sign * day_credits, late, late_credits


def _stands_on(ground: Ground) -> date:
    return ground.stands_on


def _are_many(accounts: int) -> bool:
    """Return whether so many accounts are a good part of all; where the database has not counted them yet, they are."""
    ((in_all,),) = rows(_ACCOUNTS_IN_ALL, [])
    return accounts >= MANY * int(in_all or 0)
