"""Reconciliations: their list, one with its populations and runs, and setting up another."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from ledgerops.lib.calendars import calendar_names
from ledgerops.lib.http import STATUS_OF, requires
from recon import operations, queries, reconciliation_queries, rule_queries
from recon.models import RunStatus
from recon.operations import ReconciliationInvalid, ReconciliationRefused
from recon.operations.reconciliations import POPULATIONS_MAX, POPULATIONS_MIN
from recon.web.reconciliations.forms import ReconciliationForm, count_of
from recon.web.runs.funnel import funnel_of
from recon.web.statements.views import user_of

UNPROCESSABLE = 422
RUNS_SHOWN = 8


@require_safe
@requires("recon.view_run")
def reconciliations(request: HttpRequest) -> HttpResponse:
    """Every reconciliation with what is open on each of its sides."""
    found = list(queries.reconciliations_for(user_of(request)))
    populations = reconciliation_queries.populations_of(found)
    rows = [(one, populations[one.pk]) for one in found]
    return render(request, "recon/reconciliations/list.html", {"rows": rows})


@require_safe
@requires("recon.view_run")
def reconciliation(request: HttpRequest, reconciliation_id: int) -> HttpResponse:
    """One reconciliation: its populations, what is open, its latest runs and the funnel of the last."""
    user = user_of(request)
    found = queries.reconciliation_for(user, pk=reconciliation_id)
    runs = reconciliation_queries.latest_runs(user, reconciliation=found, count=RUNS_SHOWN)
    last = next((run for run in runs if run.status == RunStatus.COMPLETED), None)
    passes = reconciliation_queries.passes_of(last) if last else []
    context = {
        "reconciliation": found,
        "asset": found.source.asset,
        "calendar": calendar_names().get(found.calendar, found.calendar),
        "populations": reconciliation_queries.populations_of([found])[found.pk],
        "row": rule_queries.rule_rows([found])[0],
        "standing": queries.standing_of(found) if found.home else None,
        "runs": runs,
        "last": last,
        "passes": passes,
        "funnel": funnel_of(last, passes) if last else [],
    }
    return render(request, "recon/reconciliations/reconciliation.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("recon.define_reconciliation")
def new_reconciliation(request: HttpRequest) -> HttpResponse:
    """Say what must agree with what; the standard rules match it until others are approved."""
    user = user_of(request)
    if request.method != "POST":
        return _page(request, ReconciliationForm(user=user))
    count, act = count_of(request.POST), request.POST.get("act", "save")
    if act in ("more", "fewer"):
        wanted = count + (1 if act == "more" else -1)
        return _page(
            request, ReconciliationForm(request.POST, user=user, count=max(POPULATIONS_MIN, min(wanted, POPULATIONS_MAX))), quiet=True
        )
    form = ReconciliationForm(request.POST, user=user, count=count)
    if not form.is_valid():
        return _page(request, form, status=UNPROCESSABLE)
    try:
        defined = operations.define_reconciliation(
            name=form.cleaned_data["name"],
            asset=form.cleaned_data["asset"],
            calendar=form.cleaned_data["calendar"],
            populations=[one.population() for one in form.populations],
            defined_by_id=user.pk,
        )
    except (ReconciliationInvalid, ReconciliationRefused) as refusal:
        text = str(refusal)
        form.point_at(refusal.field, f"{text[:1].upper()}{text[1:]}.")
        return _page(request, form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{defined.name} is set up. Its first run takes in what its sides have.")
    return redirect("recon:reconciliation", reconciliation_id=defined.pk)


def _page(request: HttpRequest, form: ReconciliationForm, *, quiet: bool = False, status: int = 200) -> HttpResponse:
    if quiet:
        # A side was added or taken away: nothing has been asked yet, so nothing is wrong yet.
        for one in (form, *form.populations):
            one.errors.clear()
    context = {"form": form, "may_add": len(form.populations) < POPULATIONS_MAX, "may_drop": len(form.populations) > POPULATIONS_MIN}
    return render(request, "recon/reconciliations/new.html", context, status=status)
