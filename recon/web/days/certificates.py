"""Certificates: the grid of accounts and days, one certificate with what came after it, preparing and withdrawing."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.models import Proposal, ProposalStatus
from approvals.operations import NobodyCouldApprove, NotOpen, NotYours, ObjectHasOpenProposal, ProposalInvalid
from audit.targets import pages_of
from ledger.queries import account_for
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations
from recon.account_day_queries import home_of, latest_day
from recon.certification_queries import (
    Blocker,
    CellState,
    after_sign_off,
    blockers_of,
    certificate_for,
    grid_for,
    made_entries,
    terms_of,
)
from recon.certification_queries.content import days_of
from recon.certification_queries.grid import open_requests
from recon.models import Reconciliation
from recon.queries import reconciliations_for
from recon.web.days.forms import GridForm, PrepareForm, TermsForm, WithdrawalForm
from recon.web.days.words import SIDE_WORDS, STATE_WORDS
from recon.web.statements.views import user_of

GRID = "recon/days/certifications.html"
OF_PREPARING = (
    operations.CertificationInvalid,
    operations.CertificationBlocked,
    operations.CertificateRefused,
    operations.PreparerMadeEntries,
    ProposalInvalid,
    ObjectHasOpenProposal,
    NobodyCouldApprove,
    NotOpen,
    NotYours,
)


@require_safe
@requires("recon.view_certificate")
def certifications(request: HttpRequest) -> HttpResponse:
    """Every account and day in sight: certified, prepared, blocked and why, or ready to be prepared."""
    user = user_of(request)
    form = GridForm(request.GET)
    until, days, source, state = form.chosen(today=timezone.localdate())
    grid = grid_for(user, since=until - timedelta(days=days - 1), until=until, source=source, state=state)
    context = {
        "grid": grid,
        "until": until,
        "days": days,
        "source": source,
        "state": state,
        "states": [(one.value, word) for one, word in STATE_WORDS.items()],
        "words": STATE_WORDS,
        "sources": list(reconciliations_for(user).filter(home=True).values_list("source__code", "source__name")),
        "counts": [
            (STATE_WORDS[one], grid.count(one)) for one in (CellState.PREPARED, CellState.READY, CellState.BLOCKED, CellState.CHANGED)
        ],
        "certified": grid.count(CellState.CERTIFIED, CellState.CHANGED),
        "of_days": grid.count(*(one for one in CellState if one is not CellState.BEFORE)),
        "day_choices": [(7, "7 days"), (14, "14 days"), (31, "31 days"), (62, "62 days")],
    }
    return render(request, f"{GRID}#results" if request.headers.get("HX-Target") == "results" else GRID, context)


@require_safe
@requires("recon.view_certificate")
def certificate(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    return _certificate_page(request, certificate_id=certificate_id, form=WithdrawalForm(kind=operations.UNCERTIFY))


@require_POST
@requires("recon.view_certificate")
def pack(request: HttpRequest, certificate_id: UUID, form: str) -> HttpResponse:
    """Hand out the evidence pack, for people or for programs; it is on the trail who took it."""
    found = certificate_for(user_of(request), certificate_id=certificate_id)
    content, digest = operations.hand_out_pack(certificate_id=found.pk, form=form)
    name = f"certificate-{found.reconciliation.source.account.code}-{found.last_day}.{form}"
    kind = "application/pdf" if form == "pdf" else "application/json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store", "X-Content-SHA256": digest}
    return HttpResponse(content, content_type=kind, headers=headers)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.prepare_certificate")
def prepare(request: HttpRequest, code: str) -> HttpResponse:
    """Show what keeps days of an account from being certified, and ask somebody else to certify them."""
    user = user_of(request)
    reconciliation = home_of(user, account=account_for(user, code=code))
    returned = _returned(request, code=code)
    if request.method != "POST":
        return _prepare_page(request, reconciliation, form=_blank(request, reconciliation, returned=returned), returned=returned)
    form = PrepareForm(request.POST, kind=operations.CERTIFY)
    if not form.is_valid():
        return _prepare_page(request, reconciliation, form=form, returned=returned, status=422)
    said = form.cleaned_data
    try:
        if returned is not None:
            told = {"reason_code": said["reason_code"], "narrative": said["narrative"]}
            proposal = operations.revise_certificate(proposal_id=returned.pk, **told, maker_id=user.pk)
        else:
            proposal = operations.prepare_certificate(reconciliation_id=reconciliation.pk, **said, maker_id=user.pk)
    except OF_PREPARING as refusal:
        return _prepare_page(request, reconciliation, form=form, returned=returned, refusal=refusal, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} prepared. Somebody else reviews exactly what you saw.")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


def _returned(request: HttpRequest, *, code: str) -> Proposal | None:
    """Return the proposal that the form revises, if it names one that was returned."""
    named = request.POST.get("revise", "") or request.GET.get("revise", "")
    own = Proposal.objects.filter(kind=operations.CERTIFY, target_id=code, status=ProposalStatus.CHANGES_REQUESTED)
    return next((one for one in own if str(one.pk) == named), None)


def _blank(request: HttpRequest, reconciliation: Reconciliation, *, returned: Proposal | None) -> PrepareForm:
    """Return the form for the days that the address names, those that were returned, or else the latest day with a statement."""
    if returned is not None:
        payload = returned.versions.latest("n").payload
        said = {name: payload[name] for name in ("first_day", "last_day", "reason_code", "narrative")}
    else:
        latest = str(latest_day(reconciliation.source) or timezone.localdate())
        last = request.GET.get("last_day") or latest
        said = {"first_day": request.GET.get("first_day") or last, "last_day": last}
    return PrepareForm(initial=said, kind=operations.CERTIFY)


def _prepare_page(
    request: HttpRequest,
    reconciliation: Reconciliation,
    *,
    form: PrepareForm,
    returned: Proposal | None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    source = reconciliation.source
    first, last = form.days()
    chosen = days_of(reconciliation, first_day=first, last_day=last) if first and last else []
    made = made_entries(account=source.account, person_id=user_of(request).pk, first_day=first, last_day=last) if first and last else 0
    terms = terms_of(reconciliation)
    context = {
        "reconciliation": reconciliation,
        "source": source,
        "account": source.account,
        "asset": source.asset,
        "form": form,
        "returned": returned,
        "refusal": refusal,
        "chosen": chosen,
        "blockers": [(one, _page_of(one)) for one in blockers_of(reconciliation, days=chosen, terms=terms)] if chosen else [],
        "made": made,
        "terms": terms,
        "terms_form": TermsForm(initial={"break_days": terms.break_days, "owners_required": terms.owners_required}),
    }
    return render(request, "recon/days/prepare.html", context, status=status)


def _page_of(blocker: Blocker) -> str:
    """Return the address of what a blocker rests on."""
    pages = pages_of(blocker.target_type, blocker.target_id) if blocker.target_type else []
    return pages[0].href if pages else ""


@require_POST
@requires("recon.set_certification_terms")
def set_terms(request: HttpRequest, code: str) -> HttpResponse:
    """Say which live breaks keep days of this account from being certified."""
    user = user_of(request)
    reconciliation = home_of(user, account=account_for(user, code=code))
    form = TermsForm(request.POST)
    if not form.is_valid():
        raise operations.CertificationInvalid("the limit is 1 to 366 business days", field="break_days")
    operations.set_certification_terms(reconciliation_id=reconciliation.pk, **form.cleaned_data, set_by_id=user.pk)
    messages.success(request, "Said from now on")
    return redirect("recon:account_day", code=code)


@require_POST
@requires("recon.prepare_certificate")
def propose_withdrawal(request: HttpRequest, certificate_id: UUID) -> HttpResponse:
    """Ask that a certificate no longer stands: somebody else decides."""
    user = user_of(request)
    found = certificate_for(user, certificate_id=certificate_id)
    form = WithdrawalForm(request.POST, kind=operations.UNCERTIFY)
    if not form.is_valid():
        return _certificate_page(request, certificate_id=found.pk, form=form, status=422)
    try:
        proposal = operations.propose_withdrawal(certificate_id=found.pk, **form.cleaned_data, maker_id=user.pk)
    except (operations.CertificateRefused, ProposalInvalid, ObjectHasOpenProposal, NobodyCouldApprove) as refusal:
        return _certificate_page(request, certificate_id=found.pk, form=form, refusal=refusal, status=STATUS_OF[refusal.kind])
    messages.success(request, "Proposed. The certificate stands until somebody else agrees.")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


def _certificate_page(
    request: HttpRequest, *, certificate_id: UUID, form: WithdrawalForm, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    found = certificate_for(user, certificate_id=certificate_id)
    context: dict[str, Any] = {
        "certificate": found,
        "account": found.reconciliation.source.account,
        "source": found.reconciliation.source,
        "said": found.content["statement"],
        "scale": found.content["statement"]["asset"]["scale"],
        "sides": {side.value: word for side, word in SIDE_WORDS.items()},
        "after": after_sign_off(found) if found.is_live else None,
        "form": form,
        "refusal": refusal,
        "waiting": [proposal for proposal, first, last in open_requests(found.reconciliation) if first <= found.last_day <= last],
    }
    return render(request, "recon/days/certificate.html", context, status=status)
