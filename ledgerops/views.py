"""Pages that are of no single app: overview, search, style guide, health, errors."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from approvals.models import User
from ledgerops import health
from ledgerops.context import navigation, reference
from ledgerops.lib.http import requires
from ledgerops.overview import MATCH_TARGET, active_runs, overview_of
from ledgerops.search import groups_for
from ledgerops.styleguide import samples
from recon.break_queries import LIMIT_DAYS

API = "/api/"


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@require_safe
@requires(None)
def overview(request: HttpRequest) -> HttpResponse:
    """The state of today; while runs work, the page asks for their progress alone."""
    user = _user(request)
    runs = active_runs(user)
    if request.headers.get("HX-Target") == "runs":
        if not runs:
            # What the runs found is all over the page.
            return HttpResponse(headers={"HX-Refresh": "true"})
        return render(request, "ledgerops/overview.html#runs", {"runs": runs})
    context = {
        "shown": overview_of(user, today=timezone.localdate()),
        "runs": runs,
        "target": MATCH_TARGET,
        "limit_days": LIMIT_DAYS,
    }
    return render(request, "ledgerops/overview.html", context)


@require_safe
@requires(None)
def search(request: HttpRequest) -> HttpResponse:
    """Find things by number, reference or name; the palette asks for the hits alone."""
    wanted = request.GET.get("q", "").strip()
    context: dict[str, Any] = {"wanted": wanted, "groups": groups_for(_user(request), wanted=wanted)}
    if request.headers.get("HX-Request"):
        return render(request, "ledgerops/search.html#found", context)
    places = [item for group in navigation(request) for item in group["items"]]
    context["places"] = [place for place in places if wanted and wanted.lower() in place["label"].lower()]
    return render(request, "ledgerops/search.html", context)


@require_safe
@requires(None)
def styleguide(request: HttpRequest) -> HttpResponse:
    return render(request, "styleguide.html", samples())


# Health


@require_safe
@never_cache
@login_not_required
def live(_request: HttpRequest) -> HttpResponse:
    """Say that the process runs."""
    return JsonResponse({"status": "live"})


@require_safe
@never_cache
@login_not_required
def ready(_request: HttpRequest) -> HttpResponse:
    """Say whether the process could serve: 503 names what does not answer."""
    missing = health.unready()
    return JsonResponse({"status": "unready" if missing else "ready", "missing": missing}, status=503 if missing else 200)


@require_safe
@login_not_required
def favicon(_request: HttpRequest) -> HttpResponse:
    return HttpResponseRedirect(staticfiles_storage.url("favicon.svg"))


# Errors


def malformed(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    return _error(request, status=400, title="The request was malformed")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    return _error(request, status=403, title="Your role does not allow this")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django passes it by name
    return _error(request, status=404, title="There is nothing here")


def failed(request: HttpRequest) -> HttpResponse:
    return _error(request, status=500, title="Something failed here")


def _error(request: HttpRequest, *, status: int, title: str) -> HttpResponse:
    """Answer in the form that was asked for: the API's object, htmx's fragment, or a page."""
    if request.path.startswith(API):
        detail = {"request_id": getattr(request, "request_id", "")}
        return JsonResponse({"error": {"code": f"http_{status}", "message": title, "field": None, "detail": detail}}, status=status)
    if request.headers.get("HX-Request"):
        return render(request, "errors/fragment.html", {"title": title}, status=status)
    if status == 500:
        # The page of a failure must not fail again: it takes nothing from context processors.
        return HttpResponse(render_to_string("errors/500.html", {"reference": reference(request)}), status=status)
    return render(request, f"errors/{status}.html", status=status)
