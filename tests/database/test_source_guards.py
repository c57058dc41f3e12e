"""The guards of mappings, feeds and breaks of missing files alone, written around the operations."""

import io
from datetime import UTC, datetime, time, timedelta

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from recon import operations
from recon.models import Break, Feed, FeedWaiver, MappingVersion, Source
from tests.concurrency import scene
from tests.concurrency.together import at_once, of_type
from tests.database.around import Session, refused_by
from tests.fixtures import DAY
from tests.recon.test_mappings import CSV, WHY, definition

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]
MISSING_AT = datetime(2026, 11, 3, 12, 0, tzinfo=UTC)


@pytest.fixture
def bank(roles: None) -> Source:
    return scene.bank()


@pytest.fixture
def feed(bank: Source) -> Feed:
    return Feed.objects.create(source=bank, calendar="TARGET", due_time=time(8, 0), starts_on=DAY, ends_on=DAY)


@pytest.fixture
def drafted(bank: Source, maker: User) -> MappingVersion:
    sample = operations.receive_sample(source_id=bank.pk, name="a.csv", content=io.BytesIO(CSV), received_by_id=maker.pk)
    return operations.draft_mapping(source_id=bank.pk, definition=definition(), sample_id=sample.pk, drafted_by_id=maker.pk)


def asked(version: MappingVersion, *, by: User) -> Proposal:
    return operations.submit_mapping(mapping_id=version.pk, reason_code="MAPPING_NEW", narrative=WHY, maker_id=by.pk)


# Mappings


@pytest.mark.parametrize(
    "change", ["definition = '{}'", "digest = 'x'", "number = 7", "sample_id = NULL", "drafted_by_id = drafted_by_id + 1"]
)
def test_mapping_becomes_another_it(owner: Session, drafted: MappingVersion, change: str) -> None:
    with refused_by("recon_mapping_never_changes"):
        owner.execute(f"UPDATE recon_mapping_version SET {change}".encode())


def test_mapping_is_deleted_it(owner: Session, drafted: MappingVersion) -> None:
    with refused_by("recon_mapping_never_deleted"):
        owner.execute("DELETE FROM recon_mapping_version")


def test_mapping_is_approved_from_birth_it(runtime: Session, drafted: MappingVersion) -> None:
    with refused_by("recon_mapping_is_born_a_draft"):
        runtime.execute(
            "INSERT INTO recon_mapping_version (source_id, number, definition, digest, status, drafted_by_id, proposal_id, approved_at)"
            " SELECT source_id, 2, definition, digest, 'approved', drafted_by_id, uuidv7(), now() FROM recon_mapping_version"
        )


@pytest.mark.parametrize("status", ["approved", "rejected"])
def test_mapping_skips_its_submission_it(runtime: Session, drafted: MappingVersion, status: str) -> None:
    with refused_by("recon_mapping_goes_forward"):
        runtime.execute("UPDATE recon_mapping_version SET status = %s, proposal_id = uuidv7(), approved_at = now()", [status])


def test_mapping_nobody_approved_it(runtime: Session, drafted: MappingVersion, maker: User, checker: User) -> None:
    proposal = asked(drafted, by=maker)
    with refused_by("recon_mapping_is_approved_by_two"):
        runtime.execute("UPDATE recon_mapping_version SET status = 'approved', proposal_id = %s, approved_at = now()", [str(proposal.pk)])


def test_mapping_approved_by_the_proposal_of_another_it(runtime: Session, drafted: MappingVersion, maker: User, checker: User) -> None:
    other = operations.draft_mapping(
        source_id=drafted.source_id, definition=definition(description=["Text", "Amount"]), sample_id=None, drafted_by_id=maker.pk
    )
    proposal = asked(drafted, by=maker)
    version = proposal.versions.get()
    approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=checker.pk
    )
    runtime.execute("UPDATE recon_mapping_version SET status = 'submitted' WHERE id = %s", [str(other.pk)])
    with refused_by("recon_mapping_is_approved_by_two"):
        runtime.execute(
            "UPDATE recon_mapping_version SET status = 'approved', proposal_id = %s, approved_at = now() WHERE id = %s",
            [str(proposal.pk), str(other.pk)],
        )


# Feeds


def test_waiver_is_rewritten_it(owner: Session, feed: Feed, maker: User) -> None:
    FeedWaiver.objects.create(feed=feed, day=DAY, reason="Bank closed", waived_by=maker)
    with refused_by("recon_feed_waiver_append_only"):
        owner.execute("UPDATE recon_feed_waiver SET reason = 'another'")


def test_feed_is_deleted_it(owner: Session, feed: Feed) -> None:
    with refused_by("recon_feed_never_deleted"):
        owner.execute("DELETE FROM recon_feed")


# The break of a missing file


@pytest.fixture
def stale(feed: Feed) -> Break:
    operations.sweep_feeds(now=MISSING_AT)
    return Break.objects.get()


def test_second_live_break_of_a_missing_file_it(runtime: Session, stale: Break) -> None:
    with refused_by("recon_source_has_one_live_stale_feed"):
        runtime.execute(
            "INSERT INTO recon_break"
            " (number, reconciliation_id, type, state, difference_minor, occurred_on, reference, counterparty, version)"
            " SELECT number + 1, reconciliation_id, type, state, 0, occurred_on, '', '', 1 FROM recon_break"
        )


def test_missing_file_closed_without_saying_how_it(runtime: Session, stale: Break) -> None:
    with refused_by("recon_break_closes_by_a_match"):
        runtime.execute("UPDATE recon_break SET state = 'resolved', resolved_at = now()")


def test_other_break_has_no_item_it(runtime: Session, stale: Break) -> None:
    with refused_by("recon_break_has_an_item"):
        runtime.execute(
            "INSERT INTO recon_break"
            " (number, reconciliation_id, type, state, difference_minor, occurred_on, reference, counterparty, version)"
            " SELECT number + 1, reconciliation_id, 'missing_external', state, 0, occurred_on, '', '', 1 FROM recon_break"
        )


@pytest.fixture
def single(bank: Source, maker: User) -> Break:
    """A break of a statement line that the ledger does not have."""
    scene.reconcile(scene.mt940(("C", 100, "INV-0001")), source=bank, by=maker)
    return Break.objects.get(reference="INV-0001")


def test_break_becomes_a_missing_file_to_close_without_a_match_it(runtime: Session, single: Break) -> None:
    with refused_by("recon_stale_feed_was_never_another"):
        runtime.execute(
            "UPDATE recon_break SET type = 'stale_feed', statement_item_id = NULL,"
            " state = 'resolved', resolved_at = now(), resolution = 'x'"
        )


def test_other_break_ends_with_a_sentence_it(runtime: Session, single: Break) -> None:
    with refused_by("recon_only_a_stale_feed_waits_for_days"):
        runtime.execute("UPDATE recon_break SET resolution = 'it went away'")


def test_break_waits_for_what_is_no_missing_file_it(runtime: Session, single: Break) -> None:
    with refused_by("recon_parent_stands_for_it"):
        runtime.execute("UPDATE recon_break SET parent_id = id")


# Two sweeps at once


def test_sweeps_at_the_same_moment_open_one_break_it(feed: Feed) -> None:
    outcomes = at_once([lambda: operations.sweep_feeds(now=MISSING_AT)] * 4)
    assert of_type(outcomes, Exception) == []
    assert sum(outcome.opened for outcome in outcomes) == 1
    assert Break.objects.count() == 1
    operations.sweep_feeds(now=MISSING_AT + timedelta(minutes=1))
    assert Break.objects.count() == 1
