"""Blocks and transfers of a chain that nobody can be asked about: whoever runs it pushes them, and their stages.

Every item is judged by itself and may be sent again: the same again changes nothing, another word about the same is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from django.db.models import Q

from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.chain.decoding import GAS_INDEX, VALUE_INDEX, Movement
from recon.chain.values import evm_chain_id
from recon.models import ChainBlock, ChainCursor, ChainDelivery, ChainSource, ChainStage, ChainTransfer, TransferKind
from recon.operations.chain_claims import TARGET
from recon.operations.chain_reorgs import note_pushed_gone, settle_pushed_back
from recon.operations.chain_transfers import rows_of

T = TypeVar("T")

ORPHANED = "orphaned"
RANKS = {ChainStage.SEEN: 0, ChainStage.SAFE: 1, ChainStage.FINAL: 2}
VALUE_LIMIT = 10**78


class NotPushed(Refusal):
    """Transfers of this source are read from providers; nobody pushes them."""

    code = "chain_not_pushed"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedBlock:
    """A block and how far it is; `balance` is what the watched addresses hold together after it, where it is known."""

    number: int
    hash: str
    parent_hash: str
    mined_at: datetime
    stage: str
    balance: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PushedTransfer:
    """A movement in a block that was pushed. Index -1 is the transaction's own value, -2 its gas."""

    tx: str
    index: int
    block_hash: str
    sender: str
    recipient: str
    value: int
    contract: str = ""
    gas: int | None = None
    failed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one item: stored, changed, known (said before), or refused with a sentence."""

    result: str
    message: str = ""


STORED, CHANGED, KNOWN = Outcome(result="stored"), Outcome(result="changed"), Outcome(result="known")


def push_blocks(*, source_id: int, blocks: Sequence[PushedBlock]) -> list[Outcome]:
    """Take blocks and their stages; what is final makes final what is below it, and a block that was dropped drops its transfers.

    :raises NotPushed: if the source is read from providers.
    """
    return _push(source_id=source_id, what="blocks", items=blocks, take=_take_block)


def push_transfers(*, source_id: int, transfers: Sequence[PushedTransfer]) -> list[Outcome]:
    """Take transfers of blocks that were pushed and are not proven yet.

    :raises NotPushed: if the source is read from providers.
    """
    return _push(source_id=source_id, what="transfers", items=transfers, take=_take_transfer)


def _push(*, source_id: int, what: str, items: Sequence[T], take: Callable[[ChainSource, ChainCursor, T], Outcome]) -> list[Outcome]:
    with act("recon.chain.pushed", target_type=TARGET, target_id=source_id):
        refuse_if_stopped(Function.INGESTION)
        chain = ChainSource.objects.select_related("source__asset").get(pk=source_id)
        if chain.delivery != ChainDelivery.PUSH:
            raise NotPushed(f"{chain.source.name} is read from providers; nothing is pushed for it")
        cursor = ChainCursor.objects.select_for_update().get(pk=source_id)
        outcomes = [take(chain, cursor, item) for item in items]
        written = sum(outcome in (STORED, CHANGED) for outcome in outcomes)
        if written:
            cursor.read_at = database_now()
            cursor.save()
            told = {what: len(items), "written": written, "refused": sum(outcome.result == "refused" for outcome in outcomes)}
            record_event("recon.chain.pushed", target_type=TARGET, target_id=source_id, after=told)
        return outcomes


def _refused(message: str) -> Outcome:
    return Outcome(result="refused", message=message)


def _take_block(chain: ChainSource, cursor: ChainCursor, block: PushedBlock) -> Outcome:
    known = ChainBlock.objects.filter(chain=chain, hash=block.hash).order_by("-pk").first()
    if block.stage == ORPHANED:
        return _drop(chain, known, block)
    if known is None or known.orphaned_at is not None:
        return _add_block(chain, cursor, block)
    said = (block.number, block.parent_hash, block.mined_at)
    if (known.number, known.parent_hash, known.mined_at) != said:
        return _refused(f"block {block.hash} was told otherwise before: number {known.number}, parent {known.parent_hash}")
    if block.balance is not None and known.balance not in (None, block.balance):
        return _refused(f"the balance after block {block.number} was told otherwise before: {known.balance}")
    if block.stage == known.stage == ChainStage.FINAL:
        settle_pushed_back(chain, block=known)
    changed = _rise(chain, cursor, known, stage=ChainStage(block.stage))
    if block.balance is not None and known.balance is None:
        ChainBlock.objects.filter(pk=known.pk).update(balance=block.balance)
        changed = True
    return CHANGED if changed else KNOWN


def _drop(chain: ChainSource, known: ChainBlock | None, block: PushedBlock) -> Outcome:
    if known is None:
        return _refused(f"there is no block {block.hash} to be dropped")
    if known.orphaned_at is not None:
        return KNOWN
    if known.stage == ChainStage.FINAL:
        note_pushed_gone(chain, kept=known)
        return _refused(f"block {known.number} was final; it is dropped once two people accept the other chain")
    now = database_now()
    ChainTransfer.objects.filter(block=known, orphaned_at=None).update(orphaned_at=now)
    ChainBlock.objects.filter(pk=known.pk).update(orphaned_at=now)
    return CHANGED


def _add_block(chain: ChainSource, cursor: ChainCursor, block: PushedBlock) -> Outcome:
    if block.number < chain.first_block - 1:
        return _refused(f"the source is followed from block {chain.first_block} on")
    if block.number <= cursor.proven_through and block.number >= chain.first_block:
        return _refused(f"what is up to block {cursor.proven_through} is proven already")
    around = Q(number=block.number) | Q(number=block.number - 1) | Q(number=block.number + 1)
    live = {one.number: one for one in ChainBlock.objects.filter(around, chain=chain, orphaned_at=None)}
    if block.number in live:
        return _refused(f"block {block.number} is {live[block.number].hash}; say first that it was dropped")
    before, after = live.get(block.number - 1), live.get(block.number + 1)
    if before is not None and before.hash != block.parent_hash:
        return _refused(f"block {block.number} does not follow {before.hash}; say first that it was dropped")
    if after is not None and after.parent_hash != block.hash:
        return _refused(f"block {after.number} does not follow {block.hash}")
    stored = ChainBlock.objects.create(
        chain=chain,
        number=block.number,
        hash=block.hash,
        parent_hash=block.parent_hash,
        mined_at=block.mined_at,
        balance=block.balance,
    )
    cursor.head = max(block.number, cursor.head or 0)
    cursor.next_block = max(cursor.next_block, block.number + 1)
    _rise(chain, cursor, stored, stage=ChainStage(block.stage))
    return STORED


def _rise(chain: ChainSource, cursor: ChainCursor, block: ChainBlock, *, stage: ChainStage) -> bool:
    """Raise a block's stage and that of all below it; one told late, of a stage already passed, changes nothing."""
    if RANKS[stage] <= RANKS[ChainStage(block.stage)]:
        return False
    lower = [one for one, rank in RANKS.items() if rank < RANKS[stage]]
    ChainBlock.objects.filter(chain=chain, orphaned_at=None, number__lte=block.number, stage__in=lower).update(stage=stage)
    cursor.safe = max(block.number, cursor.safe or 0)
    if stage == ChainStage.FINAL:
        cursor.final = max(block.number, cursor.final or 0)
    return True


def _take_transfer(chain: ChainSource, cursor: ChainCursor, transfer: PushedTransfer) -> Outcome:
    block = ChainBlock.objects.filter(chain=chain, hash=transfer.block_hash, orphaned_at=None).first()
    if block is None:
        return _refused(f"there is no live block {transfer.block_hash}; push the block first")
    row = _row(chain, block, transfer)
    if row is None:
        return _refused("neither side is an address that is followed, or it is followed by another source")
    known = ChainTransfer.objects.filter(chain=chain, tx_hash=row.tx_hash, log_index=row.log_index, orphaned_at=None).first()
    if known is not None and known.block_id != block.pk:
        return _refused(f"it lives in block {known.block.hash}; say first that this was dropped")
    if known is not None:
        return KNOWN if _said(known) == _said(row) else _refused("it was told otherwise before; what a block holds never changes")
    if block.number <= cursor.proven_through:
        return _refused(f"what is up to block {cursor.proven_through} is proven already")
    row.save(force_insert=True)
    return STORED


def _row(chain: ChainSource, block: ChainBlock, transfer: PushedTransfer) -> ChainTransfer | None:
    contract, sender, recipient = transfer.contract or chain.contract, transfer.sender, transfer.recipient
    if evm_chain_id(chain.chain) is not None:  # where the case of an address means nothing
        contract, sender, recipient = contract.lower(), sender.lower(), recipient.lower()
    if not {sender, recipient} & set(chain.addresses):
        return None
    is_gas = transfer.index == GAS_INDEX
    movement = Movement(
        block_number=block.number,
        tx_hash=transfer.tx,
        log_index=transfer.index,
        block_hash=block.hash,
        kind="gas" if is_gas else "token" if contract and transfer.index > VALUE_INDEX else "value",
        contract=contract,
        sender=sender,
        recipient=recipient,
        value=transfer.value,
        gas=transfer.value if is_gas else transfer.gas,
        failed=transfer.failed,
    )
    rows = rows_of(chain, [movement], blocks={block.number: block})
    return rows[0] if rows else None


def _said(row: ChainTransfer) -> tuple[object, ...]:
    kind = TransferKind(row.kind)
    return (kind, row.contract, row.sender, row.recipient, int(row.value), None if row.gas is None else int(row.gas), row.failed)
