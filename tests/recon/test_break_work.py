"""Working the queue: nature and deadlines by the clock, labels, causes, putting off, watching, giving back; many at once; routes."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import DecisionOutcome, ReasonCode, User
from audit.models import AuditEvent
from ledgerops.lib.calendars import SATURDAY, business_days_apart
from recon import break_clock, operations, queries
from recon.break_clock import Clock, Level
from recon.models import Break, BreakState, BreakType, ServiceLevel, Source
from tests.concurrency import scene
from tests.fixtures import DAY, Post, signed_in
from tests.notation import writes_nothing

LISTS = {operations.LABELS: "LABEL_FRAUD", operations.ROOT_CAUSES: "CAUSE_FEE"}


@pytest.fixture
def bank(roles: None) -> Source:
    for kind, code in LISTS.items():
        approvals.define_reason_code(code=code, label=code.title(), kind=kind)
    return scene.bank()


@pytest.fixture
def breaks(bank: Source, post: Post, maker: User) -> list[Break]:
    """Three receipts of which the bank knows nothing, of 5, 60 and 700 dollars."""
    for n, amount in enumerate(("5.00", "60.00", "700.00")):
        post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=f"ORD-900{n}", counterparty="Halden Logistics")
    scene.reconcile(scene.mt940(("D", 12_00, "FEE-1")), source=bank, by=maker)
    return list(Break.objects.filter(type=BreakType.MISSING_EXTERNAL).order_by("number"))


def page(user: User, query: str = "") -> list[int]:
    return [row.recon_break.number for row in signed_in(user).get(f"/breaks/?{query}").context["rows"]]


class TestClock:
    def test_timing_turns_true_and_a_day_passes_by_the_clock_alone(self, breaks: list[Break], maker: User) -> None:
        operations.define_service_level(asset="USD", level=Level(bands=((0, 5), (60_00, 2), (700_00, 1)), timing_days=2))
        seen = list(queries.reconciliations_for(maker))
        visible = queries.breaks_for(maker).filter(pk__in=[one.pk for one in breaks])
        for ahead in range(12):
            clock = Clock(today=DAY + timedelta(days=ahead))
            due = {one.number for one in visible.filter(clock.due_when("breached", reconciliations=seen))}
            timing = {one.number for one in visible.filter(clock.of_nature("timing", reconciliations=seen))}
            true = {one.number for one in visible.filter(clock.of_nature("true", reconciliations=seen))}
            for one, days in zip(breaks, (5, 2, 1), strict=True):
                passed = business_days_apart(one.occurred_on, clock.today, calendar=one.reconciliation.calendar)
                over = passed > days or (passed == days and clock.today.weekday() >= SATURDAY)
                assert (one.number in due) == (clock.due_on(one) < clock.today) == over
                assert clock.nature_of(one) == ("timing" if one.number in timing else "true")
            assert timing | true == {one.number for one in breaks}
            assert not timing & true

    @pytest.mark.usefixtures("breaks")
    def test_every_live_break_has_one_nature_and_lists_agree_with_rows(self, maker: User) -> None:
        for nature in break_clock.NATURES:
            rows = signed_in(maker).get(f"/breaks/?nature={nature}").context["rows"]
            assert all(row.nature == nature for row in rows)
        assert sum(len(page(maker, f"nature={nature}")) for nature in break_clock.NATURES) == len(page(maker))

    def test_other_deadlines_take_two_people_and_count_for_all_at_once(self, breaks: list[Break], maker: User, checker: User) -> None:
        approvals.define_policy(kind=operations.SET_SERVICE_LEVEL, required_approvals=1, expires_after_hours=96)
        approvals.define_reason_code(code="SLA", label="Policy", kind=operations.SET_SERVICE_LEVEL)
        wished = Level(bands=((0, 0),), timing_days=0)
        proposal = operations.propose_service_level(
            asset="USD", level=wished, reason_code="SLA", narrative="Everything is due on its own day from now on", maker_id=maker.pk
        )
        assert Clock(today=DAY).level_of("USD").version == 0
        said = proposal.versions.get(n=1)
        approvals.decide(
            proposal_id=proposal.pk, version=1, digest=said.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
        )
        clock = Clock(today=DAY + timedelta(days=7))
        assert clock.level_of("USD") == Level(bands=((0, 0),), timing_days=0, version=1)
        assert {clock.nature_of(one) for one in breaks} == {"true"}

    @pytest.mark.usefixtures("chart")
    @pytest.mark.parametrize(
        ("level", "field"),
        [
            (Level(bands=(), timing_days=1), "bands"),
            (Level(bands=((5, 1),), timing_days=1), "bands"),
            (Level(bands=((0, 1), (0, 2)), timing_days=1), "bands"),
            (Level(bands=((0, 251),), timing_days=1), "bands"),
            (Level(bands=((0, 1),), timing_days=61), "timing_days"),
        ],
    )
    def test_what_can_be_no_deadline_is_refused(self, level: Level, field: str) -> None:
        with writes_nothing(), pytest.raises(operations.ServiceLevelInvalid) as refused:
            operations.define_service_level(asset="USD", level=level)
        assert refused.value.field == field

    @pytest.mark.usefixtures("chart")
    def test_later_level_without_a_proposal_is_refused_by_the_database(self) -> None:
        first = operations.define_service_level(asset="USD", level=Level())
        with pytest.raises(IntegrityError, match="recon_later_service_level_has_a_proposal"), transaction.atomic():
            ServiceLevel.objects.create(asset=first.asset, version=2, bands=[["0", 1]], timing_days=1)


class TestWork:
    def test_label_goes_on_and_off_once_and_filters(self, breaks: list[Break], maker: User) -> None:
        first = breaks[0]
        for _ in range(2):
            operations.label_break(break_id=first.pk, label="LABEL_FRAUD", wanted=True)
        assert page(maker, "label=LABEL_FRAUD") == [first.number]
        assert ReasonCode.objects.get(pk="LABEL_FRAUD").label in signed_in(maker).get("/breaks/").content.decode()
        operations.label_break(break_id=first.pk, label="LABEL_FRAUD", wanted=False)
        assert page(maker, "label=LABEL_FRAUD") == []
        assert AuditEvent.objects.filter(action="recon.break.labelled", outcome="done").count() == 2

    @pytest.mark.parametrize("code", ["CAUSE_FEE", "NONE_SUCH"])
    def test_label_outside_the_list_is_refused(self, breaks: list[Break], code: str) -> None:
        with writes_nothing(), pytest.raises(operations.BreakWorkInvalid):
            operations.label_break(break_id=breaks[0].pk, label=code, wanted=True)

    def test_root_cause_is_named_and_taken_back(self, breaks: list[Break], maker: User) -> None:
        operations.name_root_cause(break_id=breaks[0].pk, cause="CAUSE_FEE")
        assert page(maker, "cause=CAUSE_FEE") == [breaks[0].number]
        operations.name_root_cause(break_id=breaks[0].pk, cause=None)
        assert page(maker, "cause=CAUSE_FEE") == []

    def test_what_is_put_off_leaves_the_queue_until_its_day_is_over(self, breaks: list[Break], maker: User) -> None:
        first, today = breaks[0], timezone.localdate()
        operations.snooze_break(break_id=first.pk, until=today, reason="the bank answers today")
        assert first.number not in page(maker)
        assert page(maker, "snoozed=yes") == [first.number]
        assert page(maker, f"q=BRK-{first.number}") == [first.number]
        Break.objects.filter(pk=first.pk).update(snoozed_until=today - timedelta(days=1))
        assert first.number in page(maker)

    @pytest.mark.parametrize(("days", "reason", "field"), [(-1, "why", "until"), (60, "why", "until"), (0, "  ", "reason")])
    def test_putting_off_needs_a_day_that_comes_and_a_reason(self, breaks: list[Break], days: int, reason: str, field: str) -> None:
        until = timezone.localdate() + timedelta(days=days)
        with writes_nothing(), pytest.raises(operations.BreakWorkInvalid) as refused:
            operations.snooze_break(break_id=breaks[0].pk, until=until, reason=reason)
        assert refused.value.field == field

    def test_put_off_without_a_reason_is_refused_by_the_database(self, breaks: list[Break]) -> None:
        with pytest.raises(IntegrityError, match="recon_break_is_snoozed_with_a_reason"), transaction.atomic():
            Break.objects.filter(pk=breaks[0].pk).update(snoozed_until=DAY)

    def test_given_back_goes_to_whom_it_was_with(self, breaks: list[Break], maker: User) -> None:
        other = approvals.add_user(username="other", full_name="Other", role="Analyst", password="no one knows this one")
        for person in (other, maker):
            operations.assign_break(break_id=breaks[0].pk, assignee_id=person.pk)
        operations.return_break(break_id=breaks[0].pk)
        assert Break.objects.get(pk=breaks[0].pk).assignee == other
        with writes_nothing(), pytest.raises(operations.BreakRefused, match="with nobody before"):
            operations.return_break(break_id=breaks[1].pk)

    def test_watched_breaks_are_listed_and_their_acts_told(self, breaks: list[Break], maker: User, checker: User) -> None:
        operations.watch_break(break_id=breaks[1].pk, user_id=checker.pk, wanted=True)
        assert page(checker, "watched=yes") == [breaks[1].number]
        operations.comment_on_break(break_id=breaks[1].pk, author_id=maker.pk, text="The bank was asked")
        told = signed_in(checker).get("/breaks/handover/").context["happened"]
        assert "A comment was written on a break" in [meaning for _, _, meaning in told]


class TestMany:
    def test_selection_is_worked_on_and_what_is_refused_is_said(self, breaks: list[Break], maker: User) -> None:
        operations.assign_break(break_id=breaks[0].pk, assignee_id=maker.pk)
        operations.assign_break(break_id=breaks[0].pk, assignee_id=None)
        posted = {"selected": [str(one.pk) for one in breaks], "act": "return"}
        response = signed_in(maker).post(reverse("recon:work_selected"), posted, follow=True)
        said = " ".join(str(message) for message in response.context["messages"])
        assert said.startswith("1 break given back")
        assert said.count("was with nobody before") == 2
        assert Break.objects.get(pk=breaks[0].pk).assignee == maker

    def test_everything_that_filters_find_is_shown_first_and_worked_on_as_shown(self, breaks: list[Break], maker: User) -> None:
        browser, here = signed_in(maker), f"{reverse('recon:work_found')}?type=missing_external"
        shown = browser.get(here)
        assert shown.context["count"] == 3
        with writes_nothing():
            assert browser.post(here, {"act": "label", "label": "LABEL_FRAUD", "shown": "0"}).status_code == 422
        done = browser.post(here, {"act": "label", "label": "LABEL_FRAUD", "shown": shown.context["shown"]})
        assert (done.context["done_count"], done.context["refused_rows"]) == (3, [])
        assert page(maker, "label=LABEL_FRAUD") == [one.number for one in breaks]

    def test_too_many_at_once_are_refused_whole(self, breaks: list[Break]) -> None:
        with writes_nothing(), pytest.raises(operations.BreakWorkInvalid, match="at most 1,000"):
            operations.work_breaks(break_ids=[breaks[0].pk] * 1001, do=lambda pk: operations.wake_break(break_id=pk))


class TestRoutes:
    def test_new_breaks_go_by_the_first_route_that_fits(self, bank: Source, post: Post, maker: User) -> None:
        other = approvals.add_user(username="other", full_name="Other", role="Analyst", password="no one knows this one")
        operations.set_routes(
            routes=[
                operations.RouteAsked(source=bank.code, least_minor=600_00, assignee="other"),
                operations.RouteAsked(type="missing_external", assignee=maker.username),
            ]
        )
        for n, amount in enumerate(("5.00", "700.00")):
            post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=f"ORD-900{n}")
        scene.reconcile(scene.mt940(("D", 12_00, "FEE-1")), source=bank, by=maker)
        found = {int(one.difference_minor): one for one in Break.objects.all()}
        assert {minor: one.assignee for minor, one in found.items()} == {5_00: maker, 700_00: other, 12_00: None}
        assert {one.state for one in found.values()} == {BreakState.OPEN}
        assert AuditEvent.objects.get(action="recon.breaks.routed").after == {"given": {str(maker.pk): 1, str(other.pk): 1}}

    @pytest.mark.usefixtures("bank")
    @pytest.mark.parametrize(
        ("wrong", "field"),
        [({"source": "nowhere"}, "routes.0.source"), ({"type": "odd"}, "routes.0.type"), ({"assignee": "nobody"}, "routes.0.assignee")],
    )
    def test_route_that_leads_nowhere_is_refused_and_the_old_ones_stay(self, maker: User, wrong: Any, field: str) -> None:
        operations.set_routes(routes=[operations.RouteAsked(assignee=maker.username)])
        with writes_nothing(), pytest.raises(operations.RouteInvalid) as refused:
            operations.set_routes(routes=[operations.RouteAsked(**{"assignee": maker.username} | wrong)])
        assert refused.value.field == field


def test_clusters_lead_to_their_breaks(breaks: list[Break], maker: User) -> None:
    browser = signed_in(maker)
    (row,) = [one for one, _ in browser.get("/breaks/clusters/").context["rows"]]
    assert (row.common, row.count, row.minor) == ("Halden Logistics", 3, 765_00)
    assert len(browser.get(f"/breaks/?{row.query}").context["rows"]) == 3


def test_handover_counts_from_the_last_look(breaks: list[Break], maker: User) -> None:
    browser = signed_in(maker)
    assert browser.get("/breaks/handover/").context["came_count"] == Break.objects.count()
    browser.post("/breaks/handover/seen/")
    assert browser.get("/breaks/handover/").context["came_count"] == 0


def test_api_works_the_queue(breaks: list[Break], maker: User, auditor: User) -> None:
    client, here = signed_in(maker), f"/api/v1/breaks/{breaks[0].pk}"
    as_json: dict[str, Any] = {"content_type": "application/json"}
    assert client.post(f"{here}/labels", {"label": "LABEL_FRAUD"}, **as_json).json()["labels"] == ["LABEL_FRAUD"]
    assert client.post(f"{here}/root-cause", {"cause": "CAUSE_FEE"}, **as_json).json()["root_cause"] == "CAUSE_FEE"
    until = timezone.localdate().isoformat()
    assert client.post(f"{here}/snooze", {"until": until, "reason": "asked"}, **as_json).json()["snoozed_until"] == until
    assert client.post(f"{here}/watch", {}, **as_json).json()["watched"] is True
    assert client.post(f"{here}/return", {}, **as_json).status_code == 409
    assert client.post(f"{here}/labels", {"label": "ODD"}, **as_json).status_code == 422
    assert [one["id"] for one in client.get("/api/v1/breaks?label=LABEL_FRAUD").json()["results"]] == [str(breaks[0].pk)]
    assert client.get("/api/v1/service-levels").json()[0]["bands"][0]["least_minor"] == "0"
    refused = signed_in(auditor).post(f"{here}/labels", {"label": "LABEL_FRAUD"}, **as_json)
    assert refused.status_code == 403
