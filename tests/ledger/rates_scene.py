"""Books in dollars, euros and yen with everything that conversions, remeasurement and a year end need; the year is 2025."""

from datetime import UTC, date, datetime
from typing import Any

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from ledger import operations as ledger
from ledger.models import AccountingPeriod, AccountPurpose, AccountType, LegalEntity, OwnerClass, RateKind
from ledger.operations.conversions import ConversionRequest, convert
from ledger.operations.rates import RateRequest, record_rate, set_rate_age
from tests.fixtures import GROUP

ENTITY = "M2"
WHY = "Period-end work of the finance team, agreed."
DAYS = 4

_EACH = (
    ("1010", "Bank", AccountType.ASSET, OwnerClass.NOSTRO, ""),
    ("2010", "Customer", AccountType.LIABILITY, OwnerClass.CUSTOMER, ""),
    ("2800", "Position", AccountType.LIABILITY, OwnerClass.FX_POSITION, AccountPurpose.FX_POSITION),
    ("3010", "Capital", AccountType.EQUITY, OwnerClass.EQUITY, ""),
    ("3020", "Retained earnings", AccountType.EQUITY, OwnerClass.EQUITY, AccountPurpose.RETAINED_EARNINGS),
    ("4010", "Fees earned", AccountType.INCOME, OwnerClass.FEE, ""),
    ("4040", "Rounding", AccountType.INCOME, OwnerClass.FEE, AccountPurpose.ROUNDING),
    ("5010", "Charges", AccountType.EXPENSE, OwnerClass.FEE, ""),
)


def define_company() -> None:
    """Define the entity with its accounts by asset (`2010-EUR`), the values of its positions (`1850-EUR`), and the months of 2025."""
    ledger.define_asset(code="EUR", name="Euro", scale=2)
    ledger.define_entity(code=ENTITY, name="Meridian Two", functional_asset="USD")
    for asset in ("USD", "EUR", "JPY"):
        for number, name, kind, owner_class, purpose in _EACH:
            _open(f"M2-{number}-{asset}", name, asset, kind, owner_class, purpose=purpose)
    for asset in ("EUR", "JPY"):
        _open(f"M2-2850-{asset}", f"Value of {asset}", "USD", AccountType.LIABILITY, OwnerClass.FX_POSITION, equivalent_of=asset)
    _open("M2-4050", "Exchange result", "USD", AccountType.INCOME, OwnerClass.FEE, purpose=AccountPurpose.FX_RESULT)
    ledger.open_year(entity=ENTITY, starts_on=date(2025, 1, 1))
    ledger.open_year(entity=ENTITY, starts_on=date(2026, 1, 1))
    set_rate_age(kind=RateKind.CLOSING, maximum_minutes=DAYS * 24 * 60)


def show_company() -> None:
    """Give every role of the cast but the stranger sight of the entity."""
    for role in ("Analyst", "Approver", "Controller", "Auditor"):
        approvals.grant_sight(role=role, scope_object=LegalEntity.objects.get(code=ENTITY))


def soft_lock_before(day: date) -> None:
    for period in AccountingPeriod.objects.filter(entity__code=ENTITY, ends_on__lt=day):
        ledger.soft_lock_period(period_id=period.pk)


def _open(code: str, name: str, asset: str, kind: AccountType, owner_class: OwnerClass, **further: Any) -> None:
    ledger.open_account(
        code=code, name=name, entity=ENTITY, group=GROUP, asset=asset, account_type=kind, owner_class=owner_class, **further
    )


def rate(text: str, *, day: date, kind: str = RateKind.CLOSING, source: str = "Treasury", hour: int = 21) -> None:
    """Record a rate from notation: `rate("EUR/USD 1.10", day=date(2025, 11, 28))`."""
    pair, value = text.split()
    base, quote = pair.split("/")
    at = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    record_rate(request=RateRequest(base=base, quote=quote, kind=kind, source=source, at=at, value=value), recorded_by_id=None)


def converted(text: str, *, day: date, rate: str, key: str) -> None:
    """Convert for the customer from notation: `converted("100.00 EUR to USD", ...)`, without spread."""
    amount, sold, _, bought = text.split()
    scale = 0 if sold == "JPY" else 2
    convert(
        request=ConversionRequest(
            key=key,
            entity=ENTITY,
            effective_date=day,
            sold_account=f"M2-2010-{sold}",
            bought_account=f"M2-2010-{bought}",
            quote_id=f"Q-{key}",
            rate=rate,
            quoted_at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
            sold_minor=int(amount.replace(".", "")) if scale else int(amount),
            spread_bps=0,
        ),
        scope="tests",
    )


def approved(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return approvals.decide(
        proposal_id=proposal.pk, version=version.n, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )
