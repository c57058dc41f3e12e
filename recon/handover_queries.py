"""Reading breaks for who takes over: what came up, what went, what is due, and what may have one cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from urllib.parse import urlencode

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Abs, Upper
from django.utils import timezone

from approvals.models import User
from audit.queries import RecordedEvent, happened_to
from recon.break_queries import queue_for
from recon.models import Break, BreakState, BreakType, BreakWatcher, HandoverMark
from recon.queries import breaks_for

FIRST_LOOK = timedelta(hours=24)
OWN_AT_MOST = 500
# Clusters are looked for among so many of the oldest live breaks; more are the pattern of a feed, not of an analyst's day.
CLUSTERED_AT_MOST = 20_000
CLUSTER_LEAST = 3
CLUSTERS_SHOWN = 40


def seen_until(user: User) -> datetime:
    """Return until when a person has seen what happened; a day ago for who never said."""
    mark = HandoverMark.objects.filter(user=user).first()
    return mark.seen_at if mark is not None else timezone.now() - FIRST_LOOK


def live_for(user: User, *, today: date) -> QuerySet[Break]:
    return queue_for(user, today=today).exclude(state=BreakState.RESOLVED)


def opened_since(user: User, since: datetime) -> QuerySet[Break]:
    return breaks_for(user).filter(parent=None, opened_at__gt=since).order_by("-opened_at", "-number")


def resolved_since(user: User, since: datetime) -> QuerySet[Break]:
    return breaks_for(user).filter(state=BreakState.RESOLVED, resolved_at__gt=since).order_by("-resolved_at", "-number")


def happened_since(user: User, since: datetime) -> list[tuple[Break, RecordedEvent]]:
    """Return what others did with the breaks that a person has or watches, newest first."""
    watched = BreakWatcher.objects.filter(user=user).values("recon_break")
    own = breaks_for(user).filter(Q(assignee=user) & ~Q(state=BreakState.RESOLVED) | Q(pk__in=watched)).order_by("-opened_at")
    breaks = {str(each.pk): each for each in own[:OWN_AT_MOST]}
    events = happened_to(target_type="recon.break", target_ids=list(breaks), since=since)
    return [(breaks[event.target_id], event) for event in events if event.actor_id != user.pk]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Live breaks of one source and type that have something in common; `query` is their list."""

    source: str
    asset: str
    scale: int
    type: str
    common: str
    count: int
    minor: int
    query: str


def clusters_for(user: User, *, today: date) -> list[Cluster]:
    """Return groups of live breaks that may have one cause: what their amounts suggest, one counterparty, or one amount."""
    oldest = live_for(user, today=today).order_by("occurred_on", "number").values("pk")[:CLUSTERED_AT_MOST]
    live = Break.objects.filter(pk__in=oldest).order_by()
    named = live.annotate(
        code=F("reconciliation__source__code"),
        source_name=F("reconciliation__source__name"),
        asset=F("reconciliation__source__asset__code"),
        scale=F("reconciliation__source__asset__scale"),
        kind=KeyTextTransform("kind", "cause"),
        tariff=KeyTextTransform("tariff", "cause"),
        who=Upper("counterparty"),
        size=Abs("difference_minor"),
    )
    found = [
        *_grouped(named.filter(type=BreakType.AMOUNT, kind__isnull=False), by=("kind", "tariff")),
        *_grouped(named.exclude(type=BreakType.AMOUNT).exclude(counterparty=""), by=("who",)),
        *_grouped(named.exclude(difference_minor=0), by=("size",)),
    ]
    return sorted(found, key=lambda one: (-one.count, one.source, one.query))[:CLUSTERS_SHOWN]


def _grouped(breaks: QuerySet[Break], *, by: Sequence[str]) -> list[Cluster]:
    rows = breaks.values("code", "source_name", "asset", "scale", "type", *by).annotate(
        count=Count("pk"), minor=Sum(Abs("difference_minor"))
    )
    found = []
    for row in rows.filter(count__gte=CLUSTER_LEAST).order_by("-count")[:CLUSTERS_SHOWN]:
        wanted = {"type": row["type"], "source": row["code"]}
        if by == ("who",):
            common, wanted = row["who"].title(), wanted | {"q": row["who"]}
        elif by == ("size",):
            common, wanted = "one amount", wanted | {"size": str(int(row["size"]))}
        else:
            kind, tariff = row["kind"], row["tariff"] or ""
            common = f"{kind.replace('_', ' ')}{f' by {tariff}' if tariff else ''}"
            wanted |= {"pattern": f"{kind}:{tariff}" if tariff else kind}
        found.append(
            Cluster(
                source=row["source_name"],
                asset=row["asset"],
                scale=row["scale"],
                type=row["type"],
                common=common,
                count=row["count"],
                minor=int(row["minor"]),
                query=urlencode(wanted),
            )
        )
    return found
