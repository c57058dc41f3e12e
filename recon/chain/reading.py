"""Reading a range of blocks from two providers: what they say must be the same, or nothing is taken."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, TypeVar

from recon.chain.client import Call, ProviderFailed, Refused, RpcClient, TooLarge
from recon.chain.decoding import (
    BALANCE_OF,
    DECIMALS,
    TRANSFER_TOPIC,
    Header,
    Movement,
    Receipt,
    header_of,
    movement_of,
    native_movements,
    receipt_of,
    touching,
    word,
)
from recon.chain.values import MalformedAnswer, as_topic, quantity

T = TypeVar("T")

FINALIZED = ("eth_getBlockByNumber", "finalized", False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is followed: the native coin of `addresses`, or all tokens that move from or to them. `contract` is the one that counts."""

    chain_id: int
    contract: str
    addresses: frozenset[str]

    @property
    def is_native(self) -> bool:
        return not self.contract


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a provider answered when it was asked for its head."""

    name: str
    head: int | None
    final: int | None
    milliseconds: int
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RangeRead:
    """Headers are those of the blocks with movements and of the last one, or of every block where that was asked for."""

    headers: Sequence[Header]
    movements: Sequence[Movement]


class Disagreement(Exception):
    """Two providers tell different things of the same place; `said` is what each said."""

    def __init__(self, place: str, what: str, said: dict[str, str], *, block: int | None = None) -> None:
        super().__init__(f"{place}: the providers disagree on {what}")
        self.place = place
        self.what = what
        self.said = said
        self.block = block


class WrongChain(Exception):
    """A provider serves another chain than it should, or the contract is not what was set."""


class Moved(Exception):
    """The chain changed while it was read: what was read is let go, and read again."""


class Pair:
    """Two providers, asked for the same."""

    def __init__(self, first: RpcClient, second: RpcClient) -> None:
        self.clients = (first, second)

    def health(self, *, watched: Watched, with_final: bool) -> list[Health]:
        """Return how far each provider is; one that does not answer says why.

        :raises WrongChain: if one serves another chain.
        """
        return [_health(client, watched=watched, with_final=with_final) for client in self.clients]

    def header(self, number: int) -> Header:
        (header,) = self.headers([number])
        return header

    def headers(self, numbers: Sequence[int]) -> list[Header]:
        """Return the headers of these blocks.

        :raises Disagreement: if the providers do not have the same block at one of them.
        :raises Moved: if one is not there any more.
        """
        return self._same(lambda client: _headers(client, numbers), what="the block", place=lambda header: f"block {header.number}")

    def transfers(self, *, watched: Watched, first: int, last: int) -> list[Movement]:
        """Return the token transfers from and to the watched addresses in a range, of whatever contract.

        :raises Disagreement: if a provider has a transfer that the other one has not.
        """

        def read(client: RpcClient) -> list[Movement]:
            return sorted(_transfers(client, watched=watched, first=first, last=last))

        return self._same(read, what="a transfer", place=lambda one: f"block {one.block_number}, {one.tx_hash} log {one.log_index}")

    def receipts(self, hashes: Iterable[str]) -> dict[str, Receipt]:
        """Return what these transactions came to.

        :raises Disagreement: if the providers tell different outcomes.
        :raises Moved: if one is in no block any more.
        """
        wanted = sorted(set(hashes))

        def read(client: RpcClient) -> list[Receipt]:
            answers = client.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in wanted])
            if any(answer is None for answer in answers):
                raise Moved
            return [receipt_of(answer) for answer in answers]

        found = self._same(read, what="a receipt", place=lambda receipt: f"transaction {receipt.tx_hash}")
        return {receipt.tx_hash: receipt for receipt in found}

    def native(self, *, watched: Watched, first: int, last: int) -> RangeRead:
        """Return every header of a range and the native coin that it moved for the watched addresses."""
        calls: list[Call] = [("eth_getBlockByNumber", [hex(number), True]) for number in range(first, last + 1)]
        blocks = [client.batch(calls) for client in self.clients]
        headers = self._compared(
            [[_header(block) for block in read] for read in blocks], what="the block", place=lambda header: f"block {header.number}"
        )
        hashes = [tx_hash for block in blocks[0] for tx_hash in touching(block, watched=watched.addresses)]
        receipts = self.receipts(hashes)
        movements = [
            sorted(one for block in read for one in native_movements(block, receipts=receipts, watched=watched.addresses))
            for read in blocks
        ]
        same = self._compared(movements, what="a transfer", place=lambda one: f"block {one.block_number}, transaction {one.tx_hash}")
        return RangeRead(headers=headers, movements=same)

    def balance(self, *, watched: Watched, block_hash: str) -> int | None:
        """Return what the watched addresses held together after the block; None where a provider has forgotten that state.

        :raises Disagreement: if they tell different balances.
        """
        at = {"blockHash": block_hash}
        addresses = sorted(watched.addresses)
        if watched.is_native:
            calls: list[Call] = [("eth_getBalance", [account, at]) for account in addresses]
        else:
            calls = [("eth_call", [{"to": watched.contract, "data": BALANCE_OF + as_topic(account)[2:]}, at]) for account in addresses]

        def read(client: RpcClient) -> list[int]:
            said = client.batch(calls)
            return [sum(quantity(one, field="balance") if watched.is_native else word(one, field="balance") for one in said)]

        try:
            (total,) = self._same(read, what="the balance", place=lambda _: f"block {block_hash}")
        except Refused:
            return None
        return total

    def decimals(self, *, contract: str) -> int:
        """Return how many decimals the contract says it has.

        :raises WrongChain: if there is no such contract, or it says nothing of them.
        """

        def read(client: RpcClient) -> list[int]:
            return [word(client.call("eth_call", {"to": contract, "data": DECIMALS}, "latest"), field="decimals")]

        try:
            (decimals,) = self._same(read, what="the decimals", place=lambda _: f"contract {contract}")
        except (MalformedAnswer, Refused) as error:
            raise WrongChain(f"contract {contract} does not say how many decimals it has") from error
        return decimals

    def _same(self, read: Callable[[RpcClient], list[T]], *, what: str, place: Callable[[T], str]) -> list[T]:
        return self._compared([read(client) for client in self.clients], what=what, place=place)

    def _compared(self, answers: Sequence[list[T]], *, what: str, place: Callable[[T], str]) -> list[T]:
        one, other = answers
        if one == other:
            return one
        mine = next((item for item in one if item not in other), None)
        theirs = next((item for item in other if item not in one), None)
        differing = mine if mine is not None else theirs
        assert differing is not None, "the same in another order: both are sorted, or asked for by number"
        said = {client.name: _told(item) for client, item in zip(self.clients, (mine, theirs), strict=True)}
        number = getattr(differing, "number", None) or getattr(differing, "block_number", None)
        raise Disagreement(place(differing), what, said, block=number)


def read_range(pair: Pair, *, watched: Watched, first: int, last: int, every_header: bool) -> RangeRead:
    """Read a range of blocks; every movement is one of a block whose header was read.

    :raises Disagreement: if the providers tell different things.
    :raises Moved: if the chain changed meanwhile.
    :raises MalformedAnswer: if one tells what is no block, log or receipt.
    :raises ProviderFailed: if one does not answer.
    """
    if watched.is_native:
        native = pair.native(watched=watched, first=first, last=last)
        headers, movements = list(native.headers), list(native.movements)
        needed = {movement.block_number for movement in movements} | {last}
        headers = headers if every_header else [header for header in headers if header.number in needed]
    else:
        movements = pair.transfers(watched=watched, first=first, last=last)
        needed = {movement.block_number for movement in movements} | {last}
        headers = pair.headers(range(first, last + 1) if every_header else sorted(needed))
        movements = _with_gas(pair, movements, watched=watched)
    hashes = {header.number: header.hash for header in headers}
    if any(hashes[movement.block_number] != movement.block_hash for movement in movements):
        raise Moved
    return RangeRead(headers=headers, movements=movements)


def last_block_of_day(pair: Pair, *, first: int, last: int) -> int:
    """Return the last block of the range that is of the same day (UTC) as its first; timestamps only rise, so halving finds it."""
    day = _day(pair, first)
    if _day(pair, last) == day:
        return last
    low, high = first, last
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _day(pair, middle) == day else (low, middle)
    return low


def _day(pair: Pair, number: int) -> date:
    return pair.header(number).mined_at.date()


def _with_gas(pair: Pair, movements: Sequence[Movement], *, watched: Watched) -> list[Movement]:
    """Add what it cost to what one of our own addresses sent."""
    ours = {movement.tx_hash for movement in movements if movement.sender in watched.addresses and movement.contract == watched.contract}
    receipts = pair.receipts(ours) if ours else {}
    paid = {tx_hash: receipt.gas for tx_hash, receipt in receipts.items() if receipt.sender in watched.addresses}
    return [replace(movement, gas=paid[movement.tx_hash]) if movement.tx_hash in paid else movement for movement in movements]


def _transfers(client: RpcClient, *, watched: Watched, first: int, last: int) -> set[Movement]:
    """Ask for what left and what came; a range that is refused for its size is asked for in halves."""
    ours = [as_topic(account) for account in sorted(watched.addresses)]
    around = {"fromBlock": hex(first), "toBlock": hex(last)}
    calls: list[Call] = [
        ("eth_getLogs", [{**around, "topics": [TRANSFER_TOPIC, ours]}]),
        ("eth_getLogs", [{**around, "topics": [TRANSFER_TOPIC, None, ours]}]),
    ]
    try:
        answers = client.batch(calls)
    except TooLarge:
        if first == last:
            raise
        middle = (first + last) // 2
        return _transfers(client, watched=watched, first=first, last=middle) | _transfers(
            client, watched=watched, first=middle + 1, last=last
        )
    found = set()
    for answer in answers:
        if not isinstance(answer, list):
            raise MalformedAnswer("logs", answer)
        for log in answer:
            movement = _movement(log, listed=watched.contract)
            if (
                movement is not None
                and first <= movement.block_number <= last
                and watched.addresses & {movement.sender, movement.recipient}
            ):
                found.add(movement)
    return found


def _movement(log: Any, *, listed: str) -> Movement | None:
    """Read a log; one that is no proper transfer may be another contract's folly, never the listed one's."""
    try:
        return movement_of(log)
    except MalformedAnswer:
        if isinstance(log, dict) and str(log.get("address", "")).lower() != listed:
            return None
        raise


def _headers(client: RpcClient, numbers: Sequence[int]) -> list[Header]:
    return [_header(answer) for answer in client.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])]


def _header(answer: Any) -> Header:
    if answer is None:
        raise Moved
    return header_of(answer)


def _health(client: RpcClient, *, watched: Watched, with_final: bool) -> Health:
    started = time.monotonic()
    final = None
    try:
        chain_id = quantity(client.call("eth_chainId"), field="chainId")
        if chain_id != watched.chain_id:
            raise WrongChain(f"{client.name} serves chain {chain_id}, not {watched.chain_id}")
        head = quantity(client.call("eth_blockNumber"), field="blockNumber")
        if with_final:
            final = header_of(client.call(*FINALIZED)).number
    except (ProviderFailed, MalformedAnswer) as error:
        sentence = error.sentence if isinstance(error, ProviderFailed) else str(error)
        return Health(name=client.name, head=None, final=None, milliseconds=_since(started), sentence=sentence)
    return Health(name=client.name, head=head, final=final, milliseconds=_since(started), sentence="")


def _since(started: float) -> int:
    return round((time.monotonic() - started) * 1000)


def _told(item: Any) -> str:
    match item:
        case None:
            return "nothing there"
        case Header():
            return item.hash
        case Movement():
            return f"{item.value} from {item.sender} to {item.recipient or 'nobody'} in block {item.block_hash}"
        case Receipt():
            return f"{'succeeded' if item.succeeded else 'failed'}, gas {item.gas}, in block {item.block_hash}"
        case _:
            return str(item)
