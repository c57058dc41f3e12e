"""Reads of a loaded ledger, timed in a client's process: the product's queries, and the plain SQL that each is held against."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from functools import partial
from statistics import median
from typing import Any

from django.db import connection
from django.http import QueryDict

from ledger import operations, queries
from ledger.models import Account, Posting
from ledger.queries.balances import balances_recorded_at, current_balances
from ledger.queries.trial import trial_balance
from ledgerops.bench.books import HOT
from ledgerops.lib.paging import PAGE_SIZE, page_of

AS_OF = date(2026, 6, 30)
# A day on which the books were closed, one in the middle of a closed month, and one in the month that is open; most postings count to each.
DAYS = (date(2026, 9, 30), date(2026, 10, 16), date(2026, 11, 15))


def read(*, what: str, times: int) -> dict[str, Any]:
    """Read so often and return the median seconds, and what was read."""
    account = Account.objects.select_related("balance").get(code=HOT)
    reading = READINGS[what]
    found = reading(account)
    seconds = []
    for _ in range(times):
        started = time.perf_counter()
        reading(account)
        seconds.append(time.perf_counter() - started)
    return {"seconds": median(seconds), "found": found}


def _rows(statement: str, parameters: list[Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())


@contextmanager
def _one_process() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SET max_parallel_workers_per_gather = 0")
        yield
        cursor.execute("RESET max_parallel_workers_per_gather")


def _primary_key(account: Account) -> str:
    ((debits, credits_),) = _rows(
        "SELECT posted_debits_minor, posted_credits_minor FROM ledger_balance WHERE account_id = %s", [account.pk]
    )
    return str(debits - credits_)


def _current(account: Account) -> str:
    return str(current_balances(account_ids=[account.pk])[account.pk].posted_minor)


def _effective(account: Account) -> str:
    return str(queries.effective_balance(account=account, as_of=AS_OF))


def _recorded(account: Account) -> str:
    """Read the balance as it was recorded in the middle of all postings, which is where halving takes longest."""
    if account.pk not in _MIDDLE:
        middle = Posting.objects.select_related("entry").get(account=account, account_seq=max(account.balance.version // 2, 1))
        _MIDDLE[account.pk] = middle.entry.posted_at
    return str(balances_recorded_at(account_ids=[account.pk], recorded_at=_MIDDLE[account.pk])[account.pk])


_MIDDLE: dict[int, datetime] = {}


def _check(_account: Account) -> int:
    """Examine the whole books and return how many findings there are."""
    return operations.check_books(full=True).findings_count


def _trial_balance(day: date, _account: Account) -> list[list[str]]:
    rows = trial_balance(accounts=Account.objects.all(), as_of=day)
    return [[row.code, str(row.debit_minor - row.credit_minor)] for row in rows]


def _sum(day: date, _account: Account) -> list[list[str]]:
    """Add up all postings to a day in one process, as the trial balance is read in one."""
    statement = """
        SELECT a.code, moved.net FROM (
            SELECT account_id, sum(CASE direction WHEN 'debit' THEN amount_minor ELSE -amount_minor END) AS net
            FROM ledger_posting WHERE effective_date <= %s GROUP BY account_id
        ) moved JOIN ledger_account a ON a.id = moved.account_id
    """
    with _one_process():
        return sorted([code, str(net)] for code, net in _rows(statement, [day]))


def _page(account: Account, *, after: str) -> int:
    query = QueryDict(mutable=True)
    if after:
        query["after"] = after
    page = page_of(queries.account_postings(account), query=query, order=("-account_seq",))
    return len([(leg.entry.description, leg.amount_minor) for leg in page.rows])


def _first_page(account: Account) -> int:
    return _page(account, after="")


def _last_page(account: Account) -> int:
    return _page(account, after=str(PAGE_SIZE + 1))


def _scan(_account: Account) -> str:
    """Add up all postings in one process."""
    with _one_process():
        ((total,),) = _rows(f"SELECT sum(amount_minor) FROM {Posting._meta.db_table}", [])  # noqa: S608 (a constant)
    return str(total)


READINGS: Mapping[str, Callable[[Account], Any]] = {
    "primary_key": _primary_key,
    "current": _current,
    "effective": _effective,
    "recorded": _recorded,
    "check": _check,
    **{f"trial_balance {day}": partial(_trial_balance, day) for day in DAYS},
    **{f"sum {day}": partial(_sum, day) for day in DAYS},
    "first_page": _first_page,
    "last_page": _last_page,
    "scan": _scan,
}
