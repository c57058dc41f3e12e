"""The demo company's rates: a closing rate of every asset for each bank day, how old a rate may be, and conversions at those rates."""

import random
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from ledger.models import Account, OwnerClass, RateKind, Transaction
from ledger.operations.conversions import ConversionRequest, convert
from ledger.operations.rates import RateRequest, record_rates, set_rate_age
from ledgerops.demo import chart
from ledgerops.demo.bankdays import is_bank_day
from ledgerops.demo.shapes import Company

SOURCE = "Treasury desk"
SCOPE = "demo-conversions"
SPREAD_BPS = 40
# Conversions are on the days of a month that this divides, each of so large a part of what the customer holds now.
EVERY, PART = 7, 25
FIXED_AT = time(21, 0, tzinfo=UTC)
# Over a long weekend the rate of its eve still serves.
AGES = {RateKind.CLOSING: 4 * 24 * 60, RateKind.SPOT: 15, RateKind.AVERAGE: 31 * 24 * 60}
# Where each asset begins in the functional one, its decimals, and how far it moves in a day, in hundredths of a percent.
STARTS = {
    "EUR": (Decimal("1.0840"), 4, 45),
    "GBP": (Decimal("1.2710"), 4, 50),
    "JPY": (Decimal("0.006610"), 6, 60),
    "USDC-ETH": (Decimal("1.0000"), 4, 1),
    "USDC-BASE": (Decimal("1.0000"), 4, 1),
}
assert set(STARTS) == {asset.code for asset in chart.ASSETS} - {chart.FUNCTIONAL}


def load_rates(company: Company, *, recorded_by_id: int | None = None) -> int:
    """Record the closing rates of the company's bank days that have come; those that are there already stay. Returns how many are new."""
    for kind, minutes in AGES.items():
        set_rate_age(kind=kind, maximum_minutes=minutes)
    days = [entry.effective_date for entry in company.entries]
    requests = planned_rates(seed=company.key_prefix, first_day=days[0], last_day=days[-1])
    come = [one for one in requests if one.at is not None and one.at <= timezone.now()]
    new = record_rates(requests=come, recorded_by_id=recorded_by_id, source=SOURCE).new
    _convert(company, said=come, recorded_by_id=recorded_by_id)
    return new


def _convert(company: Company, *, said: Sequence[RateRequest], recorded_by_id: int | None) -> None:
    """Convert for customers who hold dollars and another currency, in turn and now this way, now the other; what was converted stays."""
    pairs = _both_currencies()
    for number, one in enumerate([one for one in said if one.base in chart.FIAT and one.at is not None and one.at.day % EVERY == 0]):
        key = f"{company.key_prefix}-fx-{one.base}-{one.at:%Y%m%d}"
        held = [pair for pair in pairs if pair[1].asset.code == one.base]
        if not held or one.at is None or Transaction.objects.filter(scope=SCOPE, key=key).exists():
            continue
        dollars, other = held[number % len(held)]
        sold, bought = (other, dollars) if number % 2 else (dollars, other)
        minor = sold.balance.posted_minor // PART
        price = one.value if sold is other else _inverse(one.value)
        if minor < 100:
            continue
        convert(
            request=ConversionRequest(
                key=key,
                entity=company.entity_code,
                effective_date=one.at.date(),
                sold_account=sold.code,
                bought_account=bought.code,
                quote_id=f"Q-{one.base}-{one.at:%Y%m%d}",
                rate=price,
                quoted_at=one.at,
                sold_minor=minor,
                spread_bps=SPREAD_BPS,
                spread_account=chart.spread_account(asset=sold.asset.code),
                reference=f"FX-{one.base}-{one.at:%Y%m%d}",
                counterparty=sold.name,
                actor_id=recorded_by_id,
            ),
            scope=SCOPE,
        )


def _inverse(rate: str) -> str:
    return f"{(1 / Decimal(rate)).quantize(Decimal('0.000001')):f}"


def _both_currencies() -> list[tuple[Account, Account]]:
    """Return the customers that hold dollars and another currency, each as those two accounts, the largest holding first."""
    accounts = Account.objects.filter(owner_class=OwnerClass.CUSTOMER, asset__code__in=chart.FIAT).select_related("asset", "balance")
    of_customer: dict[str, dict[str, Account]] = {}
    for account in accounts.order_by("code"):
        of_customer.setdefault(account.code.partition("-")[0], {})[account.asset.code] = account
    pairs = [
        (own[chart.FUNCTIONAL], other)
        for code, own in of_customer.items()
        if chart.FUNCTIONAL in own and code not in (chart.FOLLOWED, chart.OVERDRAWN)
        for asset, other in own.items()
        if asset != chart.FUNCTIONAL
    ]
    return sorted(pairs, key=lambda pair: (-pair[0].balance.posted_minor, pair[0].code))[:12]


def planned_rates(*, seed: str, first_day: date, last_day: date) -> list[RateRequest]:
    """Return a walk of each asset's rate over the bank days, the same for the same seed."""
    days = [day for offset in range((last_day - first_day).days + 1) if is_bank_day(day := first_day + timedelta(days=offset))]
    requests = []
    for asset, (start, decimals, reach) in STARTS.items():
        chance = random.Random(f"{seed}:rates:{asset}")  # noqa: S311 (the generator must repeat itself)
        value = start
        for day in days:
            value *= 1 + Decimal(chance.randint(-reach, reach)) / 10_000
            # What is tied to the dollar goes back to it.
            value = (value + start) / 2 if reach == 1 else value
            shown = value.quantize(Decimal(1).scaleb(-decimals))
            requests.append(
                RateRequest(
                    base=asset,
                    quote=chart.FUNCTIONAL,
                    kind=RateKind.CLOSING,
                    source=SOURCE,
                    at=datetime.combine(day, FIXED_AT),
                    value=f"{shown:f}",
                )
            )
    return requests
