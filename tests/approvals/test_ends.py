"""How proposals end without being carried out, what they let go of, and that every act of this app is on the trail."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial

import pytest
from django.test import Client
from django.utils import timezone

from approvals import operations as approvals
from approvals.audit_actions import ACTIONS
from approvals.models import Proposal, User
from approvals.tasks import expire_proposals
from audit.models import AuditEvent
from recon.models import Break
from tests.approvals.conftest import code_of, decide, decide_directly, revise, status_of
from tests.concurrency import scene
from tests.concurrency.together import at_once
from tests.fixtures import PASSWORD, signed_in
from tests.notation import journal, writes_nothing


def state_of(proposal: Proposal) -> str:
    return Break.objects.get(pk=proposal.target_id).state


def test_withdrawn_proposal_frees_its_break(proposal: Proposal, maker: User) -> None:
    assert state_of(proposal) == "proposed"
    response = signed_in(maker).post(f"/approvals/{proposal.pk}/withdraw/", {"reason": "found the invoice"})
    assert (response.status_code, status_of(proposal), state_of(proposal)) == (302, "withdrawn", "investigating")
    scene.propose(Break.objects.get(pk=proposal.target_id), by=maker)


def test_withdrawing_without_a_word_is_422(proposal: Proposal, maker: User) -> None:
    with writes_nothing():
        response = signed_in(maker).post(f"/approvals/{proposal.pk}/withdraw/", {"reason": ""})
    assert response.status_code == 422
    assert "Say why" in response.text


def test_another_persons_proposal_is_not_withdrawn(proposal: Proposal, checker: User) -> None:
    with writes_nothing():
        response = signed_in(checker).post(f"/approvals/{proposal.pk}/withdraw/", {"reason": "mine now"})
    assert response.status_code == 403
    (event,) = AuditEvent.objects.filter(outcome="refused")
    assert (event.action, code_of(event)) == ("approvals.proposal.withdrawn", "proposal_not_yours")


def test_expired_proposal_frees_its_break_and_sweeping_twice_is_once(proposal: Proposal) -> None:
    Proposal.objects.filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    assert (approvals.expire_overdue(), approvals.expire_overdue()) == (1, 0)
    assert (status_of(proposal), state_of(proposal)) == ("expired", "investigating")
    (event,) = AuditEvent.objects.filter(action="approvals.proposal.expired")
    assert (event.actor_type, event.before, (event.after or {})["status"]) == ("system", {"status": "submitted"}, "expired")


def test_one_that_cannot_expire_keeps_no_other_from_it_and_is_told(proposal: Proposal, maker: User) -> None:
    long_ago = timezone.now() - timedelta(days=1)
    without_content = Proposal.objects.create(
        number=1, kind=proposal.kind, title="t", maker=maker, scope=proposal.scope, target_type="t", target_id="t", locked_object="other",
        expires_at=long_ago,
    )  # fmt: skip
    Proposal.objects.filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    with pytest.raises(approvals.ExpiryIncomplete, match=f"1 overdue proposals have ended, 1 could not be: {without_content.pk}"):
        expire_proposals()
    assert (status_of(proposal), state_of(proposal), status_of(without_content)) == ("expired", "investigating", "submitted")


def test_expired_proposal_takes_no_new_version_before_it_is_swept(proposal: Proposal, maker: User, checker: User) -> None:
    decide_directly(checker, proposal, "request_changes", "which tariff?")
    Proposal.objects.filter(pk=proposal.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    with writes_nothing(), pytest.raises(approvals.NotOpen, match="expired"):
        revise(proposal, maker)
    assert (status_of(proposal), state_of(proposal), proposal.versions.count()) == ("changes_requested", "proposed", 1)


def test_rejected_proposal_frees_its_break(proposal: Proposal, checker: User) -> None:
    decide_directly(checker, proposal, "reject", "not ours")
    assert (status_of(proposal), state_of(proposal), journal()) == ("rejected", "investigating", [])


def test_every_act_of_this_app_is_on_the_trail(proposal: Proposal, maker: User, checker: User, person: Callable[[str, str], User]) -> None:
    """Each action of the catalogue is produced by what people do; an action that nothing produces is a promise not kept."""
    decide(checker, proposal, "request_changes", "which tariff?")
    revise(proposal, maker)
    decide(checker, proposal)
    other, _ = scene.propose(scene.break_of(reference="CHARGE2"), by=maker)
    decide(checker, other, "reject", "not ours")
    third, _ = scene.propose(scene.break_of(reference="CHARGE2"), by=maker)
    signed_in(maker).post(f"/approvals/{third.pk}/withdraw/", {"reason": "found the invoice"})
    fourth, _ = scene.propose(scene.break_of(reference="CHARGE2"), by=maker)
    Proposal.objects.filter(pk=fourth.pk).update(expires_at=timezone.now() - timedelta(minutes=1))
    approvals.expire_overdue()
    fifth, _ = scene.propose(scene.break_of(reference="CHARGE2"), by=maker)
    Break.objects.filter(pk=fifth.target_id).update(state="investigating")  # as if something had taken it out of the proposal's hands
    decide(checker, fifth)
    assert status_of(fifth) == "stale"

    stopped = approvals.set_switch(function="exports", scope="", reason="A file left that should not have.", passes_approved=False)
    lifting = approvals.propose_lifting(
        switch_id=stopped.pk, reason_code="SWITCH_LIFTED", narrative="The file was called back and destroyed.", maker_id=maker.pk
    )
    decide(checker, lifting)

    browser = Client()
    browser.post("/account/login/", {"login": "maker", "password": "not this one at all"})
    browser.post("/account/login/", {"login": "maker", "password": PASSWORD})
    browser.get("/audit/")
    browser.post("/account/logout/")
    approvals.issue_token(username="maker")

    seen = set(AuditEvent.objects.values_list("action", flat=True))
    assert set(ACTIONS) - seen == set()


def test_signing_in_names_no_password_and_no_unknown_name(maker: User) -> None:
    Client().post("/account/login/", {"login": "my-secret-phrase", "password": "whatever it was"})
    (event,) = AuditEvent.objects.filter(action="approvals.session.refused")
    assert (event.target_id, event.actor_name, event.outcome) == ("unknown", "visitor", "refused")


@pytest.mark.django_db(transaction=True)
def test_two_approvers_at_once_in_the_browser_post_it_once(proposal: Proposal, checker: User, person: Callable[[str, str], User]) -> None:
    second = person("second", "Approver")
    version = proposal.versions.get()
    form = {"version": version.n, "digest": version.digest, "outcome": "approve", "comment": ""}
    browsers = [signed_in(checker), signed_in(second)]
    answers = at_once([partial(browser.post, f"/approvals/{proposal.pk}/decide/", form) for browser in browsers])
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert len(journal()) == 1
    assert AuditEvent.objects.filter(action="approvals.proposal.executed").count() == 1
    assert AuditEvent.objects.filter(action="approvals.proposal.approved", outcome="refused").count() == 1
