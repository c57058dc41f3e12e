"""The chart of accounts, and one account with its statement."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from ledger import operations, queries
from ledger.accounting import DEBIT
from ledger.models import Account, OwnerClass
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.filters import AccountFilter
from ledger.web.panels import account_panels
from ledger.web.requests import reader, template_for
from ledgerops.lib.http import requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Column, Kind, Row

PAGE_SIZE = 100
# A control account shows the accounts under it in the tree up to this many; more have a page of their own.
CHILDREN_SHOWN = 12
SPARK_DAYS = 30
CHART_DAYS = 60
CHART_LEGS = 5_000

STATEMENT = [
    Column(name="seq", title="No.", kind=Kind.INTEGER),
    Column(name="entry", title="Entry"),
    Column(name="effective_date", title="Effective", kind=Kind.DATE),
    Column(name="posted_at", title="Posted", kind=Kind.INSTANT),
    Column(name="type", title="Type"),
    Column(name="description", title="Description", wide=True),
    Column(name="reference", title="Reference", wide=True),
    Column(name="counterparty", title="Counterparty", wide=True),
    Column(name="debit", title="Debit", kind=Kind.MONEY, totalled=True),
    Column(name="credit", title="Credit", kind=Kind.MONEY, totalled=True),
    Column(name="balance", title="Balance", kind=Kind.MONEY),
    Column(name="asset", title="Asset"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account in the tree: what it holds itself and what the accounts under it hold together, on its normal side."""

    account: Account
    balance_minor: int
    under: int
    folded: bool
    level: int
    history: Sequence[int]


@require_safe
@requires("ledger.view_account")
def accounts(request: HttpRequest) -> HttpResponse:
    user = reader(request)
    visible = queries.accounts_for(user)
    found = AccountFilter(request.GET, queryset=visible)
    shown = found.qs
    if not found.active:
        # An account is at the top of the tree if its control account is not there or is out of the reader's sight.
        shown = visible.filter(Q(parent__isnull=True) | ~Q(parent__in=visible.order_by().values("pk")))
    page = page_of(shown, query=request.GET, order=("code",), size=PAGE_SIZE)
    context = {
        "filter": found,
        "page": page,
        "rows": _rows(user, page.rows, tree=not found.active),
        "count": counted(bounded_count(found.qs), word="account"),
        "assets": [(asset.code, asset.code) for asset in queries.assets_in_use()],
        "under": visible.filter(code=request.GET.get("under", "")).first(),
    }
    return render(request, template_for(request, "ledger/accounts.html"), context)


@require_safe
@requires("ledger.view_account")
def account(request: HttpRequest, code: str) -> HttpResponse:
    user = reader(request)
    shown = queries.account_for(user, code=code)
    sums = queries.control_sums_for(user, controls=[shown]).get(shown.pk)
    history = queries.balance_histories(accounts=[shown], days=CHART_DAYS, legs=CHART_LEGS).get(shown.pk, [])
    points, unit = _points(history, scale=shown.asset.scale)
    context = {
        "account": shown,
        "page": page_of(queries.account_postings(shown), query=request.GET, order=("-account_seq",)),
        "balance_minor": queries.balance_of(shown),
        "sums": sums,
        "under_minor": queries.on_normal_side(shown, debits_minor=sums.debits_minor, credits_minor=sums.credits_minor) if sums else 0,
        "control": queries.accounts_for(user).filter(pk=shown.parent_id).first() if shown.parent_id else None,
        "points": points,
        "unit": unit,
        "panels": account_panels(user, shown),
        "legs": counted(int(shown.balance.version), word="posting", limit=10**9),
    }
    return render(request, template_for(request, "ledger/account.html"), context)


@require_POST
@requires("ledger.view_account")
def export_account(request: HttpRequest, code: str) -> HttpResponseBase:
    shown = queries.account_for(reader(request), code=code)
    operations.record_export(
        target_type="ledger.account", target_id=shown.code, query="", rows=int(shown.balance.version), file_format=format_of(request)
    )
    table = table_of(
        name=f"account-{re.sub(r'[^A-Za-z0-9._-]', '_', shown.code)}",
        title=f"Statement of account {shown.code}",
        subtitles=[f"{shown.name}, in {shown.asset.code}"],
        columns=STATEMENT,
        rows=_statement(shown),
        parameters=f"account={shown.code}",
    )
    return table_response(format_of(request), table)


def _statement(account: Account) -> Iterator[Row]:
    """Return the account's whole statement, oldest first."""
    scale, asset = account.asset.scale, account.asset.code
    for leg in queries.account_postings(account).order_by("account_seq").iterator(chunk_size=2000):
        amount = Amount(int(leg.amount_minor), scale, asset)
        after = leg.balance_after_minor
        yield [
            leg.account_seq,
            leg.entry.public_number,
            leg.entry.effective_date,
            leg.entry.posted_at,
            leg.entry.type.code,
            leg.entry.description,
            leg.entry.reference,
            leg.entry.counterparty,
            amount if leg.direction == DEBIT else None,
            None if leg.direction == DEBIT else amount,
            None if after is None else Amount(int(after), scale, asset),
            asset,
        ]


def _rows(user: User, accounts: Sequence[Account], *, tree: bool) -> list[AccountRow]:
    """Return the accounts with their sums; in the tree each is followed by the accounts under it, unless they are too many."""
    sums = queries.control_sums_for(user, controls=accounts)
    unfolded = [pk for pk, found in sums.items() if tree and found.accounts <= CHILDREN_SHOWN]
    children: dict[int, list[Account]] = {}
    for child in queries.accounts_for(user).filter(parent__in=unfolded):
        children.setdefault(child.parent_id or 0, []).append(child)
    # Customers are many and their lines say little: what others keep a statement of is worth the look.
    looked_at = [one for one in [*accounts, *(c for group in children.values() for c in group)] if one.owner_class != OwnerClass.CUSTOMER]
    histories = queries.balance_histories(accounts=looked_at, days=SPARK_DAYS)
    rows = []
    for top in accounts:
        rows.append(_row(top, sums=sums.get(top.pk), level=1, histories=histories))
        rows += [_row(child, sums=None, level=2, histories=histories) for child in children.get(top.pk, [])]
    return rows


def _row(account: Account, *, sums: queries.ControlSum | None, level: int, histories: dict[int, list[tuple[date, int]]]) -> AccountRow:
    debits, credits_ = int(account.balance.posted_debits_minor), int(account.balance.posted_credits_minor)
    if sums:
        debits, credits_ = debits + sums.debits_minor, credits_ + sums.credits_minor
    return AccountRow(
        account=account,
        balance_minor=queries.on_normal_side(account, debits_minor=debits, credits_minor=credits_),
        under=sums.accounts if sums else 0,
        folded=sums is not None and sums.accounts > CHILDREN_SHOWN,
        level=level,
        history=[held for _, held in histories.get(account.pk, [])],
    )


def _points(history: Sequence[tuple[date, int]], *, scale: int) -> tuple[list[tuple[str, float]], str]:
    """Return the points of the balance's line and their unit: a picture needs no more than three digits before the point."""
    highest = max((abs(held) for _, held in history), default=0) / 10**scale
    power, unit = next(((power, unit) for power, unit in ((9, " bn"), (6, " m"), (3, " k")) if highest >= 2 * 10**power), (0, ""))
    return [(f"{day:%-d %b}", round(held / 10 ** (scale + power), 3)) for day, held in history], unit
