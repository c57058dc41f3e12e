"""The report: every figure is what plain counting of the raw rows gives, and the list behind it has as many rows."""

import csv
import io
from collections import Counter
from datetime import UTC, date, time, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from approvals.models import User
from audit.models import AuditEvent
from ledgerops.lib.calendars import business_days_between
from recon import figure_queries, operations
from recon.break_clock import Clock
from recon.due import Terms
from recon.figure_queries import Report, Span
from recon.models import Allocation, Break, DayFigures, Item, Match, MatchUndoing, Source, Statement
from tests.concurrency.scene import bank, mt940, reconcile
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing

# The items' own days; what people and runs do happens today.
DATED = Span(since=DAY - timedelta(days=5), until=DAY + timedelta(days=10))
PAGE = "/reports/reconciliation/"
MOST_QUERIES = 25
POSTED = (("10.00", "INV-1"), ("20.00", "INV-2"), ("30.00", "INV-3"), ("7.00", "PAY-77"), ("1.25", "INV-9"))


def today() -> date:
    return timezone.localdate()


def acted() -> Span:
    return Span(since=today() - timedelta(days=1), until=today() + timedelta(days=1))


@pytest.fixture
def source(post: Post, maker: User, monkeypatch: pytest.MonkeyPatch) -> Source:
    """Leave what runs match, what a person matches, what a person undoes, and what is open on either side."""
    monkeypatch.setattr("recon.tasks.execute_run.delay", lambda **_: None)
    for n, (amount, reference) in enumerate(POSTED):
        post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, day=DAY + timedelta(days=n % 3))
    registered = bank()
    first = mt940(("C", 1000, "INV-1"), ("C", 2000, "INV-2"), ("C", 700, "QZX-1"), ("D", 250, "FEE-1"), ("C", 250, "ZZ-UNKNOWN"))
    reconcile(first, source=registered, by=maker)
    reconcile(mt940(("C", 3000, "INV-3"), opening_minor=3700, day=DAY + timedelta(days=2), number=2), source=registered, by=maker)
    seven = Item.objects.filter(amount_minor=700, open_minor__gt=0)
    live = Break.objects.exclude(state="resolved").get(statement_item__in=seven)
    operations.match_by_hand(break_id=live.pk, version=live.version, item_ids=[seven.get(side="ledger").pk], matched_by_id=maker.pk)
    undone = Match.objects.filter(method="rule", allocations__item__reference="INV-2").distinct().get()
    operations.undo_match(match_id=undone.pk, undone_by_id=maker.pk, reason="Another invoice")
    operations.count_all_figures()
    return registered


def report_of(user: User, span: Span) -> Report:
    return figure_queries.report_for(user, span=span, today=today(), now=timezone.now())


def rows_behind(browser: Client, name: str, span: Span, **filters: Any) -> int:
    """Return how many rows a list says that it has, and shows."""
    response = browser.get(f"{PAGE}rows/{name}/", {"since": str(span.since), "until": str(span.until), **filters})
    assert response.status_code == 200
    shown = len(response.context["rows"])
    assert response.context["count_text"] == f"{shown} row{'' if shown == 1 else 's'}"
    return shown


def breaks_listed(browser: Client, **filters: Any) -> int:
    return len(browser.get("/breaks/", filters).context["rows"])


# By plain counting


def how_it_stands(item: Item) -> str:
    methods = {held.match.method for held in Allocation.objects.filter(item=item, revoked_at=None).select_related("match")}
    return "open" if item.open_minor else "automatic" if methods == {"rule"} else "by_people"


@pytest.mark.usefixtures("source")
def test_matched_items_are_those_of_the_rows_it(auditor: User) -> None:
    browser, matched = signed_in(auditor), report_of(auditor, DATED).matched
    items = [item for item in Item.objects.filter(withdrawn_by=None) if DATED.since <= item.item_date <= DATED.until]
    by_word, minor = Counter(how_it_stands(item) for item in items), Counter[str]()
    for item in items:
        minor[how_it_stands(item)] += int(item.amount_minor)
    assert len(set(by_word)) == 3, "the scene has some of each"
    assert (matched.items, matched.automatic, matched.by_people, matched.open_items) == (
        len(items), by_word["automatic"], by_word["by_people"], by_word["open"],
    )  # fmt: skip
    assert (matched.items_minor, matched.automatic_minor, matched.by_people_minor, matched.open_items_minor) == (
        sum(minor.values()), minor["automatic"], minor["by_people"], minor["open"],
    )  # fmt: skip
    assert matched.rate == f"{1000 * by_word['automatic'] // len(items) / 10:.1f}"
    assert rows_behind(browser, "items", DATED) == matched.items
    for word in ("automatic", "by_people", "open"):
        assert rows_behind(browser, "items", DATED, standing=word) == by_word[word]


@pytest.mark.usefixtures("source")
def test_undone_matches_are_those_that_people_undid_it(auditor: User) -> None:
    browser, matched = signed_in(auditor), report_of(auditor, acted()).matched
    by_rule = {match.pk for match in Match.objects.all() if match.method == "rule"}
    assert (matched.rule_matches, matched.rule_matches_undone) == (
        len(by_rule),
        len(by_rule & set(MatchUndoing.objects.values_list("match", flat=True))),
    )
    assert matched.rule_matches_undone == 1
    assert rows_behind(browser, "matches", acted(), method="rule") == matched.rule_matches
    assert rows_behind(browser, "matches", acted(), method="rule", undone="on") == 1


@pytest.mark.usefixtures("source")
def test_breaks_of_each_day_lead_to_as_many_rows_it(auditor: User) -> None:
    browser, report, every = signed_in(auditor), report_of(auditor, acted()), list(Break.objects.all())
    opened = Counter(one.opened_at.astimezone(UTC).date() for one in every)
    resolved = Counter(one.resolved_at.astimezone(UTC).date() for one in every if one.resolved_at)
    assert report.opened
    assert report.resolved
    assert {day.day: (day.opened, day.resolved) for day in report.days} == {day: (opened[day], resolved[day]) for day in acted().days}
    for day in report.days:
        assert breaks_listed(browser, opened_from=day.day, opened_to=day.day) == day.opened
        assert breaks_listed(browser, resolved_from=day.day, resolved_to=day.day) == day.resolved


@pytest.mark.usefixtures("source")
def test_ageing_and_risk_are_of_live_breaks_it(auditor: User) -> None:
    browser, report = signed_in(auditor), report_of(auditor, acted())
    live = [one for one in Break.objects.all() if one.state != "resolved" and one.parent_id is None]
    (ageing,) = report.ageing or ()
    ages = [business_days_between(one.occurred_on, today()) for one in live]
    edges = ((0, 2), (2, 4), (4, 8), (8, 10**6))
    assert ageing.bands == tuple(sum(first <= age < last for age in ages) for first, last in edges)
    assert ageing.total == report.open_breaks == breaks_listed(browser) == len(live) > 0
    assert [breaks_listed(browser, source="bank", age=str(n)) for n in (1, 2, 3, 4)] == list(ageing.bands)
    # A shortfall and a surplus of the same size do not make it nothing.
    assert {one.difference_minor > 0 for one in live} == {True, False}
    assert ageing.at_risk_minor == sum(abs(int(one.difference_minor)) for one in live)
    assert [(one.code, one.at_risk_minor) for one in report.assets] == [("USD", ageing.at_risk_minor)]
    assert report.oldest_days == max(ages)
    clock = Clock(today=today())
    late = [one for one in Break.objects.filter(pk__in=[one.pk for one in live]) if clock.due_on(one) < today()]
    assert ageing.past_due == report.past_due == breaks_listed(browser, due="breached") == len(late)


def test_what_is_put_off_is_at_risk_all_the_same_it(source: Source, auditor: User, maker: User) -> None:
    before, browser = report_of(auditor, acted()), signed_in(auditor)
    put_off = Break.objects.exclude(state="resolved").latest("number")
    Break.objects.filter(pk=put_off.pk).update(snoozed_until=today() + timedelta(days=3), snooze_reason="Waits for the bank")
    (ageing,) = report_of(auditor, acted()).ageing or ()
    assert (ageing.put_off, ageing.put_off_minor) == (1, abs(int(put_off.difference_minor)))
    assert breaks_listed(browser, snoozed="yes") == 1
    assert ageing.at_risk_minor + ageing.put_off_minor == before.assets[0].at_risk_minor
    assert (ageing.total, breaks_listed(browser), source.code) == (before.open_breaks - 1, before.open_breaks - 1, "bank")


def test_load_counts_what_people_hold_and_matched_it(source: Source, maker: User, auditor: User) -> None:
    taken = Break.objects.exclude(state="resolved").order_by("number").first()
    assert taken is not None
    operations.assign_break(break_id=taken.pk, assignee_id=maker.pk)
    browser = signed_in(auditor)
    (load,) = report_of(auditor, acted()).load or ()
    assert (load.username, load.live, load.oldest, load.matches) == (maker.username, 1, taken.occurred_on, 1)
    assert breaks_listed(browser, assignee=maker.username) == 1
    assert rows_behind(browser, "matches", acted(), by=maker.username) == 1
    assert source.code == "bank"


def test_deliveries_and_proofs_lead_to_as_many_rows_it(source: Source, auditor: User) -> None:
    terms = Terms(
        frequency="business_daily", calendar="WEEKDAYS", timezone="UTC", due_time=time(8), days_after=1, grace_minutes=60, weekday=None,
        starts_on=DAY, ends_on=None,
    )  # fmt: skip
    operations.set_feed(source_id=source.pk, terms=terms)
    browser = signed_in(auditor)
    (delivered,) = report_of(auditor, DATED).delivered or ()
    proofs = Counter(one.proof for one in Statement.objects.all())
    assert (delivered.statements, delivered.proven, delivered.unproven) == (2, proofs["proven"], proofs["unproven"])
    assert rows_behind(browser, "statements", DATED, source="bank") == 2
    assert rows_behind(browser, "statements", DATED, proof="proven") == delivered.proven
    assert rows_behind(browser, "deliveries", DATED, source="bank", punctuality="on_time") == delivered.on_time
    assert rows_behind(browser, "deliveries", DATED, punctuality="not_on_time") == delivered.not_on_time


def test_certified_days_are_of_those_that_have_ended_it(source: Source, auditor: User) -> None:
    report = report_of(auditor, acted())
    assert (report.certified_days, report.account_days, report.certified_share) == (0, 1, "0.0")
    assert rows_behind(signed_in(auditor), "certified-days", acted(), source=source.code) == 0


# Counting


def counted() -> list[dict[str, Any]]:
    return [dict(row) for row in DayFigures.objects.order_by("reconciliation", "day").values()]


def test_what_changed_is_counted_as_all_would_be_it(source: Source, post: Post, maker: User) -> None:
    before = counted()
    operations.count_all_figures()
    assert counted() == before, "nothing has changed"
    post("1010 debit 3.00 USD / 2010 credit 3.00 USD", reference="INV-30", day=DAY + timedelta(days=5))
    reconcile(mt940(("C", 125, "INV-9"), opening_minor=6700, day=DAY + timedelta(days=4), number=3), source=source, by=maker)
    made_again = Match.objects.filter(method="rule", allocations__item__reference="INV-3").distinct().get()
    operations.undo_match(match_id=made_again.pk, undone_by_id=maker.pk, reason="Not this one")
    assert operations.count_all_figures() > 0
    few = counted()
    assert few != before
    operations.count_all_figures(whole=True)
    assert counted() == few


# The page


@pytest.mark.usefixtures("source")
def test_page_says_the_figures_at_a_bounded_cost_it(auditor: User) -> None:
    browser, report = signed_in(auditor), report_of(auditor, DATED)
    with CaptureQueriesContext(connection) as queries:
        page = browser.get(PAGE, {"since": str(DATED.since), "until": str(DATED.until)})
    assert page.status_code == 200
    assert len(queries) <= MOST_QUERIES
    assert f"{report.matched.rate}%" in page.content.decode()
    assert b"<c-" not in page.content


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("query", ["since=2026-12-31&until=2026-01-01", "since=2020-01-01&until=2026-01-01", "since=yesterday"])
def test_days_that_cannot_be_shown_are_said_it(auditor: User, query: str) -> None:
    browser = signed_in(auditor)
    assert browser.get(f"{PAGE}?{query}").status_code == 422
    assert browser.get(f"/api/v1/reports/reconciliation?{query}").status_code == 422


@pytest.mark.usefixtures("source")
def test_api_says_what_the_page_says_it(auditor: User) -> None:
    report = report_of(auditor, DATED)
    answer = signed_in(auditor).get(f"/api/v1/reports/reconciliation?since={DATED.since}&until={DATED.until}").json()
    assert (answer["matched"]["items"], answer["matched"]["rate"]) == (report.matched.items, report.matched.rate)
    assert answer["assets"][0]["at_risk_minor"] == str(report.assets[0].at_risk_minor)
    assert [day["opened"] for day in answer["days"]] == [day.opened for day in report.days]


@pytest.mark.usefixtures("source")
def test_a_stranger_sees_no_figure_it(stranger: User) -> None:
    report = report_of(stranger, DATED)
    assert (report.matched.items, report.open_breaks, list(report.reconciliations), report.opened) == (0, 0, [], 0)
    assert rows_behind(signed_in(stranger), "items", DATED) == 0


@pytest.mark.usefixtures("source")
@pytest.mark.parametrize("table", ["accounts", "assets", "days", "ageing", "deliveries", "load", "rows/items", "rows/statements"])
def test_each_table_leaves_as_a_file_and_is_on_the_trail_it(auditor: User, table: str) -> None:
    browser = signed_in(auditor)
    response = browser.post(f"{PAGE}{table}/export/?since={DATED.since}&until={DATED.until}")
    assert response.status_code == 200
    lines = list(csv.reader(io.StringIO(b"".join(response).decode())))
    said = AuditEvent.objects.get(action="recon.report.exported")
    assert said.target_id == f"reconciliation.{table.replace('/', '.')}"
    assert said.after is not None
    assert ["Rows", str(said.after["rows"])] in lines


@pytest.mark.usefixtures("source")
def test_no_such_table_leaves_nothing_it(auditor: User) -> None:
    browser = signed_in(auditor)
    with writes_nothing():
        assert browser.post(f"{PAGE}secrets/export/").status_code == 404
        assert browser.get(f"{PAGE}rows/secrets/").status_code == 404
        assert browser.get(f"{PAGE}rows/items/?standing=lost").status_code == 404
