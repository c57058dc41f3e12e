"""What became final is proven by the balances at its ends, and each complete day is delivered as a file like any other."""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from uuid import UUID

from django.db.models import QuerySet, Sum

from audit.operations import record_event
from recon.chain.reading import Pair, Watched
from recon.chain.values import evm_chain_id
from recon.formats.chain_transfers import Day, Transfer, write
from recon.models import ChainBlock, ChainRange, ChainSource, ChainStage, ChainTransfer, Channel, RangeStatus, Statement
from recon.operations.chain_claims import TARGET, Claim, raise_alert
from recon.operations.intake import receive_file, take_in

FILE_MAXIMUM_BYTES = 512 * 1024 * 1024
# Where nothing moves a day is not proven anew with every block.
PROVEN_EVERY = timedelta(minutes=10)


def prove_final(claim: Claim, *, pair: Pair | None) -> None:
    """Prove every final block that no range proves yet: one range for each day, up to what was read.

    Without providers the balances are those that were pushed with their blocks.
    """
    for last in _ends(claim.chain, pushed=pair is None):
        _prove(claim, last=last, pair=pair)


def _ends(chain: ChainSource, *, pushed: bool) -> list[ChainBlock]:
    """Return the last final block of each day beyond what is proven, oldest first."""
    final = ChainBlock.objects.filter(chain=chain, orphaned_at=None, stage=ChainStage.FINAL, number__gt=_proven_through(chain))
    by_day: dict[date, ChainBlock] = {}
    for block in final.filter(number__gte=chain.first_block).order_by("number"):
        by_day[block.mined_at.date()] = block
    ends = list(by_day.values())
    if ends and not _is_worth_proving(chain, ends[-1]):
        ends.pop()
    # Of a day that goes on, what was pushed is proven as far as a balance came with it.
    if pushed and ends and ends[-1].balance is None:
        told = final.filter(mined_at__date=ends[-1].mined_at.date(), balance__isnull=False).order_by("-number").first()
        ends[-1:] = [told] if told else []
    return ends


def _is_worth_proving(chain: ChainSource, last: ChainBlock) -> bool:
    """Return whether the day that goes on is proven up to this block: it holds transfers, or some time has passed since it was last."""
    before = _standing(chain).order_by("-to_block").first()
    earlier = None if before is None else ChainBlock.objects.filter(chain=chain, hash=before.to_hash, orphaned_at=None).first()
    if before is None or earlier is None or last.mined_at - earlier.mined_at >= PROVEN_EVERY:
        return True
    between = (before.to_block + 1, last.number)
    return ChainTransfer.objects.filter(chain=chain, orphaned_at=None, block__number__range=between).exists()


def _standing(chain: ChainSource) -> QuerySet[ChainRange]:
    """Return the ranges of a chain but those withdrawn with the blocks that they proved."""
    return ChainRange.objects.filter(chain=chain, withdrawn_at=None)


def _proven_through(chain: ChainSource) -> int:
    latest = _standing(chain).order_by("-to_block").first()
    return latest.to_block if latest else chain.first_block - 1


def _prove(claim: Claim, *, last: ChainBlock, pair: Pair | None) -> None:
    chain = claim.chain
    first = _proven_through(chain) + 1
    opening, closing = _balance_before(chain, first=first, pair=pair), _balance_at(chain, last, pair=pair)
    transfers = ChainTransfer.objects.filter(chain=chain, orphaned_at=None, block__number__range=(first, last.number))
    counted = transfers.filter(uncounted="")
    sums = {flow: int(amount) for flow, amount in counted.order_by().values_list("flow").annotate(amount=Sum("value"))}
    movements = sums.get("in", 0) - sums.get("out", 0)
    difference = None if opening is None or closing is None else closing - (opening + movements)
    status = RangeStatus.NO_BALANCE if difference is None else RangeStatus.UNPROVEN if difference else RangeStatus.PROVEN
    with claim.step("recon.chain.range_proven") as cursor:
        ChainRange.objects.create(
            chain=chain,
            day=last.mined_at.date(),
            from_block=first,
            to_block=last.number,
            to_hash=last.hash,
            opening=opening,
            movements=movements,
            closing=closing,
            difference=difference,
            transfers_counted=counted.count(),
            transfers_uncounted=transfers.exclude(uncounted="").count(),
            status=status,
        )
        cursor.proven_through = last.number
        told = {"from_block": first, "to_block": last.number, "to_hash": last.hash, "status": str(status), "difference": str(difference)}
        record_event("recon.chain.range_proven", target_type=TARGET, target_id=chain.pk, after=told)
        if difference:
            sentence = f"blocks {first} to {last.number} do not prove: the balance moved by {difference} more than the transfers seen"
            raise_alert(chain, sentence=sentence, detail=told)


def _balance_before(chain: ChainSource, *, first: int, pair: Pair | None) -> int | None:
    earlier = _standing(chain).filter(to_block=first - 1).first()
    if earlier is not None and earlier.closing is not None:
        return int(earlier.closing)
    if first == 0:
        return 0
    before = ChainBlock.objects.filter(chain=chain, orphaned_at=None, number=first - 1).first()
    if pair is None:
        return None if before is None or before.balance is None else int(before.balance)
    return pair.balance(watched=_watched(chain), block_hash=before.hash if before else pair.header(first - 1).hash)


def _balance_at(chain: ChainSource, block: ChainBlock, *, pair: Pair | None) -> int | None:
    if pair is None:
        return None if block.balance is None else int(block.balance)
    return pair.balance(watched=_watched(chain), block_hash=block.hash)


def _watched(chain: ChainSource) -> Watched:
    return Watched(chain_id=evm_chain_id(chain.chain) or 0, contract=chain.contract, addresses=frozenset(chain.addresses))


def deliver_days(claim: Claim) -> None:
    """Write each day after which another has begun as a file, and take it in; a worker killed in between does it again to the same bytes.

    :raises Refusal: whatever the intake refuses.
    """
    chain = claim.chain
    waiting = _standing(chain).filter(file=None).order_by("to_block")
    newest = _standing(chain).order_by("-to_block").first()
    days = sorted({one.day for one in waiting if newest is not None and one.day < newest.day})
    for day in days:
        _deliver(claim, day=day)


def _deliver(claim: Claim, *, day: date) -> None:
    chain = claim.chain
    ranges = list(_standing(chain).filter(day=day).order_by("from_block"))
    content = file_of(chain, ranges)
    file, _ = receive_file(
        name=f"{chain.source.code.lower()}-{day.isoformat()}.jsonl",
        content=io.BytesIO(content),
        maximum_bytes=FILE_MAXIMUM_BYTES,
        received_by_id=None,
        channel=Channel.CHAIN,
        source_id=chain.pk,
        large_bytes=FILE_MAXIMUM_BYTES,
    )
    take_in(file_id=file.pk, source_ids=[chain.pk], restating=_replaced(chain, day=day))
    with claim.step("recon.chain.delivered"):
        ChainRange.objects.filter(pk__in=[one.pk for one in ranges], file=None).update(file=file)
        told = {"day": day, "file": str(file.pk), "ranges": len(ranges)}
        record_event("recon.chain.delivered", target_type=TARGET, target_id=chain.pk, after=told)


def _replaced(chain: ChainSource, *, day: date) -> list[UUID]:
    """Return the statements of a day whose blocks were withdrawn when two people accepted another chain: these may be replaced."""
    withdrawn = ChainRange.objects.filter(chain=chain, day=day, withdrawn_at__isnull=False).values("file")
    return list(Statement.objects.filter(source=chain.pk, file__in=withdrawn).values_list("pk", flat=True))


def file_of(chain: ChainSource, ranges: Sequence[ChainRange]) -> bytes:
    """Return the file of one day's ranges: the same ranges always give the same bytes."""
    first, last = ranges[0], ranges[-1]
    rows = (
        ChainTransfer.objects.filter(chain=chain, orphaned_at=None, block__number__range=(first.from_block, last.to_block))
        # What other contracts sent is kept beside the statement, not in it: its amounts are in another unit.
        .exclude(uncounted__in=["unlisted_contract", "too_large"])
        .select_related("block")
        .order_by("block__number", "tx_hash", "log_index")
    )
    day = Day(
        account=chain.source.identifier,
        asset=chain.source.asset.code,
        decimals=chain.decimals,
        chain=chain.chain,
        contract=chain.contract,
        addresses=tuple(chain.addresses),
        day=first.day,
        from_block=first.from_block,
        to_block=last.to_block,
        to_hash=last.to_hash,
        opening=None if first.opening is None else int(first.opening),
        closing=None if last.closing is None else int(last.closing),
    )
    return write(day, (_told(row, last=last.to_block) for row in rows))


def _told(row: ChainTransfer, *, last: int) -> Transfer:
    return Transfer(
        tx=row.tx_hash,
        log=row.log_index,
        kind=row.kind,
        block=row.block.number,
        block_hash=row.block.hash,
        mined_at=row.block.mined_at,
        confirmations=last - row.block.number + 1,
        flow=row.flow,
        sender=row.sender,
        recipient=row.recipient,
        value=int(row.value),
        gas=None if row.gas is None else int(row.gas),
        failed=row.failed,
        why_not=row.uncounted,
    )
