"""The journal, and one entry."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from audit.targets import pages_of
from ledger import operations, queries
from ledger.accounting import DEBIT
from ledger.models import Account, JournalEntry, Posting
from ledger.web.csv_files import csv_response
from ledger.web.filters import EntryFilter
from ledger.web.requests import reader, template_for
from ledgerops.lib import money
from ledgerops.lib.csv_cells import text_cell
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of

PAGE_SIZE = 40
LEGS_SHOWN = 6
BATCH = 500
# Newest effective date first; entries of one date in the order of posting, newest first.
ORDER = ("-effective_date", "-id")


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """An entry in the journal with its first legs."""

    entry: JournalEntry
    legs: Sequence[Posting]
    more: int

    @property
    def span(self) -> int:
        return len(self.legs) + bool(self.more)


@dataclass(slots=True, kw_only=True)
class TAccount:
    """One account of an entry as a T: what the entry debits on the left, what it credits on the right, what the account holds after."""

    account: Account
    before_minor: int
    after_minor: int
    debits: list[Posting] = field(default_factory=list)
    credits: list[Posting] = field(default_factory=list)


@require_safe
@requires("ledger.view_journalentry")
def entries(request: HttpRequest) -> HttpResponse:
    found = EntryFilter(request.GET, queryset=queries.entries_for(reader(request)))
    valid = found.is_valid()
    shown = found.qs if valid else found.queryset.none()
    page = page_of(shown, query=request.GET, order=ORDER, size=PAGE_SIZE)
    legs = queries.legs_of(page.rows)
    context = {
        "filter": found,
        "page": page,
        "rows": [EntryRow(entry=entry, legs=legs[entry.pk][:LEGS_SHOWN], more=max(0, entry.lines - LEGS_SHOWN)) for entry in page.rows],
        "count": _counted(bounded_count(shown)),
        "types": found.form.fields["type"].choices[1:],
    }
    return render(request, template_for(request, "ledger/entries.html"), context, status=200 if valid else STATUS_OF[RefusalKind.INVALID])


@require_POST
@requires("ledger.view_journalentry")
def export_entries(request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
    found = EntryFilter(request.GET, queryset=queries.entries_for(reader(request)))
    shown = found.qs if found.is_valid() else found.queryset.none()
    operations.record_export(
        target_type="ledger.journal",
        target_id="list",
        query=request.GET.urlencode(),
        rows=bounded_count(shown, limit=operations.EXPORT_MAXIMUM),
    )
    header = ["entry", "effective_date", "posted_at", "type", "description", "reference", "counterparty"]
    return csv_response(
        name="journal", header=[*header, "line", "account", "account_name", "debit", "credit", "asset"], rows=_legs(shown.order_by(*ORDER))
    )


@require_safe
@requires("ledger.view_journalentry")
def entry(request: HttpRequest, entry_id: UUID) -> HttpResponse:
    shown = queries.entry_for(reader(request), entry_id=entry_id)
    legs = list(queries.postings_of(shown))
    context = {
        "entry": shown,
        "legs": legs,
        "totals": _totals(legs),
        "t_accounts": _t_accounts(legs),
        "actor": queries.actor_of(shown),
        "proposal_pages": pages_of("approvals.proposal", shown.proposal_id) if shown.proposal_id else [],
    }
    return render(request, "ledger/entry.html", context)


def _counted(count: int) -> str:
    return "1 entry" if count == 1 else counted(count, word="entrie")


def _legs(entries: QuerySet[JournalEntry]) -> Iterator[list[object]]:
    rows = entries.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        legs = queries.legs_of(batch)
        for one in batch:
            for leg in legs[one.pk]:
                amount = money.plain(int(leg.amount_minor), scale=leg.asset.scale)
                yield [
                    one.public_number,
                    one.effective_date.isoformat(),
                    one.posted_at.isoformat(timespec="seconds"),
                    one.type.code,
                    text_cell(one.description),
                    text_cell(one.reference),
                    text_cell(one.counterparty),
                    leg.line,
                    leg.account.code,
                    text_cell(leg.account.name),
                    amount if leg.direction == DEBIT else "",
                    "" if leg.direction == DEBIT else amount,
                    leg.asset.code,
                ]


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
        after = int(leg.balance_after_minor)
        if leg.account.code not in shown:
            change = int(leg.amount_minor) if leg.direction == leg.account.normal_side else -int(leg.amount_minor)
            shown[leg.account.code] = TAccount(account=leg.account, before_minor=after - change, after_minor=after)
        t = shown[leg.account.code]
        (t.debits if leg.direction == DEBIT else t.credits).append(leg)
        t.after_minor = after
    return list(shown.values())
