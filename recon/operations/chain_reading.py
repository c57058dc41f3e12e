"""Reading a chain for a source: forward by ranges, back where the chain went another way, never beyond what two providers agree on.

The row of the cursor is the queue and the lock. A worker claims it, and each range is one transaction that moves it on: a worker may be
killed anywhere, and the next one goes on from the last range that was kept. Nothing is asked of the network inside a transaction.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Q
from django.db.models.functions import Now

from audit.operations import record_event
from ledgerops.lib.errors import Refusal
from ledgerops.lib.transactions import database_now
from recon.chain.client import ProviderFailed, RpcClient, Unreachable
from recon.chain.reading import Disagreement, Health, Moved, Pair, RangeRead, Watched, WrongChain, last_block_of_day, read_range
from recon.chain.values import MalformedAnswer, evm_chain_id
from recon.models import ChainBlock, ChainCursor, ChainSource, ChainStage, ChainTransfer
from recon.operations.chain_claims import SILENCE, TARGET, Claim, ClaimLost, Stopped, claim_chain, stopped_by
from recon.operations.chain_proofs import deliver_days, prove_final
from recon.operations.chain_reorgs import note_gone, settle_fork
from recon.operations.chain_transfers import rows_of

# Of what is final a range holds so many blocks, fewer where each block is read whole; near the head every header is read.
FINAL_SPAN = 2_000
WHOLE_SPAN = 100
MOST_RANGES = 50
MOST_RESTARTS = 3
# What is stopped is tried again soon, and then less and less often.
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=10), timedelta(minutes=10)
LOOK_BACK = 50


def read_chain(*, source_id: int) -> None:
    """Read what is new of a chain source, prove what became final, and deliver the days that are complete; one already read is left alone.

    What stops the reading is written on its cursor, and is tried again at the next one.
    """
    claim = claim_chain(source_id=source_id)
    if claim is None:
        return
    problem: Stopped | None = None
    try:
        if claim.chain.is_read:
            with providers_of(claim.chain) as pair:
                _read(claim, pair)
        else:
            prove_final(claim, pair=None)
            deliver_days(claim)
            settle_fork(claim, back=False)
    except ClaimLost:
        return
    except (Disagreement, WrongChain, MalformedAnswer, ProviderFailed, Refusal, Stopped) as error:
        problem = stopped_by(error)
    with suppress(ClaimLost):
        claim.end(problem)


def waiting_chains() -> list[int]:
    """Return the chain sources that nobody reads at the moment; one that is stopped waits longer from time to time."""
    free = Q(heartbeat_at=None) | Q(heartbeat_at__lt=Now() - SILENCE)
    now = database_now()
    return [cursor.pk for cursor in ChainCursor.objects.filter(free, chain__active=True).order_by("pk") if _is_due(cursor, now=now)]


def _is_due(cursor: ChainCursor, *, now: datetime) -> bool:
    if cursor.problem is None or cursor.read_at is None:
        return True
    pause: timedelta = FIRST_PAUSE * 2 ** min(cursor.problem["times"] - 1, 10)
    return now - cursor.read_at >= min(pause, LONGEST_PAUSE)


@contextmanager
def providers_of(chain: ChainSource) -> Iterator[Pair]:
    """Give the two providers of a source, closed at the end.

    :raises Stopped: if the environment has no address of one.
    """
    missing = [name for name in chain.providers if name not in settings.CHAIN_PROVIDERS]
    if missing:
        raise Stopped("wrong_chain", "settings", f"the environment has no address of provider {missing[0]}", lasting=True)
    first, second = (RpcClient(name=name, url=settings.CHAIN_PROVIDERS[name]) for name in chain.providers)
    try:
        yield Pair(first, second)
    finally:
        first.close()
        second.close()


def watched_of(chain: ChainSource) -> Watched:
    chain_id = evm_chain_id(chain.chain)
    assert chain_id is not None, "only chains of the EVM are read"
    return Watched(chain_id=chain_id, contract=chain.contract, addresses=frozenset(chain.addresses))


def _read(claim: Claim, pair: Pair) -> None:
    cursor = _look(claim, pair)
    assert cursor.head is not None, "both providers have said how far they are"
    assert cursor.final is not None, "what is final follows from that"
    for _ in range(MOST_RESTARTS):
        try:
            _go_back(claim, pair, head=cursor.head)
            _go_on(claim, pair, head=cursor.head, final=cursor.final)
            break
        except Moved:  # the chain went another way meanwhile: look again from where it agrees
            continue
    _rise(claim)
    prove_final(claim, pair=pair)
    deliver_days(claim)
    settle_fork(claim, back=True)


def _look(claim: Claim, pair: Pair) -> ChainCursor:
    """Ask both providers how far they are, and note it; the slower one counts."""
    chain = claim.chain
    by_tag = chain.final_rule == "tag"
    watched = watched_of(chain)
    found = pair.health(watched=watched, with_final=by_tag)
    with claim.step("recon.chain.resumed") as cursor:
        unread = cursor.next_block == chain.first_block
        cursor.providers = {health.name: {**asdict(health), "at": database_now().isoformat()} for health in found}
        heads = [health.head for health in found if health.head is not None]
        if len(heads) == len(found):
            cursor.head = head = min(heads)
            cursor.safe = max(head - chain.safe_after, 0)
            # What was final once is so for good, whatever a provider that lags behind says.
            cursor.final = max(_final(chain, found, head=head), cursor.final or 0)
    silent = next((health for health in found if health.head is None), None)
    if silent is not None:
        raise Unreachable(silent.name, silent.sentence)
    if unread and chain.contract:
        decimals = pair.decimals(contract=chain.contract)
        if decimals != chain.decimals:
            raise WrongChain(f"contract {chain.contract} has {decimals} decimals, the asset {chain.decimals}")
    return cursor


def _final(chain: ChainSource, found: Sequence[Health], *, head: int) -> int:
    if chain.final_after is not None:
        return max(head - chain.final_after, 0)
    return min(health.final or 0 for health in found)


def _go_back(claim: Claim, pair: Pair, *, head: int) -> None:
    """Walk back from the newest block kept to the first that the chain still has, and orphan what it dropped.

    :raises Stopped: if the chain dropped a block that was final: no rule of ours may undo that.
    """
    live = ChainBlock.objects.filter(chain=claim.chain, orphaned_at=None).order_by("-number")
    kept = live.exclude(stage=ChainStage.FINAL)
    anchor = live.filter(stage=ChainStage.FINAL).first()
    above = None
    while True:
        # Mostly the newest block is the chain's still, and with it all below.
        blocks = list(kept.filter(number__lte=head)[:1] if above is None else kept.filter(number__lt=above)[:LOOK_BACK])
        headers = {header.number: header for header in pair.headers([block.number for block in blocks])} if blocks else {}
        agreed = next((block for block in blocks if headers[block.number].hash == block.hash), None)
        if agreed is not None or not blocks:
            break
        above = blocks[-1].number
    if agreed is None and anchor is not None and anchor.number <= head:
        now = pair.header(anchor.number)
        if now.hash != anchor.hash:
            note_gone(claim, pair, watched=watched_of(claim.chain), kept=anchor, now_hash=now.hash, head=head)
            said = {"kept": anchor.hash, "now": now.hash}
            sentence = "the chain has another block where one was final; nothing is undone, two people must accept the other chain"
            raise Stopped("final_block_gone", f"block {anchor.number}", sentence, said=said, lasting=True)
    ancestor = agreed.number if agreed else anchor.number if anchor else claim.chain.first_block - 1
    # A provider that is merely behind has dropped nothing.
    dropped = list(kept.filter(number__gt=ancestor, number__lte=head)[:1])
    if dropped:
        _orphan(claim, ancestor=ancestor)


def _orphan(claim: Claim, *, ancestor: int) -> None:
    with claim.step("recon.chain.reorganised") as cursor:
        gone = ChainBlock.objects.filter(chain=claim.chain, orphaned_at=None, number__gt=ancestor)
        hashes = dict(gone.order_by("number").values_list("number", "hash"))
        now = database_now()
        transfers = ChainTransfer.objects.filter(block__in=gone, orphaned_at=None).update(orphaned_at=now)
        gone.update(orphaned_at=now)
        cursor.next_block = ancestor + 1
        record_event(
            "recon.chain.reorganised",
            target_type=TARGET,
            target_id=claim.chain.pk,
            before={"blocks": {str(number): block for number, block in hashes.items()}},
            after={"ancestor": ancestor, "blocks_orphaned": len(hashes), "transfers_orphaned": transfers},
        )


def _go_on(claim: Claim, pair: Pair, *, head: int, final: int) -> None:
    """Read range after range up to the head, each kept as it is read."""
    watched = watched_of(claim.chain)
    first = ChainCursor.objects.get(pk=claim.chain.pk).next_block
    for _ in range(MOST_RANGES):
        if first > head:
            return
        every_header = first > final
        span = WHOLE_SPAN if every_header or watched.is_native else FINAL_SPAN
        last = min(first + span - 1, head if every_header else final)
        if not every_header:
            last = last_block_of_day(pair, first=first, last=last)
        read = read_range(pair, watched=watched, first=first, last=last, every_header=every_header)
        _keep(claim, read, first=first, last=last, every_header=every_header)
        first = last + 1


def _keep(claim: Claim, read: RangeRead, *, first: int, last: int, every_header: bool) -> None:
    chain = claim.chain
    with claim.step("recon.chain.transfers_seen") as cursor:
        if cursor.next_block != first:
            raise ClaimLost
        if every_header:
            _refuse_broken_line(chain, read)
        blocks = ChainBlock.objects.bulk_create(
            [
                ChainBlock(chain=chain, number=one.number, hash=one.hash, parent_hash=one.parent_hash, mined_at=one.mined_at)
                for one in read.headers
            ]
        )
        rows = rows_of(chain, read.movements, blocks={block.number: block for block in blocks})
        ChainTransfer.objects.bulk_create(rows)
        cursor.next_block = last + 1
        if rows:
            record_event(
                "recon.chain.transfers_seen",
                target_type=TARGET,
                target_id=chain.pk,
                after={
                    "from_block": first,
                    "to_block": last,
                    "transfers": len(rows),
                    "uncounted": sum(bool(row.uncounted) for row in rows),
                },
            )


def _refuse_broken_line(chain: ChainSource, read: RangeRead) -> None:
    """Refuse blocks that do not follow each other, or not the one that was kept last: the chain moved while it was read."""
    before = ChainBlock.objects.filter(chain=chain, orphaned_at=None, number=read.headers[0].number - 1).first()
    parent = before.hash if before else read.headers[0].parent_hash
    for header in read.headers:
        if header.parent_hash != parent:
            raise Moved
        parent = header.hash


def _rise(claim: Claim) -> None:
    """Raise the stages of the blocks that have become safe or final."""
    with claim.step("recon.chain.range_proven") as cursor:
        live = ChainBlock.objects.filter(chain=claim.chain, orphaned_at=None)
        live.filter(number__lte=cursor.final).exclude(stage=ChainStage.FINAL).update(stage=ChainStage.FINAL)
        live.filter(number__lte=cursor.safe, stage=ChainStage.SEEN).update(stage=ChainStage.SAFE)
