"""An account at the end of a day: the ledger against its source, what is open between them, and what is unexplained."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from ledger.queries import account_for
from ledger.web.exports import format_of, table_of, table_response
from ledgerops.lib.http import requires
from ledgerops.lib.money import grouped
from ledgerops.lib.tables import Amount, Column, Kind, Row
from ledgerops.templatetags.charts import Step
from recon import operations
from recon.account_day_queries import AccountDay, ShownItem, account_day, home_of, latest_day
from recon.certification_queries import certificate_of_day, request_of_day
from recon.models import Reconciliation, Side
from recon.operations.exports import EXPORT_MAXIMUM
from recon.web.days.words import KIND_WORDS, SHORT_WORDS, SIDE_WORDS, hint_words, rule_words
from recon.web.statements.views import user_of

PAGE = "recon/days/day.html"

COLUMNS = [
    Column(name="part", title="Part"),
    Column(name="row", title="Row"),
    Column(name="date", title="Date", kind=Kind.DATE),
    Column(name="counterparty", title="Counterparty", wide=True),
    Column(name="reference", title="Reference", wide=True),
    Column(name="age_business_days", title="Age", kind=Kind.INTEGER),
    Column(name="explanation", title="Explanation", wide=True),
    Column(name="amount", title="Amount", kind=Kind.MONEY),
    Column(name="asset", title="Asset"),
]


class DayForm(forms.Form):
    """Which day, and from the end of which other day the open items are rolled forward; the address is the state."""

    as_of = forms.DateField(required=False, label="At the end of")
    since = forms.DateField(required=False, label="Since the end of")


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The open items of one side and one direction."""

    title: str
    items: Sequence[ShownItem]
    total_minor: int
    more: int


@require_safe
@requires("recon.view_certificate")
def day(request: HttpRequest, code: str) -> HttpResponse:
    if "revise" in request.GET:
        return redirect(f"{reverse('recon:prepare_certificate', args=[code])}?revise={request.GET['revise']}")
    reconciliation, form, asked = _asked(request, code=code)
    shown = account_day(reconciliation, day=asked, before=form.cleaned_data.get("since"))
    template = f"{PAGE}#results" if request.headers.get("HX-Target") == "results" else PAGE
    return render(request, template, day_context(shown, form=form), status=422 if form.errors else 200)


@require_POST
@requires("recon.view_certificate")
def export_day(request: HttpRequest, code: str) -> HttpResponseBase:
    """Hand out the reconciliation statement that the page shows; its day stands in the address."""
    reconciliation, _, asked = _asked(request, code=code)
    shown = account_day(reconciliation, day=asked, most=EXPORT_MAXIMUM)
    operations.record_day_export(account=code, day=asked, rows=shown.opened.count, file_format=format_of(request))
    source = reconciliation.source
    table = table_of(
        name=f"reconciliation-{source.code}-{asked}",
        title=f"Reconciliation statement of account {source.account.code}",
        subtitles=[
            f"{source.account.name} against {source.name}, in {source.asset.code}",
            f"At the end of {asked:%-d %B %Y}, as known now",
        ],
        columns=COLUMNS,
        rows=_rows(shown),
        parameters=f"account={code}&as_of={asked}",
    )
    return table_response(format_of(request), table)


def _asked(request: HttpRequest, *, code: str) -> tuple[Reconciliation, DayForm, date]:
    """Return the account's reconciliation, the address as it was read, and the day: the one asked for, else the latest with a statement."""
    user = user_of(request)
    reconciliation = home_of(user, account=account_for(user, code=code))
    form = DayForm(request.GET)
    form.is_valid()
    return reconciliation, form, form.cleaned_data.get("as_of") or latest_day(reconciliation.source) or timezone.localdate()


def day_context(shown: AccountDay, *, form: DayForm) -> dict[str, Any]:
    """Return what the page of an account-day shows."""
    source, figures = shown.reconciliation.source, shown.figures
    asset = source.asset
    return {
        "shown": shown,
        "form": form,
        "source": source,
        "account": source.account,
        "asset": asset,
        "figures": figures,
        "rule": rule_words(figures.external),
        "steps": _steps(shown),
        "parts": _parts(shown),
        "forward": [(SIDE_WORDS[Side(one.side)], one) for one in shown.forward],
        "hints": [hint_words(one, money=lambda minor: grouped(minor, scale=asset.scale)) for one in shown.hints],
        "earlier": shown.day - timedelta(days=1),
        "later": shown.day + timedelta(days=1),
        "known_at": timezone.now(),
        "certificate": certificate_of_day(shown.reconciliation, day=shown.day),
        "waiting": request_of_day(shown.reconciliation, day=shown.day),
    }


def _steps(shown: AccountDay) -> list[Step]:
    """Return the way from the ledger's balance to the source's: what is open of ours is taken away, what is open of theirs is added."""
    if shown.figures.external.minor is None:
        return []
    steps = [Step("Ledger", shown.figures.ledger_minor, is_balance=True)]
    for key, word in SHORT_WORDS.items():
        total = shown.opened.totals.get(key, (0, 0))[1]
        adds = (key[1] == "in") == (key[0] == Side.STATEMENT)
        steps += [Step(word, total if adds else -total)] if total else []
    steps += [Step("Not compared", -shown.figures.uncompared_minor)] if shown.figures.uncompared_minor else []
    steps += [Step("Unexplained", -shown.figures.unexplained_minor)] if shown.figures.unexplained_minor else []
    return [*steps, Step("Statement", shown.figures.external.minor, is_balance=True)]


def _parts(shown: AccountDay) -> list[Part]:
    parts = []
    for (side, flow), title in KIND_WORDS.items():
        many, total = shown.opened.totals.get((side, flow), (0, 0))
        if many:
            items = shown.part(side, flow)
            parts.append(Part(title=title, items=items, total_minor=total if flow == "in" else -total, more=many - len(items)))
    return parts


def _rows(shown: AccountDay) -> list[Row]:
    """Return the statement as the rows of a file: the ledger, what is open, what is unexplained, and the source's balance."""
    asset, figures = shown.reconciliation.source.asset, shown.figures

    def figure(part: str, minor: int | None) -> Row:
        said = None if minor is None else Amount(minor, asset.scale, asset.code)
        return [part, "", figures.day, "", "", None, "", said, asset.code]

    rows = [figure("ledger balance", figures.ledger_minor)]
    for one in shown.items:
        item = one.open.item
        rows.append(
            [
                KIND_WORDS[Side(item.side), item.flow].lower(),
                one.number,
                one.open.since,
                item.counterparty,
                item.reference,
                one.age_days,
                one.explanation,
                Amount(one.open.signed_minor, asset.scale, asset.code),
                asset.code,
            ]
        )
    return [
        *rows,
        figure("posted and not compared yet", figures.uncompared_minor),
        figure("unexplained", figures.unexplained_minor),
        figure(rule_words(figures.external), figures.external.minor),
    ]
