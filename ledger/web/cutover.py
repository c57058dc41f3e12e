"""Opening balances of an entity out of a file, as one proposal."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_safe

from approvals import queries as approvals
from approvals.models import Proposal
from ledger.journal_files import FILE_MAXIMUM_BYTES, OPENING_COLUMNS, FileError, KnownAccount, opening_of, rows_of
from ledger.operations.cutover import OPENING, OpeningRequest, opening_entries, propose_opening, revise_opening
from ledger.operations.journals import JournalInvalid
from ledger.proposed import entries_of
from ledger.queries.journal_reviews import shown_journal
from ledger.queries.journals import problems_of
from ledger.web import journal_forms as forms
from ledger.web.requests import reader
from ledgerops.lib.http import STATUS_OF, requires

UNPROCESSABLE = 422


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def opening(request: HttpRequest) -> HttpResponse:
    """Bring in the balances of an entity's books before: first what the file says, then the proposal of just that."""
    user = reader(request)
    revised = forms.returned_to(user, kind=OPENING, text=request.GET.get("revise", ""))
    if request.method != "POST":
        return _page(request, form=forms.OpeningForm(user=user))
    known = forms.kept(request.POST.get("kept", ""))
    if known is None or request.FILES.get("file"):
        return _read(request)
    form = forms.OpeningForm({**request.POST.dict(), "entity": known["entity"], "cutover_date": known["cutover_date"]}, user=user)
    if not form.is_valid():
        return _page(request, form=form, known=known, status=UNPROCESSABLE)
    asked = OpeningRequest(
        entity=known["entity"],
        cutover_date=date.fromisoformat(known["cutover_date"]),
        entries=entries_of(known),
        open_items=known["open_items"],
        reason_code=form.cleaned_data["reason_code"],
        narrative=form.cleaned_data["narrative"],
        source=known["source"],
    )
    try:
        proposal = _submitted(asked, revised=revised, maker_id=user.pk)
    except forms.REFUSALS as refusal:
        form.refuse(refusal)
        return _page(request, form=form, known=known, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect("approvals:proposal", proposal.pk)


def _submitted(asked: OpeningRequest, *, revised: Proposal | None, maker_id: int) -> Proposal:
    if revised is not None:
        return revise_opening(proposal_id=revised.pk, request=asked, maker_id=maker_id)
    return propose_opening(request=asked, maker_id=maker_id)


def _read(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form = forms.OpeningForm(user=user, initial=request.POST.dict())
    file, entity = request.FILES.get("file"), request.POST.get("entity", "")
    try:
        day = date.fromisoformat(request.POST.get("cutover_date", ""))
    except ValueError:
        return _page(request, form=form, error="Choose the cutover date.", status=UNPROCESSABLE)
    if file is None or entity not in dict(form.fields["entity"].choices):  # type: ignore[attr-defined]
        return _page(request, form=form, error="Choose a file and one of the entities.", status=UNPROCESSABLE)
    name = (file.name or "file")[:120]
    known, errors = read_opening(
        content=file.read(FILE_MAXIMUM_BYTES + 1), entity=entity, cutover_date=day, accounts=forms.accounts_of(user)
    )
    if known is None:
        return _page(request, form=form, errors=errors, error=f"{name} cannot be proposed", status=UNPROCESSABLE)
    return _page(request, form=form, known={**known, "source": name})


def read_opening(
    *, content: bytes, entity: str, cutover_date: date, accounts: Mapping[str, Any]
) -> tuple[dict[str, Any] | None, list[FileError]]:
    """Return the entries that a file of balances and open items makes, or all that is wrong with it."""
    rows, errors = rows_of(content, columns=OPENING_COLUMNS)
    of_entity = {
        code: KnownAccount(asset=one.asset.code, scale=one.asset.scale) for code, one in accounts.items() if one.entity.code == entity
    }
    found = opening_of(rows, accounts=of_entity)
    read = found.read
    read.errors[:0] = errors
    if read.errors:
        return None, read.errors
    try:
        balances, items = list(found.balances.values()), found.items
        entries = opening_entries(entity=entity, cutover_date=cutover_date, balances=balances, items=items)
    except JournalInvalid as refusal:
        read.wrong(None, "file", str(refusal))
        return None, read.errors
    for problem in problems_of(entries):
        entry = entries[problem.entry]
        line = entry.lines[problem.line or 0]
        read.wrong(found.rows.get(line.account), problem.field.rpartition(".")[2], problem.sentence, entry.reference)
    if read.errors:
        return None, read.errors
    listed = [entry.as_json() for entry in entries]
    return {"entity": entity, "cutover_date": cutover_date.isoformat(), "entries": listed, "open_items": len(items)}, []


@require_safe
@requires("ledger.view_journalentry")
def opening_of_entity(request: HttpRequest, entity: str) -> HttpResponse:
    """Where the opening of an entity is looked at: its place in the list, or the form for the next version of it."""
    found = approvals.proposals_for(reader(request)).filter(kind=OPENING, target_id=entity).order_by("-id").first()
    if found is None:
        raise approvals.ProposalNotFound("there are no opening balances of such an entity in your scope")
    if "revise" in request.GET:
        return redirect(f"{reverse('ledger:opening')}?revise={found.pk}")
    return redirect("ledger:journals")


def _page(
    request: HttpRequest,
    *,
    form: forms.OpeningForm,
    known: Mapping[str, Any] | None = None,
    errors: list[FileError] | None = None,
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    facts = [("File", known["source"]), ("Cutover", known["cutover_date"]), ("Open items", str(known["open_items"]))] if known else []
    context = {
        "form": form,
        "errors": errors or [],
        "error": error,
        "kept": forms.keep(known) if known else "",
        "journal": shown_journal(entries_of(known), facts=facts) if known else None,
        "columns": OPENING_COLUMNS,
        "maximum_mb": forms.maximum_mb(),
    }
    return render(request, "ledger/opening.html", context, status=status)
