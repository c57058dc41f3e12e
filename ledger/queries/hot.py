"""Which accounts everybody posts to, how much that makes requests wait, and how far behind the roller is."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection

from ledger.models import Account, LockWait, PostingTail
from ledger.queries import accounts_for
from ledger.queries.controls import DEFERRABLE
from ledgerops.lib.transactions import database_now

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

WINDOW_MINUTES = 60
# Over how many seconds postings are counted for their rate.
RATE_S = 60
BUSIEST = 20
MOST_SHOWN = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class HotAccount:
    """An account with what it cost others within the last hour, and how far its tail reaches."""

    account: Account
    waited_ms: int
    most_waiting: int
    longest_ms: int
    waits: Sequence[int]
    postings: int
    tail: int
    oldest_at: datetime | None
    lag_s: int

    @property
    def per_second(self) -> str:
        return f"{self.postings / RATE_S:.1f}"

    @property
    def waited_s(self) -> str:
        return f"{self.waited_ms / 1000:,.1f}"

    @property
    def may_be_deferred(self) -> bool:
        return self.account.owner_class in DEFERRABLE


def hot_accounts_for(user: "AbstractUser") -> list[HotAccount]:
    """Return the accounts in sight that requests waited for, that are busiest, deferred, or have a tail; most waited for first."""
    now = database_now()
    waits = _waits(now)
    rates = _rates(now)
    tails = _tails()
    shown = {*waits, *tails, *list(rates)[:BUSIEST]}
    accounts = accounts_for(user)
    found = {account.pk: account for account in [*accounts.filter(pk__in=shown), *accounts.filter(balance__deferred=True)]}
    rows = [_row(account, waits=waits.get(pk, []), postings=rates.get(pk, 0), tail=tails.get(pk), now=now) for pk, account in found.items()]
    rows.sort(key=lambda row: (-row.waited_ms, -row.postings, row.account.code))
    return rows[:MOST_SHOWN]


def _row(account: Account, *, waits: Sequence[LockWait], postings: int, tail: tuple[int, datetime] | None, now: datetime) -> HotAccount:
    this_minute = now.replace(second=0, microsecond=0)
    by_minute = {wait.minute: int(wait.waited_ms) for wait in waits}
    return HotAccount(
        account=account,
        waited_ms=sum(by_minute.values()),
        most_waiting=max((wait.most_waiting for wait in waits), default=0),
        longest_ms=max((wait.longest_ms for wait in waits), default=0),
        waits=[by_minute.get(this_minute - timedelta(minutes=ago), 0) for ago in reversed(range(WINDOW_MINUTES))] if waits else [],
        postings=postings,
        tail=tail[0] if tail else 0,
        oldest_at=tail[1] if tail else None,
        lag_s=max(0, int((now - tail[1]).total_seconds())) if tail else 0,
    )


def _waits(now: datetime) -> dict[int, list[LockWait]]:
    found: dict[int, list[LockWait]] = {}
    for wait in LockWait.objects.filter(minute__gt=now - timedelta(minutes=WINDOW_MINUTES)):
        found.setdefault(wait.account_id, []).append(wait)
    return found


def _rates(now: datetime) -> dict[int, int]:
    """Return how many legs each account took within the last seconds, most first: ids of entries begin with their instant."""
    since = UUID(int=int((now - timedelta(seconds=RATE_S)).timestamp() * 1000) << 80)
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.account_id, count(*) FROM ledger_posting p WHERE p.entry_id >= %s GROUP BY p.account_id ORDER BY 2 DESC", [since]
        )
        return dict(cursor.fetchall())


def _tails() -> dict[int, tuple[int, datetime]]:
    """Return the length of each account's tail, and since when its oldest leg waits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT t.account_id, count(*), min(uuid_extract_timestamp(t.entry_id)) FROM ledger_posting_tail t GROUP BY t.account_id"
        )
        return {account_id: (legs, oldest) for account_id, legs, oldest in cursor.fetchall()}


def tail_of(account: Account) -> int:
    """Return how many legs of an account still wait for the roller."""
    return PostingTail.objects.filter(account=account).count() if account.balance.deferred else 0
