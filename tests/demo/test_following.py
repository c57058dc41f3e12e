"""A newcomer follows a deposit, a conversion and a partly captured hold on screen, from what was reported to the trial balance."""

import html
import re
from collections.abc import Iterator
from datetime import date

import pytest
from django.contrib.auth import get_user_model
from pytest_django.plugin import DjangoDbBlocker

from approvals.models import User
from ledger.models import Balance
from ledgerops.demo.company import plan
from ledgerops.demo.load import load
from ledgerops.lib import money
from tests.conftest import empty_filled_tables
from tests.fixtures import signed_in
from tests.journeys.pages import Browser

TRANSACTION, ENTRY, HOLD, TRAIL = r"^/transactions/[0-9a-f-]{36}", r"^/ledger/entries/[0-9a-f-]{36}", r"^/holds/[0-9a-f-]{36}", r"^/trail/"


@pytest.fixture(scope="module")
def company(django_db_setup: object, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Load a small company once for all tests of this file, which only read."""
    with django_db_blocker.unblock():
        load(plan(seed=7, days=4, customers=10, last_day=date(2026, 11, 20)))
    yield
    with django_db_blocker.unblock():
        empty_filled_tables()


@pytest.fixture
def browser(company: None, db: None) -> Browser:
    """Open the pages as somebody who may look at everything and change nothing."""
    auditor = get_user_model().objects.get(username="auditor")
    assert isinstance(auditor, User)
    return Browser(signed_in(auditor))


def words(browser: Browser) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", browser.html)).split())


def found(browser: Browser, reference: str) -> str:
    """Find a transaction by its reference, open it and return what its page says."""
    browser.open(f"/transactions/?reference={reference}")
    browser.follow(TRANSACTION)
    return words(browser)


def stands_in_the_trial_balance(browser: Browser, account: str) -> bool:
    """Return whether the trial balance shows the account with what it holds."""
    browser.open("/ledger/trial-balance/?detail=accounts")
    balance = Balance.objects.select_related("account__asset").get(account__code=account)
    shown = money.grouped(abs(balance.posted_minor), scale=balance.account.asset.scale)
    return re.search(rf"\b{re.escape(account)}\b(?:(?!</tr>).)*\b{re.escape(shown)}", browser.html, re.DOTALL) is not None


def test_a_deposit_from_the_banks_report_to_the_trial_balance(browser: Browser) -> None:
    said = found(browser, "FOLLOW-DEPOSIT")
    for word in ("Deposit by wire", "PARTNER-BANK", "Settled", "C9001-USD", "5,000.00"):
        assert word in said
    # One report came too late: it is there, and changed nothing.
    assert "changed nothing" in said
    browser.follow(ENTRY)
    number = re.search(r"LE-[0-9]+", words(browser))
    assert number is not None
    entry = browser.address
    browser.follow(TRAIL)
    assert number[0] in words(browser) or entry.rstrip("/").rpartition("/")[2] in browser.html
    browser.open(entry)
    browser.follow(r"^/accounts/C9001-USD/")
    assert number[0] in words(browser)
    assert stands_in_the_trial_balance(browser, "C9001-USD")


def test_a_conversion_from_its_quote_to_the_positions_and_the_trial_balance(browser: Browser) -> None:
    said = found(browser, "FOLLOW-CONVERSION")
    for word in ("QUOTE-0001", "1.08423", "C9001-EUR", "C9001-USD"):
        assert word in said
    browser.follow(ENTRY)
    codes = set(re.findall(r"/accounts/([A-Z0-9-]+)/", browser.html))
    assert {"C9001-EUR", "C9001-USD"} < codes
    # Each asset balances through its own position; the spread is a line of its own.
    assert len(codes) >= 5
    browser.open("/positions/")
    assert "EUR" in words(browser)
    for code in codes:
        assert stands_in_the_trial_balance(browser, code), code


def test_a_hold_from_its_placing_over_a_capture_to_the_trial_balance(browser: Browser) -> None:
    said = found(browser, "FOLLOW-HOLD")
    assert "500.00" in said
    browser.follow(HOLD)
    said = words(browser)
    for word in ("500.00", "320.00", "180.00", "aptured", "eleased"):
        assert word in said
    browser.follow(rf"{TRANSACTION}|{ENTRY}")
    said = found(browser, "FOLLOW-CAPTURE")
    assert "320.00" in said
    browser.follow(ENTRY)
    browser.follow(r"^/accounts/C9001-USD/")
    assert "Payment reserved" in words(browser) or "Capture of a part" in words(browser)
    assert stands_in_the_trial_balance(browser, "C9001-USD")
