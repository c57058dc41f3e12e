"""Where a chain has other blocks than those that were final: the break that says so, and the acceptance of the other chain by two people.

Nothing is undone by itself. Once the other chain is accepted, what was above the fork is orphaned and its ranges are withdrawn, none of it
deleted; reading goes on from the fork, and each day that was delivered is delivered anew, as the next version of its statement.
"""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Min, QuerySet
from django.db.models.functions import Now

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledgerops.lib.transactions import database_now
from recon.chain.reading import Pair, Watched, read_range
from recon.chain_queries import undelivered_days
from recon.models import (
    Break,
    BreakState,
    BreakType,
    ChainBlock,
    ChainCursor,
    ChainRange,
    ChainSource,
    ChainStage,
    ChainTransfer,
    Reconciliation,
)
from recon.operations.breaks import BreakRefused, set_state
from recon.operations.chain_claims import Claim
from recon.operations.corrections import scope_of
from recon.operations.service_levels import route_break

ACCEPT_CHAIN = "recon.accept_chain"
SHOWN = 100
LOOK_BACK = 50
# Where the transfers went is looked up in so many blocks of the other chain; each is asked for whole where coin is followed.
LOOKED_UP = 100


def note_gone(claim: Claim, pair: Pair, *, watched: Watched, kept: ChainBlock, now_hash: str, head: int) -> None:
    """Open the break of a chain that has another block where `kept` was final, or bring its words up to date."""
    chain = claim.chain
    fork = _fork(chain, pair, below=kept.number)
    blocks = list(_above(chain, fork).filter(number__lte=head).order_by("number")[:SHOWN])
    hashes = {header.number: header.hash for header in pair.headers([block.number for block in blocks])}
    moved = read_range(pair, watched=watched, first=fork + 1, last=min(head, fork + LOOKED_UP), every_header=False).movements
    places = {(one.tx_hash, one.log_index): {"block": one.block_number, "hash": one.block_hash} for one in moved}
    with claim.step("recon.chain.fork_found"):
        _note(chain, fork=fork, kept=kept, now_hash=now_hash, hashes=hashes, places=places)


def note_pushed_gone(chain: ChainSource, *, kept: ChainBlock) -> None:
    """Open the break of a block that was final and that whoever runs the chain says was dropped, inside the caller's transaction."""
    _note(chain, fork=kept.number - 1, kept=kept, now_hash="", hashes={}, places={})


def _fork(chain: ChainSource, pair: Pair, *, below: int) -> int:
    """Return the newest final block that both chains have; where none is kept, the one before the first that is read."""
    final = ChainBlock.objects.filter(chain=chain, orphaned_at=None, stage=ChainStage.FINAL).order_by("-number")
    while blocks := list(final.filter(number__lt=below)[:LOOK_BACK]):
        headers = pair.headers([block.number for block in blocks])
        for block, header in zip(blocks, headers, strict=True):
            if block.hash == header.hash:
                return block.number
        below = blocks[-1].number
    return chain.first_block - 1


def _above(chain: ChainSource, fork: int) -> QuerySet[ChainBlock]:
    return ChainBlock.objects.filter(chain=chain, orphaned_at=None, number__gt=fork)


def _note(
    chain: ChainSource,
    *,
    fork: int,
    kept: ChainBlock,
    now_hash: str,
    hashes: Mapping[int, str],
    places: Mapping[tuple[str, int], dict[str, Any]],
) -> None:
    live = _live(chain)
    above = _above(chain, fork)
    transfers = ChainTransfer.objects.filter(block__in=above, orphaned_at=None).select_related("block")
    ranges = ChainRange.objects.filter(chain=chain, withdrawn_at=None, to_block__gt=fork)
    days = {day.isoformat() for day in ranges.exclude(file=None).values_list("day", flat=True)}
    if live is not None and "accepted" in live.cause:  # of an acceptance that has not been delivered yet
        days |= set(live.cause["days"])
    cause = {
        "fork": fork,
        "kept": {"block": kept.number, "hash": kept.hash},
        "now": now_hash,
        "block_count": above.count(),
        "blocks": [{"block": one.number, "was": one.hash, "now": hashes.get(one.number)} for one in above.order_by("number")[:SHOWN]],
        "transfer_count": transfers.count(),
        "transfers": [_told(one, places) for one in transfers.order_by("block__number", "log_index", "tx_hash")[:SHOWN]],
        "days": sorted(days),
    }
    if live is None:
        _open(chain, cause, first=above.order_by("number").first() or kept)
    elif live.cause != cause:
        before = {"fork": live.cause["fork"], "now": live.cause["now"]}
        live.cause, live.reference = cause, kept.hash
        live.version += 1
        live.save(update_fields=["cause", "reference", "version"])
        record_event("recon.chain.fork_changed", target_type="recon.break", target_id=live.pk, before=before, after=_brief(cause))


def _told(one: ChainTransfer, places: Mapping[tuple[str, int], dict[str, Any]]) -> dict[str, Any]:
    return {
        "tx": one.tx_hash,
        "log": one.log_index,
        "flow": one.flow,
        "value": str(int(one.value)),
        "counts": not one.uncounted,
        "was": {"block": one.block.number, "hash": one.block.hash},
        "now": places.get((one.tx_hash, one.log_index)),
    }


def _brief(cause: Mapping[str, Any]) -> dict[str, Any]:
    return {name: cause[name] for name in ("fork", "kept", "now", "block_count", "transfer_count", "days")}


def _open(chain: ChainSource, cause: dict[str, Any], *, first: ChainBlock) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('recon_break_number')")
        (number,) = cursor.fetchone()
    opened = Break.objects.create(
        number=number,
        reconciliation=Reconciliation.objects.get(source=chain.pk, home=True),
        type=BreakType.CHAIN_REORG,
        difference_minor=0,
        occurred_on=first.mined_at.date(),
        reference=cause["kept"]["hash"],
        cause=cause,
    )
    record_event("recon.chain.fork_found", target_type="recon.break", target_id=opened.pk, after=_brief(cause))
    route_break(opened)


def _live(chain: ChainSource) -> Break | None:
    """Return the live break of a source's chain, locked."""
    of_chain = Break.objects.select_for_update(of=("self",)).filter(reconciliation__source=chain.pk, reconciliation__home=True)
    return of_chain.filter(type=BreakType.CHAIN_REORG).exclude(state=BreakState.RESOLVED).first()


def settle_fork(claim: Claim, *, back: bool) -> None:
    """End the break of a chain whose accepted days have all been delivered anew, or, where `back`, whose blocks are there again."""
    if not Break.objects.filter(reconciliation__source=claim.chain.pk, type="chain_reorg").exclude(state=BreakState.RESOLVED).exists():
        return
    with claim.step("recon.chain.fork_ended") as cursor:
        live = _live(claim.chain)
        if live is None:
            return
        if "accepted" in live.cause:
            if not undelivered_days(live):
                _end(live, resolution=_accepted_words(live.cause))
        elif back and cursor.head is not None and cursor.head >= live.cause["kept"]["block"]:
            _end(live, resolution=_back_words(live.cause))


def settle_pushed_back(chain: ChainSource, *, block: ChainBlock) -> None:
    """End the break about a pushed block that is said to be final again, inside the caller's transaction."""
    live = _live(chain)
    if live is not None and "accepted" not in live.cause and live.cause["kept"]["hash"] == block.hash:
        _end(live, resolution=_back_words(live.cause))


def _accepted_words(cause: Mapping[str, Any]) -> str:
    days = len(cause["days"])
    again = f"; {days} day{'' if days == 1 else 's'} delivered anew" if days else ""
    return f"the other chain was accepted above block {cause['fork']}{again}"


def _back_words(cause: Mapping[str, Any]) -> str:
    return f"block {cause['kept']['block']} is back"


def _end(live: Break, *, resolution: str) -> None:
    live.state, live.resolved_at, live.resolution = BreakState.RESOLVED, database_now(), resolution
    live.version += 1
    live.save(update_fields=["state", "resolved_at", "resolution", "version", "cause"])
    record_event("recon.chain.fork_ended", target_type="recon.break", target_id=live.pk, reason=resolution)


def propose_chain(*, break_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask that the chain as it is now be accepted, with other blocks than those that were final.

    :raises BreakRefused: if the break is of another type, resolved, waiting for a decision, or accepted already.
    """
    payload = {"break": str(break_id), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=ACCEPT_CHAIN, payload=payload, maker_id=maker_id)


def check_chain(*, payload: Mapping[str, Any]) -> Command:
    """Understand the proposal against the present state, locking its break.

    :raises BreakRefused: if there is nothing to accept.
    """
    Break.objects.select_for_update(of=("self",)).get(pk=UUID(payload["break"]))
    recon_break = Break.objects.select_related("reconciliation__source").get(pk=UUID(payload["break"]))
    if recon_break.type != BreakType.CHAIN_REORG:
        raise BreakRefused(f"{recon_break.public_number} is about no chain")
    if recon_break.state in (BreakState.PROPOSED, BreakState.RESOLVED):
        raise BreakRefused(f"{recon_break.public_number} is {recon_break.get_state_display().lower()}", state=recon_break.state)
    if "accepted" in recon_break.cause:
        raise BreakRefused(f"{recon_break.public_number} was accepted, and ends when its days are delivered anew")
    source, cause = recon_break.reconciliation.source, recon_break.cause
    return Command(
        payload={**payload, "chain": str(source.pk), "fork": cause["fork"], **_brief(cause)},
        title=f"Accept the other chain of {source.name} above block {cause['fork']}, and end {recon_break.public_number}",
        scope=scope_of(source_id=source.pk),
        target_type="recon.break",
        target_id=str(recon_break.pk),
        locked_object=f"recon.break:{recon_break.pk}",
        preconditions={"break": str(recon_break.pk), "fork": cause["fork"], "now": cause["now"]},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def hold_fork(*, payload: Mapping[str, Any]) -> None:
    """Keep a second proposal away while this one waits."""
    set_state(break_id=UUID(payload["break"]), state=BreakState.PROPOSED)
    record_event("recon.break.proposed", target_type="recon.break", target_id=payload["break"], reason=payload["reason_code"])


def release_fork(*, payload: Mapping[str, Any]) -> None:
    """Give the break back after its proposal ended without acceptance; one resolved meanwhile stays so."""
    if set_state(break_id=UUID(payload["break"]), state=BreakState.INVESTIGATING):
        record_event("recon.break.reopened", target_type="recon.break", target_id=payload["break"])


def accept_chain(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Drop what was above the fork and let the reading go on from there.

    :raises PreconditionChanged: if the chain went yet another way, or came back, since it was proposed.
    """
    cursor = ChainCursor.objects.select_for_update().get(pk=int(payload["chain"]))
    chain = ChainSource.objects.get(pk=cursor.pk)
    live = _live(chain)
    if live is None or live.state != BreakState.PROPOSED or str(live.pk) != preconditions["break"]:
        raise PreconditionChanged("the chain has its blocks back, or this was decided before")
    if (live.cause["fork"], live.cause["now"]) != (preconditions["fork"], preconditions["now"]):
        raise PreconditionChanged("the chain has gone another way since this was proposed")
    fork: int = live.cause["fork"]
    blocks, transfers, days = _drop(chain, cursor, fork=fork, proposal_id=proposal_id)
    live.cause = {**live.cause, "accepted": str(proposal_id), "days": sorted({*live.cause["days"], *days})}
    if live.cause["days"]:
        live.state = BreakState.INVESTIGATING
        live.version += 1
        live.save(update_fields=["cause", "state", "version"])
    record_event(
        "recon.chain.other_accepted",
        target_type="recon.break",
        target_id=live.pk,
        reason=payload["reason_code"],
        after={"fork": fork, "blocks_orphaned": blocks, "transfers_orphaned": transfers, "days": live.cause["days"]},
        proposal_id=proposal_id,
    )
    if not live.cause["days"]:
        _end(live, resolution=_accepted_words(live.cause))


def _drop(chain: ChainSource, cursor: ChainCursor, *, fork: int, proposal_id: UUID) -> tuple[int, int, Sequence[str]]:
    """Orphan what is above the fork, withdraw the ranges that proved it, and set the cursor back; return what was dropped."""
    gone = _above(chain, fork)
    ranges = ChainRange.objects.filter(chain=chain, withdrawn_at=None, to_block__gt=fork)
    days = sorted({day.isoformat() for day in ranges.exclude(file=None).values_list("day", flat=True)})
    first = ranges.aggregate(first=Min("from_block"))["first"]
    transfers = ChainTransfer.objects.filter(block__in=gone, orphaned_at=None).update(orphaned_at=Now())
    blocks = gone.update(orphaned_at=Now(), proposal_id=proposal_id)
    ranges.update(withdrawn_at=Now(), proposal_id=proposal_id)
    reached = fork if fork >= 0 else None
    cursor.next_block, cursor.head, cursor.safe, cursor.final = fork + 1, reached, reached, reached
    if first is not None:
        cursor.proven_through = first - 1
    # Whoever reads it at the moment has lost it; the next one begins at the fork at once.
    cursor.problem, cursor.heartbeat_at = None, None
    cursor.save()
    return blocks, transfers, days
