"""The cast of four people and the chart of the tests; everything else stands in the test, in notation.

`maker` proposes (Analyst), `checker` decides (Approver), `auditor` reads; they see the whole company. `stranger` may do everything an
analyst may, and sees nothing to do it with. `signed_in(maker)` is that person's browser.
"""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import count
from typing import Any, Protocol

import pytest
from django.test import Client
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import User
from ledger import operations as ledger
from ledger.accounting import EntryDraft
from ledger.models import Account, AccountGroup, AccountType, LegalEntity, OwnerClass
from ledger.transaction_types import TRANSACTION_TYPES
from ledgerops import reference
from tests.kept_rows import KeptRows
from tests.notation import books

ENTITY, GROUP = "M1", "ALL"
STARTS_ON, ENDS_ON = date(2026, 1, 1), date(2026, 12, 31)
DAY = date(2026, 11, 2)
PASSWORD = "correct-ledger-test-1"

# Scales 0, 2, 6 and 18: the smallest unit of each is exact or it is wrong.
ASSETS = [("USD", "US dollar", 2), ("JPY", "Yen", 0), ("USDC", "USD Coin", 6), ("DAI", "Dai", 18)]

CHART = [
    ("1010", "Bank, operating", "USD", AccountType.ASSET, OwnerClass.NOSTRO),
    ("1020", "Bank, safeguarding", "USD", AccountType.ASSET, OwnerClass.SAFEGUARDING),
    ("1030", "Bank, yen", "JPY", AccountType.ASSET, OwnerClass.NOSTRO),
    ("1040", "Wallet, USDC", "USDC", AccountType.ASSET, OwnerClass.WALLET),
    ("1050", "Wallet, DAI", "DAI", AccountType.ASSET, OwnerClass.WALLET),
    ("1900", "Suspense", "USD", AccountType.LIABILITY, OwnerClass.SUSPENSE),
    ("2010", "Customer one", "USD", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ("2020", "Customer two", "USD", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ("2030", "Customer, yen", "JPY", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ("2040", "Customer, USDC", "USDC", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ("2050", "Customer, DAI", "DAI", AccountType.LIABILITY, OwnerClass.CUSTOMER),
    ("3010", "Capital", "USD", AccountType.EQUITY, OwnerClass.EQUITY),
    ("4010", "Fees earned", "USD", AccountType.INCOME, OwnerClass.FEE),
    ("6420", "Bank charges", "USD", AccountType.EXPENSE, OwnerClass.FEE),
]

CAST = {"maker": "Analyst", "checker": "Approver", "auditor": "Auditor", "stranger": "Stranger"}

_keys = count(1)


def _define_chart() -> None:
    for code, name, scale in ASSETS:
        ledger.define_asset(code=code, name=name, scale=scale)
    ledger.define_entity(code=ENTITY, name="Meridian")
    ledger.define_account_group(code=GROUP, name="All accounts")
    for terms in TRANSACTION_TYPES:
        ledger.define_transaction_type(terms)
    ledger.open_period(entity=ENTITY, starts_on=STARTS_ON, ends_on=ENDS_ON)
    for code, name, asset, kind, owner_class in CHART:
        ledger.open_account(code=code, name=name, entity=ENTITY, group=GROUP, asset=asset, account_type=kind, owner_class=owner_class)


def _define_roles() -> None:
    for role, permissions in {**reference.ROLES, "Stranger": reference.ROLES["Analyst"]}.items():
        approvals.define_role(name=role, permissions=permissions)
        if role != "Stranger":
            approvals.grant_sight(role=role, scope_object=LegalEntity.objects.get(code=ENTITY))
            approvals.grant_sight(role=role, scope_object=AccountGroup.objects.get(code=GROUP))
    for code, label, kind in reference.REASON_CODES:
        approvals.define_reason_code(code=code, label=label, kind=kind)
    for kind in reference.REASONS:
        approvals.define_policy(kind=kind, required_approvals=1, expires_after_hours=96)


_DEFINITIONS = {"chart": _define_chart, "roles": _define_roles}


@pytest.fixture(scope="session")
def definitions() -> dict[str, Callable[[], None]]:
    """Return what the tests begin with, each by the name under which its rows are kept."""
    return _DEFINITIONS


def _begin_with(name: str, kept: KeptRows | None) -> None:
    if kept is None:
        _DEFINITIONS[name]()
    else:
        kept.put_back(name)


@pytest.fixture
def chart(db: None, django_db_setup: KeptRows | None) -> dict[str, Account]:
    """Define the entity, its assets, transaction types, accounts and the open period of 2026; accounts by code."""
    _begin_with("chart", django_db_setup)
    accounts = {account.code: account for account in Account.objects.filter(code__in=[code for code, *_ in CHART])}
    return {code: accounts[code] for code, *_ in CHART}


@pytest.fixture
def roles(chart: dict[str, Account], django_db_setup: KeptRows | None) -> None:
    """Define the roles with sight of the company, the reasons for adjustments and the policy that one other person decides."""
    _begin_with("roles", django_db_setup)


@pytest.fixture
def person(roles: None) -> Callable[[str, str], User]:
    """Return a function that adds a person: `person("controller", "Controller")`."""

    def add(username: str, role: str) -> User:
        return approvals.add_user(username=username, full_name=username.capitalize(), role=role, password=PASSWORD)

    return add


@pytest.fixture
def maker(person: Callable[[str, str], User]) -> User:
    return person("maker", CAST["maker"])


@pytest.fixture
def checker(person: Callable[[str, str], User]) -> User:
    return person("checker", CAST["checker"])


@pytest.fixture
def auditor(person: Callable[[str, str], User]) -> User:
    return person("auditor", CAST["auditor"])


@pytest.fixture
def stranger(person: Callable[[str, str], User]) -> User:
    return person("stranger", CAST["stranger"])


@pytest.fixture
def nothing_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave the counts of the navigation out of every page, for tests that open hundreds for their status: counting is most of the work."""
    monkeypatch.setattr("ledgerops.context.NAV_COUNTS", {})


def signed_in(user: User) -> Client:
    """Return a browser in which this person is signed in."""
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def draft(text: str, *, kind: str = "deposit", key: str | None = None, day: date = DAY, **values: Any) -> EntryDraft:
    """Return an entry draft from notation: `draft("1010 debit 10.00 USD / 2010 credit 10.00 USD")`; its key is a new one unless given."""
    return EntryDraft(
        key=key or f"key-{next(_keys)}",
        type=kind,
        entity=values.pop("entity", ENTITY),
        effective_date=day,
        description=values.pop("description", kind.replace("_", " ").capitalize()),
        lines=books(text),
        **values,
    )


class Post(Protocol):
    def __call__(self, text: str, **values: Any) -> ledger.Posted: ...


@pytest.fixture
def post(chart: dict[str, Account]) -> Post:
    """Return a function that posts notation: `post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-1")`."""

    def posted(text: str, **values: Any) -> ledger.Posted:
        return ledger.post_entry(draft=draft(text, **values), scope="tests")

    return posted


def held(account: str, amount: str, *, kind: str = "hold", days: int = 7, key: str | None = None) -> ledger.HoldAnswer:
    """Set money of an account aside: `held("2010", "5.00 USD")`."""
    text, asset = amount.split()
    return ledger.place_hold(
        request=ledger.HoldRequest(
            key=key or f"hold-{next(_keys)}",
            type=kind,
            entity=ENTITY,
            account=account,
            direction="debit",
            amount_minor=books(f"{account} debit {text} {asset}")[0].amount_minor,
            asset=asset,
            expires_at=timezone.now() + timedelta(days=days),
        ),
        scope="tests",
    )


@pytest.fixture
def positions(chart: dict[str, Account]) -> None:
    """Open the positions, roundings and earnings that conversions between dollars and yen need."""
    for asset in ("USD", "JPY"):
        for code, name, kind, owner_class, purpose in (
            (f"2800-{asset}", "Position", AccountType.LIABILITY, OwnerClass.FX_POSITION, "fx_position"),
            (f"4030-{asset}", "Spread earned", AccountType.INCOME, OwnerClass.FEE, ""),
            (f"4040-{asset}", "Rounding", AccountType.INCOME, OwnerClass.FEE, "rounding"),
        ):
            ledger.open_account(
                code=code, name=name, entity=ENTITY, group=GROUP, asset=asset, account_type=kind, owner_class=owner_class, purpose=purpose
            )
