"""Treating an open break: timing until a day, duplicate, error of the statement."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, queries, resolution_queries
from recon.models import Break
from recon.web.breaks.case import address_of, frame_of, render_break, sentence_of
from recon.web.breaks.listing import user_of
from recon.web.resolutions.forms import TreatmentForm


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.treat_break")
def treat(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Say how a break is treated; its items stay open."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    operations.refuse_of_a_source(recon_break)
    last = operations.last_day_of_timing(recon_break, today=timezone.localdate())
    if request.method != "POST":
        asked = {name: request.GET[name] for name in ("kind", "reason_code") if name in request.GET}
        form = TreatmentForm(recon_break=recon_break, last=last, initial={"version": recon_break.version, **asked})
        return _render(request, recon_break, form=form)
    form = TreatmentForm(request.POST, recon_break=recon_break, last=last)
    if not form.is_valid():
        return _render(request, recon_break, form=form, status=422)
    try:
        treatment = operations.treat_break(request=form.request(), treated_by_id=user.pk)
    except operations.TreatmentInvalid as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return _render(request, recon_break, form=form, status=422)
    except operations.BreakRefused as refusal:
        fresh = queries.break_for(user, break_id=break_id)
        form.rest_on(fresh.version)
        return _render(request, fresh, form=form, refusal=refusal)
    until = f" until {treatment.until:%-d %b %Y}" if treatment.until else ""
    messages.success(request, f"{recon_break.public_number} stays open, treated{until}.")
    return redirect(address_of(request, break_id))


@require_POST
@requires("recon.treat_break")
def end(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Treat a break no longer."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    version = request.POST.get("version", "")
    try:
        operations.end_treatment(
            break_id=break_id,
            version=int(version) if version.isdecimal() else 0,
            ended_by_id=user.pk,
            reason=request.POST.get("reason", ""),
        )
    except (operations.BreakRefused, operations.TreatmentRefused, operations.TreatmentInvalid) as refusal:
        return render_break(request, recon_break=queries.break_for(user, break_id=break_id), stale=refusal)
    messages.success(request, f"{recon_break.public_number} is open as any other.")
    return redirect(address_of(request, break_id))


def _render(
    request: HttpRequest, recon_break: Break, *, form: TreatmentForm, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    context = {
        **frame_of(request, recon_break),
        "form": form,
        "treatment": resolution_queries.treatment_of(recon_break),
        "last": operations.last_day_of_timing(recon_break, today=timezone.localdate()),
        "stale": sentence_of(refusal) if refusal else "",
    }
    return render(request, "recon/resolutions/treat.html", context, status=STATUS_OF[refusal.kind] if refusal else status)
