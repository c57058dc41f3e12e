"""A statement in its next version: lines that stay keep their items and matches, lines that are gone withdraw theirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from audit.operations import record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Allocation, Break, BreakState, Item, Match, Reconciliation, Statement
from recon.operations.explaining import halve_pairs
from recon.operations.items import settle_items
from recon.operations.matches import reopen_breaks
from recon.operations.overtaking import held_by, in_words

# Lines are the same when they say the same, the n-th of a content being the n-th of it in the version before.
_PAIRS = """
WITH lines AS (
    SELECT l.id, l.statement_id, l.content_key, l.booked,
           row_number() OVER (PARTITION BY l.statement_id, l.content_key, l.booked ORDER BY l.ordinal) AS n
    FROM recon_statement_line l WHERE l.statement_id IN (%(old)s, %(new)s)),
pairs AS MATERIALIZED (
    SELECT o.id AS old, s.id AS new FROM lines o JOIN lines s USING (content_key, booked, n)
    WHERE o.statement_id = %(old)s AND s.statement_id = %(new)s)
"""

_MOVE = (
    _PAIRS
    + """,
repeated AS (
    INSERT INTO recon_repeated_line (line_id, repeats_id)
    SELECT p.new, r.repeats_id FROM pairs p JOIN recon_repeated_line r ON r.line_id = p.old WHERE r.counted_at IS NULL),
moved AS (
    UPDATE recon_item i SET statement_line_id = p.new FROM pairs p
    WHERE i.statement_line_id = p.old AND i.withdrawn_by_id IS NULL RETURNING 1)
SELECT count(*) FROM moved
"""
)

_GONE = """
SELECT i.id FROM recon_item i JOIN recon_statement_line l ON l.id = i.statement_line_id
WHERE l.statement_id = %s AND i.withdrawn_by_id IS NULL ORDER BY i.id
"""


class RestatementWaits(Refusal):
    """A line that would be withdrawn belongs to a break whose proposal is not decided yet."""

    code = "restatement_waits"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated:
    """What a new version did: items that moved on, items withdrawn, and the matches that were undone with them."""

    kept: int
    withdrawn: int
    matches: Sequence[UUID]


def restate(*, statement: Statement, reconciliation: Reconciliation) -> Restated:
    """Carry items from the version before over to `statement`, which is written already with its lines.

    :raises RestatementWaits: if a proposal is waiting on a line that is gone.
    """
    kept = 0
    if statement.purpose != "deletion":
        with connection.cursor() as cursor:
            cursor.execute(_MOVE, {"old": statement.supersedes_id, "new": statement.pk})
            (kept,) = cursor.fetchone()
    with connection.cursor() as cursor:
        cursor.execute(_GONE, [statement.supersedes_id])
        gone = [pk for (pk,) in cursor.fetchall()]
    _refuse_if_proposed(gone)
    matches = _withdraw(gone, by=statement)
    _close_breaks(by=statement, reconciliation=reconciliation)
    return Restated(kept=kept, withdrawn=len(gone), matches=matches)


def matches_undone_by_withdrawing(item_ids: Sequence[int]) -> list[UUID]:
    """Return the matches that hold one of these items."""
    held = Allocation.objects.filter(item__in=item_ids, revoked_at=None)
    return sorted(set(held.values_list("match", flat=True)))


def _refuse_if_proposed(item_ids: Sequence[int]) -> None:
    waiting = Break.objects.filter(statement_item__in=item_ids, state=BreakState.PROPOSED).order_by("number").first()
    if waiting is not None:
        told = held_by(waiting)
        raise RestatementWaits(
            f"a line that the new version no longer has belongs to {waiting.public_number}, whose proposal is to be decided first"
            f"{in_words(told, by=': proposed by ')}",
            break_id=str(waiting.pk),
            **told,
        )


def _withdraw(item_ids: Sequence[int], *, by: Statement) -> list[UUID]:
    """Revoke every match that holds one of the items, open its other items again, and withdraw the items themselves."""
    matches = matches_undone_by_withdrawing(item_ids)
    freed = list(Allocation.objects.filter(match__in=matches, revoked_at=None).exclude(item__in=item_ids).values_list("item", flat=True))
    Allocation.objects.filter(match__in=matches, revoked_at=None).update(revoked_at=Now())
    Item.objects.filter(pk__in=item_ids).update(open_minor=0, withdrawn_by=by)
    settle_items(freed)
    reopen_breaks(matches, reason="restated")
    for match in Match.objects.filter(pk__in=matches).order_by("pk"):
        record_event(
            "recon.match.revoked",
            target_type="recon.match",
            target_id=match.pk,
            reason="restated",
            before={"method": match.method},
            after={"statement": by.pk, "freed_items": len(freed)},
        )
    return matches


def _close_breaks(*, by: Statement, reconciliation: Reconciliation) -> None:
    """Close what was about nothing but a line that is gone; a pair becomes the break of its other side."""
    # A line has an item in every reconciliation that its source is part of.
    holding = Item.objects.filter(withdrawn_by=by).values_list("reconciliation", flat=True)
    for reconciliation_id in sorted({reconciliation.pk, *holding}):
        halve_pairs(reconciliation_id=reconciliation_id)
    about_gone = Break.objects.filter(statement_item__withdrawn_by=by, ledger_item=None).exclude(state=BreakState.RESOLVED)
    for recon_break in about_gone.order_by("number"):
        recon_break.state, recon_break.withdrawn_by, recon_break.resolved_at = BreakState.RESOLVED, by, by.accepted_at
        recon_break.version += 1
        recon_break.save(update_fields=["state", "withdrawn_by", "resolved_at", "version"])
        record_event("recon.break.withdrawn", target_type="recon.break", target_id=recon_break.pk, after={"statement": by.pk})
