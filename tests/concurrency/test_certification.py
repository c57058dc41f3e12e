"""Several people at the certificate of one day: two who prepare, a statement that is restated, two who decide."""

from typing import Any

import pytest

from approvals.models import Proposal, User
from approvals.operations import ObjectHasOpenProposal
from recon.models import Certificate, Source, Statement
from tests.concurrency import scene
from tests.concurrency.together import at_once, of_type
from tests.fixtures import Post
from tests.recon.certifying import agreed_days, decide, prepare
from tests.recon.delivered import accept, day, mt940

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def ready(roles: None, maker: User, post: Post) -> Source:
    bank = scene.bank()
    agreed_days(bank, post=post, by=maker)
    return bank


def test_two_prepare_the_same_day_at_once_and_one_is_told(ready: Source, maker: User, checker: User, person: Any) -> None:
    outcomes = at_once([lambda: prepare(ready, 0, by=maker)] * 2)
    assert len(of_type(outcomes, Proposal)) == 1
    (refused,) = of_type(outcomes, Exception)
    assert isinstance(refused, ObjectHasOpenProposal)


def test_two_prepare_overlapping_days_at_once_and_one_is_told(ready: Source, maker: User, checker: User) -> None:
    outcomes = at_once([lambda: prepare(ready, 0, 1, by=maker), lambda: prepare(ready, 1, by=maker)])
    assert len(of_type(outcomes, Proposal)) == 1
    (refused,) = of_type(outcomes, Exception)
    assert refused.code == "certificate_refused"


def test_two_sign_at_once_and_there_is_one_certificate(ready: Source, maker: User, checker: User, person: Any) -> None:
    other = person("other", "Approver")
    proposal = prepare(ready, 0, 1, by=maker)
    outcomes = at_once([lambda: decide(proposal, by=checker), lambda: decide(proposal, by=other)])
    assert Certificate.objects.count() == 1
    (refused,) = of_type(outcomes, Exception)
    assert refused.code == "proposal_not_waiting"


def test_signing_meets_a_restatement_and_what_is_signed_is_what_stood(ready: Source, maker: User, checker: User) -> None:
    """Whoever is first: either the certificate stands and the restatement is after sign-off, or it is stale and says why."""
    proposal = prepare(ready, 1, by=maker)
    known = Statement.objects.counting().get(closing_date=day(1))
    content = mt940((1, 1000 + known.version, "INV-1002"), opening_minor=1000, number=2, first=1, last=1)
    at_once([lambda: decide(proposal, by=checker), lambda: accept(content, by=maker, source=ready, restating=[known.pk])])
    proposal.refresh_from_db()
    certificate = Certificate.objects.filter(proposal_id=proposal.pk).first()
    assert proposal.status == ("executed" if certificate else "stale")
    if certificate is None:
        assert "was restated" in proposal.status_reason
    else:
        assert str(known.pk) in {one["id"] for one in certificate.content["statement"]["statements"]}
