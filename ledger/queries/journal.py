"""Finding entries in the journal at any volume: each search begins where an index leads, and says where it stops.

What few entries have is found first and shown in the journal's order; what many have is found by going along the journal. Which of the two
it is, is asked of the index itself, up to a bound: a planner's guess is wrong for what is rare.
"""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from ledger.models import Asset, JournalEntry, Origin, Posting, Transaction, TransactionType
from ledgerops.lib import money

# Up to so many entries are few.
FEW = 5_000
# Texts and metadata are in no index, which every posting would have to write: they are looked for in all entries of the days asked for,
# where these are no more than `MOST_OF_DAYS`, and else in so many of the newest.
WINDOW = 5_000
MOST_OF_DAYS = 50_000


def _narrowed(entries: QuerySet[JournalEntry], *, ids: "QuerySet[Any, UUID]", otherwise: Q) -> QuerySet[JournalEntry]:
    found: Iterable[UUID] = list(ids[: FEW + 1])
    return entries.filter(pk__in=found) if len(set(found)) <= FEW else entries.filter(otherwise)


def of_type(entries: QuerySet[JournalEntry], *, code: str) -> QuerySet[JournalEntry]:
    """Return the entries of every version of a type."""
    versions = list(TransactionType.objects.filter(code=code).values_list("pk", flat=True))
    # In the order of its index; those that never posted have no entry and do no harm.
    of_versions = Transaction.objects.filter(type__in=versions).order_by("type_id", "pk").values_list("pk", flat=True)
    return _narrowed(entries, ids=of_versions, otherwise=Q(type__in=versions))


def of_origin(entries: QuerySet[JournalEntry], *, origin: str) -> QuerySet[JournalEntry]:
    """Return the entries that came about in one way."""
    if origin == Origin.RULE:
        return entries.filter(origin=Origin.RULE)
    by_people = JournalEntry.objects.filter(proposal_id__isnull=False, origin=origin).order_by().values_list("pk", flat=True)
    return _narrowed(entries, ids=by_people, otherwise=Q(origin=origin))


def with_amount(entries: QuerySet[JournalEntry], *, text: str) -> QuerySet[JournalEntry]:
    """Return the entries one of whose legs is of this amount, in whatever asset has so many decimals."""
    wanted = Q(pk__in=[])
    for scale in Asset.objects.order_by().values_list("scale", flat=True).distinct():
        try:
            minor = abs(money.minor_from_text(text, scale=scale, field="amount"))
        except money.AmountRefused:
            continue  # more decimals than assets of this scale have: none of their legs can be meant
        wanted |= Q(asset__scale=scale, amount_minor=minor)
    return with_leg(entries, legs=Posting.objects.filter(wanted))


def with_leg(entries: QuerySet[JournalEntry], *, legs: QuerySet[Posting]) -> QuerySet[JournalEntry]:
    """Return the entries that have one of these legs."""
    ids = legs.order_by().values_list("entry_id", flat=True)
    return _narrowed(entries, ids=ids, otherwise=Q(Exists(legs.order_by().filter(entry=OuterRef("pk")))))


def is_whole(*, days: Q) -> bool:
    """Return whether texts and metadata are looked for in all entries of some days; an empty condition is all of them."""
    return bool(days) and JournalEntry.objects.filter(days).order_by()[: MOST_OF_DAYS + 1].count() <= MOST_OF_DAYS


def within_window(entries: QuerySet[JournalEntry], *, days: Q) -> QuerySet[JournalEntry]:
    """Return those of the entries that are looked through for a text: of some days, or the newest of those."""
    if is_whole(days=days):
        return entries.filter(days)
    newest = JournalEntry.objects.filter(days).order_by("-effective_date", "-id").values_list("pk", flat=True)[:WINDOW]
    return entries.filter(pk__in=list(newest))
