"""The registry: the list of transactions, one transaction with both axes, and converting."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from audit.targets import pages_of
from ledger import operations, queries
from ledger.conversion import ConversionRefused, Rounding
from ledger.models import Account, OwnerClass, SettlementStatus, Transaction, TransactionStatus
from ledger.operations.conversions import ConversionRequest, PlannedConversion
from ledger.queries import registry
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.filters import AmountField
from ledger.web.requests import reader, template_for
from ledger.web.tracks import tracks_of
from ledgerops.lib import money
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Column, Kind, Row

ORDER = ("-id",)
BATCH = 500
CHILDREN_SHOWN = 50

COLUMNS = [
    Column(name="recorded_at", title="Recorded", kind=Kind.INSTANT),
    Column(name="id", title="Transaction"),
    Column(name="type", title="Type"),
    Column(name="entity", title="Entity"),
    Column(name="reference", title="Reference", wide=True),
    Column(name="amount", title="Amount", kind=Kind.MONEY, totalled=True),
    Column(name="asset", title="Asset"),
    Column(name="status", title="Status"),
    Column(name="settlement", title="Settlement"),
    Column(name="entry", title="Entry"),
    Column(name="refusal", title="Refusal"),
]


class WantedForm(forms.Form):
    """What the list is narrowed to; the address is its state."""

    type = forms.CharField(required=False, max_length=40)
    status = forms.ChoiceField(required=False, choices=[("", ""), *TransactionStatus.choices])
    settlement = forms.ChoiceField(required=False, choices=[("", ""), *SettlementStatus.choices])
    entity = forms.CharField(required=False, max_length=20)
    reference = forms.CharField(required=False, max_length=140)
    account = forms.CharField(required=False, max_length=40)
    since = forms.DateField(required=False, label="From")
    until = forms.DateField(required=False, label="To")
    amount = AmountField(required=False)
    conflicts = forms.BooleanField(required=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class TransactionRow:
    """A transaction in the list, with what it moves."""

    transaction: Transaction
    sums: Sequence[registry.Sum]


@require_safe
@requires("ledger.view_transaction")
def transactions(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    form, shown = _narrowed(request)
    page = page_of(shown, query=request.GET, order=ORDER)
    sums = registry.sums_of(page.rows)
    context = {
        "form": form,
        "page": page,
        "rows": [TransactionRow(transaction=one, sums=sums[one.pk]) for one in page.rows],
        "count": counted(bounded_count(shown), word="transaction"),
        "types": list(queries.transaction_types().values_list("code", "name")),
        "statuses": TransactionStatus.choices,
        "settlements": SettlementStatus.choices,
        "entities": list(queries.entities_for(user).order_by("code").values_list("code", "name")),
    }
    status = STATUS_OF[RefusalKind.INVALID] if form.errors else 200
    return render(request, template_for(request, "ledger/transactions.html"), context, status=status)


@require_POST
@requires("ledger.view_transaction")
def export_transactions(request: HttpRequest) -> HttpResponseBase:
    _, shown = _narrowed(request)
    operations.record_export(
        target_type="ledger.registry",
        target_id="list",
        query=request.GET.urlencode(),
        rows=bounded_count(shown, limit=operations.EXPORT_MAXIMUM),
        file_format=format_of(request),
    )
    table = table_of(
        name="transactions",
        title="Transactions",
        columns=COLUMNS,
        rows=_table_rows(shown.order_by(*ORDER)),
        parameters=request.GET.urlencode(),
    )
    return table_response(format_of(request), table)


@require_safe
@requires("ledger.view_transaction")
def transaction(request: HttpRequest, transaction_id: UUID) -> HttpResponse:
    user = reader(request)
    shown = registry.transaction_for(user, transaction_id=transaction_id)
    events = list(registry.events_of(shown))
    children = list(registry.transactions_for(user).filter(parent=shown).order_by("id")[:CHILDREN_SHOWN])
    held = registry.holds_for(user).filter(pk__in=[shown.pk, shown.parent_id]).first() if _about_hold(shown) else None
    legs = list(queries.postings_of(shown.entry)) if shown.entry else []
    context = {
        "transaction": shown,
        "sums": registry.sums_of([shown])[shown.pk],
        "tracks": tracks_of(shown, events=events, children=children),
        "events": events,
        "children": children,
        "parent": registry.transactions_for(user).filter(pk=shown.parent_id).first() if shown.parent_id else None,
        "hold": held,
        "hold_events": list(registry.hold_events_of([held])) if held else [],
        "legs": legs,
        "t_accounts": t_accounts(legs),
        "uses": list(registry.uses_of(shown)),
        "content": json.dumps(shown.content, indent=2, ensure_ascii=False),
        "warnings": _warnings(shown),
        "refusal": _refusal(shown),
        "proposal_pages": pages_of("approvals.proposal", shown.entry.proposal_id) if shown.entry and shown.entry.proposal_id else [],
        "may_report": user.has_perm("ledger.record_status"),
        "report": ReportForm(),
    }
    return render(request, "ledger/transaction.html", context)


class ReportForm(forms.Form):
    """What a source says became of a transaction, told by a person."""

    to = forms.ChoiceField(
        label="Became",
        choices=[
            *((f"settlement:{value}", f"Settlement: {label.lower()}") for value, label in SettlementStatus.choices[1:]),
            *((f"status:{value}", f"Status: {label.lower()}") for value, label in TransactionStatus.choices[1:]),
        ],
    )
    source = forms.CharField(max_length=60, label="Source", help_text="Who says so: a bank, a provider")
    source_event_id = forms.CharField(max_length=200, label="Its event id", help_text="Counts once for each source")
    note = forms.CharField(max_length=1000, required=False, label="Note")


@require_POST
@requires("ledger.record_status")
def report(request: HttpRequest, transaction_id: UUID) -> HttpResponse:
    """Record what a source says; whatever comes of it is on the transaction's page."""
    user = reader(request)
    about = registry.transaction_for(user, transaction_id=transaction_id)
    form = ReportForm(request.POST)
    if not form.is_valid():
        raise ReportInvalid("say what it became, who says so and under which id")
    said = form.cleaned_data
    axis, _, to = said.pop("to").partition(":")
    outcome = operations.report_status(transaction_id=about.pk, axis=axis, to=to, actor_id=user.pk, **said)
    messages.success(request, _OUTCOMES[outcome])
    return redirect("ledger:transaction", about.pk)


class ReportInvalid(Refusal):
    code = "report_invalid"
    kind = RefusalKind.INVALID


_OUTCOMES = {
    "applied": "Recorded: the transaction has moved along.",
    "late": "Recorded as late: it is further along already.",
    "duplicate": "The source had told us that before; it was counted.",
    "conflict": "Kept as a status conflict: no arrow leads there.",
}


@require_POST
@requires("ledger.record_transaction")
def post_now(request: HttpRequest, transaction_id: UUID) -> HttpResponse:
    """Post what was initiated."""
    user = reader(request)
    kept = registry.transaction_for(user, transaction_id=transaction_id)
    operations.post_initiated(transaction_id=kept.pk, actor_id=user.pk, request_id=getattr(request, "request_id", ""))
    messages.success(request, "Posted.")
    return redirect("ledger:transaction", kept.pk)


def _code(choices: str) -> forms.TextInput:
    """Return the control of an account's code, with a list of those that may be meant."""
    return forms.TextInput(attrs={"list": choices, "autocomplete": "off", "spellcheck": "false"})


class ConversionForm(forms.Form):
    """A conversion as a person fills it in; amounts are written as people write them."""

    key = forms.CharField(max_length=200, widget=forms.HiddenInput)
    sold_account = forms.CharField(max_length=40, label="Sell from account", widget=_code("customer-accounts"))
    sold_amount = forms.CharField(max_length=60, label="Amount sold", widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    bought_account = forms.CharField(max_length=40, label="Buy into account", widget=_code("customer-accounts"))
    rate = forms.CharField(max_length=40, label="Rate", help_text="Bought units for one sold")
    spread_bps = forms.IntegerField(required=False, min_value=0, max_value=9_999, label="Spread in basis points")
    bought_amount = forms.CharField(max_length=60, required=False, label="Or amount agreed")
    spread_account = forms.CharField(max_length=40, required=False, label="Spread earned on", widget=_code("fee-accounts"))
    rounding = forms.ChoiceField(choices=[(one.value, one.value.replace("_", " ").capitalize()) for one in Rounding], label="Rounding")
    quote_id = forms.CharField(max_length=100, label="Quote")
    quoted_at = forms.DateTimeField(
        label="Quoted at (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    effective_date = forms.DateField(label="Effective", widget=forms.DateInput(attrs={"type": "date"}))
    reference = forms.CharField(max_length=140, required=False, label="Reference")


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.record_transaction")
def convert(request: HttpRequest) -> HttpResponse:
    """The form of a conversion with what it would post; `preview` in the address or the button asks for that alone."""
    user = reader(request)
    now = timezone.now()
    initial = {
        "key": f"convert-{uuid4()}",
        "quoted_at": now,
        "effective_date": timezone.localdate(),
        "rounding": Rounding.DOWN,
        "spread_bps": 50,
    }
    if request.method != "POST":
        return _convert_page(request, form=ConversionForm(initial=initial))
    form = ConversionForm(request.POST)
    if not form.is_valid():
        return _convert_page(request, form=form, status=422)
    try:
        asked = _request_of(request, form.cleaned_data)
        planned = operations.plan_conversion(asked)
        # The positions belong to the house: who may convert need not see them, but what is posted is shown as far as they do.
        if "preview" in request.POST:
            return _convert_page(request, form=form, planned=planned)
        posted = operations.convert(request=asked, scope=f"user:{user.pk}")
    except (
        ConversionRefused,
        money.AmountRefused,
        queries.AccountNotFound,
        operations.PostingInvalid,
        operations.PostingRefused,
    ) as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _convert_page(request, form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, "Converted.")
    return redirect("ledger:transaction", posted.entry_id)


def _convert_page(
    request: HttpRequest, *, form: ConversionForm, planned: PlannedConversion | None = None, status: int = 200
) -> HttpResponse:
    user = reader(request)
    fees = queries.accounts_for(user).filter(owner_class=OwnerClass.FEE, type="income")
    context = {
        "form": form,
        "planned": planned,
        "preview": _preview(planned) if planned else [],
        "customers": list(
            queries.accounts_for(user).filter(owner_class__in=(OwnerClass.CUSTOMER, OwnerClass.PLATFORM), is_control=False)[:500]
        ),
        "fees": list(fees.filter(is_control=False)[:100]),
    }
    template = "ledger/convert.html#preview" if request.headers.get("HX-Target") == "preview" else "ledger/convert.html"
    return render(request, template, context, status=status)


def _request_of(request: HttpRequest, said: Mapping[str, Any]) -> ConversionRequest:
    user = reader(request)
    named = [(name, said[name]) for name in ("sold_account", "bought_account", "spread_account") if said[name]]
    registry.refuse_unseen(user, named=named)
    sold = queries.account_for(user, code=said["sold_account"])
    bought = queries.account_for(user, code=said["bought_account"])
    agreed = said["bought_amount"]
    quoted_at: datetime = said["quoted_at"]
    return ConversionRequest(
        key=said["key"],
        entity=sold.entity.code,
        effective_date=said["effective_date"],
        sold_account=sold.code,
        bought_account=bought.code,
        quote_id=said["quote_id"],
        rate=said["rate"].strip(),
        quoted_at=quoted_at,
        sold_minor=money.minor_from_text(said["sold_amount"], scale=sold.asset.scale, field="sold_amount"),
        spread_bps=None if agreed else (said["spread_bps"] or 0),
        bought_minor=money.minor_from_text(agreed, scale=bought.asset.scale, field="bought_amount") if agreed else None,
        rounding=Rounding(said["rounding"]),
        spread_account=said["spread_account"],
        reference=said["reference"],
        actor_id=user.pk,
        request_id=getattr(request, "request_id", ""),
    )


def _preview(planned: PlannedConversion) -> list[dict[str, Any]]:
    """Return the legs that would be posted, with the accounts' names and scales."""
    scales = {planned.sold.code: planned.sold.scale, planned.bought.code: planned.bought.scale}
    names = dict(Account.objects.filter(code__in=[line.account for line in planned.draft.lines]).values_list("code", "name"))
    return [{"line": line, "name": names.get(line.account, ""), "scale": scales[line.asset]} for line in planned.draft.lines]


@dataclass(slots=True, kw_only=True)
class TAccount:
    """One account of an entry as a T."""

    account: Account
    debits: list[Any]
    credits: list[Any]


def t_accounts(legs: Sequence[Any]) -> list[TAccount]:
    """Return an entry's accounts as Ts, in the order they first appear."""
    shown: dict[str, TAccount] = {}
    for leg in legs:
        t = shown.setdefault(leg.account.code, TAccount(account=leg.account, debits=[], credits=[]))
        (t.debits if leg.direction == "debit" else t.credits).append(leg)
    return list(shown.values())


def _narrowed(request: HttpRequest) -> tuple[WantedForm, Any]:
    """Return the filters and what they leave; filters that cannot be read leave nothing."""
    asked: QueryDict = request.GET
    form = WantedForm(asked)
    visible = registry.transactions_for(reader(request))
    if not form.is_valid():
        return form, visible.none()
    return form, registry.narrowed(visible, wanted=registry.Wanted(**form.cleaned_data))


def _table_rows(shown: Any) -> Iterator[Row]:
    rows = shown.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        sums = registry.sums_of(batch)
        for one in batch:
            moved_in: Sequence[registry.Sum | None] = sums[one.pk] or [None]
            for moved in moved_in:
                yield [
                    one.created_at,
                    str(one.pk),
                    one.type.code if one.type else "",
                    one.entity.code if one.entity else "",
                    one.reference,
                    Amount(moved.minor, moved.scale, moved.asset) if moved else None,
                    moved.asset if moved else "",
                    one.status,
                    one.settlement,
                    one.entry.public_number if one.entry else "",
                    one.refusal_code or "",
                ]


def _about_hold(shown: Transaction) -> bool:
    return "act" in shown.content or bool(shown.content.get("hold"))


def _refusal(shown: Transaction) -> str:
    """Return the sentence of what the books refused, or nothing."""
    if not shown.refusal_code:
        return ""
    try:
        return str(operations.refusal(key=shown.key, code=shown.refusal_code, detail=shown.refusal_detail or {}))
    except KeyError:
        return shown.refusal_code


def _warnings(shown: Transaction) -> list[dict[str, Any]]:
    """Return what the books said while they posted it, in words."""
    said: Mapping[str, Any] = shown.warnings or {}
    found: list[dict[str, Any]] = []
    if day := said.get("rolled_to"):
        found.append(
            {
                "title": f"Booked on {day}, the first open date",
                "text": "The period of its own date was closed; that date is its value date.",
            }
        )
    found += [
        {
            "title": "The customer could not give all of it",
            "text": f"{short['account']} was short; {short['receivable']} took the rest as a receivable.",
        }
        for short in said.get("shortfalls") or []
    ]
    found += [
        {
            "title": f"{account} stood below its limit in the past",
            "text": f"Seen with this entry, on {', '.join(days[:10])}{' and later' if len(days) > 10 else ''}.",
        }
        for account, days in (said.get("below_limit_on") or {}).items()
    ]
    return found
