"""The passes of a run: what is matched, what never is, and what the rest is called."""

from collections.abc import Callable
from datetime import date, timedelta

import psycopg
import pytest
from django.db import connection, connections
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from approvals.models import User
from recon import operations, tasks
from recon.matching.keys import STOP_KEYS, match_key
from recon.models import Allocation, Break, Item, Match, Run, Source
from tests.concurrency import scene
from tests.fixtures import DAY, Post
from tests.notation import writes_nothing


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


Reconcile = Callable[..., Run]


@pytest.fixture
def reconcile(bank: Source, maker: User) -> Reconcile:
    """Return a function that accepts a statement of rows (C or D, minor units, reference) and runs to the end."""

    def run(*rows: tuple[str, int, str], **statement: object) -> Run:
        return scene.reconcile(scene.mt940(*rows, **statement), source=bank, by=maker)  # type: ignore[arg-type]

    return run


@pytest.fixture
def run_again(bank: Source, maker: User) -> Callable[[], Run]:
    return lambda: operations.execute_run(
        run_id=operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk).pk
    )


def receipt(post: Post, amount: str, reference: str, day: date = DAY) -> None:
    post(f"1010 debit {amount} USD / 2010 credit {amount} USD", reference=reference, day=day)


def matched() -> list[str]:
    return sorted(match.explanation["key"] for match in Match.objects.all())


def breaks() -> list[tuple[str, str, int]]:
    """Return each live break as type, reference and difference."""
    live = Break.objects.exclude(state="resolved")
    return sorted(((found.type, found.reference, int(found.difference_minor)) for found in live), key=lambda row: (row[1], row[0], row[2]))


def test_items_that_are_each_others_only_candidate_are_matched_and_say_why(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "inv 1001")
    run = reconcile(("C", 1000, "INV-1001"))
    (match,) = Match.objects.all()
    assert match.explanation == {
        "pass": "reference",
        "kind": "key",
        "name": "Same reference, same amount",
        "key": "INV1001",
        "days": 0,
        "days_allowed": 1,
        "populations": {"Ledger": 1, "Statement": 1},
    }
    assert (run.status, run.matches_made, run.breaks_opened, run.items_done, run.items_total) == ("completed", 1, 0, 2, 2)
    assert not Item.objects.filter(open=True).exists()


def test_tie_is_nobodys(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 1000, "INV-1001"))
    assert matched() == []
    assert breaks() == [("ambiguous", "INV-1001", -1000), ("ambiguous", "INV-1001", 1000), ("ambiguous", "INV-1001", 1000)]


def test_tie_on_the_statement_is_nobodys_either(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 1000, "INV-1001"), ("C", 1000, "INV-1001"))
    assert matched() == []
    assert {kind for kind, _, _ in breaks()} == {"ambiguous"}


def test_tie_stays_one_however_far_apart_the_days_are(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "10.00", "INV-1001", day=DAY - timedelta(days=20))
    reconcile(("C", 1000, "INV-1001"))
    assert matched() == []


@pytest.mark.parametrize(("apart", "found"), [(-2, []), (-1, ["INV1001"]), (0, ["INV1001"]), (3, ["INV1001"]), (4, [])])
def test_business_days_apart_are_allowed_up_to_the_tolerance(post: Post, reconcile: Reconcile, apart: int, found: list[str]) -> None:
    receipt(post, "10.00", "INV-1001", day=DAY - timedelta(days=apart))
    reconcile(("C", 1000, "INV-1001"))
    assert matched() == found
    assert breaks() == ([] if found else [("date", "INV-1001", 0)])


@pytest.mark.parametrize("stop", [*sorted(STOP_KEYS), "N/A", "not provided", "a-1", "---"])
def test_stop_key_never_matches(post: Post, reconcile: Reconcile, stop: str) -> None:
    receipt(post, "10.00", stop)
    reconcile(("C", 1000, stop))
    assert matched() == []
    assert sorted(kind for kind, _, _ in breaks()) == ["missing_external", "missing_internal"]


def test_other_direction_never_matches(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("D", 1000, "INV-1001"))
    assert matched() == []


def test_amounts_that_disagree_under_one_reference_are_one_break_of_the_pair(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 970, "INV-1001"))
    assert breaks() == [("amount", "INV-1001", 30)]


def test_what_is_on_one_side_only_is_missing_on_the_other(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("D", 50, "FEE-0001"))
    assert breaks() == [("missing_internal", "FEE-0001", 50), ("missing_external", "INV-1001", 1000)]


def test_second_line_like_one_that_is_matched_is_a_possible_duplicate(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 1000, "INV-1001"))
    reconcile(("C", 1000, "INV-1001"), day=DAY + timedelta(days=1), number=2, opening_minor=1000)
    assert breaks() == [("duplicate_external", "INV-1001", -1000)]


def test_second_posting_like_one_that_is_matched_is_a_possible_duplicate(
    post: Post, reconcile: Reconcile, run_again: Callable[[], Run]
) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 1000, "INV-1001"))
    receipt(post, "10.00", "INV-1001")
    run_again()
    assert breaks() == [("duplicate_internal", "INV-1001", 1000)]


def test_posting_later_than_the_last_statement_waits_for_the_next(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001", day=DAY + timedelta(days=1))
    reconcile(("C", 50, "INT-0001"))
    assert breaks() == [("missing_internal", "INT-0001", -50)]
    reconcile(("C", 1000, "INV-1001"), day=DAY + timedelta(days=1), number=2, opening_minor=50)
    assert matched() == ["INV1001"]


def test_late_line_resolves_the_break_of_its_posting(post: Post, reconcile: Reconcile) -> None:
    receipt(post, "10.00", "INV-1001")
    reconcile(("C", 50, "INT-0001"))
    assert breaks() == [("missing_internal", "INT-0001", -50), ("missing_external", "INV-1001", 1000)]
    run = reconcile(("C", 1000, "INV-1001"), day=DAY + timedelta(days=1), number=2, opening_minor=50)
    assert breaks() == [("missing_internal", "INT-0001", -50)]
    assert (run.matches_made, run.breaks_resolved, run.breaks_opened) == (1, 1, 0)
    assert Break.objects.get(state="resolved").resolved_by == Match.objects.get()


def test_another_run_over_the_same_items_changes_nothing(post: Post, reconcile: Reconcile, run_again: Callable[[], Run]) -> None:
    receipt(post, "10.00", "INV-1001")
    receipt(post, "7.00", "INV-1002")
    reconcile(("C", 1000, "INV-1001"), ("C", 600, "INV-1002"), ("C", 5, ""))
    with writes_nothing(except_in=["recon_run", "recon_reconciliation"]):
        run = run_again()
    assert (run.status, run.matches_made, run.breaks_opened, run.breaks_resolved) == ("completed", 0, 0, 0)
    with writes_nothing():
        assert operations.execute_run(run_id=run.pk).pk == run.pk


def test_second_request_while_one_waits_is_that_one(bank: Source, maker: User) -> None:
    first = operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk)
    with writes_nothing():
        assert operations.request_run(reconciliation_id=bank.reconciliation.pk, requested_by_id=maker.pk) == first


@pytest.mark.django_db(transaction=True)
def test_run_whose_worker_died_is_found_by_the_sweep_and_completed(
    bank: Source, maker: User, post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    receipt(post, "10.00", "INV-1001")
    run = scene.accept(scene.mt940(("C", 1000, "INV-1001")), source=bank, by=maker)
    assert operations.claim_run(run_id=run.pk)
    assert operations.overdue_runs() == [], "its worker has just shown that it lives"
    assert operations.execute_run(run_id=run.pk).status == "running", "and nobody else takes it"
    as_owner("UPDATE recon_run SET heartbeat_at = heartbeat_at - interval '3 minutes' WHERE id = %s", run.pk)
    assert operations.overdue_runs() == [run.pk]
    rung: list[str] = []
    monkeypatch.setattr(tasks.execute_run, "delay", lambda *, run_id: rung.append(run_id))
    assert tasks.sweep_runs() == 1
    assert rung == [str(run.pk)]
    assert operations.execute_run(run_id=run.pk).status == "completed"
    assert Allocation.objects.count() == 2
    assert operations.overdue_runs() == []


def as_owner(statement: str, *parameters: object) -> None:
    owner = connections["owner"].settings_dict
    address = {"host": owner["HOST"], "port": owner["PORT"], "dbname": owner["NAME"], "user": owner["USER"], "password": owner["PASSWORD"]}
    with psycopg.connect(**address) as session:
        session.execute(f"SET ROLE {owner['OPTIONS']['assume_role']}")
        session.execute(statement.encode(), parameters)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(reference=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=200))
@example(reference="NotProvided")
@example(reference="straße-1234 İıſ")
@example(reference="A" * 150)
@example(reference="\u00c5\u0660\u0661\u0662\u0663")
def test_key_in_sql_is_the_key_in_python(db: None, reference: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT recon_match_key_v1(%s)", [reference])
        (key,) = cursor.fetchone()
    assert key == match_key(reference)
