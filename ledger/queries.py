"""Reading the books. Gates take the user and show only what their roles give sight of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Exists, OuterRef, QuerySet
from guardian.shortcuts import get_objects_for_user

from ledger.accounting import DEBIT, Line
from ledger.models import Account, AccountGroup, AccountingPeriod, Asset, Balance, JournalEntry, LegalEntity, PeriodStatus, Posting
from ledgerops.lib.errors import Refusal, RefusalKind

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class AccountNotFound(Refusal):
    code = "account_not_found"
    kind = RefusalKind.NOT_FOUND


class EntryNotFound(Refusal):
    code = "entry_not_found"
    kind = RefusalKind.NOT_FOUND


def entities_for(user: "AbstractUser") -> QuerySet[LegalEntity]:
    return get_objects_for_user(user, "ledger.view_legalentity", klass=LegalEntity, use_groups=True, accept_global_perms=False)


def account_groups_for(user: "AbstractUser") -> QuerySet[AccountGroup]:
    return get_objects_for_user(user, "ledger.view_accountgroup", klass=AccountGroup, use_groups=True, accept_global_perms=False)


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
    return JournalEntry.objects.filter(~Exists(unseen)).select_related("type", "entity", "period")


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


def account_postings(account: Account) -> QuerySet[Posting]:
    """Return an account's legs, newest first: `account_seq` is the order in which they were committed."""
    return Posting.objects.filter(account=account).select_related("entry", "entry__type", "asset").order_by("-account_seq")


def balance_of(account: Account) -> int:
    """Return what an account holds on its normal side, in minor units."""
    balance = Balance.objects.get(account=account)
    difference = int(balance.posted_debits_minor - balance.posted_credits_minor)
    return difference if account.normal_side == DEBIT else -difference


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
        now = int(account.balance.posted_debits_minor - account.balance.posted_credits_minor)
        sign = 1 if account.normal_side == DEBIT else -1
        effects.append(
            BalanceEffect(
                account=account, debit_minor=debit, credit_minor=credit, now_minor=sign * now, after_minor=sign * (now + debit - credit)
            )
        )
    return effects


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceRow:
    """One account's posted sums; exactly one of the two balances is above zero unless both are zero."""

    code: str
    name: str
    type: str
    owner_class: str
    asset: str
    scale: int
    debit_minor: int
    credit_minor: int


_TRIAL_BALANCE = """
    SELECT a.code, a.name, a.type, a.owner_class, s.code, s.scale,
           greatest(sum(CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE -p.amount_minor END), 0),
           greatest(sum(CASE p.direction WHEN 'debit' THEN -p.amount_minor ELSE p.amount_minor END), 0)
    FROM ledger_posting p
    JOIN ledger_entry e ON e.id = p.entry_id
    JOIN ledger_account a ON a.id = p.account_id
    JOIN ledger_asset s ON s.id = a.asset_id
    WHERE e.effective_date <= %s AND a.id = ANY (%s)
    GROUP BY a.id, s.id
    ORDER BY s.code, a.code
"""


def trial_balance(*, accounts: Iterable[Account], as_of: date) -> list[TrialBalanceRow]:
    """Return the balances of the accounts at the end of an effective date, from the postings themselves."""
    with connection.cursor() as cursor:
        cursor.execute(_TRIAL_BALANCE, [as_of, [account.pk for account in accounts]])
        return [
            TrialBalanceRow(
                code=code,
                name=name,
                type=type_,
                owner_class=owner_class,
                asset=asset,
                scale=scale,
                debit_minor=int(debit),
                credit_minor=int(credit),
            )
            for code, name, type_, owner_class, asset, scale, debit, credit in cursor.fetchall()
        ]


def effective_balance(*, account: Account, as_of: date) -> int:
    """Return what an account held on its normal side at the end of an effective date, in minor units."""
    rows = trial_balance(accounts=[account], as_of=as_of)
    difference = sum(row.debit_minor - row.credit_minor for row in rows)
    return difference if account.normal_side == DEBIT else -difference


def period_of(*, entity: LegalEntity, day: date) -> AccountingPeriod | None:
    return AccountingPeriod.objects.filter(entity=entity, starts_on__lte=day, ends_on__gte=day).first()


def first_open_date(*, entity: LegalEntity) -> date | None:
    period = AccountingPeriod.objects.filter(entity=entity, status=PeriodStatus.OPEN).order_by("starts_on").first()
    return period.starts_on if period else None


def assets() -> QuerySet[Asset]:
    return Asset.objects.order_by("code")
