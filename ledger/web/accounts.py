"""The chart of accounts, and one account with its balances and its statement."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.timezone import localdate
from django.views.decorators.http import require_POST, require_safe

from approvals.models import User
from ledger import operations, queries
from ledger.models import Account, OwnerClass
from ledger.queries import balances, periods, statement
from ledger.queries.account_tree import Under, open_holds, totals_under, unfolded
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.filters import AccountFilter
from ledger.web.panels import account_panels
from ledger.web.requests import reader, template_for
from ledger.web.statement import COLUMNS, asked_of, refuse_invalid, statement_context, statement_rows
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of

PAGE_SIZE = 100
SPARK_DAYS = 30
CHART_DAYS_LEAST = 7
CHART_DAYS = 90
# How many days after an as-of date its chart goes on.
CHART_AFTER = 30
HOLDS_SHOWN = 8
CLOSES_SHOWN = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRow:
    """An account in the tree: what it holds itself, or what the accounts at any depth under it hold together."""

    account: Account
    posted_minor: int
    pending_minor: int
    available_minor: int
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


def _rows(user: User, accounts: Sequence[Account], *, tree: bool) -> list[AccountRow]:
    nodes = unfolded(user, tops=accounts) if tree else []
    shown = [node.account for node in nodes] if tree else list(accounts)
    totals = totals_under(user, controls=shown)
    held = balances.current_balances(account_ids=[one.pk for one in shown])
    # Customers are many and their lines say little: what others keep a statement of is worth the look.
    looked_at = [one for one in shown if one.owner_class != OwnerClass.CUSTOMER and held[one.pk].version]
    today = localdate()
    days = balances.balances_by_day(accounts=looked_at, since=today - timedelta(days=SPARK_DAYS), until=today) if looked_at else {}
    places = [(node.account, node.level, node.folded) for node in nodes] if tree else [(one, 1, one.is_control) for one in accounts]
    rows = []
    for account, level, folded in places:
        holds: Under | balances.Current = totals.get(account.pk) or held[account.pk]
        rows.append(
            AccountRow(
                account=account,
                posted_minor=holds.posted_minor,
                pending_minor=holds.pending_in_minor - holds.pending_out_minor,
                available_minor=holds.available_minor,
                under=totals[account.pk].accounts if account.pk in totals else 0,
                folded=folded,
                level=level,
                history=[balance for _, balance in days.get(account.pk, [])],
            )
        )
    return rows


@require_safe
@requires("ledger.view_account")
def account(request: HttpRequest, code: str) -> HttpResponse:
    user = reader(request)
    shown = queries.account_for(user, code=code)
    asked = asked_of(request.GET)
    context = {"account": shown, **statement_context(shown, asked=asked, query=request.GET)}
    if request.headers.get("HX-Target") != "results":
        context |= _head(user, shown) | _chart(shown, as_of=asked.as_of)
        context["panels"] = account_panels(user, shown)
        context["closes"] = periods.closes_known_to(user).filter(period__entity=shown.entity_id)[:CLOSES_SHOWN]
    status = 200 if asked.is_valid else STATUS_OF[RefusalKind.INVALID]
    return render(request, template_for(request, "ledger/account.html"), context, status=status)


def _head(user: User, account: Account) -> dict[str, Any]:
    under = totals_under(user, controls=[account]).get(account.pk)
    current = balances.current_balance(account)
    holds = list(open_holds(account)[: HOLDS_SHOWN + 1]) if current.pending_out_minor or current.pending_in_minor else []
    return {
        "current": current,
        "under": under,
        "control": queries.accounts_for(user).filter(pk=account.parent_id).first() if account.parent_id else None,
        "holds": holds[:HOLDS_SHOWN],
        "more_holds": len(holds) > HOLDS_SHOWN,
        "legs": counted(current.version, word="posting", limit=10**12),
    }


def _chart(account: Account, *, as_of: date | None) -> dict[str, Any]:
    """Return the line of the balance over the days up to today, or around the date asked for."""
    today = localdate()
    until = today if as_of is None else min(as_of + timedelta(days=CHART_AFTER), max(today, as_of))
    history = balances.balances_by_day(accounts=[account], since=until - timedelta(days=CHART_DAYS), until=until)[account.pk]
    # A young account's line begins on the day before its first movement, and not with months of nothing.
    first = next((n for n, (_, held) in enumerate(history) if held), 0)
    history = history[max(0, min(first - 1, len(history) - CHART_DAYS_LEAST)) :]
    limit = account.balance.overdraft_limit_minor
    values = [held for _, held in history] + ([-int(limit)] if limit is not None else [])
    if not any(values):
        return {"points": []}
    scale, unit = _scaled(values, scale=account.asset.scale)
    return {
        "points": [(f"{day:%-d %b}", round(held / scale, 3)) for day, held in history],
        "unit": unit,
        "limit_value": None if limit is None else round(-int(limit) / scale, 3),
        "marked": next((n for n, (day, _) in enumerate(history) if day == as_of), None),
    }


def _scaled(values: Sequence[int], *, scale: int) -> tuple[int, str]:
    """Return by how much a picture divides minor units, and its unit: it needs no more than three digits before the point."""
    highest = max(abs(value) for value in values)
    power, unit = next(((p, unit) for p, unit in ((9, " bn"), (6, " m"), (3, " k")) if highest >= 2 * 10 ** (p + scale)), (0, ""))
    return 10 ** (scale + power), unit


@require_POST
@requires("ledger.view_account")
def export_account(request: HttpRequest, code: str) -> HttpResponseBase:
    """Hand out the statement that the page shows: its order, its date and its instant stand in the address."""
    shown = queries.account_for(reader(request), code=code)
    asked = asked_of(request.GET)
    refuse_invalid(asked)
    view = asked.view(shown)
    rows = statement.counted_legs(view)
    operations.record_export(
        target_type="ledger.account", target_id=shown.code, query=asked.parameters(), rows=rows, file_format=format_of(request)
    )
    table = table_of(
        name=f"account-{re.sub(r'[^A-Za-z0-9._-]', '_', shown.code)}",
        title=f"Statement of account {shown.code}",
        subtitles=[f"{shown.name}, in {shown.asset.code}", asked.sentence()],
        columns=COLUMNS,
        rows=statement_rows(shown, view=view),
        parameters=f"account={shown.code}&{asked.parameters()}",
    )
    return table_response(format_of(request), table)
