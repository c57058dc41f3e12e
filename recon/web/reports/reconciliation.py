"""The report on reconciliation: what was matched, what is open and since when, who delivered, who works on what."""

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from ledger.web.exports import format_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from recon import figure_queries, operations
from recon.figure_queries import Report, Span
from recon.web.breaks.listing import user_of
from recon.web.reports.tables import TABLES, handed_out

# What should be matched without a person, in percent of the items.
TARGET = 97.5
BAND_WORDS = ("0\u20131 d", "2\u20133 d", "4\u20137 d", "8 d +")


class TableNotFound(Refusal):
    code = "table_not_found"
    kind = RefusalKind.NOT_FOUND


class SpanForm(forms.Form):
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")


@require_safe
@requires("recon.view_run")
def report(request: HttpRequest) -> HttpResponse:
    user, form = user_of(request), SpanForm(request.GET)
    span = span_from(form)
    if span is None:
        return render(request, "recon/reports/reconciliation.html", {"form": form}, status=STATUS_OF[RefusalKind.INVALID])
    shown = _report(user, span=span)
    return render(request, "recon/reports/reconciliation.html", {"form": form, "shown": shown, "span": span, **_drawn(shown)})


@require_POST
@requires("recon.view_run")
def export(request: HttpRequest, table: str) -> HttpResponseBase:
    """Hand out one table of the report, and have it on the trail.

    :raises TableNotFound: if the report has no such table.
    :raises SpanInvalid: if the days cannot be read.
    """
    user, chosen, span = user_of(request), TABLES.get(table), span_from(SpanForm(request.GET))
    if chosen is None:
        raise TableNotFound("the report has no such table")
    if span is None:
        raise figure_queries.SpanInvalid("say from which day to which, as 2026-11-01", field="since")
    rows = chosen.rows(_report(user, span=span))
    query = f"since={span.since}&until={span.until}"
    operations.record_report_export(report=f"reconciliation.{table}", query=query, rows=len(rows), file_format=format_of(request))
    return handed_out(
        request,
        name=f"reconciliation-{table}-{span.until}",
        title=chosen.title,
        subtitles=[f"{span.since} to {span.until}"],
        columns=chosen.columns,
        rows=rows,
        parameters=query,
    )


def span_from(form: SpanForm) -> Span | None:
    """Return the days that a form asks for; None where they cannot be read, which the form then says."""
    if not form.is_valid():
        return None
    try:
        return figure_queries.span_of(since=form.cleaned_data["since"], until=form.cleaned_data["until"], today=timezone.localdate())
    except figure_queries.SpanInvalid as refusal:
        form.add_error(refusal.field or "since", str(refusal))
        return None


def _report(user: User, *, span: Span) -> Report:
    return figure_queries.report_for(user, span=span, today=timezone.localdate(), now=timezone.now())


def _drawn(shown: Report) -> dict[str, Any]:
    """Return what the charts and the tables with links are drawn from."""
    return {
        "rates": [(f"{day.day:%-d %b}", float(day.rate)) for day in shown.days if day.rate is not None],
        "movements": [(f"{day.day:%-d %b}", day.opened, day.resolved) for day in shown.days],
        "days": f"?since={shown.span.since}&until={shown.span.until}",
        "target": TARGET,
        "band_words": BAND_WORDS,
        "heat": [
            {"one": one, "cells": [(count, breaks_at(source=one.source.code, age=str(n))) for n, count in enumerate(one.bands, start=1)]}
            for one in shown.ageing or ()
        ],
        "highest": max((count for one in shown.ageing or () for count in one.bands), default=0),
    }


def breaks_at(**filters: str) -> str:
    return f"{reverse('recon:breaks')}?{urlencode(filters)}"
