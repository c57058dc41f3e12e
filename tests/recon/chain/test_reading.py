"""Ranges of a real local chain, read from two nodes: every movement exactly, and nothing where the nodes disagree."""

from collections.abc import Iterator
from typing import Any

import pytest

from recon.chain.client import RpcClient
from recon.chain.decoding import movement_of, word
from recon.chain.reading import Disagreement, Moved, Pair, RangeRead, Watched, WrongChain, last_block_of_day, read_range
from recon.chain.values import ZERO_ADDRESS, MalformedAnswer, address, quantity
from tests.recon.chain.local import CHAIN_ID, LocalChain, Refusal, served
from tests.recon.chain.token import call


@pytest.fixture(scope="module")
def chain() -> LocalChain:
    return LocalChain()


@pytest.fixture(scope="module")
def usdc(chain: LocalChain) -> str:
    return chain.deploy(decimals=6)


@pytest.fixture
def pair(chain: LocalChain) -> Iterator[Pair]:
    chain.tampers = {}
    with served(chain) as addresses:
        clients = [RpcClient(name=name, url=url, sleep=lambda _: None) for name, url in addresses.items()]
        yield Pair(clients[0], clients[1])
        for client in clients:
            client.close()


@pytest.fixture
def ours(chain: LocalChain) -> str:
    return chain.accounts[1]


@pytest.fixture
def theirs(chain: LocalChain) -> str:
    return chain.accounts[2]


def watched(*addresses: str, contract: str = "") -> Watched:
    return Watched(chain_id=CHAIN_ID, contract=contract, addresses=frozenset(addresses))


def read(pair: Pair, chain: LocalChain, what: Watched, *, first: int) -> RangeRead:
    return read_range(pair, watched=what, first=first, last=chain.head, every_header=True)


def test_token_transfers_mint_and_burn_are_read_exactly_it(chain: LocalChain, usdc: str, pair: Pair, ours: str, theirs: str) -> None:
    first = chain.head + 1
    huge = 2**255 + 12345
    chain.call(usdc, "mint(address,uint256)", ours, huge, sender=chain.accounts[0])
    chain.call(usdc, "transfer(address,uint256)", theirs, 250, sender=ours)
    chain.call(usdc, "transfer(address,uint256)", theirs, 0, sender=ours)
    chain.call(usdc, "burn(uint256)", huge - 250, sender=ours)
    found = [(one.sender, one.recipient, one.value) for one in read(pair, chain, watched(ours, contract=usdc), first=first).movements]
    assert found == [(ZERO_ADDRESS, ours, huge), (ours, theirs, 250), (ours, theirs, 0), (ours, ZERO_ADDRESS, huge - 250)]


def test_token_of_one_piece_is_none_of_ours_it(chain: LocalChain, usdc: str, pair: Pair, ours: str, theirs: str) -> None:
    first = chain.head + 1
    chain.call(usdc, "badge(address)", theirs, sender=ours)
    assert read(pair, chain, watched(ours, contract=usdc), first=first).movements == []


def test_many_transfers_in_one_block_have_each_their_place_it(chain: LocalChain, usdc: str, pair: Pair, ours: str) -> None:
    first = chain.head + 1
    with chain.in_one_block():
        for amount in (1, 2, 3):
            chain.tester.send_transaction(
                {
                    "from": chain.tester.get_accounts()[4 + amount],
                    "to": chain.checksum(usdc),
                    "data": call("mint(address,uint256)", ours, amount),
                    "gas": 200_000,
                    "max_fee_per_gas": 10**10,
                    "max_priority_fee_per_gas": 10**9,
                }
            )
    movements = read(pair, chain, watched(ours, contract=usdc), first=first).movements
    assert [(one.log_index, one.value) for one in movements] == [(0, 1), (1, 2), (2, 3)]
    assert len({one.block_hash for one in movements}) == 1


def test_native_coin_and_gas_prove_the_balance_even_where_a_transaction_failed_it(
    chain: LocalChain, usdc: str, pair: Pair, ours: str, theirs: str
) -> None:
    before, first = chain.head, chain.head + 1
    chain.send(theirs, to=ours, value=10**18)
    chain.send(ours, to=theirs, value=12345)
    failed = chain.send(ours, to=usdc, data=call("transfer(address,uint256)", theirs, 10**30))
    assert failed["status"] == 0
    what = watched(ours)
    movements = read(pair, chain, what, first=first).movements
    assert [(one.kind, one.failed) for one in movements] == [("value", False), ("gas", False), ("value", False), ("gas", True)]
    moved = sum(one.value if one.recipient == ours else -one.value for one in movements)
    opening, closing = (pair.balance(watched=what, block_hash=pair.header(n).hash) for n in (before, chain.head))
    assert opening is not None
    assert closing == opening + moved


def test_range_that_is_refused_for_its_size_is_asked_for_in_halves_it(chain: LocalChain, usdc: str, pair: Pair, ours: str) -> None:
    first = chain.head + 1
    for amount in range(1, 8):
        chain.call(usdc, "mint(address,uint256)", ours, amount, sender=chain.accounts[0])

    def limited(method: str, params: list[Any], result: Any) -> Any:
        if method == "eth_getLogs" and int(params[0]["toBlock"], 16) - int(params[0]["fromBlock"], 16) >= 2:
            raise Refusal(-32602, "query returned more than 2 results")
        return result

    chain.tampers = {"alpha": limited}
    assert [one.value for one in read(pair, chain, watched(ours, contract=usdc), first=first).movements] == list(range(1, 8))


def hidden(method: str, params: list[Any], result: Any) -> Any:
    return result[1:] if method == "eth_getLogs" and result else result


def other_amount(method: str, params: list[Any], result: Any) -> Any:
    return [{**log, "data": "0x" + "ff" * 32} for log in result] if method == "eth_getLogs" else result


def other_block(method: str, params: list[Any], result: Any) -> Any:
    return {**result, "hash": "0x" + "aa" * 32} if method == "eth_getBlockByNumber" else result


@pytest.mark.parametrize("tamper", [hidden, other_amount, other_block])
def test_nodes_that_disagree_are_located_and_nothing_is_taken_it(tamper: Any, chain: LocalChain, usdc: str, pair: Pair, ours: str) -> None:
    first = chain.head + 1
    chain.call(usdc, "mint(address,uint256)", ours, 77, sender=chain.accounts[0])
    chain.tampers = {"beta": tamper}
    with pytest.raises(Disagreement) as caught:
        read(pair, chain, watched(ours, contract=usdc), first=first)
    assert f"block {first}" in caught.value.place
    assert set(caught.value.said) == {"alpha", "beta"}
    assert len(set(caught.value.said.values())) == 2


def test_log_of_a_block_that_was_dropped_meanwhile_is_let_go_it(chain: LocalChain, usdc: str, pair: Pair, ours: str) -> None:
    first = chain.head + 1
    chain.call(usdc, "mint(address,uint256)", ours, 78, sender=chain.accounts[0])

    def elsewhere(method: str, params: list[Any], result: Any) -> Any:
        return [{**log, "blockHash": "0x" + "bb" * 32} for log in result] if method == "eth_getLogs" else result

    chain.tampers = {"alpha": elsewhere, "beta": elsewhere}
    with pytest.raises(Moved):
        read(pair, chain, watched(ours, contract=usdc), first=first)


def test_node_of_another_chain_is_refused_it(chain: LocalChain, pair: Pair, ours: str) -> None:
    with pytest.raises(WrongChain, match=r"not 1$"):
        pair.health(watched=Watched(chain_id=1, contract="", addresses=frozenset([ours])), with_final=True)


def test_contract_that_is_none_is_refused_it(chain: LocalChain, pair: Pair, usdc: str, ours: str) -> None:
    assert pair.decimals(contract=usdc) == 6
    with pytest.raises(WrongChain):
        pair.decimals(contract=ours)


def test_last_block_of_a_day_is_found_it(chain: LocalChain, pair: Pair) -> None:
    first = chain.head
    chain.mine(5)
    last_of_day = chain.head
    chain.next_day()
    chain.mine(7)
    assert last_block_of_day(pair, first=first, last=chain.head) == last_of_day
    assert last_block_of_day(pair, first=first, last=last_of_day) == last_of_day


def log(**changes: Any) -> dict[str, Any]:
    topic = "0x" + "00" * 12 + "11" * 20
    return {
        "address": "0x" + "AB" * 20,
        "topics": ["0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef", topic, topic],
        "data": "0x" + "00" * 31 + "05",
        "blockNumber": "0x1",
        "blockHash": "0x" + "01" * 32,
        "transactionHash": "0x" + "CD" * 32,
        "logIndex": "0x0",
        **changes,
    }


def test_addresses_and_hashes_are_lower_case_it() -> None:
    movement = movement_of(log())
    assert movement is not None
    assert (movement.contract, movement.tx_hash) == ("0x" + "ab" * 20, "0x" + "cd" * 32)


def test_removed_log_is_no_transfer_it() -> None:
    assert movement_of(log(removed=True)) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"data": "0x"},
        {"data": "0x" + "00" * 64},
        {"data": "zz"},
        {"logIndex": "-1"},
        {"blockHash": None},
        {"topics": [*log()["topics"][:2], "0x" + "11" * 32]},
        {"address": "0x12"},
    ],
)
def test_transfer_that_is_no_proper_one_is_malformed_it(changes: dict[str, Any]) -> None:
    with pytest.raises(MalformedAnswer):
        movement_of(log(**changes))


def test_the_largest_number_is_exact_it() -> None:
    assert word("0x" + "ff" * 32, field="data") == 2**256 - 1


@pytest.mark.parametrize("text", ["", "0x", "1", "0x" + "1" * 65, "0xg", "-0x1", None, 7])
def test_quantities_are_strict_it(text: Any) -> None:
    with pytest.raises(MalformedAnswer):
        quantity(text, field="x")


def test_unicode_digits_are_no_address_it() -> None:
    with pytest.raises(MalformedAnswer):
        address("0x" + "\u0661" * 40, field="x")
