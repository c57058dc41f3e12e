"""Taking files in: bytes once, statements once, all or nothing; how one statement goes on from another."""

import io
from datetime import date, timedelta

import pytest

from approvals.models import User
from audit.models import AuditEvent
from ledger.models import Account
from ledger.operations import ChartRefused
from recon import feeds, operations, queries
from recon.models import Item, Source, Statement, StatementFile, StatementLine
from recon.operations import FileRefused, NewAccount, SourceRefused, StatementKnown
from tests.concurrency import scene
from tests.fixtures import DAY, ENTITY, GROUP
from tests.notation import writes_nothing

NEXT_DAY = DAY + timedelta(days=1)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


def receive(content: bytes, *, by: User, maximum_bytes: int = 10**6) -> tuple[StatementFile, bool]:
    return operations.receive_file(name="statement.sta", content=io.BytesIO(content), maximum_bytes=maximum_bytes, received_by_id=by.pk)


def accept(content: bytes, *, by: User, source: Source) -> Statement:
    operations.accept_file(file_id=receive(content, by=by)[0].pk, source_ids=[source.pk])
    return Statement.objects.latest("id")


def gaps() -> dict[str, int | None]:
    """Return the gap before each statement as things stand, by the statement's number."""
    gaps = {statement.number: vars(statement)["gap_now_minor"] for statement in feeds.with_continuity(Statement.objects.all())}
    return {number: None if gap is None else int(gap) for number, gap in gaps.items()}


def test_accepted_file_becomes_a_proven_statement_its_lines_and_items(bank: Source, maker: User) -> None:
    statement = accept(scene.mt940(("C", 1000, "INV-1001"), ("D", 250, "NONREF")), by=maker, source=bank)
    assert (statement.proof, int(statement.movements_minor), int(statement.difference_minor)) == ("proven", 750, 0)
    assert [(line.flow, int(line.amount_minor), line.reference) for line in StatementLine.objects.all()] == [
        ("in", 1000, "INV-1001"),
        ("out", 250, ""),
    ]
    assert list(Item.objects.values_list("flow", "match_key", "open")) == [("in", "INV1001", True), ("out", "", True)]
    assert statement.file.status == "accepted"
    done = AuditEvent.objects.filter(outcome="done", action__in=["recon.file.received", "recon.file.accepted", "recon.statement.accepted"])
    assert done.count() == 3


def test_statement_that_does_not_add_up_is_kept_with_the_exact_difference(bank: Source, maker: User) -> None:
    content = scene.mt940(("C", 1000, "INV-1001")).replace(b":62F:C261102USD10,00", b":62F:C261102USD9,70")
    statement = accept(content, by=maker, source=bank)
    assert (statement.proof, int(statement.difference_minor)) == ("unproven", -30)


def test_same_bytes_again_change_nothing(bank: Source, maker: User, checker: User) -> None:
    file, new = receive(scene.mt940(("C", 100, "INV-1001")), by=maker)
    assert new
    with writes_nothing():
        again, new = receive(scene.mt940(("C", 100, "INV-1001")), by=checker)
    assert (again.pk, new, again.received_by_id) == (file.pk, False, maker.pk)
    operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    with writes_nothing():
        assert operations.accept_file(file_id=file.pk, source_ids=[bank.pk]) == []


def test_statement_known_from_another_file_is_refused_and_nothing_of_the_file_is_taken(bank: Source, maker: User) -> None:
    first = accept(scene.mt940(("C", 100, "INV-1001")), by=maker, source=bank)
    both = scene.mt940(("C", 300, "INV-1003"), day=NEXT_DAY, opening_minor=100, number=2) + b"\r\n" + scene.mt940(("C", 100, "INV-1001"))
    file, new = receive(both, by=maker)
    assert new
    with writes_nothing(), pytest.raises(StatementKnown) as refusal:
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert refusal.value.detail["statement_id"] == str(first.pk)
    assert AuditEvent.objects.filter(action="recon.file.accepted", outcome="refused").count() == 1


@pytest.mark.parametrize(("content", "sentence"), [(b"", "empty"), (b"x" * 101, "larger than 100 bytes")])
def test_empty_or_too_large_is_refused_and_not_stored(maker: User, content: bytes, sentence: str) -> None:
    with writes_nothing(), pytest.raises(FileRefused, match=sentence):
        receive(content, by=maker, maximum_bytes=100)


def test_unreadable_file_is_kept_refused_and_can_never_be_accepted(bank: Source, maker: User) -> None:
    file, _ = receive(scene.mt940(("C", 100, "INV-1001")).replace(b"C1,00NTRF", b"X1,00NTRF"), by=maker)
    assert file.status == "refused"
    assert any(error["fatal"] and error["where"] == "line 6, :61:" for error in file.errors), file.errors
    with writes_nothing(), pytest.raises(FileRefused) as refusal:
        operations.accept_file(file_id=file.pk, source_ids=[bank.pk])
    assert refusal.value.detail["errors"] == file.errors


def test_account_out_of_the_callers_sources_refuses_the_whole_file(bank: Source, maker: User) -> None:
    file, _ = receive(scene.mt940(("C", 100, "INV-1001")), by=maker)
    with writes_nothing(), pytest.raises(FileRefused, match="is no source in your scope"):
        operations.accept_file(file_id=file.pk, source_ids=[])


def test_missing_statement_is_a_gap_until_it_comes(bank: Source, maker: User) -> None:
    accept(scene.mt940(("C", 100, "A-1000"), number=1), by=maker, source=bank)
    third = accept(scene.mt940(("C", 5, "A-1002"), opening_minor=140, day=DAY + timedelta(days=2), number=3), by=maker, source=bank)
    assert third.gap_minor == 40
    assert gaps() == {"1/1": None, "3/1": 40}
    accept(scene.mt940(("C", 40, "A-1001"), opening_minor=100, day=NEXT_DAY, number=2), by=maker, source=bank)
    assert gaps() == {"1/1": None, "2/1": 0, "3/1": 0}


def test_statements_of_one_day_go_on_from_each_other_in_whatever_order_they_come(bank: Source, maker: User) -> None:
    accept(scene.mt940(("C", 100, "A-1000"), number=1, day=DAY - timedelta(days=1)), by=maker, source=bank)
    accept(scene.mt940(("C", 5, "A-1002"), opening_minor=140, number=3), by=maker, source=bank)
    accept(scene.mt940(("C", 40, "A-1001"), opening_minor=100, number=2), by=maker, source=bank)
    assert gaps() == {"1/1": None, "2/1": 0, "3/1": 0}


def test_feed_tells_what_each_bank_day_brought(bank: Source, maker: User) -> None:
    monday = date(2026, 11, 2)
    accept(scene.mt940(("C", 100, "A-1000"), day=monday, number=1), by=maker, source=bank)
    accept(scene.mt940(("C", 5, "A-1002"), opening_minor=100, day=monday + timedelta(days=2), number=2), by=maker, source=bank)
    accept(scene.mt940(("C", 5, "A-1003"), opening_minor=905, day=monday + timedelta(days=3), number=3), by=maker, source=bank)
    (feed,) = feeds.feeds_for(maker, today=monday + timedelta(days=7))
    assert [day.state for day in feed.days[-5:]] == ["proven", "quiet", "proven", "gap", "missing"]
    assert (feed.state, feed.days_behind, feed.gap_minor) == ("late", 1, 800)


def test_source_and_its_account_are_registered_as_one_act(bank: Source, maker: User) -> None:
    account = NewAccount(code="1015", name="Second bank", entity=ENTITY, group=GROUP, asset="USD")
    source = operations.register_source_with_account(code="USD-1", name="Second bank", identifier="DE01", account=account)
    assert (source.account.code, source.account.owner_class, source.reconciliation.name) == ("1015", "nostro", "Second bank")
    assert source in queries.sources_for(maker)
    other = NewAccount(code="1016", name="Third bank", entity=ENTITY, group="NONE", asset="USD")
    with writes_nothing(), pytest.raises(ChartRefused, match="there is no group NONE"):
        operations.register_source_with_account(code="USD-2", name="Third bank", identifier="DE02", account=other)
    taken = NewAccount(code="1016", name="Third bank", entity=ENTITY, group=GROUP, asset="USD")
    with writes_nothing(), pytest.raises(SourceRefused, match="there is a source USD-1 already"):
        operations.register_source_with_account(code="USD-1", name="Third bank", identifier="DE02", account=taken)
    assert not Account.objects.filter(code="1016").exists()


def test_bytes_handed_out_are_those_received_and_that_is_on_the_trail(bank: Source, maker: User) -> None:
    content = scene.mt940(("C", 100, "INV-1001"))
    file, _ = receive(content, by=maker)
    assert operations.hand_out_file(file_id=file.pk).read() == content
    event = AuditEvent.objects.get(action="recon.file.downloaded")
    assert event.after is not None
    assert (event.target_id, event.after["sha256"]) == (str(file.pk), file.sha256)
