"""Blocks of Ethereum's mainnet as a chain indexer published them: every transfer in their logs is decoded as it decoded it."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from recon.chain.decoding import Header, header_of, movement_of

ROOT = Path(__file__).resolve().parents[2]
CORPUS = Path(os.environ.get("LEDGEROPS_CORPORA", ROOT.parent / "shared" / "corpora")) / "erc20" / "blockchain-etl__ethereum-etl"

pytestmark = pytest.mark.skipif(not CORPUS.is_dir(), reason="the corpora are not on this machine")


def rows(name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (CORPUS / f"expected_{name}.json").read_text().splitlines()]


def as_node_says(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the log as a node would tell it."""
    return {
        "address": row["address"],
        "topics": row["topics"],
        "data": row["data"],
        "blockNumber": hex(row["block_number"]),
        "blockHash": row["block_hash"],
        "transactionHash": row["transaction_hash"],
        "logIndex": hex(row["log_index"]),
        "removed": False,
    }


def test_every_transfer_of_two_blocks_is_decoded_as_it_was_published_it() -> None:
    found = {}
    for row in rows("logs"):
        movement = movement_of(as_node_says(row))
        if movement is not None:
            place = (movement.block_hash, movement.tx_hash, movement.log_index)
            found[place] = (movement.contract, movement.sender, movement.recipient, movement.value)
    # The publisher reads the number of a token of one piece (four topics) as a value; such are no money and none of ours.
    single = {(row["block_hash"], row["transaction_hash"], row["log_index"]) for row in rows("logs") if len(row["topics"]) == 4}
    expected = {
        (row["block_hash"], row["transaction_hash"], row["log_index"]): (
            row["token_address"], row["from_address"], row["to_address"], row["value"],
        )
        for row in rows("token_transfers")
    }  # fmt: skip
    assert found == {place: said for place, said in expected.items() if place not in single}
    assert len(found) > 250


def test_transfers_of_nothing_are_in_real_blocks_and_are_kept_it() -> None:
    movements = [movement for row in rows("logs") if (movement := movement_of(as_node_says(row))) is not None]
    assert any(movement.value == 0 for movement in movements)
    assert max(movement.value for movement in movements) > 2**64


def test_headers_of_two_blocks_follow_each_other_it() -> None:
    headers: list[Header] = [
        header_of(
            {
                "number": hex(row["number"]),
                "hash": row["hash"],
                "parentHash": row["parent_hash"],
                "timestamp": hex(row["timestamp"]),
            }
        )
        for row in rows("blocks")
    ]
    assert headers[1].parent_hash == headers[0].hash
    assert [header.number for header in headers] == [17173049, 17173050]
