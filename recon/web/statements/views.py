"""Statements as they were accepted, and the files they came in."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from approvals.models import User
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from recon import feeds, queries
from recon.models import FileStatus, Statement
from recon.web.statements.filters import CONTINUITIES, PROOFS, STATUSES, FileFilter, StatementFilter

NEWEST_CLOSING_FIRST = ("-closing_date", "-id")
NEWEST_FIRST = ("-id",)
LINES_SHOWN = 100


@dataclass(frozen=True, slots=True)
class StatementRow:
    statement: Statement
    matched: int


@require_safe
@requires("recon.view_statement")
def statements(request: HttpRequest) -> HttpResponse:
    """How the sources deliver, and every statement of them."""
    user = user_of(request)
    sources = queries.sources_for(user)
    everything = feeds.with_continuity(queries.statements_for(user))
    filtered = StatementFilter(request.GET, queryset=everything, sources=sources)
    page = page_of(filtered.qs, query=request.GET, order=NEWEST_CLOSING_FIRST)
    matched = feeds.matched_lines_of(page.rows)
    filters = _chosen(filtered)
    context = {
        "feeds": feeds.feeds_for(user, today=timezone.localdate()),
        "rows": [StatementRow(statement, matched.get(statement.pk, 0)) for statement in page.rows],
        "page": page,
        "filters": filters,
        "count": counted(bounded_count(filtered.qs), word="statement"),
        "sources": [(source.pk, source.name) for source in sources],
        "source_names": {str(source.pk): source.name for source in sources},
        "proofs": PROOFS,
        "continuities": CONTINUITIES,
        **_tabs(user),
    }
    return render(request, "recon/statements/list.html" + _partial(request), context)


@require_safe
@requires("recon.view_statement")
def files(request: HttpRequest) -> HttpResponse:
    """Every file that arrived: received, accepted, refused."""
    user = user_of(request)
    filtered = FileFilter(request.GET, queryset=queries.files_for(user))
    page = page_of(filtered.qs, query=request.GET, order=NEWEST_FIRST)
    context = {
        "rows": page.rows,
        "page": page,
        "filters": _chosen(filtered),
        "count": counted(bounded_count(filtered.qs), word="file"),
        "statuses": STATUSES,
        **_tabs(user),
    }
    return render(request, "recon/statements/files.html" + _partial(request), context)


@require_safe
@requires("recon.view_statement")
def statement(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    """One statement: its proof, what it goes on from, and what became of its lines; `?line=` opens one of them."""
    shown = queries.statement_for(user_of(request), statement_id=statement_id)
    continuity = feeds.continuity_now(shown)
    after = number_of(request, "after")
    lines = queries.lines_of(shown).filter(ordinal__gt=after)[: LINES_SHOWN + 1]
    states = feeds.states_of(list(lines))
    context = {
        "statement": shown,
        "previous": continuity.previous,
        "gap_minor": continuity.gap_minor,
        "matched": feeds.matched_lines_of([shown]).get(shown.pk, 0),
        "expected_minor": None if shown.opening_minor is None else int(shown.opening_minor) + int(shown.movements_minor),
        "states": states[:LINES_SHOWN],
        "opened": number_of(request, "line"),
        "after": after,
        "older": f"?after={states[LINES_SHOWN - 1].line.ordinal}" if len(states) > LINES_SHOWN else "",
        "newer": f"?after={max(0, after - LINES_SHOWN)}" if after else "",
    }
    partial = "#lines" if request.headers.get("HX-Target") == "lines" else ""
    return render(request, "recon/statements/statement.html" + partial, context)


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def _tabs(user: User) -> dict[str, Any]:
    waiting = queries.files_for(user).filter(status=FileStatus.RECEIVED)
    return {"statement_count": bounded_count(queries.statements_for(user)), "waiting_count": bounded_count(waiting)}


def _chosen(filtered: Any) -> dict[str, str]:
    """Return the filters that are in force: what cannot be understood filters nothing and is not shown as if it did."""
    filtered.form.is_valid()
    return {name: filtered.data[name] for name, value in filtered.form.cleaned_data.items() if value not in (None, "")}


def _partial(request: HttpRequest) -> str:
    return "#results" if request.headers.get("HX-Target") == "results" else ""


def number_of(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
