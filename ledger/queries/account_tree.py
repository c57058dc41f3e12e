"""The chart of accounts as a tree: what stands under a control account, at any depth, and what it holds together."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Count, QuerySet

from ledger.models import Account, Hold
from ledger.queries import account_groups_for, accounts_for, entities_for
from ledger.queries.balances import Sums

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# A control account shows the accounts under it in the tree up to this many; more have a page of their own.
CHILDREN_SHOWN = 12
DEPTH_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Under:
    """What the visible accounts at any depth under a control account hold together, on its normal side. They are all of its asset."""

    accounts: int
    sums: Sums
    posted_minor: int
    pending_out_minor: int
    pending_in_minor: int
    available_minor: int


_UNDER = """
    WITH RECURSIVE under (root, id) AS (
        SELECT a.parent_id, a.id FROM ledger_account a WHERE a.parent_id = ANY (%(controls)s)
        UNION ALL
        SELECT u.root, a.id FROM under u JOIN ledger_account a ON a.parent_id = u.id
    )
    SELECT u.root, b.debit_normal, count(*), sum(b.posted_debits_minor + t.debits), sum(b.posted_credits_minor + t.credits),
           sum(b.pending_debits_minor), sum(b.pending_credits_minor), sum(coalesce(b.overdraft_limit_minor, 0))
    FROM under u
    JOIN ledger_account a ON a.id = u.id
    JOIN ledger_balance b ON b.account_id = u.id
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'debit'), 0) AS debits,
               coalesce(sum(t.amount_minor) FILTER (WHERE t.direction = 'credit'), 0) AS credits
        FROM ledger_posting_tail t WHERE b.deferred AND t.account_id = b.account_id) t
    WHERE NOT a.is_control AND a.entity_id = ANY (%(entities)s) AND a.group_id = ANY (%(groups)s)
    GROUP BY u.root, b.debit_normal
"""


def totals_under(user: "AbstractUser", *, controls: Sequence[Account]) -> dict[int, Under]:
    """Return what is under each control account, by its id; one with nothing visible under it is left out."""
    asked = [control.pk for control in controls if control.is_control]
    if not asked:
        return {}
    values = {
        "controls": asked,
        "entities": list(entities_for(user).order_by().values_list("pk", flat=True)),
        "groups": list(account_groups_for(user).order_by().values_list("pk", flat=True)),
    }
    with connection.cursor() as cursor:
        cursor.execute(_UNDER, values)
        rows = cursor.fetchall()
    found = {}
    for root, debit_normal, accounts, debits, credits_, pending_debits, pending_credits, limits in rows:
        out, into = (pending_credits, pending_debits) if debit_normal else (pending_debits, pending_credits)
        posted = int(debits - credits_) * (1 if debit_normal else -1)
        found[root] = Under(
            accounts=accounts,
            sums=Sums(debits_minor=int(debits), credits_minor=int(credits_)),
            posted_minor=posted,
            pending_out_minor=int(out),
            pending_in_minor=int(into),
            available_minor=posted - int(out) + int(limits),
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """An account in the tree; `folded` means that what is under it is too much to show with it."""

    account: Account
    level: int
    folded: bool


def unfolded(user: "AbstractUser", *, tops: Sequence[Account]) -> list[Node]:
    """Return the accounts, each followed by what is visible under it, as deep as the tree goes and as wide as a page can show."""
    children: dict[int, list[Account]] = {}
    folded: set[int] = set()
    level = [account.pk for account in tops if account.is_control]
    for _ in range(DEPTH_SHOWN):
        if not level:
            break
        visible = accounts_for(user).filter(parent__in=level)
        counts = dict(visible.order_by().values_list("parent_id").annotate(n=Count("pk")))
        folded |= {pk for pk, n in counts.items() if pk is not None and n > CHILDREN_SHOWN}
        open_ = [pk for pk in counts if pk not in folded]
        found = list(visible.filter(parent__in=open_)) if open_ else []
        for child in found:
            children.setdefault(child.parent_id or 0, []).append(child)
        level = [child.pk for child in found if child.is_control]
    folded |= set(level)
    nodes: list[Node] = []

    def add(account: Account, depth: int) -> None:
        nodes.append(Node(account=account, level=depth, folded=account.pk in folded))
        for child in children.get(account.pk, []):
            add(child, depth + 1)

    for top in tops:
        add(top, 1)
    return nodes


def open_holds(account: Account) -> QuerySet[Hold]:
    """Return what is held on an account, newest first. The caller has already shown the account to the reader."""
    return Hold.objects.filter(account=account, closed_at__isnull=True).select_related("transaction").order_by("-transaction_id")
