"""Reading the reports: how much was matched, what came up and was resolved, what is open, who delivered, who works on what.

What is of a day is read from the day's figures or from a stretch of an index, what is open from an index of what is open: no view reads
every break or every item there ever was.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from django.db.models import Count, Min, Q, QuerySet, Sum
from django.db.models.functions import Abs, TruncDate

from ledgerops.lib.calendars import business_days_before
from recon.break_clock import Clock
from recon.break_queries import LIMIT_DAYS, queue_for
from recon.figure_queries.rows import (
    SourceDay,
    certified_days_for,
    expected_days_for,
    items_for,
    matches_for,
    matches_in,
    opened_in,
    resolved_in,
    standing,
    statements_in,
)
from recon.figure_queries.shapes import (
    BANDS,
    MATCHED,
    PUNCTUAL,
    UNPUNCTUAL,
    Ageing,
    AssetFigures,
    DayMovement,
    Delivered,
    Load,
    Matched,
    ReconciliationFigures,
    Report,
    Span,
    SpanInvalid,
    span_of,
    sum_of,
)
from recon.models import Break, BreakState, DayFigures, FiguresCount, Reconciliation
from recon.queries import breaks_for, reconciliations_for, sources_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

__all__ = [
    "PUNCTUAL",
    "UNPUNCTUAL",
    "Matched",
    "Report",
    "SourceDay",
    "Span",
    "SpanInvalid",
    "certified_days_for",
    "expected_days_for",
    "items_for",
    "matches_for",
    "report_for",
    "span_of",
    "standing",
    "statements_in",
]


def report_for(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> Report:
    """Return the figures of the days as far as this user's roles and scopes reach."""
    sees_breaks = user.has_perm("recon.view_break")
    reconciliations = list(reconciliations_for(user))
    figures = _matched_by(reconciliations, span=span)
    ageing = _ageing(user, reconciliations, today=today) if sees_breaks else None
    counts = FiguresCount.objects.filter(reconciliation__in=reconciliations).values_list("counted_at", flat=True)
    counted = list(counts)
    return Report(
        span=span,
        today=today,
        counted_at=min(counted) if counted and len(counted) == len(reconciliations) else None,
        reconciliations=[ReconciliationFigures(reconciliation=one, matched=figures.get(one.pk, Matched())) for one in reconciliations],
        assets=_assets(reconciliations, figures=figures, ageing=ageing or ()),
        days=_days(user, reconciliations, span=span, sees_breaks=sees_breaks),
        ageing=ageing,
        load=_load(user, reconciliations, span=span, today=today) if sees_breaks else None,
        certified_days=certified_days_for(user, span=span).count(),
        account_days=sum(one.home for one in reconciliations) * sum(day < today for day in span.days),
        delivered=_delivered(user, span=span, today=today, now=now) if user.has_perm("recon.view_statement") else None,
    )


def _matched_by(reconciliations: Sequence[Reconciliation], *, span: Span) -> dict[int, Matched]:
    rows = DayFigures.objects.filter(reconciliation__in=reconciliations, day__range=(span.since, span.until)).order_by()
    summed = rows.values_list("reconciliation").annotate(**{f"sum_{name}": Sum(name) for name in MATCHED})
    return {pk: Matched(**{name: int(value) for name, value in zip(MATCHED, values, strict=True)}) for pk, *values in summed}


def _assets(reconciliations: Sequence[Reconciliation], *, figures: Mapping[int, Matched], ageing: Sequence[Ageing]) -> list[AssetFigures]:
    assets = {one.source.asset.code: one.source.asset for one in reconciliations}
    return [
        AssetFigures(
            code=code,
            scale=asset.scale,
            matched=sum_of(figures.get(one.pk, Matched()) for one in reconciliations if one.source.asset.code == code),
            at_risk_minor=sum(one.at_risk_minor for one in ageing if one.source.asset.code == code),
            put_off_minor=sum(one.put_off_minor for one in ageing if one.source.asset.code == code),
            open_breaks=sum(one.total for one in ageing if one.source.asset.code == code),
        )
        for code, asset in sorted(assets.items())
    ]


def _days(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, span: Span, sees_breaks: bool) -> list[DayMovement]:
    rows = DayFigures.objects.filter(reconciliation__in=reconciliations, day__range=(span.since, span.until)).order_by()
    dated = {row["day"]: row for row in rows.values("day").annotate(all_items=Sum("items"), by_runs=Sum("automatic"))}
    opened = _by_day(opened_in(breaks_for(user), span=span), "opened_at") if sees_breaks else {}
    resolved = _by_day(resolved_in(breaks_for(user), span=span), "resolved_at") if sees_breaks else {}
    return [
        DayMovement(
            day=day,
            items=dated[day]["all_items"] if day in dated else 0,
            automatic=dated[day]["by_runs"] if day in dated else 0,
            opened=opened.get(day, 0),
            resolved=resolved.get(day, 0),
        )
        for day in span.days
    ]


def _by_day(breaks: QuerySet[Break], instant: str) -> dict[date, int]:
    counted = breaks.order_by().annotate(at_day=TruncDate(instant)).values("at_day").annotate(n=Count("*"))
    return {row["at_day"]: row["n"] for row in counted}


def _ageing(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, today: date) -> list[Ageing]:
    since = {days: business_days_before(today, count=days) for days in BANDS[1:]}
    # What is counted is in the index of what lives, so that nothing else is read.
    older = {f"from_{days}": Count("occurred_on", filter=Q(occurred_on__lte=day)) for days, day in since.items()}
    past = Clock(today=today).due_when("breached", reconciliations=reconciliations)
    live = queue_for(user, today=today).exclude(state=BreakState.RESOLVED).order_by().values("reconciliation__source")
    sums = {"total": Count("*"), "at_risk": Sum(Abs("difference_minor")), "oldest": Min("occurred_on")}
    counted = live.annotate(**sums, past_due=Count("occurred_on", filter=past), **older)
    put_off = _put_off(user, today=today)
    of_source: dict[int, dict[str, Any]] = {row["reconciliation__source"]: dict(row) for row in counted}
    found = []
    for source in sources_for(user):
        row = of_source.get(source.pk)
        edges = [row["total"], *(row[f"from_{days}"] for days in BANDS[1:]), 0] if row else [0] * (len(BANDS) + 1)
        first, second, third, fourth = (edges[n] - edges[n + 1] for n in range(len(BANDS)))
        found.append(
            Ageing(
                source=source,
                bands=(first, second, third, fourth),
                past_due=row["past_due"] if row else 0,
                at_risk_minor=int(row["at_risk"]) if row else 0,
                oldest=row["oldest"] if row else None,
                put_off=put_off.get(source.pk, (0, 0))[0],
                put_off_minor=put_off.get(source.pk, (0, 0))[1],
            )
        )
    return sorted(found, key=lambda one: -one.total)


def _put_off(user: "AbstractUser", *, today: date) -> dict[int, tuple[int, int]]:
    """Return how many live breaks of each source are put off beyond the day, and their differences without signs."""
    live = breaks_for(user).filter(parent=None, snoozed_until__gte=today).exclude(state=BreakState.RESOLVED).order_by()
    rows = live.values_list("reconciliation__source").annotate(n=Count("*"), minor=Sum(Abs("difference_minor")))
    return {source: (n, int(minor)) for source, n, minor in rows}


def _load(user: "AbstractUser", reconciliations: Sequence[Reconciliation], *, span: Span, today: date) -> list[Load]:
    late = business_days_before(today, count=LIMIT_DAYS)
    live = queue_for(user, today=today).exclude(state=BreakState.RESOLVED).filter(assignee__isnull=False).order_by()
    who = ("assignee__username", "assignee__first_name", "assignee__last_name")
    held = live.values(*who).annotate(n=Count("*"), late=Count("occurred_on", filter=Q(occurred_on__lte=late)), oldest=Min("occurred_on"))
    made = matches_in(span=span).filter(reconciliation__in=reconciliations, made_by__isnull=False).order_by()
    by = ("made_by__username", "made_by__first_name", "made_by__last_name")
    matched = {tuple(row[:3]): row[3] for row in made.values_list(*by).annotate(n=Count("*"))}
    working = {tuple(row[name] for name in who): row for row in held}
    found = []
    for person in sorted({*working, *matched}):
        row = working.get(person)
        username, first, last = person
        found.append(
            Load(
                username=username,
                name=f"{first} {last}".strip() or username,
                live=row["n"] if row else 0,
                past_limit=row["late"] if row else 0,
                oldest=row["oldest"] if row else None,
                matches=matched.get(person, 0),
            )
        )
    return sorted(found, key=lambda one: (-one.live, one.username))


def _delivered(user: "AbstractUser", *, span: Span, today: date, now: datetime) -> list[Delivered]:
    sources = list(sources_for(user).select_related("feed"))
    states: dict[int, dict[str, int]] = {}
    for day in expected_days_for(user, span=span, today=today, now=now):
        of_source = states.setdefault(day.source.pk, {})
        of_source[day.expected.state] = of_source.get(day.expected.state, 0) + 1
    proofs: dict[int, dict[str, int]] = {}
    counted = statements_in(user, span=span).order_by().values_list("source", "proof").annotate(n=Count("*"))
    for source_id, proof, count in counted:
        proofs.setdefault(source_id, {})[proof] = count
    return [Delivered(source=one, states=states.get(one.pk, {}), proofs=proofs.get(one.pk, {})) for one in sources]
