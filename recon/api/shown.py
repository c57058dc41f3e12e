"""Files and breaks as the API answers them in full."""

from typing import Any
from uuid import UUID

from django.utils.timezone import localdate

from approvals.api.serializers import ProposalFields
from approvals.models import User
from approvals.queries import proposals_about
from audit.api.serializers import Event
from audit.queries import timeline_of
from ledgerops.lib import money
from recon import break_queries, file_queries, queries, side_queries, work_queries
from recon.api import judging_serializers, serializers
from recon.break_clock import Clock
from recon.break_queries import Neighbourhood
from recon.matching.comparison import FieldRow, compared
from recon.matching.explanations import why_matched
from recon.matching.nearest import Answer
from recon.models import Break, BreakType, FileStatus, StatementFile
from recon.operations import statements_in

TIMELINE_SHOWN = 200


def file_in_full(user: User, *, file_id: UUID) -> dict[str, Any]:
    """Return a file with what it says while it waits, and with what was accepted from it as far as the user sees its sources.

    :raises FileNotFound: if it is not there for this user.
    """
    file = queries.file_for(user, file_id=file_id)
    shown = serializers.FileFields(file).data
    shown["preview"] = _preview(user, file=file) if file.status == FileStatus.RECEIVED else None
    job = file_queries.jobs_of([file]).get(file.pk)
    shown["job"] = job and serializers.JobFields(job).data
    shown["open_rows"] = file_queries.open_rows_of(file)
    taken = queries.statements_for(user).filter(file=file).order_by("ordinal")
    shown["statements"] = serializers.StatementFields(taken, many=True).data
    return shown


def _preview(user: User, *, file: StatementFile) -> list[dict[str, Any]]:
    sources = {(source.identifier, source.asset.code): source.code for source in queries.sources_for(user)}
    chosen = file.source.identifier if file.source else ""
    return [
        {
            **serializers.ParsedFields(statement).data,
            "source": sources.get((statement.account or chosen, statement.currency)),
            "line_count": statement.line_count,
        }
        for statement in statements_in(file)
    ]


def break_in_full(user: User, *, break_id: UUID) -> dict[str, Any]:
    """Return a break with both sides, their comparison, candidates with reasons, proposals and what happened.

    :raises BreakNotFound: if it is not there for this user.
    """
    recon_break = queries.break_for(user, break_id=break_id)
    asset = recon_break.reconciliation.source.asset
    items = [item for item in (recon_break.ledger_item, recon_break.statement_item) if item is not None]
    facts = queries.facts_of_items(items)
    ledger = facts.get(recon_break.ledger_item_id or 0)
    statement = facts.get(recon_break.statement_item_id or 0)
    rows = compared(ledger, statement, scale=asset.scale, asset=asset.code) if ledger and statement else []
    around = break_queries.neighbourhood_of(recon_break) if recon_break.is_live else None
    candidates = break_queries.candidates_of(recon_break, around=around) if around else []
    timeline = timeline_of(target_type="recon.break", target_id=recon_break.pk)[:TIMELINE_SHOWN]
    proposals = proposals_about(target_type="recon.break", target_id=recon_break.pk)
    return {
        **serializers.BreakFields(recon_break).data,
        "explanation": _explanation(recon_break, around=around),
        "ledger": ledger and serializers.LedgerFacts(ledger).data,
        "statement": statement and serializers.StatementFacts(statement).data,
        "comparison": [_compared_field(row) for row in rows],
        "candidates": serializers.CandidateFields(candidates, many=True).data,
        "suggestions": judging_serializers.SuggestionFields(break_queries.suggestions_of(recon_break) if around else [], many=True).data,
        "resolved_by": recon_break.resolved_by and serializers.MatchFields(recon_break.resolved_by).data,
        "proposals": ProposalFields(proposals, many=True).data,
        "timeline": Event(timeline, many=True).data,
        **_standing(recon_break, user=user),
    }


def _standing(recon_break: Break, *, user: User) -> dict[str, Any]:
    """Return where a break stands in the queue."""
    clock, work = Clock(today=localdate()), work_queries.work_of(recon_break, user=user)
    return {
        "nature": clock.nature_of(recon_break),
        "due_on": clock.due_on(recon_break).isoformat(),
        "labels": [code for code, _ in work["labels"]],
        "root_cause": recon_break.root_cause_id,
        "snoozed_until": recon_break.snoozed_until and recon_break.snoozed_until.isoformat(),
        "snooze_reason": recon_break.snooze_reason,
        "previous_assignee": recon_break.previous_assignee and recon_break.previous_assignee.username,
        "watched": work["watched"],
    }


def why_in_full(user: User, *, break_id: UUID) -> list[Answer]:
    """Return for each pass of the rules in force why it left a break open; none for what is resolved or waits for a file.

    :raises BreakNotFound: if it is not there for this user.
    """
    recon_break = queries.break_for(user, break_id=break_id)
    around = break_queries.neighbourhood_of(recon_break) if recon_break.is_live else None
    return break_queries.why_not_matched_by_pass(recon_break, around=around) if around else []


def _explanation(recon_break: Break, *, around: Neighbourhood | None) -> str:
    match = recon_break.resolved_by
    if match is not None:
        return why_matched(explanation=match.explanation, made_by=match.made_by.shown_name if match.made_by else "")
    if recon_break.type == BreakType.CHAIN_REORG:
        cause = recon_break.cause
        words = f"block {cause['kept']['block']} was final as {cause['kept']['hash']} and is {cause['now'] or 'gone'} now"
        return recon_break.resolution or words
    if around is None:
        days = ", ".join(recon_break.missing_days)
        return recon_break.resolution or f"the reports on {days} have not come"
    asset = recon_break.reconciliation.source.asset
    gap = f"{money.grouped(abs(int(recon_break.difference_minor)), scale=asset.scale)} {asset.code}"
    return side_queries.why_left_open(recon_break, around=around, gap=gap, sides=side_queries.sides_of(recon_break))


def _compared_field(row: FieldRow) -> dict[str, Any]:
    return {
        "field": row.field,
        "ledger": "".join(segment.text for segment in row.comparison.left),
        "statement": "".join(segment.text for segment in row.comparison.right),
        "result": row.comparison.result,
        "differs": row.comparison.differs,
    }
