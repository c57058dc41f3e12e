"""A person's own page: how the frame looks, their roles and scopes, their sign-ins."""

import hashlib

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods, require_POST

from approvals import queries
from approvals.models import User
from approvals.web.forms import PreferencesForm, ThemeForm
from audit.queries import latest_of
from ledgerops.context import COOKIE_CHOICES, COOKIE_DEFAULTS
from ledgerops.lib.http import requires

A_YEAR = 365 * 24 * 3600
SIGN_INS = ("approvals.session.opened", "approvals.session.refused")
SIGN_INS_SHOWN = 10


@require_http_methods(["GET", "HEAD", "POST"])
@requires(None)
def preferences(request: HttpRequest) -> HttpResponse:
    """Show and keep the preferences of this browser."""
    form = PreferencesForm(request.POST) if request.method == "POST" else PreferencesForm(initial=_chosen(request))
    if request.method == "POST" and form.is_valid():
        messages.success(request, "Preferences kept in this browser")
        response: HttpResponse = redirect("preferences")
        for name, value in form.cleaned_data.items():
            _keep(response, name, value)
        return response
    assert isinstance(request.user, User)
    key = request.session.session_key or ""
    context = {
        "form": form,
        "roles": request.user.groups.order_by("name"),
        "scopes": queries.sight_of(request.user),
        "sign_ins": latest_of(target_type="approvals.user", target_id=request.user.pk, actions=SIGN_INS, limit=SIGN_INS_SHOWN),
        "this_session": hashlib.sha256(key.encode()).hexdigest(),
    }
    return render(request, "approvals/preferences.html", context, status=422 if form.errors else 200)


@require_POST
@requires(None)
def theme(request: HttpRequest) -> HttpResponse:
    """Keep the theme that the toggle in the topbar chose; without JavaScript the browser goes back to where it was."""
    form = ThemeForm(request.POST)
    if not form.is_valid():
        return HttpResponse(status=422)
    back = request.headers.get("Referer", "")
    known = url_has_allowed_host_and_scheme(back, allowed_hosts={request.get_host()}, require_https=request.is_secure())
    response = (
        HttpResponse(status=204) if request.headers.get("HX-Request") else HttpResponseRedirect(back if known else reverse("preferences"))
    )
    _keep(response, "theme", form.cleaned_data["theme"])
    return response


def _chosen(request: HttpRequest) -> dict[str, str]:
    return {
        name: request.COOKIES[name] if request.COOKIES.get(name) in choices else COOKIE_DEFAULTS[name]
        for name, choices in COOKIE_CHOICES.items()
    }


def _keep(response: HttpResponse, name: str, value: str) -> None:
    response.set_cookie(name, value, max_age=A_YEAR, secure=settings.SESSION_COOKIE_SECURE, httponly=True, samesite="Lax")
