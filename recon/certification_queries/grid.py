"""How it stands with every account and day: certified, prepared, blocked with the reason, or ready."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING
from uuid import UUID

from django.db.models import F, Min, Q, QuerySet

from approvals.models import OPEN_STATUSES, Proposal, ProposalStatus, ProposalVersion
from ledgerops.lib import money
from ledgerops.lib.calendars import business_days_apart
from ledgerops.lib.errors import Refusal, RefusalKind
from recon.day_queries import DayStanding, Rule, figures_by_day
from recon.models import (
    COUNTING_KINDS,
    Break,
    BreakState,
    Certificate,
    CertificationTerms,
    CertifiedDay,
    ProofStatus,
    Reconciliation,
    StandingGap,
    Statement,
)
from recon.queries import reconciliations_for

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

CERTIFYING = "recon.certify"


class CertificateNotFound(Refusal):
    code = "certificate_not_found"
    kind = RefusalKind.NOT_FOUND


class CellState(StrEnum):
    """How it stands with one account on one day.

    `changed` was certified, and its figures would be others today; `returned` was prepared, and its reviewer asked for changes; `before`
    comes before the first statement.
    """

    CERTIFIED = "certified"
    CHANGED = "changed"
    PREPARED = "prepared"
    RETURNED = "returned"
    BLOCKED = "blocked"
    READY = "ready"
    BEFORE = "before"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """`reason` says why a day is blocked, or what was changed since it was certified."""

    day: date
    state: CellState
    reason: str = ""
    certificate_id: UUID | None = None
    proposal_id: UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class GridRow:
    reconciliation: Reconciliation
    cells: Sequence[Cell]

    def count(self, *states: CellState) -> int:
        return sum(cell.state in states for cell in self.cells)

    @property
    def first_blocked(self) -> Cell | None:
        return next((cell for cell in self.cells if cell.state is CellState.BLOCKED), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Accounts by name, each with a cell for every day."""

    days: Sequence[date]
    rows: Sequence[GridRow]

    def count(self, *states: CellState) -> int:
        return sum(row.count(*states) for row in self.rows)


def certificates_for(user: "AbstractUser") -> QuerySet[Certificate]:
    """Return the certificates of the accounts in sight, without their packs, the latest days first."""
    seen = reconciliations_for(user).order_by().values("pk")
    around = ("reconciliation__source__asset", "reconciliation__source__account__entity", "prepared_by", "reviewed_by")
    return (
        Certificate.objects.filter(reconciliation__in=seen).select_related(*around).defer("pack", "canonical").order_by("-last_day", "-id")
    )


def certificate_for(user: "AbstractUser", *, certificate_id: UUID) -> Certificate:
    """Return one certificate.

    :raises CertificateNotFound: if it is not there for this user.
    """
    found = certificates_for(user).filter(pk=certificate_id).first()
    if found is None:
        raise CertificateNotFound("there is no such certificate in your scope")
    return found


def certificate_of_day(reconciliation: Reconciliation, *, day: date) -> Certificate | None:
    """Return the live certificate that a day belongs to."""
    days = CertifiedDay.objects.filter(reconciliation=reconciliation, day=day, withdrawn_at=None)
    return Certificate.objects.filter(pk__in=days.values("certificate")).select_related("prepared_by", "reviewed_by").defer("pack").first()


def request_of_day(reconciliation: Reconciliation, *, day: date) -> Proposal | None:
    """Return the open proposal that asks for a certificate of a day."""
    return next((one.proposal for one in _requests([reconciliation]) if _covers(one, day)), None)


def open_requests(reconciliation: Reconciliation) -> list[tuple[Proposal, date, date]]:
    """Return the open proposals for certificates of a reconciliation, each with its first and its last day."""
    return [(one.proposal, *_period(one)) for one in _requests([reconciliation])]


def grid_for(user: "AbstractUser", *, since: date, until: date, source: str = "", state: str = "") -> Grid:
    """Return how it stands with the accounts in sight on the days from `since` to `until`, at a cost that does not grow with their number.

    With `state` only accounts with such a day are shown.
    """
    homes = reconciliations_for(user).filter(home=True).annotate(begins=Min("source__statements__closing_date"))
    shown = list(homes.filter(source__code=source) if source else homes)
    days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
    known = _Known.of(shown, since=since, until=until)
    rows = [GridRow(reconciliation=one, cells=[_cell(one, day, known=known) for day in days]) for one in shown]
    return Grid(days=days, rows=[row for row in rows if not state or row.count(CellState(state))])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """The live breaks of a reconciliation: since when there are any, and since when some have no owner."""

    oldest: date
    unowned_since: date | None
    break_days: int
    owners_required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What all cells are told from, read once for all of them."""

    figures: Mapping[int, Mapping[date, DayStanding]]
    certified: Mapping[tuple[int, date], CertifiedDay]
    requests: Sequence[ProposalVersion]
    statements: Mapping[tuple[int, date], str]
    breaks: Mapping[int, _Waiting]

    @classmethod
    def of(cls, reconciliations: Sequence[Reconciliation], *, since: date, until: date) -> "_Known":
        live = CertifiedDay.objects.filter(reconciliation__in=reconciliations, day__range=(since, until), withdrawn_at=None)
        return cls(
            figures=figures_by_day(reconciliations, since=since, until=until),
            certified={(one.reconciliation_id, one.day): one for one in live},
            requests=_requests(reconciliations),
            statements=_wrong_statements(reconciliations, since=since, until=until),
            breaks=_waiting(reconciliations, until=until),
        )


def _cell(reconciliation: Reconciliation, day: date, *, known: _Known) -> Cell:
    figures = known.figures[reconciliation.pk][day]
    certified = known.certified.get((reconciliation.pk, day))
    if certified is not None:
        changed = _changed(certified, figures)
        state = CellState.CHANGED if changed else CellState.CERTIFIED
        return Cell(day=day, state=state, reason=changed, certificate_id=certified.certificate_id)
    request = next((one for one in known.requests if one.payload["reconciliation"] == reconciliation.pk and _covers(one, day)), None)
    if request is not None:
        state = CellState.RETURNED if request.proposal.status == ProposalStatus.CHANGES_REQUESTED else CellState.PREPARED
        return Cell(day=day, state=state, proposal_id=request.proposal_id)
    if vars(reconciliation)["begins"] is None or day < vars(reconciliation)["begins"]:
        return Cell(day=day, state=CellState.BEFORE)
    reason = _why_blocked(reconciliation, figures, known=known)
    return Cell(day=day, state=CellState.BLOCKED if reason else CellState.READY, reason=reason)


def _changed(certified: CertifiedDay, figures: DayStanding) -> str:
    told = (certified.ledger_minor, certified.external_minor, certified.open_minor)
    now = (figures.ledger_minor, figures.external.minor, figures.open_minor + figures.uncompared_minor)
    words = ("the ledger", "the source's balance", "what is open")
    return next((f"{word} has changed after sign-off" for word, was, is_ in zip(words, told, now, strict=True) if was != is_), "")


def _why_blocked(reconciliation: Reconciliation, figures: DayStanding, *, known: _Known) -> str:
    """Return the first reason, in the order in which it would be seen to; the whole list stands on the page of the day."""
    asset, waiting = reconciliation.source.asset, known.breaks.get(reconciliation.pk)
    wrong = known.statements.get((reconciliation.source_id, figures.day), "")
    unexplained = f"{money.grouped(figures.unexplained_minor or 0, scale=asset.scale, signed=True)} {asset.code} unexplained"
    reasons = (
        (figures.external.rule is Rule.NONE, "no balance of the day"),
        (bool(wrong), wrong),
        (bool(figures.unexplained_minor), unexplained),
        (bool(figures.uncompared_minor), "posted, and not compared yet"),
        (waiting is not None, _why_waiting(waiting, day=figures.day, calendar=reconciliation.calendar)),
    )
    return next((why for holds, why in reasons if holds and why), "")


def _why_waiting(waiting: _Waiting | None, *, day: date, calendar: str) -> str:
    if waiting is not None and business_days_apart(waiting.oldest, day, calendar=calendar) > waiting.break_days:
        return f"a live break is older than {waiting.break_days} business days"
    unowned = waiting is not None and waiting.owners_required and waiting.unowned_since is not None and waiting.unowned_since <= day
    return "a live break has no owner" if unowned else ""


def _wrong_statements(reconciliations: Sequence[Reconciliation], *, since: date, until: date) -> dict[tuple[int, date], str]:
    sources = [one.source_id for one in reconciliations]
    unproven = Statement.objects.counting().filter(source__in=sources, closing_date__range=(since, until), proof=ProofStatus.UNPROVEN)
    wrong = dict.fromkeys(unproven.values_list("source", "closing_date"), "the statement does not prove itself")
    gaps = StandingGap.objects.filter(statement__source__in=sources, statement__closing_date__range=(since, until))
    counting = gaps.filter(statement__kind__in=COUNTING_KINDS, statement__superseded_by=None)
    return dict.fromkeys(counting.values_list("statement__source", "statement__closing_date"), "a gap before the statement") | wrong


def _waiting(reconciliations: Sequence[Reconciliation], *, until: date) -> dict[int, _Waiting]:
    terms = {one.pk: one for one in CertificationTerms.objects.filter(pk__in=[each.pk for each in reconciliations])}
    live = Break.objects.filter(reconciliation__in=reconciliations, occurred_on__lte=until).exclude(state=BreakState.RESOLVED)
    nobody = Q(assignee=None)
    counted = live.order_by().values_list("reconciliation").annotate(oldest=Min("occurred_on"), since=Min("occurred_on", filter=nobody))
    return {
        pk: _Waiting(
            oldest=oldest,
            unowned_since=since,
            break_days=terms.get(pk, CertificationTerms()).break_days,
            owners_required=terms.get(pk, CertificationTerms()).owners_required,
        )
        for pk, oldest, since in counted
    }


def _requests(reconciliations: Sequence[Reconciliation]) -> list[ProposalVersion]:
    targets = [one.source.account.code for one in reconciliations]
    waiting = ProposalVersion.objects.filter(
        proposal__kind=CERTIFYING,
        proposal__status__in=OPEN_STATUSES,
        proposal__target_id__in=targets,
        n=F("proposal__current_version"),
    )
    return list(waiting.select_related("proposal__maker").order_by("proposal__number"))


def _period(version: ProposalVersion) -> tuple[date, date]:
    return date.fromisoformat(version.payload["first_day"]), date.fromisoformat(version.payload["last_day"])


def _covers(version: ProposalVersion, day: date) -> bool:
    first, last = _period(version)
    return first <= day <= last
