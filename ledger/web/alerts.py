"""Alerts: what a person must see to."""

from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from ledger import operations
from ledger.models import Alert, AlertKind
from ledger.queries import controls
from ledger.web.account_forms import NoteForm
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of

STATES = (("open", "Open"), ("seen", "Seen to"))


def open_alerts(user: User) -> QuerySet[Alert]:
    """Return the alerts in sight that nobody has seen to, for the navigation."""
    return controls.alerts_for(user).filter(seen_to_at__isnull=True)


@require_safe
@requires("ledger.view_alert")
def alerts(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_POST
@requires("ledger.manage_monitor")
def see_to(request: HttpRequest, alert_id: UUID) -> HttpResponse:
    """Close an alert by saying what was done."""
    user = reader(request)
    alert = controls.alert_for(user, alert_id=alert_id)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return _page(request, wrong=alert_id, form=form, status=422)
    try:
        operations.see_to_alert(alert_id=alert.pk, note=form.cleaned_data["note"], seen_to_by_id=user.pk)
    except Refusal as refusal:
        form.add_error(None, f"{str(refusal).capitalize()}.")
        return _page(request, wrong=alert_id, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, "Seen to")
    return redirect("ledger:alerts")


def _page(request: HttpRequest, *, wrong: UUID | None = None, form: NoteForm | None = None, status: int = 200) -> HttpResponse:
    user = reader(request)
    state = request.GET.get("state", "open")
    kind = request.GET.get("kind", "")
    found = controls.alerts_for(user).filter(seen_to_at__isnull=state != "seen")
    if kind in AlertKind.values:
        found = found.filter(kind=kind)
    page = page_of(found, query=request.GET, order=("-id",))
    names = controls.people_by_id([alert.seen_to_by_id for alert in page.rows])
    by_kind = controls.open_alerts_by_kind(user)
    context = {
        "page": page,
        "rows": [{"alert": alert, "by": names.get(alert.seen_to_by_id or 0, ""), "wrong": alert.pk == wrong} for alert in page.rows],
        "form": form or NoteForm(),
        "states": [{"name": name, "word": word, "current": name == ("seen" if state == "seen" else "open")} for name, word in STATES],
        "state": "seen" if state == "seen" else "open",
        "kind": kind,
        "kinds": [(value, f"{label} ({by_kind.get(value, 0)})") for value, label in AlertKind.choices],
        "open_count": sum(by_kind.values()),
        "count": counted(bounded_count(found), word="alert"),
    }
    return render(request, template_for(request, "ledger/alerts.html"), context, status=status)
