"""Reading the books. Gates take the user and show only what their roles give sight of."""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Now
from guardian.shortcuts import get_objects_for_user

from approvals.models import User
from ledger.accounting import DEBIT, Line
from ledger.models import (
    Account,
    AccountGroup,
    AccountingPeriod,
    Asset,
    JournalEntry,
    LegalEntity,
    PeriodStatus,
    Posting,
    TransactionType,
)
from ledger.queries.balances import NOTHING, balances_as_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.prepared import read

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class AccountNotFound(Refusal):
    code = "account_not_found"
    kind = RefusalKind.NOT_FOUND


class EntryNotFound(Refusal):
    code = "entry_not_found"
    kind = RefusalKind.NOT_FOUND


class PeriodNotFound(Refusal):
    code = "period_not_found"
    kind = RefusalKind.NOT_FOUND


def entities_for(user: "AbstractUser") -> QuerySet[LegalEntity]:
    return get_objects_for_user(user, "ledger.view_legalentity", klass=LegalEntity, use_groups=True, accept_global_perms=False)


def account_groups_for(user: "AbstractUser") -> QuerySet[AccountGroup]:
    return get_objects_for_user(user, "ledger.view_accountgroup", klass=AccountGroup, use_groups=True, accept_global_perms=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """A person's roles and what they give sight of: entities by id with their codes, account groups by id, and whether that is all."""

    roles: Sequence[str]
    entities: Mapping[int, str]
    groups: Collection[int]
    all_entities: bool
    all_groups: bool


_SIGHT = """
    WITH role AS (
        SELECT g.id, g.name FROM auth_group g JOIN approvals_user_groups m ON m.group_id = g.id WHERE m.user_id = %s)
    SELECT 'role', r.id, r.name, true FROM role r
    UNION ALL
    SELECT 'entity', e.id, e.code, EXISTS (
        SELECT 1 FROM ledger_legalentitygroupobjectpermission s
        JOIN auth_permission p ON p.id = s.permission_id AND p.codename = 'view_legalentity'
        WHERE s.content_object_id = e.id AND s.group_id IN (SELECT id FROM role))
    FROM ledger_entity e
    UNION ALL
    SELECT 'group', a.id, a.code, EXISTS (
        SELECT 1 FROM ledger_accountgroupgroupobjectpermission s
        JOIN auth_permission p ON p.id = s.permission_id AND p.codename = 'view_accountgroup'
        WHERE s.content_object_id = a.id AND s.group_id IN (SELECT id FROM role))
    FROM ledger_account_group a
    ORDER BY 1, 2
"""


def sight_of(user: "AbstractUser") -> Sight:
    """Return a person's sight, kept with the person as their permissions are: every kind of proposal and every count asks it."""
    kept: Sight | None = user.__dict__.get("sight")
    if kept is None:
        with connection.cursor() as cursor:
            cursor.execute(_SIGHT, [user.pk])
            rows = cursor.fetchall()
        entities, groups = ([row[1:] for row in rows if row[0] == kind] for kind in ("entity", "group"))
        kept = Sight(
            roles=sorted(name for kind, _, name, _ in rows if kind == "role"),
            entities={pk: code for pk, code, seen in entities if seen},
            groups=[pk for pk, _, seen in groups if seen],
            all_entities=all(seen for _, _, seen in entities),
            all_groups=all(seen for _, _, seen in groups),
        )
        user.__dict__["sight"] = kept
    return kept


def entity_codes_for(user: "AbstractUser") -> list[str]:
    """Return the codes of the entities in sight."""
    return list(sight_of(user).entities.values())


def accounts_for(user: "AbstractUser") -> QuerySet[Account]:
    """Return the accounts whose entity and whose group the user's roles both give sight of."""
    return (
        Account.objects.filter(
            entity__in=entities_for(user).order_by().values("pk"), group__in=account_groups_for(user).order_by().values("pk")
        )
        .select_related("asset", "entity", "group", "balance")
        .order_by("code")
    )


def account_for(user: "AbstractUser", *, code: str) -> Account:
    """Return one account.

    :raises AccountNotFound: if it does not exist or the user has no sight of it; the two are told apart to nobody.
    """
    account = accounts_for(user).filter(code=code).first()
    if account is None:
        raise AccountNotFound(f"there is no account {code} in your scope")
    return account


def entries_for(user: "AbstractUser") -> QuerySet[JournalEntry]:
    """Return the entries of which the user sees every account, newest first."""
    unseen = Posting.objects.filter(entry_id=OuterRef("pk")).exclude(account__in=accounts_for(user).order_by().values("pk"))
    # Asked of each entry by itself: NOT EXISTS would become a join with every posting there is, since its planner expects few entries
    # to remain, and a page must cost what it shows.
    hidden = Coalesce(Subquery(unseen.values(found=Value(True))[:1]), False)  # noqa: FBT003 (an SQL value)
    return JournalEntry.objects.alias(hidden=hidden).filter(hidden=False).select_related("type", "entity", "period").order_by("-id")


def entry_for(user: "AbstractUser", *, entry_id: UUID) -> JournalEntry:
    """Return one entry.

    :raises EntryNotFound: if it does not exist or touches an account out of the user's sight.
    """
    entry = entries_for(user).filter(pk=entry_id).first()
    if entry is None:
        raise EntryNotFound("there is no such entry in your scope")
    return entry


def postings_of(entry: JournalEntry) -> QuerySet[Posting]:
    """Return an entry's legs in their order, with accounts and assets."""
    return Posting.objects.filter(entry=entry).select_related("account", "asset").order_by("line")


def legs_of(entries: Sequence[JournalEntry]) -> dict[UUID, list[Posting]]:
    """Return the legs of many entries by entry, in their order. The caller has already shown the entries to the reader."""
    legs: dict[UUID, list[Posting]] = {entry.pk: [] for entry in entries}
    for leg in Posting.objects.filter(entry__in=legs).select_related("account", "asset").order_by("entry_id", "line"):
        legs[leg.entry_id].append(leg)
    return legs


def actor_of(entry: JournalEntry) -> User | None:
    """Return who posted an entry; None is the system."""
    return User.objects.filter(pk=entry.actor_id).first() if entry.actor_id else None


def account_postings(account: Account) -> QuerySet[Posting]:
    """Return an account's legs, newest first: `account_seq` is the order in which they were committed."""
    return Posting.objects.filter(account=account).select_related("entry", "entry__type", "asset").order_by("-account_seq")


def on_normal_side(account: Account, *, debits_minor: int, credits_minor: int) -> int:
    """Return sums of debits and credits as the account's balance: positive on its normal side."""
    return debits_minor - credits_minor if account.normal_side == DEBIT else credits_minor - debits_minor


def balance_of(account: Account) -> int:
    """Return what an account holds on its normal side, in minor units, as it was when the account was read with its balance."""
    balance = account.balance
    return on_normal_side(account, debits_minor=int(balance.posted_debits_minor), credits_minor=int(balance.posted_credits_minor))


_RECENT_DAYS = """
    SELECT a.id, e.effective_date, sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END), count(*)
    FROM unnest(%s::bigint[]) AS a (id)
    CROSS JOIN LATERAL (
        SELECT p.entry_id, p.direction, p.amount_minor FROM ledger_posting p
        WHERE p.account_id = a.id ORDER BY p.account_seq DESC LIMIT %s) p
    JOIN ledger_entry e ON e.id = p.entry_id
    GROUP BY a.id, e.effective_date
    ORDER BY a.id, e.effective_date DESC
"""


def balance_histories(*, accounts: Iterable[Account], days: int, legs: int = 400) -> dict[int, list[tuple[date, int]]]:
    """Return each account's balance on its normal side at the end of its latest days, oldest first, by account id.

    No more than `legs` legs are read per account, newest first: a busy account has fewer days. One that never moved is left out.
    """
    by_id = {account.pk: account for account in accounts}
    with connection.cursor() as cursor:
        cursor.execute(_RECENT_DAYS, [list(by_id), legs])
        rows = cursor.fetchall()
    return {
        account_id: _walk_back(by_id[account_id], moves=[(day, int(net), n) for _, day, net, n in moves], days=days, legs=legs)
        for account_id, moves in groupby(rows, key=lambda row: row[0])
    }


def _walk_back(account: Account, *, moves: Sequence[tuple[date, int, int]], days: int, legs: int) -> list[tuple[date, int]]:
    """Return the end-of-day balances by undoing each day's movement from what the account holds now."""
    net_of = {day: net for day, net, _ in moves}
    # The legs of the earliest day may not all have been read.
    earliest = moves[-1][0] + timedelta(days=sum(n for _, _, n in moves) >= legs)
    level = int(account.balance.posted_debits_minor) - int(account.balance.posted_credits_minor)
    sign = 1 if account.normal_side == DEBIT else -1
    history: list[tuple[date, int]] = []
    day = moves[0][0]
    while day >= earliest and len(history) < days:
        history.append((day, sign * level))
        level -= net_of.get(day, 0)
        day -= timedelta(days=1)
    return history[::-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceEffect:
    """What one account holds now and would hold after a set of lines, on its normal side."""

    account: Account
    debit_minor: int
    credit_minor: int
    now_minor: int
    after_minor: int


def effects_of(*, lines: Sequence[Line]) -> list[BalanceEffect]:
    """Return each touched account's balance before and after the lines, in the order the accounts first appear."""
    accounts = {a.code: a for a in Account.objects.filter(code__in=[line.account for line in lines]).select_related("asset", "balance")}
    sums: dict[str, list[int]] = {}
    for line in lines:
        if line.account in accounts:
            sums.setdefault(line.account, [0, 0])[0 if line.direction == DEBIT else 1] += line.amount_minor
    effects = []
    for code, (debit, credit) in sums.items():
        account = accounts[code]
        now = int(account.balance.posted_debits_minor) - int(account.balance.posted_credits_minor)
        sign = 1 if account.normal_side == DEBIT else -1
        effects.append(
            BalanceEffect(
                account=account, debit_minor=debit, credit_minor=credit, now_minor=sign * now, after_minor=sign * (now + debit - credit)
            )
        )
    return effects


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedSums:
    """All that was ever debited and credited in one asset."""

    asset: str
    scale: int
    debits_minor: int
    credits_minor: int

    @property
    def difference_minor(self) -> int:
        return self.debits_minor - self.credits_minor


def posted_sums_for(user: "AbstractUser") -> list[PostedSums]:
    """Return what was posted per asset over the accounts in sight, from their balances: cheap however long the journal is."""
    sums = (
        accounts_for(user)
        .filter(balance__version__gt=0)
        .order_by("asset__code")
        .values_list("asset__code", "asset__scale")
        .annotate(debits=Sum("balance__posted_debits_minor"), credits=Sum("balance__posted_credits_minor"))
    )
    return [
        PostedSums(asset=asset, scale=scale, debits_minor=int(debits), credits_minor=int(credits_))
        for asset, scale, debits, credits_ in sums
    ]


def sees_whole_books(user: "AbstractUser") -> bool:
    """Return whether a trial balance of what the user sees must balance: no account of their entities is out of their sight."""
    if sight_of(user).all_groups:
        return True
    entities = entities_for(user).order_by().values("pk")
    return not Account.objects.filter(entity__in=entities).exclude(pk__in=accounts_for(user).order_by().values("pk")).exists()


def effective_balance(*, account: Account, as_of: date) -> int:
    """Return what an account held on its normal side at the end of an effective date, in minor units."""
    return balances_as_of(account_ids=[account.pk], as_of=as_of).get(account.pk, NOTHING).on_side_of(account)


def period_of(*, entity: LegalEntity, day: date) -> AccountingPeriod | None:
    return AccountingPeriod.objects.filter(entity=entity, starts_on__lte=day, ends_on__gte=day).first()


def first_open_date(*, entity: LegalEntity) -> date | None:
    takes = Q(reopen_ends_at=None) | Q(reopen_ends_at__gt=Now())
    period = AccountingPeriod.objects.filter(takes, entity=entity, status=PeriodStatus.OPEN).order_by("starts_on").first()
    return period.starts_on if period else None


def assets() -> QuerySet[Asset]:
    return Asset.objects.order_by("code")


def transaction_types() -> QuerySet[TransactionType]:
    """Return the current version of every transaction type."""
    return TransactionType.objects.filter(current=True).order_by("name")


def assets_in_use() -> QuerySet[Asset]:
    """Return the assets that some account holds; the currencies nobody uses are many."""
    return Asset.objects.filter(Exists(Account.objects.filter(asset=OuterRef("pk")))).order_by("code")


def periods_for(user: "AbstractUser") -> QuerySet[AccountingPeriod]:
    return AccountingPeriod.objects.filter(entity__in=entities_for(user).order_by().values("pk")).select_related("entity")


def period_for(user: "AbstractUser", *, period_id: int) -> AccountingPeriod:
    """Return one period.

    :raises PeriodNotFound: if it does not exist or belongs to an entity out of the user's sight.
    """
    period = periods_for(user).filter(pk=period_id).first()
    if period is None:
        raise PeriodNotFound("there is no such period in your scope")
    return period


# The sight of a person's roles, as `accounts_for` has it, in one statement: a request that posts asks it each time.
# The codes come as JSON and each account is looked up by itself: how many are asked makes no difference to the plan, so it is made once.
_SEEN_CODES = """
    SELECT json_agg(asked.code)::text FROM jsonb_array_elements_text($1::jsonb) AS asked (code)
    WHERE (
        SELECT EXISTS (
                   SELECT 1 FROM ledger_legalentitygroupobjectpermission s
                   WHERE s.content_object_id = a.entity_id
                     AND s.permission_id = ANY (ARRAY(SELECT p.id FROM auth_permission p WHERE p.codename = 'view_legalentity'))
                     AND s.group_id = ANY (ARRAY(SELECT m.group_id FROM approvals_user_groups m WHERE m.user_id = $2)))
           AND EXISTS (
                   SELECT 1 FROM ledger_accountgroupgroupobjectpermission s
                   WHERE s.content_object_id = a.group_id
                     AND s.permission_id = ANY (ARRAY(SELECT p.id FROM auth_permission p WHERE p.codename = 'view_accountgroup'))
                     AND s.group_id = ANY (ARRAY(SELECT m.group_id FROM approvals_user_groups m WHERE m.user_id = $2)))
        FROM ledger_account a WHERE a.code = asked.code)
"""


def seen_codes(user: "AbstractUser", *, codes: Iterable[str]) -> set[str]:
    """Return which of the accounts the user's roles give sight of."""
    return set(read(_SEEN_CODES, [json.dumps(list(set(codes))), user.pk]) or ())


def refuse_unseen_accounts(user: "AbstractUser", *, codes: Sequence[str]) -> None:
    """Refuse legs on accounts the user has no sight of, as if they did not exist; `codes` are those of the lines, in order.

    :raises AccountNotFound: naming the first such line.
    """
    seen = seen_codes(user, codes=codes)
    for number, code in enumerate(codes, start=1):
        if code not in seen:
            raise AccountNotFound(f"line {number}: there is no account {code} in your scope", field=f"lines[{number}].account")


def entity_exists(code: str) -> bool:
    return LegalEntity.objects.filter(code=code).exists()


def account_exists(code: str) -> bool:
    return Account.objects.filter(code=code).exists()
