"""What a run leaves open, as breaks: causes of differences, and ambiguities that stand under one break."""

from datetime import timedelta

import pytest

from approvals.models import User
from recon import operations
from recon.models import Break, Item, Run, Source
from tests.concurrency import scene
from tests.fixtures import DAY, Post


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def reconcile(bank: Source, maker: User, *rows: tuple[str, int, str]) -> Run:
    return scene.reconcile(scene.mt940(*rows), source=bank, by=maker)


def receipt(post: Post, amount: str, reference: str, *, days_before: int = 0) -> None:
    post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, day=DAY - timedelta(days=days_before))


@pytest.mark.parametrize(
    ("ours", "theirs", "kind"),
    [("12.34", 13_24, "transposed"), ("12.34", 123_40, "decimal_shift"), ("12.34", 24_68, "doubled"), ("12.34", 12_00, "unexplained")],
)
def test_pair_whose_amounts_differ_says_what_that_suggests(
    post: Post, bank: Source, maker: User, ours: str, theirs: int, kind: str
) -> None:
    receipt(post, ours, "INV-1001")
    reconcile(bank, maker, ("C", theirs, "INV-1001"))
    found = Break.objects.get()
    assert (found.type, found.cause["kind"]) == ("amount", kind)
    assert found.cause["statement_minor"] == str(theirs)


def test_same_amount_the_other_way_is_one_break_of_the_pair_with_its_cause(post: Post, bank: Source, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(bank, maker, ("D", 1000, "INV-1001"))
    found = Break.objects.get()
    assert (found.type, found.cause["kind"], int(found.difference_minor)) == ("amount", "sign", 2000)


def test_ambiguity_stands_under_its_first_break_which_says_what_is_open_net(post: Post, bank: Source, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "10.00", "INV-1001", days_before=3)
    receipt(post, "7.00", "INV-1002")
    receipt(post, "7.00", "INV-1002")
    reconcile(bank, maker, ("C", 1000, "INV-1001"), ("C", 700, "INV-1002"))
    first, other = Break.objects.filter(parent=None).order_by("occurred_on")
    assert first.occurred_on == DAY - timedelta(days=3)
    assert first.cause == {"kind": "ambiguous", "ledger_items": 2, "statement_items": 1, "net_minor": "1000"}
    assert first.children.count() == 2
    assert (other.reference, other.children.count()) == ("INV-1002", 2)


def test_ambiguity_that_a_person_decides_leaves_what_is_over_on_its_own(post: Post, bank: Source, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "10.00", "INV-1001")
    reconcile(bank, maker, ("C", 1000, "INV-1001"))
    parent = Break.objects.get(parent=None)
    other = Item.objects.get(side="statement") if parent.ledger_item_id else Item.objects.filter(side="ledger").earliest("pk")
    operations.match_by_hand(break_id=parent.pk, version=parent.version, item_ids=[other.pk], matched_by_id=maker.pk)
    operations.execute_run(run_id=operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk).pk)
    (left,) = Break.objects.exclude(state="resolved")
    assert (left.parent, left.type, left.cause) == (None, "missing_external", {})


def test_second_run_changes_nothing(post: Post, bank: Source, maker: User) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "10.00", "INV-1001")
    receipt(post, "12.34", "INV-1003")
    reconcile(bank, maker, ("C", 1000, "INV-1001"), ("C", 1324, "INV-1003"))
    before = list(Break.objects.order_by("number").values())
    operations.execute_run(run_id=operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk).pk)
    assert list(Break.objects.order_by("number").values()) == before
