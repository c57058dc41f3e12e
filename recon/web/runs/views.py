"""Runs: their list, one while it works and after, and asking for another."""

from typing import Any
from uuid import UUID

import django_filters
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe
from django_htmx.http import trigger_client_event

from approvals.models import User
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.templatetags.charts import Step
from recon import feeds, operations, queries
from recon.models import Break, Match, Reconciliation, Run, RunStatus
from recon.operations.runs import SILENCE, STEPS
from recon.tasks import ring

NEWEST_FIRST = ("-id",)
OLDEST_FIRST = ("id",)
MATCHES_SHOWN = 50
BREAKS_SHOWN = 50
# htmx ends its polling on this status.
STOP_POLLING = 286
UNPROCESSABLE = 422
STEP_NAMES = {"collect": "Collect what is new", "match": "Match", "suggest": "Suggest", "explain": "Explain the rest"}
STATUSES = [
    (RunStatus.QUEUED, "Queued"),
    (RunStatus.RUNNING, "Running"),
    (RunStatus.COMPLETED, "Finished"),
    (RunStatus.FAILED, "Failed"),
]


class RunFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    reconciliation = django_filters.ModelChoiceFilter(queryset=Reconciliation.objects.none())
    status = django_filters.ChoiceFilter(choices=STATUSES)

    class Meta:
        model = Run
        fields: list[str] = []

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["reconciliation"].queryset = queries.reconciliations_for(user)


@require_safe
@requires("recon.view_run")
def runs(request: HttpRequest) -> HttpResponse:
    """Every run, newest first; while one works the list renews itself."""
    user = _user(request)
    filtered = RunFilter(request.GET, queryset=queries.runs_for(user), user=user)
    page = page_of(filtered.qs, query=request.GET, order=NEWEST_FIRST)
    filtered.form.is_valid()
    names = {str(one.pk): one.name for one in queries.reconciliations_for(user)}
    context = {
        "rows": page.rows,
        "page": page,
        "active": any(row.is_active for row in page.rows),
        "filters": {name: request.GET[name] for name, value in filtered.form.cleaned_data.items() if value not in (None, "")},
        "count": counted(bounded_count(filtered.qs), word="run"),
        "reconciliations": list(names.items()),
        "names": names,
        "statuses": STATUSES,
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, "recon/runs/list.html" + partial, context)


@require_safe
@requires("recon.run_reconciliation")
def new_run(request: HttpRequest) -> HttpResponse:
    """Choose what is to be reconciled."""
    return _new_run_page(request)


@require_POST
@requires("recon.run_reconciliation")
def request_run(request: HttpRequest) -> HttpResponse:
    """Queue a run and show it; one that waits already is shown instead, since it will do the same work."""
    user = _user(request)
    chosen = request.POST.get("reconciliation", "")
    if not (chosen.isascii() and chosen.isdigit() and len(chosen) < 19):
        return _new_run_page(request, error="Choose what to reconcile.", status=UNPROCESSABLE)
    reconciliation = queries.reconciliation_for(user, pk=int(chosen))
    queued = operations.request_run(reconciliation_id=reconciliation.pk, requested_by_id=user.pk)
    ring([queued.pk])
    return redirect("recon:run", run_id=queued.pk)


@require_safe
@requires("recon.view_run")
def run(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """One run; while it works its region asks again every two seconds, and stops when it has ended."""
    shown = queries.run_for(_user(request), run_id=run_id)
    matches = page_of(Match.objects.filter(run=shown).select_related("made_by"), query=request.GET, order=OLDEST_FIRST, size=MATCHES_SHOWN)
    breaks = Break.objects.filter(opened_by_run=shown)
    context = {
        "run": shown,
        "steps": _steps(shown),
        "funnel": _funnel(shown),
        "silent": shown.status == RunStatus.RUNNING and shown.heartbeat_at is not None and shown.heartbeat_at < timezone.now() - SILENCE,
        "matches": feeds.items_of(matches.rows),
        "page": matches,
        "breaks": breaks.select_related("assignee").order_by("occurred_on", "number")[:BREAKS_SHOWN],
        "resolved": Break.objects.filter(resolved_by__run=shown).order_by("number")[:BREAKS_SHOWN],
    }
    target = request.headers.get("HX-Target", "")
    if target == "matches":
        return render(request, "recon/runs/run.html#matches", context)
    if target != "run":
        return render(request, "recon/runs/run.html", context)
    response = render(request, "recon/runs/run.html#run", context)
    if not shown.is_active:
        response.status_code = STOP_POLLING
        trigger_client_event(response, "toast", _ending(shown))
    return response


def _steps(run: Run) -> list[dict[str, str]]:
    done = STEPS.index(run.step) + 1 if run.step in STEPS else 0
    state = {RunStatus.RUNNING: "current", RunStatus.FAILED: "failed"}.get(RunStatus(run.status), "waiting")
    if run.status == RunStatus.COMPLETED:
        done = len(STEPS)
    return [
        {"name": STEP_NAMES[step], "state": "done" if place < done else state if place == done else "waiting"}
        for place, step in enumerate(STEPS)
    ]


def _funnel(run: Run) -> list[Step]:
    left = run.items_total - 2 * run.matches_made
    return [Step("Open items", run.items_total), Step("After exact pass", left), Step("New breaks", run.breaks_opened)]


def _ending(run: Run) -> dict[str, str]:
    if run.status == RunStatus.FAILED:
        return {"text": f"Run {run.number} failed", "tone": "bad"}
    return {"text": f"Run {run.number} finished: {run.matches_made:,} matches, {run.breaks_opened:,} new breaks", "tone": "good"}


def _new_run_page(request: HttpRequest, *, error: str = "", status: int = 200) -> HttpResponse:
    user = _user(request)
    reconciliations = list(queries.reconciliations_for(user))
    last = {one.reconciliation_id: one for one in queries.runs_for(user).order_by("reconciliation_id", "-id").distinct("reconciliation_id")}
    asked = request.GET.get("reconciliation", "")
    chosen = next((one.pk for one in reconciliations if str(one.pk) == asked), reconciliations[0].pk if reconciliations else 0)
    context = {"choices": [(one, last.get(one.pk), one.pk == chosen) for one in reconciliations], "error": error}
    return render(request, "recon/runs/new.html", context, status=status)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
