"""From blocks, logs and receipts as nodes write them to exact values: headers, transfers and gas."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from eth_abi import decode  # type: ignore[attr-defined]
from eth_abi.exceptions import DecodingError

from recon.chain.values import MalformedAnswer, address, hash_of, instant, quantity, topic_address

# Of the event Transfer of an address, an address and a number of 256 bits.
TRANSFER_TOPIC = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"
# A token that can be divided has two indexed addresses; one that cannot (ERC-721) indexes its number too, and is none of ours.
TOKEN_TOPICS = 3
WORD = 32
VALUE_INDEX = -1
GAS_INDEX = -2
# What a contract is asked for: what an address holds, and how many decimals it has.
BALANCE_OF = "0x70a08231"
DECIMALS = "0x313ce567"
SUCCEEDED = 1

Kind = Literal["token", "value", "gas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """A block by its hash; the number alone would not say which one it is."""

    number: int
    hash: str
    parent_hash: str
    mined_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Movement:
    """Value that moved. `log_index` is its place in the block; -1 is the transaction's own value, -2 its gas.

    `gas` is what the transaction cost in the native coin, where it was one of ours. `contract` is empty for the native coin.
    """

    block_number: int
    tx_hash: str
    log_index: int
    block_hash: str
    kind: Kind
    contract: str
    sender: str
    recipient: str
    value: int
    gas: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What a transaction came to. `gas` is what its sender paid, to the last unit, also where it failed."""

    tx_hash: str
    block_hash: str
    succeeded: bool
    sender: str
    gas: int


def header_of(block: Any) -> Header:
    """Return the header of a block.

    :raises MalformedAnswer: naming the field that is wrong.
    """
    if not isinstance(block, Mapping):
        raise MalformedAnswer("block", block)
    return Header(
        number=quantity(block.get("number"), field="number"),
        hash=hash_of(block.get("hash"), field="hash"),
        parent_hash=hash_of(block.get("parentHash"), field="parentHash"),
        mined_at=instant(block.get("timestamp"), field="timestamp"),
    )


def movement_of(log: Any) -> Movement | None:
    """Return the transfer that a log says, or None where it is another event, a token of ERC-721, or was removed with its block.

    :raises MalformedAnswer: if a transfer's fields are not what the standard says.
    """
    topics = log.get("topics") if isinstance(log, Mapping) else None
    if not isinstance(topics, Sequence) or not topics or str(topics[0]).lower() != TRANSFER_TOPIC or len(topics) != TOKEN_TOPICS:
        return None
    if log.get("removed") is True:
        return None
    sender, recipient = (topic_address(hash_of(topic, field="topics")) for topic in topics[1:])
    if sender is None or recipient is None:
        raise MalformedAnswer("topics", topics)
    return Movement(
        block_number=quantity(log.get("blockNumber"), field="blockNumber"),
        block_hash=hash_of(log.get("blockHash"), field="blockHash"),
        tx_hash=hash_of(log.get("transactionHash"), field="transactionHash"),
        log_index=quantity(log.get("logIndex"), field="logIndex"),
        kind="token",
        contract=address(log.get("address"), field="address"),
        sender=sender,
        recipient=recipient,
        value=word(log.get("data"), field="data"),
    )


def word(data: Any, *, field: str) -> int:
    """Return the one unsigned number of 256 bits that the data holds, exactly.

    :raises MalformedAnswer: if it holds anything else.
    """
    try:
        content = bytes.fromhex(str(data).removeprefix("0x"))
        if len(content) != WORD:
            raise MalformedAnswer(field, data)
        (value,) = decode(["uint256"], content)
    except (ValueError, DecodingError) as error:
        raise MalformedAnswer(field, data) from error
    return int(value)


def receipt_of(answer: Any) -> Receipt:
    """Return what a transaction came to and cost.

    The cost is gas used at the effective price, and where the chain says so the fee of the layer below (`l1Fee`) and the blobs'.

    :raises MalformedAnswer: naming the field that is wrong.
    """
    if not isinstance(answer, Mapping):
        raise MalformedAnswer("receipt", answer)
    gas = quantity(answer.get("gasUsed"), field="gasUsed") * quantity(answer.get("effectiveGasPrice"), field="effectiveGasPrice")
    if answer.get("l1Fee") is not None:
        gas += quantity(answer["l1Fee"], field="l1Fee")
    if answer.get("blobGasUsed") is not None and answer.get("blobGasPrice") is not None:
        gas += quantity(answer["blobGasUsed"], field="blobGasUsed") * quantity(answer["blobGasPrice"], field="blobGasPrice")
    return Receipt(
        tx_hash=hash_of(answer.get("transactionHash"), field="transactionHash"),
        block_hash=hash_of(answer.get("blockHash"), field="blockHash"),
        succeeded=quantity(answer.get("status"), field="status") == SUCCEEDED,
        sender=address(answer.get("from"), field="from"),
        gas=gas,
    )


def touching(block: Any, *, watched: Collection[str]) -> list[str]:
    """Return the hashes of a full block's transactions that come from a watched address or go to one with value.

    :raises MalformedAnswer: if a transaction cannot be read.
    """
    found = []
    for transaction in _transactions(block):
        sender = address(transaction.get("from"), field="from")
        if sender in watched or (_recipient(transaction) in watched and quantity(transaction.get("value"), field="value")):
            found.append(hash_of(transaction.get("hash"), field="transaction"))
    return found


def native_movements(block: Any, *, receipts: Mapping[str, Receipt], watched: Collection[str]) -> Iterator[Movement]:
    """Yield the native coin that a block moved for the watched addresses: values of transactions that succeeded, and gas of all of ours.

    What contracts move among themselves is not in the transactions and cannot be seen here: the balance proof shows it.

    :raises MalformedAnswer: if a transaction cannot be read.
    """
    header = header_of(block)
    for transaction in _transactions(block):
        tx_hash = hash_of(transaction.get("hash"), field="transaction")
        receipt = receipts.get(tx_hash)
        if receipt is None:
            continue
        sender = address(transaction.get("from"), field="from")
        recipient = _recipient(transaction)
        value = Movement(
            block_number=header.number,
            block_hash=header.hash,
            tx_hash=tx_hash,
            log_index=VALUE_INDEX,
            kind="value",
            contract="",
            sender=sender,
            recipient=recipient,
            value=quantity(transaction.get("value"), field="value"),
        )
        if receipt.succeeded and value.value and (sender in watched or recipient in watched):
            yield value
        if sender in watched:
            cost, failed = receipt.gas, not receipt.succeeded
            yield replace(value, log_index=GAS_INDEX, kind="gas", recipient="", value=cost, gas=cost, failed=failed)


def _recipient(transaction: Mapping[str, Any]) -> str:
    """Return where a transaction goes; one that makes a contract goes to nobody."""
    return "" if transaction.get("to") is None else address(transaction["to"], field="to")


def _transactions(block: Any) -> Sequence[Mapping[str, Any]]:
    transactions = block.get("transactions") if isinstance(block, Mapping) else None
    if not isinstance(transactions, list) or not all(isinstance(one, Mapping) for one in transactions):
        raise MalformedAnswer("transactions", transactions)
    return transactions
