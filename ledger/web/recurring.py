"""Recurring entries: what comes when, what was posted, starting one by proposal and stopping one at once."""

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals import queries as approvals
from approvals.models import Proposal
from ledger.operations.journals import JournalInvalid
from ledger.operations.recurring import START, RecurringRequest, RecurringStopped, propose_recurring, revise_recurring, stop_recurring
from ledger.proposed import entry_from_json
from ledger.queries import accounts_for
from ledger.queries.journal_reviews import words_of
from ledger.queries.journals import accounts_offered
from ledger.queries.recurring import next_days, posted_of, recurring_for, recurring_of
from ledger.web import journal_forms as forms
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import page_of

UNPROCESSABLE = 422
HISTORY_SHOWN = 6
PAGE_SIZE = 30


@require_safe
@requires("ledger.view_recurringentry")
def recurring(request: HttpRequest) -> HttpResponse:
    return _list(request)


def _list(request: HttpRequest, *, refused: str = "", refusal: Refusal | None = None) -> HttpResponse:
    user = reader(request)
    page = page_of(recurring_for(user).order_by("-id"), query=request.GET, order=("-id",), size=PAGE_SIZE)
    posted = posted_of(page.rows)
    rows = [
        {
            "rule": rule,
            "comes": words_of(rule),
            "next": next_days(rule),
            "posted": posted[rule.code][:HISTORY_SHOWN],
            "lines": rule.entry["lines"],
            "refusal": refusal if rule.code == refused else None,
        }
        for rule in page.rows
    ]
    waiting = approvals.waiting_for(user).filter(kind=START).order_by("-id")[:20]
    context = {"rows": rows, "page": page, "waiting": waiting, "may_stop": user.has_perm("ledger.propose_entry")}
    return render(request, "ledger/recurring.html", context, status=STATUS_OF[refusal.kind] if refusal else 200)


@require_safe
@requires("ledger.view_recurringentry")
def recurring_entry(request: HttpRequest, code: str) -> HttpResponse:
    """Where one recurring entry is looked at: its place in the list, or the form for the next version of it."""
    found = approvals.proposals_for(reader(request)).filter(kind=START, target_id=code).order_by("-id").first()
    if found is not None and "revise" in request.GET:
        return redirect(f"{reverse('ledger:recurring_new')}?revise={found.pk}")
    if found is not None and found.is_open:
        return redirect("ledger:recurring")
    rule = recurring_of(reader(request), code=code)
    return redirect(f"{reverse('ledger:recurring')}#rule-{rule.pk}")


@require_POST
@requires("ledger.propose_entry")
def recurring_stop(request: HttpRequest, code: str) -> HttpResponse:
    """Stop one at once; starting it again takes a proposal."""
    rule = recurring_of(reader(request), code=code)
    try:
        stop_recurring(code=rule.code, reason=request.POST.get("reason", "")[:500])
    except (JournalInvalid, RecurringStopped) as refusal:
        return _list(request, refused=rule.code, refusal=refusal)
    messages.success(request, f"{rule.code} is stopped.")
    return redirect("ledger:recurring")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def recurring_new(request: HttpRequest) -> HttpResponse:
    """Propose an entry that comes again by itself."""
    user = reader(request)
    revised = forms.returned_to(user, kind=START, text=request.GET.get("revise", ""))
    if request.method != "POST":
        return _new_page(request, form=forms.RecurringForm(user=user, initial=_initial(revised)), revised=revised)
    act = "preview" if request.headers.get("HX-Target") == "preview" else request.POST.get("act", "")
    form = forms.RecurringForm(request.POST, user=user)
    found = forms.lines_from(request.POST, user=user, more=act == "lines")
    if act in {"lines", "preview"}:
        unjudged = forms.RecurringForm(initial=request.POST.dict(), user=user)
        return _new_page(request, form=unjudged, found=found, revised=revised, judged=form)
    if not found.lines and found.is_sound:
        form.add_error(None, "Write at least two lines.")
    if not form.is_valid() or not found.is_sound:
        return _new_page(request, form=form, found=found, revised=revised, judged=form, status=UNPROCESSABLE)
    asked = RecurringRequest(lines=found.lines, **form.cleaned_data)
    try:
        if revised is not None:
            proposal = revise_recurring(proposal_id=revised.pk, request=asked, maker_id=user.pk)
        else:
            proposal = propose_recurring(request=asked, maker_id=user.pk)
    except forms.REFUSALS as refusal:
        form.refuse(refusal)
        return _new_page(request, form=form, found=found, revised=revised, judged=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect("approvals:proposal", proposal.pk)


def _initial(revised: Proposal | None) -> dict[str, Any]:
    if revised is None:
        return {"starts_on": timezone.localdate()}
    payload = dict(forms.payload_of(revised))
    entry = payload.pop("entry")
    return {**payload, "entity": entry["entity"], "description": entry["description"], "reference": entry["reference"]}


def _new_page(
    request: HttpRequest,
    *,
    form: forms.RecurringForm,
    found: forms.LinesInput | None = None,
    revised: Proposal | None = None,
    judged: forms.RecurringForm | None = None,
    status: int = 200,
) -> HttpResponse:
    known = entry_from_json(forms.payload_of(revised)["entry"]).lines if revised else []
    rows = found.rows if found else forms.rows_of(known)
    values = forms.valid_values(judged)
    entity = values.get("entity") or str(form["entity"].value() or "")
    context = {
        "form": form,
        "rows": rows,
        "accounts": accounts_offered(accounts_for(reader(request))),
        "revised": revised,
        "preview": forms.preview_of(found or forms.LinesInput(), entity=entity, day=values.get("starts_on"), type_code="recurring"),
        "here": request.get_full_path(),
        "may_add": len(rows) < forms.LINES_ON_A_FORM,
    }
    partial = "#preview" if request.headers.get("HX-Target") == "preview" else ""
    return render(request, f"ledger/recurring_new.html{partial}", context, status=status)
