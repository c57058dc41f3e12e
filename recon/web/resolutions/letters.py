"""Drafting messages to the bank: seen before they are kept, and never sent from here."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.money import grouped
from recon import operations, queries
from recon.models import Break
from recon.web.breaks.case import address_of, frame_of, sentence_of
from recon.web.breaks.listing import user_of

TEMPLATE = "recon/resolutions/message.html"
OF_OURS = "We expect the movement above on our account and do not find it on your statements. Please trace it."
OF_THEIRS = "The movement above stands on your statement and not in our books. Please tell us what it is, or return it."
OF_BOTH = "In our books it is {ours}. Please tell us what the difference is, or correct it."


class MessageForm(forms.Form):
    kind = forms.ChoiceField(label="Message", choices=list(operations.MESSAGE_KINDS.items()))
    reason = forms.ChoiceField(
        label="Why it is to be cancelled",
        required=False,
        choices=[("", "Of a request to cancel only"), *operations.CANCELLATION_REASONS.items()],
    )
    text = forms.CharField(label="What the bank is asked", max_length=operations.MESSAGE_TEXT_MAX, widget=forms.Textarea(attrs={"rows": 5}))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.draft_message")
def message(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """Show the draft that the fields give, or keep it with the break."""
    user = user_of(request)
    recon_break = queries.break_for(user, break_id=break_id)
    operations.refuse_of_a_source(recon_break)
    if request.method != "POST":
        initial = {"kind": operations.LETTER, "text": _text(recon_break)}
        asked = {name: request.GET[name] for name in ("kind", "reason", "text") if name in request.GET}
        return _render(request, recon_break, form=MessageForm({**initial, **asked}))
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _render(request, recon_break, form=form, status=422)
    try:
        kept = operations.draft_message(request=_wish(recon_break, form), drafted_by_id=user.pk)
    except (operations.MessageInvalid, operations.EvidenceKnown, operations.EvidenceRefused) as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, sentence_of(refusal))
        return _render(request, recon_break, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{kept.name} is kept with {recon_break.public_number}. Send it from your own mail or bank channel.")
    return redirect(f"{address_of(request, break_id)}#evidence")


def _text(recon_break: Break) -> str:
    """Return what the bank is asked unless the analyst writes something else."""
    if recon_break.ledger_item is None:
        return OF_THEIRS
    if recon_break.statement_item is None:
        return OF_OURS
    asset = recon_break.reconciliation.source.asset
    return OF_BOTH.format(ours=f"{asset.code} {grouped(abs(recon_break.ledger_item.signed_minor), scale=asset.scale)}")


def _wish(recon_break: Break, form: MessageForm) -> operations.MessageRequest:
    values = form.cleaned_data
    return operations.MessageRequest(break_id=recon_break.pk, kind=values["kind"], text=values["text"], reason=values["reason"])


def _render(request: HttpRequest, recon_break: Break, *, form: MessageForm, status: int = 200) -> HttpResponse:
    draft, problem = None, ""
    if form.is_valid():
        try:
            draft = operations.draft_of(recon_break, request=_wish(recon_break, form), written_at=timezone.now())
        except operations.MessageInvalid as refusal:
            problem = _said(refusal)
    context = {**frame_of(request, recon_break), "form": form, "draft": draft, "problem": problem}
    partial = "#draft" if request.headers.get("HX-Target") == "draft" else ""
    return render(request, TEMPLATE + partial, context, status=status)


def _said(refusal: Refusal) -> str:
    return sentence_of(refusal)
