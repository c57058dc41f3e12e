"""The trail cannot be written: no act happens without it."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from django.db import ProgrammingError, connections

from approvals.models import User
from ledger import operations as ledger
from ledger.models import AccountingPeriod
from recon import operations as recon
from recon.models import Item, Reconciliation, Source
from tests.concurrency import scene
from tests.concurrency.test_approvals import approve, match_with
from tests.fixtures import Post
from tests.notation import writes_nothing

pytestmark = pytest.mark.django_db(transaction=True, databases=["default", "owner"])


@pytest.fixture
def trail() -> Iterator[Callable[[str], None]]:
    """Return what takes the right to write the trail from the runtime role, or gives it back; it is given back in the end."""

    def change(verb: str) -> None:
        own = connections["owner"].settings_dict
        address = {"host": own["HOST"], "port": own["PORT"], "dbname": own["NAME"], "user": own["USER"], "password": own["PASSWORD"]}
        with psycopg.connect(**address) as session:
            session.execute("SET ROLE ledgerops_owner")
            preposition = {"REVOKE": "FROM", "GRANT": "TO"}[verb]
            session.execute(f"{verb} EXECUTE ON FUNCTION audit_record_event_v1(jsonb) {preposition} ledgerops_app".encode())

    yield change
    change("GRANT")


def acts(maker: User, checker: User, post: Post) -> dict[str, Callable[[], Any]]:
    """Return one act of each kind, each ready to succeed."""
    source: Source = scene.bank()
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="LEFT1")
    scene.reconcile(scene.mt940(("C", 500, "RIGHT1"), ("D", 50, "CHARGE1"), ("D", 60, "CHARGE2")), source=source, by=maker)
    proposal, version = scene.propose(scene.break_of(reference="CHARGE1"), by=maker)
    waiting = scene.receive(scene.mt940(("C", 100, "NEXT1"), number=2), by=maker)
    unknown = scene.mt940(("C", 100, "NEXT2"), number=3)
    left = scene.break_of(reference="LEFT1")
    reconciliation = Reconciliation.objects.get()
    return {
        "close": lambda: ledger.close_period(period_id=AccountingPeriod.objects.get().pk),
        "receive": lambda: recon.receive_file(name="f", content=io.BytesIO(unknown), maximum_bytes=10**6, received_by_id=maker.pk),
        "accept": lambda: recon.accept_file(file_id=waiting.pk, source_ids=[source.pk]),
        "request": lambda: recon.request_run(reconciliation_id=reconciliation.pk, requested_by_id=maker.pk),
        "assign": lambda: recon.assign_break(break_id=left.pk, assignee_id=maker.pk),
        "comment": lambda: recon.comment_on_break(break_id=left.pk, author_id=maker.pk, text="seen"),
        "match": match_with(left, Item.objects.get(side="statement", reference="RIGHT1"), by=maker),
        "propose": lambda: scene.propose(scene.break_of(reference="CHARGE2"), by=maker),
        "approve": approve(proposal, version, by=checker),
    }


def test_without_the_trail_every_act_fails_and_leaves_nothing_and_with_it_each_succeeds(
    maker: User, checker: User, post: Post, trail: Callable[[str], None]
) -> None:
    ready = acts(maker, checker, post)
    trail("REVOKE")
    for act in ready.values():
        with writes_nothing(), pytest.raises(ProgrammingError):
            act()
    trail("GRANT")
    for name in ("receive", "accept", "request", "comment", "match", "propose", "approve", "close"):
        ready[name]()
