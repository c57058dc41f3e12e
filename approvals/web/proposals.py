"""One proposal, reviewed like a change of code: what changes, who said what, and the decision on exactly this version."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from approvals import operations, queries
from approvals.models import DecisionOutcome, Proposal, ProposalStatus, ProposalVersion, User
from approvals.registry import handler_of
from approvals.web.forms import DecisionForm, WithdrawalForm
from audit.targets import pages_of
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires

TABS = ("changes", "conversation", "history")
APPROVERS_SHOWN = 6
DONE = {
    ProposalStatus.EXECUTED: "Approved and posted",
    ProposalStatus.SUBMITTED: "Approval recorded; more are needed",
    ProposalStatus.CHANGES_REQUESTED: "Returned to its maker",
    ProposalStatus.REJECTED: "Rejected",
    ProposalStatus.STALE: "Approved, but not posted: what it rested on has changed",
    ProposalStatus.FAILED: "Approved, but not posted: the books refused it",
}


@require_safe
@requires("approvals.view_proposal")
def proposal(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    return _review_page(request, proposal=queries.proposal_for(_user(request), proposal_id=proposal_id))


@require_POST
@requires("approvals.decide_proposal")
def decide(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Decide; what is refused comes back with its sentence and the input, over the version that waits now."""
    found = queries.proposal_for(_user(request), proposal_id=proposal_id)
    form = DecisionForm(request.POST)
    if not form.is_valid():
        return _review_page(request, proposal=found, form=form, status=422)
    wish = form.cleaned_data
    try:
        decided = operations.decide(
            proposal_id=found.pk,
            version=wish["version"],
            digest=wish["digest"],
            outcome=DecisionOutcome(wish["outcome"]),
            comment=wish["comment"],
            approver_id=_user(request).pk,
        )
    except operations.CommentRequired as refusal:
        form.add_error("comment", _sentence(refusal))
        return _review_page(request, proposal=found, form=form, status=STATUS_OF[refusal.kind])
    except (
        operations.CheckerIsMaker,
        operations.DecisionNotAllowed,
        operations.DecidedAlready,
        operations.DecisionOutdated,
        operations.NotWaiting,
    ) as refusal:
        now = queries.proposal_for(_user(request), proposal_id=proposal_id)
        return _review_page(request, proposal=now, form=form, refusal=refusal, status=STATUS_OF[refusal.kind])
    good = decided.status not in (ProposalStatus.STALE, ProposalStatus.FAILED)
    (messages.success if good else messages.error)(request, f"{found.public_number}: {DONE[ProposalStatus(decided.status)]}")
    return _to_proposal(request, decided)


@require_POST
@requires("approvals.view_proposal")
def withdraw(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Take one's own proposal back."""
    found = queries.proposal_for(_user(request), proposal_id=proposal_id)
    form = WithdrawalForm(request.POST)
    if not form.is_valid():
        return _review_page(request, proposal=found, withdrawal=form, status=422)
    operations.withdraw(proposal_id=found.pk, maker_id=_user(request).pk, reason=form.cleaned_data["reason"])
    messages.success(request, f"{found.public_number} withdrawn")
    return _to_proposal(request, found)


@require_safe
@requires("approvals.view_proposal")
def revise(request: HttpRequest, proposal_id: UUID) -> HttpResponse:
    """Lead the maker to where the content is written: the page of what the proposal is about, which knows its form."""
    found = queries.proposal_for(_user(request), proposal_id=proposal_id)
    pages = pages_of(found.target_type, found.target_id)
    return redirect(f"{pages[0].href}?revise={found.pk}" if pages else reverse("approvals:proposal", args=[found.pk]))


def _review_page(
    request: HttpRequest,
    *,
    proposal: Proposal,
    form: DecisionForm | None = None,
    withdrawal: WithdrawalForm | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    user = _user(request)
    versions = list(queries.versions_of(proposal))
    version = versions[-1]
    handler = handler_of(proposal.kind)
    (amount,) = handler.amounts(payloads=[version.payload])
    conversation = queries.conversation_of(proposal, versions=versions)
    tab = request.GET.get("tab", "")
    shown = tab if tab in TABS else TABS[0]
    counts = {"conversation": len(conversation), "history": len(versions)}
    eligible = queries.in_sight_of(proposal, users=queries.eligible_approvers(proposal), limit=APPROVERS_SHOWN)
    own = {
        "proposal": proposal,
        "version": version,
        "versions": versions,
        "handler": handler,
        "amount": amount,
        "tab": shown,
        "tabs": [{"name": name, "current": name == shown, "count": counts.get(name)} for name in TABS],
        "conversation": conversation,
        "refusal": refusal,
        "happened": conversation[-1] if refusal is not None else None,
        "kept_comment": form["comment"].value() if refusal is not None and form is not None else "",
        **_panel(form, version=version, moved=refusal is not None),
        "withdrawal": withdrawal or WithdrawalForm(),
        "is_maker": proposal.maker_id == user.pk,
        "why_not": queries.why_not_decidable(user, proposal=proposal, version=version),
        "pages": pages_of(proposal.target_type, proposal.target_id),
        "approvers": eligible,
        **_votes(version),
    }
    of_handler: Mapping[str, Any] = {}
    if shown == "changes":
        review = handler.review(payload=version.payload, executed=proposal.status == ProposalStatus.EXECUTED, proposal_id=proposal.pk)
        of_handler = review.context
        checks = queries.policy_checks(proposal=proposal, version=version, review=review, eligible=eligible)
        own |= {"review": review, **_checked(checks), **_changed(versions=versions, scale=amount.scale if amount else None)}
    clash = own.keys() & of_handler.keys()
    assert not clash, f"the review of {proposal.kind} uses names of the page: {sorted(clash)}"
    partial = "#review" if request.headers.get("HX-Target") == "review" else ""
    return render(request, "approvals/proposal.html" + partial, {**of_handler, **own}, status=status)


def _panel(form: DecisionForm | None, *, version: ProposalVersion, moved: bool) -> dict[str, Any]:
    """Return the form for the version that is shown; after a conflict the outcome is chosen anew and only the comment is kept."""
    if form is None or moved:
        comment = form["comment"].value() if form is not None else ""
        form = DecisionForm(initial={"version": version.n, "digest": version.digest, "comment": comment})
    chosen = form["outcome"].value()
    return {
        "form": form,
        "approves": chosen == DecisionOutcome.APPROVE,
        "returns": chosen == DecisionOutcome.REQUEST_CHANGES,
        "rejects": chosen == DecisionOutcome.REJECT,
    }


def _votes(version: ProposalVersion) -> dict[str, Any]:
    approved = [decision.approver_id for decision in version.decisions.all() if decision.outcome == DecisionOutcome.APPROVE]
    required = version.policy_version.required_approvals
    return {"required": required, "approved": approved, "remaining": max(0, required - len(approved))}


def _checked(checks: Sequence[queries.Check]) -> dict[str, Any]:
    return {
        "checks": checks,
        "passed": sum(check.state == "passed" for check in checks),
        "failed": sum(check.state == "failed" for check in checks),
    }


def _changed(*, versions: Sequence[ProposalVersion], scale: int | None) -> dict[str, Any]:
    """Return what the current version changed of the one before it, and who had returned that one."""
    if len(versions) < 2:
        return {"changes": [], "previous": None, "returned": None}
    previous, version = versions[-2:]
    returned = [decision for decision in previous.decisions.all() if decision.outcome == DecisionOutcome.REQUEST_CHANGES]
    return {
        "changes": queries.changes_between(previous, version, scale=scale),
        "previous": previous,
        "returned": returned[-1] if returned else None,
    }


def _to_proposal(request: HttpRequest, proposal: Proposal) -> HttpResponse:
    address = reverse("approvals:proposal", args=[proposal.pk])
    if request.headers.get("HX-Request"):
        return HttpResponse(status=204, headers={"HX-Redirect": address})
    return HttpResponseRedirect(address)


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
