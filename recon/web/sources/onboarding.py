"""A new source, in plain steps: who delivers, which account must agree, how its files are read, and a file to test it on."""

import re
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from approvals.models import User
from ledger.models import OwnerClass
from ledger.operations import ChartRefused
from ledger.queries import account_groups_for, accounts_for, assets, entities_for
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations
from recon.models import MAPPED, Source, SourceKind
from recon.operations import NewAccount, SourceInvalid, SourceRefused
from recon.web.sources.words import KIND_WORDS, format_choices
from recon.web.statements.forms import NEW
from recon.web.statements.views import user_of

UNPROCESSABLE = 422
ACCOUNTS_OFFERED = 300
STEPS = ("Source", "Format", "Test on a file", "In use")
_NOT_IN_A_CODE = re.compile(r"[^A-Za-z0-9]+")


class SourceForm(forms.Form):
    """What a source is. The ledger account is one that has no source yet, or a new one."""

    kind = forms.ChoiceField(label="What it is", choices=[(value.value, word) for value, word in KIND_WORDS.items()])
    name = forms.CharField(max_length=120, label="Name", help_text="As people here call it: Harbor Bank USD operating.")
    servicer = forms.CharField(max_length=120, required=False, label="Bank, processor or custodian")
    identifier = forms.CharField(
        max_length=60,
        label="Account as its files name it",
        help_text="An IBAN, account number or address. Where files name none, any name that is yours alone.",
    )
    code = forms.CharField(
        max_length=40, required=False, label="Code", help_text="Short, for addresses and the API; made of the name where empty."
    )
    account = forms.ChoiceField(label="Ledger account that must agree with it")
    asset = forms.ChoiceField(required=False, label="Asset")
    account_code = forms.CharField(max_length=40, required=False, label="Code of the new account")
    entity = forms.ChoiceField(required=False, label="Legal entity")
    group = forms.ChoiceField(required=False, label="Account group")
    format = forms.ChoiceField(required=False, label="Its files are", choices=format_choices)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.may_open = user.has_perm("ledger.open_account")
        outside = (OwnerClass.NOSTRO, OwnerClass.SAFEGUARDING, OwnerClass.WALLET)
        taken = Source.objects.values("account")
        free = accounts_for(user).filter(owner_class__in=outside, children__isnull=True).exclude(pk__in=taken)
        accounts = [(one.code, f"{one.code} {one.name}, {one.asset.code}") for one in free.select_related("asset")[:ACCOUNTS_OFFERED]]
        choices: dict[str, list[tuple[str, str]]] = {
            "asset": [(code, f"{code} {name}") for code, name in assets().order_by("code").values_list("code", "name")],
            "account": [("", "Choose an account"), *accounts, *([(NEW, "Open a new account")] if self.may_open else [])],
            "entity": [(one.code, one.name) for one in entities_for(user).order_by("name")],
            "group": [(one.code, one.name) for one in account_groups_for(user).order_by("name")],
        }
        for name, offered in choices.items():
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"].strip() or _NOT_IN_A_CODE.sub("-", self.cleaned_data.get("name", "")).strip("-").lower()[:40]
        if "/" in code or not code or code == "new":
            raise forms.ValidationError("A code has letters, figures and hyphens.")
        return code

    def clean(self) -> dict[str, Any]:
        """Demand what a new account needs, only where one is to be opened."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("account") == NEW:
            for name in ("asset", "account_code", "entity", "group"):
                if not cleaned.get(name):
                    self.add_error(name, "A new account needs this.")
        return cleaned


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.register_source")
def new_source(request: HttpRequest) -> HttpResponse:
    """Register a source and go on to its mapping, or to a first file."""
    user = user_of(request)
    if request.method != "POST":
        return _page(request, form=SourceForm(user=user, initial={"kind": request.GET.get("kind", SourceKind.BANK)}))
    form = SourceForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form=form, status=UNPROCESSABLE)
    try:
        source = _register(form.cleaned_data)
    except (SourceRefused, SourceInvalid, ChartRefused) as refusal:
        return _refused(request, form=form, refusal=refusal)
    messages.success(request, f"{source.name} is registered.")
    if source.format == MAPPED and user.has_perm("recon.map_source"):
        return redirect("recon:mapping_editor", code=source.code)
    return redirect("recon:source", code=source.code)


def _register(wish: dict[str, Any]) -> Source:
    said = {name: wish[name] for name in ("code", "name", "identifier", "servicer", "format")}
    kind = SourceKind(wish["kind"])
    if wish["account"] != NEW:
        return operations.register_source(**said, kind=kind, account=wish["account"])
    account = NewAccount(
        code=wish["account_code"], name=wish["name"][:100], entity=wish["entity"], group=wish["group"], asset=wish["asset"]
    )
    return operations.register_source_with_account(**said, kind=kind, account=account)


def _refused(request: HttpRequest, *, form: SourceForm, refusal: Refusal) -> HttpResponse:
    text = str(refusal)
    form.add_error(refusal.field if refusal.field in form.fields else None, f"{text[:1].upper()}{text[1:]}.")
    return _page(request, form=form, status=STATUS_OF[refusal.kind])


def _page(request: HttpRequest, *, form: SourceForm, status: int = 200) -> HttpResponse:
    return render(request, "recon/sources/new.html", {"form": form, "steps": steps(current=0)}, status=status)


def steps(*, current: int) -> list[dict[str, str]]:
    """Return the steps of onboarding with how far one is."""
    return [{"name": name, "state": "done" if n < current else "current" if n == current else "waiting"} for n, name in enumerate(STEPS)]
