"""Parties: who money belongs to, and where it may go."""

from typing import Any
from uuid import UUID

import django_filters
from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger import operations, queries
from ledger.models import Party, PartyKind, PartyStatus
from ledger.queries import parties as reads
from ledger.web.party_forms import DetailsForm, ExternalAccountForm, OwnersForm, PartyForm, ReasonForm
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of


class PartyFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    q = django_filters.CharFilter(method="by_text", label="Code")
    kind = django_filters.ChoiceFilter(choices=PartyKind.choices, label="Kind")
    status = django_filters.ChoiceFilter(choices=PartyStatus.choices, label="Status")

    class Meta:
        model = Party
        fields: tuple[str, ...] = ()

    def by_text(self, queryset: QuerySet[Party], _name: str, value: str) -> QuerySet[Party]:
        text = value.strip()
        found = Q(code__icontains=text)
        # A name is personal data: only who may read it may look for it.
        return queryset.filter(
            found | Q(details__name__icontains=text) if self.request.user.has_perm("ledger.view_partydetails") else found
        )


@require_safe
@requires("ledger.view_party")
def parties(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    found = PartyFilter(request.GET, queryset=reads.parties_for(user), request=request)
    valid = found.is_valid()
    shown = found.qs if valid else found.queryset.none()
    page = page_of(reads.counted_parties(shown), query=request.GET, order=("code",))
    context = {
        "filter": found,
        "page": page,
        "count": _counted(bounded_count(shown)),
        "kinds": PartyKind.choices,
        "statuses": PartyStatus.choices,
    }
    return render(request, template_for(request, "ledger/parties.html"), context, status=200 if valid else STATUS_OF[RefusalKind.INVALID])


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.manage_party")
def new_party(request: HttpRequest) -> HttpResponse:
    form = PartyForm(request.POST or None)
    if request.method != "POST" or not form.is_valid():
        return render(request, "ledger/party_new.html", {"form": form}, status=422 if request.method == "POST" else 200)
    asked = form.cleaned_data
    try:
        party = operations.add_party(code=asked["code"], kind=asked["kind"], details=form.details(), program=asked["program"] or None)
    except Refusal as refusal:
        _add(form, refusal)
        return render(request, "ledger/party_new.html", {"form": form}, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{party.code} added")
    return redirect("ledger:party", code=party.code)


@require_safe
@requires("ledger.view_party")
def party(request: HttpRequest, code: str) -> HttpResponse:
    return _page(request, party=reads.party_for(reader(request), code=code))


@require_POST
@requires("ledger.view_partydetails")
def show_details(request: HttpRequest, code: str) -> HttpResponse:
    """Show a party's personal data; that it was looked at is on the trail."""
    shown = reads.party_for(reader(request), code=code)
    operations.record_details_read(party=shown)
    return _page(request, party=shown, details=True)


@require_POST
@requires("ledger.manage_party")
def change_details(request: HttpRequest, code: str) -> HttpResponse:
    shown = reads.party_for(reader(request), code=code)
    form = DetailsForm(request.POST)
    if not form.is_valid():
        return _page(request, party=shown, details=True, details_form=form, status=422)
    try:
        operations.change_details(party_id=shown.pk, details=form.details())
    except Refusal as refusal:
        _add(form, refusal)
        return _page(request, party=shown, details=True, details_form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, "Details changed")
    return redirect("ledger:party", code=code)


@require_POST
@requires("ledger.manage_party")
def link_account(request: HttpRequest, code: str) -> HttpResponse:
    """Say that an account holds this party's money."""
    user = reader(request)
    shown = reads.party_for(user, code=code)
    account = queries.account_for(user, code=request.POST.get("account", "").strip())
    operations.link_account(account_id=account.pk, party_id=shown.pk)
    messages.success(request, f"{account.code} holds the money of {shown.code}")
    return redirect("ledger:party", code=code)


@require_POST
@requires("ledger.manage_party")
def propose_external_account(request: HttpRequest, code: str) -> HttpResponse:
    user = reader(request)
    shown = reads.party_for(user, code=code)
    form = ExternalAccountForm(request.POST)
    if not form.is_valid():
        return _page(request, party=shown, external_form=form, status=422)
    try:
        proposal = operations.propose_external_account(party=shown.code, maker_id=user.pk, **form.cleaned_data)
    except Refusal as refusal:
        _add(form, refusal)
        return _page(request, party=shown, external_form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval")
    return redirect("approvals:proposal", proposal.pk)


@require_POST
@requires("ledger.manage_party")
def revoke_external_account(request: HttpRequest, external_account_id: UUID) -> HttpResponse:
    """Stop an account outside at once."""
    external = reads.external_account_for(reader(request), external_account_id=external_account_id)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _page(request, party=external.party, revoked=external.pk, reason_form=form, status=422)
    operations.revoke_external_account(external_account_id=external.pk, reason=form.cleaned_data["reason"])
    messages.success(request, "No payment may go there any more")
    return redirect("ledger:party", code=external.party.code)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.manage_party")
def change_party(request: HttpRequest, code: str) -> HttpResponse:
    """Propose other owners, another program or status."""
    user = reader(request)
    shown = reads.party_for(user, code=code)
    now = operations.party_values(shown)
    form = OwnersForm(request.POST or None, party=shown, now=now)
    if request.method != "POST" or not form.is_valid():
        return render(request, "ledger/party_change.html", {"party": shown, "form": form}, status=422 if request.method == "POST" else 200)
    try:
        proposal = operations.propose_party_change(
            party=shown.code, changes=form.changes(), reason_code="PARTY_CHANGE", narrative=form.cleaned_data["narrative"], maker_id=user.pk
        )
    except Refusal as refusal:
        _add(form, refusal)
        return render(request, "ledger/party_change.html", {"party": shown, "form": form}, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval")
    return redirect("approvals:proposal", proposal.pk)


def _page(request: HttpRequest, *, party: Party, details: bool = False, status: int = 200, **further: Any) -> HttpResponse:
    user = reader(request)
    kept = reads.details_of(party) if details else None
    initial = {name: getattr(kept, name) for name in DetailsForm.base_fields} if kept else {}
    context = {
        "party": party,
        "details": kept,
        "shows_details": details,
        "details_form": DetailsForm(initial=initial),
        "owners": list(reads.owners_of(party)[:50]),
        "accounts": list(reads.accounts_of(user, party)[:50]),
        "external_accounts": list(reads.external_accounts_of(party)[:50]),
        "external_form": ExternalAccountForm(),
        "reason_form": ReasonForm(),
        "revoked": None,
        **further,
    }
    return render(request, "ledger/party.html", context, status=status)


def _add(form: forms.Form, refusal: Refusal) -> None:
    sentence = str(refusal)
    form.add_error(refusal.field if refusal.field in form.fields else None, f"{sentence[:1].upper()}{sentence[1:]}.")


def _counted(count: int) -> str:
    return "1 party" if count == 1 else f"{counted(count, word='partie')}"
