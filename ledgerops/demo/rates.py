"""The demo company's rates: a closing rate of every asset for each day, and how old a rate may be."""

import random
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from django.utils import timezone

from ledger.models import RateKind
from ledger.operations.rates import RateRequest, record_rates, set_rate_age
from ledgerops.demo import chart
from ledgerops.demo.bankdays import is_bank_day
from ledgerops.demo.shapes import Company

SOURCE = "Treasury desk"
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
    return record_rates(requests=come, recorded_by_id=recorded_by_id, source=SOURCE).new


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
