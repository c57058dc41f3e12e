"""Rows that could not be read, and lines that repeat others: what people decide about them."""

from typing import Any
from uuid import UUID

import django_filters
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from recon import file_queries, operations, queries
from recon.models import QuarantinedRow, QuarantineState, Source
from recon.operations import FileRefused, NothingNew, QuarantineRefused, RepeatRefused
from recon.tasks import ring
from recon.web.statements.views import chosen_filters, line_of_file, partial_of, tabs_of, user_of

NEWEST_FIRST = ("-id",)
STATES = [(QuarantineState.OPEN, "Open"), (QuarantineState.DISMISSED, "Dismissed"), (QuarantineState.READ_AGAIN, "Read since")]


class QuarantineFilter(django_filters.FilterSet):  # type: ignore[misc] # the package is not typed
    q = django_filters.CharFilter(method="search")
    state = django_filters.ChoiceFilter(choices=STATES)
    source = django_filters.ModelChoiceFilter(queryset=Source.objects.none())
    file = django_filters.UUIDFilter(field_name="file")

    class Meta:
        model = QuarantinedRow
        fields: list[str] = []

    def __init__(self, *args: Any, sources: QuerySet[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.filters["source"].queryset = sources

    def search(self, queryset: QuerySet[QuarantinedRow], _name: str, value: str) -> QuerySet[QuarantinedRow]:
        return queryset.filter(Q(message__icontains=value) | Q(raw__icontains=value) | Q(file__name__icontains=value))


@require_safe
@requires("recon.view_statement")
def quarantine(request: HttpRequest) -> HttpResponse:
    """Every row that could not be read while the rest of its file could."""
    user = user_of(request)
    sources = queries.sources_for(user)
    data = request.GET.copy()
    data.setdefault("state", QuarantineState.OPEN)
    filtered = QuarantineFilter(data, queryset=file_queries.quarantine_for(user), sources=sources)
    page = page_of(filtered.qs, query=request.GET, order=NEWEST_FIRST)
    context = {
        "rows": page.rows,
        "page": page,
        "filters": chosen_filters(filtered),
        "count": counted(bounded_count(filtered.qs), word="row"),
        "states": STATES,
        "sources": [(source.pk, source.name) for source in sources],
        **tabs_of(user),
    }
    return render(request, "recon/statements/quarantine.html" + partial_of(request), context)


@require_safe
@requires("recon.view_statement")
def row(request: HttpRequest, row_id: int) -> HttpResponse:
    """One row that could not be read: what is wrong, where, and what can be done about it."""
    shown = file_queries.quarantined_row_for(user_of(request), row_id=row_id)
    return render(request, "recon/statements/row.html", {"row": shown, "file_line": line_of_file(shown.place)})


@require_POST
@requires("recon.work_quarantine")
def dismiss(request: HttpRequest, row_id: int) -> HttpResponse:
    """Let a row leave the quarantine with a reason."""
    user = user_of(request)
    row = file_queries.quarantined_row_for(user, row_id=row_id)
    try:
        operations.dismiss_row(row_id=row.pk, reason=request.POST.get("reason", ""), dismissed_by_id=user.pk)
    except QuarantineRefused as refusal:
        _say(request, refusal)
    else:
        messages.success(request, f"{row.place} is dismissed.")
    return redirect("recon:quarantined_row", row_id=row.pk)


@require_POST
@requires("recon.work_quarantine")
def read_again(request: HttpRequest, file_id: UUID) -> HttpResponse:
    """Read a file's bytes as its source's files are read now."""
    user = user_of(request)
    found = queries.file_for(user, file_id=file_id)
    try:
        runs = operations.read_again(file_id=found.pk, source_ids=list(queries.sources_for(user).values_list("pk", flat=True)))
    except (NothingNew, FileRefused) as refusal:
        _say(request, refusal)
    else:
        ring(run.pk for run in runs)
        messages.success(request, f"{found.name} was read again.")
    return redirect("recon:file", file_id=found.pk)


@require_POST
@requires("recon.work_quarantine")
def count_line(request: HttpRequest, statement_id: UUID, ordinal: int) -> HttpResponse:
    """Propose that a repeated line counts: somebody else decides."""
    user = user_of(request)
    line = file_queries.line_for(user, statement_id=statement_id, ordinal=ordinal)
    try:
        proposal = operations.propose_counting(
            line_id=line.pk, reason_code=request.POST.get("reason_code", ""), narrative=request.POST.get("narrative", ""), maker_id=user.pk
        )
    except RepeatRefused as refusal:
        _say(request, refusal)
        return redirect("recon:statement", statement_id=statement_id)
    messages.success(request, "Proposed. It counts once somebody else agrees.")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


def _say(request: HttpRequest, refusal: Refusal) -> None:
    text = str(refusal)
    messages.error(request, f"{text[:1].upper()}{text[1:]}. Nothing was changed.")
