"""A source whose lines several reconciliations have: each gets its own items, and loses them together."""

import pytest

from approvals.models import User
from recon import operations as recon
from recon.models import Allocation, Break, Item, Reconciliation, Run, Statement
from recon.operations.reconciliations import NewPopulation, define_reconciliation
from tests.concurrency import scene
from tests.fixtures import Post
from tests.recon.delivered import run_all

pytestmark = pytest.mark.django_db


@pytest.fixture
def shared(maker: User) -> Reconciliation:
    """Return a second reconciliation of the bank account, declared beside the bank's own."""
    scene.bank()
    populations = [NewPopulation(name="Ledger", accounts=["1010"]), NewPopulation(name="Bank", source="bank")]
    return define_reconciliation(name="Once more", asset="USD", populations=populations, defined_by_id=maker.pk)


def test_a_statement_reaches_every_reconciliation_of_its_source(shared: Reconciliation, maker: User, post: Post) -> None:
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="INV-00005")
    file = scene.receive(scene.mt940(("C", 500, "INV00005")), by=maker)
    queued = recon.accept_file(file_id=file.pk, source_ids=[shared.source_id])
    assert {run.reconciliation.home for run in queued} == {True, False}
    run_all()
    for reconciliation in Reconciliation.objects.all():
        assert Item.objects.filter(reconciliation=reconciliation).count() == 2
        assert Allocation.objects.filter(match__reconciliation=reconciliation, revoked_at=None).count() == 2


def test_a_line_that_is_withdrawn_leaves_all_of_them(shared: Reconciliation, maker: User, post: Post) -> None:
    post("1010 debit 5.00 USD / 2010 credit 5.00 USD", reference="INV-00005")
    post("1010 debit 7.00 USD / 2010 credit 7.00 USD", reference="INV-00007")
    first = scene.receive(scene.mt940(("C", 500, "INV00005"), ("C", 701, "INV00007"), ("C", 9, "INV00009")), by=maker)
    recon.accept_file(file_id=first.pk, source_ids=[shared.source_id])
    run_all()
    second = scene.receive(scene.mt940(("C", 9, "INV00009")), by=maker)
    recon.accept_file(file_id=second.pk, source_ids=[shared.source_id], restating=list(Statement.objects.values_list("pk", flat=True)))
    run_all()
    assert not Allocation.objects.filter(revoked_at=None).exists()
    live = Break.objects.exclude(state="resolved")
    told = {(one.reconciliation.home, one.type, one.reference) for one in live.select_related("reconciliation")}
    assert told == {
        (home, kind, reference)
        for home in (True, False)
        for kind, reference in (("missing_external", "INV-00005"), ("missing_external", "INV-00007"), ("missing_internal", "INV00009"))
    }
    assert Run.objects.filter(status="completed").count() == 4
