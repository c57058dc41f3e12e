"""The rows behind the figures of a report. Each list has as many as its figure says."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from recon import feed_calendar
from recon.feed_calendar import ExpectedDay
from recon.figure_queries.shapes import Span
from recon.models import Allocation, Break, BreakState, CertifiedDay, Item, Match, MatchMethod, Source, Statement
from recon.queries import reconciliations_for, sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser


def opened_in(breaks: QuerySet[Break], *, span: Span) -> QuerySet[Break]:
    return breaks.filter(opened_at__gte=span.begins_at, opened_at__lt=span.ends_at)


def resolved_in(breaks: QuerySet[Break], *, span: Span) -> QuerySet[Break]:
    """Keep what was resolved within the days and still is."""
    return breaks.filter(state=BreakState.RESOLVED, resolved_at__gte=span.begins_at, resolved_at__lt=span.ends_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceDay:
    source: Source
    expected: ExpectedDay


def expected_days_for(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> list[SourceDay]:
    """Return the days of which reports were expected, latest first, of every source of which it was said what is."""
    said = [(source, terms) for source in sources_for(user).select_related("feed") if (terms := getattr(source, "feed", None)) is not None]
    days = feed_calendar.days_of([terms for _, terms in said], since=span.since, until=min(span.until, today), now=now)
    found = [SourceDay(source=source, expected=day) for source, _ in said for day in days[source.pk]]
    return sorted(found, key=lambda one: (one.expected.day, one.source.code), reverse=True)


def certified_days_for(user: "AbstractUser", *, span: Span) -> QuerySet[CertifiedDay]:
    """Return the days of accounts within the span whose certificates stand, latest first."""
    seen = CertifiedDay.objects.filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"), withdrawn_at=None)
    within = seen.filter(day__range=(span.since, span.until))
    return within.select_related("reconciliation__source__asset", "certificate__prepared_by", "certificate__reviewed_by").order_by("-id")


def statements_in(user: "AbstractUser", *, span: Span) -> QuerySet[Statement]:
    """Return the statements that count and close within the days, latest first."""
    found = Statement.objects.counting().filter(source__in=sources_for(user).order_by().values("pk"))
    within = found.filter(closing_date__range=(span.since, span.until))
    return within.select_related("source__asset").order_by("-closing_date", "-id")


def matches_in(*, span: Span) -> QuerySet[Match]:
    """Return the matches made within the days.

    Their ids are of the time at which they were made, within a second or so: that is where an index finds them.
    """
    near = timedelta(minutes=1)
    found = Match.objects.filter(pk__gte=_id_at(span.begins_at - near), pk__lt=_id_at(span.ends_at + near))
    return found.filter(made_at__gte=span.begins_at, made_at__lt=span.ends_at)


def _id_at(instant: datetime) -> UUID:
    """Return what no id of that instant or later lies below."""
    return UUID(int=int(instant.timestamp()) * 1000 << 80)


def matches_for(user: "AbstractUser", *, span: Span) -> QuerySet[Match]:
    """Return the matches made within the days that this user may see, latest first, with who made and who undid them."""
    seen = matches_in(span=span).filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"))
    return seen.select_related("reconciliation__source__asset", "made_by", "undoing__undone_by", "run").order_by("-id")


def items_for(user: "AbstractUser", *, span: Span) -> QuerySet[Item]:
    """Return the items dated within the days that count and that this user may see, latest first.

    Each has the match that holds it, or the first of them, as `match_id`; `by_runs` says that no person had a part in it.
    """
    held = Allocation.objects.filter(item=OuterRef("pk"), revoked_at=None)
    by_others = held.exclude(match__method=MatchMethod.RULE)
    seen = Item.objects.filter(reconciliation__in=reconciliations_for(user).order_by().values("pk"), withdrawn_by=None)
    within = seen.filter(item_date__range=(span.since, span.until))
    return (
        within.select_related("reconciliation__source__asset", "population", "statement_line")
        .annotate(match_id=Subquery(held.order_by("pk").values("match")[:1]))
        .alias(by_others=Exists(by_others), held=Exists(held))
        .order_by("-id")
    )


def standing(items: QuerySet[Item], *, word: str) -> QuerySet[Item]:
    """Keep the items that stand so: `automatic`, `by_people` or `open`, as `DayFigures` counts them."""
    conditions: dict[str, Any] = {
        "automatic": Q(open_minor=0, held=True, by_others=False),
        "by_people": Q(open_minor=0) & (Q(by_others=True) | Q(held=False)),
        "open": Q(open_minor__gt=0),
    }
    return items.filter(conditions[word])
