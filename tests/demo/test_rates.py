"""The demo company's rates: the same for the same seed, and enough for a month end, a year end and a balance sheet that balances."""

from datetime import date

import pytest
from django.contrib.auth import get_user_model

from approvals.models import User
from ledger.models import Asset, LegalEntity, Rate
from ledger.operations.remeasurement import propose_remeasurement
from ledger.operations.year_end import propose_year_end
from ledger.queries.balance_sheet import BalanceSheet, balance_sheet, chart_for
from ledger.queries.positions import positions_of
from ledgerops.demo.company import plan
from ledgerops.demo.load import load
from ledgerops.demo.rates import load_rates, planned_rates
from tests.ledger.rates_scene import WHY, approved

LAST_DAY, MONTH_END = date(2025, 11, 4), date(2025, 10, 31)


def test_the_same_seed_says_the_same_rates_it() -> None:
    first, second = (planned_rates(seed="7", first_day=date(2025, 10, 1), last_day=LAST_DAY) for _ in range(2))
    assert first == second
    assert {one.base for one in first} == {"EUR", "GBP", "JPY", "USDC-ETH", "USDC-BASE"}
    assert planned_rates(seed="8", first_day=date(2025, 10, 1), last_day=LAST_DAY) != first


@pytest.mark.django_db(transaction=True)
def test_the_company_balances_after_a_month_end_and_a_year_end_it() -> None:
    company = plan(seed=7, days=18, customers=25, last_day=LAST_DAY)
    load(company)
    known = Rate.objects.count()
    assert load_rates(company) == 0
    assert Rate.objects.count() == known
    entity = LegalEntity.objects.select_related("functional_asset").get()
    controller, approver = (get_user_model().objects.get(username=name) for name in ("controller", "approver"))

    def sheet(on: date) -> BalanceSheet:
        assert isinstance(controller, User)
        return balance_sheet(chart=chart_for(controller, entity=entity, by_control=True), reporting=Asset.objects.get(code="USD"), as_of=on)

    def unbooked() -> int | None:
        positions = positions_of(entity, as_of=MONTH_END)
        assert positions is not None
        return positions.unrealised_minor

    assert sheet(MONTH_END).balances
    assert unbooked()
    month = propose_remeasurement(entity=entity.code, on=MONTH_END, narrative=WHY, maker_id=controller.pk)
    assert approved(month, by=approver).status == "executed"
    assert unbooked() == 0
    before = sheet(MONTH_END)
    assert before.balances
    year = propose_year_end(entity=entity.code, ends_on=MONTH_END, narrative=WHY, maker_id=controller.pk)
    assert approved(year, by=approver).status == "executed"
    for day in (MONTH_END, LAST_DAY):
        assert sheet(day).balances
    after = sheet(MONTH_END)
    assert (after.result_minor, after.year_result_minor) == (0, before.result_minor)
    # Other lines share the rounding of an asset now: each asset may move its sections by a minor unit.
    assert abs(after.equity_minor - before.equity_minor) <= len(after.natives)
