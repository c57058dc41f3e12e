"""The general ledger: each account over a range of days, unfolded to its entries where somebody asks."""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledger import operations, queries
from ledger.models import Account
from ledger.queries.general import GeneralRow, general_ledger, movements, with_movement
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Column, Kind, Row

PAGE_SIZE = 60
LEGS_SHOWN = 100
BATCH = 500

COLUMNS = [
    Column(name="account", title="Account"),
    Column(name="name", title="Name", wide=True),
    Column(name="entity", title="Entity"),
    Column(name="asset", title="Asset"),
    Column(name="opening", title="Opening", kind=Kind.MONEY),
    Column(name="debits", title="Debits", kind=Kind.MONEY, totalled=True),
    Column(name="credits", title="Credits", kind=Kind.MONEY, totalled=True),
    Column(name="closing", title="Closing", kind=Kind.MONEY),
]


class GeneralForm(forms.Form):
    q = forms.CharField(required=False, label="Account", max_length=120)
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    entity = forms.CharField(required=False, label="Entity", max_length=20)
    asset = forms.CharField(required=False, label="Asset", max_length=20)
    all = forms.BooleanField(required=False, label="Also accounts that did not move")

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or {}
        since, until = self.days()
        if since > until:
            self.add_error("since", "The first day is not after the last.")
        return asked

    def days(self) -> tuple[date, date]:
        """Return the range that was asked for; this month where nothing was."""
        until: date = self.cleaned_data.get("until") or timezone.localdate()
        return self.cleaned_data.get("since") or until.replace(day=1), until


@require_safe
@requires("ledger.view_trial_balance")
def general(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form = GeneralForm(request.GET)
    valid = form.is_valid()
    since, until = form.days()
    accounts = _accounts(request, form) if valid else queries.accounts_for(user).none()
    page = page_of(accounts, query=request.GET, order=("code",), size=PAGE_SIZE)
    rows = general_ledger(accounts=page.rows, since=since, until=until)
    unfolded = next((row.account for row in rows if row.account.code == request.GET.get("account")), None)
    legs = list(movements(unfolded, since=since, until=until)[: LEGS_SHOWN + 1]) if unfolded else []
    entities = list(queries.entities_for(user).order_by("code").values_list("code", "name"))
    context = {
        "form": form,
        "since": since,
        "until": until,
        "page": page,
        "rows": rows,
        "unfolded": unfolded,
        "legs": legs[:LEGS_SHOWN],
        "more": len(legs) > LEGS_SHOWN,
        "count": counted(bounded_count(accounts), word="account"),
        "entities": entities if len(entities) > 1 else [],
        "assets": [(asset.code, asset.code) for asset in queries.assets_in_use()],
    }
    return render(
        request, template_for(request, "ledger/general_ledger.html"), context, status=200 if valid else STATUS_OF[RefusalKind.INVALID]
    )


@require_POST
@requires("ledger.view_trial_balance")
def export_general(request: HttpRequest) -> HttpResponseBase:
    form = GeneralForm(request.GET)
    accounts = _accounts(request, form) if form.is_valid() else queries.accounts_for(reader(request)).none()
    since, until = form.days()
    operations.record_export(
        target_type="ledger.general_ledger",
        target_id=f"{since}/{until}",
        query=request.GET.urlencode(),
        rows=bounded_count(accounts, limit=operations.EXPORT_MAXIMUM),
        file_format=format_of(request),
    )
    table = table_of(
        name=f"general-ledger-{since}-{until}",
        title="General ledger",
        subtitles=[f"From {since} to {until}"],
        columns=COLUMNS,
        rows=_lines(list(accounts), since=since, until=until),
        parameters=request.GET.urlencode() or f"since={since}&until={until}",
    )
    return table_response(format_of(request), table)


def _accounts(request: HttpRequest, form: GeneralForm) -> QuerySet[Account]:
    asked = form.cleaned_data
    accounts = queries.accounts_for(reader(request)).filter(is_control=False)
    if asked["entity"]:
        accounts = accounts.filter(entity__code=asked["entity"])
    if asked["asset"]:
        accounts = accounts.filter(asset__code=asked["asset"])
    if text := asked["q"].strip():
        accounts = accounts.filter(code__istartswith=text) | accounts.filter(name__icontains=text)
    since, until = form.days()
    return accounts if asked["all"] else with_movement(accounts, since=since, until=until)


def _lines(accounts: Sequence[Account], *, since: date, until: date) -> Iterator[Row]:
    for start in range(0, len(accounts), BATCH):
        for row in general_ledger(accounts=accounts[start : start + BATCH], since=since, until=until):
            yield _line(row)


def _line(row: GeneralRow) -> Row:
    account = row.account
    amounts = (row.opening_minor, row.debits_minor, row.credits_minor, row.closing_minor)
    return [
        account.code,
        account.name,
        account.entity.code,
        account.asset.code,
        *(Amount(minor, account.asset.scale, account.asset.code) for minor in amounts),
    ]
