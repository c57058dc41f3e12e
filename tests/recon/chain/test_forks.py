"""A chain that has other blocks than those that were final: the break that says so, and the other chain accepted by two people."""

from collections.abc import Callable
from datetime import UTC, datetime

import pytest

from approvals import operations as approvals
from approvals.models import DecisionOutcome, Proposal, User
from recon import operations
from recon.models import Break, ChainBlock, ChainCursor, ChainRange, ChainSource, ChainTransfer, Item, SourceKind, Statement
from recon.operations.chain_pushes import PushedBlock, PushedTransfer, push_blocks, push_transfers
from recon.operations.chain_reading import read_chain
from recon.operations.chain_settings import set_chain
from tests.fixtures import signed_in
from tests.notation import writes_nothing
from tests.recon.chain.local import LocalChain

pytestmark = pytest.mark.django_db

Reader = Callable[[], ChainCursor]
MINT, TRANSFER = "mint(address,uint256)", "transfer(address,uint256)"
WHY = "The sequencer's operators announced the rollback"


class Forked:
    """A day that was delivered: a mint, then one payment that the other chain has as well and one that it has not."""

    def __init__(self, chain: LocalChain, usdc: str, ours: str, theirs: str, read: Reader) -> None:
        self.chain, self.usdc, self.ours, self.theirs, self.read = chain, usdc, ours, theirs, read
        chain.call(usdc, MINT, ours, 1_000, sender=chain.accounts[0])
        chain.mine(4)
        read()  # so that a block below the fork is final before the rest is
        self.before, self.clock = chain.tester.take_snapshot(), chain.clock
        self.paid = chain.call(usdc, TRANSFER, theirs, 400, sender=ours)
        self.lost = chain.call(usdc, TRANSFER, theirs, 5, sender=ours)
        self._next_day()
        self.first = chain.tester.take_snapshot()
        assert read().problem is None

    def _next_day(self) -> None:
        self.chain.next_day()
        self.chain.mine(8)

    def go_elsewhere(self) -> None:
        self.chain.tester.revert_to_snapshot(self.before)
        self.chain.clock = self.clock
        self.chain.mine()
        assert self.chain.call(self.usdc, TRANSFER, self.theirs, 400, sender=self.ours) == self.paid
        self._next_day()

    def come_back(self) -> None:
        self.chain.tester.revert_to_snapshot(self.first)


@pytest.fixture
def forked(chain: LocalChain, followed: ChainSource, usdc: str, ours: str, theirs: str, read: Reader) -> Forked:
    return Forked(chain, usdc, ours, theirs, read)


def proposed(recon_break: Break, *, by: User) -> Proposal:
    return operations.propose_chain(break_id=recon_break.pk, reason_code="CHAIN_OTHER", narrative=WHY, maker_id=by.pk)


def decided(proposal: Proposal, *, by: User) -> Proposal:
    version = proposal.versions.get()
    return approvals.decide(
        proposal_id=proposal.pk, version=1, digest=version.digest, outcome=DecisionOutcome.APPROVE, comment="", approver_id=by.pk
    )


def test_final_block_that_is_gone_is_a_break_with_its_transfers_and_undoes_nothing_it(forked: Forked) -> None:
    forked.go_elsewhere()
    problem = forked.read().problem
    assert problem is not None
    assert problem["kind"] == "final_block_gone"
    opened = Break.objects.get(type="chain_reorg")
    fork = ChainBlock.objects.filter(hash__in=[one["was"] for one in opened.cause["blocks"]]).order_by("number").first()
    assert fork is not None
    assert opened.cause["fork"] < fork.number
    assert (opened.state, opened.reference, opened.cause["days"]) == ("open", problem["said"]["kept"], ["2026-11-01"])
    told = {one["tx"]: one for one in opened.cause["transfers"]}
    assert set(told) >= {forked.paid, forked.lost}
    assert told[forked.lost]["now"] is None
    assert told[forked.paid]["now"]["hash"] != told[forked.paid]["was"]["hash"]
    assert not ChainTransfer.objects.exclude(orphaned_at=None).exists()
    forked.read()
    assert Break.objects.filter(type="chain_reorg").count() == 1


def test_block_that_is_back_ends_the_break_it(forked: Forked) -> None:
    forked.go_elsewhere()
    forked.read()
    forked.come_back()
    assert forked.read().problem is None
    ended = Break.objects.get(type="chain_reorg")
    assert (ended.state, ended.resolution) == ("resolved", f"block {ended.cause['kept']['block']} is back")
    assert Statement.objects.count() == 1


def test_other_chain_that_two_people_accept_restates_the_day_and_deletes_nothing_it(forked: Forked, maker: User, checker: User) -> None:
    items = {item.statement_line.reference: item for item in Item.objects.select_related("statement_line") if item.statement_line}
    forked.go_elsewhere()
    forked.read()
    opened = Break.objects.get(type="chain_reorg")
    decided(proposed(opened, by=maker), by=checker)
    opened.refresh_from_db()
    assert opened.state == "investigating"
    assert ChainTransfer.objects.exclude(orphaned_at=None).filter(block__stage="final").exists()
    assert forked.read().problem is None
    opened.refresh_from_db()
    assert opened.state == "resolved"
    assert opened.resolution == f"the other chain was accepted above block {opened.cause['fork']}; 1 day delivered anew"
    first, second = Statement.objects.order_by("version")
    assert second.supersedes == first
    assert (second.proof, int(second.closing_minor or 0)) == ("proven", 600)
    lost, paid = items[forked.lost], items[forked.paid]
    lost.refresh_from_db()
    paid.refresh_from_db()
    assert lost.withdrawn_by == second
    assert lost.open_minor == 0
    assert paid.withdrawn_by is None
    assert paid.statement_line is not None
    assert paid.statement_line.statement == second
    live = ChainRange.objects.filter(withdrawn_at=None)
    assert {one.status for one in live} == {"proven"}
    assert ChainRange.objects.exclude(withdrawn_at=None).exists()
    forked.read()
    assert Break.objects.filter(type="chain_reorg").count() == 1


def test_chain_that_came_back_is_not_dropped_by_a_proposal_made_before_it(forked: Forked, maker: User, checker: User) -> None:
    forked.go_elsewhere()
    forked.read()
    proposal = proposed(Break.objects.get(type="chain_reorg"), by=maker)
    forked.come_back()
    forked.read()
    decided(proposal, by=checker)
    proposal.refresh_from_db()
    assert proposal.status == "stale"
    assert not ChainBlock.objects.exclude(orphaned_at=None).exists()


def test_break_of_a_chain_is_neither_matched_nor_corrected_nor_accepted_twice_it(forked: Forked, maker: User, checker: User) -> None:
    forked.go_elsewhere()
    forked.read()
    opened = Break.objects.get(type="chain_reorg")
    with writes_nothing(), pytest.raises(operations.BreakRefused, match="the other chain is accepted"):
        operations.match_by_hand(break_id=opened.pk, version=opened.version, item_ids=[1], matched_by_id=maker.pk)
    proposed(opened, by=maker)
    with writes_nothing(), pytest.raises(operations.BreakRefused, match="proposed"):
        proposed(opened, by=maker)


def test_pages_of_the_break_and_its_proposal_show_both_chains_it(forked: Forked, maker: User, checker: User) -> None:
    forked.go_elsewhere()
    forked.read()
    opened = Break.objects.get(type="chain_reorg")
    client = signed_in(maker)
    page = client.get(f"/breaks/{opened.pk}/").content.decode()
    assert "Blocks that were final are not the chain" in page
    assert forked.lost in page
    assert opened.cause["blocks"][0]["was"] in page
    assert opened.public_number in client.get("/breaks/?type=chain_reorg").content.decode()
    assert opened.public_number in client.get(f"/chains/{opened.reconciliation.source_id}/").content.decode()
    sent = client.post(f"/breaks/{opened.pk}/accept-chain/", {"reason_code": "CHAIN_OTHER", "narrative": WHY})
    assert sent.status_code == 302
    proposal = Proposal.objects.get()
    review = signed_in(checker).get(f"/approvals/{proposal.pk}/").content.decode()
    assert "The chain is the one that was proposed" in review
    assert forked.lost in review
    assert client.get(f"/api/v1/breaks/{opened.pk}").status_code in (200, 401, 403)


# Chains that are pushed


def pushed(number: int, *, branch: str = "b", parent: str = "b", stage: str = "final", balance: int = 0) -> PushedBlock:
    at = datetime(2026, 11, 1 + number // 3, 10, number, tzinfo=UTC)
    return PushedBlock(
        number=number, hash=f"{branch}{number}", parent_hash=f"{parent}{number - 1}", mined_at=at, stage=stage, balance=balance
    )


@pytest.fixture
def told(maker: User) -> ChainSource:
    """A chain of four final blocks over two days; a payment of 5 in block 1."""
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
    push_blocks(source_id=source.pk, blocks=[pushed(0, stage="seen"), pushed(1, stage="seen", balance=5)])
    push_transfers(source_id=source.pk, transfers=[PushedTransfer(tx="t1", index=0, block_hash="b1", sender="x", recipient="a", value=5)])
    push_blocks(source_id=source.pk, blocks=[pushed(2, balance=5), pushed(3, balance=5)])
    read_chain(source_id=source.pk)
    assert Statement.objects.get().line_count == 1
    return followed


def test_pushed_block_that_was_final_and_is_dropped_waits_for_two_people_it(told: ChainSource, maker: User, checker: User) -> None:
    dropped = pushed(1, stage="orphaned")
    (outcome,) = push_blocks(source_id=told.pk, blocks=[dropped])
    assert (outcome.result, outcome.message) == ("refused", "block 1 was final; it is dropped once two people accept the other chain")
    opened = Break.objects.get(type="chain_reorg")
    assert [(one["tx"], one["now"]) for one in opened.cause["transfers"]] == [("t1", None)]
    decided(proposed(opened, by=maker), by=checker)
    assert push_blocks(source_id=told.pk, blocks=[dropped])[0].result == "known"
    again = [pushed(1, branch="c"), *(pushed(number, branch="c", parent="c") for number in (2, 3))]
    assert {one.result for one in push_blocks(source_id=told.pk, blocks=again)} == {"stored"}
    read_chain(source_id=told.pk)
    opened.refresh_from_db()
    assert opened.state == "resolved"
    assert [(one.version, one.line_count) for one in Statement.objects.order_by("version")] == [(1, 1), (2, 0)]


def test_pushed_block_that_is_said_to_be_final_again_ends_the_break_it(told: ChainSource) -> None:
    push_blocks(source_id=told.pk, blocks=[pushed(1, stage="orphaned")])
    push_blocks(source_id=told.pk, blocks=[pushed(1, balance=5)])
    assert Break.objects.get(type="chain_reorg").resolution == "block 1 is back"
