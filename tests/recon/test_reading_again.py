"""A file is read again under the mapping that is in force by then: what was understood before is not doubled."""

import io
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from approvals.models import User
from recon import operations
from recon.models import Allocation, Item, MappingVersion, QuarantinedRow, Source, Statement, StatementFile
from recon.operations import NothingNew
from tests.concurrency import scene
from tests.fixtures import Post
from tests.notation import writes_nothing
from tests.recon.delivered import run_all
from tests.recon.test_mappings import decided, definition, submitted

HEAD = b"Booking date;Text;Amount\n"
DELIVERY = HEAD + b"02.11.2026;INV-0001;100,00\n03.11.2026;FEE-0001;3,50-\n04.11.2026;INV-0002;7,00\n"
TRAILING = {"decimal": ",", "thousands": ".", "negative": "trailing_minus"}

Agree = Callable[..., MappingVersion]


@pytest.fixture
def bank(roles: None) -> Source:
    bank = scene.bank()
    Source.objects.filter(pk=bank.pk).update(format="mapped")
    bank.refresh_from_db()
    return bank


@pytest.fixture
def agree(bank: Source, maker: User, checker: User) -> Agree:
    """Return a function by which two people agree on the next version of the mapping."""

    def approved(**values: Any) -> MappingVersion:
        said = {name: value for name, value in definition(reference="Text", **values).items() if name != "balance_after"}
        version = operations.draft_mapping(source_id=bank.pk, definition=said, sample_id=None, drafted_by_id=maker.pk)
        decided(submitted(version, by=maker), by=checker)
        return version

    return approved


def receive(content: bytes, *, bank: Source, by: User) -> StatementFile:
    file, _ = operations.receive_file(
        name="november.csv", content=io.BytesIO(content), maximum_bytes=10_000, received_by_id=by.pk, source_id=bank.pk
    )
    return file


def test_a_row_is_understood_under_a_new_mapping_and_good_lines_are_not_doubled(
    bank: Source, maker: User, agree: Agree, post: Post
) -> None:
    post("1010 debit 100.00 USD / 2010 credit 100.00 USD", reference="INV-0001")
    agree()
    file = receive(DELIVERY, bank=bank, by=maker)
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    run_all()
    row, items = QuarantinedRow.objects.get(), set(Item.objects.filter(side="statement").values_list("pk", flat=True))
    assert (row.value, len(items), Allocation.objects.filter(revoked_at=None).count()) == ("3,50-", 2, 2)
    with writes_nothing(), pytest.raises(NothingNew):
        operations.read_again(file_id=file.pk, source_ids=[bank.pk])

    version = agree(numbers=TRAILING)
    (run,) = operations.read_again(file_id=file.pk, source_ids=[bank.pk])

    second = Statement.objects.counting().get()
    assert (second.version, second.line_count, second.quarantined, second.mapping) == (2, 3, 0, version)
    after = Item.objects.filter(side="statement", withdrawn_by=None)
    assert items < set(after.values_list("pk", flat=True)), "good lines keep their items"
    assert sorted(int(item.amount_minor) for item in after) == [350, 700, 10_000]
    assert all(item.statement_line is not None and item.statement_line.statement_id == second.pk for item in after)
    assert Allocation.objects.filter(revoked_at=None).count() == 2, "and their matches"
    row.refresh_from_db()
    assert (row.state, run.status) == ("read_again", "queued")
    with writes_nothing(), pytest.raises(NothingNew):
        operations.read_again(file_id=file.pk, source_ids=[bank.pk])


def test_a_refused_file_is_read_under_a_new_mapping_and_accepted_once(bank: Source, maker: User, agree: Agree) -> None:
    agree(booking_date={"column": "Booking date", "format": "YYYY-MM-DD"})
    file = receive(DELIVERY, bank=bank, by=maker)
    assert (file.status, Statement.objects.count(), QuarantinedRow.objects.count()) == ("refused", 0, 0)

    agree(numbers=TRAILING)
    assert operations.read_again(file_id=file.pk, source_ids=[bank.pk]) == []

    file.refresh_from_db()
    assert (file.status, file.errors) == ("received", [])
    assert len(operations.accept_file(file_id=file.pk, source_ids=[bank.pk])) == 1
    assert operations.accept_file(file_id=file.pk, source_ids=[bank.pk]) == []
    assert (Statement.objects.count(), Item.objects.count(), QuarantinedRow.objects.count()) == (1, 3, 0)


def test_mapped_files_in_an_archive_are_read_by_the_mapping_of_the_source(bank: Source, maker: User, agree: Agree) -> None:
    agree(numbers=TRAILING)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("first.csv", DELIVERY)
        archive.writestr("second.csv", HEAD + b"05.11.2026;INV-0003;9,00\n06.11.2026;INV-0004;x\n")
    file = receive(out.getvalue(), bank=bank, by=maker)
    assert len(operations.accept_file(file_id=file.pk, source_ids=[bank.pk])) == 1
    assert [(one.line_count, one.quarantined) for one in Statement.objects.order_by("ordinal")] == [(3, 0), (1, 1)]
    assert QuarantinedRow.objects.get().place.startswith("line 3, second.csv: row 2")
