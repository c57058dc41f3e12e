"""The close: the calendar of periods, and one period with its checklist, what its closes stored and what changed between them."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from approvals.models import Proposal
from approvals.operations import NobodyCouldApprove, NotOpen, NotYours, ObjectHasOpenProposal, ProposalInvalid
from approvals.queries import current_version, proposal_for, proposals_about
from audit.targets import Link, pages_of
from ledger import operations, queries
from ledger.models import AccountingPeriod, Close, PeriodStatus
from ledger.operations.closing_checks import ChecklistItem, checklist_of, from_json
from ledger.queries import periods as periods_read
from ledger.web.requests import reader
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import page_of

TABS = ("checklist", "balances", "restatement")
BALANCES_SHOWN = 100
ENTRIES_SHOWN = 100
PROPOSALS_SHOWN = 10
HOURS_OPEN = 24
_REASON = re.compile(r"reason-([a-z_]{1,60})")


class YearForm(forms.Form):
    entity = forms.CharField(max_length=20)
    starts_on = forms.DateField(label="First day of the year", widget=forms.DateInput(attrs={"type": "date"}))


class ProposalForm(forms.Form):
    # The proposal whose next version this is, where a checker asked for changes.
    revise = forms.UUIDField(required=False, widget=forms.HiddenInput)
    narrative = forms.CharField(label="Why", max_length=4000, widget=forms.Textarea(attrs={"rows": 3}))


class ReopeningForm(ProposalForm):
    until = forms.DateTimeField(
        label="Open until (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )

    def instant(self) -> datetime:
        until: datetime = self.cleaned_data["until"]
        return until.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownItem:
    """An item of the checklist with the pages of what it rests on, and the reason that is being written."""

    item: ChecklistItem
    links: Sequence[tuple[str, Link | None]]
    field: str
    said: str

    @property
    def state(self) -> str:
        return "passed" if self.item.result.passed else "failed" if self.item.blocks else "note"


@require_safe
@requires("ledger.view_accountingperiod")
def calendar(request: HttpRequest) -> HttpResponse:
    return _calendar_page(request, form=None)


@require_POST
@requires("ledger.close_period")
def open_year(request: HttpRequest) -> HttpResponse:
    form = YearForm(request.POST)
    if not form.is_valid():
        return _calendar_page(request, form=form, status=422)
    entity = queries.entities_for(reader(request)).filter(code=form.cleaned_data["entity"]).first()
    if entity is None:
        form.add_error("entity", "There is no such entity in your scope.")
        return _calendar_page(request, form=form, status=422)
    try:
        months = operations.open_year(entity=entity.code, starts_on=form.cleaned_data["starts_on"])
    except (operations.PeriodInvalid, operations.PeriodRefused) as refusal:
        form.add_error("starts_on", _sentence(refusal))
        return _calendar_page(request, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, f"{len(months)} months of {entity.code} are open")
    response = redirect("ledger:periods")
    response["Location"] += f"?entity={entity.code}&year={months[0].starts_on.year}"
    return response


@require_safe
@requires("ledger.view_accountingperiod")
def period(request: HttpRequest, period_id: int) -> HttpResponse:
    return _period_page(request, queries.period_for(reader(request), period_id=period_id))


@require_POST
@requires("ledger.close_period")
def propose_close(request: HttpRequest, period_id: int) -> HttpResponse:
    shown = queries.period_for(reader(request), period_id=period_id)
    form = ProposalForm(request.POST)
    reasons = {found[1]: request.POST[name] for name in request.POST if (found := _REASON.fullmatch(name))}
    if not form.is_valid():
        return _period_page(request, shown, form=form, reasons=reasons, status=422)
    try:
        proposal = operations.propose_close(
            period_id=shown.pk,
            reasons=reasons,
            narrative=form.cleaned_data["narrative"],
            maker_id=reader(request).pk,
            revises=_revised(request, form),
        )
    except (
        operations.PeriodRefused,
        operations.PeriodNotReady,
        operations.ReasonMissing,
        ProposalInvalid,
        ObjectHasOpenProposal,
        NobodyCouldApprove,
        NotOpen,
        NotYours,
    ) as refusal:
        return _refused(request, shown, form=form, refusal=refusal, reasons=reasons)
    messages.success(request, f"{proposal.public_number} waits for approval")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


@require_POST
@requires("ledger.close_period")
def propose_reopening(request: HttpRequest, period_id: int) -> HttpResponse:
    shown = queries.period_for(reader(request), period_id=period_id)
    form = ReopeningForm(request.POST)
    if not form.is_valid():
        return _period_page(request, shown, form=form, status=422)
    try:
        proposal = operations.propose_reopening(
            period_id=shown.pk,
            until=form.instant(),
            narrative=form.cleaned_data["narrative"],
            maker_id=reader(request).pk,
            revises=_revised(request, form),
        )
    except (
        operations.PeriodRefused,
        operations.PeriodInvalid,
        ProposalInvalid,
        ObjectHasOpenProposal,
        NobodyCouldApprove,
        NotOpen,
        NotYours,
    ) as refusal:
        return _refused(request, shown, form=form, refusal=refusal, reasons={})
    messages.success(request, f"{proposal.public_number} waits for approval")
    return redirect("approvals:proposal", proposal_id=proposal.pk)


@require_POST
@requires("ledger.close_period")
def soft_lock(request: HttpRequest, period_id: int) -> HttpResponse:
    shown = queries.period_for(reader(request), period_id=period_id)
    operations.soft_lock_period(period_id=shown.pk)
    messages.success(request, "Soft-locked: approved entries only")
    return redirect("ledger:period", period_id=shown.pk)


@require_POST
@requires("ledger.close_period")
def unlock(request: HttpRequest, period_id: int) -> HttpResponse:
    shown = queries.period_for(reader(request), period_id=period_id)
    operations.unlock_period(period_id=shown.pk)
    messages.success(request, "The soft lock is off")
    return redirect("ledger:period", period_id=shown.pk)


def _revised(request: HttpRequest, form: ProposalForm) -> UUID | None:
    """Return the proposal whose next version is submitted, if it is in the reader's sight."""
    revise: UUID | None = form.cleaned_data["revise"]
    return proposal_for(reader(request), proposal_id=revise).pk if revise else None


def _calendar_page(request: HttpRequest, *, form: YearForm | None, status: int = 200) -> HttpResponse:
    user = reader(request)
    entities = list(queries.entities_for(user).order_by("code"))
    asked = request.GET.get("entity", "")
    entity = next((one for one in entities if one.code == asked), entities[0] if entities else None)
    years = periods_read.years_of(user, entity=entity) if entity else []
    asked_year = request.GET.get("year", "")
    this_year = timezone.localdate().year
    year = int(asked_year) if asked_year in {str(one) for one in years} else this_year if this_year in years else (years or [this_year])[-1]
    upcoming = periods_read.next_to_close(entity=entity) if entity else None
    context = {
        "entities": entities,
        "entity": entity,
        "years": years,
        "year": year,
        "months": periods_read.calendar_of(user, entity=entity, year=year) if entity else [],
        "next": upcoming,
        "next_ends": upcoming is not None and upcoming.ends_on < timezone.localdate(),
        "again": list(periods_read.to_be_closed_again(user)),
        "form": form or YearForm(initial={"entity": entity.code if entity else "", "starts_on": f"{max([*years, this_year]) + 1}-01-01"}),
        "today": timezone.localdate(),
    }
    return render(request, "ledger/periods.html", context, status=status)


def _period_page(
    request: HttpRequest,
    shown: AccountingPeriod,
    *,
    form: ProposalForm | None = None,
    reasons: Mapping[str, str] | None = None,
    refusal: Refusal | None = None,
    status: int = 200,
) -> HttpResponse:
    closes = periods_read.closes_of(shown)
    asked = request.GET.get("close", "")
    chosen = next((one for one in closes if str(one.n) == asked), closes[0] if closes else None)
    tab = request.GET.get("tab", "")
    tab = tab if tab in TABS else TABS[0]
    is_closed = shown.status == PeriodStatus.CLOSED
    kept = chosen if is_closed or asked else None
    context: dict[str, Any] = {
        "period": shown,
        "state": periods_read.state_of(shown),
        "closes": [(one, names) for one, names in _signed(closes)],
        "close": chosen,
        "kept": kept,
        "tab": tab,
        "refusal": refusal,
    }
    if tab == TABS[0]:
        proposals = list(proposals_about(target_type="ledger.period", target_id=shown.pk)[:PROPOSALS_SHOWN])
        context |= {
            "proposals": proposals,
            "form": form or _form(request, proposals, is_closed=is_closed),
            "later": periods_read.later_closed(shown) if is_closed else [],
        }
        items = from_json(kept.checklist) if kept else checklist_of(shown)
        context |= {
            "checklist": [_shown_item(item, said=(reasons or {}).get(item.name, "")) for item in items],
            "blocked": sum(item.blocks for item in items),
            "warned": sum(item.warns for item in items),
            "passed": sum(item.result.passed for item in items),
        }
    elif tab == TABS[1]:
        context |= _balances(request, shown, chosen)
    elif chosen is not None and chosen.restatement:
        context |= _restated(chosen)
    return render(request, "ledger/period.html", context, status=status)


def _form(request: HttpRequest, proposals: Sequence[Proposal], *, is_closed: bool) -> ProposalForm:
    """Return the form that is next: to close or to reopen; filled with what was proposed where changes were asked for."""
    initial: dict[str, Any] = {}
    returned = [one for one in proposals if str(one.pk) == request.GET.get("revise")]
    if returned and returned[0].maker_id == reader(request).pk:
        initial = {"revise": returned[0].pk, "narrative": current_version(returned[0]).narrative}
    if not is_closed:
        return ProposalForm(initial=initial)
    return ReopeningForm(initial={"until": timezone.now().replace(second=0, microsecond=0) + timedelta(hours=HOURS_OPEN), **initial})


def _signed(closes: Sequence[Close]) -> list[tuple[Close, str]]:
    names = periods_read.names_of([one.closed_by_id for one in closes])
    return [(one, names.get(one.closed_by_id, "the system")) for one in closes]


def _shown_item(item: ChecklistItem, *, said: str) -> ShownItem:
    links = [(one.text, next(iter(pages_of(one.target_type, one.target_id)), None)) for one in item.result.found]
    return ShownItem(item=item, links=links, field=f"reason-{item.name}", said=said or item.reason)


def _balances(request: HttpRequest, shown: AccountingPeriod, close: Close | None) -> dict[str, Any]:
    sums = periods_read.totals_of(shown, close=close)
    if close is None:
        return {"sums": sums}
    close.period = shown
    page = page_of(
        periods_read.stored_balances(reader(request), close=close), query=request.GET, order=("account__code",), size=BALANCES_SHOWN
    )
    return {
        "sums": sums,
        "page": page,
        "digest_agrees": periods_read.digest_of_stored(close) == close.digest,
        "whole": queries.sees_whole_books(reader(request)),
    }


def _restated(close: Close) -> dict[str, Any]:
    """Return what a close restated, in numbers: stored amounts are texts of digits."""
    restatement = close.restatement or {}
    accounts = [
        {
            **account,
            "before_minor": int(account["before"]["debits"]) - int(account["before"]["credits"]),
            "after_minor": int(account["after"]["debits"]) - int(account["after"]["credits"]),
        }
        for account in restatement["accounts"]
    ]
    scales = {account["account"]: (account["scale"], account["asset"]) for account in accounts}
    entries = [
        {
            **entry,
            "effective_date": datetime.fromisoformat(entry["effective_date"]).date(),
            "posted_at": datetime.fromisoformat(entry["posted_at"]),
            "legs": [
                {**leg, "scale": scales[leg["account"]][0], "asset": scales[leg["account"]][1]}
                for leg in entry["legs"]
                if leg["account"] in scales
            ],
        }
        for entry in restatement["entries"][:ENTRIES_SHOWN]
    ]
    for account in accounts:
        account["change_minor"] = account["after_minor"] - account["before_minor"]
    return {
        "restated": accounts,
        "entries": entries,
        "entries_more": max(0, len(restatement["entries"]) - ENTRIES_SHOWN),
        "restated_of": restatement["of"],
    }


def _refused(
    request: HttpRequest, shown: AccountingPeriod, *, form: ProposalForm, refusal: Refusal, reasons: Mapping[str, str]
) -> HttpResponse:
    """Show the form again with the refusal where it belongs, input kept."""
    if refusal.field in form.fields:
        form.add_error(refusal.field, _sentence(refusal))
    return _period_page(request, shown, form=form, reasons=reasons, refusal=refusal, status=STATUS_OF[refusal.kind])


def _sentence(refusal: Refusal) -> str:
    text = str(refusal)
    return f"{text[:1].upper()}{text[1:]}."
