"""The rows behind the figures of the report: items, matches, expected deliveries, statements. The address says which."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from ledger.web.exports import format_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Cell, Column, Kind
from recon import feeds, figure_queries, operations, queries
from recon.due import DayState
from recon.figure_queries import PUNCTUAL, UNPUNCTUAL, SourceDay, Span
from recon.models import CertifiedDay, Item, Match, MatchMethod, ProofStatus, Statement
from recon.operations.exports import EXPORT_MAXIMUM
from recon.web.breaks.listing import user_of
from recon.web.reports.reconciliation import SpanForm
from recon.web.reports.tables import handed_out

# Expected deliveries are not paged: they are derived, and few.
DAYS_MOST_SHOWN = 500
STANDINGS = [("automatic", "Matched by runs"), ("by_people", "Matched by people"), ("open", "Open")]
METHODS = [("rule", "By runs"), ("people", "By people")]
PUNCTUALITIES = [("on_time", "On time"), ("not_on_time", "Late or missing")]
_STATES = {"on_time": PUNCTUAL, "not_on_time": UNPUNCTUAL}
assert set(_STATES) == {value for value, _ in PUNCTUALITIES}


class RowsNotFound(Refusal):
    code = "rows_not_found"
    kind = RefusalKind.NOT_FOUND


class RowsForm(SpanForm):
    """What the rows may be narrowed by; each list knows some of these, and a value that nobody offers is refused."""

    reconciliation = forms.IntegerField(required=False, label="Reconciliation", min_value=1, max_value=2**31)
    source = forms.CharField(required=False, label="Account", max_length=40)
    standing = forms.ChoiceField(required=False, label="Standing", choices=[("", ""), *STANDINGS])
    method = forms.ChoiceField(required=False, label="Method", choices=[("", ""), *METHODS])
    undone = forms.BooleanField(required=False, label="Undone")
    by = forms.CharField(required=False, label="Made by", max_length=150)
    punctuality = forms.ChoiceField(required=False, label="Delivered", choices=[("", ""), *PUNCTUALITIES])
    proof = forms.ChoiceField(required=False, label="Proof", choices=[("", ""), *ProofStatus.choices])


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row of a list; its first cell leads to `href` where there is such a page."""

    cells: Sequence[Cell]
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """One list: what it is of, and how its rows are shown. `order` is that of its keyset; without one it is not paged."""

    title: str
    permission: str
    columns: Sequence[Column]
    find: Callable[[User, Span, Mapping[str, Any]], Any]
    show: Callable[[Sequence[Any]], list[Row]]
    order: tuple[str, ...] = field(default=())


@require_safe
@requires("recon.view_run")
def rows(request: HttpRequest, name: str) -> HttpResponse:
    """The rows behind a figure.

    :raises RowsNotFound: if there is no such list, or its filters cannot be read.
    """
    user = user_of(request)
    chosen, span, asked = _asked(request, name=name, user=user)
    found = chosen.find(user, span, asked)
    paged = isinstance(found, QuerySet)
    page = page_of(found, query=request.GET, order=chosen.order) if paged else None
    shown = page.rows if page else found[:DAYS_MOST_SHOWN]
    context = {
        "title": chosen.title,
        "name": name,
        "count_text": counted(bounded_count(found) if paged else len(found), word="row"),
        "columns": chosen.columns,
        "rows": [(row.href, list(zip(chosen.columns, row.cells, strict=True))) for row in chosen.show(shown)],
        "page": page,
        "span": span,
        "said": _words(user, asked),
        "cut": not paged and len(found) > DAYS_MOST_SHOWN,
    }
    partial = "#results" if request.headers.get("HX-Target") == "results" else ""
    return render(request, f"recon/reports/rows.html{partial}", context)


@require_POST
@requires("recon.view_run")
def export(request: HttpRequest, name: str) -> HttpResponseBase:
    """Hand out the rows behind a figure, and have it on the trail.

    :raises RowsNotFound: if there is no such list, or its filters cannot be read.
    :raises ExportRefused: if there are more rows than may leave at once.
    """
    user = user_of(request)
    chosen, span, asked = _asked(request, name=name, user=user)
    shown = chosen.show(list(chosen.find(user, span, asked)[: EXPORT_MAXIMUM + 1]))
    query = request.GET.urlencode()
    operations.record_report_export(report=f"reconciliation.rows.{name}", query=query, rows=len(shown), file_format=format_of(request))
    return handed_out(
        request,
        name=f"reconciliation-{name}-{span.until}",
        title=chosen.title,
        subtitles=[f"{span.since} to {span.until}"],
        columns=chosen.columns,
        rows=[row.cells for row in shown],
        parameters=query,
    )


def _asked(request: HttpRequest, *, name: str, user: User) -> tuple[Rows, Span, Mapping[str, Any]]:
    chosen, form = LISTS.get(name), RowsForm(request.GET)
    if chosen is None or not form.is_valid():
        raise RowsNotFound("there is no such list of rows")
    if not user.has_perm(chosen.permission):
        raise RowsNotFound("there is no such list of rows in your scope")
    asked = form.cleaned_data
    return chosen, figure_queries.span_of(since=asked["since"], until=asked["until"], today=timezone.localdate()), asked


def _words(user: User, asked: Mapping[str, Any]) -> list[str]:
    """Return what the rows are narrowed by, in words."""
    offered = dict([*STANDINGS, *METHODS, *PUNCTUALITIES, *ProofStatus.choices])
    said = [offered[asked[name]] for name in ("standing", "method", "punctuality", "proof") if asked[name]]
    if asked["reconciliation"]:
        said.append(queries.reconciliation_for(user, pk=asked["reconciliation"]).name)
    return [*said, *(asked[name] for name in ("source", "by") if asked[name]), *(["Undone"] if asked["undone"] else [])]


def _items(user: User, span: Span, asked: Mapping[str, Any]) -> QuerySet[Item]:
    found = figure_queries.items_for(user, span=span)
    if asked["reconciliation"]:
        found = found.filter(reconciliation=asked["reconciliation"])
    if asked["source"]:
        found = found.filter(reconciliation__source__code=asked["source"])
    return figure_queries.standing(found, word=asked["standing"]) if asked["standing"] else found


def _item_rows(items: Sequence[Item]) -> list[Row]:
    return [
        Row(
            href=_item_page(item),
            cells=[
                item.reference or f"item {item.pk}",
                item.item_date,
                item.population.name,
                item.counterparty,
                "open" if item.open_minor else "matched",
                Amount(item.signed_minor, item.reconciliation.source.asset.scale, item.reconciliation.source.asset.code),
                Amount(item.open_signed_minor, item.reconciliation.source.asset.scale, item.reconciliation.source.asset.code),
            ],
        )
        for item in items
    ]


def _item_page(item: Item) -> str:
    if item.entry_id is not None:
        return reverse("ledger:entry", args=[item.entry_id])
    line = item.statement_line
    assert line is not None, "an item is of a posting or of a line"
    return f"{reverse('recon:statement', args=[line.statement_id])}?line={line.ordinal}#line-{line.ordinal}"


def _matches(user: User, span: Span, asked: Mapping[str, Any]) -> QuerySet[Match]:
    found = figure_queries.matches_for(user, span=span)
    if asked["reconciliation"]:
        found = found.filter(reconciliation=asked["reconciliation"])
    if asked["method"]:
        by_rule = {"method": MatchMethod.RULE}
        found = found.filter(**by_rule) if asked["method"] == "rule" else found.exclude(**by_rule)
    if asked["by"]:
        found = found.filter(made_by__username=asked["by"])
    return found.filter(undoing__isnull=False) if asked["undone"] else found


def _match_rows(matches: Sequence[Match]) -> list[Row]:
    held = feeds.items_of(matches)
    return [
        Row(
            href=_match_page(one),
            cells=[
                f"{one.match.reconciliation.name}, {len(one.ledger) + len(one.statement)} items",
                one.match.made_at,
                _made_by(one.match),
                _undone_words(one.match),
                Amount(one.amount_minor, one.match.reconciliation.source.asset.scale, one.match.reconciliation.source.asset.code)
                if one.ledger or one.statement
                else None,
            ],
        )
        for one in held
    ]


def _match_page(found: feeds.MatchedItems) -> str:
    if found.ledger:
        return reverse("ledger:entry", args=[found.ledger[0][1].pk])
    return _item_page(found.statement[0]) if found.statement else ""


def _made_by(match: Match) -> str:
    if match.made_by is not None:
        return match.made_by.shown_name
    return f"run {match.run.number}, {match.pass_id}" if match.run is not None else match.get_method_display()


def _undone_words(match: Match) -> str:
    undoing = getattr(match, "undoing", None)
    return f"{undoing.undone_by.shown_name}: {undoing.reason}" if undoing is not None else ""


def _deliveries(user: User, span: Span, asked: Mapping[str, Any]) -> list[SourceDay]:
    days = figure_queries.expected_days_for(user, span=span, today=timezone.localdate(), now=timezone.now())
    wanted = _STATES.get(asked["punctuality"], tuple(DayState))
    return [one for one in days if one.expected.state in wanted and asked["source"] in ("", one.source.code)]


def _delivery_rows(days: Sequence[SourceDay]) -> list[Row]:
    return [
        Row(
            href=reverse("recon:source", args=[one.source.code]),
            cells=[
                one.source.name,
                one.expected.day,
                one.expected.due_at,
                one.expected.statement.file.received_at if one.expected.statement else None,
                str(one.expected.state.value).replace("_", " "),
            ],
        )
        for one in days
    ]


def _statements(user: User, span: Span, asked: Mapping[str, Any]) -> QuerySet[Statement]:
    found = figure_queries.statements_in(user, span=span)
    if asked["source"]:
        found = found.filter(source__code=asked["source"])
    return found.filter(proof=asked["proof"]) if asked["proof"] else found


def _statement_rows(statements: Sequence[Statement]) -> list[Row]:
    return [
        Row(
            href=reverse("recon:statement", args=[one.pk]),
            cells=[
                f"{one.source.name} {one.number}".strip(),
                one.closing_date,
                one.get_proof_display(),
                None if one.closing_minor is None else Amount(int(one.closing_minor), one.source.asset.scale, one.source.asset.code),
                Amount(int(one.difference_minor), one.source.asset.scale, one.source.asset.code),
            ],
        )
        for one in statements
    ]


def _certified(user: User, span: Span, asked: Mapping[str, Any]) -> QuerySet[CertifiedDay]:
    found = figure_queries.certified_days_for(user, span=span)
    return found.filter(reconciliation__source__code=asked["source"]) if asked["source"] else found


def _certified_rows(days: Sequence[CertifiedDay]) -> list[Row]:
    return [
        Row(
            href=reverse("recon:certificate", args=[one.certificate_id]),
            cells=[
                one.reconciliation.name,
                one.day,
                one.certificate.prepared_by.shown_name,
                one.certificate.reviewed_by.shown_name,
                Amount(int(one.ledger_minor), one.reconciliation.source.asset.scale, one.reconciliation.source.asset.code),
                Amount(int(one.open_minor), one.reconciliation.source.asset.scale, one.reconciliation.source.asset.code),
            ],
        )
        for one in days
    ]


LISTS: dict[str, Rows] = {
    "certified-days": Rows(
        title="Certified days",
        permission="recon.view_certificate",
        columns=[
            Column(name="account", title="Account", wide=True),
            Column(name="day", title="Day", kind=Kind.DATE),
            Column(name="prepared_by", title="Prepared by"),
            Column(name="reviewed_by", title="Reviewed by"),
            Column(name="ledger", title="Ledger", kind=Kind.MONEY),
            Column(name="open", title="Open items", kind=Kind.MONEY),
        ],
        find=_certified,
        show=_certified_rows,
        order=("-id",),
    ),
    "items": Rows(
        title="Items",
        permission="recon.view_run",
        columns=[
            Column(name="reference", title="Item", wide=True),
            Column(name="date", title="Date", kind=Kind.DATE),
            Column(name="population", title="Population"),
            Column(name="counterparty", title="Counterparty", wide=True),
            Column(name="standing", title="Standing"),
            Column(name="amount", title="Amount", kind=Kind.MONEY),
            Column(name="open", title="Of it open", kind=Kind.MONEY),
        ],
        find=_items,
        show=_item_rows,
        order=("-id",),
    ),
    "matches": Rows(
        title="Matches",
        permission="recon.view_run",
        columns=[
            Column(name="match", title="Match", wide=True),
            Column(name="made_at", title="Made", kind=Kind.INSTANT),
            Column(name="made_by", title="By"),
            Column(name="undone", title="Undone by", wide=True),
            Column(name="amount", title="Amount", kind=Kind.MONEY),
        ],
        find=_matches,
        show=_match_rows,
        order=("-id",),
    ),
    "deliveries": Rows(
        title="Expected deliveries",
        permission="recon.view_statement",
        columns=[
            Column(name="account", title="Account", wide=True),
            Column(name="day", title="Day", kind=Kind.DATE),
            Column(name="due_at", title="Due", kind=Kind.INSTANT),
            Column(name="received_at", title="Came", kind=Kind.INSTANT),
            Column(name="state", title="State"),
        ],
        find=_deliveries,
        show=_delivery_rows,
    ),
    "statements": Rows(
        title="Statements",
        permission="recon.view_statement",
        columns=[
            Column(name="statement", title="Statement", wide=True),
            Column(name="closing_date", title="Closes", kind=Kind.DATE),
            Column(name="proof", title="Proof"),
            Column(name="closing", title="Closing balance", kind=Kind.MONEY),
            Column(name="difference", title="Not proven", kind=Kind.MONEY),
        ],
        find=_statements,
        show=_statement_rows,
        order=("-closing_date", "-id"),
    ),
}
