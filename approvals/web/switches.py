"""What is stopped: everybody sees it, one person stops, two let it go on."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals import operations, queries
from approvals.models import User
from approvals.operations.proposals import NARRATIVE_MINIMUM
from approvals.registry import scope_prefixes
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.runtime.models import Function, Switch

LIFTED_SHOWN = 20


class SwitchForm(forms.Form):
    """What is to stop, where and why."""

    function = forms.ChoiceField(label="What stops", choices=[("", "Choose a function"), *Function.choices])
    where = forms.ChoiceField(label="Where", required=False)
    code = forms.CharField(label="Its code", required=False, max_length=40)
    reason = forms.CharField(label="Why", max_length=1000, widget=forms.Textarea(attrs={"rows": 2}))
    passes_approved = forms.BooleanField(label="Entries with an approved proposal still pass (posting only)", required=False)

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        places = [(prefix, f"For one {prefix}") for prefix in scope_prefixes()]
        self.fields["where"].choices = [("", "Everywhere"), *places]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, object]:
        wish = super().clean() or self.cleaned_data
        if wish.get("where") and not wish.get("code"):
            self.add_error("code", f"Which {wish['where']}?")
        if wish.get("code") and not wish.get("where"):
            self.add_error("where", "Say what this is the code of, or leave the code empty.")
        return wish

    @property
    def scope(self) -> str:
        where = self.cleaned_data["where"]
        return f"{where}:{self.cleaned_data['code'].strip()}" if where else Switch.EVERYWHERE


class LiftForm(forms.Form):
    """Why what was stopped may go on."""

    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(
        label="What was done about the cause",
        min_length=NARRATIVE_MINIMUM,
        max_length=2000,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"min_length": f"Say it in at least {NARRATIVE_MINIMUM} characters."},
    )

    def __init__(self, *args: object, **options: object) -> None:
        super().__init__(*args, **options)  # type: ignore[arg-type]
        self.fields["reason_code"].choices = [  # type: ignore[attr-defined]
            (reason.code, reason.label) for reason in queries.reason_codes(kind=operations.LIFT_SWITCH)
        ]


@require_safe
@requires("approvals.view_proposal")
def switches(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@requires("approvals.set_switch")
def set_switch(request: HttpRequest) -> HttpResponse:
    """Stop a function; it holds from now on."""
    form = SwitchForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=422)
    try:
        switch = operations.set_switch(
            function=form.cleaned_data["function"],
            scope=form.scope,
            reason=form.cleaned_data["reason"],
            passes_approved=form.cleaned_data["passes_approved"],
            set_by_id=_user(request).pk,
        )
    except (operations.SwitchInvalid, operations.SwitchSetAlready) as refusal:
        _locate(form, refusal)
        return _page(request, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{switch.get_function_display()} is stopped")
    return redirect("switches")


@require_safe
@requires("approvals.view_proposal")
def switch(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """One switch, with the form to propose that it is lifted."""
    return _page(request, chosen=queries.switch_by_id(switch_id))


@require_http_methods(["POST"])
@requires("approvals.set_switch")
def lift(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """Propose that what is stopped goes on; somebody else decides."""
    chosen = queries.switch_by_id(switch_id)
    form = LiftForm(request.POST)
    if not form.is_valid():
        return _page(request, chosen=chosen, lifting=form, status=422)
    try:
        proposal = operations.propose_lifting(switch_id=chosen.pk, maker_id=_user(request).pk, **form.cleaned_data)
    except Refusal as refusal:
        _locate(form, refusal)
        return _page(request, chosen=chosen, lifting=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for the decision of somebody else")
    return redirect("approvals:proposal", proposal.pk)


def _page(
    request: HttpRequest,
    *,
    form: SwitchForm | None = None,
    chosen: Switch | None = None,
    lifting: LiftForm | None = None,
    status: int = 200,
) -> HttpResponse:
    context = {
        "in_force": queries.switch_rows(queries.switches_in_force()),
        "lifted": queries.switch_rows(queries.switches_lifted()[:LIFTED_SHOWN]),
        "form": form or SwitchForm(),
        "chosen": queries.switch_rows(Switch.objects.filter(pk=chosen.pk))[0] if chosen else None,
        "lifting": lifting or LiftForm(),
    }
    return render(request, "approvals/switches.html", context, status=status)


def _locate(form: forms.Form, refusal: Refusal) -> None:
    field = {"scope": "code"}.get(refusal.field or "", refusal.field)
    text = str(refusal)
    form.add_error(field if field in form.fields else None, f"{text[:1].upper()}{text[1:]}.")


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
