"""The trial balance."""

from collections.abc import Iterator, Sequence
from datetime import date

from django import forms
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledger import operations, queries
from ledger.queries import TrialBalanceSection
from ledger.web.csv_files import csv_response
from ledger.web.requests import reader, template_for
from ledgerops.lib import money
from ledgerops.lib.csv_cells import text_cell
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires

DETAILS = [("accounts", "Every account")]


class TrialBalanceForm(forms.Form):
    as_of = forms.DateField(required=False, label="As of")
    detail = forms.ChoiceField(required=False, choices=[("", "Control accounts"), *DETAILS])

    def day(self) -> date:
        chosen: date | None = self.cleaned_data.get("as_of")
        return chosen or timezone.localdate()


@require_safe
@requires("ledger.view_trial_balance")
def trial_balance(request: HttpRequest) -> HttpResponse:
    form = TrialBalanceForm(request.GET)
    valid = form.is_valid()
    context = {
        "form": form,
        "as_of": form.day(),
        "details": DETAILS,
        "sections": _sections(request, form) if valid else [],
        "whole": queries.sees_whole_books(reader(request)),
    }
    return render(
        request, template_for(request, "ledger/trial_balance.html"), context, status=200 if valid else STATUS_OF[RefusalKind.INVALID]
    )


@require_POST
@requires("ledger.view_trial_balance")
def export_trial_balance(request: HttpRequest) -> StreamingHttpResponse:
    form = TrialBalanceForm(request.GET)
    sections = _sections(request, form) if form.is_valid() else []
    day = form.day()
    operations.record_export(
        target_type="ledger.trial_balance",
        target_id=day.isoformat(),
        query=request.GET.urlencode(),
        rows=sum(len(section.rows) for section in sections),
    )
    return csv_response(
        name=f"trial-balance-{day}", header=["as_of", "asset", "type", "account", "name", "debit", "credit"], rows=_lines(sections, day=day)
    )


def _sections(request: HttpRequest, form: TrialBalanceForm) -> list[TrialBalanceSection]:
    rows = queries.trial_balance(accounts=queries.accounts_for(reader(request)), as_of=form.day())
    return queries.trial_balance_sections(rows, by_control=not form.cleaned_data["detail"])


def _lines(sections: Sequence[TrialBalanceSection], *, day: date) -> Iterator[list[object]]:
    for section in sections:
        for row in section.rows:
            amounts = [money.plain(minor, scale=row.scale) if minor else "" for minor in (row.debit_minor, row.credit_minor)]
            yield [day.isoformat(), row.asset, row.type, row.code, text_cell(row.name), *amounts]
        totals = [money.plain(minor, scale=section.scale) for minor in (section.debit_minor, section.credit_minor)]
        yield [day.isoformat(), section.asset, "total", "", "", *totals]
