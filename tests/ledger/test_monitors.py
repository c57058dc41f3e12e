"""Levels of balances: one alert for each crossing, and somebody who says what was done about it."""

from collections.abc import Callable

import pytest

from approvals.models import User
from audit.models import AuditEvent
from ledger import operations
from ledger.models import Account, Alert, BalanceMonitor
from ledger.operations.monitors import MonitorExists, MonitorInvalid
from ledger.tasks import check_monitors
from tests.fixtures import Post, signed_in
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WITHDRAWAL = "2010 debit 8.00 USD / 1010 credit 8.00 USD"


def watch(account: Account, comparison: str, level: int) -> BalanceMonitor:
    return operations.set_monitor(account_id=account.pk, comparison=comparison, threshold_minor=level, set_by_id=None)


def test_a_crossing_alerts_once_and_the_next_one_again(chart: dict[str, Account], post: Post) -> None:
    watch(chart["2010"], "above", 500)
    assert check_monitors() == 0
    post(DEPOSIT)
    assert [check_monitors(), check_monitors()] == [1, 0]
    post(DEPOSIT)
    assert check_monitors() == 0, "it stays above"
    post("2010 debit 16.00 USD / 1010 credit 16.00 USD", kind="withdrawal")
    assert check_monitors() == 0, "coming back is no alert"
    post(DEPOSIT)
    assert check_monitors() == 1
    alert = Alert.objects.first()
    assert alert is not None
    assert (alert.account, alert.detail["balance_minor"], alert.detail["threshold_minor"]) == (chart["2010"], "1400", "500")
    assert AuditEvent.objects.filter(action="ledger.alert.raised", target_id="2010").count() == 2


def test_what_is_beyond_the_level_already_alerts_when_it_crosses_again(chart: dict[str, Account], post: Post) -> None:
    monitor = watch(chart["2010"], "below", 100)
    assert monitor.tripped
    assert check_monitors() == 0
    post(DEPOSIT)
    check_monitors()
    post("2010 debit 9.50 USD / 1010 credit 9.50 USD", kind="withdrawal")
    assert check_monitors() == 1


def test_the_level_itself_is_not_beyond_it(chart: dict[str, Account], post: Post) -> None:
    watch(chart["2010"], "above", 1000)
    watch(chart["1010"], "below", 1000)
    post(DEPOSIT)
    assert check_monitors() == 0


def test_legs_waiting_for_the_roller_count(chart: dict[str, Account], post: Post) -> None:
    operations.change_account(account=chart["4010"], changes={"deferred": True})
    watch(chart["4010"], "above", 500)
    post(DEPOSIT)
    post("2010 debit 6.00 USD / 4010 credit 6.00 USD", kind="fee")
    assert check_monitors() == 1


def test_a_monitor_is_set_once_and_retired(chart: dict[str, Account], post: Post) -> None:
    monitor = watch(chart["2010"], "above", 500)
    with writes_nothing(), pytest.raises(MonitorExists):
        watch(chart["2010"], "above", 500)
    for comparison, level in (("beside", 1), ("above", 10**38)):
        with writes_nothing(), pytest.raises(MonitorInvalid):
            watch(chart["2010"], comparison, level)
    operations.retire_monitor(monitor_id=monitor.pk)
    post(DEPOSIT)
    assert check_monitors() == 0
    with writes_nothing():
        operations.retire_monitor(monitor_id=monitor.pk)


def test_alerts_are_seen_to_once_with_a_note(maker: User, auditor: User, stranger: User, chart: dict[str, Account], post: Post) -> None:
    watch(chart["2010"], "above", 500)
    post(DEPOSIT)
    check_monitors()
    alert = Alert.objects.get()
    browser = signed_in(maker)
    page = browser.get("/alerts/").content.decode()
    assert "rose above 5.00 USD" in " ".join(page.split())
    assert 'class="count">1<' in page, "the navigation counts it"
    with writes_nothing():
        assert browser.post(f"/alerts/{alert.pk}/seen/", {"note": " "}).status_code == 422
        assert signed_in(auditor).post(f"/alerts/{alert.pk}/seen/", {"note": "done"}).status_code == 403
        assert signed_in(stranger).post(f"/alerts/{alert.pk}/seen/", {"note": "done"}).status_code == 404
    assert browser.post(f"/alerts/{alert.pk}/seen/", {"note": "Swept to the reserve"}).status_code == 302
    with writes_nothing():
        assert browser.post(f"/alerts/{alert.pk}/seen/", {"note": "again"}).status_code == 409
    assert "Swept to the reserve" in signed_in(auditor).get("/alerts/?state=seen").content.decode()
    assert "Nothing to see to" in browser.get("/alerts/").content.decode()
    assert "No alert" in browser.get("/alerts/?kind=shortfall").content.decode()


def test_levels_are_set_on_their_page_and_over_the_api(
    maker: User, auditor: User, person: Callable[[str, str], User], chart: dict[str, Account]
) -> None:
    browser = signed_in(maker)
    assert browser.post("/accounts/2010/monitors/", {"comparison": "below", "threshold": "1.234"}).status_code == 422
    assert browser.post("/accounts/2010/monitors/", {"comparison": "below", "threshold": "1,000.00"}).status_code == 302
    assert browser.post("/accounts/2010/monitors/", {"comparison": "below", "threshold": "1000"}).status_code == 409
    monitor = BalanceMonitor.objects.get()
    assert int(monitor.threshold_minor) == 100000
    assert "1,000.00" in browser.get("/accounts/2010/").content.decode()
    assert browser.post(f"/accounts/1010/monitors/{monitor.pk}/retire/").status_code == 404, "it is another account's"
    assert browser.post(f"/accounts/2010/monitors/{monitor.pk}/retire/").status_code == 302
    made = browser.post("/api/v1/accounts/2010/monitors", {"comparison": "above", "threshold_minor": "-5"}, content_type="application/json")
    assert (made.status_code, made.json()["tripped"]) == (201, True)
    assert len(signed_in(auditor).get("/api/v1/accounts/2010/monitors").json()) == 1
    assert browser.post(f"/api/v1/accounts/2010/monitors/{made.json()['id']}/retire").status_code == 204
    assert browser.get("/api/v1/alerts?seen_to=false&kind=monitor").json()["results"] == []
