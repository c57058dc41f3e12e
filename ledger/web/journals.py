"""Journals: what waits and what was posted, one entry written by hand, and many out of a file."""

import csv
import io
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import FileResponse, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from approvals import queries as approvals
from approvals.models import OPEN_STATUSES, Proposal, ProposalStatus
from ledger.journal_files import FILE_MAXIMUM_BYTES, JOURNAL_COLUMNS, KnownAccount, Read, journal_of, rows_of
from ledger.operations.cutover import OPENING
from ledger.operations.journals import JOURNAL, JournalRequest, locked_object, propose_journal, revise_journal
from ledger.operations.recurring import START
from ledger.operations.reversals import REVERSAL
from ledger.proposed import ProposedEntry, entries_of
from ledger.queries import accounts_for
from ledger.queries.journal_reviews import shown_journal
from ledger.queries.journals import accounts_offered, posted_by, problems_of
from ledger.web import journal_forms as forms
from ledger.web.requests import reader
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, page_of
from ledgerops.lib.tables import Column, Kind, Table
from ledgerops.lib.workbook import workbook

KINDS = (JOURNAL, REVERSAL, OPENING, START)
UNPROCESSABLE = 422
VIEWS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "waiting": ("Waiting", tuple(OPEN_STATUSES)),
    "posted": ("Posted", (ProposalStatus.EXECUTED,)),
    "not_posted": (
        "Not posted",
        (ProposalStatus.STALE, ProposalStatus.FAILED, ProposalStatus.REJECTED, ProposalStatus.WITHDRAWN, ProposalStatus.EXPIRED),
    ),
}
TEMPLATE_ROWS = [
    ("1", "2026-11-30", "Accrued audit fee, November", "ACC-11", "6420", "1,250.00", "", "USD"),
    ("1", "", "", "", "1900", "", "1,250.00", "USD"),
]


@require_safe
@requires("ledger.view_journalentry")
def journals(request: HttpRequest) -> HttpResponse:
    """Every proposal that posts entries, by whether it waits, was posted or will not be."""
    user = reader(request)
    mine = approvals.proposals_for(user).filter(kind__in=KINDS)
    name = request.GET.get("view", "")
    name = name if name in VIEWS else "waiting"
    page = page_of(mine.filter(status__in=VIEWS[name][1]), query=request.GET, order=("-id",))
    context = {
        "tabs": [
            {"name": key, "word": word, "current": key == name, "count": bounded_count(mine.filter(status__in=statuses))}
            for key, (word, statuses) in VIEWS.items()
        ],
        "view_name": name,
        "rows": approvals.rows_of(page.rows),
        "page": page,
    }
    return render(request, "ledger/journals.html", context)


@require_safe
@requires("ledger.view_journalentry")
def journal(request: HttpRequest, journal_id: UUID) -> HttpResponse:
    """Where a journal is looked at: the entry that it became, its place in the list, or the form for the next version of it."""
    found = approvals.proposals_for(reader(request)).filter(locked_object=locked_object(journal_id)).order_by("-id").first()
    if found is None:
        raise approvals.ProposalNotFound("there is no such journal in your scope")
    if "revise" not in request.GET:
        posted = list(posted_by(found.pk)[:2])
        if len(posted) == 1:
            return redirect("ledger:entry", posted[0].pk)
        view = next(name for name, (_, statuses) in VIEWS.items() if found.status in statuses)
        return redirect(f"{reverse('ledger:journals')}?view={view}")
    many = len(forms.payload_of(found)["entries"]) > 1
    return redirect(reverse("ledger:journal_upload" if many else "ledger:journal_new") + f"?revise={found.pk}")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def journal_new(request: HttpRequest) -> HttpResponse:
    """Write one entry; what it would do is shown while it is typed, and nothing is posted before another person approves."""
    user = reader(request)
    revised = forms.returned_to(user, kind=JOURNAL, text=request.GET.get("revise", ""))
    if request.method != "POST":
        return _new_page(request, form=forms.JournalForm(user=user, initial=_initial(revised)), revised=revised)
    act = "preview" if request.headers.get("HX-Target") == "preview" else request.POST.get("act", "")
    form = forms.JournalForm(request.POST, user=user)
    found = forms.lines_from(request.POST, user=user, more=act == "lines")
    if act in {"lines", "preview"}:
        # Nothing was sent off yet, so nothing is wrong yet.
        unjudged = forms.JournalForm(initial=request.POST.dict(), user=user)
        return _new_page(request, form=unjudged, found=found, revised=revised, judged=form)
    if not found.lines and found.is_sound:
        form.add_error(None, "Write at least two lines.")
    if not form.is_valid() or not found.is_sound:
        return _new_page(request, form=form, found=found, revised=revised, judged=form, status=UNPROCESSABLE)
    wish = form.cleaned_data
    entry = ProposedEntry(
        type="journal",
        entity=wish["entity"],
        effective_date=wish["effective_date"],
        description=wish["description"],
        reference=wish["reference"],
        lines=found.lines,
    )
    for problem in problems_of([entry]):
        found.place(problem)
    asked = JournalRequest(journal_id=wish["journal"], entries=[entry], reason_code=wish["reason_code"], narrative=wish["narrative"])
    try:
        proposal = _submitted(asked, revised=revised, maker_id=user.pk)
    except forms.REFUSALS as refusal:
        form.refuse(refusal)
        return _new_page(request, form=form, found=found, revised=revised, judged=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect("approvals:proposal", proposal.pk)


def _submitted(asked: JournalRequest, *, revised: Proposal | None, maker_id: int) -> Proposal:
    if revised is not None:
        return revise_journal(proposal_id=revised.pk, request=asked, maker_id=maker_id)
    return propose_journal(request=asked, maker_id=maker_id)


def _initial(revised: Proposal | None) -> dict[str, Any]:
    if revised is None:
        return {"journal": uuid4(), "effective_date": timezone.localdate()}
    payload = forms.payload_of(revised)
    (entry,) = entries_of(payload)[:1]
    return {
        "journal": payload["journal"],
        "entity": entry.entity,
        "effective_date": entry.effective_date,
        "description": entry.description,
        "reference": entry.reference,
        "reason_code": payload["reason_code"],
        "narrative": payload["narrative"],
    }


def _new_page(
    request: HttpRequest,
    *,
    form: forms.JournalForm,
    found: forms.LinesInput | None = None,
    revised: Proposal | None = None,
    judged: forms.JournalForm | None = None,
    status: int = 200,
) -> HttpResponse:
    user = reader(request)
    rows = found.rows if found else forms.rows_of(entries_of(forms.payload_of(revised))[0].lines if revised else [])
    values = forms.valid_values(judged)
    entity = values.get("entity") or str(form["entity"].value() or "")
    context = {
        "form": form,
        "rows": rows,
        "accounts": accounts_offered(accounts_for(user)),
        "revised": revised,
        "preview": forms.preview_of(found or forms.LinesInput(), entity=entity, day=values.get("effective_date"), type_code="journal"),
        "here": request.get_full_path(),
        "may_add": len(rows) < forms.LINES_ON_A_FORM,
    }
    partial = "#preview" if request.headers.get("HX-Target") == "preview" else ""
    return render(request, f"ledger/journal_new.html{partial}", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def journal_upload(request: HttpRequest) -> HttpResponse:
    """Take a file's entries as one proposal: first all that is wrong or what it would do, then the proposal of just that."""
    user = reader(request)
    revised = forms.returned_to(user, kind=JOURNAL, text=request.GET.get("revise", ""))
    if request.method != "POST":
        return _upload_page(request, form=forms.JournalFileForm(user=user), revised=revised)
    known = forms.kept(request.POST.get("kept", ""))
    if known is None or request.FILES.get("file"):
        return _read_upload(request, revised=revised)
    form = forms.JournalFileForm(request.POST, user=user)
    if form.is_valid():
        asked = JournalRequest(
            journal_id=UUID(known["journal"]),
            entries=entries_of(known),
            reason_code=form.cleaned_data["reason_code"],
            narrative=form.cleaned_data["narrative"],
            source=known["source"],
        )
        try:
            proposal = _submitted(asked, revised=revised, maker_id=user.pk)
        except forms.REFUSALS as refusal:
            form.refuse(refusal)
            return _upload_page(request, form=form, known=known, revised=revised, status=STATUS_OF[refusal.kind])
        messages.success(request, f"{proposal.public_number} waits for approval.")
        return redirect("approvals:proposal", proposal.pk)
    return _upload_page(request, form=form, known=known, revised=revised, status=UNPROCESSABLE)


def _read_upload(request: HttpRequest, *, revised: Proposal | None) -> HttpResponse:
    """Read the file that was sent and show what it says, or where it is wrong."""
    user = reader(request)
    form = forms.JournalFileForm(user=user, initial=request.POST.dict())
    file, entity = request.FILES.get("file"), request.POST.get("entity", "")
    if file is None or entity not in dict(form.fields["entity"].choices):  # type: ignore[attr-defined]
        missing = "Choose a file first." if file is None else "Choose one of the entities."
        return _upload_page(request, form=form, revised=revised, error=missing, status=UNPROCESSABLE)
    name = (file.name or "file")[:120]
    found = read_journal(content=file.read(FILE_MAXIMUM_BYTES + 1), entity=entity, accounts=forms.accounts_of(user))
    if found.errors:
        return _upload_page(request, form=form, revised=revised, found=found, error=f"{name} cannot be proposed", status=UNPROCESSABLE)
    journal_id = forms.payload_of(revised)["journal"] if revised else str(uuid4())
    known = {"journal": journal_id, "entries": [entry.as_json() for entry in found.entries], "source": name}
    return _upload_page(request, form=form, known=known, revised=revised)


def read_journal(*, content: bytes, entity: str, accounts: Mapping[str, Any]) -> Read:
    """Return the entries of a file and all that is wrong with them, be it the file's fault or what the books would say."""
    rows, errors = rows_of(content, columns=JOURNAL_COLUMNS)
    known = {code: KnownAccount(asset=one.asset.code, scale=one.asset.scale) for code, one in accounts.items()}
    found = journal_of(rows, entity=entity, accounts=known)
    found.errors[:0] = errors
    if not found.errors:
        for problem in problems_of(found.entries):
            places = found.places[problem.entry]
            column = problem.field.rpartition(".")[2].replace("effective_date", "date")
            found.wrong(places[problem.line or 0], "" if column == "lines" else column, problem.sentence)
    return found


def _upload_page(
    request: HttpRequest,
    *,
    form: forms.JournalFileForm,
    known: Mapping[str, Any] | None = None,
    revised: Proposal | None = None,
    found: Read | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    context = {
        "form": form,
        "revised": revised,
        "errors": found.errors if found else [],
        "error": error,
        "kept": forms.keep(known) if known else "",
        "journal": shown_journal(entries_of(known), facts=[("File", known["source"])]) if known else None,
        "maximum_mb": forms.maximum_mb(),
    }
    return render(request, "ledger/journal_upload.html", context, status=status)


@require_safe
@requires("ledger.propose_entry")
def journal_template(request: HttpRequest) -> HttpResponseBase:
    """Hand out a file with the columns that are read and one entry as an example."""
    if request.GET.get("format") == "xlsx":
        table = Table(
            name="journal-template",
            title="Journal",
            columns=[Column(name=name, title=name, kind=Kind.TEXT) for name in JOURNAL_COLUMNS],
            rows=TEMPLATE_ROWS,
            made_at=timezone.now(),
        )
        response: HttpResponseBase = FileResponse(workbook(table))
        response.headers["Content-Type"] = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    else:
        text = io.StringIO()
        csv.writer(text).writerows([JOURNAL_COLUMNS, *TEMPLATE_ROWS])
        response = HttpResponse(text.getvalue(), content_type="text/csv; charset=utf-8")
    extension = "xlsx" if request.GET.get("format") == "xlsx" else "csv"
    response.headers["Content-Disposition"] = f'attachment; filename="journal-template.{extension}"'
    return response
