"""What may be done to accounts, and what watches them: limits, freezes, velocity, monitors and alerts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, OuterRef, Q, QuerySet

from approvals.models import ProposalVersion, User
from ledger.models import (
    Account,
    AccountPurpose,
    Alert,
    AlertKind,
    BalanceMonitor,
    Hold,
    OwnerClass,
    VelocityLimit,
)
from ledger.queries import account_groups_for, accounts_for, entities_for
from ledger.queries.registry import transactions_for
from ledgerops.lib import money
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# Accounts of the company's own, of which nobody is kept a statement; `ledger_deferred_account_is_our_own` says the same.
DEFERRABLE = frozenset(
    {OwnerClass.FEE.value, OwnerClass.SETTLEMENT.value, OwnerClass.FX_POSITION.value, OwnerClass.PLATFORM.value, OwnerClass.SUSPENSE.value}
)

# What a proposal may change of an account, in the words of its title and its review.
FIELDS: dict[str, str] = {
    "overdraft_limit": "limit",
    "debits_frozen": "freeze of debits",
    "credits_frozen": "freeze of credits",
    "velocity": "velocity limits",
    "parent": "control account",
    "group": "group",
    "name": "name",
    "purpose": "purpose",
    "status": "status",
    "deferred": "posting mode",
}


class AlertNotFound(Refusal):
    code = "alert_not_found"
    kind = RefusalKind.NOT_FOUND


class MonitorNotFound(Refusal):
    code = "monitor_not_found"
    kind = RefusalKind.NOT_FOUND


class PlaceNotFound(Refusal):
    """An entity or a group that does not exist or is out of the user's sight; the two are told apart to nobody."""

    code = "place_not_found"
    kind = RefusalKind.INVALID


def values_of(account: Account) -> dict[str, Any]:
    """Return everything a proposal may change of an account, as it is now and in the form the proposal names it."""
    current = Account.objects.select_related("balance", "parent", "group").get(pk=account.pk)
    limit = current.balance.overdraft_limit_minor
    return {
        "overdraft_limit": None if limit is None else str(int(limit)),
        "debits_frozen": current.balance.debits_frozen,
        "credits_frozen": current.balance.credits_frozen,
        "velocity": [
            {
                "direction": one.direction,
                "window_minutes": one.window_minutes,
                "maximum": None if one.maximum_minor is None else str(int(one.maximum_minor)),
                "maximum_postings": one.maximum_postings,
            }
            for one in velocity_limits_of(current)
        ],
        "parent": current.parent.code if current.parent else None,
        "group": current.group.code,
        "name": current.name,
        "purpose": current.purpose,
        "status": current.status,
        "deferred": current.balance.deferred,
    }


def shown_value(field: str, value: Any, *, scale: int) -> str:
    """Return a value as a person reads it in a review."""
    if field == "overdraft_limit":
        return "no limit" if value is None else f"down to {money.grouped(-int(value), scale=scale)}"
    if field == "velocity":
        return "; ".join(_velocity_words(one, scale=scale) for one in value) or "none"
    if field == "purpose":
        return str(AccountPurpose(value).label) if value else "none"
    words = {"deferred": ("strict", "deferred"), "debits_frozen": ("free", "frozen"), "credits_frozen": ("free", "frozen")}
    if field in words:
        return words[field][bool(value)]
    return str(value) if value else "none"


def _velocity_words(limit: Mapping[str, Any], *, scale: int) -> str:
    most = [
        *([money.grouped(int(limit["maximum"]), scale=scale)] if limit["maximum"] is not None else []),
        *([f"{limit['maximum_postings']} postings"] if limit["maximum_postings"] is not None else []),
    ]
    return f"{limit['direction']}s of {' and '.join(most)} in {window_words(limit['window_minutes'])}"


def window_words(minutes: int) -> str:
    """Return a window as people say it: `24 hours`, `90 minutes`."""
    for size, word in ((1440, "day"), (60, "hour")):
        if minutes % size == 0:
            return f"{minutes // size} {word}{'' if minutes == size else 's'}"
    return f"{minutes} minute{'' if minutes == 1 else 's'}"


def replaced_by(proposal_id: UUID) -> Mapping[str, Any]:
    """Return the values that the latest version of a proposal replaces."""
    version = ProposalVersion.objects.filter(proposal_id=proposal_id).order_by("-n").first()
    values: Mapping[str, Any] = version.preconditions.get("values", {}) if version else {}
    return values


def open_holds_of(account: Account) -> QuerySet[Hold]:
    """Return the holds that still keep something of an account, newest first."""
    return Hold.objects.filter(account=account, closed_at__isnull=True).order_by("-transaction_id")


def velocity_limits_of(account: Account) -> QuerySet[VelocityLimit]:
    return VelocityLimit.objects.filter(account=account, active=True).order_by("direction", "window_minutes", "pk")


@dataclass(frozen=True, slots=True, kw_only=True)
class VelocityUse:
    """A velocity limit, and what of it the window that ends now has used."""

    limit: VelocityLimit
    moved_minor: int
    postings: int

    @property
    def window(self) -> str:
        return window_words(self.limit.window_minutes)

    @property
    def percent(self) -> int:
        """How much of what is scarcer is used, at most 100."""
        shares = [0]
        if self.limit.maximum_minor:
            shares.append(self.moved_minor * 100 // int(self.limit.maximum_minor))
        if self.limit.maximum_postings:
            shares.append(self.postings * 100 // self.limit.maximum_postings)
        return min(100, max(shares))


# As ledger_limit_refusal_v1 measures it: by recorded time, back from the account's latest posting.
_VELOCITY_USE = """
    SELECT v.id, coalesce(sum(p.amount_minor), 0), count(p.*)
    FROM ledger_velocity_limit v
    LEFT JOIN ledger_posting p ON p.account_id = v.account_id AND p.direction = v.direction AND p.account_seq > coalesce((
        SELECT q.account_seq FROM ledger_posting q JOIN ledger_entry e ON e.id = q.entry_id
        WHERE q.account_id = v.account_id AND e.posted_at <= clock_timestamp() - make_interval(mins => v.window_minutes)
          AND q.account_seq IS NOT NULL
        ORDER BY q.account_seq DESC LIMIT 1), 0)
    WHERE v.account_id = %s AND v.active
    GROUP BY v.id
"""


def velocity_use_of(account: Account) -> list[VelocityUse]:
    """Return an account's velocity limits with what is used of each, as the next request would be measured."""
    limits = list(velocity_limits_of(account)) if account.balance.has_velocity_limits else []
    if not limits:
        return []
    with connection.cursor() as cursor:
        cursor.execute(_VELOCITY_USE, [account.pk])
        used = {limit_id: (int(moved), postings) for limit_id, moved, postings in cursor.fetchall()}
    return [VelocityUse(limit=limit, moved_minor=used[limit.pk][0], postings=used[limit.pk][1]) for limit in limits]


def balances_with_tails(account_ids: Collection[int]) -> dict[int, int]:
    """Return what accounts hold on their normal side, legs still waiting for the roller included, by account id.

    One statement, so one snapshot: a leg is in the tail or in the balance and never in both or neither.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT b.account_id, (b.posted_debits_minor - b.posted_credits_minor + coalesce((
                SELECT sum(CASE t.direction WHEN 'debit' THEN t.amount_minor ELSE -t.amount_minor END)
                FROM ledger_posting_tail t WHERE t.account_id = b.account_id), 0)) * CASE WHEN b.debit_normal THEN 1 ELSE -1 END
            FROM ledger_balance b WHERE b.account_id = ANY (%s)
            """,
            [list(account_ids)],
        )
        return {account_id: int(held) for account_id, held in cursor.fetchall()}


def monitors_of(account: Account) -> QuerySet[BalanceMonitor]:
    return BalanceMonitor.objects.filter(account=account, active=True).order_by("pk")


def monitor_of(account: Account, *, monitor_id: int) -> BalanceMonitor:
    """Return one monitor of an account, retired or not.

    :raises MonitorNotFound: if it is another's.
    """
    found = BalanceMonitor.objects.filter(account=account, pk=monitor_id).first()
    if found is None:
        raise MonitorNotFound(f"account {account.code} has no such monitor")
    return found


def alerts_for(user: "AbstractUser") -> QuerySet[Alert]:
    """Return the alerts about accounts in sight, about transactions in sight, and those about neither, newest first."""
    seen = accounts_for(user).order_by().values("pk")
    of_none = Q(account__isnull=True) & (
        Q(transaction_id__isnull=True) | Exists(transactions_for(user).order_by().filter(pk=OuterRef("transaction_id")))
    )
    return Alert.objects.filter(Q(account__in=seen) | of_none).select_related("account__asset").order_by("-id")


def alert_for(user: "AbstractUser", *, alert_id: UUID) -> Alert:
    """Return one alert.

    :raises AlertNotFound: if it does not exist or is about an account out of the user's sight.
    """
    found = alerts_for(user).filter(pk=alert_id).first()
    if found is None:
        raise AlertNotFound("there is no such alert in your scope")
    return found


def open_alerts_by_kind(user: "AbstractUser") -> dict[str, int]:
    """Return how many alerts nobody has seen to yet, by kind."""
    found = alerts_for(user).filter(seen_to_at__isnull=True).order_by().values_list("kind").annotate(n=Count("pk"))
    return {kind: n for kind, n in found if kind in AlertKind.values}


def people_by_id(ids: Collection[int | None]) -> dict[int, str]:
    """Return the names of people, by id."""
    return {person.pk: person.shown_name for person in User.objects.filter(pk__in=[one for one in ids if one is not None])}


def refuse_unseen_places(user: "AbstractUser", *, entities: Collection[str], groups: Collection[str]) -> None:
    """Refuse to put accounts where the user sees nothing.

    :raises PlaceNotFound: naming the entity or the group.
    """
    places: Sequence[tuple[str, Collection[str], set[str]]] = (
        ("entity", entities, set(entities_for(user).filter(code__in=entities).values_list("code", flat=True))),
        ("group", groups, set(account_groups_for(user).filter(code__in=groups).values_list("code", flat=True))),
    )
    for field, wanted, seen in places:
        for code in wanted:
            if code not in seen:
                raise PlaceNotFound(f"there is no {field} {code} in your scope", field=field, value=code)
