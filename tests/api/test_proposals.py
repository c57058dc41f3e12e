"""Proposing, deciding, returning, revising and withdrawing an adjustment over REST."""

import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import Decision, User
from audit.models import AuditEvent
from recon.models import Source
from tests.api.caller import Caller
from tests.concurrency.scene import break_of, mt940, reconcile
from tests.notation import balance, journal, posts, writes_nothing

Api = Callable[[User], Caller]
NARRATIVE = "The bank's charge of this day was not booked."
POSTED = "6420 debit 2.50 USD / 1010 credit 2.50 USD"


@pytest.fixture
def fee(maker: User, source: Source) -> str:
    """Leave a fee that only the bank knows; the break's path."""
    reconcile(mt940(("D", 250, "FEE-20261102")), source=source, by=maker)
    return f"/breaks/{break_of(reference='FEE-20261102').pk}"


def wish(**changes: Any) -> dict[str, Any]:
    body = {"reason_code": "BANK_FEE", "narrative": NARRATIVE, "counter_account": "6420", "effective_date": "2026-11-02"}
    return {**body, **changes}


def approval(proposal: dict[str, Any], **changes: Any) -> dict[str, Any]:
    latest = proposal["versions"][-1]
    return {"version": latest["n"], "digest": latest["digest"], "outcome": "approve", **changes}


def test_a_proposal_posts_nothing_and_shows_exactly_what_it_would(api: Api, maker: User, checker: User, fee: str) -> None:
    with posts():
        proposal = api(maker).post(f"{fee}/adjustments", wish())
    (version,) = proposal["versions"]
    assert hashlib.sha256(version["canonical"].encode()).hexdigest() == version["digest"]
    assert version["payload"]["entry"]["lines"] == [
        {"account": "6420", "direction": "debit", "amount": "250", "asset": "USD"},
        {"account": "1010", "direction": "credit", "amount": "250", "asset": "USD"},
    ]
    assert (proposal["status"], proposal["maker"], proposal["worth"]) == (
        "submitted",
        "maker",
        {"amount": "250", "asset": "USD", "scale": 2},
    )
    assert [check for check in proposal["checks"] if check["state"] != "passed"] == []
    assert api(checker).get(f"/proposals/{proposal['id']}")["why_not_decidable"] == ""
    broken = api(maker).get(fee)
    assert (broken["state"], [one["id"] for one in broken["proposals"]]) == ("proposed", [proposal["id"]])


def test_an_approval_posts_the_entry_and_closes_the_break(api: Api, maker: User, checker: User, fee: str) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())
    with posts(POSTED):
        decided = api(checker).post(f"/proposals/{proposal['id']}/decisions", approval(proposal))
    assert (decided["status"], decided["versions"][0]["decisions"][0]["approver"]) == ("executed", "checker")
    assert (balance("6420"), balance("1010")) == ("2.50 USD", "-2.50 USD")
    (entry,) = api(checker).get("/entries", proposal=proposal["id"])["results"]
    assert (entry["origin"], entry["metadata"]["reason_code"]) == ("manual", "BANK_FEE")
    resolved = api(maker).get(fee)
    assert (resolved["state"], resolved["resolved_by"]["method"]) == ("resolved", "adjustment")
    with writes_nothing():
        error = api(checker).refused(f"/proposals/{proposal['id']}/decisions", approval(proposal), answers=409)
    assert error["code"] == "proposal_not_waiting"


def test_a_maker_approves_nothing_of_their_own_whatever_their_roles(
    api: Api, maker: User, checker: User, person: Callable[[str, str], User], fee: str
) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())
    path = f"/proposals/{proposal['id']}/decisions"
    with writes_nothing():
        assert api(maker).refused(path, approval(proposal), answers=403)["code"] == "permission_denied"
    refused = AuditEvent.objects.order_by("-id")[0]
    assert (refused.action, refused.actor_id, refused.target_id) == ("approvals.access.refused", maker.pk, f"/api/v1{path}")

    maker.groups.add(checker.groups.get())
    with writes_nothing():
        assert api(maker).refused(path, approval(proposal), answers=403)["code"] == "checker_is_maker"
    refused = AuditEvent.objects.order_by("-id")[0]
    assert (refused.action, refused.outcome, refused.target_id) == ("approvals.proposal.approved", "refused", proposal["id"])
    assert (Decision.objects.count(), journal()) == (0, [])


def test_a_decision_on_anything_but_what_waits_now_is_refused(api: Api, maker: User, checker: User, fee: str) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())
    caller, path = api(checker), f"/proposals/{proposal['id']}/decisions"
    with writes_nothing():
        for stale in ({"version": 2}, {"digest": "0" * 64}):
            error = caller.refused(path, approval(proposal, **stale), answers=409)
            assert error["code"] == "decision_outdated"
            assert error["detail"] == {"current_version": 1, "current_digest": proposal["versions"][0]["digest"]}
        assert caller.refused(path, approval(proposal, outcome="reject"), answers=422)["field"] == "comment"
        assert caller.refused(path, approval(proposal, outcome="perhaps"), answers=422)["field"] == "outcome"
        assert caller.refused(path, approval(proposal, digest="abc"), answers=422)["field"] == "digest"
        assert caller.refused(path, {}, answers=422)["detail"]["errors"][0]["code"] == "required"


def test_what_was_returned_is_revised_and_the_old_version_cannot_be_approved(api: Api, maker: User, checker: User, fee: str) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())
    path = f"/proposals/{proposal['id']}"
    with writes_nothing():
        assert api(maker).refused(f"{path}/versions", wish(), answers=409)["code"] == "proposal_not_open"
    api(checker).post(f"{path}/decisions", approval(proposal, outcome="request_changes", comment="Say which charge."))
    second = api(maker).post(f"{path}/versions", wish(narrative="The account charge of November was not booked."))
    assert (second["current_version"], [version["n"] for version in second["versions"]]) == (2, [1, 2])
    with writes_nothing():
        assert api(checker).refused(f"{path}/decisions", approval(proposal), answers=409)["code"] == "decision_outdated"
    with posts(POSTED):
        api(checker).post(f"{path}/decisions", approval(second))


def test_a_maker_withdraws_and_the_break_is_free_again(api: Api, maker: User, checker: User, fee: str) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())
    with writes_nothing():
        assert api(checker).refused(f"/proposals/{proposal['id']}/withdraw", answers=403)["code"] == "proposal_not_yours"
        assert api(maker).refused(f"{fee}/adjustments", wish(), answers=409)["code"] in ("break_refused", "object_has_open_proposal")
    assert api(maker).post(f"/proposals/{proposal['id']}/withdraw", {"reason": "Booked after all."}, answers=200)["status"] == "withdrawn"
    assert api(maker).get(fee)["state"] == "investigating"
    with writes_nothing():
        assert (
            api(checker).refused(f"/proposals/{proposal['id']}/decisions", approval(proposal), answers=409)["code"]
            == "proposal_not_waiting"
        )


def test_a_wish_that_is_not_sound_is_refused_with_its_field(api: Api, maker: User, checker: User, fee: str) -> None:
    caller = api(maker)
    with writes_nothing():
        changes: list[tuple[dict[str, Any], int, str | None]] = [
            ({"reason_code": "NO_REASON"}, 422, "reason_code"),
            ({"narrative": "too short"}, 422, "narrative"),
            ({"counter_account": "9999"}, 404, "counter_account"),
            ({"counter_account": "1010"}, 422, "counter_account"),
            ({"counter_account": "1030"}, 422, "counter_account"),
            ({"effective_date": "2025-11-02"}, 422, "effective_date"),
            ({"effective_date": "tomorrow"}, 422, "effective_date"),
            ({"item_ids": [999_999]}, 409, "items"),
            ({"break_version": 9}, 409, None),
            ({"amount": "1"}, 422, "amount"),
        ]
        for change, answers, field in changes:
            error = caller.refused(f"{fee}/adjustments", wish(**change), answers=answers)
            assert error["field"] == field, (change, error)


def test_proposals_are_listed_by_whose_they_are_and_who_could_decide(
    api: Api, maker: User, checker: User, stranger: User, fee: str
) -> None:
    proposal = api(maker).post(f"{fee}/adjustments", wish())

    def found(user: User, **query: Any) -> list[str]:
        return [row["id"] for row in api(user).get("/proposals", **query)["results"]]

    mine = [proposal["id"]]
    assert (
        found(maker, mine="true")
        == found(checker, mine="false")
        == found(checker, decidable="true")
        == found(checker, kind="recon.post_adjustment")
        == mine
    )
    assert found(maker, mine="false") == found(maker, decidable="true") == found(checker, status="executed") == found(stranger) == []
    assert api(stranger).get(f"/proposals/{proposal['id']}", answers=404)["error"]["code"] == "proposal_not_found"
    codes = api(maker).get("/reason-codes", kind="recon.post_adjustment")["results"]
    assert "BANK_FEE" in {reason["code"] for reason in codes}
