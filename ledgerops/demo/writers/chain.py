"""Writes a statement as a day of a chain: each line a token transfer whose transaction is the line's reference."""

from datetime import UTC, datetime, time
from hashlib import sha256

from ledgerops.demo.shapes import Statement, StatementLine
from recon.formats.chain_transfers import Day, Transfer, write

_FIRST_BLOCK = 38_000_000


def write_chain(statement: Statement) -> bytes:
    """Return the bytes of one day with its balances; a chain knows addresses and no names."""
    source = statement.source
    day = Day(
        account=source.identifier,
        asset=source.asset,
        decimals=statement.scale,
        chain="eip155:8453",
        contract=_digest(source.asset)[:42],
        addresses=(_digest(source.identifier)[:42],),
        day=statement.statement_date,
        from_block=_FIRST_BLOCK,
        to_block=_FIRST_BLOCK + len(statement.lines),
        to_hash=_digest("last"),
        opening=statement.opening_minor,
        closing=statement.closing_minor,
    )
    return write(day, [_transfer(line, number=number, day=day) for number, line in enumerate(statement.lines)])


def _transfer(line: StatementLine, *, number: int, day: Day) -> Transfer:
    ours, theirs = day.addresses[0], line.counterparty_account
    incoming = line.amount_minor > 0
    return Transfer(
        tx=line.reference,
        log=number,
        kind="token",
        block=_FIRST_BLOCK + number,
        block_hash=_digest(f"block {number}"),
        mined_at=datetime.combine(line.booking_date, time(12), tzinfo=UTC),
        confirmations=day.to_block - (_FIRST_BLOCK + number) + 1,
        flow="in" if incoming else "out",
        sender=theirs if incoming else ours,
        recipient=ours if incoming else theirs,
        value=abs(line.amount_minor),
    )


def _digest(text: str) -> str:
    return f"0x{sha256(text.encode()).hexdigest()}"
