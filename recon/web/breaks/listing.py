"""The list of breaks: triage."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from approvals.queries import reason_codes
from ledgerops.lib.calendars import business_days_between
from ledgerops.lib.csv_cells import text_cell
from ledgerops.lib.http import requires
from ledgerops.lib.money import plain
from ledgerops.lib.paging import bounded_count, counted, page_of
from recon import break_queries, operations, queries, source_queries, work_queries
from recon.break_clock import Clock
from recon.models import Break, BreakState, BreakType, Run
from recon.operations.exports import EXPORT_MAXIMUM
from recon.web.breaks import filters
from recon.web.breaks.words import type_word

TEMPLATE = "recon/breaks/list.html"
RUNS_DRAWN = 30
VIEWS_SHOWN = 5
SELECTION_MAXIMUM = 200
COLUMNS = (
    "break", "age_business_days", "occurred_on", "type", "status", "counterparty", "reference", "account", "ledger", "statement",
    "difference", "asset", "assignee", "nature", "due_on", "root_cause", "put_off_until",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A break as a list shows it."""

    recon_break: Break
    age_days: int
    type_word: str
    nature: str
    due_on: date
    today: date
    waiting: int = 0
    labels: Sequence[str] = ()

    @property
    def nature_word(self) -> str:
        return filters.NATURE_WORDS[self.nature]

    @property
    def is_overdue(self) -> bool:
        return self.recon_break.is_live and self.due_on < self.today

    @property
    def counterparty(self) -> str:
        """Return who the other party is, as the break or else either side says it."""
        if self.recon_break.type == BreakType.STALE_FEED:
            return stale_feed_words(self.recon_break)
        if self.recon_break.type == BreakType.CHAIN_REORG:
            return f"{self.recon_break.reconciliation.source.name}, above block {self.recon_break.cause['fork']}"
        sides = (self.recon_break, self.recon_break.statement_item, self.recon_break.ledger_item)
        return next((side.counterparty for side in sides if side is not None and side.counterparty), "")

    @property
    def ledger_minor(self) -> int | None:
        item = self.recon_break.ledger_item
        return None if item is None else item.signed_minor

    @property
    def statement_minor(self) -> int | None:
        item = self.recon_break.statement_item
        return None if item is None else item.signed_minor


def stale_feed_words(recon_break: Break) -> str:
    """Return which days of a source are missing, or were when the break ended."""
    days = [date.fromisoformat(day) for day in recon_break.missing_days]
    said = f"{days[0]:%-d %b}" if len(days) == 1 else f"{len(days)} days since {days[0]:%-d %b}"
    return f"{recon_break.reconciliation.source.name}, {said}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tab:
    word: str
    href: str
    count: int
    current: bool
    own_view_id: int | None = None


def rows_of(breaks: Sequence[Break], *, today: date) -> list[Row]:
    """Return breaks as `row_of` does, those of missing files with how much waits for each."""
    clock, labels = Clock(today=today), work_queries.labels_of(breaks)
    stale = [recon_break for recon_break in breaks if recon_break.type == BreakType.STALE_FEED]
    waiting = source_queries.waiting_counts(stale) if stale else {}
    return [row_of(each, clock=clock, waiting=waiting.get(str(each.pk), 0), labels=labels.get(each.pk, ())) for each in breaks]


def row_of(recon_break: Break, *, clock: Clock, waiting: int = 0, labels: Sequence[str] = ()) -> Row:
    """Return a break with its age in business days; a resolved one has the age it reached."""
    until = recon_break.resolved_at.date() if recon_break.resolved_at else clock.today
    return Row(
        recon_break=recon_break,
        age_days=business_days_between(recon_break.occurred_on, until),
        type_word=type_word(recon_break),
        nature=clock.nature_of(recon_break),
        due_on=clock.due_on(recon_break),
        today=clock.today,
        waiting=waiting,
        labels=labels,
    )


@require_safe
@requires("recon.view_break")
def breaks(request: HttpRequest) -> HttpResponse:
    """The list; htmx asks for the table alone when a filter changes."""
    return list_page(request)


@require_POST
@requires("recon.view_break")
def export(request: HttpRequest) -> HttpResponse:
    """Hand out the filtered list as CSV, and have it on the trail.

    :raises ExportRefused: if the list is too long to leave at once.
    """
    user, today = user_of(request), timezone.localdate()
    found = filters.BreakFilter(request.GET, user=user, today=today).qs.order_by(*filters.order_of(request.GET))
    clock = Clock(today=today)
    rows = [row_of(recon_break, clock=clock) for recon_break in found[: EXPORT_MAXIMUM + 1]]
    totals = {total.code: plain(total.minor, scale=total.scale) for total in break_queries.totals_by_asset(found)}
    operations.record_break_export(query=filters.filters_of(request.GET), rows=len(rows), totals=totals)
    response = HttpResponse(
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="breaks-{today.isoformat()}.csv"', "Cache-Control": "no-store"},
    )
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    writer.writerow(["rows", len(rows)])
    writer.writerows([f"absolute difference {asset}", total] for asset, total in totals.items())
    return response


def _cells(row: Row) -> list[Any]:
    recon_break = row.recon_break
    asset = recon_break.reconciliation.source.asset
    amounts = (row.ledger_minor, row.statement_minor, int(recon_break.difference_minor))
    return [
        recon_break.public_number,
        row.age_days,
        recon_break.occurred_on.isoformat(),
        row.type_word,
        recon_break.get_state_display(),
        text_cell(row.counterparty),
        text_cell(recon_break.reference),
        text_cell(recon_break.reconciliation.source.name),
        *("" if minor is None else plain(minor, scale=asset.scale) for minor in amounts),
        asset.code,
        text_cell(recon_break.assignee.shown_name if recon_break.assignee else ""),
        row.nature_word,
        row.due_on.isoformat(),
        recon_break.root_cause_id or "",
        recon_break.snoozed_until.isoformat() if recon_break.snoozed_until else "",
    ]


@require_POST
@requires("recon.work_break")
def assign_selected(request: HttpRequest) -> HttpResponse:
    """Give the selected breaks to whom the form names; the toast of an assignment can take it back."""
    user = user_of(request)
    values = request.POST if "selected" in request.POST else request.GET
    chosen = list(queries.breaks_for(user).filter(pk__in=selected_ids(values)))
    assignee = assignee_from(values.get("assignee", "me"), user=user)
    before = {recon_break.pk: recon_break.assignee for recon_break in chosen}
    outcomes = operations.work_breaks(
        break_ids=list(before), do=lambda pk: operations.assign_break(break_id=pk, assignee_id=assignee.pk if assignee else None)
    )
    refused = [outcome.refusal for outcome in outcomes if outcome.refusal]
    done = [outcome.break_id for outcome in outcomes if not outcome.refusal]
    said = _said(done=len(done), refused=refused, assignee=assignee, user=user)
    if not request.headers.get("HX-Request"):
        (messages.warning if refused else messages.success)(request, said)
        return redirect(f"{reverse('recon:breaks')}{filters.address(request.GET)}")
    toast = {"text": said, "tone": "bad" if refused else "good"}
    owners = {before[break_id] for break_id in done}
    if request.POST and len(owners) == 1:
        (owner,) = owners
        undo = {"selected": [str(break_id) for break_id in done], "assignee": owner.username if owner else "nobody"}
        toast["undo"] = f"{reverse('recon:assign_breaks')}?{urlencode(undo, doseq=True)}"
    if request.headers.get("HX-Target") == "results":
        return list_page(request, events={"toast": toast})
    return HttpResponse(status=204, headers={"HX-Trigger": json.dumps({"toast": toast, "breaksChanged": {}})})


@require_POST
@requires("recon.view_break")
def save_view(request: HttpRequest) -> HttpResponse:
    """Give the present filters a name."""
    query = filters.filters_of(request.GET)
    try:
        view = operations.save_view(
            owner_id=user_of(request).pk, name=request.POST.get("name", ""), query=query, shared="shared" in request.POST
        )
    except operations.SavedViewRefused as refusal:
        messages.error(request, f"The view was not saved: {refusal}.")
    else:
        messages.success(request, f"Saved the view {view.name}")
    return redirect(f"{reverse('recon:breaks')}{filters.address(request.GET)}")


@require_POST
@requires("recon.view_break")
def delete_view(request: HttpRequest, view_id: int) -> HttpResponse:
    """Delete one of the user's own views.

    :raises SavedViewRefused: if it is another's or gone.
    """
    operations.delete_view(owner_id=user_of(request).pk, view_id=view_id)
    messages.success(request, "Deleted the view")
    return redirect("recon:breaks")


def user_of(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


def assignee_from(word: str, *, user: User) -> User | None:
    """Return whom a form means by `me`, `nobody` or a username; a name nobody has means the user themselves."""
    if word == "nobody":
        return None
    return user if word == "me" else work_queries.people_who_work_breaks().filter(username=word).first() or user


def open_breaks_of(user: User) -> QuerySet[Break]:
    """Return the live breaks this user sees, for the navigation."""
    return break_queries.queue_for(user).exclude(state=BreakState.RESOLVED)


def list_page(request: HttpRequest, *, events: dict[str, Any] | None = None) -> HttpResponse:
    """Render the list, or its results alone where htmx asks for them."""
    user, today = user_of(request), timezone.localdate()
    figures = break_queries.break_figures(user, today=today)
    bar = filters.controls(request.GET, user=user)
    found = filters.BreakFilter(request.GET, user=user, today=today).qs
    page = page_of(found, query=request.GET, order=filters.order_of(request.GET))
    count = bounded_count(found)
    tabs = _tabs(request.GET, user=user, today=today, figures=figures)
    query = filters.filters_of(request.GET)
    context = {
        "figures": figures,
        "rows": rows_of(page.rows, today=today),
        **work_lists(),
        "page": page,
        "count_text": counted(count, word="break"),
        "totals": break_queries.totals_by_asset(found),
        "tabs": tabs,
        "current_tab": next((tab for tab in tabs if tab.current), None),
        "chips": filters.chips(request.GET, bar=bar),
        "query": query,
        "list_query": f"?{query}" if query else "",
        "full_query": f"?{request.GET.urlencode()}" if request.GET else "",
        "default_sort": filters.DEFAULT_SORT,
    }
    if request.headers.get("HX-Target") == "results":
        response = render(request, f"{TEMPLATE}#results", {**context, "alone": True})
    else:
        response = render(request, TEMPLATE, {**context, **_head(user, today=today, figures=figures), "controls": bar})
    if events:
        response.headers["HX-Trigger"] = json.dumps(events)
    return response


def _head(user: User, *, today: date, figures: break_queries.BreakFigures) -> dict[str, Any]:
    """Return what stands above the table and does not change with the filters."""
    runs = break_queries.completed_runs(user, count=RUNS_DRAWN)
    matched, opened = sum(run.matches_made for run in runs), sum(run.breaks_opened for run in runs)
    live = break_queries.queue_for(user).exclude(state=BreakState.RESOLVED)
    return {
        "last_run": runs[0] if runs else None,
        "oldest_days": business_days_between(figures.oldest, today) if figures.oldest else 0,
        "at_risk": break_queries.totals_by_asset(live),
        "match_rate": f"{100 * matched / (matched + opened):.1f}%" if matched + opened else "",
        "match_rates": [_rate(run) for run in reversed(runs) if run.matches_made + run.breaks_opened],
        "runs_drawn": len(runs),
        "limit_days": break_queries.LIMIT_DAYS,
    }


def _rate(run: Run) -> float:
    return round(100 * run.matches_made / (run.matches_made + run.breaks_opened), 1)


def _tabs(query: QueryDict, *, user: User, today: date, figures: break_queries.BreakFigures) -> list[Tab]:
    """Return the standing views and the saved ones with their counts; the one whose filters are in force is current."""
    current = filters.address(query, without="sort")
    offered: list[tuple[str, str, int, int | None]] = [
        ("All open", "?", figures.total, None),
        ("Mine", "?assignee=me", figures.mine, None),
        ("Unassigned", "?assignee=nobody", figures.unassigned, None),
        ("Past limit", "?age=late", figures.past_limit, None),
        ("Past due day", "?due=breached", bounded_count(filters.BreakFilter(QueryDict("due=breached"), user=user, today=today).qs), None),
    ]
    for view in work_queries.saved_views_for(user)[:VIEWS_SHOWN]:
        saved = QueryDict(view.query)
        count = bounded_count(filters.BreakFilter(saved, user=user, today=today).qs)
        offered.append((view.name, filters.address(saved), count, view.pk if view.owner_id == user.pk else None))
    return [
        Tab(
            word=word,
            href=href,
            count=count,
            current=filters.address(QueryDict(href.removeprefix("?")), without="sort") == current,
            own_view_id=view_id,
        )
        for word, href, count, view_id in offered
    ]


def work_lists() -> dict[str, Any]:
    """Return what the forms offer to choose from."""
    offered = list(reason_codes().filter(kind__in=(operations.LABELS, operations.ROOT_CAUSES)))
    return {
        "label_choices": [one for one in offered if one.kind == operations.LABELS],
        "cause_choices": [one for one in offered if one.kind == operations.ROOT_CAUSES],
        "people": work_queries.people_who_work_breaks(),
        "today": timezone.localdate(),
    }


def selected_ids(values: QueryDict) -> list[UUID]:
    """Return the ids of the rows that a form selects."""
    found = []
    for text in values.getlist("selected")[:SELECTION_MAXIMUM]:
        try:
            found.append(UUID(text))
        except ValueError:
            continue
    return found


def _said(*, done: int, refused: Sequence[str], assignee: User | None, user: User) -> str:
    breaks_word = f"{done} break" if done == 1 else f"{done} breaks"
    if assignee is None:
        sentence = f"{breaks_word} given back"
    else:
        sentence = f"Assigned {breaks_word} to {'you' if assignee == user else assignee.shown_name}"
    return f"{sentence}. Not assigned: {'; '.join(refused)}." if refused else sentence
