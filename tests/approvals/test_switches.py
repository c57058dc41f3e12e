"""Switches: one person stops, at once and for everybody in the scope; two let it go on."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from approvals import operations
from approvals.models import DecisionOutcome, Proposal, ProposalStatus, User
from approvals.operations.proposals import submit
from ledger import operations as ledger
from ledger.models import Transaction
from ledger.operations import CHANGE_ACCOUNT, ExportRefused, record_export
from ledgerops.lib.transactions import constraint_of
from ledgerops.runtime.gate import FunctionStopped
from ledgerops.runtime.models import Function, Switch
from tests.fixtures import Post, draft, signed_in
from tests.notation import posts, writes_nothing

pytestmark = pytest.mark.django_db

DEPOSIT = "1010 debit 10.00 USD / 2010 credit 10.00 USD"
WHY = "The cause was found and put right."


def stop(function: str = "posting", *, scope: str = "", passes_approved: bool = False, by: int | None = None) -> Switch:
    return operations.set_switch(function=function, scope=scope, reason="Found a gap", passes_approved=passes_approved, set_by_id=by)


def ask_to_lift(switch: Switch, *, maker: User) -> Proposal:
    return operations.propose_lifting(switch_id=switch.pk, reason_code="SWITCH_LIFTED", narrative=WHY, maker_id=maker.pk)


def approve(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get(n=proposal.current_version)
    return operations.decide(
        proposal_id=proposal.pk,
        version=version.n,
        digest=version.digest,
        outcome=DecisionOutcome.APPROVE,
        comment="",
        approver_id=by.pk,
    )


@pytest.mark.parametrize("scope", ["", "entity:M1", "account:2010"])
def test_a_stop_of_posting_refuses_requests_of_its_scope_at_once(chart: dict[str, object], post: Post, scope: str) -> None:
    stop(scope=scope)
    with pytest.raises(ledger.PostingRefused) as refused:
        post(DEPOSIT, key="K")
    assert refused.value.detail["reason"] == "posting_stopped"
    assert not Transaction.objects.filter(key="K").exists(), "the refusal is not remembered with the key"


def test_what_lies_outside_of_the_scope_is_posted(post: Post) -> None:
    stop(scope="account:2020")
    with posts(DEPOSIT):
        post(DEPOSIT)


def test_approved_entries_pass_a_stop_that_lets_them(chart: dict[str, object]) -> None:
    stop(passes_approved=True)
    with pytest.raises(ledger.PostingRefused):
        ledger.post_entry(draft=draft(DEPOSIT), scope="tests")
    # A deposit with a proposal is refused for that, not for the stop: it passed the gate.
    with pytest.raises(ledger.PostingInvalid) as refused:
        ledger.post_entry(draft=draft(DEPOSIT, proposal_id="01900000-0000-7000-8000-000000000000"), scope="tests")
    assert refused.value.detail["reason"] == "approval_not_applicable"


def test_two_people_lift_it_and_the_same_request_is_posted(
    maker: User, checker: User, person: Callable[[str, str], User], post: Post
) -> None:
    controller = person("controller", "Controller")
    switch = stop(by=controller.pk)
    with pytest.raises(ledger.PostingRefused):
        post(DEPOSIT, key="K")
    proposal = ask_to_lift(switch, maker=controller)
    with pytest.raises(operations.CheckerIsMaker):
        approve(proposal, by=controller)
    assert Switch.objects.get().lifted_at is None
    assert approve(proposal, by=checker).status == ProposalStatus.EXECUTED
    lifted = Switch.objects.get()
    assert (lifted.lifted_by_id, lifted.lift_proposal_id) == (checker.pk, proposal.pk)
    with posts(DEPOSIT):
        post(DEPOSIT, key="K")


@pytest.mark.parametrize(
    ("wish", "field"),
    [
        ({"function": "nothing"}, "function"),
        ({"function": "posting", "reason": " "}, "reason"),
        ({"function": "posting", "scope": "account:9999"}, "scope"),
        ({"function": "posting", "scope": "planet:earth"}, "scope"),
        ({"function": "exports", "scope": "entity:M1"}, "scope"),
        ({"function": "exports", "passes_approved": True}, "passes_approved"),
    ],
)
def test_a_stop_that_makes_no_sense_is_refused_where_it_is_wrong(chart: dict[str, object], wish: dict[str, Any], field: str) -> None:
    asked: dict[str, Any] = {"scope": "", "reason": "Found a gap", "passes_approved": False, **wish}
    with writes_nothing(), pytest.raises(operations.SwitchInvalid) as refused:
        operations.set_switch(**asked)
    assert refused.value.field == field


def test_a_second_stop_of_the_same_is_a_conflict(chart: dict[str, object]) -> None:
    stop()
    with writes_nothing(), pytest.raises(operations.SwitchSetAlready):
        stop()


def test_the_database_lets_nobody_lift_alone(maker: User, checker: User, person: Callable[[str, str], User]) -> None:
    switch = stop()
    waiting = ask_to_lift(switch, maker=person("controller", "Controller"))
    for proposal_id in (None, waiting.pk):
        with transaction.atomic(), pytest.raises(IntegrityError) as refused:
            Switch.objects.filter(pk=switch.pk).update(lifted_at=Now(), lift_proposal_id=proposal_id)
        assert constraint_of(refused.value) == "runtime_switch_is_lifted_by_two"


def test_a_stop_of_executions_keeps_approvals_from_acting_but_for_lifting(
    maker: User, checker: User, person: Callable[[str, str], User]
) -> None:
    controller = person("controller", "Controller")
    waiting = submit(
        kind=CHANGE_ACCOUNT,
        payload={"account": "2010", "changes": {"overdraft_limit": "0"}, "reason_code": "ACCOUNT_LIMIT", "narrative": WHY},
        maker_id=maker.pk,
    )
    switch = stop("execution")
    with writes_nothing(), pytest.raises(FunctionStopped):
        approve(waiting, by=checker)
    assert approve(ask_to_lift(switch, maker=controller), by=checker).status == ProposalStatus.EXECUTED
    assert approve(waiting, by=checker).status == ProposalStatus.EXECUTED


def test_a_stop_of_exports_keeps_the_books_in(chart: dict[str, object]) -> None:
    stop("exports")
    with pytest.raises(FunctionStopped):
        record_export(target_type="ledger.account", target_id="1010", query="", rows=1, file_format="csv")
    assert not issubclass(FunctionStopped, ExportRefused)


def test_the_page_stops_and_asks_to_lift(maker: User, checker: User, auditor: User, person: Callable[[str, str], User]) -> None:
    wish = {"function": "posting", "where": "account", "code": "2010", "reason": "Looks wrong"}
    assert signed_in(maker).post("/switches/set/", wish).status_code == 403
    browser = signed_in(person("controller", "Controller"))
    assert browser.post("/switches/set/", {**wish, "code": "9999"}).status_code == 422
    assert browser.post("/switches/set/", wish).status_code == 302
    assert browser.post("/switches/set/", wish).status_code == 409
    switch = Switch.objects.get()
    assert (switch.function, switch.scope) == (Function.POSTING, "account:2010")
    for user in (maker, auditor):
        assert "Looks wrong" in signed_in(user).get("/switches/").content.decode()
    assert browser.post(f"/switches/{switch.pk}/lift/", {"reason_code": "SWITCH_LIFTED", "narrative": "short"}).status_code == 422
    proposed = browser.post(f"/switches/{switch.pk}/lift/", {"reason_code": "SWITCH_LIFTED", "narrative": WHY})
    proposal = Proposal.objects.get()
    assert proposed.headers["Location"] == f"/approvals/{proposal.pk}/"
    page = signed_in(checker).get(f"/approvals/{proposal.pk}/").content.decode()
    assert "Looks wrong" in page
    assert "It is still stopped" in page


def test_the_api_stops_and_asks_to_lift(maker: User, checker: User, person: Callable[[str, str], User]) -> None:
    browser = signed_in(person("controller", "Controller"))
    wish = {"function": "posting", "scope": "entity:M1", "reason": "Looks wrong", "passes_approved": True}
    made = browser.post("/api/v1/switches", wish, content_type="application/json")
    assert made.status_code == 201
    assert browser.post("/api/v1/switches", wish, content_type="application/json").status_code == 409
    (listed,) = browser.get("/api/v1/switches").json()
    assert (listed["scope"], listed["passes_approved"], listed["set_by"]) == ("entity:M1", True, "Controller")
    body = {"reason_code": "SWITCH_LIFTED", "narrative": WHY}
    asked = browser.post(f"/api/v1/switches/{listed['id']}/lift", body, content_type="application/json")
    assert asked.status_code == 202
    assert asked.json()["target_id"] == listed["id"]
