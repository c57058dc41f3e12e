"""Transaction types: what each posts, drawn as T-accounts, in all its versions, and proposing the next one."""

import json
from itertools import pairwise
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals import operations as approvals
from approvals.queries import proposals_about, reason_codes
from ledger import operations, queries
from ledger.models import TransactionType
from ledger.queries import registry
from ledger.web.requests import reader
from ledgerops.lib.http import STATUS_OF, requires

REFUSED = (
    operations.TermsRefused,
    operations.TypeRefused,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
)


class TermsForm(forms.Form):
    """The rules of the next version, as the API writes them."""

    terms = forms.CharField(label="Rules", max_length=50_000, widget=forms.Textarea(attrs={"rows": 18, "spellcheck": "false"}))
    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="Why", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        reasons = reason_codes(kind=operations.DEFINE_TYPE)
        self.fields["reason_code"].choices = [(one.code, one.label) for one in reasons]  # type: ignore[attr-defined]

    def clean_terms(self) -> dict[str, Any]:
        try:
            said = json.loads(self.cleaned_data["terms"])
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"this is not JSON: {error}") from error
        if not isinstance(said, dict):
            raise forms.ValidationError("the rules are one JSON object")
        return said


@require_safe
@requires("ledger.view_transactiontype")
def types(request: HttpRequest) -> HttpResponse:
    current = list(queries.transaction_types())
    rows = [{"type": one, "drawing": registry.drawing_of(one.legs), "flags": flags_of(one)} for one in current]
    shown = [row for row in rows if row["type"].origin == "rule"]  # type: ignore[attr-defined]
    return render(request, "ledger/types.html", {"rows": shown, "others": [row for row in rows if row not in shown]})


@require_safe
@requires("ledger.view_transactiontype")
def transaction_type(request: HttpRequest, code: str) -> HttpResponse:
    return _page(request, code)


@require_POST
@requires("ledger.propose_account_change")
def propose_type(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for the next version; what is refused comes back at its field with the input kept."""
    registry.type_versions(code=code)
    form = TermsForm(request.POST)
    if not form.is_valid():
        return _page(request, code, form=form, status=422)
    try:
        proposal = operations.propose_type(maker_id=reader(request).pk, **form.cleaned_data)
    except REFUSED as refusal:
        place = refusal.field if refusal.field in form.fields else "terms"
        form.add_error(place, f"{refusal.field}: {refusal}" if place == "terms" and refusal.field else str(refusal))
        return _page(request, code, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval.")
    return redirect("ledger:type", code)


def flags_of(kind: TransactionType) -> list[tuple[str, str]]:
    """Return what a type may and may not, as short words with the sentence behind each."""
    days = kind.backdating_days
    return [
        *(
            [("External fact", "It has happened: limits and freezes do not refuse it, a shortfall becomes a receivable")]
            if kind.external
            else []
        ),
        *([("Settles outside", "It has a second axis: expected, sent, confirmed, settled, returned")] if kind.settles else []),
        *([("Undoes an entry", "It names the entry that it undoes, leg by leg under a cap")] if kind.mirrors else []),
        *([] if kind.reversible else [("Not reversible", "Its entries are not undone")]),
        *([("Captured more than once", "Its holds take several captures")] if kind.multi_capture else []),
        *([("Posts in soft lock", "Soft-locked periods still take it")] if kind.in_soft_lock else []),
        *([(f"At most {days} days back", "Older effective dates are refused")] if days is not None else []),
    ]


def _page(request: HttpRequest, code: str, *, form: TermsForm | None = None, status: int = 200) -> HttpResponse:
    versions = registry.type_versions(code=code)
    current = versions[0]
    text = json.dumps(registry.terms_of(current), indent=2, ensure_ascii=False)
    older = [
        {"type": one, "rows": registry.compared_terms(registry.terms_of(before), registry.terms_of(one))}
        for one, before in pairwise(versions)
    ]
    context = {
        "type": current,
        "versions": versions,
        "changes": older,
        "drawing": registry.drawing_of(current.legs),
        "flags": flags_of(current),
        "form": form or TermsForm(initial={"terms": text}),
        "proposal": proposals_about(target_type="ledger.transaction_type", target_id=code).first(),
        "may_propose": reader(request).has_perm("ledger.propose_account_change"),
    }
    return render(request, "ledger/type.html", context, status=status)
