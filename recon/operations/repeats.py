"""Lines that an overlapping delivery repeated: one of them counts after all once a second person agrees that it is no duplicate."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.models import Item, Reconciliation, RepeatedLine
from recon.operations.corrections import scope_of
from recon.operations.counting import count_repeated_line
from recon.operations.runs import queue_run

COUNT_REPEATED = "recon.count_repeated_line"


class RepeatRefused(Refusal):
    """The line repeats nothing, or counts already."""

    code = "repeat_refused"
    kind = RefusalKind.CONFLICT


def propose_counting(*, line_id: int, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Say that a repeated line is no duplicate.

    :raises RepeatRefused: if it repeats nothing or counts already.
    """
    payload = {"line": str(line_id), "reason_code": reason_code, "narrative": narrative.strip()}
    return approvals.submit(kind=COUNT_REPEATED, payload=payload, maker_id=maker_id)


def check_counting(*, payload: Mapping[str, Any]) -> Command:
    """Understand the proposal against the present state, locking the repetition.

    :raises RepeatRefused: if the line repeats nothing or counts already.
    """
    repeated = _locked(int(payload["line"]))
    if repeated is None:
        raise RepeatRefused("this line repeats no other: it counts, or its statement does not", field="line")
    line, source = repeated.line, repeated.line.statement.source
    if repeated.counted_at is not None:
        raise RepeatRefused("this line counts already", field="line")
    if hasattr(line.statement, "superseded_by"):
        raise RepeatRefused("a newer version of this statement is in", field="line")
    return Command(
        payload={
            **payload,
            "repeats": str(repeated.repeats_id),
            "amount_minor": str(line.amount_minor),
            "asset": source.asset.code,
            "scale": source.asset.scale,
        },
        title=f"Count line {line.ordinal} of {source.name}, {line.statement.closing_date}: it is no duplicate",
        scope=scope_of(source_id=source.pk),
        target_type="recon.statement",
        target_id=str(line.statement_id),
        locked_object=f"recon.line:{line.pk}",
        preconditions={"line": str(line.pk), "repeats": str(repeated.repeats_id)},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def count_line(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> Item:
    """Let the approved line count: it becomes an item, and a run is queued.

    :raises PreconditionChanged: if it counts already, or its statement was restated meanwhile.
    """
    repeated = _locked(int(payload["line"]))
    if repeated is None or repeated.counted_at is not None or str(repeated.repeats_id) != preconditions["repeats"]:
        raise PreconditionChanged("the line no longer waits as a repeated one")
    line = repeated.line
    if hasattr(line.statement, "superseded_by"):
        raise PreconditionChanged("a newer version of this statement is in")
    reconciliation = Reconciliation.objects.select_for_update(no_key=True).get(source=line.statement.source_id, home=True)
    RepeatedLine.objects.filter(pk=repeated.pk).update(proposal_id=proposal_id, counted_at=Now())
    item_id = count_repeated_line(line=line.pk, reconciliation=reconciliation)
    record_event(
        "recon.line.counted",
        target_type="recon.statement",
        target_id=line.statement_id,
        reason=payload["reason_code"],
        after={"line": line.pk, "ordinal": line.ordinal, "repeats": repeated.repeats_id, "item": item_id},
        proposal_id=proposal_id,
    )
    queue_run(reconciliation=reconciliation, requested_by_id=None)
    return Item.objects.get(pk=item_id)


def _locked(line_id: int) -> RepeatedLine | None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM recon_repeated_line WHERE line_id = %s FOR UPDATE", [line_id])
    around = ("line__statement__source__asset", "line__statement__superseded_by", "repeats__statement")
    return RepeatedLine.objects.select_related(*around).filter(pk=line_id).first()
