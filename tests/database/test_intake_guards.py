"""The guards of what is taken in, written around the operations."""

from uuid import uuid4

import pytest

from approvals.models import User
from recon.models import Break, Item, RepeatedLine, Source, Statement, StatementLine
from tests.concurrency import scene
from tests.database.around import Session, refused_by
from tests.database.test_recon_guards import allocate, items, write_match
from tests.recon.delivered import accept, mt940, run_all

__all__ = ["items"]
pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def day(bank: Source, maker: User) -> Statement:
    """A day of two lines, each with an item and a break."""
    statement = accept(mt940((0, 100, "A-0001"), (0, 50, "A-0002"), number=1), by=maker, source=bank)
    run_all()
    return statement


@pytest.fixture
def week(day: Statement, bank: Source, maker: User) -> Statement:
    """A week over that day: its first line repeats one that counts, its last is new."""
    return accept(mt940((0, 100, "A-0001"), (2, 5, "A-0003"), number=9, last=4), by=maker, source=bank)


def line(statement: Statement, reference: str) -> StatementLine:
    return statement.statement_lines.get(reference=reference)


def write_version(session: Session, day: Statement, *, source_id: int | None = None) -> str:
    row = session.execute(
        "INSERT INTO recon_statement SELECT (r).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object("
        "'id', uuidv7(), 'version', 2, 'supersedes_id', t.id, 'content_digest', 'x', 'source_id', coalesce(%s, t.source_id))) AS r"
        " FROM recon_statement t WHERE id = %s) AS again RETURNING id",
        [source_id, day.pk],
    ).fetchone()
    assert row is not None
    return str(row[0])


def test_line_counted_twice_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_line_counts_once"):
        runtime.execute(
            "INSERT INTO recon_item (reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date,"
            " match_key, reference, counterparty, content_key, occurrence) SELECT reconciliation_id, population_id, side,"
            " statement_line_id + 1000, flow, amount_minor, amount_minor, item_date, match_key, reference, counterparty, content_key,"
            " occurrence FROM recon_item"
        )


def test_item_of_a_repeated_line_it(runtime: Session, week: Statement) -> None:
    repeated = line(week, "A-0001")
    with refused_by("recon_item_is_of_a_line_that_counts"):
        runtime.execute(
            "INSERT INTO recon_item (reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date,"
            " match_key, reference, counterparty, content_key, occurrence) SELECT reconciliation_id, population_id, side, %s, flow,"
            " amount_minor, amount_minor, item_date, match_key, reference, counterparty, content_key, 7 FROM recon_item"
            " WHERE statement_line_id = %s",
            [repeated.pk, RepeatedLine.objects.get(pk=repeated.pk).repeats_id],
        )


COLUMNS = (
    "booking_date, value_date, flow, amount_minor, reversal, booked, reference, bank_reference, end_to_end_id, counterparty,"
    " counterparty_account, transaction_code, description, raw, place, facts, match_key, keys"
)


def write_lines(session: Session, day: Statement, *, statement: str, first: int) -> None:
    """Write the lines of a day once more, for another statement."""
    session.execute(
        f"INSERT INTO recon_statement_line (statement_id, ordinal, content_key, {COLUMNS})"
        f" SELECT %s, ordinal + %s, md5(content_key), {COLUMNS} FROM recon_statement_line WHERE statement_id = %s".encode(),
        [statement, first - 1, day.pk],
    )


def test_line_of_no_statement_it(runtime: Session, day: Statement) -> None:
    write_lines(runtime, day, statement=str(uuid4()), first=1)
    with refused_by("recon_line_has_its_statement"):
        runtime.commit()


def test_lines_that_do_not_begin_with_the_first_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_line_stands_on_the_first"):
        write_lines(runtime, day, statement=str(uuid4()), first=2)


def test_statement_that_does_not_count_after_its_items_it(runtime: Session, day: Statement) -> None:
    statement = str(uuid4())
    write_lines(runtime, day, statement=statement, first=1)
    runtime.execute(
        "INSERT INTO recon_item (reconciliation_id, population_id, side, statement_line_id, flow, amount_minor, open_minor, item_date,"
        " match_key, reference, counterparty, content_key, occurrence) SELECT i.reconciliation_id, i.population_id, i.side, l.id, l.flow,"
        " l.amount_minor, l.amount_minor, l.value_date, '', '', '', l.content_key, 1 FROM recon_item i, recon_statement_line l"
        " WHERE i.statement_line_id = %s AND l.statement_id = %s",
        [line(day, "A-0001").pk, statement],
    )
    with refused_by("recon_statement_of_items_counts"):
        runtime.execute(
            "INSERT INTO recon_statement SELECT (r).* FROM (SELECT jsonb_populate_record(t, jsonb_build_object("
            "'id', %s::text, 'kind', 'intraday', 'ordinal', 2, 'content_digest', 'x')) AS r FROM recon_statement t WHERE id = %s) AS again",
            [statement, day.pk],
        )


def test_item_moved_to_another_line_it(runtime: Session, week: Statement, day: Statement) -> None:
    with refused_by("recon_item_moves_to_the_next_version"):
        runtime.execute(
            "UPDATE recon_item SET statement_line_id = %s WHERE statement_line_id = %s", [line(week, "A-0001").pk, line(day, "A-0001").pk]
        )


def test_item_withdrawn_by_any_statement_it(runtime: Session, week: Statement, day: Statement) -> None:
    with refused_by("recon_item_is_withdrawn_by_the_next_version"):
        runtime.execute(
            "UPDATE recon_item SET open_minor = 0, withdrawn_by_id = %s WHERE statement_line_id = %s", [week.pk, line(day, "A-0001").pk]
        )


def test_withdrawn_item_left_open_it(runtime: Session, day: Statement) -> None:
    version = write_version(runtime, day)
    with refused_by("recon_withdrawn_item_is_not_open"):
        runtime.execute("UPDATE recon_item SET withdrawn_by_id = %s", [version])


def test_break_withdrawn_though_its_line_stands_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_break_is_withdrawn_with_its_line"):
        runtime.execute(
            "UPDATE recon_break SET state = 'resolved', resolved_at = now(), withdrawn_by_id = %s WHERE id = %s",
            [day.pk, Break.objects.latest("number").pk],
        )


def test_version_of_another_sources_statement_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_version_follows_version"):
        write_version(runtime, day, source_id=day.source_id + 1)


def test_match_revoked_and_its_item_hidden_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l1"], items["s1"])
    runtime.execute("UPDATE recon_item SET open_minor = 0 WHERE id IN (%s, %s)", [items["l1"].pk, items["s1"].pk])
    runtime.commit()
    runtime.execute("UPDATE recon_allocation SET revoked_at = now()")
    runtime.execute("UPDATE recon_item SET open_minor = amount_minor WHERE id = %s", [items["l1"].pk])
    with refused_by("recon_revoked_item_is_free"):
        runtime.commit()


def test_match_revoked_with_its_items_opened_stands_it(runtime: Session, items: dict[str, Item]) -> None:
    allocate(runtime, write_match(runtime), items["l1"], items["s1"])
    runtime.execute("UPDATE recon_item SET open_minor = 0 WHERE id IN (%s, %s)", [items["l1"].pk, items["s1"].pk])
    runtime.execute("UPDATE recon_allocation SET revoked_at = now()")
    runtime.execute("UPDATE recon_item SET open_minor = amount_minor WHERE id IN (%s, %s)", [items["l1"].pk, items["s1"].pk])
    runtime.commit()
    assert Item.objects.filter(pk__in=[items["l1"].pk, items["s1"].pk], open=True).count() == 2


def test_repeated_line_counted_by_nobody_it(runtime: Session, week: Statement) -> None:
    with refused_by("recon_repeated_line_is_counted_by_two"):
        runtime.execute("UPDATE recon_repeated_line SET proposal_id = uuidv7(), counted_at = now()")


def test_repeated_line_born_counted_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_repeated_line_is_born_so"):
        runtime.execute(
            "INSERT INTO recon_repeated_line (line_id, repeats_id, proposal_id, counted_at) VALUES (%s, %s, uuidv7(), now())",
            [line(day, "A-0001").pk, line(day, "A-0002").pk],
        )


def test_accepted_file_becomes_received_it(runtime: Session, day: Statement) -> None:
    with refused_by("recon_file_goes_forward"):
        runtime.execute("UPDATE recon_file SET status = 'received'")


def test_two_live_jobs_of_a_file_it(runtime: Session, day: Statement) -> None:
    values = "(id, file_id, job, status, restating, requested_at, bytes_done, lines_done, failure)"
    job = f"INSERT INTO recon_file_job {values} SELECT uuidv7(), id, 'read', 'queued', '[]', now(), 0, 0, '' FROM recon_file"
    runtime.execute(job.encode())
    with refused_by("recon_file_has_one_live_job"):
        runtime.execute(job.encode())


def test_row_dismissed_twice_it(runtime: Session, day: Statement) -> None:
    runtime.execute(
        "INSERT INTO recon_quarantined_row (file_id, source_id, place, field, value, message, raw, state, reason, ended_at, quarantined_at)"
        " VALUES (%s, %s, 'line 3', '', '', 'no date', 'x', 'dismissed', 'a total', now(), now())",
        [day.file_id, day.source_id],
    )
    with refused_by("recon_quarantined_row_ends_once"):
        runtime.execute("UPDATE recon_quarantined_row SET state = 'open', ended_at = NULL")


def test_item_of_the_line_that_counts_stands_it(week: Statement) -> None:
    assert Item.objects.filter(statement_line=line(week, "A-0003"), open=True).count() == 1
