"""Deciding in the browser: who may, on what, and what is left behind when it is refused."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.urls import reverse
from django.utils import timezone

from approvals import operations as approvals
from approvals.models import Decision, Execution, Proposal, User
from audit.models import AuditEvent
from ledger import operations as ledger
from ledger.models import AccountingPeriod
from recon.models import Break
from recon.operations import ADJUSTMENT
from tests.approvals.conftest import CHARGE, code_of, decide, decide_directly, revise, status_of
from tests.concurrency import scene
from tests.fixtures import signed_in
from tests.notation import posts, writes_nothing


def refusals(action: str) -> list[AuditEvent]:
    return list(AuditEvent.objects.filter(action=action, outcome="refused"))


def test_checker_approves_and_it_is_posted_once(proposal: Proposal, checker: User) -> None:
    with posts(CHARGE):
        response = decide(checker, proposal)
    assert (response.status_code, response.headers["Location"]) == (302, f"/approvals/{proposal.pk}/")
    assert status_of(proposal) == "executed"
    assert (Decision.objects.get().approver_id, Execution.objects.count()) == (checker.pk, 1)
    assert Break.objects.get(pk=proposal.target_id).state == "resolved"


def test_htmx_is_sent_on_to_the_proposal(proposal: Proposal, checker: User) -> None:
    version = proposal.versions.get()
    form = {"version": 1, "digest": version.digest, "outcome": "approve"}
    response = signed_in(checker).post(reverse("approvals:decide", args=[proposal.pk]), form, headers={"HX-Request": "true"})
    assert (response.status_code, response.headers["HX-Redirect"]) == (204, f"/approvals/{proposal.pk}/")


def test_maker_who_may_decide_others_is_refused_and_told_why(proposal: Proposal, deciding_maker: User) -> None:
    with writes_nothing():
        response = decide(deciding_maker, proposal)
    assert response.status_code == 403
    assert "you made this proposal, so somebody else must decide it" in response.text
    (event,) = refusals("approvals.proposal.approved")
    assert (event.actor_id, event.target_id, code_of(event)) == (deciding_maker.pk, str(proposal.pk), "checker_is_maker")
    assert refusals("approvals.access.refused") == []


def test_maker_without_the_permission_is_refused_at_the_door(proposal: Proposal, maker: User) -> None:
    with writes_nothing():
        assert decide(maker, proposal).status_code == 403
    (event,) = refusals("approvals.access.refused")
    assert (event.actor_id, event.target_id) == (maker.pk, f"/approvals/{proposal.pk}/decide/")
    assert (event.after or {})["permission"] == "approvals.decide_proposal"


def test_stranger_finds_nothing(proposal: Proposal, stranger: User) -> None:
    stranger.groups.get().permissions.add(Permission.objects.get(codename="decide_proposal"))
    someone = User.objects.get(pk=stranger.pk)
    with writes_nothing():
        assert decide(someone, proposal).status_code == 404
        assert signed_in(someone).get(f"/approvals/{proposal.pk}/").status_code == 404
        assert signed_in(someone).post(f"/approvals/{proposal.pk}/withdraw/", {"reason": "mine now"}).status_code == 404


@pytest.mark.parametrize("outcome", ["request_changes", "reject"])
def test_refusing_without_a_word_is_422_and_keeps_the_choice(proposal: Proposal, checker: User, outcome: str) -> None:
    with writes_nothing():
        response = decide(checker, proposal, outcome, "   ")
    assert response.status_code == 422
    assert "so that the maker can act on it" in response.text
    assert f'value="{outcome}" checked' in response.text


def test_deciding_nothing_is_422_and_keeps_the_comment(proposal: Proposal, checker: User) -> None:
    with writes_nothing():
        response = decide(checker, proposal, "", "I am still thinking")
    assert response.status_code == 422
    assert "I am still thinking" in response.text


@pytest.mark.parametrize("changed", [{"version": 2}, {"digest": "0" * 64}])
def test_other_content_than_the_one_that_waits_is_409(proposal: Proposal, checker: User, changed: dict[str, Any]) -> None:
    with writes_nothing():
        response = decide(checker, proposal, comment="as agreed with the bank", **changed)
    assert response.status_code == 409
    assert "version 1 is the current one" in response.text
    assert "as agreed with the bank" in response.text
    assert code_of(refusals("approvals.proposal.approved")[0]) == "decision_outdated"


def test_version_replaced_while_reading_is_409_over_the_new_one(proposal: Proposal, maker: User, checker: User) -> None:
    seen = proposal.versions.get()
    decide_directly(checker, proposal, "request_changes", "which account?")
    revise(proposal, maker)
    with writes_nothing():
        response = decide(checker, proposal, version=seen.n, digest=seen.digest, comment="fine by me")
    current = proposal.versions.get(n=2)
    assert response.status_code == 409
    assert "Maker submitted version 2" in response.text
    assert "fine by me" in response.text
    assert f'name="digest" value="{current.digest}"' in response.text
    assert "checked" not in response.text.split('id="decision"')[1].split("</form>")[0]


def test_second_decision_of_an_ended_proposal_is_409(proposal: Proposal, checker: User, person: Callable[[str, str], User]) -> None:
    decide_directly(checker, proposal, "reject", "not ours")
    late = person("late", "Controller")
    with writes_nothing():
        response = decide(late, proposal, comment="but it is ours")
    assert response.status_code == 409
    assert "has been rejected" in response.text
    assert "Checker rejected version 1" in response.text
    assert "but it is ours" in response.text


def test_one_person_who_approves_again_is_409(proposal: Proposal, checker: User, person: Callable[[str, str], User]) -> None:
    person("second", "Approver")
    approvals.define_policy(kind=ADJUSTMENT, required_approvals=2, expires_after_hours=96)
    decide_directly(checker, proposal, "request_changes", "again please")
    revise(proposal, User.objects.get(pk=proposal.maker_id))
    assert decide(checker, proposal).status_code == 302
    assert status_of(proposal) == "submitted"
    with writes_nothing():
        response = decide(checker, proposal)
    assert response.status_code == 409
    assert "you have decided this version already" in response.text
    assert "Needs 1 of 2 approvals" in response.text


def test_expired_proposal_is_409_before_the_sweep(proposal: Proposal, checker: User) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    with writes_nothing():
        response = decide(checker, proposal)
    assert response.status_code == 409
    assert "this proposal has expired" in response.text


def test_checker_out_of_scope_counts_for_nobody(proposal: Proposal, person: Callable[[str, str], User], maker: User) -> None:
    """Submitting is refused when the only other people who may decide have no sight of it."""
    User.objects.filter(groups__permissions__codename="decide_proposal").update(is_active=False)
    blind = person("blind", "Stranger")
    blind.groups.get().permissions.add(Permission.objects.get(codename="decide_proposal"))
    approvals.withdraw(proposal_id=proposal.pk, maker_id=maker.pk, reason="to ask anew")
    with pytest.raises(approvals.NobodyCouldApprove):
        scene.propose(Break.objects.get(pk=proposal.target_id), by=maker)


def test_execution_refused_by_the_books_keeps_the_decision(proposal: Proposal, checker: User) -> None:
    ledger.close_period(period_id=AccountingPeriod.objects.get().pk)
    response = decide(checker, proposal)
    assert response.status_code == 302
    assert status_of(proposal) == "failed"
    assert Decision.objects.count() == 1
    assert Break.objects.get(pk=proposal.target_id).state == "investigating"
    page = signed_in(checker).get(f"/approvals/{proposal.pk}/").text
    assert "the books refused it" in page
    assert "nothing was posted" in page
