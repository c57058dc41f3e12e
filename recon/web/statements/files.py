"""Files: upload, preview, registration of unknown accounts, acceptance, download."""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger.operations import ChartRefused
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import feeds, file_queries, operations, queries
from recon.formats import FORMATS
from recon.models import MAPPED, FileStatus, Source, Statement, StatementFile
from recon.operations import (
    FileNotReady,
    FileRefused,
    NewAccount,
    NothingToWithdraw,
    RestatementWaits,
    SourceRefused,
    StatementKnown,
    StatementRestated,
)
from recon.tasks import ring, ring_jobs
from recon.web.statements.forms import NEW, RegisterForm, UploadForm
from recon.web.statements.preview import Preview, preview_of
from recon.web.statements.views import number_of, user_of

UNPROCESSABLE = 422
NOT_ACCEPTED = (FileRefused, FileNotReady, StatementKnown, StatementRestated, RestatementWaits, NothingToWithdraw)
ACCEPTED_SHOWN = 200
RAW_STEP = 100


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.upload_statement")
def upload(request: HttpRequest) -> HttpResponse:
    """Take a file's bytes in; its page shows what it says. The same bytes again change nothing, and the page says so.

    Who comes from the page of a source uploads for it.
    """
    if request.method != "POST":
        return _upload_page(request, form=UploadForm())
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _upload_page(request, form=form, status=UNPROCESSABLE)
    user, uploaded = user_of(request), form.cleaned_data["file"]
    try:
        file, new = operations.receive_file(
            name=uploaded.name,
            content=uploaded.file,
            maximum_bytes=settings.STATEMENT_MAXIMUM_BYTES,
            received_by_id=user.pk,
            source_id=source.pk if (source := _source_of(request)) else None,
        )
    except FileRefused as refusal:
        form.add_error("file", _sentence(refusal))
        return _upload_page(request, form=form, status=STATUS_OF[refusal.kind])
    if new:
        ring_jobs(operations.live_jobs_of(file.pk))
        return redirect("recon:file", file_id=file.pk)
    if not queries.files_for(user).filter(pk=file.pk).exists():
        form.add_error("file", "These bytes were received before, for accounts out of your scope. Nothing was changed.")
        return _upload_page(request, form=form, status=STATUS_OF[StatementKnown.kind])
    return redirect(reverse("recon:file", kwargs={"file_id": file.pk}) + "?again=1")


@require_safe
@requires("recon.view_statement")
def file(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """One file: what it says while it waits, what was taken from it, or why it was refused."""
    return _file_page(request, file=queries.file_for(user_of(request), file_id=file_id))


@require_POST
@requires("recon.upload_statement")
def accept(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Take a file's statements in and show the run that this started."""
    user = user_of(request)
    found = queries.file_for(user, file_id=file_id)
    try:
        runs = operations.accept_file(
            file_id=found.pk,
            source_ids=list(queries.sources_for(user).values_list("pk", flat=True)),
            restating=restating_of(request),
        )
    except NOT_ACCEPTED as refusal:
        found.refresh_from_db()
        return _file_page(request, file=found, refusal=refusal)
    ring(run.pk for run in runs)
    ring_jobs(jobs := operations.live_jobs_of(found.pk))
    if jobs:
        return redirect("recon:file", file_id=found.pk)
    if not runs:
        messages.info(request, f"{found.name} was accepted before. Nothing was changed.")
        return redirect("recon:file", file_id=found.pk)
    messages.success(request, f"{found.name} is accepted.")
    return redirect("recon:run", run_id=runs[0].pk) if len(runs) == 1 else redirect("recon:runs")


@require_POST
@requires("recon.register_source")
def register(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Make an account that the file names a source, and show the file again."""
    user = user_of(request)
    found = queries.file_for(user, file_id=file_id)
    identifier, asset = request.POST.get("identifier", ""), request.POST.get("asset", "")
    if not any((one.account, one.currency) == (identifier, asset) for one in operations.statements_in(found)):
        return _file_page(request, file=found, refusal=SourceRefused(f"this file names no account {identifier} in {asset}"))
    form = RegisterForm(request.POST, user=user, asset=asset, identifier=identifier)
    if not form.is_valid():
        return _file_page(request, file=found, form=form, status=UNPROCESSABLE)
    try:
        source = _register(form.cleaned_data)
    except (SourceRefused, ChartRefused) as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, _sentence(refusal))
        return _file_page(request, file=found, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{source.name} is registered.")
    return redirect("recon:file", file_id=found.pk)


@require_POST
@requires("recon.upload_statement")
def choose_source(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Say which source a file was delivered for, and show what it says then."""
    user = user_of(request)
    found = queries.file_for(user, file_id=file_id)
    source = queries.sources_for(user).filter(code=request.POST.get("source", "")).first()
    if source is None:
        return _file_page(request, file=found, refusal=FileRefused("choose one of the sources in your scope", field="source"))
    try:
        operations.choose_source(file_id=found.pk, source_id=source.pk)
    except FileRefused as refusal:
        found.refresh_from_db()
        return _file_page(request, file=found, refusal=refusal)
    ring_jobs(operations.live_jobs_of(found.pk))
    return redirect("recon:file", file_id=found.pk)


@require_safe
@requires("recon.view_statement")
def raw(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """A file's text around a line, as it stands in the bytes."""
    found = queries.file_for(user_of(request), file_id=file_id)
    line = max(1, number_of(request, "line"))
    lines, more = operations.raw_around(found, line=line)
    context = {
        "file": found,
        "line": line,
        "lines": lines,
        "newer": f"?line={max(1, line - RAW_STEP)}" if lines and lines[0][0] > 1 else "",
        "older": f"?line={line + RAW_STEP}" if more else "",
    }
    return render(request, "recon/statements/raw.html", context)


@require_safe
@requires("recon.view_statement")
def content(request: HttpRequest, file_id: UUID) -> HttpResponseBase:
    """Hand out a file's bytes as they came; that is on the trail."""
    found = queries.file_for(user_of(request), file_id=file_id)
    opened = operations.hand_out_file(file_id=found.pk)
    response = FileResponse(opened, as_attachment=True, filename=found.name, content_type="application/octet-stream")
    response["X-Content-Type-Options"] = "nosniff"
    return response


def restating_of(request: HttpRequest) -> list[UUID]:
    """Return the statements that the form agrees to replace; what is no id agrees to nothing."""
    said = []
    for text in request.POST.getlist("restating"):
        with suppress(ValueError):
            said.append(UUID(text))
    return said


def _register(wish: Mapping[str, str]) -> Source:
    code = f"{wish['asset']}-{wish['identifier']}"[:40]
    if wish["account"] != NEW:
        return operations.register_source(
            code=code, name=wish["name"], identifier=wish["identifier"], account=wish["account"], servicer=wish["servicer"]
        )
    account = NewAccount(
        code=wish["account_code"], name=wish["name"][:100], entity=wish["entity"], group=wish["group"], asset=wish["asset"]
    )
    return operations.register_source_with_account(
        code=code, name=wish["name"], identifier=wish["identifier"], account=account, servicer=wish["servicer"]
    )


def _file_page(
    request: HttpRequest, *, file: StatementFile, form: RegisterForm | None = None, refusal: Refusal | None = None, status: int = 200
) -> HttpResponse:
    user = user_of(request)
    preview = accepted = None
    job = file_queries.jobs_of([file]).get(file.pk)
    if file.status == FileStatus.RECEIVED:
        preview = preview_of(file, user=user, ordinal=number_of(request, "statement"), first_line=number_of(request, "from"))
        form = form or _register_form(request, preview)
    if file.status == FileStatus.ACCEPTED:
        accepted = _accepted(file, request)
    context: dict[str, Any] = {
        "file": file,
        "format": FORMATS[file.format].label if file.format in FORMATS else "Mapped columns" if file.format == MAPPED else "",
        "job": job,
        "working": job if job and job.is_live else None,
        "sources": queries.sources_for(user) if file.status != FileStatus.ACCEPTED and user.has_perm("recon.upload_statement") else (),
        "open_rows": file_queries.open_rows_of(file),
        "preview": preview,
        "detail": preview.detail if preview else None,
        "accepted": accepted,
        "form": form,
        "refusal": refusal,
        "known_statement": _known(request, refusal),
        "again": "again" in request.GET,
    }
    partial = "#preview" if preview and request.headers.get("HX-Target") == "preview" else ""
    return render(request, "recon/statements/file.html" + partial, context, status=STATUS_OF[refusal.kind] if refusal else status)


def _register_form(request: HttpRequest, preview: Preview) -> RegisterForm | None:
    user = user_of(request)
    if not preview.unknown or not user.has_perm("recon.register_source"):
        return None
    looked_at = preview.detail.previewed.parsed if preview.detail and preview.detail.previewed.source is None else preview.unknown[0]
    return RegisterForm(user=user, asset=looked_at.currency, identifier=looked_at.account)


def _accepted(file: StatementFile, request: HttpRequest) -> list[Statement]:
    own = queries.statements_for(user_of(request)).filter(file=file)
    return list(feeds.with_continuity(own).order_by("ordinal")[:ACCEPTED_SHOWN])


def _known(request: HttpRequest, refusal: Refusal | None) -> Statement | None:
    known = refusal.detail.get("statement_id") if refusal else None
    return queries.statements_for(user_of(request)).filter(pk=known).first() if known else None


def _source_of(request: HttpRequest) -> Source | None:
    """Return the source that a file is uploaded for, if one was said that the person sees."""
    code = request.POST.get("source", "") or request.GET.get("source", "")
    return queries.sources_for(user_of(request)).filter(code=code).first() if code else None


def _upload_page(request: HttpRequest, *, form: UploadForm, status: int = 200) -> HttpResponse:
    context = {"form": form, "maximum_mb": settings.STATEMENT_MAXIMUM_BYTES // 1024**2, "source": _source_of(request)}
    return render(request, "recon/statements/upload.html", context, status=status)


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
