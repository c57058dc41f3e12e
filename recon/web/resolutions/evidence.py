"""Files of evidence on a break: attach, hand out."""

from io import BytesIO
from typing import BinaryIO, cast
from uuid import UUID

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from ledgerops.lib.http import requires
from recon import operations, queries, resolution_queries
from recon.web.breaks.case import address_of, render_break
from recon.web.breaks.listing import user_of


@require_POST
@requires("recon.attach_evidence")
def attach(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Attach a file; what is refused is said on the break's page."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    uploaded = request.FILES.get("file")
    try:
        kept = operations.attach_file(
            break_id=recon_break.pk,
            name=(uploaded.name or "") if uploaded else "",
            # Without a file it is an empty one, which is refused as such.
            content=cast("BinaryIO", uploaded.file) if uploaded and uploaded.file else BytesIO(),
            note=request.POST.get("note", ""),
            added_by_id=user.pk,
        )
    except (operations.EvidenceRefused, operations.EvidenceKnown) as refusal:
        return render_break(request, recon_break=recon_break, stale=refusal)
    messages.success(request, f"{kept.name} stands with {recon_break.public_number}.")
    return redirect(f"{address_of(request, break_id)}#evidence")


@require_safe
@requires("recon.view_break")
def download(request: HttpRequest, evidence_id: UUID) -> FileResponse:
    """Hand a file out as it came, to be saved and never shown by the browser; that is on the trail."""
    kept = resolution_queries.evidence_file_for(user_of(request), evidence_id=evidence_id)
    content = operations.hand_out_evidence(evidence_id=kept.pk)
    return as_attachment(content, name=kept.name)


def as_attachment(content: object, *, name: str) -> FileResponse:
    """Return bytes under headers by which no browser shows or guesses what they are."""
    response = FileResponse(content, as_attachment=True, filename=name, content_type="application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cache-Control"] = "no-store"
    return response
