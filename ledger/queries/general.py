"""The general ledger: what each account held before a range of days, what moved it, and what it held after.

Opening and closing come from closes and days; only the legs of one account that somebody unfolds are read from its postings.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Exists, OuterRef, QuerySet

from ledger.models import Account, DayDelta, Posting
from ledger.queries.balances import NOTHING, Sums, balances_as_of


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneralRow:
    """One account over a range of days; balances are on its normal side."""

    account: Account
    opening_minor: int
    debits_minor: int
    credits_minor: int
    closing_minor: int


def with_movement(accounts: QuerySet[Account], *, since: date, until: date) -> QuerySet[Account]:
    """Return the accounts that moved on one of the days."""
    days = DayDelta.objects.filter(account_id=OuterRef("pk"), effective_date__gte=since, effective_date__lte=until)
    return accounts.filter(Exists(days))


def general_ledger(*, accounts: Sequence[Account], since: date, until: date) -> list[GeneralRow]:
    """Return each account's opening, movement and closing, in the order given."""
    ids = [account.pk for account in accounts]
    opening = balances_as_of(account_ids=ids, as_of=since - timedelta(days=1))
    closing = balances_as_of(account_ids=ids, as_of=until)
    return [_row(account, opening=opening.get(account.pk, NOTHING), closing=closing.get(account.pk, NOTHING)) for account in accounts]


def _row(account: Account, *, opening: Sums, closing: Sums) -> GeneralRow:
    moved = closing.minus(opening)
    return GeneralRow(
        account=account,
        opening_minor=opening.on_side_of(account),
        debits_minor=moved.debits_minor,
        credits_minor=moved.credits_minor,
        closing_minor=closing.on_side_of(account),
    )


def movements(account: Account, *, since: date, until: date) -> QuerySet[Posting]:
    """Return an account's legs of the days, oldest day first and within it in the account's own order."""
    legs = Posting.objects.filter(account=account, effective_date__gte=since, effective_date__lte=until)
    return legs.select_related("entry__type", "asset").order_by("effective_date", "account_seq")
