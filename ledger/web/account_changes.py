"""What may be done to one account: propose a change, freeze it at once, open a new one, watch its balance."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from approvals.models import Proposal, ProposalStatus, User
from approvals.queries import made_by, proposals_about
from ledger import operations, queries
from ledger.models import Account
from ledger.operations import CHANGE_ACCOUNT
from ledger.queries import controls, hot
from ledger.web.account_forms import ChangeForm, FreezeForm, MonitorForm, OpenForm
from ledger.web.panels import Panel
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires

HOLDS_SHOWN = 5


def controls_panel(user: User, account: Account) -> Panel | None:
    """Return the card of an account's page that says what may be done to it and who watches it."""
    tail = hot.tail_of(account)
    waiting = proposals_about(target_type="ledger.account", target_id=account.code).filter(
        kind=CHANGE_ACCOUNT, status__in=[ProposalStatus.SUBMITTED, ProposalStatus.CHANGES_REQUESTED]
    )
    return Panel(
        template="ledger/_controls.html",
        context={
            "account": account,
            "available_minor": account.balance.available_minor,
            "velocity": controls.velocity_use_of(account),
            "monitors": list(controls.monitors_of(account)),
            "tail": tail,
            "waiting": list(waiting[:3]) if user.has_perm("approvals.view_proposal") else [],
        },
    )


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_account_change")
def change(request: HttpRequest, code: str) -> HttpResponse:
    """Propose a change, or the next version of one that was returned (`?revise=`)."""
    user = reader(request)
    account = queries.account_for(user, code=code)
    revised = _revised(user, account=account, text=request.GET.get("revise", ""))
    if request.method != "POST":
        current = revised.versions.get(n=revised.current_version) if revised else None
        form = ChangeForm(account=account, user=user, wanted=current.payload["changes"] if current else None)
        if current:
            form.initial = {**form.initial, "reason_code": current.reason_code_id, "narrative": current.narrative}
        return _change_page(request, form=form, revised=revised)
    form = ChangeForm(request.POST, account=account, user=user)
    if not form.is_valid():
        return _change_page(request, form=form, revised=revised, status=422)
    if form.is_outdated:
        form.add_error(None, "The account has changed since you opened this form. What you typed is kept; compare, then send it again.")
        form.data = {**request.POST.dict(), "seen": form.initial["seen"]}
        return _change_page(request, form=form, revised=revised, status=STATUS_OF[RefusalKind.CONFLICT])
    asked = {
        "account": account.code,
        "changes": form.changes(),
        "reason_code": form.cleaned_data["reason_code"],
        "narrative": form.cleaned_data["narrative"],
        "maker_id": user.pk,
    }
    try:
        if revised:
            proposal = operations.revise_account_change(proposal_id=revised.pk, **asked)
        else:
            proposal = operations.propose_account_change(**asked)
    except Refusal as refusal:
        locate(form, refusal)
        return _change_page(request, form=form, revised=revised, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for the decision of somebody else")
    return redirect("approvals:proposal", proposal.pk)


def _revised(user: User, *, account: Account, text: str) -> Proposal | None:
    """Return the reader's own proposal about this account that was returned to them, if the address names it."""
    try:
        wanted = UUID(text)
    except ValueError:
        return None
    return made_by(user).filter(pk=wanted, kind=CHANGE_ACCOUNT, target_id=account.code, status=ProposalStatus.CHANGES_REQUESTED).first()


def _change_page(request: HttpRequest, *, form: ChangeForm, revised: Proposal | None, status: int = 200) -> HttpResponse:
    holds = controls.open_holds_of(form.account)
    context = {
        "form": form,
        "account": form.account,
        "now": form.now,
        "revised": revised,
        "may_be_deferred": form.account.owner_class in controls.DEFERRABLE,
        "balance_minor": controls.balances_with_tails([form.account.pk])[form.account.pk],
        "holds": list(holds[:HOLDS_SHOWN]),
    }
    return render(request, "ledger/account_change.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.freeze_account")
def freeze(request: HttpRequest, code: str) -> HttpResponse:
    """Freeze an account; it holds from the next request on."""
    account = queries.account_for(reader(request), code=code)
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if request.method != "POST":
        return render(request, "ledger/account_freeze.html", {"form": form, "account": account})
    if not form.is_valid():
        return render(request, "ledger/account_freeze.html", {"form": form, "account": account}, status=422)
    wish = form.cleaned_data
    try:
        operations.freeze_account(account_id=account.pk, directions=wish["direction"], reason=wish["reason"])
    except Refusal as refusal:
        locate(form, refusal)
        return render(request, "ledger/account_freeze.html", {"form": form, "account": account}, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{account.code} is frozen for {' and '.join(f'{one}s' for one in wish['direction'])}")
    return redirect("ledger:account", account.code)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.open_account")
def open_new(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form = OpenForm(request.POST if request.method == "POST" else None, user=user)
    if request.method != "POST":
        return render(request, "ledger/account_new.html", {"form": form})
    if not form.is_valid():
        return render(request, "ledger/account_new.html", {"form": form}, status=422)
    try:
        account = operations.open_requested_account(request=form.request())
    except Refusal as refusal:
        locate(form, refusal, named={"overdraft_limit": "limit"})
        return render(request, "ledger/account_new.html", {"form": form}, status=STATUS_OF[refusal.kind])
    messages.success(request, f"Account {account.code} is open")
    return redirect("ledger:account", account.code)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.manage_monitor")
def monitors(request: HttpRequest, code: str) -> HttpResponse:
    """The levels of an account that are watched, and another one."""
    user = reader(request)
    account = queries.account_for(user, code=code)
    form = MonitorForm(request.POST if request.method == "POST" else None, account=account)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            wish = form.cleaned_data
            try:
                operations.set_monitor(
                    account_id=account.pk, comparison=wish["comparison"], threshold_minor=wish["threshold"], set_by_id=user.pk
                )
            except Refusal as refusal:
                locate(form, refusal)
                status = STATUS_OF[refusal.kind]
            else:
                messages.success(request, "The level is watched from now on")
                return redirect("ledger:monitors", account.code)
    watched = list(controls.monitors_of(account))
    context = {
        "account": account,
        "form": form,
        "monitors": watched,
        "names": controls.people_by_id([monitor.created_by_id for monitor in watched]),
        "balance_minor": controls.balances_with_tails([account.pk])[account.pk],
    }
    return render(request, "ledger/monitors.html", context, status=status)


@require_POST
@requires("ledger.manage_monitor")
def retire_monitor(request: HttpRequest, code: str, monitor_id: int) -> HttpResponse:
    account = queries.account_for(reader(request), code=code)
    operations.retire_monitor(monitor_id=controls.monitor_of(account, monitor_id=monitor_id).pk)
    messages.success(request, "The level is watched no more")
    return redirect("ledger:monitors", account.code)


def locate(form: forms.Form, refusal: Refusal, *, named: Mapping[str, str] | None = None) -> None:
    """Put a refusal's sentence beside the field it is about, or above the form."""
    renamed: Mapping[str, Any] = {"deferred": "mode", **(named or {})} if "mode" in form.fields else named or {}
    field = renamed.get(refusal.field or "", refusal.field)
    text = str(refusal)
    form.add_error(field if field in form.fields else None, f"{text[:1].upper()}{text[1:]}.")
