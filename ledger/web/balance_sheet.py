"""The balance sheet."""

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
from ledger.models import Asset, LegalEntity
from ledger.queries.balance_sheet import BalanceSheet, Chart, Item, Section, balance_sheet, chart_for
from ledger.queries.rates import RateMissing, RateStale
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.tables import Amount, Column, Kind, Row, Total

DETAILS = [("accounts", "Every account")]

COLUMNS = [
    Column(name="as_of", title="As of", kind=Kind.DATE),
    Column(name="section", title="Section"),
    Column(name="account", title="Account"),
    Column(name="name", title="Name", wide=True),
    Column(name="amount", title="In its asset", kind=Kind.MONEY),
    Column(name="reported", title="Translated", kind=Kind.MONEY),
]


class BalanceSheetForm(forms.Form):
    entity = forms.ChoiceField(required=False, label="Entity")
    as_of = forms.DateField(required=False, label="As of")
    compare = forms.DateField(required=False, label="Compared with")
    asset = forms.CharField(required=False, label="In", max_length=20)
    detail = forms.ChoiceField(required=False, choices=[("", "Control accounts"), *DETAILS])

    def __init__(self, *args: Any, entities: Sequence[LegalEntity], **options: Any) -> None:
        super().__init__(*args, **options)
        self.entities = {one.code: one for one in entities}
        self.fields["entity"].choices = [(one.code, one.name) for one in entities]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Find the entity and the asset that the statement is of, where the address is silent about them."""
        wish: dict[str, Any] = super().clean() or self.cleaned_data
        entity = self.entities.get(wish.get("entity", "")) or next(iter(self.entities.values()), None)
        named = wish.get("asset", "")
        reporting = Asset.objects.filter(code=named).first() if named else (entity.functional_asset if entity else None)
        if named and reporting is None:
            self.add_error("asset", f"There is no asset {named}.")
        elif entity and reporting is None:
            self.add_error("asset", f"{entity.name} has no functional asset: say in which its balance sheet is shown.")
        return {**wish, "entity": entity, "asset": reporting, "as_of": wish.get("as_of") or timezone.localdate()}


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """A line with what it was at the other day; what stood only there has no amount of its own."""

    item: Item
    reported_minor: int
    before_minor: int

    @property
    def change_minor(self) -> int:
        return self.reported_minor - self.before_minor


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownSection:
    label: str
    lines: Sequence[ShownItem]
    total_minor: int
    before_minor: int


@require_safe
@requires("ledger.view_trial_balance")
def sheet(request: HttpRequest) -> HttpResponse:
    form = _form(request)
    status, chart, shown, before, refusal = 200, None, None, None, None
    if not form.is_valid():
        status = STATUS_OF[RefusalKind.INVALID]
    elif form.cleaned_data["entity"] is not None:
        chart = _chart(request, form)
        try:
            shown, before = _sheets(chart, form)
        except (RateMissing, RateStale) as refused:
            status, refusal = STATUS_OF[refused.kind], refused
    wish = form.cleaned_data if form.is_bound else {}
    context = {
        "form": form,
        "entities": [(code, one.name) for code, one in form.entities.items()],
        "assets": [(code, f"In {code}") for code in (chart.assets if chart else [])],
        "entity": wish.get("entity"),
        "as_of": wish.get("as_of") or timezone.localdate(),
        "compare": wish.get("compare"),
        "reporting": wish.get("asset"),
        "details": DETAILS,
        "sheet": shown,
        "before": before,
        "sections": [_shown(shown, before, name) for name in ("assets", "liabilities", "equity")] if shown else [],
        "year": [_shown(shown, before, name) for name in ("income", "expense")] if shown else [],
        "problems": _problems(refusal),
        "whole": queries.sees_whole_books(reader(request)),
    }
    return render(request, template_for(request, "ledger/balance_sheet.html"), context, status=status)


@require_POST
@requires("ledger.view_trial_balance")
def export_sheet(request: HttpRequest) -> HttpResponseBase:
    """Hand the statement out; without its rates there is none to hand out.

    :raises RateMissing, RateStale: as it is refused on its page.
    """
    form = _form(request)
    shown = _sheets(_chart(request, form), form)[0] if form.is_valid() and form.cleaned_data["entity"] else None
    rows = list(_lines(shown)) if shown else []
    day = form.cleaned_data["as_of"] if form.is_valid() else timezone.localdate()
    operations.record_export(
        target_type="ledger.balance_sheet",
        target_id=day.isoformat(),
        query=request.GET.urlencode(),
        rows=len(rows),
        file_format=format_of(request),
    )
    table = table_of(
        name=f"balance-sheet-{day}",
        title="Balance sheet",
        subtitles=_subtitles(shown, day=day),
        columns=COLUMNS,
        rows=rows,
        parameters=request.GET.urlencode() or f"as_of={day}",
    )
    return table_response(format_of(request), table)


def _form(request: HttpRequest) -> BalanceSheetForm:
    entities = queries.entities_for(reader(request)).select_related("functional_asset").order_by("code")
    return BalanceSheetForm(request.GET, entities=list(entities))


def _chart(request: HttpRequest, form: BalanceSheetForm) -> Chart:
    return chart_for(reader(request), entity=form.cleaned_data["entity"], by_control=not form.cleaned_data["detail"])


def _sheets(chart: Chart, form: BalanceSheetForm) -> tuple[BalanceSheet, BalanceSheet | None]:
    """Return the statement, and that of the other day where one is asked for.

    :raises RateMissing, RateStale: if either cannot be made.
    """
    wish = form.cleaned_data
    shown = balance_sheet(chart=chart, reporting=wish["asset"], as_of=wish["as_of"])
    other: date | None = wish["compare"]
    return shown, balance_sheet(chart=chart, reporting=wish["asset"], as_of=other) if other else None


def _shown(sheet: BalanceSheet, before: BalanceSheet | None, name: str) -> ShownSection:
    section: Section = getattr(sheet, name)
    other: Section | None = getattr(before, name) if before else None
    now = {(item.code, item.asset): item for item in section.items}
    then = {(item.code, item.asset): item for item in other.items} if other else {}
    lines = [
        ShownItem(
            item=now.get(key) or then[key],
            reported_minor=now[key].reported_minor if key in now else 0,
            before_minor=then[key].reported_minor if key in then else 0,
        )
        for key in sorted({*now, *then})
    ]
    return ShownSection(label=section.label, lines=lines, total_minor=section.total_minor, before_minor=other.total_minor if other else 0)


def _problems(refusal: Refusal | None) -> list[tuple[str, str]]:
    if refusal is None:
        return []
    return [(asset, f"{text[:1].upper()}{text[1:]}.") for asset, text in refusal.detail["problems"].items()]


def _subtitles(shown: BalanceSheet | None, *, day: date) -> list[str]:
    if shown is None:
        return [f"At the end of {day}"]
    state = "balances" if shown.balances else "does not balance"
    rates = [
        f"{used.base} in {used.quote} {used.shown}: "
        + "; ".join(f"{one.base}/{one.quote} {one.source}, {one.at:%Y-%m-%d %H:%M} UTC, rate {one.rate_id}" for one in used.evidence)
        for used in [*shown.rates, *(one.rate for one in shown.averages)]
    ]
    return [f"{shown.entity.name} at the end of {day}, in {shown.reporting.code}; it {state}", *rates]


def _lines(shown: BalanceSheet) -> Iterator[Row]:
    def worth(minor: int) -> Amount:
        return Amount(minor, shown.reporting.scale, shown.reporting.code)

    day = shown.as_of
    for section in (shown.assets, shown.liabilities, shown.equity):
        for item in section.items:
            native = Amount(item.native_minor, item.scale, item.asset)
            yield [day, section.label, item.code, item.name, native, worth(item.reported_minor)]
        if section is shown.equity:
            yield [day, section.label, "", "Income less expense not yet closed", None, worth(shown.result_minor)]
            yield [day, section.label, "", "Translation difference", None, worth(shown.translation_minor)]
            yield Total([day, section.label, "", "Total", None, worth(shown.equity_minor)])
        else:
            yield Total([day, section.label, "", "Total", None, worth(section.total_minor)])
    yield Total([day, "Liabilities and equity", "", "Total", None, worth(shown.owed_minor)])
    for section in (shown.income, shown.expense):
        for item in section.items:
            native = Amount(item.native_minor, item.scale, item.asset)
            yield [day, f"{section.label} since {shown.year_starts_on}", item.code, item.name, native, worth(item.reported_minor)]
        yield Total([day, f"{section.label} since {shown.year_starts_on}", "", "Total", None, worth(section.total_minor)])
