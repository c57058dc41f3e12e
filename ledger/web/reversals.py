"""Proposing to undo a posted entry, in full or in part."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from ledger.accounting import Line
from ledger.models import JournalEntry, PeriodStatus
from ledger.operations.reversals import REVERSAL, ReversalRequest, propose_reversal, revise_reversal
from ledger.proposed import ProposedEntry
from ledger.queries import effects_of, entry_for, period_of
from ledger.queries.journals import problems_of
from ledger.queries.reversals import LegLeft, legs_left
from ledger.web import journal_forms as forms
from ledger.web.requests import reader
from ledgerops.lib import money
from ledgerops.lib.http import STATUS_OF, requires

UNPROCESSABLE = 422


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def reverse_entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    """Undo an entry or some of its legs; every leg shows what is left of it, and no more can be asked."""
    user = reader(request)
    entry = entry_for(user, entry_id=entry_id)
    left = legs_left(entry)
    revised = forms.returned_to(user, kind=REVERSAL, text=request.GET.get("revise", ""))
    today = timezone.localdate()
    form = forms.ReversalForm(request.POST or None, initial={"when": _first_choice(entry, today=today)})
    form.fields["when"].choices = _days(entry, today=today)  # type: ignore[attr-defined]
    rows = [_Row(number, leg) for number, leg in enumerate(left, start=1)]
    if request.method != "POST":
        return _page(request, entry=entry, form=form, rows=rows)
    for row in rows:
        row.read(request.POST.get(f"amount-{row.number}", ""))
    is_preview = request.headers.get("HX-Target") == "preview" or request.POST.get("act") == "preview"
    if is_preview:
        unjudged = forms.ReversalForm(initial=request.POST.dict())
        unjudged.fields["when"].choices = _days(entry, today=today)  # type: ignore[attr-defined]
        return _page(request, entry=entry, form=unjudged, rows=rows)
    if any(row.error for row in rows) or not form.is_valid():
        return _page(request, entry=entry, form=form, rows=rows, status=UNPROCESSABLE)
    taken = {(row.leg.account.code, row.leg.direction): row.amount_minor for row in rows if row.amount_minor}
    if not taken:
        form.add_error(None, "Say how much of at least one leg is undone.")
        return _page(request, entry=entry, form=form, rows=rows, status=UNPROCESSABLE)
    asked = ReversalRequest(
        entry_id=entry.pk,
        amounts=None if all(row.amount_minor == row.leg.left_minor for row in rows) else taken,
        effective_date=entry.effective_date if form.cleaned_data["when"] == "original" else today,
        reason_code=form.cleaned_data["reason_code"],
        narrative=form.cleaned_data["narrative"],
    )
    try:
        if revised is not None:
            proposal = revise_reversal(proposal_id=revised.pk, request=asked, maker_id=user.pk)
        else:
            proposal = propose_reversal(request=asked, maker_id=user.pk)
    except forms.REFUSALS as refusal:
        form.refuse(refusal)
        return _page(request, entry=entry, form=form, rows=rows, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect("approvals:proposal", proposal.pk)


class _Row:
    """A leg on the form: how much of it is to be undone; at first all that is left."""

    def __init__(self, number: int, leg: LegLeft) -> None:
        self.number, self.leg, self.error = number, leg, ""
        self.amount_minor = leg.left_minor
        self.text = money.plain(leg.left_minor, scale=leg.account.asset.scale) if leg.left_minor else ""

    def read(self, text: str) -> None:
        """Take what was typed; an empty field leaves the leg as it is."""
        self.text, self.amount_minor = text.strip()[:60], 0
        if not self.text:
            return
        try:
            self.amount_minor = money.minor_from_text(self.text, scale=self.leg.account.asset.scale, field="amount")
        except money.AmountRefused as refused:
            self.error = str(refused)
            return
        if not 0 <= self.amount_minor <= self.leg.left_minor:
            self.error = f"{self.leg.left_text} is left of it, and no more can be undone"


def _days(entry: JournalEntry, *, today: date) -> list[tuple[str, str]]:
    """Return the days offered: the entry's own while its period takes approved entries, and today."""
    days = []
    period = period_of(entity=entry.entity, day=entry.effective_date)
    if period is not None and period.status != PeriodStatus.CLOSED:
        days.append(("original", f"On its own day, {entry.effective_date:%-d %b %Y}"))
    if today >= entry.effective_date:
        days.append(("today", f"Today, {today:%-d %b %Y}"))
    return days


def _first_choice(entry: JournalEntry, *, today: date) -> str:
    days = _days(entry, today=today)
    return days[-1][0] if days else ""


def _page(request: HttpRequest, *, entry: JournalEntry, form: forms.ReversalForm, rows: list[_Row], status: int = 200) -> HttpResponse:
    lines = [
        Line(account=row.leg.account.code, direction=row.leg.other_side, amount_minor=row.amount_minor, asset=row.leg.account.asset.code)
        for row in rows
        if row.amount_minor > 0 and not row.error
    ]
    context: dict[str, Any] = {
        "entry": entry,
        "form": form,
        "rows": rows,
        "days": [(value, word, value == form["when"].value()) for value, word in form.fields["when"].choices],  # type: ignore[attr-defined]
        "undone_before": any(row.leg.undone_minor for row in rows),
        "nothing_left": not any(row.leg.left_minor for row in rows),
        "preview": _preview(entry, lines=lines, rows=rows, on_own_day=form["when"].value() == "original"),
        "here": request.get_full_path(),
    }
    partial = "#preview" if request.headers.get("HX-Target") == "preview" else ""
    return render(request, f"ledger/reverse.html{partial}", context, status=status)


def _preview(entry: JournalEntry, *, lines: list[Line], rows: list[_Row], on_own_day: bool) -> forms.Preview:
    problems = [f"{row.leg.account.code}: {row.error}" for row in rows if row.error]
    day = entry.effective_date if on_own_day else timezone.localdate()
    if lines and not problems:
        undoing = ProposedEntry(type="reversal", entity=entry.entity.code, effective_date=day, description="preview", lines=lines)
        problems = [problem.sentence for problem in problems_of([undoing])]
    return forms.Preview(effects=effects_of(lines=lines), totals=forms.shown_totals(lines), problems=problems)
