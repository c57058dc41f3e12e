"""The trial balance."""

from collections.abc import Iterator, Sequence
from datetime import date

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledger import operations, queries
from ledger.queries import TrialBalanceSection
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.tables import Amount, Column, Kind, Row, Total

DETAILS = [("accounts", "Every account")]

COLUMNS = [
    Column(name="as_of", title="As of", kind=Kind.DATE),
    Column(name="asset", title="Asset"),
    Column(name="type", title="Type"),
    Column(name="account", title="Account"),
    Column(name="name", title="Name", wide=True),
    Column(name="debit", title="Debit", kind=Kind.MONEY, totalled=True),
    Column(name="credit", title="Credit", kind=Kind.MONEY, totalled=True),
]


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
def export_trial_balance(request: HttpRequest) -> HttpResponseBase:
    form = TrialBalanceForm(request.GET)
    sections = _sections(request, form) if form.is_valid() else []
    day = form.day()
    operations.record_export(
        target_type="ledger.trial_balance",
        target_id=day.isoformat(),
        query=request.GET.urlencode(),
        rows=sum(len(section.rows) for section in sections),
        file_format=format_of(request),
    )
    table = table_of(
        name=f"trial-balance-{day}",
        title="Trial balance",
        subtitles=[f"At the end of {day}"],
        columns=COLUMNS,
        rows=_lines(sections, day=day),
        parameters=request.GET.urlencode() or f"as_of={day}",
    )
    return table_response(format_of(request), table)


def _sections(request: HttpRequest, form: TrialBalanceForm) -> list[TrialBalanceSection]:
    rows = queries.trial_balance(accounts=queries.accounts_for(reader(request)), as_of=form.day())
    return queries.trial_balance_sections(rows, by_control=not form.cleaned_data["detail"])


def _lines(sections: Sequence[TrialBalanceSection], *, day: date) -> Iterator[Row]:
    for section in sections:
        for row in section.rows:
            amounts = [Amount(minor, row.scale, row.asset) if minor else None for minor in (row.debit_minor, row.credit_minor)]
            yield [day, row.asset, row.type, row.code, row.name, *amounts]
        totals = [Amount(minor, section.scale, section.asset) for minor in (section.debit_minor, section.credit_minor)]
        yield Total([day, section.asset, "total", "", "", *totals])
