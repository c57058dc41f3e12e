"""Writes a statement as what the APIs of custodians answer: Circle, Coinbase Prime, Fireblocks. They name wallets, and no balances."""

import json
from datetime import UTC, datetime, time
from typing import Any

from ledgerops.demo.shapes import Statement, StatementLine
from ledgerops.lib.money import plain


def write_circle(statement: Statement) -> bytes:
    """Return the transfers of one wallet."""
    return _json({"data": [_circle(line, statement) for line in statement.lines]})


def _circle(line: StatementLine, statement: Statement) -> dict[str, Any]:
    wallet = {"type": "wallet", "id": statement.source.identifier}
    chain = {"type": "blockchain", "chain": "ETH", "address": line.counterparty_account}
    source, destination = (wallet, chain) if line.amount_minor < 0 else (chain, wallet)
    return {
        "id": line.bank_reference,
        "source": source,
        "destination": destination,
        "amount": {"amount": _size(line, statement), "currency": statement.source.asset},
        "status": "complete",
        "createDate": f"{line.booking_date}T08:00:00.000Z",
        "idempotencyKey": line.reference,
    }


def write_coinbase_prime(statement: Statement) -> bytes:
    """Return the transactions of one wallet."""
    return _json({"transactions": [_prime(line, statement) for line in statement.lines]})


def _prime(line: StatementLine, statement: Statement) -> dict[str, Any]:
    other = {"type": "ADDRESS", "value": line.counterparty_account}
    return {
        "id": line.bank_reference,
        "portfolio_id": "portfolio-1",
        "wallet_id": statement.source.identifier,
        "type": "WITHDRAWAL" if line.amount_minor < 0 else "DEPOSIT",
        "status": "TRANSACTION_DONE",
        "symbol": statement.source.asset,
        "amount": _size(line, statement),
        "transfer_from": {} if line.amount_minor < 0 else other,
        "transfer_to": other if line.amount_minor < 0 else {},
        "idempotency_key": line.reference,
        "completed_at": f"{line.booking_date}T08:00:00Z",
    }


def write_fireblocks(statement: Statement) -> bytes:
    """Return the transactions of one vault account."""
    return _json([_fireblocks(line, statement) for line in statement.lines])


def _fireblocks(line: StatementLine, statement: Statement) -> dict[str, Any]:
    vault = {"type": "VAULT_ACCOUNT", "id": statement.source.identifier, "name": "Vault"}
    other = {"type": "EXTERNAL_WALLET", "id": "other", "name": line.counterparty}
    source, destination = (vault, other) if line.amount_minor < 0 else (other, vault)
    instant = datetime.combine(line.booking_date, time(8), tzinfo=UTC)
    return {
        "id": line.bank_reference,
        "externalTxId": line.reference,
        "assetId": statement.source.asset,
        "source": source,
        "destination": destination,
        "sourceAddress": line.counterparty_account,
        "destinationAddress": line.counterparty_account,
        "amount": _size(line, statement),
        "status": "COMPLETED",
        "txHash": "0x" + f"{_hash_of(line):064x}",
        "blockInfo": {"blockHeight": "17173049", "blockHash": "0x" + "ab" * 32},
        "lastUpdated": int(instant.timestamp() * 1000),
        "note": line.remittance,
    }


def _hash_of(line: StatementLine) -> int:
    """Return a number that is the same for the same line in every process."""
    return int.from_bytes(line.bank_reference.encode(), "big") % (1 << 256)


def _size(line: StatementLine, statement: Statement) -> str:
    return plain(abs(line.amount_minor), scale=statement.scale)


def _json(answer: Any) -> bytes:
    return json.dumps(answer, indent=1).encode()
