"""The journal: every posted entry that is in sight."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from django.db.models import QuerySet, Sum
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from ledger import operations, queries
from ledger.accounting import DEBIT
from ledger.models import JournalEntry, Origin, Posting
from ledger.queries import journal
from ledger.web.exports import format_of, table_of, table_response
from ledger.web.filters import EntryFilter
from ledger.web.requests import reader, template_for
from ledgerops.lib.errors import RefusalKind
from ledgerops.lib.http import STATUS_OF, requires
from ledgerops.lib.paging import bounded_count, counted, page_of
from ledgerops.lib.tables import Amount, Column, Kind, Row

PAGE_SIZE = 40
LEGS_SHOWN = 6
BATCH = 500
# Newest effective date first; entries of one date in the order of posting, newest first.
ORDER = ("-effective_date", "-id")

JOURNAL = [
    Column(name="entry", title="Entry"),
    Column(name="effective_date", title="Effective", kind=Kind.DATE),
    Column(name="posted_at", title="Posted", kind=Kind.INSTANT),
    Column(name="type", title="Type"),
    Column(name="description", title="Description", wide=True),
    Column(name="reference", title="Reference", wide=True),
    Column(name="counterparty", title="Counterparty", wide=True),
    Column(name="line", title="Line", kind=Kind.INTEGER),
    Column(name="account", title="Account"),
    Column(name="account_name", title="Name", wide=True),
    Column(name="debit", title="Debit", kind=Kind.MONEY, totalled=True),
    Column(name="credit", title="Credit", kind=Kind.MONEY, totalled=True),
    Column(name="asset", title="Asset"),
]


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryRow:
    """An entry in the journal with its first legs."""

    entry: JournalEntry
    legs: Sequence[Posting]
    more: int

    @property
    def span(self) -> int:
        return len(self.legs) + bool(self.more)


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
        "origins": Origin.choices,
        "looked_through": _looked_through(found) if valid else "",
    }
    return render(request, template_for(request, "ledger/entries.html"), context, status=200 if valid else STATUS_OF[RefusalKind.INVALID])


def _looked_through(found: EntryFilter) -> str:
    """Return in which entries texts and metadata were looked for; empty if they were not."""
    if not (found.form.cleaned_data["q"] or found.form.cleaned_data["metadata"]):
        return ""
    if journal.is_whole(days=found.days()):
        return "Texts and metadata were looked for in all entries of the days chosen."
    return (
        f"Texts and metadata were looked for in the newest {journal.WINDOW:,} entries of the days chosen. Choose days with no more than"
        f" {journal.MOST_OF_DAYS:,} entries to look through all of them; a number or a whole reference is found anywhere."
    )


@require_POST
@requires("ledger.view_journalentry")
def export_entries(request: HttpRequest) -> HttpResponseBase:
    found = EntryFilter(request.GET, queryset=queries.entries_for(reader(request)))
    shown = found.qs if found.is_valid() else found.queryset.none()
    operations.record_export(
        target_type="ledger.journal",
        target_id="list",
        query=request.GET.urlencode(),
        rows=_line_count(shown, most=operations.EXPORT_MAXIMUM),
        file_format=format_of(request),
    )
    table = table_of(
        name="journal",
        title="Journal",
        columns=JOURNAL,
        rows=_legs(shown.order_by(*ORDER)),
        parameters=request.GET.urlencode(),
    )
    return table_response(format_of(request), table)


def _counted(count: int) -> str:
    return "1 entry" if count == 1 else counted(count, word="entrie")


def _line_count(entries: QuerySet[JournalEntry], *, most: int) -> int:
    """Return how many lines the entries have; an entry has at least one, so no more of them are read than could be let out."""
    return int(entries.order_by()[: most + 1].aggregate(lines=Sum("lines"))["lines"] or 0)


def _legs(entries: QuerySet[JournalEntry]) -> Iterator[Row]:
    rows = entries.iterator(chunk_size=BATCH)
    while batch := list(islice(rows, BATCH)):
        legs = queries.legs_of(batch)
        for one in batch:
            for leg in legs[one.pk]:
                amount = Amount(int(leg.amount_minor), leg.asset.scale, leg.asset.code)
                yield [
                    one.public_number,
                    one.effective_date,
                    one.posted_at,
                    one.type.code,
                    one.description,
                    one.reference,
                    one.counterparty,
                    leg.line,
                    leg.account.code,
                    leg.account.name,
                    amount if leg.direction == DEBIT else None,
                    None if leg.direction == DEBIT else amount,
                    leg.asset.code,
                ]
