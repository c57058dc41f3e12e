"""The trail over REST."""

from collections.abc import Callable
from typing import Any

from pytest_django import DjangoAssertNumQueries

from approvals.models import User
from audit.actions import catalogue
from recon.models import Source
from tests.api.caller import Caller
from tests.concurrency.scene import break_of, mt940, propose, reconcile

Api = Callable[[User], Caller]


def test_the_trail_is_searched_by_who_did_what_to_what(
    api: Api, maker: User, checker: User, auditor: User, source: Source, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    reconcile(mt940(("D", 250, "FEE-20261102")), source=source, by=maker)
    proposal, _ = propose(break_of(reference="FEE-20261102"), by=maker)
    api(maker).get("/audit/events", answers=403)
    caller = api(auditor)
    with django_assert_max_num_queries(10):
        newest = caller.get("/audit/events", limit=5)
    instants = [event["at"] for event in newest["results"]]
    assert (len(instants), instants) == (5, sorted(instants, reverse=True))
    same: list[dict[str, Any]] = [
        {"action": "approvals.proposal.submitted"},
        {"target_type": "approvals.proposal", "target_id": str(proposal.pk)},
        {"proposal": str(proposal.pk)},
    ]
    for query in same:
        assert [event["action"] for event in caller.get("/audit/events", **query)["results"]] == ["approvals.proposal.submitted"], query
    refused = caller.get("/audit/events", actor="maker", outcome="refused")["results"]
    assert [(event["actor_name"], event["target_id"]) for event in refused] == [("maker", "/api/v1/audit/events")]
    assert caller.get("/audit/events", until="2020-01-01")["results"] == []
    assert caller.get("/audit/events", answers=422, outcome="maybe")["error"]["field"] == "outcome"


def test_an_object_s_timeline_is_what_happened_to_it_oldest_first(
    api: Api, maker: User, checker: User, auditor: User, source: Source
) -> None:
    reconcile(mt940(("D", 250, "FEE-20261102")), source=source, by=maker)
    recon_break = break_of(reference="FEE-20261102")
    proposal, _ = propose(recon_break, by=maker)
    caller = api(auditor)
    timeline = caller.get(f"/audit/objects/recon.break/{recon_break.pk}/timeline")["results"]
    assert [event["action"] for event in timeline] == ["recon.break.proposed"]
    of_proposal = caller.get(f"/audit/objects/approvals.proposal/{proposal.pk}/timeline")["results"]
    assert of_proposal[0]["action"] == "approvals.proposal.submitted"
    assert caller.get("/audit/objects/nothing/at-all/timeline")["results"] == []


def test_the_catalogue_names_every_action(api: Api, auditor: User) -> None:
    actions = api(auditor).get("/audit/actions")
    assert {one["action"]: one["meaning"] for one in actions} == catalogue()
