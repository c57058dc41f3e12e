"""What has been undone of an entry, what is left of it, and by which entries."""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import QuerySet

from approvals.models import User
from ledger.accounting import CREDIT, DEBIT
from ledger.models import Account, JournalEntry, Posting, ReversedLeg
from ledger.queries import entries_for
from ledgerops.lib import money


@dataclass(frozen=True, slots=True, kw_only=True)
class LegLeft:
    """An account and side of a posted entry: how much was posted, and how much of it undone."""

    account: Account
    direction: str
    posted_minor: int
    undone_minor: int

    @property
    def left_minor(self) -> int:
        return self.posted_minor - self.undone_minor

    @property
    def other_side(self) -> str:
        return CREDIT if self.direction == DEBIT else DEBIT

    @property
    def left_text(self) -> str:
        return f"{money.grouped(self.left_minor, scale=self.account.asset.scale)} {self.account.asset.code}"


def legs_left(entry: JournalEntry) -> list[LegLeft]:
    """Return an entry's legs by account and side, in the order they first appear, with what is left of each."""
    undone = {(leg.account_id, leg.direction): int(leg.reversed_minor) for leg in ReversedLeg.objects.filter(entry=entry)}
    posted: defaultdict[tuple[int, str], int] = defaultdict(int)
    accounts: dict[int, Account] = {}
    for leg in Posting.objects.filter(entry=entry).select_related("account__asset", "account__balance").order_by("line"):
        posted[leg.account_id, leg.direction] += int(leg.amount_minor)
        accounts[leg.account_id] = leg.account
    return [
        LegLeft(account=accounts[pk], direction=side, posted_minor=amount, undone_minor=undone.get((pk, side), 0))
        for (pk, side), amount in posted.items()
    ]


def reversals_for(user: User, *, entry: JournalEntry) -> QuerySet[JournalEntry]:
    """Return the entries in sight that undo this one, oldest first."""
    return entries_for(user).filter(reverses=entry).order_by("number")
