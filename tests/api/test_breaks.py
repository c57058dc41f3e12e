"""Working a break over REST: reading it, assigning, commenting, matching by hand."""

from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import User
from recon.models import Match, Source
from tests.api.caller import Caller
from tests.concurrency.scene import break_of, mt940, reconcile
from tests.fixtures import Post
from tests.notation import writes_nothing

Api = Callable[[User], Caller]


@pytest.fixture
def breaks(maker: User, source: Source, post: Post) -> dict[str, str]:
    """Leave two sides of one movement under references that differ, and a fee that only the bank knows; break ids by reference."""
    post("1010 debit 10.00 USD / 2010 credit 10.00 USD", reference="INV-2026-4804", counterparty="Glasswater Glass LLC")
    reconcile(mt940(("C", 1000, "INV-2026-8404"), ("D", 250, "FEE-20261102")), source=source, by=maker)
    return {reference: str(break_of(reference=reference).pk) for reference in ("INV-2026-4804", "INV-2026-8404", "FEE-20261102")}


def test_a_break_tells_both_sides_its_candidates_and_why(api: Api, maker: User, breaks: dict[str, str]) -> None:
    found = api(maker).get(f"/breaks/{breaks['INV-2026-8404']}")
    assert (found["type"], found["state"], found["difference_minor"], found["ledger"]) == ("missing_internal", "open", "-1000", None)
    assert found["statement"]["amount_minor"] == "1000"
    assert found["statement"]["raw"].startswith(":61:2611021102C10,00NTRFINV-2026-8404")
    best = found["candidates"][0]
    assert (best["reference"], best["remaining_minor"]) == ("INV-2026-4804", "0")
    assert {reason["topic"]: reason["verdict"] for reason in best["reasons"]}["Reference"] == "close"
    assert found["explanation"] == (
        "No open ledger item carries INV-2026-8404. One with this amount carries INV-2026-4804, nearly the same: a slip of the hand?"
    )


def test_breaks_are_found_as_on_the_screen(api: Api, maker: User, breaks: dict[str, str]) -> None:
    caller = api(maker)
    number = caller.get(f"/breaks/{breaks['FEE-20261102']}")["number"]
    caller.post(f"/breaks/{breaks['FEE-20261102']}/assign", {"assignee": "maker"}, answers=200)
    only_fee = [breaks["FEE-20261102"]]
    for query in ({"q": "fee-2026"}, {"q": number.lower()}, {"assignee": "me"}, {"assignee": "maker"}, {"state": "investigating"}):
        assert [row["id"] for row in caller.get("/breaks", **query)["results"]] == only_fee, query
    assert len(caller.get("/breaks", assignee="nobody", type="missing_internal", source="bank", asset="USD")["results"]) == 1
    assert caller.get("/breaks", state="resolved")["results"] == []
    assert caller.get("/breaks", answers=422, type="typo")["error"]["field"] == "type"


def test_a_break_is_given_to_a_person_and_back(api: Api, maker: User, auditor: User, breaks: dict[str, str]) -> None:
    caller, path = api(maker), f"/breaks/{breaks['FEE-20261102']}/assign"
    given = caller.post(path, {"assignee": "maker"}, answers=200)
    assert (given["assignee"], given["state"], given["version"]) == ("maker", "investigating", 2)
    assert [event["action"] for event in given["timeline"]] == ["recon.break.assigned"]
    with writes_nothing():
        assert caller.refused(path, {"assignee": "auditor"}, answers=422)["field"] == "assignee"
        assert caller.refused(path, {"assignee": "nemo"}, answers=422)["field"] == "assignee"
        assert caller.refused(path, {}, answers=422)["field"] == "assignee"
    assert caller.post(path, {"assignee": None}, answers=200)["assignee"] is None


def test_a_comment_stands_on_the_timeline(api: Api, maker: User, breaks: dict[str, str]) -> None:
    caller, path = api(maker), f"/breaks/{breaks['FEE-20261102']}"
    comment = caller.post(f"{path}/comments", {"text": " Called the bank. "})
    assert (comment["author"], comment["text"]) == ("maker", "Called the bank.")
    assert caller.get(path)["timeline"][-1]["after"]["text"] == "Called the bank."
    with writes_nothing():
        caller.refused(f"{path}/comments", {"text": "  "}, answers=422)


def test_two_items_are_matched_by_hand_if_they_agree_and_nothing_has_changed(api: Api, maker: User, breaks: dict[str, str]) -> None:
    caller, path = api(maker), f"/breaks/{breaks['INV-2026-8404']}"
    found = caller.get(path)
    item, fee = found["candidates"][0]["item_id"], caller.get(f"/breaks/{breaks['FEE-20261102']}")["statement_item_id"]
    with writes_nothing():
        assert caller.refused(f"{path}/match", {"version": 7, "item_ids": [item]}, answers=409)["code"] == "break_refused"
        assert caller.refused(f"{path}/match", {"version": 1, "item_ids": [item, fee]}, answers=409)["detail"] == {
            "difference_minor": "250"
        }
        assert caller.refused(f"{path}/match", {"version": 1, "item_ids": []}, answers=409)["code"] == "match_refused"
        assert caller.refused(f"{path}/match", {"version": 1, "item_ids": [2**63]}, answers=422)["field"].startswith("item_ids")
        assert caller.refused(f"{path}/match", {"item_ids": [item]}, answers=422)["field"] == "version"
    resolved = caller.post(f"{path}/match", {"version": 1, "item_ids": [item]})
    assert (resolved["state"], resolved["resolved_by"]["method"], resolved["candidates"]) == ("resolved", "manual", [])
    assert caller.get(f"/breaks/{breaks['INV-2026-4804']}")["resolved_by"]["id"] == resolved["resolved_by"]["id"]
    with writes_nothing():
        caller.refused(f"{path}/match", {"version": resolved["version"], "item_ids": [item]}, answers=409)
        caller.refused(f"{path}/assign", {"assignee": "maker"}, answers=409)


def test_a_stranger_finds_no_break_to_work(api: Api, stranger: User, breaks: dict[str, str]) -> None:
    caller, path = api(stranger), f"/breaks/{breaks['FEE-20261102']}"
    assert caller.get("/breaks")["results"] == []
    assert caller.get(path, answers=404)["error"]["code"] == "break_not_found"
    with writes_nothing():
        acts: list[tuple[str, dict[str, Any]]] = [
            ("assign", {"assignee": None}),
            ("comments", {"text": "mine"}),
            ("match", {"version": 1, "item_ids": []}),
            ("adjustments", {}),
        ]
        for act, body in acts:
            caller.refused(f"{path}/{act}", body, answers=404)
    assert not Match.objects.filter(method="manual").exists()
