"""Reading sources for their pages: how each delivers, how its files are read, and what waits for a file that is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from ledgerops.lib.errors import Refusal, RefusalKind
from recon import due, feed_calendar, feeds
from recon.feed_calendar import ExpectedDay
from recon.intake.mapping_preview import Difference, compared
from recon.models import (
    Break,
    BreakState,
    Feed,
    Item,
    MappingStatus,
    MappingVersion,
    QuarantinedRow,
    QuarantineState,
    Side,
    Source,
    Statement,
    StatementFile,
)
from recon.queries import SourceNotFound, breaks_for, sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


class MappingNotFound(Refusal):
    code = "mapping_not_found"
    kind = RefusalKind.NOT_FOUND


STRIP_BACK, STRIP_AHEAD = 30, 5
CHILDREN_SHOWN = 20


def source_for(user: "AbstractUser", *, code: str) -> Source:
    """Return one source.

    :raises SourceNotFound: if it is not there for this user.
    """
    found = sources_for(user).select_related("account__entity", "feed").filter(code=code).first()
    if found is None:
        raise SourceNotFound("there is no such source in your scope")
    return found


def feed_of(source: Source) -> Feed | None:
    return Feed.objects.filter(source=source).first()


def mappings_of(source: Source) -> QuerySet[MappingVersion]:
    return MappingVersion.objects.filter(source=source).select_related("drafted_by", "sample").order_by("-number")


def mapping_in_force(source: Source) -> MappingVersion | None:
    """Return the version that reads the source's next file: the one approved last."""
    return MappingVersion.objects.filter(source=source, status=MappingStatus.APPROVED).order_by("-approved_at", "-number").first()


def mapping_for(source: Source, *, number: int) -> MappingVersion:
    """Return one version of a source's mapping.

    :raises MappingNotFound: if there is none of that number.
    """
    found = mappings_of(source).filter(number=number).first()
    if found is None:
        raise MappingNotFound(f"there is no version {number} of this mapping")
    return found


def mapping_by_id(user: "AbstractUser", *, mapping_id: UUID) -> MappingVersion:
    """Return one version by its id.

    :raises MappingNotFound: if it is not there for this user.
    """
    found = MappingVersion.objects.filter(pk=mapping_id, source__in=sources_for(user)).select_related("source").first()
    if found is None:
        raise MappingNotFound("there is no such mapping in your scope")
    return found


def version_before(version: MappingVersion) -> MappingVersion | None:
    """Return the version that a version replaced, or would: the one in force until it is approved."""
    approved = MappingVersion.objects.filter(source=version.source_id, status=MappingStatus.APPROVED).exclude(pk=version.pk)
    if version.approved_at is not None:
        approved = approved.filter(approved_at__lt=version.approved_at)
    return approved.order_by("-approved_at", "-number").first()


def compared_with(version: MappingVersion, *, before: MappingVersion | None) -> Sequence[Difference]:
    """Return every setting of a version beside that of the one before."""
    return compared(before.definition if before else {}, version.definition)


def sample_for(source: Source, *, text: str) -> StatementFile | None:
    """Return the file of a source that an address names, if it is one."""
    try:
        wanted = UUID(text)
    except ValueError:
        return None
    return StatementFile.objects.filter(pk=wanted, source=source).first()


def samples_of(source: Source, *, count: int) -> list[StatementFile]:
    """Return the latest files that a mapping of this source may be tried on."""
    return list(StatementFile.objects.filter(source=source).order_by("-id")[:count])


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceRow:
    """A source as the list of them shows it. `feed` says how it has delivered, `next_due` is the next report and when."""

    source: Source
    feed: feeds.Feed
    terms: Feed | None
    mapping: MappingVersion | None
    quarantined: int
    next_due: tuple[date, datetime] | None


def rows_for(user: "AbstractUser", *, now: datetime) -> list[SourceRow]:
    """Return every source in the user's scope by name, at a cost that does not grow with their number."""
    delivered = feeds.feeds_for(user, today=now.date(), now=now)
    ids = [one.source.pk for one in delivered]
    terms = {feed.source_id: feed for feed in Feed.objects.filter(source__in=ids)}
    in_force = MappingVersion.objects.filter(source__in=ids, status=MappingStatus.APPROVED).order_by("source_id", "-approved_at", "-number")
    mappings = {mapping.source_id: mapping for mapping in in_force.distinct("source_id")}
    rows = QuarantinedRow.objects.filter(source__in=ids, state=QuarantineState.OPEN).values_list("source")
    quarantined = dict(rows.annotate(count=Count("pk")))
    return [
        SourceRow(
            source=one.source,
            feed=one,
            terms=terms.get(one.source.pk),
            mapping=mappings.get(one.source.pk),
            quarantined=quarantined.get(one.source.pk, 0),
            next_due=feed_calendar.next_due(terms[one.source.pk], now=now) if one.source.pk in terms else None,
        )
        for one in delivered
    ]


def strip_of(feed: Feed, *, now: datetime) -> list[ExpectedDay]:
    """Return the calendar strip of a source: the last 30 days and the next 5 that are expected."""
    return feed_calendar.calendar_of(feed, back=STRIP_BACK, ahead=STRIP_AHEAD, now=now)


def files_of(source: Source, *, count: int) -> list[StatementFile]:
    """Return the latest files that were delivered for a source or brought statements of it."""
    own = Q(source=source) | Q(pk__in=Statement.objects.filter(source=source).values("file"))
    return list(StatementFile.objects.filter(own).select_related("received_by").order_by("-id")[:count])


def quarantined_of(source: Source) -> int:
    return QuarantinedRow.objects.filter(source=source, state=QuarantineState.OPEN).count()


def stale_feed_of(source: Source) -> Break | None:
    """Return the live break of a source that has not delivered."""
    return Break.objects.filter(reconciliation__source=source, type="stale_feed").exclude(state=BreakState.RESOLVED).first()


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """What a missing file holds up: the days, the breaks that wait for it, and ledger items that no break stands for yet."""

    source: Source
    days: Sequence[ExpectedDay]
    children: Sequence[Break]
    children_count: int
    items_count: int
    items_minor: int

    @property
    def total(self) -> int:
        return self.children_count + self.items_count


def waiting_for(stale: Break, *, now: datetime) -> Waiting:
    """Return what waits for the file that a break stands for; of one that has ended, its days and how they ended."""
    source = stale.reconciliation.source
    feed = Feed.objects.get(source=source)
    waited = [date.fromisoformat(day) for day in stale.missing_days]
    found = feed_calendar.days_of([feed], since=waited[0], until=waited[-1], now=now)[source.pk]
    days = [one for one in found if one.day in waited]
    children = Break.objects.filter(parent=stale).exclude(state=BreakState.RESOLVED).select_related("ledger_item", "assignee")
    items = _items_of(stale, feed=feed, days=waited) if stale.is_live else Item.objects.none()
    counted = items.order_by().aggregate(
        count=Count("pk"), came=Sum("amount_minor", filter=Q(flow="in")), went=Sum("amount_minor", filter=Q(flow="out"))
    )
    return Waiting(
        source=source,
        days=days,
        children=list(children.order_by("occurred_on", "number")[:CHILDREN_SHOWN]),
        children_count=children.count(),
        items_count=counted["count"],
        items_minor=int(counted["came"] or 0) - int(counted["went"] or 0),
    )


def waiting_counts(stale: Sequence[Break]) -> dict[str, int]:
    """Return how many items wait for the file of each of these breaks, by its id."""
    live = [one for one in stale if one.is_live]
    terms = {feed.source_id: feed for feed in Feed.objects.filter(source__in=[one.reconciliation.source_id for one in live])}
    children = Break.objects.filter(parent__in=live).exclude(state=BreakState.RESOLVED).values_list("parent")
    counts = {str(parent): count for parent, count in children.annotate(count=Count("pk"))}
    for one in live:
        feed = terms[one.reconciliation.source_id]
        waited = [date.fromisoformat(day) for day in one.missing_days]
        counts[str(one.pk)] = counts.get(str(one.pk), 0) + _items_of(one, feed=feed, days=waited).count()
    return counts


def breaks_waiting_for(user: "AbstractUser", *, stale: Break) -> QuerySet[Break]:
    return breaks_for(user).filter(parent=stale).exclude(state=BreakState.RESOLVED)


def _items_of(stale: Break, *, feed: Feed, days: Sequence[date]) -> QuerySet[Item]:
    """Return the open ledger items that the missing reports would show, and that have no break of their own."""
    terms = feed_calendar.terms_of(feed)
    shown = Q(pk__in=[])
    for day in days:
        shown |= Q(item_date__range=due.shown_by(terms, day=day))
    live = Break.objects.filter(reconciliation=stale.reconciliation_id, ledger_item__isnull=False).exclude(state=BreakState.RESOLVED)
    open_items = Item.objects.filter(shown, reconciliation=stale.reconciliation_id, side=Side.LEDGER, open=True)
    return open_items.exclude(pk__in=live.values("ledger_item"))
