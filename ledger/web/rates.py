"""Rates: every pair with its latest word and age, all that was said of one, and recording by form or file."""

from datetime import UTC, datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger import operations, queries
from ledger.models import RateKind
from ledger.operations.rates import (
    FILE_COLUMNS,
    LARGEST_BYTES,
    RateRefused,
    RateRequest,
    RateSaidOtherwise,
    record_rate,
    record_rates_file,
    set_rate_age,
)
from ledger.queries import rates as rates_read
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import page_of
from ledgerops.lib.tables import Column, Kind

UNPROCESSABLE = STATUS_OF[RefusalKind.INVALID]
CHARTED = 90
LABELS = dict(RateKind.choices)

COLUMNS = [
    Column(name="base", title="Base"),
    Column(name="quote", title="Quote"),
    Column(name="kind", title="Kind"),
    Column(name="at", title="At", kind=Kind.INSTANT),
    Column(name="value", title="Value"),
    Column(name="source", title="Source", wide=True),
    Column(name="recorded_at", title="Recorded", kind=Kind.INSTANT),
]


class RateForm(forms.Form):
    base = forms.ChoiceField(label="One unit of")
    quote = forms.ChoiceField(label="Is worth, in")
    value = forms.CharField(label="Rate", max_length=60, widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}))
    kind = forms.ChoiceField(label="Kind", choices=RateKind.choices)
    at = forms.DateTimeField(label="At (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"))
    source = forms.CharField(label="Source", max_length=60)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        assets = [(asset.code, f"{asset.code}, {asset.name}") for asset in queries.assets_in_use()]
        for name in ("base", "quote"):
            self.fields[name].choices = assets  # type: ignore[attr-defined]

    def request(self) -> RateRequest:
        said = self.cleaned_data
        instant: datetime = said["at"].replace(tzinfo=UTC)
        return RateRequest(
            base=said["base"], quote=said["quote"], kind=said["kind"], source=said["source"], at=instant, value=said["value"].strip()
        )


class RatesFileForm(forms.Form):
    file = forms.FileField(label="CSV file", widget=forms.FileInput(attrs={"accept": ".csv,text/csv"}))


class RateAgeForm(forms.Form):
    kind = forms.ChoiceField(label="Kind", choices=RateKind.choices)
    maximum_minutes = forms.IntegerField(label="Serves for, in minutes", min_value=1)


@require_safe
@requires("ledger.view_rate")
def rates(request: HttpRequest) -> HttpResponse:
    return _page(request)


@require_http_methods(["POST"])
@requires("ledger.record_rate")
def record(request: HttpRequest) -> HttpResponse:
    form = RateForm(request.POST)
    if not form.is_valid():
        return _page(request, rate_form=form, status=UNPROCESSABLE)
    try:
        rate, new = record_rate(request=form.request(), recorded_by_id=reader(request).pk)
    except (RateRefused, RateSaidOtherwise) as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, _sentence(refusal))
        return _page(request, rate_form=form, status=STATUS_OF[refusal.kind])
    pair = f"{form.cleaned_data['base']} in {form.cleaned_data['quote']}"
    messages.success(request, f"{pair} is {rates_read.plain_rate(rate.value)}" + ("" if new else ", as it was recorded before"))
    return redirect("ledger:rates")


@require_POST
@requires("ledger.record_rate")
def upload(request: HttpRequest) -> HttpResponse:
    form = RatesFileForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, file_form=form, status=UNPROCESSABLE)
    file = form.cleaned_data["file"]
    name = (file.name or "rates.csv")[:100]
    try:
        recorded = record_rates_file(name=name, content=file.read(LARGEST_BYTES + 1), recorded_by_id=reader(request).pk)
    except (RateRefused, RateSaidOtherwise) as refusal:
        errors = refusal.detail.get("problems", [])
        return _page(request, file_form=form, errors=errors, error=f"{name} was not taken in", status=STATUS_OF[refusal.kind])
    known = len(recorded.rates) - recorded.new
    messages.success(request, f"{recorded.new:,} new rates from {name}" + (f", {known:,} known before" if known else ""))
    return redirect("ledger:rates")


@require_POST
@requires("ledger.close_period")
def set_age(request: HttpRequest) -> HttpResponse:
    form = RateAgeForm(request.POST)
    if not form.is_valid():
        return _page(request, age_form=form, status=UNPROCESSABLE)
    try:
        set_rate_age(kind=form.cleaned_data["kind"], maximum_minutes=form.cleaned_data["maximum_minutes"])
    except RateRefused as refusal:
        form.add_error(refusal.field, _sentence(refusal))
        return _page(request, age_form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"A {form.cleaned_data['kind']} rate serves for {form.cleaned_data['maximum_minutes']:,} minutes")
    return redirect("ledger:rates")


@require_safe
@requires("ledger.view_rate")
def pair(request: HttpRequest, base: str, quote: str, kind: str) -> HttpResponse:
    history = rates_read.history_of(base=base, quote=quote, kind=kind)
    values = list(history.values_list("value", flat=True)[:CHARTED])
    page = page_of(history, query=request.GET, order=("-at", "-id"))
    context = {
        "base": base,
        "quote": quote,
        "kind": kind,
        "label": LABELS[kind],
        "recent": [float(value) for value in reversed(values)],
        "latest": rates_read.plain_rate(values[0]),
        "lowest": rates_read.plain_rate(min(values)),
        "highest": rates_read.plain_rate(max(values)),
        "page": page,
        "rows": [(one, rates_read.plain_rate(one.value)) for one in page.rows],
        "allowed": _allowed(kind),
    }
    return render(request, "ledger/rate.html", context)


@require_POST
@requires("ledger.view_rate")
def export_pair(request: HttpRequest, base: str, quote: str, kind: str) -> HttpResponseBase:
    history = rates_read.history_of(base=base, quote=quote, kind=kind)
    operations.record_export(
        target_type="ledger.rate", target_id=f"{base}/{quote} {kind}", query="", rows=history.count(), file_format=format_of(request)
    )
    table = table_of(
        name=f"rates-{base}-{quote}-{kind}",
        title=f"{base} in {quote}",
        subtitles=[LABELS[kind]],
        columns=COLUMNS,
        rows=([base, quote, kind, one.at, rates_read.plain_rate(one.value), one.source, one.recorded_at] for one in history.iterator()),
        parameters=f"base={base}&quote={quote}&kind={kind}",
    )
    return table_response(format_of(request), table)


def _page(
    request: HttpRequest,
    *,
    rate_form: RateForm | None = None,
    file_form: RatesFileForm | None = None,
    age_form: RateAgeForm | None = None,
    errors: Any = (),
    error: str = "",
    status: int = 200,
) -> HttpResponse:
    allowed = rates_read.rate_ages()
    may_record = request.user.has_perm("ledger.record_rate")
    context = {
        "pairs": rates_read.pairs(),
        "ages": [(kind, label, rates_read.in_words(allowed[kind]) if kind in allowed else "") for kind, label in RateKind.choices],
        "rate_form": (rate_form or RateForm(initial={"quote": _functional(request)})) if may_record else None,
        "file_form": (file_form or RatesFileForm()) if may_record else None,
        "age_form": (age_form or RateAgeForm()) if request.user.has_perm("ledger.close_period") else None,
        "columns": FILE_COLUMNS,
        "errors": errors,
        "error": error,
    }
    return render(request, "ledger/rates.html", context, status=status)


def _functional(request: HttpRequest) -> str:
    """Return the asset that rates are mostly said in: the functional one of the first entity in sight."""
    asset = queries.entities_for(reader(request)).order_by("code").values_list("functional_asset__code", flat=True).first()
    return asset or ""


def _allowed(kind: str) -> str:
    age = rates_read.rate_ages().get(kind)
    return rates_read.in_words(age) if age else ""


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
