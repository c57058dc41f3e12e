"""The guards of chains alone, written around the operations, as the owner whom no privilege stops."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from approvals.models import Proposal, User
from recon import operations
from recon.models import Break, ChainBlock, ChainRange, ChainSource, ChainTransfer, SourceKind
from recon.operations.chain_pushes import PushedBlock, PushedTransfer, push_blocks, push_transfers
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import set_chain
from tests.database.around import Session, refused_by

pytestmark = [pytest.mark.django_db(transaction=True, databases=["default", "owner"])]


def pushed_block(number: int, stage: str) -> PushedBlock:
    return PushedBlock(
        number=number,
        hash=f"b{number}",
        parent_hash=f"b{number - 1}",
        mined_at=datetime(2026, 11, 1, 10, number, tzinfo=UTC),
        stage=stage,
        balance=5,
    )


@pytest.fixture
def chain(maker: User) -> ChainSource:
    """A source with two blocks that are final and proven, and one that is seen; one transfer in the first and one in the last."""
    source = operations.register_source(code="wallet", name="Wallet", identifier="wallet", account="1040", kind=SourceKind.CHAIN)
    followed = set_chain(
        source_id=source.pk,
        chain="own:chain",
        delivery="push",
        kind="native",
        decimals=6,
        addresses=["a"],
        first_block=0,
        set_by_id=maker.pk,
    )
    push_blocks(source_id=source.pk, blocks=[pushed_block(n, "seen") for n in range(3)])
    transfers = [PushedTransfer(tx=f"t{n}", index=0, block_hash=f"b{n}", sender="x", recipient="a", value=5 * (n == 0) + n) for n in (0, 2)]
    assert {one.result for one in push_transfers(source_id=source.pk, transfers=transfers)} == {"stored"}
    push_blocks(source_id=source.pk, blocks=[pushed_block(1, "final")])
    read_chain(source_id=source.pk)
    assert ChainRange.objects.get().status == "proven"
    return followed


def test_another_contract_is_followed_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_meaning_never_changes"):
        owner.execute("UPDATE recon_chain SET addresses = '{b}'")


def test_final_block_is_dropped_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_block_only_rises"):
        owner.execute("UPDATE recon_chain_block SET orphaned_at = now() WHERE stage = 'final'")


def test_block_becomes_another_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_block_only_rises"):
        owner.execute("UPDATE recon_chain_block SET hash = 'other' WHERE number = 2")


def test_second_live_block_of_a_number_it(runtime: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_has_one_live_block_of_a_number"):
        runtime.execute(
            "INSERT INTO recon_chain_block (chain_id, number, hash, parent_hash, mined_at, stage)"
            " SELECT chain_id, number, 'other', parent_hash, mined_at, stage FROM recon_chain_block WHERE number = 2"
        )


def test_transfer_becomes_another_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_transfer_is_only_orphaned"):
        owner.execute("UPDATE recon_chain_transfer SET value = 1000000")


def test_transfer_lives_in_two_blocks_it(runtime: Session, chain: ChainSource) -> None:
    other = ChainBlock.objects.get(number=2)
    with refused_by("recon_chain_transfer_lives_in_one_block"):
        runtime.execute(
            "INSERT INTO recon_chain_transfer (chain_id, block_id, tx_hash, log_index, kind, contract, sender, recipient, value, flow,"
            " failed, uncounted) SELECT chain_id, %s, tx_hash, log_index, kind, contract, sender, recipient, value, flow, failed, uncounted"
            " FROM recon_chain_transfer WHERE tx_hash = 't0'",
            [other.pk],
        )


def test_block_is_dropped_and_its_transfer_lives_on_it(runtime: Session, chain: ChainSource) -> None:
    runtime.execute("UPDATE recon_chain_block SET orphaned_at = now() WHERE number = 2")
    with refused_by("recon_chain_transfer_lives_with_its_block"):
        runtime.execute("SET CONSTRAINTS ALL IMMEDIATE")


def test_ranges_overlap_it(runtime: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_ranges_do_not_overlap"):
        runtime.execute(
            "INSERT INTO recon_chain_range (chain_id, day, from_block, to_block, to_hash, opening, movements, closing, difference, status,"
            " transfers_counted, transfers_uncounted) SELECT chain_id, day, to_block, to_block + 1, to_hash, opening, movements, closing,"
            " difference, status, transfers_counted, transfers_uncounted FROM recon_chain_range"
        )


def test_range_is_called_proven_that_is_not_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_range_proves_what_it_says"):
        owner.execute(
            "INSERT INTO recon_chain_range (chain_id, day, from_block, to_block, to_hash, opening, movements, closing, difference, status,"
            " transfers_counted, transfers_uncounted)"
            " SELECT chain_id, day, 7, 8, to_hash, 1, 1, 3, 0, 'proven', 0, 0 FROM recon_chain_range"
        )


def test_range_is_rewritten_it(owner: Session, chain: ChainSource) -> None:
    with refused_by("recon_chain_range_is_only_delivered"):
        owner.execute("UPDATE recon_chain_range SET movements = movements + 1")


@pytest.mark.parametrize("table", ["recon_chain_cursor", "recon_chain_block", "recon_chain_transfer", "recon_chain_range"])
def test_runtime_role_deletes_nothing_of_a_chain_it(table: str, runtime: Session, chain: ChainSource) -> None:
    with pytest.raises(Exception, match="permission denied"):
        runtime.execute(f"DELETE FROM {table}".encode())


@pytest.mark.parametrize("table", ["recon_chain_block", "recon_chain_transfer", "recon_chain_range"])
def test_owner_deletes_nothing_of_a_chain_it(table: str, owner: Session, chain: ChainSource) -> None:
    assert ChainTransfer.objects.exists()
    with refused_by(f"{table}_never_deleted"):
        owner.execute(f"DELETE FROM {table}".encode())


# What was final is dropped by two people alone


@pytest.fixture
def dropped(chain: ChainSource, maker: User, checker: User) -> Proposal:
    """A proposal to accept another chain above block 0, waiting."""
    push_blocks(source_id=chain.pk, blocks=[replace(pushed_block(1, "final"), stage="orphaned")])
    opened = Break.objects.get(type="chain_reorg")
    return operations.propose_chain(
        break_id=opened.pk, reason_code="CHAIN_OTHER", narrative="The operators announced a rollback", maker_id=maker.pk
    )


def test_final_block_is_dropped_by_a_proposal_nobody_agreed_to_it(owner: Session, dropped: Proposal) -> None:
    with refused_by("recon_chain_block_only_rises"):
        owner.execute("UPDATE recon_chain_block SET orphaned_at = now(), proposal_id = %s WHERE number = 1", [str(dropped.pk)])


def test_final_block_is_dropped_by_nobody_it(owner: Session, chain: ChainSource) -> None:
    owner.execute("ALTER TABLE recon_chain_block DISABLE TRIGGER recon_chain_block_only_rises")
    with refused_by("recon_chain_final_block_is_orphaned_by_two"):
        owner.execute("UPDATE recon_chain_block SET orphaned_at = now() WHERE number = 1")


def test_range_is_withdrawn_by_a_proposal_nobody_agreed_to_it(owner: Session, dropped: Proposal) -> None:
    with refused_by("recon_chain_range_is_only_delivered"):
        owner.execute("UPDATE recon_chain_range SET withdrawn_at = now(), proposal_id = %s", [str(dropped.pk)])


def test_second_live_break_of_a_reorganised_chain_it(runtime: Session, dropped: Proposal) -> None:
    with refused_by("recon_source_has_one_live_reorganisation"):
        runtime.execute(
            "INSERT INTO recon_break"
            " (number, reconciliation_id, type, state, difference_minor, occurred_on, reference, counterparty, version)"
            " SELECT number + 1, reconciliation_id, type, 'open', 0, occurred_on, '', '', 1 FROM recon_break WHERE type = 'chain_reorg'"
        )


def test_reorganised_chain_becomes_another_break_it(runtime: Session, dropped: Proposal) -> None:
    with refused_by("recon_stale_feed_was_never_another"):
        runtime.execute("UPDATE recon_break SET type = 'stale_feed' WHERE type = 'chain_reorg'")
