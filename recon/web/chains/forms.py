"""Saying what is followed on a chain, and changing how it is read."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods

from approvals.models import User
from ledgerops.lib.http import STATUS_OF, requires
from recon import chain_queries
from recon.models import ChainDelivery, ChainKind, ChainSource, FinalRule
from recon.operations.chain_settings import READ, ChainFollowedOtherwise, ChainRefused, set_chain
from recon.queries import SourceNotFound
from recon.tasks import ring_chain
from recon.web.statements.views import user_of

UNPROCESSABLE = 422


class ReadingForm(forms.Form):
    """How a chain is read: when a block is safe and final, and by whom it is told."""

    safe_after = forms.IntegerField(
        label="Safe after", min_value=0, max_value=100_000, initial=1, help_text="Blocks on top of it. Nothing counts for being safe."
    )
    final_rule = forms.ChoiceField(label="Final when", choices=FinalRule.choices, initial=FinalRule.TAG)
    final_after = forms.IntegerField(
        label="Depth", min_value=1, max_value=100_000, required=False, help_text="Where depth decides; about 65 blocks on Ethereum."
    )
    first_provider = forms.ChoiceField(label="First provider", required=False)
    second_provider = forms.ChoiceField(label="Second provider", required=False, help_text="What one says is compared with the other.")
    active = forms.BooleanField(label="Follow it", required=False, initial=True)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = [("", "None"), *((name, name) for name in sorted(settings.CHAIN_PROVIDERS))]
        for name in ("first_provider", "second_provider"):
            self.fields[name].choices = offered  # type: ignore[attr-defined]

    def reading(self) -> dict[str, Any]:
        """Return the values as the operation takes them."""
        said = self.cleaned_data
        return {
            "safe_after": said["safe_after"],
            "final_rule": said["final_rule"],
            "final_after": said["final_after"],
            "providers": [name for name in (said["first_provider"], said["second_provider"]) if name],
            "active": said["active"],
        }


class ChainForm(ReadingForm):
    """What is followed: it never changes, so it is asked once."""

    source = forms.ChoiceField(label="Source")
    chain = forms.CharField(max_length=41, label="Chain", help_text="Its CAIP-2 name: eip155:1 is Ethereum, eip155:8453 Base.")
    delivery = forms.ChoiceField(label="Delivered", choices=ChainDelivery.choices, initial=ChainDelivery.RPC)
    kind = forms.ChoiceField(label="What is followed", choices=ChainKind.choices, initial=ChainKind.ERC20)
    contract = forms.CharField(max_length=100, label="Contract", required=False, help_text="The token's address. A symbol proves nothing.")
    decimals = forms.IntegerField(label="Decimals", min_value=0, max_value=18, help_text="Of the contract, and of the asset in the books.")
    addresses = forms.CharField(
        label="Watched addresses", widget=forms.Textarea(attrs={"rows": 3}), help_text="One in a line. They never change."
    )
    first_block = forms.IntegerField(label="First block", min_value=0, max_value=2**63 - 2)

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.sources = {str(one.pk): one for one in chain_queries.unfollowed_sources_for(user)}
        offered = [(key, f"{one.name}, {one.asset.code}") for key, one in self.sources.items()]
        self.fields["source"].choices = [("", "Choose a source"), *offered]  # type: ignore[attr-defined]

    def followed(self) -> dict[str, Any]:
        """Return the values as the operation takes them."""
        said = self.cleaned_data
        names = ("chain", "delivery", "kind", "contract", "decimals", "first_block")
        return {**{name: said[name] for name in names}, "addresses": said["addresses"].split()}


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.register_source")
def new_chain(request: HttpRequest) -> HttpResponse:
    """Say what is followed for a source of kind chain."""
    user = user_of(request)
    if request.method != "POST":
        return _page(request, form=ChainForm(user=user, initial={"source": request.GET.get("source", "")}))
    form = ChainForm(request.POST, user=user)
    if not form.is_valid():
        return _page(request, form=form, status=UNPROCESSABLE)
    source = form.sources.get(form.cleaned_data["source"])
    if source is None:
        raise SourceNotFound("there is no such source in your scope", field="source")
    try:
        set_chain(source_id=source.pk, set_by_id=user.pk, **form.followed(), **form.reading())
    except (ChainRefused, ChainFollowedOtherwise) as refusal:
        return _refused(request, form=form, refusal=refusal)
    ring_chain(source.pk)
    messages.success(request, f"{source.name} is followed")
    return redirect("recon:chain", source_id=source.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.register_source")
def change_chain(request: HttpRequest, source_id: int) -> HttpResponse:
    """Change how a chain is read; what is followed stays."""
    user = user_of(request)
    chain = chain_queries.chain_for(user, source_id=source_id)
    if request.method != "POST":
        return _page(request, form=ReadingForm(initial=_initial(chain)), chain=chain)
    form = ReadingForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, chain=chain, status=UNPROCESSABLE)
    kept = {name: getattr(chain, name) for name in ("chain", "delivery", "kind", "contract", "decimals", "addresses", "first_block")}
    try:
        set_chain(source_id=source_id, set_by_id=user.pk, **kept, **form.reading())
    except (ChainRefused, ChainFollowedOtherwise) as refusal:
        return _refused(request, form=form, refusal=refusal, chain=chain)
    ring_chain(source_id)
    messages.success(request, f"The reading of {chain.source.name} was changed")
    return redirect("recon:chain", source_id=source_id)


def _initial(chain: ChainSource) -> dict[str, Any]:
    providers = dict(zip(("first_provider", "second_provider"), chain.providers, strict=False))
    return {**{name: getattr(chain, name) for name in READ if name != "providers"}, **providers}


def _refused(request: HttpRequest, *, form: ReadingForm, refusal: ChainRefused | ChainFollowedOtherwise, **context: Any) -> HttpResponse:
    field = "first_provider" if refusal.field == "providers" else refusal.field
    form.add_error(field if field in form.fields else None, f"{str(refusal)[:1].upper()}{str(refusal)[1:]}.")
    return _page(request, form=form, status=STATUS_OF[refusal.kind], **context)


def _page(request: HttpRequest, *, form: ReadingForm, status: int = 200, chain: ChainSource | None = None) -> HttpResponse:
    return render(request, "recon/chains/form.html", {"form": form, "chain": chain, "is_new": isinstance(form, ChainForm)}, status=status)
