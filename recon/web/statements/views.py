"""Statements as they were accepted, and the files they came in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import F, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from approvals.models import User
from approvals.queries import reason_codes
from ledgerops.lib.http import requires
from ledgerops.lib.paging import Page, bounded_count, counted, page_of
from recon import feeds, file_queries, queries
from recon.models import Break, FileJob, FileStatus, QuarantineState, RepeatedLine, Statement, StatementFile, StatementLine
from recon.operations import COUNT_REPEATED
from recon.web.statements.filters import CHANNELS, CONTINUITIES, KINDS, PROOFS, STATUSES, FileFilter, StatementFilter

NEWEST_CLOSING_FIRST = ("-closing_date", "-id")
# The same order, as the index of the gaps has it.
NEWEST_GAP_FIRST = ("-gap_closing_date", "-gap_statement")
NEWEST_FIRST = ("-id",)
LINES_SHOWN = 100
_LINE_OF_FILE = re.compile(r"line ([0-9]{1,9})(?:,|$)")


@dataclass(frozen=True, slots=True)
class StatementRow:
    statement: Statement
    matched: int


@dataclass(frozen=True, slots=True)
class FileRow:
    file: StatementFile
    job: FileJob | None


@require_safe
@requires("recon.view_statement")
def statements(request: HttpRequest) -> HttpResponse:
    """How the sources deliver, and every statement of them."""
    user = user_of(request)
    sources = queries.sources_for(user)
    everything = feeds.with_continuity(queries.statements_for(user))
    filtered = StatementFilter(request.GET, queryset=everything, sources=sources)
    page = _page_of_statements(filtered.qs, request, gaps=request.GET.get("gap") == "gap")
    matched = feeds.matched_lines_of(page.rows)
    filters = chosen_filters(filtered)
    found = bounded_count(filtered.qs)
    context = {
        "feeds": feeds.feeds_for(user, today=timezone.localdate()),
        "rows": [StatementRow(statement, matched.get(statement.pk, 0)) for statement in page.rows],
        "page": page,
        "filters": filters,
        "count": counted(found, word="statement"),
        "sources": [(source.pk, source.name) for source in sources],
        "source_names": {str(source.pk): source.name for source in sources},
        "proofs": PROOFS,
        "kinds": KINDS,
        "continuities": CONTINUITIES,
        **tabs_of(user, statement_count=found if not filters else None),
    }
    return render(request, "recon/statements/list.html" + partial_of(request), context)


def _page_of_statements(statements: QuerySet[Statement], request: HttpRequest, *, gaps: bool) -> Page[Statement]:
    if not gaps:
        return page_of(statements, query=request.GET, order=NEWEST_CLOSING_FIRST)
    of_gaps = statements.annotate(gap_closing_date=F("standing_gap__closing_date"), gap_statement=F("standing_gap__statement"))
    return page_of(of_gaps, query=request.GET, order=NEWEST_GAP_FIRST)


@require_safe
@requires("recon.view_statement")
def files(request: HttpRequest) -> HttpResponse:
    """Every file that arrived: received, accepted, refused."""
    user = user_of(request)
    sources = queries.sources_for(user)
    filtered = FileFilter(request.GET, queryset=queries.files_for(user).defer("summary"), sources=sources)
    page = page_of(filtered.qs, query=request.GET, order=NEWEST_FIRST)
    jobs = file_queries.jobs_of(page.rows)
    context = {
        "rows": [FileRow(file, jobs.get(file.pk)) for file in page.rows],
        "sources": [(source.pk, source.name) for source in sources],
        "channels": CHANNELS,
        "page": page,
        "filters": chosen_filters(filtered),
        "count": counted(bounded_count(filtered.qs), word="file"),
        "statuses": STATUSES,
        **tabs_of(user),
    }
    return render(request, "recon/statements/files.html" + partial_of(request), context)


@require_safe
@requires("recon.view_statement")
def statement(request: HttpRequest, statement_id: UUID) -> HttpResponse:
    """One statement: its proof, what it goes on from, and what became of its lines; `?line=` opens one of them."""
    shown = queries.statement_for(user_of(request), statement_id=statement_id)
    continuity = feeds.continuity_now(shown)
    after = number_of(request, "after")
    lines = queries.lines_of(shown).filter(ordinal__gt=after)[: LINES_SHOWN + 1]
    states = feeds.states_of(list(lines))
    repetitions = file_queries.repetitions_of([state.line for state in states])
    context = {
        "statement": shown,
        "previous": continuity.previous if shown.counts else None,
        "gap_minor": continuity.gap_minor if shown.counts else None,
        "missing": feeds.missing_between(continuity.previous, shown) if continuity.previous and shown.counts else (),
        "late_by": feeds.came_after(shown),
        "replaced_by": getattr(shown, "superseded_by", None),
        "difference": file_queries.difference_of(shown),
        "repeated": file_queries.repeated_in(shown),
        "reasons": reason_codes(kind=COUNT_REPEATED) if repetitions else (),
        "matched": feeds.matched_lines_of([shown]).get(shown.pk, 0),
        "expected_minor": None if shown.opening_minor is None else int(shown.opening_minor) + int(shown.movements_minor),
        "states": [_line_row(state, repetitions=repetitions) for state in states[:LINES_SHOWN]],
        "opened": number_of(request, "line"),
        "after": after,
        "older": f"?after={states[LINES_SHOWN - 1].line.ordinal}" if len(states) > LINES_SHOWN else "",
        "newer": f"?after={max(0, after - LINES_SHOWN)}" if after else "",
    }
    partial = "#lines" if request.headers.get("HX-Target") == "lines" else ""
    return render(request, "recon/statements/statement.html" + partial, context)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineRow:
    """A line with what became of it, the line that it repeats, and its place in the text of its file."""

    line: StatementLine
    word: str
    matched: feeds.MatchedItems | None
    recon_break: Break | None
    repetition: RepeatedLine | None
    file_line: int | None


def _line_row(state: feeds.LineState, *, repetitions: Mapping[int, RepeatedLine]) -> LineRow:
    return LineRow(
        line=state.line,
        word=state.word,
        matched=state.matched,
        recon_break=state.recon_break,
        repetition=repetitions.get(state.line.pk),
        file_line=line_of_file(state.line.place),
    )


def line_of_file(place: str) -> int | None:
    """Return the line of the file's text that a place names, if it names one."""
    found = _LINE_OF_FILE.match(place)
    return int(found[1]) if found else None


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def tabs_of(user: User, *, statement_count: Any = None) -> dict[str, Any]:
    """Return the counts beside the tabs; that of the statements is known where all of them are shown."""
    waiting = queries.files_for(user).filter(status=FileStatus.RECEIVED)
    quarantined = file_queries.quarantine_for(user).filter(state=QuarantineState.OPEN)
    return {
        "statement_count": statement_count,
        "waiting_count": bounded_count(waiting),
        "quarantine_count": bounded_count(quarantined),
    }


def chosen_filters(filtered: Any) -> dict[str, str]:
    """Return the filters that are in force: what cannot be understood filters nothing and is not shown as if it did."""
    filtered.form.is_valid()
    return {name: filtered.data[name] for name, value in filtered.form.cleaned_data.items() if value not in (None, "")}


def partial_of(request: HttpRequest) -> str:
    """Return the part of a list that is asked for alone."""
    return "#results" if request.headers.get("HX-Target") == "results" else ""


def number_of(request: HttpRequest, name: str) -> int:
    text = request.GET.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
