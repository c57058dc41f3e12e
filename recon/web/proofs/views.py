"""Proofs: what is proven every day, one day of it with everything it rests on, proving on demand, and preparing a certificate."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from approvals.operations import ProposalInvalid
from approvals.queries import reason_codes
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, proof_queries
from recon.models import ProofDefinition, ProofKind, ProofResult
from recon.operations import proofs as proving
from recon.web.breaks.listing import user_of

RESULTS_LISTED = 40


class DayForm(forms.Form):
    day = forms.DateField(required=False)


@require_safe
@requires("recon.view_proofresult")
def proofs(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    return render(request, "recon/proofs/list.html", {"rows": proof_queries.proofs_for(user, today=timezone.localdate())})


@require_safe
@requires("recon.view_proofresult")
def proof(request: HttpRequest, code: str) -> HttpResponse:
    """The latest result of a day; without a day, of the last one that has any.

    :raises ProofNotFound: if it is not there for this user.
    """
    definition = proof_queries.definition_for(user_of(request), code=code)
    form = DayForm(request.GET)
    day = form.cleaned_data["day"] if form.is_valid() else None
    found = proof_queries.results_of(definition)
    latest = (found.filter(day=day) if day else found).first()
    return _page(request, definition=definition, result=latest, day=day or (latest.day if latest else None))


@require_safe
@requires("recon.view_proofresult")
def result(request: HttpRequest, result_id: UUID) -> HttpResponse:
    """One result, which may have later ones of its day.

    :raises ProofNotFound: if it is not there for this user.
    """
    user = user_of(request)
    found = proof_queries.result_for(user, result_id=result_id)
    definition = proof_queries.definition_for(user, code=found.definition.code)
    return _page(request, definition=definition, result=proof_queries.results_of(definition).get(pk=found.pk), day=found.day)


@require_POST
@requires("recon.run_proof")
def prove(request: HttpRequest, code: str) -> HttpResponse:
    """Prove a day as it is known now.

    :raises ProofNotFound: if it is not there for this user.
    """
    user = user_of(request)
    definition = proof_queries.definition_for(user, code=code)
    form = DayForm(request.POST)
    day = (form.cleaned_data["day"] if form.is_valid() else None) or timezone.localdate() - timedelta(days=1)
    try:
        made = proving.prove(definition_id=definition.pk, day=day, made_by_id=user.pk)
    except proving.ProofRefused as refusal:
        latest = proof_queries.results_of(definition).first()
        return _page(request, definition=definition, result=latest, day=day, refusal=refusal)
    messages.success(request, f"{definition.name} of {made.day}: {made.get_outcome_display().lower()}, result {made.n} of this day.")
    return redirect(f"{reverse('recon:proof', args=[code])}?day={made.day.isoformat()}")


@require_POST
@requires("recon.run_proof")
def certify(request: HttpRequest, result_id: UUID) -> HttpResponse:
    """Prepare a certificate, for somebody else to give.

    :raises ProofNotFound: if it is not there for this user.
    """
    user = user_of(request)
    found = proof_queries.result_for(user, result_id=result_id)
    try:
        proposal = proving.propose_certificate(
            result_id=found.pk,
            reason_code=request.POST.get("reason_code", ""),
            narrative=request.POST.get("narrative", ""),
            maker_id=user.pk,
        )
    except (proving.ProofRefused, ProposalInvalid) as refusal:
        definition = proof_queries.definition_for(user, code=found.definition.code)
        shown = proof_queries.results_of(definition).get(pk=found.pk)
        return _page(request, definition=definition, result=shown, day=found.day, refusal=refusal)
    messages.success(request, f"{proposal.public_number} waits for somebody else to certify it.")
    return redirect("approvals:proposal", proposal.pk)


@require_POST
@requires("recon.view_proofresult")
def download(request: HttpRequest, result_id: UUID) -> HttpResponse:
    """Hand out a result's own bytes, and have it on the trail.

    :raises ProofNotFound: if it is not there for this user.
    """
    found = proof_queries.result_for(user_of(request), result_id=result_id)
    code = found.definition.code
    operations.record_report_export(report=f"proof.{code}", query=f"day={found.day}&n={found.n}", rows=1, file_format="csv")
    name = f"{code.lower()}-{found.day}-{found.n}.json"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return HttpResponse(found.canonical, content_type="application/json", headers=headers)


def _page(
    request: HttpRequest, *, definition: ProofDefinition, result: ProofResult | None, day: date | None, refusal: Refusal | None = None
) -> HttpResponse:
    every = list(proof_queries.results_of(definition).defer("canonical")[:RESULTS_LISTED])
    context: dict[str, Any] = {
        "definition": definition,
        "result": result,
        "day": day,
        "every": every,
        "reasons": reason_codes(kind=proving.CERTIFY_PROOF),
        "refused": f"{str(refusal)[:1].upper()}{str(refusal)[1:]}." if refusal else "",
        "narrative": request.POST.get("narrative", ""),
    }
    if result is not None:
        of_day = list(proof_queries.results_of(definition).filter(day=result.day))
        place = next(n for n, one in enumerate(of_day) if one.pk == result.pk)
        earlier = of_day[place + 1] if place + 1 < len(of_day) else None
        context |= {
            "content": proof_queries.content_of(result),
            "later": of_day[0] if place else None,
            "earlier": earlier,
            "changes": proof_queries.changes_between(earlier, result) if earlier else [],
            "same_bytes": proof_queries.replays(result) if request.GET.get("again") else None,
            "part": f"recon/proofs/_{ProofKind(result.definition.kind).value}.html",
            "certificate": getattr(result, "certificate", None),
        }
    return render(request, "recon/proofs/proof.html", context, status=STATUS_OF[refusal.kind] if refusal else 200)
