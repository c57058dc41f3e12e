"""Reading periods: the calendar, closes with what they stored, and whether that is still what was stored."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import connection
from django.db.models import Count, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Now

from approvals.models import User
from ledger.models import AccountingPeriod, Close, CloseBalance, DayDelta, LegalEntity, PeriodStatus
from ledger.queries import accounts_for, entities_for, periods_for
from ledgerops.lib.transactions import database_now

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


@dataclass(frozen=True, slots=True, kw_only=True)
class Month:
    """A period in the calendar with its latest close. `state` is its status; a reopened one's is `reopened`, later `close_again`."""

    period: AccountingPeriod
    state: str
    closes: int
    closed_by: str
    passed_over: int


def calendar_of(user: "AbstractUser", *, entity: LegalEntity, year: int) -> list[Month]:
    """Return the periods of an entity that begin in a year, in their order."""
    latest = Close.objects.filter(period=OuterRef("pk")).order_by("-n")
    periods = list(
        periods_for(user)
        .filter(entity=entity, starts_on__gte=date(year, 1, 1), starts_on__lte=date(year, 12, 31))
        .annotate(close_n=Subquery(latest.values("n")[:1]), close_by=Subquery(latest.values("closed_by_id")[:1]))
        .annotate(close_list=Subquery(latest.values("checklist")[:1]))
        .order_by("starts_on")
    )
    names = names_of([period.close_by for period in periods])
    now = database_now()
    return [
        Month(
            period=period,
            state=_state(period, ended=period.reopen_ends_at is not None and period.reopen_ends_at <= now),
            closes=period.close_n or 0,
            closed_by=names.get(period.close_by, "the system") if period.close_n else "",
            passed_over=sum(not item["passed"] for item in period.close_list or []),
        )
        for period in periods
    ]


def state_of(period: AccountingPeriod) -> str:
    """Return how a period stands, in one word of the calendar."""
    return _state(period, ended=period.reopen_ends_at is not None and period.reopen_ends_at <= database_now())


def _state(period: AccountingPeriod, *, ended: bool) -> str:
    if period.status == PeriodStatus.CLOSED or period.reopen_ends_at is None:
        return period.status
    return "close_again" if ended else "reopened"


def names_of(user_ids: Sequence[int | None]) -> dict[int | None, str]:
    """Return what people are called, by their ids."""
    return {user.pk: user.shown_name for user in User.objects.filter(pk__in={pk for pk in user_ids if pk is not None})}


def years_of(user: "AbstractUser", *, entity: LegalEntity) -> list[int]:
    """Return the years in which an entity has periods."""
    return [day.year for day in periods_for(user).filter(entity=entity).order_by().dates("starts_on", "year")]


def to_be_closed_again(user: "AbstractUser") -> QuerySet[AccountingPeriod]:
    """Return the reopened periods whose time is over: nothing is posted into them, and they are to be closed again."""
    return periods_for(user).filter(reopen_ends_at__lte=Now()).exclude(status=PeriodStatus.CLOSED).order_by("starts_on")


def waiting_to_be_closed(user: "AbstractUser") -> QuerySet[AccountingPeriod]:
    """Return the periods that wait for this user to close them again, for the navigation."""
    return to_be_closed_again(user) if user.has_perm("ledger.close_period") else AccountingPeriod.objects.none()


def closes_of(period: AccountingPeriod) -> list[Close]:
    """Return every close of a period, latest first. The caller has already shown the period to the reader."""
    return list(Close.objects.filter(period=period).order_by("-n"))


def close_numbered(period: AccountingPeriod, *, n: int) -> Close | None:
    return Close.objects.filter(period=period, n=n).first()


def closes_known_to(user: "AbstractUser") -> QuerySet[Close]:
    """Return the closes of the entities in a user's sight, latest first."""
    return (
        Close.objects.filter(period__entity__in=entities_for(user).order_by().values("pk")).select_related("period__entity").order_by("-id")
    )


def stored_balances(user: "AbstractUser", *, close: Close) -> QuerySet[CloseBalance]:
    """Return what a close stored of the accounts in sight, by asset and code."""
    visible = accounts_for(user).order_by().values("pk")
    rows = CloseBalance.objects.filter(close=close, account__in=visible).select_related("account__asset")
    return rows.order_by("account__asset__code", "account__code")


_DIGEST = """
    SELECT encode(sha256(convert_to(%(heading)s || coalesce(string_agg(
        E'\\n' || concat_ws(' ', a.code, s.code, b.debits_minor, b.credits_minor, b.account_seq), '' ORDER BY a.code COLLATE "C"), ''),
        'UTF8')), 'hex')
    FROM ledger_close_balance b JOIN ledger_account a ON a.id = b.account_id JOIN ledger_asset s ON s.id = a.asset_id
    WHERE b.close_id = %(close)s
"""


def digest_of_stored(close: Close) -> str:
    """Return the digest of what a close's rows say now; another than the close's own means that they were changed."""
    period = close.period
    heading = f"{period.entity.code} {period.starts_on} {period.ends_on} close {close.n}"
    with connection.cursor() as cursor:
        cursor.execute(_DIGEST, {"heading": heading, "close": close.pk})
        (digest,) = cursor.fetchone()
    return str(digest)


def next_to_close(*, entity: LegalEntity) -> AccountingPeriod | None:
    """Return the first period of an entity that is not closed."""
    return (
        AccountingPeriod.objects.filter(entity=entity)
        .exclude(status=PeriodStatus.CLOSED)
        .select_related("entity")
        .order_by("starts_on")
        .first()
    )


def close_of_proposal(period: AccountingPeriod, *, proposal_id: UUID) -> Close | None:
    return Close.objects.filter(period=period, proposal_id=proposal_id).first()


def later_closed(period: AccountingPeriod) -> list[AccountingPeriod]:
    """Return the closed periods after one: their stored trial balance follows what changes in it."""
    later = AccountingPeriod.objects.filter(entity=period.entity_id, starts_on__gt=period.ends_on, status=PeriodStatus.CLOSED)
    return list(later.order_by("starts_on"))


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetTotal:
    """Debits and credits of one asset at the end of a period."""

    asset: str
    scale: int
    accounts: int
    debits_minor: int
    credits_minor: int

    @property
    def difference_minor(self) -> int:
        return self.debits_minor - self.credits_minor


def totals_of(period: AccountingPeriod, *, close: Close | None) -> list[AssetTotal]:
    """Return the totals by asset that a close stored or, without one, as they stand at the period's end."""
    rows: QuerySet[Any]
    if close is not None:
        rows = CloseBalance.objects.filter(close=close)
    else:
        rows = DayDelta.objects.filter(account__entity=period.entity_id, effective_date__lte=period.ends_on)
    sums = rows.values_list("account__asset__code", "account__asset__scale").annotate(
        accounts=Count("account", distinct=True), debits=Sum("debits_minor"), credits=Sum("credits_minor")
    )
    return [
        AssetTotal(asset=asset, scale=scale, accounts=accounts, debits_minor=int(debits), credits_minor=int(credits_))
        for asset, scale, accounts, debits, credits_ in sums.order_by("account__asset__code")
    ]
