"""Positions in foreign assets: what conversions left, what the books carry it at, and what it is worth.

All accounts of an entity in one asset sum to zero, its position included: so the position holds the other side of everything that came in
or went out by conversion, and valuing it values those holdings. What an entity earned, spent or took as capital in a foreign asset never
passed through the position; it stays in its asset, is shown beside it, and is translated on the balance sheet.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.fx import Valuation, valued
from ledger.models import (
    Account,
    AccountGroup,
    AccountingPeriod,
    AccountPurpose,
    AccountStatus,
    AccountType,
    Asset,
    LegalEntity,
    RateKind,
)
from ledger.queries import account_groups_for, entities_for
from ledger.queries.balances import NOTHING, Sums, balances_as_of
from ledger.queries.rates import RateBook, UsedRate, end_of, rates_to

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# What belongs to the owners: it keeps its asset and is no position.
OWN_FUNDS = (AccountType.EQUITY, AccountType.INCOME, AccountType.EXPENSE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """An entity's position in one foreign asset at the end of a day; amounts are debits less credits.

    `rate` and `valuation` are None where no rate serves; `problem` says why.
    """

    asset: Asset
    position: Account | None
    equivalent: Account | None
    position_minor: int
    equivalent_minor: int
    own_funds_minor: int
    rate: UsedRate | None
    valuation: Valuation | None
    problem: str

    @property
    def held_minor(self) -> int:
        """Return what is held by conversion: the other side of the position."""
        return -self.position_minor

    @property
    def cost_minor(self) -> int:
        """Return what the books carry that at: a holding's cost above zero."""
        return self.equivalent_minor

    @property
    def value_minor(self) -> int | None:
        """Return what the holding is worth."""
        return None if self.valuation is None else -self.valuation.value_minor

    @property
    def unrealised_minor(self) -> int | None:
        return None if self.valuation is None else self.valuation.adjustment_minor

    @property
    def is_flat(self) -> bool:
        return not (self.position_minor or self.equivalent_minor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """An entity's positions at the end of a day, and the account that takes the result of exchange differences."""

    entity: LegalEntity
    functional: Asset
    as_of: date
    rates: RateBook
    result_account: Account | None
    rows: Sequence[Position] = field(default_factory=list)

    @property
    def unrealised_minor(self) -> int | None:
        """Return the sum of what is not booked, if every position that is there could be valued."""
        if any(row.unrealised_minor is None and not row.is_flat for row in self.rows):
            return None
        return sum(row.unrealised_minor or 0 for row in self.rows)

    @property
    def problems(self) -> list[str]:
        return [row.problem for row in self.rows if row.problem and not row.is_flat]


def entities_seen_whole(user: "AbstractUser") -> QuerySet[LegalEntity]:
    """Return the entities none of whose accounts is out of the user's sight: a position is what all accounts leave together."""
    unseen = AccountGroup.objects.exclude(pk__in=account_groups_for(user).order_by().values("pk"))
    hidden = Account.objects.filter(entity=OuterRef("pk"), group__in=unseen.order_by().values("pk"))
    return entities_for(user).exclude(Exists(hidden)).select_related("functional_asset").order_by("code")


def last_period_end(*, entity: LegalEntity, day: date) -> date | None:
    """Return the last day of the latest period that had ended by a day."""
    ended = AccountingPeriod.objects.filter(entity=entity, ends_on__lte=day)
    return ended.order_by("-ends_on").values_list("ends_on", flat=True).first()


def positions_of(entity: LegalEntity, *, as_of: date) -> Positions | None:
    """Return the positions of an entity, or None if it has no functional asset to value them in.

    The caller has already shown the entity to the reader.
    """
    functional = entity.functional_asset
    if functional is None:
        return None
    accounts = list(
        Account.objects.filter(entity=entity, is_control=False)
        .filter(Q(purpose__in=[AccountPurpose.FX_POSITION, AccountPurpose.FX_RESULT]) | Q(equivalent_of__isnull=False))
        .select_related("asset", "equivalent_of", "entity")
        .order_by("code")
    )
    foreign = _foreign_assets(accounts, functional=functional)
    sums = balances_as_of(account_ids=[one.pk for one in accounts], as_of=as_of)
    own = _own_funds(entity, functional=functional, as_of=as_of)
    at_end = {one.pk: sums.get(one.pk, NOTHING) for one in accounts}
    book = rates_to(quote=functional.code, bases=list(foreign), kind=RateKind.CLOSING, at=end_of(as_of))
    return Positions(
        entity=entity,
        functional=functional,
        as_of=as_of,
        rates=book,
        result_account=next((one for one in accounts if _is_result(one, functional=functional)), None),
        rows=[
            _position(asset, accounts=accounts, at_end=at_end, own_funds_minor=own.get(asset.pk, 0), book=book, functional=functional)
            for _, asset in sorted(foreign.items())
        ],
    )


def _is_result(account: Account, *, functional: Asset) -> bool:
    return account.purpose == AccountPurpose.FX_RESULT and account.asset_id == functional.pk and account.status == AccountStatus.OPEN


def _foreign_assets(accounts: Sequence[Account], *, functional: Asset) -> dict[str, Asset]:
    """Return the assets, by code, that the entity has a position or its book value in."""
    found = [one.asset for one in accounts if one.purpose == AccountPurpose.FX_POSITION and one.asset_id != functional.pk]
    found += [one.equivalent_of for one in accounts if one.equivalent_of is not None and one.asset_id == functional.pk]
    return {asset.code: asset for asset in found}


def _position(
    asset: Asset, *, accounts: Sequence[Account], at_end: dict[int, Sums], own_funds_minor: int, book: RateBook, functional: Asset
) -> Position:
    position = next((one for one in accounts if one.purpose == AccountPurpose.FX_POSITION and one.asset_id == asset.pk), None)
    equivalent = next((one for one in accounts if one.equivalent_of_id == asset.pk and one.asset_id == functional.pk), None)
    held = _net(at_end[position.pk]) if position else 0
    carried = _net(at_end[equivalent.pk]) if equivalent else 0
    rate = book.used.get(asset.code)
    return Position(
        asset=asset,
        position=position,
        equivalent=equivalent,
        position_minor=held,
        equivalent_minor=carried,
        own_funds_minor=own_funds_minor,
        rate=rate,
        valuation=valued(
            position_minor=held, equivalent_minor=carried, rate=rate.value, scale=asset.scale, functional_scale=functional.scale
        )
        if rate
        else None,
        problem=str(book.problems.get(asset.code, "")),
    )


def _net(sums: Sums) -> int:
    return sums.debits_minor - sums.credits_minor


def _own_funds(entity: LegalEntity, *, functional: Asset, as_of: date) -> dict[int, int]:
    """Return by foreign asset what belongs to the owners in it: credits less debits."""
    asset_of = dict(
        Account.objects.filter(entity=entity, type__in=OWN_FUNDS, is_control=False).exclude(asset=functional).values_list("pk", "asset_id")
    )
    own: dict[int, int] = {}
    for account, sums in balances_as_of(account_ids=list(asset_of), as_of=as_of).items():
        own[asset_of[account]] = own.get(asset_of[account], 0) - _net(sums)
    return own
