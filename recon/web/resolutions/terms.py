"""What may be written off and how long timing is accepted, by asset; changed by a proposal."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from approvals import operations as approvals
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.queries import proposals_for, reason_codes
from ledger.queries import accounts_for
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.money import minor_from_text, plain
from recon import operations, resolution_queries
from recon.models import ResolutionTerms
from recon.web.breaks.case import sentence_of
from recon.web.breaks.listing import user_of

REFUSALS = (operations.TermsInvalid, approvals.ProposalInvalid, approvals.ObjectHasOpenProposal, approvals.NobodyCouldApprove)


class TermsForm(forms.Form):
    write_off_maximum = forms.CharField(label="Written off at most", max_length=60)
    write_off_account = forms.CharField(label="Written off to", widget=forms.Select, required=False, max_length=40)
    timing_days_maximum = forms.IntegerField(label="Timing accepted for, business days", min_value=0, max_value=60)
    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="Why", min_length=NARRATIVE_MINIMUM, max_length=2000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, data: QueryDict | None = None, *, terms: ResolutionTerms, accounts: list[tuple[str, str]]) -> None:
        super().__init__(
            data,
            initial={
                "write_off_maximum": plain(int(terms.write_off_maximum_minor), scale=terms.asset.scale),
                "write_off_account": terms.write_off_account.code if terms.write_off_account else "",
                "timing_days_maximum": terms.timing_days_maximum,
            },
        )
        self.terms = terms
        self.fields["write_off_account"].widget.choices = [("", "Nothing is written off"), *accounts]
        known = [(one.code, one.label) for one in reason_codes(kind=operations.SET_TERMS)]
        self.fields["reason_code"].choices = [("", "Choose a reason"), *known]  # type: ignore[attr-defined]

    def clean_write_off_maximum(self) -> int:
        try:
            return minor_from_text(self.cleaned_data["write_off_maximum"], scale=self.terms.asset.scale, field="write_off_maximum")
        except Refusal as refusal:
            raise forms.ValidationError(sentence_of(refusal)) from refusal

    def wish(self) -> operations.Terms:
        values = self.cleaned_data
        return operations.Terms(
            entity=self.terms.entity.code,
            asset=self.terms.asset.code,
            write_off_maximum_minor=values["write_off_maximum"],
            write_off_account=values["write_off_account"] or None,
            timing_days_maximum=values["timing_days_maximum"],
        )


@require_safe
@requires("recon.view_break")
def terms_list(request: HttpRequest) -> HttpResponse:
    user = user_of(request)
    waiting = proposals_for(user).filter(kind=operations.SET_TERMS, closed_at=None)
    return render(request, "recon/resolutions/terms.html", {"rows": resolution_queries.terms_for(user), "waiting": list(waiting[:50])})


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.propose_terms")
def change_terms(request: HttpRequest, entity: str, asset: str) -> HttpResponse:
    """Propose other terms for one asset of an entity."""
    user = user_of(request)
    terms = resolution_queries.terms_in_force_for(user, entity=entity, asset=asset)
    expenses = accounts_for(user).filter(entity=terms.entity, asset=terms.asset, type="expense", status="open", children__isnull=True)
    accounts = [(one.code, f"{one.code} {one.name}") for one in expenses.order_by("code")[:300]]
    form = TermsForm(request.POST if request.method == "POST" else None, terms=terms, accounts=accounts)
    status = 200
    if request.method == "POST":
        if form.is_valid():
            values = form.cleaned_data
            try:
                proposal = operations.propose_terms(
                    terms=form.wish(), reason_code=values["reason_code"], narrative=values["narrative"], maker_id=user.pk
                )
            except REFUSALS as refusal:
                names = {"write_off_maximum_minor": "write_off_maximum"}
                field = names.get(refusal.field or "", refusal.field)
                form.add_error(field if field in form.fields else None, sentence_of(refusal))
                status = STATUS_OF[refusal.kind]
            else:
                messages.success(request, f"{proposal.public_number} waits for approval.")
                return redirect("recon:terms")
        else:
            status = 422
    return render(request, "recon/resolutions/change_terms.html", {"form": form, "terms": terms}, status=status)
