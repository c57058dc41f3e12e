"""One client of the posting benchmark, in a process of its own.

It reads commands from its standard input: `prepare` fills the chart of accounts, `run SECONDS` posts single transfers
for that long and prints how many were posted.
"""

import random
import sys
import time
import uuid
from datetime import date
from typing import Any

from django.core.management.base import BaseCommand

from ledger import operations
from ledger.accounting import EntryDraft, Line
from ledger.models import Account, AccountGroup, Asset, LegalEntity
from ledgerops.reference import load_reference_data

ACCOUNTS = 10_000
DAY = date(2026, 6, 15)


class Command(BaseCommand):
    """Answers until its input ends."""

    help = "One client of `bench posting`; started by it."
    requires_system_checks = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Carry out command after command."""
        for line in sys.stdin:
            verb, *arguments = line.split()
            answer = _prepare() if verb == "prepare" else _run(seconds=float(arguments[0]))
            self.stdout.write(str(answer))
            self.stdout.flush()


def _prepare() -> int:
    load_reference_data()
    operations.define_entity(code="BENCH", name="Benchmark")
    operations.define_account_group(code="BENCH", name="Benchmark")
    operations.open_period(entity="BENCH", starts_on=date(2026, 1, 1), ends_on=date(2026, 12, 31))
    entity, group, asset = LegalEntity.objects.get(), AccountGroup.objects.get(), Asset.objects.get(code="USD")
    Account.objects.bulk_create(
        [
            Account(code=f"C{n}", name=f"Customer {n}", entity=entity, group=group, asset=asset, type="liability", owner_class="customer")
            for n in range(1, ACCOUNTS + 1)
        ],
        batch_size=1000,
    )
    return Account.objects.count()


def _run(*, seconds: float) -> int:
    posted = 0
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        payer, payee = random.sample(range(1, ACCOUNTS + 1), 2)
        draft = EntryDraft(
            key=uuid.uuid4().hex,
            type="transfer",
            entity="BENCH",
            effective_date=DAY,
            description="transfer",
            reference="BENCH",
            lines=[
                Line(account=f"C{payer}", direction="debit", amount_minor=100, asset="USD"),
                Line(account=f"C{payee}", direction="credit", amount_minor=100, asset="USD"),
            ],
        )
        (result,) = operations.post_entries(drafts=[draft], scope="bench")
        assert result.outcome == "posted", result
        posted += 1
    return posted
