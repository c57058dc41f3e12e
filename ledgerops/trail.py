"""The way back from a posted entry to the bank's file: it crosses every app, so it stands above them all."""

from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from approvals import queries as approvals
from approvals.models import Decision, Proposal, ProposalVersion, User
from audit.models import AuditEvent
from audit.queries import timeline_of
from ledger import queries as ledger
from ledger.models import JournalEntry, Posting
from ledgerops.lib.http import requires
from recon import queries as recon
from recon.models import Allocation, Break, Match, Statement, StatementLine


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The proposal behind a manual entry: who asked, in which versions, who decided."""

    proposal: Proposal
    versions: list[ProposalVersion]
    decisions: list[Decision]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """A match that one of the entry's postings belongs to, with what stands on the other side and the breaks that it closed."""

    match: Match
    ledger_items: list[Allocation]
    lines: list[StatementLine]
    breaks: list[Break]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """Everything known of where an entry came from, as far as the reader may see; `hidden` names what lies outside their sight."""

    entry: JournalEntry
    postings: list[Posting]
    asked: Asked | None
    explained: list[Explained]
    statements: list[Statement]
    events: list[AuditEvent]
    hidden: list[str] = field(default_factory=list)


@require_safe
@requires("ledger.view_journalentry")
def trail(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Show the chain from an entry through its proposal, break, match and statement line to the file."""
    assert isinstance(request.user, User)
    return render(request, "ledgerops/trail.html", {"trail": trail_of(request.user, entry_id=entry_id)})


def trail_of(user: User, *, entry_id: UUID) -> Trail:
    """Return the trail of one entry.

    :raises EntryNotFound: if the entry does not exist or lies outside the user's sight.
    """
    entry = ledger.entry_for(user, entry_id=entry_id)
    hidden: list[str] = []
    matches = list(
        Match.objects.filter(allocations__item__entry_id=entry.pk, allocations__revoked_at=None).select_related("made_by", "run")
    )
    explained = [_explained(user, match=match) for match in matches if _sees(user, match=match)]
    if len(explained) < len(matches):
        hidden.append("matches of sources outside your sight")
    asked = _asked(user, entry=entry)
    if entry.proposal_id is not None and asked is None:
        hidden.append("its proposal")
    statement_ids = {line.statement_id for match in explained for line in match.lines}
    if statement_ids and not user.has_perm("recon.view_statement"):
        hidden.append("statements and files")
        statement_ids = set()
    return Trail(
        entry=entry,
        postings=list(ledger.postings_of(entry)),
        asked=asked,
        explained=explained,
        statements=list(recon.statements_for(user).filter(pk__in=statement_ids).select_related("file__received_by")),
        events=list(timeline_of(target_type="ledger.journal_entry", target_id=entry.pk)),
        hidden=hidden,
    )


def _asked(user: User, *, entry: JournalEntry) -> Asked | None:
    if entry.proposal_id is None or not user.has_perm("approvals.view_proposal"):
        return None
    proposal = approvals.proposals_for(user).filter(pk=entry.proposal_id).first()
    if proposal is None:
        return None
    versions = list(approvals.versions_of(proposal))
    return Asked(proposal=proposal, versions=versions, decisions=[decision for version in versions for decision in version.decisions.all()])


def _sees(user: User, *, match: Match) -> bool:
    return user.has_perm("recon.view_break") and recon.reconciliations_for(user).filter(pk=match.reconciliation_id).exists()


def _explained(user: User, *, match: Match) -> Explained:
    allocations = list(
        Allocation.objects.filter(match=match, revoked_at=None)
        .select_related("item__statement_line__statement__source__asset", "item__reconciliation__source__asset")
        .order_by("item__side", "pk")
    )
    return Explained(
        match=match,
        ledger_items=[allocation for allocation in allocations if allocation.item.statement_line is None],
        lines=[allocation.item.statement_line for allocation in allocations if allocation.item.statement_line is not None],
        breaks=list(recon.breaks_for(user).filter(resolved_by=match)),
    )
