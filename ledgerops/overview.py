"""What the overview shows: the state of today, gathered from every app and only as far as the reader sees."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Count, OuterRef, Q, Subquery
from django.urls import reverse
from django.utils.http import urlencode

from approvals import queries as approvals
from approvals.models import Proposal, User
from ledger import queries as ledger
from ledger.models import AccountingPeriod
from ledger.queries import PostedSums
from ledger.queries import integrity as ledger_integrity
from ledgerops.lib.calendars import business_days_between
from recon import break_queries, feeds
from recon import queries as recon
from recon.break_queries import BreakFigures
from recon.feeds import Feed
from recon.models import Break, BreakState, CertifiedDay, Run, Source
from recon.queries import Standing

RUNS_DRAWN = 30
DAYS_DRAWN = 22
QUEUE_SHOWN = 6
# Percent of what runs compare that should find its match without a person.
MATCH_TARGET = 97.5
BANDS = 4
# The last day of each reconciliation that two people have signed.
CERTIFIED_THROUGH = CertifiedDay.objects.filter(reconciliation=OuterRef("pk"), withdrawn_at=None).order_by("-day").values("day")[:1]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatCell:
    count: int
    href: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """A source's live breaks by age; each cell leads to them."""

    source: Source
    cells: Sequence[HeatCell]
    total: HeatCell


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchRate:
    """How much of the latest runs' comparisons found its match: per run, oldest first, and over all of them."""

    points: Sequence[tuple[str, float]]
    overall: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Days:
    """Breaks by the day of their movement: how many came up and how many of those are resolved."""

    points: Sequence[tuple[str, int, int]]
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Breaks:
    """What the reader's breaks look like today."""

    figures: BreakFigures
    heat: Sequence[HeatRow]
    highest: int
    days: Days
    mine: Sequence[tuple[Break, int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deliveries:
    feeds: Sequence[Feed]

    @property
    def arrived(self) -> int:
        return sum(feed.state not in ("late", "nothing") for feed in self.feeds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Each part is None where the reader's roles do not include it."""

    today: date
    period: AccountingPeriod | None
    breaks: Breaks | None
    match_rate: MatchRate | None
    deliveries: Deliveries | None
    standings: Sequence[Standing] | None
    posted: Sequence[PostedSums] | None
    whole_books: bool
    decidable: Sequence[Proposal] | None
    proof: ledger_integrity.Proof | None


def overview_of(user: User, *, today: date) -> Overview:
    """Return the state of today as far as this user's roles and scopes reach."""
    sees_breaks, sees_runs = user.has_perm("recon.view_break"), user.has_perm("recon.view_run")
    sees_balance = user.has_perm("ledger.view_trial_balance")
    homes = recon.reconciliations_for(user).filter(home=True).annotate(certified_through=Subquery(CERTIFIED_THROUGH))
    reconciliations = list(homes) if sees_breaks else []
    posted = ledger.posted_sums_for(user) if sees_balance else None
    return Overview(
        today=today,
        period=ledger.periods_for(user).filter(starts_on__lte=today, ends_on__gte=today).first(),
        breaks=_breaks(user, sources=[one.source for one in reconciliations], today=today) if sees_breaks else None,
        match_rate=_match_rate(break_queries.completed_runs(user, count=RUNS_DRAWN)) if sees_runs else None,
        deliveries=Deliveries(feeds=feeds.feeds_for(user, today=today)) if user.has_perm("recon.view_statement") else None,
        standings=recon.standings_of(reconciliations) if sees_breaks else None,
        posted=posted,
        # Sums that agree need no excuse.
        whole_books=not any(one.difference_minor for one in posted or ()) or ledger.sees_whole_books(user),
        decidable=list(approvals.decidable_by(user)[:QUEUE_SHOWN]) if user.has_perm("approvals.decide_proposal") else None,
        proof=ledger_integrity.proof_for(user) if user.has_perm("ledger.view_integrityrun") else None,
    )


def active_runs(user: User) -> Sequence[Run]:
    """Return the runs that wait or work now; none for a reader who may not see runs."""
    return list(feeds.active_runs_for(user)) if user.has_perm("recon.view_run") else []


def _breaks(user: User, *, sources: Sequence[Source], today: date) -> Breaks:
    figures = break_queries.break_figures_by_source(user, today=today)
    heat = _heat(figures, sources=sources)
    live = break_queries.queue_for(user).exclude(state=BreakState.RESOLVED)
    mine = [(one, business_days_between(one.occurred_on, today)) for one in live.filter(assignee=user)[:QUEUE_SHOWN]]
    return Breaks(
        figures=break_queries.together(figures.values()),
        heat=heat,
        highest=max((cell.count for row in heat for cell in row.cells), default=0),
        days=_days(user, today=today),
        mine=mine,
    )


def _heat(figures: Mapping[int, BreakFigures], *, sources: Sequence[Source]) -> list[HeatRow]:
    rows = []
    for source in sources:
        of_source = figures[source.pk].ages if source.pk in figures else [0] * BANDS
        cells = [HeatCell(count=count, href=_breaks_at(source=source.code, age=str(n))) for n, count in enumerate(of_source, start=1)]
        rows.append(HeatRow(source=source, cells=cells, total=HeatCell(count=sum(of_source), href=_breaks_at(source=source.code))))
    return sorted(rows, key=lambda row: -row.total.count)


def _breaks_at(**filters: str) -> str:
    return f"{reverse('recon:breaks')}?{urlencode(filters)}"


def _days(user: User, *, today: date) -> Days:
    """Return the latest business days, and the others on which something came up."""
    since = today - timedelta(days=DAYS_DRAWN * 7 // 5)
    resolved = Count("pk", filter=Q(state=BreakState.RESOLVED))
    counted = recon.breaks_for(user).filter(occurred_on__gt=since, occurred_on__lte=today).order_by().values("occurred_on")
    by_day = {row["occurred_on"]: (row["n"], row["resolved"]) for row in counted.annotate(n=Count("pk"), resolved=resolved)}
    days = [since + timedelta(days=n) for n in range(1, (today - since).days + 1)]
    shown = [day for day in days if day in by_day or business_days_between(day - timedelta(days=1), day)]
    points = [(f"{day:%-d %b}", *by_day.get(day, (0, 0))) for day in shown]
    return Days(points=points if by_day else [], left=sum(up - down for _, up, down in points))


def _match_rate(newest_first: Sequence[Run]) -> MatchRate:
    runs = [run for run in reversed(newest_first) if run.matches_made + run.breaks_opened]
    matched, opened = sum(run.matches_made for run in runs), sum(run.breaks_opened for run in runs)
    points = [(f"run {run.number}", round(100 * run.matches_made / (run.matches_made + run.breaks_opened), 1)) for run in runs]
    return MatchRate(points=points, overall=round(100 * matched / (matched + opened), 1) if runs else 0.0)
