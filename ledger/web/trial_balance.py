"""The trial balance: a tree at one point, against another point, with the entries that make the difference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledger import operations, queries
from ledger.queries import trial
from ledger.queries.periods import closes_known_to
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.tables import Amount, Column, Kind, Row, Total

DETAILS = [("accounts", "Every account")]
CLOSES_OFFERED = 24

COLUMNS = [
    Column(name="as_of", title="As of", kind=Kind.DATE),
    Column(name="asset", title="Asset"),
    Column(name="type", title="Type"),
    Column(name="account", title="Account"),
    Column(name="name", title="Name", wide=True),
    Column(name="debit", title="Debit", kind=Kind.MONEY, totalled=True),
    Column(name="credit", title="Credit", kind=Kind.MONEY, totalled=True),
]
COMPARED = [
    Column(name="compared", title="Compared, debit less credit", kind=Kind.MONEY),
    Column(name="difference", title="Difference", kind=Kind.MONEY),
]


class TrialBalanceForm(forms.Form):
    as_of = forms.DateField(required=False, label="As of")
    known_at = forms.CharField(required=False, label="Known at", max_length=40)
    compare_to = forms.DateField(required=False, label="Compare with")
    compare_known_at = forms.CharField(required=False, label="Compare as known at", max_length=40)
    entity = forms.CharField(required=False, label="Entity", max_length=20)
    detail = forms.ChoiceField(required=False, choices=[("", "Control accounts"), *DETAILS])
    explain = forms.CharField(required=False, label="Account to explain", max_length=40)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What one request shows: its points, the accounts in them, and the tree."""

    point: trial.Point
    other: trial.Point | None
    accounts: Sequence[trial.Named]
    sections: Sequence[trial.TreeSection]


@require_safe
@requires("ledger.view_trial_balance")
def trial_balance(request: HttpRequest) -> HttpResponse:
    form = TrialBalanceForm(request.GET)
    shown = _shown(request, form)
    entities = list(queries.entities_for(reader(request)).order_by("code"))
    context: dict[str, Any] = {
        "form": form,
        "shown": shown,
        "as_of": shown.point.as_of if shown else timezone.localdate(),
        "details": DETAILS,
        "entities": [(one.code, one.name) for one in entities] if len(entities) > 1 else [],
        "closes": [(f"close:{one.pk}", _close_words(one)) for one in closes_known_to(reader(request))[:CLOSES_OFFERED]],
        "whole": queries.sees_whole_books(reader(request)),
        "opened": request.GET.getlist("open"),
        **(_explained(shown, code=form.cleaned_data["explain"]) if shown else {}),
    }
    status = 200 if shown else STATUS_OF[RefusalKind.INVALID]
    return render(request, template_for(request, "ledger/trial_balance.html"), context, status=status)


@require_POST
@requires("ledger.view_trial_balance")
def export_trial_balance(request: HttpRequest) -> HttpResponseBase:
    form = TrialBalanceForm(request.GET)
    shown = _shown(request, form)
    day = shown.point.as_of if shown else timezone.localdate()
    sections = shown.sections if shown else []
    operations.record_export(
        target_type="ledger.trial_balance",
        target_id=day.isoformat(),
        query=request.GET.urlencode(),
        rows=sum(len(section.rows) for section in sections),
        file_format=format_of(request),
    )
    compares = shown is not None and shown.other is not None
    table = table_of(
        name=f"trial-balance-{day}",
        title="Trial balance",
        subtitles=[_words(shown.point), *([f"Compared with: {_words(shown.other)}"] if shown.other else [])] if shown else [],
        columns=[*COLUMNS, *COMPARED] if compares else COLUMNS,
        rows=_lines(sections, day=day, compares=compares),
        parameters=request.GET.urlencode() or f"as_of={day}",
    )
    return table_response(format_of(request), table)


def _shown(request: HttpRequest, form: TrialBalanceForm) -> Shown | None:
    """Return what the request asks for; None where its fields cannot be read, which the form then says."""
    if not form.is_valid():
        return None
    asked = form.cleaned_data
    closes = closes_known_to(reader(request))
    today = timezone.localdate()
    try:
        point = trial.point_of(as_of=asked["as_of"], known=asked["known_at"], closes=closes, today=today, field="known_at")
        other = None
        if asked["compare_to"] or asked["compare_known_at"]:
            other = trial.point_of(
                as_of=asked["compare_to"], known=asked["compare_known_at"], closes=closes, today=point.as_of, field="compare_known_at"
            )
            if other.close and not asked["as_of"] and point.close is None:
                point = trial.Point(as_of=other.as_of, known_at=point.known_at)
    except trial.PointInvalid as refusal:
        form.add_error(refusal.field, str(refusal))
        return None
    accounts = queries.accounts_for(reader(request))
    if asked["entity"]:
        accounts = accounts.filter(entity__code=asked["entity"])
    chosen = trial.named_accounts(accounts)
    expanded = None if asked["detail"] else set(request.GET.getlist("open"))
    return Shown(
        point=point,
        other=other,
        accounts=chosen,
        sections=trial.trial_balance_tree(accounts=chosen, point=point, other=other, expanded=expanded),
    )


def _explained(shown: Shown, *, code: str) -> dict[str, Any]:
    if not code or shown.other is None:
        return {}
    members = trial.under(shown.accounts, code=code)
    if not members:
        return {}
    legs = trial.explaining(account_ids=[account.pk for account in members], point=shown.point, other=shown.other)
    return {"explained": members[0], "legs": legs[: trial.EXPLAINED], "more": len(legs) > trial.EXPLAINED}


def _close_words(close: Any) -> str:
    return f"{close.period.entity.code} {close.period.ends_on:%b %Y}, close {close.n}"


def _words(point: trial.Point) -> str:
    known = f", as known at {point.known_at:%Y-%m-%d %H:%M:%S} UTC" if point.known_at else ""
    return f"At the end of {point.as_of}{known}"


def _lines(sections: Sequence[trial.TreeSection], *, day: date, compares: bool) -> Iterator[Row]:
    for section in sections:
        for row in section.rows:
            account = row.account
            amounts = [Amount(minor, section.scale, section.asset) if minor else None for minor in (row.debit_minor, row.credit_minor)]
            compared = [Amount(minor, section.scale, section.asset) for minor in (row.other_minor, row.change_minor)] if compares else []
            cells = [day, section.asset, account.type, account.code, account.name, *amounts, *compared]
            # What stands under an account that is shown is in that account's row already.
            yield Total(cells) if row.level > 1 else cells
        totals = [Amount(minor, section.scale, section.asset) for minor in (section.debit_minor, section.credit_minor)]
        compared = (
            [Amount(minor, section.scale, section.asset) for minor in (section.other_minor, section.change_minor)] if compares else []
        )
        yield Total([day, section.asset, "total", "", "", *totals, *compared])
