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
from audit.actions import meaning_of
from audit.queries import timeline_of
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from recon import break_queries, feeds, operations, queries, reconciliation_queries
from recon.models import Break, Match, Reconciliation, Run, RunStatus
from recon.operations.runs import SILENCE, STEPS
from recon.tasks import ring
from recon.web.breaks.words import type_word
from recon.web.runs.funnel import funnel_of, given_up_by, rate_of, seconds_left

NEWEST_FIRST = ("-id",)
OLDEST_FIRST = ("id",)
MATCHES_SHOWN = 50
BREAKS_SHOWN = 50
# htmx ends its polling on this status.
STOP_POLLING = 286
UNPROCESSABLE = 422
STEP_NAMES = {"collect": "Take in what is new", "match": "Match", "suggest": "Suggest", "explain": "Explain the rest"}
STATUSES = [
    (RunStatus.QUEUED, "Queued"),
    (RunStatus.RUNNING, "Running"),
    (RunStatus.COMPLETED, "Finished"),
    (RunStatus.FAILED, "Failed"),
    (RunStatus.CANCELLED, "Cancelled"),
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
        "challenged": break_queries.challenges_for(user, seen=False).count(),
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
    breaks, resolved = Break.objects.filter(opened_by_run=shown), Break.objects.filter(resolved_by__run=shown)
    heads = list(breaks.filter(parent=None).order_by("occurred_on", "number")[:BREAKS_SHOWN])
    context = {
        **_progress(shown),
        "matches": feeds.items_of(matches.rows),
        "page": matches,
        "breaks": [(one, type_word(one)) for one in (*heads, *resolved.order_by("number")[:BREAKS_SHOWN])],
        "under": breaks.exclude(parent=None).count(),
        "earlier": _earlier(shown),
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


@require_POST
@requires("recon.run_reconciliation")
def cancel(request: HttpRequest, run_id: UUID) -> HttpResponse:
    """Stop a run: at once where it waits, else after the pass that it is at."""
    user = _user(request)
    shown = queries.run_for(user, run_id=run_id)
    operations.cancel_run(run_id=shown.pk, asked_by_id=user.pk)
    return redirect("recon:run", run_id=shown.pk)


@require_safe
@requires("recon.view_run")
def compare(request: HttpRequest, earlier_id: UUID, later_id: UUID) -> HttpResponse:
    """What stood matched at the end of one run and not of another: added, lost, matched otherwise."""
    user = _user(request)
    earlier, later = queries.run_for(user, run_id=earlier_id), queries.run_for(user, run_id=later_id)
    found = reconciliation_queries.compared_runs(earlier, later)
    tab = request.GET.get("tab", "added")
    tab = tab if tab in ("added", "lost", "changed") else "added"
    rows = list(getattr(found, tab))[:MATCHES_SHOWN]
    context = {
        "earlier": earlier,
        "later": later,
        "asset": later.reconciliation.source.asset,
        "found": found,
        "tab": tab,
        "rows": reconciliation_queries.shown_matches(rows, versions=(earlier.rules_version, later.rules_version), of=later.reconciliation),
        "total": len(getattr(found, tab)),
    }
    partial = "#compared" if request.headers.get("HX-Target") == "compared" else ""
    return render(request, "recon/runs/compare.html" + partial, context)


def _progress(run: Run) -> dict[str, Any]:
    """Return what the live part of a run's page shows: its steps, the passes so far and those to come, its pace and its log."""
    passes, now = reconciliation_queries.passes_of(run), timezone.now()
    return {
        "run": run,
        "steps": _steps(run),
        "passes": passes,
        "to_come": reconciliation_queries.passes_to_come(run, done=len(passes)) if run.is_active else [],
        "funnel": funnel_of(run, passes),
        "given_up": given_up_by(passes),
        "rate": rate_of(run, passes),
        "left": seconds_left(run, now=now) if run.status == RunStatus.RUNNING else None,
        "log": [(event, meaning_of(event.action)) for event in timeline_of(target_type="recon.run", target_id=run.pk)],
        "silent": run.status == RunStatus.RUNNING and run.heartbeat_at is not None and run.heartbeat_at < now - SILENCE,
    }


def _earlier(run: Run) -> Run | None:
    """Return the run before that ended, to compare with."""
    if run.finished_at is None:
        return None
    before = Run.objects.filter(reconciliation=run.reconciliation_id, status=RunStatus.COMPLETED, finished_at__lt=run.finished_at)
    return before.order_by("-finished_at").first()


def _steps(run: Run) -> list[dict[str, str]]:
    done = STEPS.index(run.step) + 1 if run.step in STEPS else 0
    if run.step == "match" and run.passes_done < run.passes_total:
        done -= 1
    state = {RunStatus.RUNNING: "current", RunStatus.FAILED: "failed", RunStatus.CANCELLED: "failed"}.get(RunStatus(run.status), "waiting")
    if run.status == RunStatus.COMPLETED:
        done = len(STEPS)
    return [
        {"name": STEP_NAMES[step], "state": "done" if place < done else state if place == done else "waiting"}
        for place, step in enumerate(STEPS)
    ]


def _ending(run: Run) -> dict[str, str]:
    if run.status == RunStatus.FAILED:
        return {"text": f"Run {run.number} failed", "tone": "bad"}
    if run.status == RunStatus.CANCELLED:
        return {"text": f"Run {run.number} was cancelled after {run.passes_done} of {run.passes_total} passes", "tone": "bad"}
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
