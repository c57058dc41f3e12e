"""Bookkeeping notation: what was posted, written as an accountant would.

    books("1010 debit 10.00 USD / 2010 credit 10.00 USD")

A leg is an account's code, a side, an amount as people write it and an asset; legs are parted by a slash or a new line. What was posted
reads back in the same form, so a test states the effect of an act as one value:

    with posts("1010 debit 10.00 USD / 2010 credit 10.00 USD"): ...
    with writes_nothing(): ...
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.db import connection

from ledger.accounting import Line
from ledger.models import Asset, Balance, JournalEntry, Posting
from ledgerops.lib import money

LEG = re.compile(r"(\S+) (debit|credit) (\S+) (\S+)")

# What may grow though an act was refused: the trail, answers to keys, and what signing in leaves behind.
MEMORY = {"audit_event", "ledger_transaction", "ledger_key_use", "django_session", "approvals_user", "axes_accesslog", "axes_accessattempt"}


def books(text: str) -> list[Line]:
    """Return the legs that the notation says, in its order."""
    legs = []
    for leg in re.split(r"[/\n]", text):
        if not leg.strip():
            continue
        found = LEG.fullmatch(" ".join(leg.split()))
        assert found, f"not in the notation: {leg.strip()!r}"
        account, direction, amount, asset = found.groups()
        minor = money.minor_from_text(amount, scale=_scale(asset), field="amount")
        legs.append(Line(account=account, direction=direction, amount_minor=minor, asset=asset))
    return legs


def written(entry: JournalEntry) -> str:
    """Return a posted entry in the notation, legs in their order."""
    legs = Posting.objects.filter(entry=entry).select_related("account", "asset").order_by("line")
    return " / ".join(
        f"{leg.account.code} {leg.direction} {money.plain(int(leg.amount_minor), scale=leg.asset.scale)} {leg.asset.code}" for leg in legs
    )


def journal() -> list[str]:
    """Return every posted entry in the notation, in the order of posting."""
    return [written(entry) for entry in JournalEntry.objects.order_by("number")]


def balance(code: str) -> str:
    """Return what an account holds on its normal side, such as `10.00 USD`."""
    row = Balance.objects.select_related("account__asset").get(account__code=code)
    held = int(row.posted_debits_minor) - int(row.posted_credits_minor)
    account = row.account
    return f"{money.plain(held if account.normal_side == 'debit' else -held, scale=account.asset.scale)} {account.asset.code}"


@contextmanager
def posts(*entries: str) -> Iterator[None]:
    """Assert that the block posts exactly these entries, in this order and with their legs in the order given."""
    known = set(JournalEntry.objects.values_list("pk", flat=True))
    yield
    new = [written(entry) for entry in JournalEntry.objects.exclude(pk__in=known).order_by("number")]
    assert new == [_canonical(entry) for entry in entries]


@contextmanager
def writes_nothing(*, except_in: Sequence[str] = ()) -> Iterator[None]:
    """Assert that the block leaves every row of every table as it was, but for what is meant to remember a refusal."""
    before = _fingerprints(except_in)
    yield
    after = _fingerprints(except_in)
    changed = sorted(table for table in before if before[table] != after[table])
    assert not changed, f"written to: {', '.join(changed)}"


def _canonical(text: str) -> str:
    return " / ".join(
        f"{leg.account} {leg.direction} {money.plain(leg.amount_minor, scale=_scale(leg.asset))} {leg.asset}" for leg in books(text)
    )


def _scale(asset: str) -> int:
    return Asset.objects.get(code=asset).scale


def _fingerprints(except_in: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return each table's number of rows and the sum of its rows' hashes."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename")
        tables = [table for (table,) in cursor.fetchall() if table not in MEMORY and table not in except_in]
        each = (f"SELECT '{table}', count(*), coalesce(sum(hashtextextended(t::text, 0)), 0) FROM {table} t" for table in tables)
        cursor.execute(" UNION ALL ".join(each))
        return {table: (rows, digest) for table, rows, digest in cursor.fetchall()}
