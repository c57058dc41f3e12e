"""Reading chain sources for their pages and the API: how far each is, what moved, what was dropped, what is proven."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db.models import Count, F, Q, QuerySet
from django.db.models.lookups import IsNull

from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import (
    Break,
    BreakState,
    BreakType,
    ChainBlock,
    ChainRange,
    ChainSource,
    ChainStage,
    ChainTransfer,
    RangeStatus,
    Source,
    SourceKind,
)
from recon.queries import sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

DROPPED_SHOWN = 10
ORPHANED = "orphaned"


class ChainNotFound(Refusal):
    code = "chain_not_found"
    kind = RefusalKind.NOT_FOUND


def chains_for(user: "AbstractUser") -> QuerySet[ChainSource]:
    """Return the chain sources in the user's scope, by name."""
    sources = sources_for(user).order_by().values("pk")
    return ChainSource.objects.filter(source__in=sources).select_related("source__asset", "cursor", "set_by").order_by("source__code")


def chain_for(user: "AbstractUser", *, source_id: int) -> ChainSource:
    """Return one chain source.

    :raises ChainNotFound: if it is not there for this user.
    """
    return _found(chains_for(user).filter(pk=source_id).first())


def chain_of(user: "AbstractUser", *, code: str) -> ChainSource:
    """Return the chain source of this code.

    :raises ChainNotFound: if it is not there for this user.
    """
    return _found(chains_for(user).filter(source__code=code).first())


def _found(chain: ChainSource | None) -> ChainSource:
    if chain is None:
        raise ChainNotFound("there is no such chain source in your scope")
    return chain


def unfollowed_sources_for(user: "AbstractUser") -> QuerySet[Source]:
    """Return the sources of kind chain of which nobody has said yet what is followed."""
    return sources_for(user).filter(kind=SourceKind.CHAIN, chain__isnull=True)


def transfers_of(chain: ChainSource, *, stage: str = "", counted: bool | None = None) -> QuerySet[ChainTransfer]:
    """Return a source's transfers, newest first; `stage` is one of a block's, or orphaned."""
    rows = ChainTransfer.objects.filter(chain=chain).select_related("block").order_by("-id")
    if stage == ORPHANED:
        rows = rows.filter(orphaned_at__isnull=False)
    elif stage:
        rows = rows.filter(orphaned_at=None, block__stage=stage)
    if counted is None:
        return rows
    return rows.filter(uncounted="") if counted else rows.exclude(uncounted="")


def ranges_of(chain: ChainSource) -> QuerySet[ChainRange]:
    return ChainRange.objects.filter(chain=chain).select_related("file").order_by("-to_block")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """A transfer with where it went when its block was dropped: the live row of the same place in the same transaction."""

    row: ChainTransfer
    now: ChainTransfer | None
    confirmations: int | None


def with_successors(chain: ChainSource, rows: Sequence[ChainTransfer]) -> list[Moved]:
    """Return the transfers with how deep they are, and those that were orphaned with where they are now."""
    orphaned = [row.tx_hash for row in rows if row.orphaned_at]
    found = ChainTransfer.objects.filter(chain=chain, tx_hash__in=orphaned, orphaned_at=None).select_related("block") if orphaned else []
    live = {(row.tx_hash, row.log_index): row for row in found}
    head = chain.cursor.head
    return [
        Moved(
            row=row,
            now=live.get((row.tx_hash, row.log_index)) if row.orphaned_at else None,
            confirmations=None if row.orphaned_at or head is None else max(head - row.block.number + 1, 0),
        )
        for row in rows
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a chain source stands: transfers by stage, the last range, the last day delivered, and ranges that prove nothing."""

    chain: ChainSource
    transfers: dict[str, int]
    uncounted: int
    latest: ChainRange | None
    delivered: ChainRange | None
    unproven: int


def standings_of(chains: Sequence[ChainSource]) -> list[Standing]:
    """Return where each chain source stands, at a cost that does not grow with their number."""
    ids = [chain.pk for chain in chains]
    counts: dict[int, dict[str, int]] = {pk: dict.fromkeys([*ChainStage.values, ORPHANED], 0) for pk in ids}
    uncounted = dict.fromkeys(ids, 0)
    with_life = ChainTransfer.objects.filter(chain__in=ids).annotate(is_live=IsNull(lhs=F("orphaned_at"), rhs=True))
    grouped = with_life.order_by().values_list("chain", "block__stage", "is_live")
    for pk, stage, is_live, rows, left_out in grouped.annotate(rows=Count("pk"), left_out=Count("pk", filter=~Q(uncounted=""))):
        counts[pk][stage if is_live else ORPHANED] += rows
        uncounted[pk] += left_out if is_live else 0
    ranges = ChainRange.objects.filter(chain__in=ids, withdrawn_at=None)
    latest = {one.chain_id: one for one in ranges.order_by("chain_id", "-to_block").distinct("chain_id")}
    delivered = {one.chain_id: one for one in ranges.exclude(file=None).order_by("chain_id", "-to_block").distinct("chain_id")}
    unproven = dict(ranges.filter(status=RangeStatus.UNPROVEN).order_by().values_list("chain").annotate(n=Count("pk")))
    return [
        Standing(
            chain=chain,
            transfers=counts[chain.pk],
            uncounted=uncounted[chain.pk],
            latest=latest.get(chain.pk),
            delivered=delivered.get(chain.pk),
            unproven=unproven.get(chain.pk, 0),
        )
        for chain in chains
    ]


def dropped_blocks_of(chain: ChainSource) -> list[tuple[ChainBlock, ChainBlock | None]]:
    """Return the blocks dropped last, each with the one that stands in its place."""
    dropped = list(ChainBlock.objects.filter(chain=chain, orphaned_at__isnull=False).order_by("-orphaned_at", "-number")[:DROPPED_SHOWN])
    live = ChainBlock.objects.filter(chain=chain, orphaned_at=None, number__in=[block.number for block in dropped])
    standing = {block.number: block for block in live}
    return [(block, standing.get(block.number)) for block in dropped]


@dataclass(frozen=True, slots=True, kw_only=True)
class ForkedTransfer:
    """A transfer of a block that was final and is no more: where it was, and where the other chain has it, if it has."""

    tx: str
    log: int
    signed: int
    counts: bool
    was: dict[str, Any]
    now: dict[str, Any] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fork:
    """What the break of a reorganised chain shows. `waiting` are days of the accepted chain that were not delivered anew yet."""

    chain: ChainSource
    fork: int
    blocks: list[dict[str, Any]]
    block_count: int
    transfers: list[ForkedTransfer]
    transfer_count: int
    days: list[date]
    waiting: list[date]
    is_accepted: bool


def fork_of(recon_break: Break) -> Fork:
    """Return what is behind the break of a chain that has other blocks than those that were final."""
    cause = recon_break.cause
    accepted = "accepted" in cause
    transfers = [
        ForkedTransfer(
            tx=one["tx"],
            log=one["log"],
            signed=int(one["value"]) if one["flow"] == "in" else -int(one["value"]),
            counts=one["counts"],
            was=one["was"],
            now=one["now"],
        )
        for one in cause["transfers"]
    ]
    return Fork(
        chain=ChainSource.objects.select_related("source__asset").get(pk=recon_break.reconciliation.source_id),
        fork=cause["fork"],
        blocks=cause["blocks"],
        block_count=cause["block_count"],
        transfers=transfers,
        transfer_count=cause["transfer_count"],
        days=[date.fromisoformat(day) for day in cause["days"]],
        waiting=[date.fromisoformat(day) for day in undelivered_days(recon_break)] if accepted and recon_break.is_live else [],
        is_accepted=accepted,
    )


def undelivered_days(recon_break: Break) -> list[str]:
    """Return the days of an accepted chain that have not been delivered anew."""
    standing = ChainRange.objects.filter(chain=recon_break.reconciliation.source_id, withdrawn_at=None)
    standing = standing.filter(day__in=recon_break.cause["days"])
    delivered = {day.isoformat() for day in standing.exclude(file=None).values_list("day", flat=True)}
    not_yet = {day.isoformat() for day in standing.filter(file=None).values_list("day", flat=True)}
    return [day for day in recon_break.cause["days"] if day not in delivered or day in not_yet]


def waiting_beside(recon_break: Break) -> int:
    """Return how many breaks of the days that would be delivered anew wait for a decision of their own."""
    of_days = Break.objects.filter(state=BreakState.PROPOSED, statement_item__statement_line__booking_date__in=recon_break.cause["days"])
    return of_days.filter(statement_item__statement_line__statement__source=recon_break.reconciliation.source_id).count()


def live_fork_of(chain: ChainSource) -> Break | None:
    """Return the live break of a chain that was reorganised after it was final."""
    of_chain = Break.objects.filter(reconciliation__source=chain.pk, type=BreakType.CHAIN_REORG)
    return of_chain.exclude(state=BreakState.RESOLVED).first()
