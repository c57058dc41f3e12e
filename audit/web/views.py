"""The trail: a search over everything, and everything about one object."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, cast

from django.contrib.auth import get_user_model
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from audit import queries
from audit.actions import catalogue
from audit.models import AuditEvent, Outcome
from audit.queries import FieldChange
from audit.targets import Link, pages_of
from audit.web.forms import SearchForm
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

NEWEST_FIRST = ("-id",)
# Every event of the page is opened.
ALL = "*"
# Words in reasons are found by reading; unless the searcher says otherwise, so many days are read.
DAYS_READ = 90


@dataclass(frozen=True, slots=True)
class Row:
    """An event as the trail shows it; what it recorded only where it is opened."""

    event: AuditEvent
    meaning: str
    person: str
    pages: list[Link]
    changes: list[FieldChange]
    values: list[tuple[str, str]]
    opened: bool = False


@require_safe
@requires("audit.search_trail")
def events(request: HttpRequest) -> HttpResponse:
    """Search the trail; `?open=` names the event whose details are shown."""
    form = SearchForm(request.GET)
    form.is_valid()
    wish = {name: value for name, value in form.cleaned_data.items() if value}
    limited_since = timezone.now().date() - timedelta(days=DAYS_READ) if "q" in wish and not wish.keys() & {"since", "until"} else None
    found = _search(queries.events_for(_user(request)), wish, since=limited_since)
    page = page_of(found, query=request.GET, order=NEWEST_FIRST)
    context = {
        "form": form,
        "rows": _rows(page.rows, opened=request.GET.get("open", "")),
        "page": page,
        "wish": wish,
        "count": counted(bounded_count(found), word="event"),
        "limited_since": limited_since,
        "actions": [(name, f"{name}: {meaning}") for name, meaning in catalogue().items()],
        "outcomes": Outcome.choices,
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, "audit/events.html" + partial, context, status=422 if form.errors else 200)


@require_safe
@requires("audit.search_trail")
def about(request: HttpRequest, target_type: str, target_id: str) -> HttpResponse:
    """Show everything about one object, newest first."""
    found = queries.everything_about(_user(request), target_type=target_type, target_id=target_id)
    page = page_of(found, query=request.GET, order=NEWEST_FIRST)
    context = {
        "target_type": target_type,
        "target_id": target_id,
        "rows": _rows(page.rows, opened=ALL),
        "page": page,
        "count": counted(bounded_count(found), word="event"),
        "pages": pages_of(target_type, target_id),
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, "audit/object.html" + partial, context)


def _search(found: QuerySet[AuditEvent], wish: dict[str, str | date], *, since: date | None) -> QuerySet[AuditEvent]:
    if actor := wish.get("actor"):
        found = queries.by_actor(found, name=str(actor))
    if target := wish.get("target"):
        found = queries.by_target(found, text=str(target))
    for exact in ("action", "outcome"):
        if exact in wish:
            found = found.filter(**{exact: wish[exact]})
    if text := wish.get("q"):
        found = found.filter(reason__icontains=str(text))
    return queries.between(found, since=cast("date | None", wish.get("since")) or since, until=cast("date | None", wish.get("until")))


def _rows(found: list[AuditEvent], *, opened: str) -> list[Row]:
    names = {
        user.pk: user.get_full_name() or user.get_username()
        for user in get_user_model().objects.filter(pk__in={event.actor_id for event in found if event.actor_id})
    }
    meanings = catalogue()
    return [
        Row(
            event=event,
            # An action of an older version may have left the catalogue; its events stay readable.
            meaning=meanings.get(event.action, event.action),
            person=names.get(event.actor_id or 0, event.actor_name),
            pages=pages_of(event.target_type, event.target_id),
            changes=queries.changes_of(event) if opened in (ALL, str(event.pk)) else [],
            values=queries.values_of(event) if opened in (ALL, str(event.pk)) else [],
            opened=opened == str(event.pk),
        )
        for event in found
    ]


def _user(request: HttpRequest) -> "AbstractUser":
    return cast("AbstractUser", request.user)
