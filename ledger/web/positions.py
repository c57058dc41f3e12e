"""Positions in foreign assets, their remeasurement at a period's end, and the end of a year: what is asked for, and what it would post."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from approvals.models import Proposal
from approvals.operations import NobodyCouldApprove, ObjectHasOpenProposal, ProposalInvalid
from ledger import operations
from ledger.models import LegalEntity
from ledger.operations.journals import JournalInvalid, JournalRefused
from ledger.operations.remeasurement import (
    REMEASURE,
    RemeasurementInvalid,
    RemeasurementRefused,
    plan_remeasurement,
    propose_remeasurement,
    revise_remeasurement,
)
from ledger.operations.year_end import CLOSE_YEAR, YearEndInvalid, YearEndRefused, plan_year_end, propose_year_end, revise_year_end
from ledger.queries.journal_reviews import shown_journal
from ledger.queries.positions import Positions, entities_seen_whole, last_period_end, positions_of
from ledger.queries.rates import RateMissing, RateStale
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.journal_forms import returned_to
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.tables import Amount, Column, Kind

UNPROCESSABLE = STATUS_OF[RefusalKind.INVALID]
_NOT_PLANNED = (
    RemeasurementInvalid,
    RemeasurementRefused,
    YearEndInvalid,
    YearEndRefused,
    RateMissing,
    RateStale,
    JournalInvalid,
    JournalRefused,
)
_NOT_PROPOSED = (*_NOT_PLANNED, ProposalInvalid, ObjectHasOpenProposal, NobodyCouldApprove)

COLUMNS = [
    Column(name="as_of", title="As of", kind=Kind.DATE),
    Column(name="entity", title="Entity"),
    Column(name="asset", title="Asset"),
    Column(name="held", title="Held", kind=Kind.MONEY),
    Column(name="cost", title="Book value", kind=Kind.MONEY, totalled=True),
    Column(name="rate", title="Rate"),
    Column(name="said", title="As said", wide=True),
    Column(name="value", title="Value", kind=Kind.MONEY, totalled=True),
    Column(name="unrealised", title="Not booked", kind=Kind.MONEY, totalled=True),
    Column(name="own_funds", title="Own funds in the asset", kind=Kind.MONEY),
]


class PointForm(forms.Form):
    """An entity of those in sight, and a day."""

    entity = forms.ChoiceField(required=False, label="Entity")
    as_of = forms.DateField(required=False, label="As of")

    def __init__(self, *args: Any, entities: list[LegalEntity], **options: Any) -> None:
        super().__init__(*args, **options)
        self.entities = {one.code: one for one in entities}
        self.fields["entity"].choices = [(one.code, one.name) for one in entities]  # type: ignore[attr-defined]

    def entity_chosen(self) -> LegalEntity | None:
        chosen = self.cleaned_data.get("entity") if self.is_valid() else ""
        return self.entities.get(chosen or "") or next(iter(self.entities.values()), None)

    def day(self) -> date:
        chosen: date | None = self.cleaned_data.get("as_of")
        return chosen or timezone.localdate()


class CloseForm(forms.Form):
    """What a remeasurement or a year end is asked for with."""

    entity = forms.ChoiceField(label="Entity")
    on = forms.DateField(label="Last day", widget=forms.DateInput(attrs={"type": "date"}))
    narrative = forms.CharField(label="Why", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))

    def __init__(self, *args: Any, entities: list[LegalEntity], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["entity"].choices = [(one.code, one.name) for one in entities]  # type: ignore[attr-defined]


def entities_in_sight(request: HttpRequest) -> list[LegalEntity]:
    return list(entities_seen_whole(reader(request)))


@require_safe
@requires("ledger.view_trial_balance")
def positions(request: HttpRequest) -> HttpResponse:
    form = PointForm(request.GET, entities=entities_in_sight(request))
    entity = form.entity_chosen()
    valid = form.is_valid()
    shown = positions_of(entity, as_of=form.day()) if valid and entity else None
    context = {
        "form": form,
        "entity": entity,
        "entities": [(code, one.name) for code, one in form.entities.items()],
        "as_of": form.day() if valid else timezone.localdate(),
        "positions": shown,
    }
    return render(request, template_for(request, "ledger/positions.html"), context, status=200 if valid else UNPROCESSABLE)


@require_POST
@requires("ledger.view_trial_balance")
def export_positions(request: HttpRequest) -> HttpResponseBase:
    form = PointForm(request.GET, entities=entities_in_sight(request))
    entity = form.entity_chosen()
    shown = positions_of(entity, as_of=form.day()) if form.is_valid() and entity else None
    rows = [_cells(shown, number) for number in range(len(shown.rows))] if shown else []
    day = form.day() if form.is_valid() else timezone.localdate()
    operations.record_export(
        target_type="ledger.positions",
        target_id=day.isoformat(),
        query=request.GET.urlencode(),
        rows=len(rows),
        file_format=format_of(request),
    )
    table = table_of(
        name=f"fx-positions-{day}",
        title="FX positions",
        subtitles=[f"{entity.name if entity else ''} at the end of {day}"],
        columns=COLUMNS,
        rows=rows,
        parameters=request.GET.urlencode() or f"as_of={day}",
    )
    return table_response(format_of(request), table)


def _cells(shown: Positions, number: int) -> list[Any]:
    row, functional = shown.rows[number], shown.functional

    def worth(minor: int | None) -> Amount | None:
        return None if minor is None else Amount(minor, functional.scale, functional.code)

    said = (
        "; ".join(f"{one.source}, {one.at:%Y-%m-%d %H:%M} UTC, rate {one.rate_id}" for one in row.rate.evidence)
        if row.rate
        else row.problem
    )
    return [
        shown.as_of,
        shown.entity.code,
        row.asset.code,
        Amount(row.held_minor, row.asset.scale, row.asset.code),
        worth(row.cost_minor),
        row.rate.shown if row.rate else "",
        said,
        worth(row.value_minor),
        worth(row.unrealised_minor),
        Amount(row.own_funds_minor, row.asset.scale, row.asset.code),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Act:
    """What is asked for at the end of a period: its page, what it would post, how it is proposed and revised."""

    kind: str
    template: str
    plan: Callable[[str, date], Any]
    propose: Callable[[str, date, str, int], Proposal]
    revise: Callable[[UUID, str, date, str, int], Proposal]


_REMEASURE = _Act(
    kind=REMEASURE,
    template="ledger/remeasure.html",
    plan=lambda entity, on: plan_remeasurement(entity=entity, on=on),
    propose=lambda entity, on, why, maker: propose_remeasurement(entity=entity, on=on, narrative=why, maker_id=maker),
    revise=lambda proposal, entity, on, why, maker: revise_remeasurement(
        proposal_id=proposal, entity=entity, on=on, narrative=why, maker_id=maker
    ),
)
_YEAR_END = _Act(
    kind=CLOSE_YEAR,
    template="ledger/year_end.html",
    plan=lambda entity, on: plan_year_end(entity=entity, ends_on=on),
    propose=lambda entity, on, why, maker: propose_year_end(entity=entity, ends_on=on, narrative=why, maker_id=maker),
    revise=lambda proposal, entity, on, why, maker: revise_year_end(
        proposal_id=proposal, entity=entity, ends_on=on, narrative=why, maker_id=maker
    ),
)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def remeasure(request: HttpRequest, point: str = "") -> HttpResponse:
    """Show what remeasuring an entity at a period's end would post, and propose just that."""
    return _close_page(request, _REMEASURE, point=point)


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.propose_entry")
def year_end(request: HttpRequest, point: str = "") -> HttpResponse:
    """Show what ending an entity's year would post, and propose just that."""
    return _close_page(request, _YEAR_END, point=point)


def _close_page(request: HttpRequest, act: _Act, *, point: str) -> HttpResponse:
    user, entities = reader(request), entities_in_sight(request)
    revised = returned_to(user, kind=act.kind, text=request.GET.get("revise", ""))
    if request.method != "POST":
        narrative = revised.versions.get(n=revised.current_version).narrative if revised else ""
        form = CloseForm(initial={**_asked(request, entities, point=point), "narrative": narrative}, entities=entities)
        return _planned_page(request, act, form=form, asked=form.initial, revised=revised)
    form = CloseForm(request.POST, entities=entities)
    if not form.is_valid():
        return _planned_page(request, act, form=form, asked=form.cleaned_data, revised=revised, status=UNPROCESSABLE)
    wish = form.cleaned_data
    try:
        if revised:
            proposal = act.revise(revised.pk, wish["entity"], wish["on"], wish["narrative"], user.pk)
        else:
            proposal = act.propose(wish["entity"], wish["on"], wish["narrative"], user.pk)
    except _NOT_PROPOSED as refusal:
        form.add_error("narrative" if refusal.field == "narrative" else None, _sentence(refusal))
        return _planned_page(request, act, form=form, asked=wish, revised=revised, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{proposal.public_number} waits for approval")
    return redirect("approvals:proposal", proposal.pk)


def _asked(request: HttpRequest, entities: list[LegalEntity], *, point: str) -> dict[str, Any]:
    """Return the entity and the day that the address names; by default the first entity and the last month's end."""
    code, _, day = point.partition(":")
    form = PointForm({"entity": code or request.GET.get("entity", ""), "as_of": day or request.GET.get("on", "")}, entities=entities)
    entity = form.entity_chosen()
    chosen = form.cleaned_data.get("as_of")
    on = chosen or (last_period_end(entity=entity, day=timezone.localdate()) if entity else None)
    return {"entity": entity.code if entity else "", "on": on}


def _planned_page(
    request: HttpRequest, act: _Act, *, form: CloseForm, asked: Any, revised: Proposal | None, status: int = 200
) -> HttpResponse:
    """Render the form beside what would be posted, or why nothing can be."""
    planned, refusal = None, None
    if asked.get("entity") and asked.get("on"):
        try:
            planned = act.plan(asked["entity"], asked["on"])
        except _NOT_PLANNED as refused:
            refusal = refused
    context = {
        "form": form,
        "planned": planned,
        "journal": shown_journal([planned.entry]) if planned else None,
        "refusal": _sentence(refusal) if refusal else "",
        "asked": asked,
        "revised": revised,
    }
    return render(request, act.template, context, status=status)


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
