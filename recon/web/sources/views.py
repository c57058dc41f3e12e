"""The list of sources, and one source with its calendar, statements, files and mappings."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledgerops.lib.calendars import calendar_names
from ledgerops.lib.http import requires
from recon import feed_calendar, feeds, operations, queries, source_queries
from recon.feed_calendar import ExpectedDay
from recon.models import Feed, MappingStatus, Source, SourceKind
from recon.source_queries import SourceRow
from recon.web.sources.words import FREQUENCY_WORDS, KIND_WORDS, MAPPING_WORDS, STATE_WORDS, WEEKDAYS, format_choices, format_word
from recon.web.statements.views import user_of

STATEMENTS_SHOWN, FILES_SHOWN, MAPPINGS_SHOWN = 8, 6, 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    word: str
    href: str
    count: int
    current: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownRow:
    """A row of the list with its words."""

    row: SourceRow
    kind_word: str
    format_word: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownDay:
    """A day of a calendar strip with its word and look; `may_waive` if nothing has come and somebody could say why."""

    one: ExpectedDay
    word: str
    look: str
    may_waive: bool


@require_safe
@requires("recon.view_statement")
def sources(request: HttpRequest) -> HttpResponse:
    """Every source: how it has delivered, what it delivered last, and when it is due next."""
    rows = source_queries.rows_for(user_of(request), now=timezone.now())
    kind = request.GET.get("kind", "")
    shown = [row for row in rows if row.source.kind == kind] if kind in SourceKind.values else rows
    context = {
        "rows": [_shown(row) for row in shown],
        "tabs": _tabs(rows, kind=kind),
        "behind": sum(row.feed.state in ("late", "missing") for row in rows),
        "count": len(rows),
    }
    return render(request, "recon/sources/list.html", context)


@require_safe
@requires("recon.view_statement")
def source(request: HttpRequest, code: str) -> HttpResponse:
    """One source, whole."""
    user = user_of(request)
    found = source_queries.source_for(user, code=code)
    return render(request, "recon/sources/source.html", source_context(request, found=found, now=timezone.now()))


@require_POST
@requires("recon.map_source")
def choose_format(request: HttpRequest, code: str) -> HttpResponse:
    """Say how the source's files are read."""
    found = source_queries.source_for(user_of(request), code=code)
    chosen = operations.choose_format(source_id=found.pk, format=request.POST.get("format", ""))
    messages.success(request, f"Files of {chosen.name}: {format_word(chosen.format).lower()}.")
    return redirect("recon:source", code=code)


def source_context(request: HttpRequest, *, found: Source, now: datetime) -> dict[str, Any]:
    """Return what the page of one source shows."""
    user = user_of(request)
    terms = source_queries.feed_of(found)
    (feed,) = [one for one in feeds.feeds_for(user, today=now.date(), now=now) if one.source.pk == found.pk]
    in_force = source_queries.mapping_in_force(found)
    mappings = list(source_queries.mappings_of(found)[:MAPPINGS_SHOWN])
    return {
        "source": found,
        "feed": feed,
        "terms": terms,
        "feed_words": feed_words(terms) if terms else "",
        "next_due": feed_calendar.next_due(terms, now=now) if terms else None,
        "strip": shown_days(terms, now=now, may_waive=user.has_perm("recon.set_feed")) if terms else [],
        "stale_feed": source_queries.stale_feed_of(found),
        "kind_word": KIND_WORDS[SourceKind(found.kind)],
        "format_word": format_word(found.format),
        "format_choices": format_choices(),
        "in_force": in_force,
        "mappings": [(one, MAPPING_WORDS[MappingStatus(one.status)]) for one in mappings],
        "statements": list(
            feeds.with_continuity(queries.statements_for(user).filter(source=found)).order_by("-closing_date", "-id")[:STATEMENTS_SHOWN]
        ),
        "files": source_queries.files_of(found, count=FILES_SHOWN),
        "quarantined": source_queries.quarantined_of(found),
        "chain_href": chain_href(found),
    }


def shown_days(terms: Feed, *, now: datetime, may_waive: bool) -> list[ShownDay]:
    return [shown_day(one, may_waive=may_waive) for one in source_queries.strip_of(terms, now=now)]


def shown_day(one: ExpectedDay, *, may_waive: bool = False) -> ShownDay:
    word, look = STATE_WORDS[one.state]
    return ShownDay(one=one, word=word, look=look, may_waive=may_waive and one.statement is None and one.waiver is None)


def feed_words(terms: Feed) -> str:
    """Return what is expected from a source, as one sentence."""
    frequency = FREQUENCY_WORDS[terms.frequency]  # type: ignore[index] # the value of its own choices
    on = f" on {WEEKDAYS[terms.weekday]}" if terms.weekday is not None else ""
    days = terms.days_after
    after = "the same day" if days == 0 else "the next business day" if days == 1 else f"{days} business days later"
    calendar = calendar_names().get(terms.calendar, terms.calendar)
    return f"A report {frequency}{on}, due {after} at {terms.due_time:%H:%M} {terms.timezone} ({calendar})"


def chain_href(found: Source) -> str:
    """Return the page that says how far a chain has been followed, where there is one."""
    if found.kind != SourceKind.CHAIN:
        return ""
    try:
        return reverse("recon:chain", kwargs={"source_id": found.pk})
    except NoReverseMatch:
        return ""


def day_in(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _shown(row: SourceRow) -> ShownRow:
    word = f"Mapping {row.mapping.number}" if row.mapping and row.source.format in ("", "mapped") else format_word(row.source.format)
    if not row.source.format and row.mapping is None and row.feed.latest is not None:
        word = format_word(row.feed.latest.file.format)
    return ShownRow(row=row, kind_word=KIND_WORDS[SourceKind(row.source.kind)], format_word=word)


def _tabs(rows: list[SourceRow], *, kind: str) -> list[Tab]:
    here = reverse("recon:sources")
    found = [Tab(word="All", href=here, count=len(rows), current=kind not in SourceKind.values)]
    for value, word in KIND_WORDS.items():
        if count := sum(row.source.kind == value for row in rows):
            found.append(Tab(word=word, href=f"{here}?kind={value}", count=count, current=kind == value))
    return found
