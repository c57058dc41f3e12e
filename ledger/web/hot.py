"""Accounts that everybody posts to: who waits for them, and how far behind the roller is."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from ledger.queries import hot as queries
from ledger.web.requests import reader, template_for
from ledgerops.lib.http import requires


@require_safe
@requires("ledger.view_account")
def hot_accounts(request: HttpRequest) -> HttpResponse:
    rows = queries.hot_accounts_for(reader(request))
    context = {
        "rows": rows,
        "tail": sum(row.tail for row in rows),
        "lag_s": max((row.lag_s for row in rows), default=0),
        "waited_ms": sum(row.waited_ms for row in rows),
        "deferred": sum(row.account.balance.deferred for row in rows),
    }
    return render(request, template_for(request, "ledger/hot.html"), context)
