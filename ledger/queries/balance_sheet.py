"""The balance sheet of an entity at the end of a day: every asset by itself, and all of them in one.

What is owned and owed is translated at the closing rate of the day, income and expense of a month at that month's average where one was
recorded, else at the closing rate. What those two leave between them is the translation difference, a line of its own. Lines of one asset
are rounded together, so that the statement balances to the last minor unit if the books do. A rate that is missing or stale refuses the
whole: half a balance sheet is none.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, cast

from django.db.models import Case, F, Q, Sum, Value, When

from ledger.accounting import DEBIT
from ledger.fx import apportioned, price_of, whole
from ledger.models import AccountPurpose, AccountType, Asset, DayDelta, JournalEntry, LegalEntity, Posting, PostingTail, RateKind
from ledger.queries import accounts_for
from ledger.queries.balances import balances_as_of
from ledger.queries.rates import UsedRate, averages_to, end_of, rates_to

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

RESULT_TYPES = (AccountType.INCOME, AccountType.EXPENSE)
# Owned is debits less credits; owed, equity and income are credits less debits.
_SIGNS = {
    AccountType.ASSET: 1,
    AccountType.EXPENSE: 1,
    AccountType.LIABILITY: -1,
    AccountType.EQUITY: -1,
    AccountType.INCOME: -1,
}
assert set(_SIGNS) == set(AccountType)
LABELS = {
    AccountType.ASSET: "Assets",
    AccountType.LIABILITY: "Liabilities",
    AccountType.EQUITY: "Equity",
    AccountType.INCOME: "Income",
    AccountType.EXPENSE: "Expense",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A line of the statement: an account, or a control account with those under it. Amounts are on the side of its section."""

    type: str
    code: str
    name: str
    asset: str
    scale: int
    native_minor: int
    reported_minor: int
    accounts: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    type: str
    items: Sequence[Item]

    @property
    def label(self) -> str:
        return LABELS[AccountType(self.type)]

    @property
    def total_minor(self) -> int:
        return sum(item.reported_minor for item in self.items)


@dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheet:
    """A statement in the reporting asset. `result_minor` is income less expense that no year end has moved to retained earnings yet.

    `income` and `expense` are those of the year since `year_starts_on`, be it closed or not. `rates` are the closing rates used, `averages`
    those of months.
    """

    entity: LegalEntity
    reporting: Asset
    as_of: date
    assets: Section
    liabilities: Section
    equity: Section
    result_minor: int
    translation_minor: int
    income: Section
    expense: Section
    year_starts_on: date
    natives: Sequence["Native"] = field(default_factory=list)
    rates: Sequence[UsedRate] = field(default_factory=list)
    averages: Sequence["MonthRate"] = field(default_factory=list)

    @property
    def equity_minor(self) -> int:
        return self.equity.total_minor + self.result_minor + self.translation_minor

    @property
    def owed_minor(self) -> int:
        """Return liabilities and equity together: what assets must equal."""
        return self.liabilities.total_minor + self.equity_minor

    @property
    def difference_minor(self) -> int:
        return self.assets.total_minor - self.owed_minor

    @property
    def year_result_minor(self) -> int:
        return self.income.total_minor - self.expense.total_minor

    @property
    def balances(self) -> bool:
        return not self.difference_minor and all(not native.difference_minor for native in self.natives)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthRate:
    """The average that income and expense of a month are translated at."""

    month: date
    rate: UsedRate


@dataclass(frozen=True, slots=True, kw_only=True)
class Native:
    """One asset of the books, untranslated."""

    asset: str
    scale: int
    assets_minor: int
    liabilities_minor: int
    equity_minor: int
    result_minor: int

    @property
    def difference_minor(self) -> int:
        return self.assets_minor - self.liabilities_minor - self.equity_minor - self.result_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """The accounts of an entity that a reader sees, read once for all the days that are asked for."""

    entity: LegalEntity
    accounts: Mapping[int, "_Account"]
    year_ends: Sequence[date] = ()

    @property
    def assets(self) -> list[str]:
        return sorted({account.asset for account in self.accounts.values()})

    def year_ended(self, *, day: date) -> date | None:
        """Return the last day, up to a day, with which a year ended."""
        return max((ended for ended in self.year_ends if ended <= day), default=None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Account:
    type: AccountType
    code: str
    name: str
    asset: str
    scale: int
    is_position: bool


@dataclass(slots=True, kw_only=True)
class _Group:
    """The accounts of one line, with what they hold as debits less credits and what that is worth exactly."""

    first: _Account
    native: int = 0
    exact: Fraction = Fraction(0)
    accounts: int = 0


def chart_for(user: "AbstractUser", *, entity: LegalEntity, by_control: bool) -> Chart:
    """Return the accounts of an entity in sight; `by_control` lets those under a control account stand in its line."""
    rows = accounts_for(user).filter(entity=entity).order_by("code")
    accounts = {}
    fields = ("pk", "type", "code", "name", "asset__code", "asset__scale", "purpose", "parent__code", "parent__name")
    for pk, kind, code, name, asset, scale, purpose, control, control_name in rows.values_list(*fields):
        shown_code, shown_name = (control, control_name) if by_control and control else (code, name)
        accounts[pk] = _Account(
            type=AccountType(kind),
            code=shown_code,
            name=shown_name,
            asset=asset,
            scale=scale,
            is_position=purpose == AccountPurpose.FX_POSITION,
        )
    ends = JournalEntry.objects.filter(entity=entity, type__code="year_end").order_by().values_list("effective_date", flat=True)
    return Chart(entity=entity, accounts=accounts, year_ends=sorted(set(ends)))


def balance_sheet(*, chart: Chart, reporting: Asset, as_of: date) -> BalanceSheet:
    """Return the balance sheet of a chart's accounts at the end of a day.

    :raises RateMissing, RateStale: if an asset that is held cannot be translated; `detail["problems"]` has all of them.
    """
    held = {
        pk: net
        for pk, sums in balances_as_of(account_ids=list(chart.accounts), as_of=as_of).items()
        if (net := sums.debits_minor - sums.credits_minor)
    }
    closed_on = chart.year_ended(day=as_of)
    starts_on = _year_starts(chart, as_of=as_of, closed_on=closed_on)
    # A year begins after the last year end or, without one, on a first of January: both are read at once.
    months = _movements(chart, since=starts_on if closed_on else None, until=as_of)
    open_months = {} if closed_on == as_of else months
    year_months = {key: net for key, net in months.items() if key[1] >= starts_on.replace(day=1)}
    if closed_on and closed_on >= starts_on:
        year_months = _without_year_ends(chart, year_months, since=starts_on, until=as_of)
    needed = {chart.accounts[pk].asset for pk in [*held, *(pk for pk, _ in [*open_months, *year_months])]}
    functional = chart.entity.functional_asset
    through = functional.code if functional else None
    book = rates_to(quote=reporting.code, bases=needed, kind=RateKind.CLOSING, at=end_of(as_of), through=through)
    book.refuse_problems()
    first_month = min([starts_on, *(month for _, month in open_months)])
    averages = averages_to(quote=reporting.code, bases=needed, since=first_month, until=as_of, through=through)
    rates = _Rates(closing=book.used, averages=averages, reporting=reporting)
    items, translation = _translated(chart, held=held, months=open_months, rates=rates)
    sections = _sections(items)
    year = _sections(_translated_months(chart, months=year_months, rates=rates))
    used_months = {(chart.accounts[pk].asset, month) for pk, month in [*open_months, *year_months]}
    return BalanceSheet(
        entity=chart.entity,
        reporting=reporting,
        as_of=as_of,
        assets=sections[AccountType.ASSET],
        liabilities=sections[AccountType.LIABILITY],
        equity=sections[AccountType.EQUITY],
        result_minor=sections[AccountType.INCOME].total_minor - sections[AccountType.EXPENSE].total_minor,
        translation_minor=translation,
        income=year[AccountType.INCOME],
        expense=year[AccountType.EXPENSE],
        year_starts_on=starts_on,
        natives=_natives(chart, held=held),
        rates=[used for used in book.used.values() if used.evidence],
        averages=[
            MonthRate(month=month, rate=averages[asset, month]) for asset, month in sorted(averages) if (asset, month) in used_months
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Rates:
    closing: Mapping[str, UsedRate]
    averages: Mapping[tuple[str, date], UsedRate]
    reporting: Asset

    def closing_price(self, account: _Account) -> Fraction:
        return price_of(self.closing[account.asset].value, base_scale=account.scale, quote_scale=self.reporting.scale)

    def month_price(self, account: _Account, month: date) -> Fraction:
        used = self.averages.get((account.asset, month)) or self.closing[account.asset]
        return price_of(used.value, base_scale=account.scale, quote_scale=self.reporting.scale)


_Movements = Mapping[tuple[int, date], int]


def _translated(chart: Chart, *, held: Mapping[int, int], months: _Movements, rates: _Rates) -> tuple[list[Item], int]:
    """Return every line, and the translation difference as equity."""
    of_month: defaultdict[int, list[tuple[date, int]]] = defaultdict(list)
    for (pk, month), net in months.items():
        of_month[pk].append((month, net))
    groups: dict[tuple[str, str, str], _Group] = {}
    # What moved in months of different averages is worth something even where nothing is left of it.
    for pk in [*held, *(pk for pk in of_month if pk not in held)]:
        account, net = chart.accounts[pk], held.get(pk, 0)
        group = groups.setdefault((account.asset, account.type, account.code), _Group(first=account))
        group.native += net
        group.accounts += 1
        moved = of_month.get(pk, []) if account.type in RESULT_TYPES else []
        # What is left of before, such as what came into a closed year's last period afterwards, has no month of its own.
        group.exact += (net - sum(one for _, one in moved)) * rates.closing_price(account)
        group.exact += sum((one * rates.month_price(account, month) for month, one in moved), Fraction(0))
    items, translation = [], 0
    for members in _by_asset(groups):
        results = [group for group in members if group.first.type in RESULT_TYPES]
        of_result = _rounded(results)
        items += [*_rounded([group for group in members if group.first.type not in RESULT_TYPES]), *of_result]
        at_closing = whole(sum((group.native * rates.closing_price(group.first) for group in results), Fraction(0)))
        translation -= at_closing - sum(item.reported_minor * _SIGNS[AccountType(item.type)] for item in of_result)
    return items, translation


def _by_asset(groups: Mapping[tuple[str, str, str], _Group]) -> list[list[_Group]]:
    """Return the lines of each asset, in the order of their codes."""
    by_asset: defaultdict[str, list[_Group]] = defaultdict(list)
    for key in sorted(groups):
        by_asset[key[0]].append(groups[key])
    return list(by_asset.values())


def _translated_months(chart: Chart, *, months: _Movements, rates: _Rates) -> list[Item]:
    """Return the lines of income and expense that movements of months make."""
    groups: dict[tuple[str, str, str], _Group] = {}
    seen: defaultdict[tuple[str, str, str], set[int]] = defaultdict(set)
    for (pk, month), net in months.items():
        account = chart.accounts[pk]
        key: tuple[str, str, str] = (account.asset, account.type, account.code)
        group = groups.setdefault(key, _Group(first=account))
        group.native += net
        group.exact += net * rates.month_price(account, month)
        seen[key].add(pk)
        group.accounts = len(seen[key])
    return [item for members in _by_asset(groups) for item in _rounded(members)]


def _rounded(groups: Sequence[_Group]) -> list[Item]:
    """Return lines of one asset, rounded together so that they make up their rounded sum.

    A position is rounded by itself, as it is where it is remeasured: so it and the account that carries its value cancel.
    """
    kept = {place for place, group in enumerate(groups) if group.first.is_position}
    return [
        Item(
            type=group.first.type,
            code=group.first.code,
            name=group.first.name,
            asset=group.first.asset,
            scale=group.first.scale,
            native_minor=group.native * _SIGNS[group.first.type],
            reported_minor=minor * _SIGNS[group.first.type],
            accounts=group.accounts,
        )
        for group, minor in zip(groups, apportioned([group.exact for group in groups], kept=kept), strict=True)
    ]


def _sections(items: Iterable[Item]) -> dict[AccountType, Section]:
    by_type: dict[AccountType, list[Item]] = {kind: [] for kind in AccountType}
    for item in items:
        if item.native_minor or item.reported_minor:
            by_type[AccountType(item.type)].append(item)
    return {kind: Section(type=kind, items=sorted(own, key=lambda item: (item.code, item.asset))) for kind, own in by_type.items()}


def _natives(chart: Chart, *, held: Mapping[int, int]) -> list[Native]:
    sums: defaultdict[str, dict[AccountType, int]] = defaultdict(lambda: dict.fromkeys(AccountType, 0))
    scales: dict[str, int] = {}
    for pk, net in held.items():
        account = chart.accounts[pk]
        scales[account.asset] = account.scale
        sums[account.asset][account.type] += net * _SIGNS[account.type]
    return [
        Native(
            asset=asset,
            scale=scales[asset],
            assets_minor=own[AccountType.ASSET],
            liabilities_minor=own[AccountType.LIABILITY],
            equity_minor=own[AccountType.EQUITY],
            result_minor=own[AccountType.INCOME] - own[AccountType.EXPENSE],
        )
        for asset, own in sorted(sums.items())
    ]


# Years

_SIGNED = Case(When(Q(direction=DEBIT), then=F("amount_minor")), default=Value(0) - F("amount_minor"))


def _year_starts(chart: Chart, *, as_of: date, closed_on: date | None) -> date:
    """Return the first day of the year that a day lies in: years follow the year ends, and are calendar years until there is one."""
    if closed_on is not None and closed_on < as_of:
        return closed_on + timedelta(days=1)
    if closed_on is None:
        return as_of.replace(month=1, day=1)
    before = chart.year_ended(day=as_of - timedelta(days=1))
    return before + timedelta(days=1) if before else year_start(as_of)


def year_start(ends_on: date) -> date:
    """Return the first day of the twelve months that end with a day."""
    following = ends_on + timedelta(days=1)
    # A year that ends on 28 February of a leap year has none to begin with.
    day = 28 if (following.month, following.day) == (2, 29) else following.day
    return following.replace(year=following.year - 1, day=day)


def _movements(chart: Chart, *, since: date | None, until: date) -> dict[tuple[int, date], int]:
    """Return what income and expense accounts moved in each month, as debits less credits."""
    span = Q(account__in=_of_results(chart), effective_date__lte=until)
    if since is not None:
        span &= Q(effective_date__gte=since)
    # A leg of a deferred account counts from its posting, though no day has it before the roller does.
    placed = DayDelta.objects.filter(span).values_list("account_id", "effective_date")
    placed = placed.annotate(net=Sum(F("debits_minor") - F("credits_minor"))).order_by()
    waiting = PostingTail.objects.filter(span).values_list("account_id", "effective_date").annotate(net=Sum(_SIGNED)).order_by()
    moved: dict[tuple[int, date], int] = {}
    for pk, day, net in cast("Iterable[tuple[int, date, Decimal]]", placed.union(waiting, all=True)):
        key = (pk, day.replace(day=1))
        moved[key] = moved.get(key, 0) + int(net)
    return {key: net for key, net in moved.items() if net}


def _of_results(chart: Chart) -> list[int]:
    return [pk for pk, account in chart.accounts.items() if account.type in RESULT_TYPES]


def _without_year_ends(chart: Chart, movements: _Movements, *, since: date, until: date) -> dict[tuple[int, date], int]:
    """Return the movements without what year ends took out of the accounts: what was earned and spent stays readable by year."""
    ended = JournalEntry.objects.filter(entity=chart.entity, type__code="year_end", effective_date__gte=since, effective_date__lte=until)
    legs = (
        Posting.objects.filter(entry__in=ended.values("pk"), account__in=_of_results(chart))
        .values_list("account_id", "effective_date")
        .annotate(net=Sum(_SIGNED))
        .order_by()
    )
    moved = dict(movements)
    for pk, day, net in legs:
        key = (pk, day.replace(day=1))
        moved[key] = moved.get(key, 0) - int(net)
    return {key: net for key, net in moved.items() if net}
