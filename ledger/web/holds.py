"""Money set aside: the open holds by account, one hold, and placing, capturing and giving back."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from ledger import operations, queries
from ledger.accounting import CREDIT, DEBIT, EntryDraft, Line
from ledger.models import Account, Hold, TransactionType
from ledger.queries import registry
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.requests import reader, template_for
from ledgerops.lib import money
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Column, Kind, Row

DAYS_KEPT = 7
# Open holds stand by account; with the ended ones among them the newest come first.
OPEN_ORDER = ("account_id", "transaction_id")
ALL_ORDER = ("-transaction_id",)
REFUSED = (
    operations.HoldInvalid,
    operations.PostingInvalid,
    operations.PostingRefused,
    operations.IdempotencyKeyReused,
    queries.AccountNotFound,
    money.AmountRefused,
)

COLUMNS = [
    Column(name="hold", title="Hold"),
    Column(name="account", title="Account"),
    Column(name="direction", title="Keeps"),
    Column(name="amount", title="Amount", kind=Kind.MONEY),
    Column(name="captured", title="Captured", kind=Kind.MONEY),
    Column(name="released", title="Given back", kind=Kind.MONEY),
    Column(name="remaining", title="Remaining", kind=Kind.MONEY, totalled=True),
    Column(name="asset", title="Asset"),
    Column(name="expires_at", title="Expires", kind=Kind.INSTANT),
    Column(name="reference", title="Reference", wide=True),
]


class PlaceForm(forms.Form):
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)
    type = forms.ChoiceField(label="Type")
    account = forms.CharField(max_length=40, label="Account")
    direction = forms.ChoiceField(
        choices=[(DEBIT, "Outflow: nobody else can spend it"), (CREDIT, "Inflow: it is announced")], label="What is kept"
    )
    amount = forms.CharField(max_length=60, label="Amount", widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    expires_at = forms.DateTimeField(
        label="Until (UTC)", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
    )
    reference = forms.CharField(max_length=140, required=False, label="Reference")
    description = forms.CharField(max_length=1000, required=False, label="What for")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["type"].choices = _hold_types()  # type: ignore[attr-defined]


class CaptureForm(forms.Form):
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)
    type = forms.ChoiceField(label="Type")
    account = forms.CharField(max_length=40, label="Other account")
    amount = forms.CharField(max_length=60, label="Amount", widget=forms.TextInput(attrs={"inputmode": "decimal"}))
    effective_date = forms.DateField(label="Effective", widget=forms.DateInput(attrs={"type": "date"}))
    description = forms.CharField(max_length=1000, label="What for")
    final = forms.BooleanField(required=False, label="Give back what is left")

    def __init__(self, *args: Any, held: Hold, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["type"].choices = _capture_types(held)  # type: ignore[attr-defined]


class ReleaseForm(forms.Form):
    key = forms.CharField(max_length=200, widget=forms.HiddenInput)
    amount = forms.CharField(max_length=60, required=False, label="Amount", help_text="All that is left if empty")


@require_safe
@requires("ledger.view_hold")
def holds(request: HttpRequest) -> HttpResponse:
    shown, ended = _narrowed(request)
    page = page_of(shown, query=request.GET, order=ALL_ORDER if ended else OPEN_ORDER)
    now = timezone.now()
    context = {
        "page": page,
        "rows": [{"hold": one, "left": left_of(one, now=now)} for one in page.rows],
        "ended": ended,
        "account": request.GET.get("account", ""),
        "count": counted(bounded_count(shown), word="hold"),
    }
    return render(request, template_for(request, "ledger/holds.html"), context)


@require_POST
@requires("ledger.view_hold")
def export_holds(request: HttpRequest) -> HttpResponseBase:
    shown, _ = _narrowed(request)
    operations.record_export(
        target_type="ledger.holds",
        target_id="list",
        query=request.GET.urlencode(),
        rows=bounded_count(shown, limit=operations.EXPORT_MAXIMUM),
        file_format=format_of(request),
    )
    rows = (_table_row(one) for one in shown.order_by(*ALL_ORDER).iterator(chunk_size=500))
    table = table_of(name="holds", title="Holds", columns=COLUMNS, rows=rows, parameters=request.GET.urlencode())
    return table_response(format_of(request), table)


@require_safe
@requires("ledger.view_hold")
def hold(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    return _page(request, registry.hold_for(reader(request), hold_id=hold_id))


@require_http_methods(["GET", "HEAD", "POST"])
@requires("ledger.manage_hold")
def place(request: HttpRequest) -> HttpResponse:
    """Set money aside; what is refused comes back at its field with the input kept."""
    user = reader(request)
    if request.method != "POST":
        until = timezone.now() + timedelta(days=DAYS_KEPT)
        initial = {"key": f"hold-{uuid4()}", "expires_at": until, "account": request.GET.get("account", ""), "type": "hold"}
        return render(request, "ledger/place_hold.html", {"form": PlaceForm(initial=initial)})
    form = PlaceForm(request.POST)
    if not form.is_valid():
        return render(request, "ledger/place_hold.html", {"form": form}, status=422)
    said = form.cleaned_data
    try:
        account = queries.account_for(user, code=said["account"])
        answer = operations.place_hold(
            request=_placed(said, account=account),
            scope=f"user:{user.pk}",
            actor_id=user.pk,
            request_id=getattr(request, "request_id", ""),
        )
    except REFUSED as refusal:
        field = "account" if isinstance(refusal, queries.AccountNotFound) else refusal.field
        form.add_error(field if field in form.fields else None, str(refusal))
        return render(request, "ledger/place_hold.html", {"form": form}, status=STATUS_OF[refusal.kind])
    messages.success(request, "Set aside.")
    return redirect("ledger:hold", answer.hold_id)


@require_POST
@requires("ledger.manage_hold")
def capture(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """Take from a hold by a posting of the chosen type between the held account and another."""
    user = reader(request)
    held = registry.hold_for(user, hold_id=hold_id)
    form = CaptureForm(request.POST, held=held)
    if not form.is_valid():
        return _page(request, held, capture_form=form, status=422)
    try:
        other = queries.account_for(user, code=form.cleaned_data["account"])
        draft = _captured(request, form.cleaned_data, held=held, other=other)
        operations.record_transaction(draft=draft, scope=f"user:{user.pk}")
    except REFUSED as refusal:
        field = "account" if isinstance(refusal, queries.AccountNotFound) else refusal.field
        form.add_error(field if field in form.fields else None, str(refusal))
        return _page(request, registry.hold_for(user, hold_id=hold_id), capture_form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, "Captured.")
    return redirect("ledger:hold", held.pk)


@require_POST
@requires("ledger.manage_hold")
def release(request: HttpRequest, hold_id: UUID) -> HttpResponse:
    """Give back what a hold keeps, or a part of it."""
    user = reader(request)
    held = registry.hold_for(user, hold_id=hold_id)
    form = ReleaseForm(request.POST)
    if not form.is_valid():
        return _page(request, held, release_form=form, status=422)
    text = form.cleaned_data["amount"]
    try:
        amount = money.minor_from_text(text, scale=held.account.asset.scale, field="amount") if text else None
        operations.release_hold(
            hold_id=held.pk,
            key=form.cleaned_data["key"],
            scope=f"user:{user.pk}",
            amount_minor=amount,
            actor_id=user.pk,
            request_id=getattr(request, "request_id", ""),
        )
    except REFUSED as refusal:
        form.add_error(refusal.field if refusal.field in form.fields else None, str(refusal))
        return _page(request, registry.hold_for(user, hold_id=hold_id), release_form=form, status=STATUS_OF[refusal.kind])
    messages.success(request, "Given back.")
    return redirect("ledger:hold", held.pk)


def left_of(held: Hold, *, now: datetime) -> str:
    """Return how long an open hold still keeps its money, in words."""
    if held.closed_at is not None:
        return ""
    seconds = int((held.expires_at - now).total_seconds())
    if seconds <= 0:
        return "over"
    if seconds < 3_600:
        return f"{seconds // 60} min left"
    return f"{seconds // 3_600} h left" if seconds < 172_800 else f"{seconds // 86_400} days left"


def _page(
    request: HttpRequest,
    held: Hold,
    *,
    capture_form: CaptureForm | None = None,
    release_form: ReleaseForm | None = None,
    status: int = 200,
) -> HttpResponse:
    asset = held.account.asset
    rest = money.plain(held.remaining_minor, scale=asset.scale)
    start = {"key": f"capture-{uuid4()}", "amount": rest, "effective_date": timezone.localdate()}
    context = {
        "hold": held,
        "transaction": held.transaction,
        "asset": asset,
        "left": left_of(held, now=timezone.now()),
        "events": list(registry.hold_events_of([held])),
        "capture_form": capture_form or CaptureForm(held=held, initial=start),
        "release_form": release_form or ReleaseForm(initial={"key": f"release-{uuid4()}"}),
    }
    return render(request, "ledger/hold.html", context, status=status)


def _narrowed(request: HttpRequest) -> tuple[Any, bool]:
    shown = registry.holds_for(reader(request))
    if account := request.GET.get("account", "").strip():
        shown = shown.filter(account__code=account)
    ended = bool(request.GET.get("ended"))
    return shown if ended else shown.filter(closed_at__isnull=True), ended


def _placed(said: Mapping[str, Any], *, account: Account) -> operations.HoldRequest:
    until: datetime = said["expires_at"]
    return operations.HoldRequest(
        key=said["key"],
        type=said["type"],
        entity=account.entity.code,
        account=account.code,
        direction=said["direction"],
        amount_minor=money.minor_from_text(said["amount"], scale=account.asset.scale, field="amount"),
        asset=account.asset.code,
        expires_at=until if until.tzinfo else until.replace(tzinfo=UTC),
        description=said["description"],
        reference=said["reference"],
    )


def _captured(request: HttpRequest, said: Mapping[str, Any], *, held: Hold, other: Account) -> EntryDraft:
    minor = money.minor_from_text(said["amount"], scale=held.account.asset.scale, field="amount")
    sides = [(held.account, held.direction), (other, CREDIT if held.direction == DEBIT else DEBIT)]
    return EntryDraft(
        key=said["key"],
        type=said["type"],
        entity=held.account.entity.code,
        effective_date=said["effective_date"],
        description=said["description"],
        reference=held.transaction.reference,
        lines=[Line(account=one.code, direction=side, amount_minor=minor, asset=one.asset.code) for one, side in sides],
        hold_id=held.pk,
        final=said["final"],
        actor_id=request.user.pk,
        request_id=getattr(request, "request_id", ""),
    )


def _hold_types() -> Sequence[tuple[str, str]]:
    """Return the types that post nothing by themselves and only keep."""
    return [(one.code, one.name) for one in registry.recordable_types() if {leg["role"] for leg in one.legs} <= {"held", "awaited"}]


def _capture_types(held: Hold) -> Sequence[tuple[str, str]]:
    """Return the types that may move the held account in the direction held."""
    return [(one.code, one.name) for one in registry.recordable_types() if _takes(one, held=held)]


def _takes(kind: TransactionType, *, held: Hold) -> bool:
    return (
        not kind.mirrors
        and held.account.owner_class in kind.roles[held.direction]
        and not {leg["role"] for leg in kind.legs} <= {"held", "awaited"}
    )


def _table_row(one: Hold) -> Row:
    asset = one.account.asset
    amounts = (one.amount_minor, one.captured_minor, one.released_minor, one.remaining_minor)
    return [
        str(one.pk),
        one.account.code,
        one.direction,
        *(Amount(int(minor), asset.scale, asset.code) for minor in amounts),
        asset.code,
        one.expires_at,
        one.transaction.reference,
    ]
