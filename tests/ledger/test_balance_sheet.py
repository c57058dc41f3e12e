"""The balance sheet: it balances to the cent through conversions, a month end with remeasurement and a year end, or it refuses."""

from datetime import date

import pytest
from pytest_django import DjangoAssertNumQueries

from approvals.models import User
from ledger import queries
from ledger.models import Account, Asset, LegalEntity, RateKind
from ledger.operations.remeasurement import propose_remeasurement
from ledger.operations.year_end import propose_year_end
from ledger.queries.balance_sheet import BalanceSheet, balance_sheet, chart_for
from ledger.queries.positions import positions_of
from ledger.queries.rates import RateMissing, RateStale
from tests.fixtures import Post, signed_in
from tests.ledger.rates_scene import ENTITY, WHY, approved, converted, define_company, rate, show_company, soft_lock_before
from tests.notation import balance

QUERIES = 25
NOVEMBER, DECEMBER = date(2025, 11, 30), date(2025, 12, 31)


@pytest.fixture
def company(roles: None) -> None:
    define_company()
    show_company()


@pytest.fixture
def november(company: None, post: Post) -> None:
    """Capital, deposits, fees and charges in three assets, and conversions both ways."""
    at = {"entity": ENTITY, "day": date(2025, 11, 3)}
    post("M2-1010-USD debit 5000.00 USD / M2-3010-USD credit 5000.00 USD", kind="capital", **at)
    post("M2-1010-EUR debit 2000.00 EUR / M2-2010-EUR credit 2000.00 EUR", **at)
    post("M2-1010-JPY debit 900000 JPY / M2-2010-JPY credit 900000 JPY", **at)
    post("M2-2010-EUR debit 12.35 EUR / M2-4010-EUR credit 12.35 EUR", kind="fee", **at)
    post("M2-5010-JPY debit 777 JPY / M2-1010-JPY credit 777 JPY", kind="bank_charge", **at)
    converted("700.01 EUR to USD", day=date(2025, 11, 5), rate="1.0842", key="c1")
    converted("200.00 USD to EUR", day=date(2025, 11, 12), rate="0.9173", key="c2")
    converted("300001 JPY to USD", day=date(2025, 11, 13), rate="0.0066123", key="c3")
    converted("55.55 EUR to JPY", day=date(2025, 11, 14), rate="163.377", key="c4")


def rates_of(day: date, *, eur: str, jpy: str) -> None:
    rate(f"EUR/USD {eur}", day=day)
    # Said the other way round: the inverse serves.
    rate(f"USD/JPY {jpy}", day=day)


def sheet(user: User, *, on: date, reporting: str = "USD", by_control: bool = True) -> BalanceSheet:
    chart = chart_for(user, entity=LegalEntity.objects.select_related("functional_asset").get(code=ENTITY), by_control=by_control)
    return balance_sheet(chart=chart, reporting=Asset.objects.get(code=reporting), as_of=on)


def assert_balanced(shown: BalanceSheet) -> None:
    assert shown.balances, shown
    assert shown.difference_minor == 0
    assert shown.assets.total_minor == shown.liabilities.total_minor + shown.equity_minor


def test_a_company_balances_after_a_month_end_and_after_a_year_end_it(november: None, maker: User, checker: User, post: Post) -> None:
    rates_of(date(2025, 11, 28), eur="1.1007", jpy="156.31")
    before = sheet(maker, on=NOVEMBER)
    assert_balanced(before)
    proposal = propose_remeasurement(entity=ENTITY, on=NOVEMBER, narrative=WHY, maker_id=maker.pk)
    assert approved(proposal, by=checker).status == "executed"
    positions = positions_of(LegalEntity.objects.get(code=ENTITY), as_of=NOVEMBER)
    assert positions is not None
    assert positions.unrealised_minor == 0
    after = sheet(maker, on=NOVEMBER)
    assert_balanced(after)
    assert after.translation_minor == 0, "without averages everything is at the closing rate"
    assert after.assets.total_minor == before.assets.total_minor, "remeasuring moves no money"
    of_positions = [item.reported_minor for item in after.liabilities.items if item.code.startswith(("M2-2800", "M2-2850"))]
    assert sum(of_positions) == 0, "positions and their values cancel"
    # December, its remeasurement, and the year end.
    post("M2-2010-EUR debit 8.50 EUR / M2-4010-EUR credit 8.50 EUR", kind="fee", entity=ENTITY, day=date(2025, 12, 9))
    rates_of(DECEMBER, eur="1.1744", jpy="157.02")
    proposal = propose_remeasurement(entity=ENTITY, on=DECEMBER, narrative=WHY, maker_id=maker.pk)
    assert approved(proposal, by=checker).status == "executed"
    result = sheet(maker, on=DECEMBER).year_result_minor
    soft_lock_before(date(2025, 12, 1))
    proposal = propose_year_end(entity=ENTITY, ends_on=DECEMBER, narrative=WHY, maker_id=maker.pk)
    assert approved(proposal, by=checker).status == "executed"
    closed = sheet(maker, on=DECEMBER)
    assert_balanced(closed)
    assert (closed.result_minor, closed.translation_minor) == (0, 0)
    assert closed.year_result_minor == result != 0, "what the year earned stays readable"
    for account in ("M2-4010-EUR", "M2-5010-JPY", "M2-4050"):
        assert balance(account).startswith("0"), f"{account} opens the next year with nothing"
    rates_of(date(2026, 1, 2), eur="1.1801", jpy="156.9")
    opened = sheet(maker, on=date(2026, 1, 3))
    assert_balanced(opened)
    assert (opened.year_starts_on, opened.year_result_minor) == (date(2026, 1, 1), 0)


def test_averages_leave_exactly_the_translation_difference_it(november: None, maker: User) -> None:
    rates_of(date(2025, 11, 28), eur="1.10", jpy="156.25")
    plain = sheet(maker, on=NOVEMBER)
    rate("EUR/USD 1.20", day=date(2025, 11, 28), kind=RateKind.AVERAGE)
    averaged = sheet(maker, on=NOVEMBER)
    assert_balanced(averaged)
    # 12.35 EUR of fees: 13.585 at closing, 14.82 at the average; both to the even cent.
    assert averaged.result_minor - plain.result_minor == 1482 - 1358
    assert averaged.translation_minor == -(1482 - 1358)
    assert averaged.assets.total_minor == plain.assets.total_minor
    assert [one.month for one in averaged.averages] == [date(2025, 11, 1)]


def test_another_reporting_asset_goes_through_the_functional_one_it(november: None, maker: User) -> None:
    rates_of(date(2025, 11, 28), eur="1.10", jpy="156.25")
    shown = sheet(maker, on=NOVEMBER, reporting="JPY")
    assert_balanced(shown)
    (euro,) = [used for used in shown.rates if used.base == "EUR"]
    assert [(one.base, one.quote) for one in euro.evidence] == [("EUR", "USD"), ("USD", "JPY")]
    assert euro.shown == "171.875"


@pytest.mark.parametrize("by_control", [True, False])
def test_every_line_is_the_account_s_balance_it(november: None, maker: User, *, by_control: bool) -> None:
    rates_of(date(2025, 11, 28), eur="1.10", jpy="156.25")
    shown = sheet(maker, on=NOVEMBER, by_control=by_control)
    by_code = {item.code: item for section in (shown.assets, shown.liabilities, shown.equity) for item in section.items}
    for code, item in by_code.items():
        account = queries.account_for(maker, code=code)
        assert item.native_minor == queries.effective_balance(account=account, as_of=NOVEMBER), code
    assert by_code["M2-3010-USD"].reported_minor == 500_000


def test_a_missing_rate_refuses_the_whole_it(november: None, maker: User) -> None:
    rate("EUR/USD 1.10", day=date(2025, 11, 28))
    with pytest.raises(RateMissing) as refused:
        sheet(maker, on=NOVEMBER)
    assert list(refused.value.detail["problems"]) == ["JPY"]


def test_a_stale_rate_refuses_the_whole_it(november: None, maker: User) -> None:
    rates_of(date(2025, 11, 25), eur="1.10", jpy="156.25")
    with pytest.raises(RateStale) as refused:
        sheet(maker, on=NOVEMBER)
    assert set(refused.value.detail["problems"]) == {"EUR", "JPY"}


def test_books_that_do_not_balance_are_not_made_to_it(november: None, maker: User, chart: dict[str, Account]) -> None:
    rates_of(date(2025, 11, 28), eur="1.10", jpy="156.25")
    whole = chart_for(maker, entity=LegalEntity.objects.select_related("functional_asset").get(code=ENTITY), by_control=False)
    part = type(whole)(entity=whole.entity, accounts={pk: one for pk, one in whole.accounts.items() if one.code != "M2-1010-EUR"})
    shown = balance_sheet(chart=part, reporting=Asset.objects.get(code="USD"), as_of=NOVEMBER)
    assert not shown.balances
    assert shown.difference_minor < 0


def test_the_page_shows_it_with_its_rates_or_refuses_it(
    november: None, auditor: User, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    client = signed_in(auditor)
    address = f"/ledger/balance-sheet/?entity={ENTITY}&as_of=2025-11-30"
    refused = client.get(address)
    assert (refused.status_code, "missing or stale" in refused.content.decode()) == (409, True)
    assert "Total" not in refused.content.decode(), "no total without its rates"
    assert client.post(address.replace("/?", "/export/?"), {"format": "csv"}).status_code == 409
    rates_of(date(2025, 11, 28), eur="1.10", jpy="156.25")
    with django_assert_max_num_queries(QUERIES):
        page = client.get(f"{address}&compare=2025-11-30&detail=accounts").content.decode()
    assert "Balances" in page
    assert "Treasury" in page
    exported = b"".join(client.post(address.replace("/?", "/export/?"), {"format": "csv"}))
    assert b"Translation difference" in exported
    answer = client.get(f"/api/v1/balance-sheet?entity={ENTITY}&as_of=2025-11-30").json()
    assert (answer["balances"], answer["difference"]) == (True, "0")
    assert int(answer["total_assets"]) == int(answer["total_liabilities"]) + int(answer["total_equity"])
    assert client.get(f"/api/v1/balance-sheet?entity={ENTITY}&as_of=2025-12-31").json()["error"]["code"] == "rate_stale"


def test_a_stranger_sees_no_sheet_it(november: None, stranger: User) -> None:
    assert "No entity in your scope" in signed_in(stranger).get("/ledger/balance-sheet/").content.decode()
    assert signed_in(stranger).get(f"/api/v1/balance-sheet?entity={ENTITY}").status_code == 422
