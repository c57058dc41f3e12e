"""What changed since somebody last looked, what is due before a day, and which breaks have one cause."""

from datetime import date, timedelta

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from audit.actions import meaning_of
from ledgerops.lib.calendars import WEEKDAYS, business_day_after
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count
from recon import handover_queries, operations, queries
from recon.break_clock import Clock
from recon.models import BreakType
from recon.web.breaks.listing import rows_of, user_of
from recon.web.breaks.words import TYPE_WORDS

SHOWN = 15


@require_safe
@requires("recon.view_break")
def handover(request: HttpRequest) -> HttpResponse:
    """The shift note: what came up, what was resolved, what happened to one's own, and what is due by the day in the address."""
    user, today = user_of(request), timezone.localdate()
    since = handover_queries.seen_until(user)
    until = _day(request.GET.get("until", "")) or business_day_after(today + timedelta(days=1), count=0, calendar=WEEKDAYS)
    clock, seen = Clock(today=today), list(queries.reconciliations_for(user))
    due = handover_queries.live_for(user, today=today).filter(clock.due_before(until + timedelta(days=1), reconciliations=seen))
    overdue = due.filter(clock.due_before(today, reconciliations=seen))
    came, went = handover_queries.opened_since(user, since), handover_queries.resolved_since(user, since)
    context = {
        "since": since,
        "until": until,
        "today": today,
        "came": rows_of(list(came[:SHOWN]), today=today),
        "came_count": bounded_count(came),
        "went": rows_of(list(went[:SHOWN]), today=today),
        "went_count": bounded_count(went),
        "due": rows_of(list(due[:SHOWN]), today=today),
        "due_count": bounded_count(due),
        "overdue_count": bounded_count(overdue),
        "happened": [(each, event, meaning_of(event.action)) for each, event in handover_queries.happened_since(user, since)[:SHOWN]],
    }
    return render(request, "recon/breaks/handover.html", context)


@require_POST
@requires("recon.view_break")
def seen(request: HttpRequest) -> HttpResponse:
    """Note that everything until now has been seen."""
    operations.mark_handover(user_id=user_of(request).pk)
    messages.success(request, "Noted. What happens from now on is new to you.")
    return redirect("recon:handover")


@require_safe
@requires("recon.view_break")
def clusters(request: HttpRequest) -> HttpResponse:
    """Breaks that may have one cause, largest first."""
    found = handover_queries.clusters_for(user_of(request), today=timezone.localdate())
    rows = [(one, TYPE_WORDS[BreakType(one.type)]) for one in found]
    return render(request, "recon/breaks/clusters.html", {"rows": rows, "looked_at": handover_queries.CLUSTERED_AT_MOST})


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
