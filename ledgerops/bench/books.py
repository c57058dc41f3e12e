"""The books of a benchmark, and what its clients do to them: all that is said here of the chart and of posting."""

import random
import resource
import time
import uuid
from collections.abc import Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from approvals import operations as approvals
from ledger import operations
from ledger.accounting import EntryDraft, Line
from ledger.models import Account, AccountGroup, AccountingPeriod, AccountType, Asset, LegalEntity, OwnerClass, PeriodStatus
from ledgerops.reference import load_reference_data

ACCOUNTS = 10_000
ENTITY, GROUP, ASSET = "BENCH", "BENCH", "USD"
HOT, DEFERRED = "HOT", "DEFERRED"
DAY = date(2026, 6, 15)
YEAR_STARTS, YEAR_ENDS = date(2026, 1, 1), date(2026, 12, 31)
USERNAME, ROLE = "analyst", "Analyst"


def prepare(*, accounts: int = ACCOUNTS, by_month: bool = False) -> int:
    """Define an entity with an open year, its customers' accounts, and settlement accounts that deposits go through.

    The year is one period or, by month, twelve.
    """
    load_reference_data()
    operations.define_entity(code=ENTITY, name="Benchmark")
    operations.define_account_group(code=GROUP, name="Benchmark")
    if by_month:
        operations.open_year(entity=ENTITY, starts_on=YEAR_STARTS)
    else:
        operations.open_period(entity=ENTITY, starts_on=YEAR_STARTS, ends_on=YEAR_ENDS)
    for code in (HOT, DEFERRED):
        operations.open_account(
            code=code,
            name="Settlement",
            entity=ENTITY,
            group=GROUP,
            asset=ASSET,
            account_type=AccountType.ASSET,
            owner_class=OwnerClass.NOSTRO,
        )
    found = {"entity": LegalEntity.objects.get(), "group": AccountGroup.objects.get(), "asset": Asset.objects.get(code=ASSET)}
    Account.objects.bulk_create(
        [
            Account(code=f"C{n}", name=f"Customer {n}", type=AccountType.LIABILITY, owner_class=OwnerClass.CUSTOMER, **found)
            for n in range(1, accounts + 1)
        ],
        batch_size=1000,
    )
    return accounts


def close_months(*, before: str) -> int:
    """Close every month that ends before a day, oldest first, and return how many there are."""
    months = AccountingPeriod.objects.filter(ends_on__lt=date.fromisoformat(before)).order_by("starts_on")
    return sum(operations.close_period(period_id=month.pk).status == PeriodStatus.CLOSED for month in months)


def token() -> str:
    """Add a person who may record transactions and sees the books, and return their token of the REST API."""
    approvals.grant_sight(role=ROLE, scope_object=LegalEntity.objects.get())
    approvals.grant_sight(role=ROLE, scope_object=AccountGroup.objects.get())
    approvals.add_user(username=USERNAME, full_name="Analyst", role=ROLE, password=uuid.uuid4().hex)
    return approvals.issue_token(username=USERNAME)


def transfer() -> EntryDraft:
    """Return a transfer between two customers drawn from all."""
    payer, payee = random.sample(range(1, ACCOUNTS + 1), 2)
    return _draft(type="transfer", debit=f"C{payer}", credit=f"C{payee}")


def deposit(through: str = HOT) -> EntryDraft:
    """Return a deposit to one customer of all through the settlement account."""
    return _draft(type="deposit", debit=through, credit=f"C{random.randint(1, ACCOUNTS)}")  # noqa: S311 (no secret)


def _draft(*, type: str, debit: str, credit: str) -> EntryDraft:  # noqa: A002 (as the draft calls it)
    return EntryDraft(
        key=uuid.uuid4().hex,
        type=type,
        entity=ENTITY,
        effective_date=DAY,
        description=type,
        reference="BENCH",
        lines=[
            Line(account=debit, direction="debit", amount_minor=100, asset=ASSET),
            Line(account=credit, direction="credit", amount_minor=100, asset=ASSET),
        ],
    )


def post(*, seconds: float, kind: str = "transfer", drafts: int = 1) -> float:
    """Post for that long, so many drafts in a call, and return the entries a second."""
    drawn = _DRAWN[kind]
    posted = 0
    started = now = time.monotonic()
    while now < started + seconds:
        results = operations.post_entries(drafts=[drawn() for _ in range(drafts)], scope="bench")
        assert all(result.outcome == "posted" for result in results), results[0]
        posted += drafts
        now = time.monotonic()
    return posted / (now - started)


def post_batch(*, drafts: int) -> dict[str, float]:
    """Post so many drafts in one call; return its seconds and this process's greatest memory so far."""
    batch = [transfer() for _ in range(drafts)]
    started = time.monotonic()
    results = operations.post_entries(drafts=batch, scope="bench")
    seconds = time.monotonic() - started
    assert all(result.outcome == "posted" for result in results), results[0]
    return {"seconds": seconds, "kilobytes": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)}


_DRAWN: Mapping[str, Callable[[], EntryDraft]] = {
    "transfer": transfer,
    "deposit": deposit,
    "deferred deposit": partial(deposit, DEFERRED),
}
WORKS: Mapping[str, Callable[..., Any]] = {
    "prepare": prepare,
    "close_months": close_months,
    "token": token,
    "post": post,
    "post_batch": post_batch,
}
