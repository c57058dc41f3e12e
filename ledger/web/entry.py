"""One posted entry: its legs, what they did, and what undid it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from approvals.models import OPEN_STATUSES
from approvals.queries import proposals_about
from audit.targets import pages_of
from ledger import queries
from ledger.accounting import DEBIT
from ledger.models import Account, JournalEntry, Posting
from ledger.operations.reversals import REVERSAL
from ledger.queries.reversals import legs_left, reversals_for
from ledger.web.requests import reader
from ledgerops.lib.http import requires


@dataclass(slots=True, kw_only=True)
class TAccount:
    """One account of an entry as a T: what the entry debits on the left, what it credits on the right, what the account holds after.

    A deferred account has no balances until its legs are rolled up.
    """

    account: Account
    before_minor: int | None
    after_minor: int | None
    debits: list[Posting] = field(default_factory=list)
    credits: list[Posting] = field(default_factory=list)


@require_safe
@requires("ledger.view_journalentry")
def entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    user = reader(request)
    shown = queries.entry_for(user, entry_id=entry_id)
    if "revise" in request.GET:
        return redirect(f"{reverse('ledger:reverse_entry', args=[entry_id])}?revise={request.GET['revise']}")
    legs = list(queries.postings_of(shown))
    context = {
        "entry": shown,
        "legs": legs,
        "totals": _totals(legs),
        "t_accounts": _t_accounts(legs),
        "actor": queries.actor_of(shown),
        "proposal_pages": pages_of("approvals.proposal", shown.proposal_id) if shown.proposal_id else [],
        **_chain(request, shown),
    }
    return render(request, "ledger/entry.html", context)


def _chain(request: HttpRequest, entry: JournalEntry) -> dict[str, object]:
    """Return what this entry undoes, what undid it, what is left, and whether the reader may propose to undo it."""
    user = reader(request)
    left = legs_left(entry)
    undone = any(leg.undone_minor for leg in left)
    remains = any(leg.left_minor for leg in left)
    waiting = proposals_about(target_type="ledger.journal_entry", target_id=entry.pk).filter(kind=REVERSAL, status__in=OPEN_STATUSES)
    return {
        "undoes": queries.entries_for(user).filter(pk=entry.reverses_id).first() if entry.reverses_id else None,
        "reversals": list(reversals_for(user, entry=entry)),
        "left": left,
        "is_undone": undone,
        "is_reversed": undone and not remains,
        "waiting_reversal": waiting.first() if entry.type.reversible else None,
        "may_reverse": entry.type.reversible and remains and user.has_perm("ledger.propose_entry"),
    }


def _totals(legs: Sequence[Posting]) -> list[dict[str, object]]:
    """Return debits and credits of each asset; they are equal or the entry would not exist."""
    totals: dict[str, dict[str, object]] = {}
    for leg in legs:
        total = totals.setdefault(leg.asset.code, {"asset": leg.asset, "debit": 0, "credit": 0})
        total[leg.direction] = int(str(total[leg.direction])) + int(leg.amount_minor)
    return list(totals.values())


def _t_accounts(legs: Sequence[Posting]) -> list[TAccount]:
    """Return the entry's accounts as Ts, in the order they first appear."""
    shown: dict[str, TAccount] = {}
    for leg in legs:
        after = None if leg.balance_after_minor is None else int(leg.balance_after_minor)
        if leg.account.code not in shown:
            change = int(leg.amount_minor) if leg.direction == leg.account.normal_side else -int(leg.amount_minor)
            shown[leg.account.code] = TAccount(
                account=leg.account, before_minor=None if after is None else after - change, after_minor=after
            )
        t = shown[leg.account.code]
        (t.debits if leg.direction == DEBIT else t.credits).append(leg)
        t.after_minor = after
    return list(shown.values())
