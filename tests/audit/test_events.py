"""Writing the trail: never outside of an act, never an unknown act, and no act without its event."""

from collections.abc import Iterator

import psycopg
import pytest
from django.db import ProgrammingError, connections, transaction

from approvals import operations as approvals
from approvals.models import DecisionOutcome, PolicyVersion, User
from audit.models import AuditEvent
from audit.operations import EventOutsideTransaction, UnregisteredAction, record_event
from recon.models import Break
from tests.concurrency import scene
from tests.notation import writes_nothing

DOOR = "audit_record_event_v1(jsonb)"


@pytest.fixture
def closed_trail() -> Iterator[None]:
    """Take the right to write the trail from the runtime role, and give it back."""
    owner = connections["owner"].settings_dict
    address = {"host": owner["HOST"], "port": owner["PORT"], "dbname": owner["NAME"], "user": owner["USER"], "password": owner["PASSWORD"]}
    with psycopg.connect(**address, autocommit=True) as session:
        session.execute("SET ROLE ledgerops_owner")
        session.execute(f"REVOKE EXECUTE ON FUNCTION {DOOR} FROM ledgerops_app".encode())
        try:
            yield
        finally:
            session.execute(f"GRANT EXECUTE ON FUNCTION {DOOR} TO ledgerops_app".encode())


@pytest.mark.django_db(transaction=True)
def test_event_outside_a_transaction_it_is_refused() -> None:
    with pytest.raises(EventOutsideTransaction):
        record_event("approvals.session.opened", target_type="approvals.user", target_id=1)
    assert not AuditEvent.objects.exists()


def test_event_of_an_unknown_action_it_is_refused(db: None) -> None:
    with pytest.raises(UnregisteredAction), transaction.atomic():
        record_event("approvals.session.imagined", target_type="approvals.user", target_id=1)
    assert not AuditEvent.objects.exists()


def test_runtime_role_writes_the_trail_through_its_door_only(db: None) -> None:
    with pytest.raises(ProgrammingError) as refused, transaction.atomic():
        AuditEvent.objects.create(actor_type="system", action="a.b.c", target_type="t", target_id="1", outcome="done", transaction_id=1)
    assert refused.value.__cause__ is not None
    assert "permission denied" in str(refused.value)


@pytest.mark.django_db(transaction=True)
def test_act_whose_event_cannot_be_written_it_does_not_happen(roles: None, maker: User, checker: User, closed_trail: None) -> None:
    with writes_nothing(), pytest.raises(ProgrammingError, match=DOOR.partition("(")[0]):
        approvals.define_policy(kind="some.kind", required_approvals=1, expires_after_hours=1)
    assert not PolicyVersion.objects.filter(kind="some.kind").exists()


@pytest.mark.django_db(transaction=True)
def test_approval_whose_event_cannot_be_written_it_posts_nothing(
    roles: None, maker: User, checker: User, request: pytest.FixtureRequest
) -> None:
    scene.reconcile(scene.mt940(("D", 50, "CHARGE1")), source=scene.bank(), by=maker)
    proposal, version = scene.propose(scene.break_of(reference="CHARGE1"), by=maker)
    request.getfixturevalue("closed_trail")
    with writes_nothing(), pytest.raises(ProgrammingError):
        approvals.decide(
            proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
        )
    assert Break.objects.get().state == "proposed"
