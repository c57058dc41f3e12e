"""The guards of matching alone, written around the operations."""

import io
from uuid import uuid4

import pytest

from approvals.models import User
from recon import operations
from recon.models import Item, Reconciliation, Source
from tests.database.around import Session, refused_by
from tests.fixtures import Post

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]

STATEMENT = b""":20:S1
:25:10203040
:28C:1/1
:60F:C261101USD0,00
:61:2611021102C1,00NTRFINV-1001//B1
:61:2611021102C2,00NTRFINV-1002//B2
:62F:C261102USD3,00
"""
ITEM_AGAIN = """
INSERT INTO recon_item (
    reconciliation_id, population_id, side, entry_id, entry_line, statement_line_id, flow, amount_minor, open_minor, item_date, match_key,
    keys, reference, counterparty, content_key, occurrence)
SELECT {reconciliation}, population_id, side, entry_id, entry_line, {line}, flow, amount_minor, amount_minor, item_date, match_key,
    keys, reference, counterparty, content_key, occurrence + 1
FROM recon_item WHERE id = %s
"""


@pytest.fixture
def items(maker: User, post: Post) -> dict[str, Item]:
    """Two statement lines and two postings, of 1.00 and 2.00 each: s1, s2, l1, l2."""
    source: Source = operations.register_source(code="bank", name="Bank", identifier="10203040", account="1010")
    post("1010 debit 1.00 USD / 2010 credit 1.00 USD", reference="A-0001")
    post("1010 debit 2.00 USD / 2010 credit 2.00 USD", reference="A-0002")
    file, _ = operations.receive_file(name="s.sta", content=io.BytesIO(STATEMENT), maximum_bytes=10_000, received_by_id=maker.pk)
    (run,) = operations.accept_file(file_id=file.pk, source_ids=[source.pk])
    operations.execute_run(run_id=run.pk)
    found = {}
    for item in Item.objects.all():
        found[f"{item.side[0]}{int(item.amount_minor) // 100}"] = item
    return found


def write_match(session: Session) -> str:
    row = session.execute(
        "INSERT INTO recon_match (id, reconciliation_id, method, explanation, made_at, made_by_id)"
        " SELECT uuidv7(), %s, 'manual', '{}', now(), min(id) FROM approvals_user RETURNING id",
        [Reconciliation.objects.get().pk],
    ).fetchone()
    assert row is not None
    return str(row[0])


def allocate(session: Session, match: str, *items: Item, amount: int | None = None, partial: bool = False) -> None:
    values = ", ".join(["(%s, %s, %s, %s)"] * len(items))
    rows = [value for item in items for value in (match, item.pk, amount or item.amount_minor, partial)]
    session.execute(f"INSERT INTO recon_allocation (match_id, item_id, amount_minor, partial) VALUES {values}".encode(), rows)


def again(table: str, **changes: object) -> bytes:
    """Return the statement that writes every row of a table a second time, under new ids, with these changes."""
    values = "".join(f", '{name}', {value}" for name, value in changes.items())
    changed = f"jsonb_populate_record(t, jsonb_build_object('id', uuidv7(){values}))"
    return f"INSERT INTO {table} SELECT (r).* FROM (SELECT {changed} AS r FROM {table} t) AS again".encode()


def test_match_that_balances_stands_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l1"], items["s1"])


def test_match_that_does_not_balance_it(runtime: Session, items: dict[str, Item]) -> None:
    match = write_match(runtime)
    with refused_by("recon_match_balances"):
        allocate(runtime, match, items["l1"], items["s2"])


def test_item_matched_twice_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l1"], items["s1"])
    match = write_match(runtime)
    with refused_by("recon_item_is_matched_once"):
        allocate(runtime, match, items["l1"], items["s1"])


def test_part_of_an_item_allocated_it(runtime: Session, items: dict[str, Item]) -> None:
    match = write_match(runtime)
    with refused_by("recon_allocation_takes_the_whole_item"):
        allocate(runtime, match, items["l2"], items["s2"], amount=50)


def test_part_of_an_item_as_a_part_stands_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l2"], items["s2"], amount=50, partial=True)


def test_more_than_is_left_of_an_item_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l2"], items["s2"], amount=50, partial=True)
    match = write_match(runtime)
    with refused_by("recon_allocation_takes_what_is_there"):
        allocate(runtime, match, items["l2"], items["s2"], amount=int(items["l2"].amount_minor) - 49, partial=True)


def test_whole_of_an_item_of_which_a_part_is_taken_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l1"], items["s1"], amount=50, partial=True)
    match = write_match(runtime)
    with refused_by("recon_match_balances"):
        allocate(runtime, match, items["l1"], items["s1"])


def test_allocation_to_no_match_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_match_balances"):
        allocate(runtime, str(uuid4()), items["l1"], items["s1"])


def test_match_of_no_run_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_match_has_its_run"):
        runtime.execute(
            "INSERT INTO recon_match (id, reconciliation_id, method, run_id, explanation, made_at)"
            " SELECT uuidv7(), id, 'rule', uuidv7(), '{}', now() FROM recon_reconciliation"
        )


def test_item_of_no_population_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_item_has_its_population"):
        runtime.execute(ITEM_AGAIN.format(reconciliation="reconciliation_id + 1000", line="statement_line_id").encode(), [items["l1"].pk])


def test_item_of_no_line_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_item_is_of_a_line_that_counts"):
        runtime.execute(ITEM_AGAIN.format(reconciliation="reconciliation_id", line="-1").encode(), [items["s1"].pk])


def test_break_closed_without_a_match_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_break_closes_by_a_match"):
        runtime.execute("UPDATE recon_break SET state = 'resolved', resolved_at = now()")


def test_same_bytes_stored_twice_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_file_is_stored_once"):
        runtime.execute(again("recon_file"))


def test_statement_accepted_twice_it(runtime: Session, items: dict[str, Item]) -> None:
    with refused_by("recon_statement_is_accepted_once"):
        runtime.execute(again("recon_statement", ordinal=2))


@pytest.mark.parametrize(
    ("statement", "guard"),
    [
        ("UPDATE recon_item SET amount_minor = amount_minor + 1", "recon_item_meaning_never_changes"),
        ("DELETE FROM recon_item", "recon_item_never_deleted"),
        ("DELETE FROM recon_run", "recon_run_never_deleted"),
        ("DELETE FROM recon_reconciliation", "recon_reconciliation_never_deleted"),
        ("UPDATE recon_statement SET closing_minor = 0", "recon_statement_append_only"),
        ("DELETE FROM recon_statement_line", "recon_line_append_only"),
        ("UPDATE recon_file SET sha256 = 'x'", "recon_file_bytes_never_change"),
        ("DELETE FROM recon_break", "recon_break_never_deleted"),
    ],
)
def test_owner_rewrites_evidence_it(owner: Session, items: dict[str, Item], statement: str, guard: str) -> None:
    with refused_by(guard):
        owner.execute(statement.encode())
