"""One break: the evidence, the acts it allows, and what happened to it."""

import json
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from approvals import operations as approvals
from approvals.models import Proposal, User
from approvals.queries import current_policy, eligible_approvers, proposals_about, reason_codes
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import break_queries, chain_queries, operations, queries, resolution_queries, source_queries, work_queries
from recon.break_clock import Clock
from recon.models import Break, BreakState, BreakType
from recon.operations import ADJUSTMENT
from recon.operations.breaks import CommentRefused
from recon.web.breaks import filters
from recon.web.breaks.evidence import Evidence, evidence_of
from recon.web.breaks.forms import ProposalForm, default_date, ids_in, preview_of
from recon.web.breaks.listing import assignee_from, row_of, user_of, work_lists
from recon.web.breaks.queue import queue_around
from recon.web.breaks.revising import Revision, kind_of, revision_of
from recon.web.breaks.timeline import timeline

TEMPLATE = "recon/breaks/case.html"
# What htmx may ask for by the id of the element it will replace.
PARTS = {
    "case": ("case", f"{TEMPLATE}#case"),
    "case-head": ("head", f"{TEMPLATE}#head"),
    "timeline": ("timeline", f"{TEMPLATE}#timeline"),
    "preview": ("preview", "recon/breaks/preview_alone.html"),
}
PROPOSAL_REFUSALS = (
    operations.AdjustmentRefused,
    operations.BreakRefused,
    operations.MatchRefused,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
    approvals.NotYours,
    approvals.NotOpen,
)
# Where the maker writes the next version of what is not an adjustment.
REVISED_AT = {operations.WRITE_OFF: "recon:write_off", operations.REBOOK: "recon:rebook"}
# How long items are kept apart unless somebody says otherwise.
APART_DAYS = 30
# What says that the break or its proposal is not as the reader saw it, rather than that a field is wrong.
OVERTAKEN = (operations.BreakRefused, approvals.NotYours, approvals.NotOpen)


@require_safe
@requires("recon.view_break")
def break_page(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """The investigation; its parts are asked for alone when the queue, a candidate or a field of the proposal is touched.

    What is revised elsewhere leads there.
    """
    if route := REVISED_AT.get(kind_of(request.GET.get("revise", ""))):
        return redirect(route, break_id)
    return render_break(request, recon_break=queries.break_for(user_of(request), break_id=break_id))


@require_POST
@requires("recon.work_break")
def assign(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Give the break to whom the form names; the toast can take it back."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    before = recon_break.assignee
    assignee = assignee_from(request.POST.get("assignee") or request.GET.get("assignee", "me"), user=user)
    try:
        operations.assign_break(break_id=break_id, assignee_id=assignee.pk if assignee else None)
    except operations.BreakRefused as refusal:
        return render_break(request, recon_break=queries.break_for(user, break_id=break_id), stale=refusal)
    said = "Given back" if assignee is None else f"Assigned to {'you' if assignee == user else assignee.shown_name}"
    if not request.headers.get("HX-Request"):
        messages.success(request, said)
        return redirect(address_of(request, break_id))
    toast = {"text": said, "tone": "good"}
    if request.headers.get("HX-Target") != "case-head":
        return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"toast": toast, "breaksChanged": {}})})
    undo = urlencode({"assignee": before.username if before else "nobody"})
    toast["undo"] = f"{reverse('recon:assign_break', args=[break_id])}?{undo}"
    response = render_break(request, recon_break=queries.break_for(user, break_id=break_id))
    response.headers["HX-Trigger"] = json.dumps({"toast": toast})
    return response


@require_POST
@requires("recon.work_break")
def comment(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Write a comment; an empty one comes back with its reason."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    text = request.POST.get("text", "")
    try:
        operations.comment_on_break(break_id=break_id, author_id=user.pk, text=text)
    except CommentRefused as refusal:
        return render_break(request, recon_break=recon_break, comment_text=text, comment_refusal=refusal)
    if request.headers.get("HX-Target") == "timeline":
        return render_break(request, recon_break=recon_break)
    return redirect(f"{address_of(request, break_id)}#timeline")


@require_POST
@requires("recon.match_items")
def accept_suggestion(request: HttpRequest, break_id: UUID, suggestion_id: UUID) -> HttpResponse:
    """Make a match of what a run suggested; what has changed meanwhile is shown as it is now."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    suggestion = break_queries.suggestion_for(user, suggestion_id=suggestion_id)
    try:
        operations.accept_suggestion(suggestion_id=suggestion.pk, accepted_by_id=user.pk)
    except (operations.SuggestionRefused, operations.MatchRefused) as refusal:
        return render_break(request, recon_break=queries.break_for(user, break_id=break_id), stale=refusal)
    messages.success(request, f"Matched. {recon_break.public_number} is resolved.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.match_items")
def dismiss_suggestion(request: HttpRequest, break_id: UUID, suggestion_id: UUID) -> HttpResponse:
    """Say that a suggestion is wrong, and until when its sides are kept apart."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    suggestion = break_queries.suggestion_for(user, suggestion_id=suggestion_id)
    try:
        operations.dismiss_suggestion(
            suggestion_id=suggestion.pk, dismissed_by_id=user.pk, reason=request.POST.get("reason", ""), until=_until(request)
        )
    except (operations.SuggestionRefused, operations.SuggestionInvalid) as refusal:
        return render_break(request, recon_break=recon_break, stale=refusal)
    messages.success(request, "Dismissed. The items are kept apart.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.match_items")
def never_match(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Keep the break's item and another apart until a date."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    own, other = recon_break.ledger_item_id or recon_break.statement_item_id or 0, request.POST.get("item", "")
    try:
        operations.never_match(
            item_ids=[own, int(other) if other.isdecimal() else 0],
            said_by_id=user.pk,
            reason=request.POST.get("reason", ""),
            until=_until(request),
        )
    except operations.SuggestionInvalid as refusal:
        return render_break(request, recon_break=recon_break, stale=refusal)
    messages.success(request, "The two are kept apart.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.undo_match")
def undo_match(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Undo the match that resolved the break."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    if recon_break.resolved_by_id is None:
        raise operations.UndoRefused(f"{recon_break.public_number} is resolved by no match")
    try:
        operations.undo_match(match_id=recon_break.resolved_by_id, undone_by_id=user.pk, reason=request.POST.get("reason", ""))
    except (operations.UndoRefused, operations.UndoInvalid) as refusal:
        return render_break(request, recon_break=recon_break, stale=refusal)
    messages.success(request, f"The match is undone. {recon_break.public_number} is open again.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.work_break")
def see_challenge(request: HttpRequest, break_id: UUID, challenge_id: int) -> HttpResponse:
    """Say what was found about a match that something later would have made ambiguous."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    challenge = break_queries.challenge_for(user, challenge_id=challenge_id)
    try:
        operations.see_challenge(challenge_id=challenge.pk, seen_by_id=user.pk, verdict=request.POST.get("verdict", ""))
    except (operations.ChallengeRefused, operations.ChallengeInvalid) as refusal:
        return render_break(request, recon_break=recon_break, stale=refusal)
    return redirect(address_of(request, break_id))


def _until(request: HttpRequest) -> date:
    """Return the date until which items are kept apart; what is none is refused as one that is past."""
    try:
        return date.fromisoformat(request.POST.get("until", ""))
    except ValueError:
        return date.min


@require_POST
@requires("recon.propose_adjustment")
def propose(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Ask for the entry that makes the sides agree; what is refused comes back at its field with the input kept."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    form = ProposalForm(request.POST, recon_break=recon_break, user=user)
    if not form.is_valid():
        return render_break(request, recon_break=recon_break, form=form, status=422)
    try:
        proposal = operations.propose_adjustment(request=form.request(), maker_id=user.pk)
    except PROPOSAL_REFUSALS as refusal:
        return _refused(request, break_id=break_id, form=form, refusal=refusal)
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.propose_adjustment")
def revise(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Submit the next version after a checker asked for changes; what is refused comes back as in proposing."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    returned = proposals_about(target_type="recon.break", target_id=break_id).first()
    if returned is None:
        raise approvals.NotOpen("nothing about this break has been proposed")
    form = ProposalForm(request.POST, recon_break=recon_break, user=user, revises=returned)
    if not form.is_valid():
        return render_break(request, recon_break=recon_break, form=form, status=422)
    try:
        proposal = operations.revise_adjustment(proposal_id=returned.pk, request=form.request(), maker_id=user.pk)
    except PROPOSAL_REFUSALS as refusal:
        return _refused(request, break_id=break_id, form=form, refusal=refusal)
    messages.success(request, f"Version {proposal.current_version} of {proposal.public_number} waits for approval.")
    return redirect(address_of(request, break_id))


def _refused(request: HttpRequest, *, break_id: UUID, form: ProposalForm, refusal: Refusal) -> HttpResponse:
    """Show the break as it is now with what was refused, and the input kept."""
    fresh = queries.break_for(user_of(request), break_id=break_id)
    if isinstance(refusal, OVERTAKEN):
        # They see the break as it is now, so what they send next rests on that.
        form.rest_on(fresh.version)
        return render_break(request, recon_break=fresh, form=form, stale=refusal)
    form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
    return render_break(request, recon_break=fresh, form=form, status=STATUS_OF[refusal.kind])


def render_break(
    request: HttpRequest,
    *,
    recon_break: Break,
    form: ProposalForm | None = None,
    stale: Refusal | None = None,
    comment_text: str = "",
    comment_refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    """Render the break's page or the part htmx asked for, with what was refused and the input that led to it."""
    user = user_of(request)
    about = proposals_about(target_type="recon.break", target_id=recon_break.pk)
    proposals = list(about.prefetch_related("versions", "decisions__approver"))
    revision = revision_of(recon_break, proposals=proposals, user=user)
    take = str(form["take"].value() or "") if form else revision.values["take"] if revision else ""
    stale_feed = recon_break.type == BreakType.STALE_FEED
    chosen_id = request.GET.get("candidate") or take.partition(",")[0]
    evidence = None if recon_break.is_of_a_source else evidence_of(recon_break, chosen_id=chosen_id)
    happenings = timeline(recon_break, proposals=proposals)
    clock = Clock(today=timezone.localdate())
    queue = queue_around(recon_break, query=request.GET, user=user, clock=clock)
    context = {
        **frame_of(request, recon_break, clock=clock),
        "evidence": evidence,
        "fork": chain_queries.fork_of(recon_break) if recon_break.type == BreakType.CHAIN_REORG else None,
        "fork_reasons": reason_codes(kind=operations.ACCEPT_CHAIN) if recon_break.type == BreakType.CHAIN_REORG else (),
        "held_up": source_queries.waiting_for(recon_break, now=timezone.now()) if stale_feed else None,
        "accept": _acceptable(recon_break, evidence=evidence) if evidence else "",
        "proposals": proposals,
        "waiting": next((proposal for proposal in proposals if proposal.is_open), None),
        "happenings": happenings,
        "queue": queue,
        "neighbours": [("Previous", queue.previous, "chevron-up"), ("Next", queue.next, "chevron-down")],
        "order_words": filters.order_words(request.GET),
        "stale": sentence_of(stale) if stale else "",
        "last": happenings[-1] if stale else None,
        "kept": str(form["narrative"].value() or "") if stale and form else "",
        **work_queries.work_of(recon_break, user=user),
        **work_lists(),
        "apart_until": timezone.localdate() + timedelta(days=APART_DAYS),
        "may_undo": recon_break.resolved_by_id is not None and user.has_perm("recon.undo_match"),
        "challenges": break_queries.challenges_of(recon_break.resolved_by) if recon_break.resolved_by else [],
        **_treated(recon_break),
        "comment_text": comment_text,
        "comment_error": sentence_of(comment_refusal) if comment_refusal else "",
        **_proposing(request, recon_break=recon_break, revision=revision, form=form),
    }
    refusal = stale or comment_refusal
    part, template = PARTS.get(request.headers.get("HX-Target", ""), ("", TEMPLATE))
    return render(request, template, {**context, "part": part}, status=STATUS_OF[refusal.kind] if refusal else status)


def frame_of(request: HttpRequest, recon_break: Break, *, clock: Clock | None = None) -> dict[str, Any]:
    """Return what every page of a break shows, and the address it is reached by from its list."""
    query = filters.filters_of(request.GET)
    here = reverse("recon:break", args=[recon_break.pk])
    source = recon_break.reconciliation.source
    can_change = recon_break.state in (BreakState.OPEN, BreakState.INVESTIGATING) and not recon_break.is_of_a_source
    user = user_of(request)
    return {
        "recon_break": recon_break,
        "row": row_of(recon_break, clock=clock or Clock(today=timezone.localdate())),
        "source": source,
        "asset": source.asset,
        "list_query": f"?{query}" if query else "",
        "list_params": [(key, request.GET[key]) for key in filters.KEYS if request.GET.get(key)],
        "here": f"{here}?{query}&" if query else f"{here}?",
        "may_work": recon_break.is_live and user.has_perm("recon.work_break"),
        "may_comment": user.has_perm("recon.work_break"),
        "may_match": can_change and user.has_perm("recon.match_items"),
        "may_propose": can_change and user.has_perm("recon.propose_adjustment"),
    }


def _treated(recon_break: Break) -> dict[str, Any]:
    """Return how a break is treated, whether that still counts, and the files that stand with it."""
    treatment = resolution_queries.treatment_of(recon_break)
    counts = treatment is not None and resolution_queries.counts(treatment, today=timezone.localdate())
    files = resolution_queries.evidence_files_of(recon_break)
    beside = resolution_queries.matches_beside(recon_break) if recon_break.resolved_by_id is not None else []
    return {"treatment": treatment, "treatment_counts": counts, "evidence_files": files, "beside": beside}


def _acceptable(recon_break: Break, *, evidence: Evidence) -> str:
    """Return the name of the match that could be accepted as it stands: `pair`, a candidate's item id, or nothing.

    Between more than two populations it is chosen item by item: two that agree are no whole.
    """
    if evidence.sides:
        return ""
    if evidence.pair is not None and recon_break.difference_minor == 0:
        return "pair"
    chosen = evidence.chosen
    return str(chosen.candidate.item.pk) if chosen is not None and chosen.explains_all else ""


def _proposing(request: HttpRequest, *, recon_break: Break, revision: Revision | None, form: ProposalForm | None) -> dict[str, Any]:
    """Return the form and what the entry would do; for those who may propose while the break is free, or revise what came back to them."""
    user = user_of(request)
    if recon_break.is_of_a_source:
        return {}
    is_free = recon_break.state in (BreakState.OPEN, BreakState.INVESTIGATING) and user.has_perm("recon.propose_adjustment")
    if not is_free and revision is None:
        return {}
    if form is not None and (form.revises is None) != (revision is None):
        # It was filled in for what the break no longer allows; its words stand in the notice.
        form = None
    if form is None:
        initial = _initial(request, recon_break=recon_break, revision=revision)
        form = ProposalForm(recon_break=recon_break, user=user, revises=revision.proposal if revision else None, initial=initial)
        if request.GET.get("changed") == "reason" or not initial["counter_account"]:
            initial["counter_account"] = form.usual_account(initial["reason_code"]) or initial["counter_account"]
    elif revision is not None:
        form.rest_on(revision.proposal.current_version)
    code = str(form["counter_account"].value() or "")
    taken = break_queries.items_beside(recon_break, item_ids=ids_in(str(form["take"].value() or "")))
    policy = current_policy(kind=ADJUSTMENT)
    return {
        "form": form,
        "revision": revision,
        "taken": list(queries.facts_of_items(taken).values()),
        "preview": preview_of(recon_break, taken=taken, counter_account=code if form.is_offered(code) else ""),
        "approvers": _approvers(user),
        "needed": policy.required_approvals if policy else None,
        "reason_changed": request.GET.get("changed") == "reason",
    }


def _initial(request: HttpRequest, *, recon_break: Break, revision: Revision | None) -> dict[str, Any]:
    """Return what the form starts from; fields in the address come back as they were typed, so that a preview is an address too."""
    if revision is not None:
        start = revision.values
    else:
        start = {
            "reason_code": "",
            "counter_account": "",
            "effective_date": default_date(recon_break, today=timezone.localdate()),
            "version": recon_break.version,
            "take": "",
        }
    typed = {name: request.GET[name] for name in ("reason_code", "counter_account", "take") if name in request.GET}
    if request.GET.get("effective_date"):
        typed["effective_date"] = request.GET["effective_date"]
    # Of what was named, only what can still be taken.
    named = ids_in(typed.get("take", start["take"]))
    typed["take"] = ",".join(str(item.pk) for item in break_queries.items_beside(recon_break, item_ids=named))
    return {**start, **typed}


def _approvers(user: User) -> list[str]:
    """Return who could decide what this user proposes."""
    return [person.shown_name for person in eligible_approvers(Proposal(maker=user))]


def address_of(request: HttpRequest, break_id: UUID) -> str:
    """Return the address of a break's page, with the list that it was reached by."""
    query = filters.filters_of(request.GET)
    return reverse("recon:break", args=[break_id]) + (f"?{query}" if query else "")


def sentence_of(refusal: Refusal) -> str:
    """Return a refusal as a sentence."""
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."
