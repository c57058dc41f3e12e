"""The demo company's assets, account groups, chart of accounts and bank sources."""

import random
from collections.abc import Iterable
from dataclasses import dataclass

from ledgerops.demo.names import Names, iban
from ledgerops.demo.shapes import PlannedAccount, PlannedAsset, PlannedGroup, PlannedSource

ENTITY_CODE = "MERIDIAN"
ENTITY_NAME = "Meridian Payments"
# What its books are shown in, and what exchange differences are booked in.
FUNCTIONAL = "USD"

ASSETS = (
    PlannedAsset(code="USD", name="US dollar", scale=2),
    PlannedAsset(code="EUR", name="Euro", scale=2),
    PlannedAsset(code="GBP", name="Pound sterling", scale=2),
    PlannedAsset(code="JPY", name="Japanese yen", scale=0),
    PlannedAsset(code="USDC-ETH", name="USDC on Ethereum", scale=6, network="Ethereum"),
    PlannedAsset(code="USDC-BASE", name="USDC on Base", scale=6, network="Base"),
)
# A payments partner keeps money in these, without statements: what is followed there stays out of reconciliation.
PARTNERED = ("USD", "EUR")
FIAT = ("USD", "EUR", "GBP", "JPY")
TOKENS = ("USDC-ETH", "USDC-BASE")

GROUPS = (
    PlannedGroup(code="BANKS", name="Bank accounts"),
    PlannedGroup(code="SAFEGUARDING", name="Safeguarded customer money"),
    PlannedGroup(code="WALLETS", name="On-chain wallets"),
    PlannedGroup(code="CUSTOMERS", name="Customer accounts"),
    PlannedGroup(code="SETTLEMENT", name="Settlement and clearing"),
    PlannedGroup(code="SUSPENSE", name="Suspense"),
    PlannedGroup(code="OWN", name="Platform, income, charges and equity"),
)

SOURCES = (
    PlannedSource(
        code="HARBOR-USD",
        name="Harbor Bank USD operating",
        format="mt940",
        account_code="1010-USD",
        identifier="4410027781",
        asset="USD",
        servicer="Harbor Bank",
        bic="HRBKUS33XXX",
    ),
    PlannedSource(
        code="HARBOR-FBO",
        name="Harbor Bank USD for benefit of customers",
        format="camt053",
        account_code="1110-USD",
        identifier="4410027799",
        asset="USD",
        servicer="Harbor Bank",
        bic="HRBKUS33XXX",
    ),
    PlannedSource(
        code="RHEIN-EUR",
        name="Rhein Bank EUR operating",
        format="mt940",
        account_code="1010-EUR",
        identifier=iban(country="DE", bban="509100440004815200"),
        asset="EUR",
        servicer="Rhein Bank",
        bic="RHEBDEFFXXX",
    ),
    PlannedSource(
        code="THAMES-GBP",
        name="Thames Bank GBP operating",
        format="camt053",
        account_code="1010-GBP",
        identifier=iban(country="GB", bban="THMB60144271903358"),
        asset="GBP",
        servicer="Thames Bank",
        bic="THMBGB2LXXX",
    ),
    PlannedSource(
        code="MIZUKI-JPY",
        name="Mizuki Bank JPY operating",
        format="mt940",
        account_code="1010-JPY",
        identifier="0417-2290514",
        asset="JPY",
        servicer="Mizuki Bank",
        bic="MZKBJPJTXXX",
    ),
)


@dataclass(frozen=True)
class Customer:
    """A customer and what it holds: `accounts` maps each of its assets to its account."""

    code: str
    name: str
    accounts: dict[str, str]
    activity: float


def bank_account(*, asset: str) -> str:
    return f"1010-{asset}"


def safeguarding_account() -> str:
    return "1110-USD"


def hot_wallet(*, asset: str) -> str:
    return f"1210-{asset}"


def treasury_wallet(*, asset: str) -> str:
    return f"1220-{asset}"


def settlement_wallet() -> str:
    return "1230-USDC-BASE"


def clearing_account(*, asset: str) -> str:
    return f"1310-{asset}"


def equity_account(*, asset: str) -> str:
    return f"3010-{asset}"


def fee_income_account(*, asset: str) -> str:
    return f"4010-{asset}"


def interest_account(*, asset: str) -> str:
    return f"4020-{asset}"


def charges_account(*, asset: str) -> str:
    return f"5010-{asset}"


def written_off_account(*, asset: str) -> str:
    return f"5020-{asset}"


def partner_account(*, asset: str) -> str:
    return f"1020-{asset}"


def spread_account(*, asset: str) -> str:
    return f"4030-{asset}"


# Two customers whose movements are followed from event to trial balance; the second may not overdraw.
FOLLOWED = "C9001"
OVERDRAWN = "C9002"
_FOLLOWED_ROWS = (
    (FOLLOWED, "Followed example", "USD", None),
    (FOLLOWED, "Followed example", "EUR", None),
    (OVERDRAWN, "Followed example, limited", "USD", 0),
)


def invent_customers(rng: random.Random, *, count: int, names: Names) -> tuple[Customer, ...]:
    """Return `count` companies: each at home in one currency, some with a second one, some holding a stablecoin."""
    customers = []
    for number in range(1, count + 1):
        home = rng.choices(FIAT, weights=(46, 26, 16, 12))[0]
        assets = [home]
        if rng.random() < 0.35:
            assets.append(rng.choice([asset for asset in FIAT if asset != home]))
        assets += [token for token in TOKENS if rng.random() < 0.22]
        code = f"C{number:04d}"
        customers.append(
            Customer(
                code=code,
                name=names.company(home=home),
                accounts={asset: f"{code}-{asset}" for asset in assets},
                activity=rng.lognormvariate(0.0, 0.6),
            )
        )
    return tuple(customers)


def accounts(*, customers: Iterable[Customer]) -> tuple[PlannedAccount, ...]:
    """Return the chart, every parent before its children."""
    chart = [account for asset in ASSETS for account in _house_accounts(asset=asset.code)]
    chart += [
        PlannedAccount(
            code=f"2820-{FUNCTIONAL}-{asset.code}", name=f"Value of the {asset.code} position", type="liability", owner_class="fx_position",
            asset=FUNCTIONAL, group="OWN", parent=f"2800-{FUNCTIONAL}", equivalent_of=asset.code,
        )
        for asset in ASSETS if asset.code != FUNCTIONAL
    ]  # fmt: skip
    chart += [
        PlannedAccount(
            code=f"{code}-{asset}", name=name, type="liability", owner_class="customer", asset=asset, group="CUSTOMERS",
            parent=f"2000-{asset}", overdraft_limit_minor=limit,
        )
        for code, name, asset, limit in _FOLLOWED_ROWS
    ]  # fmt: skip
    for customer in customers:
        chart += [
            PlannedAccount(
                code=code, name=customer.name, type="liability", owner_class="customer", asset=asset, group="CUSTOMERS",
                parent=f"2000-{asset}",
            )
            for asset, code in customer.accounts.items()
        ]  # fmt: skip
    return tuple(chart)


# What the books themselves look for, by number.
PURPOSES = {
    "1390": "shortfall",
    "2810": "fx_position",
    "3020": "retained_earnings",
    "3090": "opening",
    "4040": "rounding",
    "4050": "fx_result",
}

# Number, name, type, owner class, group and the parent's number; one account per asset.
_Row = tuple[str, str, str, str, str, str | None]
_BANK_ROWS: tuple[_Row, ...] = (
    ("1000", "Bank accounts", "asset", "nostro", "BANKS", None),
    ("1010", "Operating account", "asset", "nostro", "BANKS", "1000"),
)
_PARTNER_ROWS: tuple[_Row, ...] = (("1020", "Payments partner", "asset", "nostro", "BANKS", "1000"),)
_FUNCTIONAL_ROWS: tuple[_Row, ...] = (("4050", "Exchange differences", "income", "fee", "OWN", "4000"),)
_SAFEGUARDING_ROWS: tuple[_Row, ...] = (
    ("1100", "Safeguarded customer money", "asset", "safeguarding", "SAFEGUARDING", None),
    ("1110", "For benefit of customers", "asset", "safeguarding", "SAFEGUARDING", "1100"),
)
_WALLET_ROWS: tuple[_Row, ...] = (
    ("1200", "On-chain wallets", "asset", "wallet", "WALLETS", None),
    ("1210", "Hot wallet", "asset", "wallet", "WALLETS", "1200"),
    ("1220", "Treasury wallet", "asset", "wallet", "WALLETS", "1200"),
)
# Followed on its chain, transfer by transfer.
_FOLLOWED_WALLET_ROWS: tuple[_Row, ...] = (("1230", "Settlement wallet", "asset", "wallet", "WALLETS", "1200"),)
_COMMON_ROWS: tuple[_Row, ...] = (
    ("1300", "Settlement and clearing", "asset", "settlement", "SETTLEMENT", None),
    ("1310", "Card scheme prefunding", "asset", "settlement", "SETTLEMENT", "1300"),
    ("1390", "Overdrawn by customers", "asset", "settlement", "SETTLEMENT", "1300"),
    ("2000", "Customer balances", "liability", "customer", "CUSTOMERS", None),
    ("2500", "Platform balances", "liability", "platform", "OWN", None),
    ("2510", "Platform float", "liability", "platform", "OWN", "2500"),
    ("2800", "Exchange positions", "liability", "fx_position", "OWN", None),
    ("2810", "Position", "liability", "fx_position", "OWN", "2800"),
    ("2900", "Suspense", "liability", "suspense", "SUSPENSE", None),
    ("2910", "Unidentified receipts", "liability", "suspense", "SUSPENSE", "2900"),
    ("3000", "Equity", "equity", "equity", "OWN", None),
    ("3010", "Paid-in capital", "equity", "equity", "OWN", "3000"),
    ("3020", "Retained earnings", "equity", "equity", "OWN", "3000"),
    ("3090", "Opening balances", "equity", "equity", "OWN", "3000"),
    ("4000", "Income", "income", "fee", "OWN", None),
    ("4010", "Fee income", "income", "fee", "OWN", "4000"),
    ("4020", "Interest income", "income", "fee", "OWN", "4000"),
    ("4030", "Conversion spread", "income", "fee", "OWN", "4000"),
    ("4040", "Rounding", "income", "fee", "OWN", "4000"),
    ("5000", "Charges", "expense", "fee", "OWN", None),
    ("5010", "Bank and network charges", "expense", "fee", "OWN", "5000"),
    ("5020", "Differences written off", "expense", "fee", "OWN", "5000"),
)


def _house_accounts(*, asset: str) -> list[PlannedAccount]:
    cash = _WALLET_ROWS if asset in TOKENS else _BANK_ROWS
    cash += _FOLLOWED_WALLET_ROWS if settlement_wallet().endswith(f"-{asset}") else ()
    cash += (_PARTNER_ROWS if asset in PARTNERED else ()) + (_SAFEGUARDING_ROWS if asset == "USD" else ())
    results = _FUNCTIONAL_ROWS if asset == FUNCTIONAL else ()
    banks = {source.account_code: source.name for source in SOURCES}
    return [
        PlannedAccount(
            code=f"{number}-{asset}", name=banks.get(f"{number}-{asset}", f"{name} {asset}"), type=kind, owner_class=owner_class,
            asset=asset, group=group, parent=f"{parent}-{asset}" if parent else None, purpose=PURPOSES.get(number, ""),
        )
        for number, name, kind, owner_class, group, parent in cash + _COMMON_ROWS + results
    ]  # fmt: skip
