"""Rules: how every reconciliation is matched, the versions of one, the editor, and what a version would do."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from django_htmx.http import HttpResponseClientRedirect

from approvals import operations as approvals
from approvals.models import ProposalStatus, User
from approvals.queries import made_by, proposals_about, reason_codes
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, queries, rule_queries
from recon.matching.rule_words import KIND_WORDS, changes_between, in_words, tariff_in_words
from recon.matching.rules import Rules
from recon.models import Break, Reconciliation, RulesStatus, RulesTrial, RulesVersion, RunStatus
from recon.operations import APPROVE_RULES, RulesInvalid, RulesNotNew, RulesNotYours, trials
from recon.tasks import ring_trials
from recon.web.rules.drafting import prefilled
from recon.web.rules.form import RulesForm, data_of, pressed
from recon.web.statements.views import user_of

UNPROCESSABLE = 422
# htmx ends its polling on this status.
STOP_POLLING = 286
TRIALS_SHOWN = 6
# How far back decisions are looked at.
BACK_TESTED = timedelta(days=90)
STATE_WORDS = {
    RulesStatus.DRAFT: "Draft",
    RulesStatus.SUBMITTED: "In approval",
    RulesStatus.ACTIVE: "In force",
    RulesStatus.RETIRED: "Retired",
    RulesStatus.REJECTED: "Not approved",
}
assert set(STATE_WORDS) == set(RulesStatus)
PROPOSAL_REFUSALS = (
    RulesNotNew,
    RulesNotYours,
    approvals.ProposalInvalid,
    approvals.ObjectHasOpenProposal,
    approvals.NobodyCouldApprove,
    approvals.NotYours,
    approvals.NotOpen,
)


class SubmitForm(forms.Form):
    """Why these rules, for whoever approves them and for the trail."""

    reason_code = forms.ChoiceField(label="Reason")
    narrative = forms.CharField(label="Why, in your words", widget=forms.Textarea(attrs={"rows": 3}), max_length=2000)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = [("", "Choose a reason"), *((code.code, code.label) for code in reason_codes(kind=APPROVE_RULES))]
        self.fields["reason_code"].choices = choices  # type: ignore[attr-defined]


@require_safe
@requires("recon.view_run")
def rules(request: HttpRequest) -> HttpResponse:
    """Every reconciliation with the rules in force and how well they match."""
    rows = rule_queries.rule_rows(list(queries.reconciliations_for(user_of(request))))
    return render(request, "recon/rules/list.html", {"rows": rows})


@require_safe
@requires("recon.view_run")
def rules_of(request: HttpRequest, reconciliation_id: int) -> HttpResponse:
    """The rules in force in words, how their passes have done, and every version."""
    found = queries.reconciliation_for(user_of(request), pk=reconciliation_id)
    versions = list(rule_queries.versions_of(found))
    active = next(one for one in versions if one.status == RulesStatus.ACTIVE)
    context = {
        "reconciliation": found,
        "row": rule_queries.rule_rows([found])[0],
        "active": active,
        "passes": _passes_of(active, found),
        "tariffs": _tariffs_of(active, found),
        "trials": list(rule_queries.trials_of(found)[:TRIALS_SHOWN]),
        "versions": [(one, STATE_WORDS[RulesStatus(one.status)]) for one in versions],
    }
    return render(request, "recon/rules/rules.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.define_reconciliation")
def editor(request: HttpRequest, reconciliation_id: int) -> HttpResponse:
    """Change passes and tariffs; a dry run and a back-test show what comes of it, and nothing is kept before somebody says so."""
    user = user_of(request)
    found = queries.reconciliation_for(user, pk=reconciliation_id)
    scale = found.source.asset.scale
    if request.method != "POST":
        return _editor_page(request, found, data=_start(found, text=request.GET.get("from", ""), trial=request.GET.get("trial", "")))
    act = request.POST.get("act", "")
    data = pressed(request.POST, scale=scale)
    form = RulesForm(data, scale=scale)
    if act not in ("save", "try", "back_test"):
        return _editor_page(request, found, data=data)
    if not form.is_valid():
        return _editor_page(request, found, data=data, form=form, status=UNPROCESSABLE)
    try:
        if act != "save":
            since = timezone.localdate() - BACK_TESTED if act == "back_test" else None
            trial = trials.request_trial(
                reconciliation_id=found.pk,
                rules=operations.checked_rules(form.definition()),
                since=since,
                requested_by_id=user.pk,
            )
            ring_trials([trial.pk] if trial.is_active else [])
            return _editor_page(request, found, data=data, form=form, trial=trial)
        version = operations.draft_rules(reconciliation_id=found.pk, definition=form.definition(), note=form.note, drafted_by_id=user.pk)
    except (RulesInvalid, RulesNotNew) as refusal:
        shown = form.point_at(refusal.field, _sentence(refusal))
        return _editor_page(request, found, data=data, form=form, refusal=None if shown else refusal, status=STATUS_OF[refusal.kind])
    messages.success(request, f"Version {version.number} is kept as a draft.")
    address = reverse("recon:rules_version", args=[found.pk, version.number])
    return HttpResponseClientRedirect(address) if request.headers.get("HX-Request") else redirect(address)


@require_safe
@requires("recon.view_run")
def trial(request: HttpRequest, reconciliation_id: int, trial_id: UUID) -> HttpResponse:
    """What was tried and what came of it; while it is being worked out its region asks again every second."""
    found = queries.reconciliation_for(user_of(request), pk=reconciliation_id)
    shown = rule_queries.trial_of(found, trial_id=trial_id)
    context = _shown(shown, reconciliation=found)
    if request.headers.get("HX-Target") != "trial":
        return render(request, "recon/rules/trial.html", context)
    return render(request, "recon/rules/_trial.html", context, status=200 if shown.is_active else STOP_POLLING)


@require_safe
@requires("recon.define_reconciliation")
def new_from_break(request: HttpRequest, break_id: UUID) -> HttpResponse:
    """The editor with a pass that would have matched a break."""
    found = queries.break_for(user_of(request), break_id=break_id)
    reconciliation = queries.reconciliation_for(user_of(request), pk=found.reconciliation_id)
    scale = reconciliation.source.asset.scale
    data, why = prefilled(_start(reconciliation, text=""), found, scale=scale)
    data["note"] = f"Drafted from {found.public_number}"
    return _editor_page(request, reconciliation, data=data, drafted_from=found, why=why)


@require_safe
@requires("recon.view_run")
def version(request: HttpRequest, reconciliation_id: int, number: int) -> HttpResponse:
    """One version: what it says, what it changes of the one before, and what trying it said."""
    found = queries.reconciliation_for(user_of(request), pk=reconciliation_id)
    return _version_page(request, found, rule_queries.rules_for(found, number=number))


@require_safe
@requires("recon.view_run")
def version_by_id(request: HttpRequest, rules_id: UUID) -> HttpResponse:
    """Lead to a version that the trail names by its id."""
    found = rule_queries.rules_by_id(user_of(request), rules_id=rules_id)
    return redirect("recon:rules_version", reconciliation_id=found.reconciliation_id, number=found.number)


@require_POST
@requires("recon.define_reconciliation")
def submit(request: HttpRequest, reconciliation_id: int, number: int) -> HttpResponse:
    """Ask a second person to approve one's own draft, or its next version where changes were requested."""
    user = user_of(request)
    found = queries.reconciliation_for(user, pk=reconciliation_id)
    drafted = rule_queries.rules_for(found, number=number)
    form = SubmitForm(request.POST)
    if not form.is_valid():
        return _version_page(request, found, drafted, form=form, status=UNPROCESSABLE)
    since = timezone.localdate() - BACK_TESTED
    asked = {"rules_id": drafted.pk, **form.cleaned_data, "maker_id": user.pk, "since": since}
    returned = _returned(user, found)
    try:
        proposal = operations.revise_rules(proposal_id=returned, **asked) if returned else operations.submit_rules(**asked)
    except PROPOSAL_REFUSALS as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, _sentence(refusal))
        return _version_page(request, found, drafted, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for the decision of somebody else.")
    return redirect("approvals:proposal", proposal.pk)


def _start(reconciliation: Reconciliation, *, text: str, trial: str = "") -> QueryDict:
    """Return what an editor starts from: what was tried or the version that is named, else the one in force."""
    with suppress(ValueError):
        tried = rule_queries.trials_of(reconciliation).filter(pk=UUID(trial)).first()
        if tried is not None:
            return data_of(Rules.from_json(tried.definition).definition, scale=reconciliation.source.asset.scale)
    versions = rule_queries.versions_of(reconciliation)
    named = versions.filter(number=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 9 else None
    start = named or versions.get(status=RulesStatus.ACTIVE)
    return data_of(Rules.from_json(start.definition).definition, scale=reconciliation.source.asset.scale)


def _shown(trial: RulesTrial | None, *, reconciliation: Reconciliation) -> dict[str, Any]:
    """Return a trial as pages show it: what came of it, or how far it is."""
    if trial is None:
        return {"trial": None, "tried": None}
    done = trial.status == RunStatus.COMPLETED
    return {
        "reconciliation": reconciliation,
        "asset": reconciliation.source.asset,
        "trial": trial,
        "tried": rule_queries.shown_trial(trial.result, rules=Rules.from_json(trial.definition)) if done else None,
    }


def _returned(user: User, reconciliation: Reconciliation) -> UUID | None:
    """Return the user's own proposal about these rules that came back for changes."""
    own = made_by(user).filter(kind=APPROVE_RULES, status=ProposalStatus.CHANGES_REQUESTED, target_id=str(reconciliation.pk)).first()
    return own.pk if own else None


def _editor_page(
    request: HttpRequest,
    reconciliation: Reconciliation,
    *,
    data: QueryDict,
    form: RulesForm | None = None,
    trial: RulesTrial | None = None,
    refusal: Refusal | None = None,
    drafted_from: Break | None = None,
    why: str = "",
    status: int = 200,
) -> HttpResponse:
    asset = reconciliation.source.asset
    form = form or RulesForm(data, scale=asset.scale)
    form.say_in_words(asset=asset.code)
    if drafted_from is not None:
        form.show_what_differs(RulesForm(_start(reconciliation, text=""), scale=asset.scale))
    context = {
        "reconciliation": reconciliation,
        "asset": asset,
        "form": form,
        "kinds": list(KIND_WORDS.items()),
        **_shown(trial, reconciliation=reconciliation),
        "refusal": refusal,
        "drafted_from": drafted_from,
        "why": why,
        "back_tested_since": timezone.localdate() - BACK_TESTED,
    }
    partial = "#editor" if request.headers.get("HX-Target") == "rules-editor" else ""
    return render(request, "recon/rules/editor.html" + partial, context, status=status)


def _version_page(
    request: HttpRequest, reconciliation: Reconciliation, shown: RulesVersion, *, form: SubmitForm | None = None, status: int = 200
) -> HttpResponse:
    user, asset = user_of(request), reconciliation.source.asset
    before = rule_queries.version_before(shown)
    own_draft = shown.status == RulesStatus.DRAFT and shown.drafted_by_id == user.pk and user.has_perm("recon.define_reconciliation")
    sees_proposals = user.has_perm("approvals.view_proposal")
    about = proposals_about(target_type="recon.reconciliation", target_id=str(reconciliation.pk))[:3] if sees_proposals else []
    changes = (
        changes_between(Rules.from_json(before.definition), Rules.from_json(shown.definition), scale=asset.scale, asset=asset.code)
        if before
        else []
    )
    context = {
        "reconciliation": reconciliation,
        "asset": asset,
        "version": shown,
        "state_word": STATE_WORDS[RulesStatus(shown.status)],
        "before": before,
        "changes": changes,
        "passes": _passes_of(shown, reconciliation),
        "tariffs": _tariffs_of(shown, reconciliation),
        "tried": rule_queries.shown_backtest(shown),
        "form": form or (SubmitForm(initial={"reason_code": "RULES_MORE"}) if own_draft else None),
        "proposals": list(about),
        "back_tested_since": timezone.localdate() - BACK_TESTED,
    }
    return render(request, "recon/rules/version.html", context, status=status)


def _passes_of(shown: RulesVersion, reconciliation: Reconciliation) -> Sequence[dict[str, Any]]:
    """Return the passes of a version in words, each with what became of its matches."""
    asset, read = reconciliation.source.asset, Rules.from_json(shown.definition)
    made = rule_queries.undo_rates(shown)
    demoted = {one.pass_id for one in rule_queries.demotions_of(shown)}
    return [
        {
            "one": one,
            "words": in_words(one, tariffs=read.tariffs, scale=asset.scale, asset=asset.code),
            "made": made.get(one.id, (0, 0))[0],
            "undone": made.get(one.id, (0, 0))[1],
            "demoted": one.id in demoted,
        }
        for one in read.passes
    ]


def _tariffs_of(shown: RulesVersion, reconciliation: Reconciliation) -> Sequence[tuple[str, str, str]]:
    asset = reconciliation.source.asset
    tariffs = Rules.from_json(shown.definition).tariffs
    return [(one.code, one.name, tariff_in_words(one, scale=asset.scale, asset=asset.code)) for one in tariffs]


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
