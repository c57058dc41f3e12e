"""Following a wallet on a real chain: stages, reorganisations, disagreement, proof, and the day's statement."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from approvals.models import User
from ledger.models import Alert
from recon import operations
from recon.models import (
    ChainBlock,
    ChainCursor,
    ChainKind,
    ChainRange,
    ChainSource,
    ChainStage,
    ChainTransfer,
    Item,
    ProofStatus,
    SourceKind,
    Statement,
    StatementFile,
)
from recon.operations import chain_reading
from recon.operations.chain_reading import read_chain, waiting_chains
from recon.operations.chain_settings import set_chain
from tests.notation import writes_nothing
from tests.recon.chain.local import CHAIN, LocalChain, Refusal
from tests.recon.chain.token import call

pytestmark = pytest.mark.django_db

Reader = Callable[[], ChainCursor]
MINT, TRANSFER, BURN = "mint(address,uint256)", "transfer(address,uint256)", "burn(uint256)"


@pytest.fixture
def moved(chain: LocalChain, followed: ChainSource, usdc: str, ours: str, theirs: str) -> None:
    """Mint, pay, move nothing, burn, and let a payment fail."""
    chain.call(usdc, MINT, ours, 10_000_000, sender=chain.accounts[0])
    chain.call(usdc, TRANSFER, theirs, 2_500_000, sender=ours)
    chain.call(usdc, TRANSFER, theirs, 0, sender=ours)
    chain.call(usdc, BURN, 500_000, sender=ours)
    chain.send(ours, to=usdc, data=call(TRANSFER, theirs, 10**18))


def stages() -> list[str]:
    return [transfer.word for transfer in ChainTransfer.objects.order_by("block__number", "id")]


def counted() -> list[tuple[str, int, str]]:
    rows = ChainTransfer.objects.filter(orphaned_at=None).order_by("block__number", "log_index")
    return [(row.flow, int(row.value), row.uncounted) for row in rows]


def test_stages_rise_with_the_chain_and_nothing_counts_before_it_is_final_it(chain: LocalChain, moved: None, read: Reader) -> None:
    cursor = read()
    assert cursor.problem is None
    assert (cursor.head, cursor.safe, cursor.final) == (chain.head, chain.head - 1, chain.head - 3)
    assert stages() == ["final", "final", "safe", "safe"]
    assert not Statement.objects.exists()
    chain.mine(3)
    read()
    assert set(stages()) == {"final"}
    assert counted() == [("in", 10_000_000, ""), ("out", 2_500_000, ""), ("out", 0, "zero_value"), ("out", 500_000, "")]


def test_what_is_read_again_changes_nothing_it(chain: LocalChain, moved: None, read: Reader) -> None:
    chain.mine(4)
    read()
    with writes_nothing(except_in=["recon_chain_cursor"]):
        read()


def test_complete_day_is_a_statement_that_proves_itself_and_is_reconciled_it(
    chain: LocalChain, moved: None, read: Reader, usdc: str, ours: str
) -> None:
    chain.next_day()
    chain.mine(5)
    cursor = read()
    assert cursor.problem is None
    statement = Statement.objects.get()
    assert (statement.proof, int(statement.opening_minor or 0), int(statement.closing_minor or 0)) == (ProofStatus.PROVEN, 0, 7_000_000)
    assert (str(statement.closing_date), statement.file.format) == ("2026-11-01", "chain")
    assert [int(item.amount_minor) for item in Item.objects.order_by("id")] == [10_000_000, 2_500_000, 500_000]
    assert ChainRange.objects.filter(file=statement.file, status="proven").exists()


def test_line_of_the_statement_leads_back_to_the_chain_it(chain: LocalChain, moved: None, read: Reader) -> None:
    chain.next_day()
    chain.mine(5)
    read()
    statement = Statement.objects.get()
    assert (statement.kind, statement.file.channel) == ("report", "chain")
    paid = ChainTransfer.objects.get(value=2_500_000)
    line = statement.statement_lines.get(amount_minor=2_500_000)
    assert line.reference == paid.tx_hash
    assert line.facts["block_hash"] == paid.block.hash
    assert int(line.facts["gas"]) == int(paid.gas or 0) > 0
    assert {key.partition(":")[0] for key in line.keys} >= {"tx", "log"}
    assert {line.transaction_code for line in statement.statement_lines.all()} == {"MINT", "TRANSFER", "BURN"}


def test_day_without_transfers_is_delivered_too_it(chain: LocalChain, moved: None, read: Reader) -> None:
    for _ in range(2):
        chain.next_day()
        chain.mine(5)
    read()
    second, first = Statement.objects.order_by("-closing_date")
    assert (int(second.opening_minor or 0), int(second.closing_minor or 0)) == (7_000_000, 7_000_000)
    assert int(first.gap_minor or 0) == 0
    assert second.gap_minor == 0


def test_delivery_that_was_cut_short_goes_on_with_the_same_bytes_it(
    chain: LocalChain, moved: None, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: Any, **__: Any) -> None:
        raise KeyboardInterrupt

    chain.next_day()
    chain.mine(5)
    with monkeypatch.context() as patched:
        patched.setattr("recon.operations.chain_proofs.take_in", killed)
        with pytest.raises(KeyboardInterrupt):
            read()
    ChainCursor.objects.update(heartbeat_at=None)  # the silence of the worker that is gone
    read()
    assert StatementFile.objects.count() == 1
    assert Statement.objects.count() == 1


def test_worker_killed_between_ranges_leaves_what_it_kept_and_the_next_goes_on_it(
    chain: LocalChain, moved: None, read: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain.mine(6)
    monkeypatch.setattr(chain_reading, "FINAL_SPAN", 2)
    keep = chain_reading._keep
    kept: list[int] = []

    def killed(claim: Any, found: Any, *, first: int, last: int, every_header: bool) -> None:
        if len(kept) == 1:
            raise KeyboardInterrupt
        kept.append(first)
        keep(claim, found, first=first, last=last, every_header=every_header)

    with monkeypatch.context() as patched:
        patched.setattr(chain_reading, "_keep", killed)
        with pytest.raises(KeyboardInterrupt):
            read()
    assert len(counted()) == 2
    read()  # the dead worker's claim still stands: nobody else reads
    assert len(counted()) == 2
    ChainCursor.objects.update(heartbeat_at=None)
    read()
    assert len(counted()) == 4
    assert {one.status for one in ChainRange.objects.all()} == {"proven"}


def test_reorganisation_orphans_what_was_dropped_and_follows_it_into_its_new_block_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, theirs: str, read: Reader
) -> None:
    chain.call(usdc, MINT, ours, 1_000, sender=chain.accounts[0])
    snapshot = chain.tester.take_snapshot()
    paid = chain.call(usdc, TRANSFER, theirs, 400, sender=ours)
    lost = chain.call(usdc, TRANSFER, theirs, 5, sender=ours)
    read()
    assert len(counted()) == 3
    chain.tester.revert_to_snapshot(snapshot)
    chain.mine()
    assert chain.call(usdc, TRANSFER, theirs, 400, sender=ours) == paid
    chain.mine(5)
    cursor = read()
    assert cursor.problem is None
    old, new = ChainTransfer.objects.filter(tx_hash=paid).order_by("seen_at")
    assert (old.word, new.word) == ("orphaned", "final")
    assert old.block.hash != new.block.hash
    assert old.block.orphaned_at is not None
    assert ChainTransfer.objects.get(tx_hash=lost).word == "orphaned"
    assert counted() == [("in", 1_000, ""), ("out", 400, "")]
    assert {one.status for one in ChainRange.objects.all()} == {"proven"}


def test_chain_that_returns_to_a_block_it_dropped_is_followed_back_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, read: Reader
) -> None:
    chain.mine()
    before = chain.tester.take_snapshot()
    minted = chain.call(usdc, MINT, ours, 1_000, sender=chain.accounts[0])
    first_branch = chain.tester.take_snapshot()
    read()
    chain.tester.revert_to_snapshot(before)
    chain.mine(2)
    read()
    assert counted() == []
    chain.tester.revert_to_snapshot(first_branch)
    chain.mine(5)
    read()
    assert counted() == [("in", 1_000, "")]
    assert [row.word for row in ChainTransfer.objects.filter(tx_hash=minted).order_by("seen_at")] == ["orphaned", "final"]


def test_final_block_that_is_gone_stops_everything_and_undoes_nothing_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, read: Reader
) -> None:
    snapshot = chain.tester.take_snapshot()
    chain.call(usdc, MINT, ours, 1_000, sender=chain.accounts[0])
    chain.mine(4)
    read()
    assert set(stages()) == {"final"}
    chain.tester.revert_to_snapshot(snapshot)
    chain.mine(8)
    problem = read().problem
    assert problem is not None
    assert problem["kind"] == "final_block_gone"
    assert set(problem["said"]) == {"kept", "now"}
    assert counted() == [("in", 1_000, "")]
    assert Alert.objects.filter(kind="chain").count() == 1


def test_provider_that_hides_a_transfer_stops_the_range_until_both_agree_it(chain: LocalChain, moved: None, read: Reader) -> None:
    def hiding(method: str, params: list[Any], result: Any) -> Any:
        return result[1:] if method == "eth_getLogs" and result else result

    chain.tampers = {"beta": hiding}
    problem = read().problem
    assert problem is not None
    assert (problem["kind"], problem["times"]) == ("disagreement", 1)
    assert problem["said"]["beta"] == "nothing there"
    assert not ChainTransfer.objects.exists()
    assert not Alert.objects.exists()
    read()
    assert read().problem["times"] == 3  # type: ignore[index]
    assert Alert.objects.get().kind == "chain"
    chain.tampers = {}
    assert read().problem is None
    assert len(counted()) == 4


def test_provider_that_invents_a_balance_leaves_the_range_unproven_by_nobody_it(chain: LocalChain, moved: None, read: Reader) -> None:
    def richer(method: str, params: list[Any], result: Any) -> Any:
        return hex(int(result, 16) + 1) if method == "eth_call" and "latest" not in params else result

    chain.mine(4)
    chain.tampers = {
        "beta": lambda method, params, result: (
            "0x" + f"{int(result, 16) + 1:064x}" if method == "eth_call" and params[1] != "latest" else result
        )
    }
    assert read().problem["kind"] == "disagreement"  # type: ignore[index]
    assert not ChainRange.objects.exists()


def test_provider_that_is_away_is_named_and_the_other_one_is_not_believed_alone_it(
    chain: LocalChain, moved: None, read: Reader, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("recon.chain.client.ATTEMPTS", 1)
    settings.CHAIN_PROVIDERS = {**settings.CHAIN_PROVIDERS, "beta": "http://127.0.0.1:9/SECRET-KEY"}
    cursor = read()
    assert cursor.problem is not None
    assert (cursor.problem["kind"], cursor.problem["place"]) == ("unreachable", "beta")
    assert "SECRET" not in str(cursor.problem) + str(cursor.providers)
    assert not ChainTransfer.objects.exists()


def test_fake_token_is_kept_and_never_credited_it(chain: LocalChain, followed: ChainSource, usdc: str, ours: str, read: Reader) -> None:
    fake = chain.deploy(decimals=6)
    chain.call(fake, MINT, ours, 10**12, sender=chain.accounts[0])
    chain.call(usdc, MINT, ours, 7, sender=chain.accounts[0])
    chain.next_day()
    chain.mine(5)
    read()
    assert counted() == [("in", 10**12, "unlisted_contract"), ("in", 7, "")]
    statement = Statement.objects.get()
    assert (statement.proof, statement.line_count, int(statement.closing_minor or 0)) == (ProofStatus.PROVEN, 1, 7)


def test_contract_of_other_decimals_than_the_asset_is_not_followed_it(
    chain: LocalChain, followed: ChainSource, ours: str, wallet: Any, read: Reader
) -> None:
    chain.tampers = {
        name: lambda method, params, result: "0x" + f"{18:064x}" if method == "eth_call" and params[1] == "latest" else result
        for name in ("alpha", "beta")
    }
    for _ in range(2):
        problem = read().problem
        assert problem is not None
        assert problem["kind"] == "wrong_chain"
        assert "18 decimals" in problem["sentence"]
    assert not ChainBlock.objects.exists()


def test_source_that_is_stopped_is_tried_less_and_less_often_it(chain: LocalChain, moved: None, read: Reader) -> None:
    chain.tampers = {"beta": lambda method, _, result: [] if method == "eth_getLogs" else result}
    assert waiting_chains()
    for _ in range(3):
        read()
    assert not waiting_chains()
    ChainCursor.objects.update(read_at=timezone.now() - timedelta(minutes=11))
    assert waiting_chains()


def test_quiet_day_is_not_proven_anew_with_every_block_it(chain: LocalChain, followed: ChainSource, read: Reader) -> None:
    for _ in range(4):
        chain.mine(5)
        read()
    assert ChainRange.objects.count() == 1
    chain.mine(60)
    read()
    assert ChainRange.objects.count() == 2


def test_forgotten_state_proves_nothing_and_says_so_it(chain: LocalChain, moved: None, read: Reader) -> None:

    def pruned(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_call" and params[1] != "latest":
            raise Refusal(-32000, "missing trie node")
        return result

    chain.mine(4)
    chain.tampers = {"beta": pruned}
    assert read().problem is None
    assert {one.status for one in ChainRange.objects.all()} == {"no_balance"}


def test_missed_transfer_shows_as_the_exact_difference_and_rings_it(
    chain: LocalChain, followed: ChainSource, usdc: str, ours: str, theirs: str, read: Reader
) -> None:
    def both_hide(method: str, params: list[Any], result: Any) -> Any:
        return [] if method == "eth_getLogs" else result

    chain.call(usdc, MINT, ours, 123, sender=chain.accounts[0])
    chain.mine(4)
    chain.tampers = {"alpha": both_hide, "beta": both_hide}
    read()
    one = ChainRange.objects.get()
    assert (one.status, int(one.difference or 0)) == ("unproven", 123)
    assert "by 123 more" in Alert.objects.get().detail["sentence"]


def test_native_coin_with_gas_proves_its_day_it(chain: LocalChain, maker: User, ours: str, theirs: str, usdc: str) -> None:
    source = operations.register_source(code="eth", name="Ether", identifier="wallet-eth", account="1050", kind=SourceKind.CHAIN)
    first = chain.head + 1
    set_chain(
        source_id=source.pk, chain=CHAIN, delivery="rpc", kind=ChainKind.NATIVE, decimals=18, addresses=[ours], first_block=first,
        providers=["alpha", "beta"], set_by_id=maker.pk,
    )  # fmt: skip
    chain.send(theirs, to=ours, value=10**18)
    chain.send(ours, to=theirs, value=7)
    chain.send(ours, to=usdc, data=call(TRANSFER, theirs, 10**18))
    chain.next_day()
    chain.mine(5)
    read_chain(source_id=source.pk)
    statement = Statement.objects.get()
    assert statement.proof == ProofStatus.PROVEN
    lines = list(statement.statement_lines.order_by("ordinal").values_list("transaction_code", "flow"))
    assert sorted(lines) == sorted([("VALUE", "in"), ("VALUE", "out"), ("GAS", "out"), ("GAS", "out")])
    assert ChainTransfer.objects.filter(kind="gas", failed=True).count() == 1


def test_blocks_below_what_is_final_keep_their_ends_alone_it(chain: LocalChain, followed: ChainSource, read: Reader) -> None:
    chain.mine(40)
    read()
    live = ChainBlock.objects.filter(chain=followed)
    assert live.filter(stage=ChainStage.FINAL).count() == 1
    assert live.count() == 4
