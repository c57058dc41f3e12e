"""What keeps days of an account from being certified, each with what it rests on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Q

from approvals.models import Proposal
from ledger.models import Account, Posting
from ledgerops.lib import money
from ledgerops.lib.calendars import business_days_apart
from ledgerops.lib.transactions import database_now
from recon import feed_calendar
from recon.day_queries import DayStanding, Rule
from recon.due import OUTSTANDING, DayState
from recon.models import (
    Break,
    BreakState,
    CertificationTerms,
    CertifiedDay,
    Feed,
    ProofStatus,
    Reconciliation,
    StandingGap,
    Statement,
)

NAMED = 3
NOT_COME = OUTSTANDING | {DayState.DUE, DayState.EXPECTED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocker:
    """One reason. `kind` is for programs; `day` is the first day that it is about, `target_type` and `target_id` what it rests on."""

    kind: str
    sentence: str
    day: date | None = None
    target_type: str = ""
    target_id: str = ""


def terms_of(reconciliation: Reconciliation) -> CertificationTerms:
    """Return which live breaks keep a day from being certified: what was set, else the defaults."""
    return CertificationTerms.objects.filter(pk=reconciliation.pk).first() or CertificationTerms(reconciliation=reconciliation)


def made_entries(*, account: Account, person_id: int, first_day: date, last_day: date) -> int:
    """Return how many entries a person made on an account in some days: posted themselves, or proposed."""
    made = Posting.objects.filter(account=account, effective_date__range=(first_day, last_day))
    proposed = Proposal.objects.filter(maker=person_id).values("pk")
    own = Q(entry__proposal_id=None, entry__actor_id=person_id) | Q(entry__proposal_id__in=proposed)
    return made.filter(own).values("entry").distinct().count()


def blockers_of(reconciliation: Reconciliation, *, days: Sequence[DayStanding], terms: CertificationTerms | None = None) -> list[Blocker]:
    """Return what keeps consecutive days from being certified, as things stand; `days` are their figures, first to last."""
    first, last = days[0].day, days[-1].day
    return [
        *_certified(reconciliation, first=first, last=last),
        *_missing(reconciliation, days=days),
        *_statements(reconciliation, first=first, last=last),
        *_figures(reconciliation, days=days),
        *_breaks(reconciliation, last=last, terms=terms or terms_of(reconciliation)),
    ]


def _certified(reconciliation: Reconciliation, *, first: date, last: date) -> Iterator[Blocker]:
    known = CertifiedDay.objects.filter(reconciliation=reconciliation, day__range=(first, last), withdrawn_at=None).order_by("day").first()
    if known is not None:
        yield Blocker(
            kind="certified",
            sentence=f"{known.day} is certified already",
            day=known.day,
            target_type="recon.certificate",
            target_id=str(known.certificate_id),
        )


def _missing(reconciliation: Reconciliation, *, days: Sequence[DayStanding]) -> Iterator[Blocker]:
    source = reconciliation.source
    feed = Feed.objects.filter(source=source).first()
    expected = (
        feed_calendar.days_of([feed], since=days[0].day, until=days[-1].day, now=database_now())[source.pk] if feed is not None else []
    )
    missing = [one.day for one in expected if one.state in NOT_COME and one.statement is None and one.waiver is None]
    if missing:
        yield Blocker(
            kind="missing_day",
            sentence=f"the report on {_named(missing)} has not come",
            day=missing[0],
            target_type="recon.source",
            target_id=source.code,
        )
    unknown = [one.day for one in days if one.external.rule is Rule.NONE and one.day not in missing]
    if unknown:
        sentence = f"{source.name} has said no balance for {_named(unknown)}: neither what it closed with nor what the next day opened with"
        yield Blocker(kind="no_balance", sentence=sentence, day=unknown[0], target_type="recon.source", target_id=source.code)


def _statements(reconciliation: Reconciliation, *, first: date, last: date) -> Iterator[Blocker]:
    of_days = Statement.objects.counting().filter(source=reconciliation.source_id, closing_date__range=(first, last))
    unproven = of_days.filter(proof=ProofStatus.UNPROVEN).order_by("closing_date", "pk").first()
    if unproven is not None:
        yield Blocker(
            kind="unproven",
            sentence=f"the statement of {unproven.closing_date} does not prove itself",
            day=unproven.closing_date,
            target_type="recon.statement",
            target_id=str(unproven.pk),
        )
    gaps = StandingGap.objects.filter(statement__in=of_days.values("pk")).select_related("statement")
    gap = gaps.order_by("statement__closing_date", "statement").first()
    if gap is not None:
        yield Blocker(
            kind="gap",
            sentence=f"the statement of {gap.statement.closing_date} does not go on from the one before it",
            day=gap.statement.closing_date,
            target_type="recon.statement",
            target_id=str(gap.statement_id),
        )


def _figures(reconciliation: Reconciliation, *, days: Sequence[DayStanding]) -> Iterator[Blocker]:
    account, asset = reconciliation.source.account, reconciliation.source.asset
    wrong = next((one for one in days if one.unexplained_minor), None)
    if wrong is not None:
        said = money.grouped(wrong.unexplained_minor or 0, scale=asset.scale, signed=True)
        yield Blocker(
            kind="unexplained",
            sentence=f"{said} {asset.code} are unexplained on {wrong.day}",
            day=wrong.day,
            target_type="ledger.account",
            target_id=account.code,
        )
    new = next((one for one in days if one.uncompared_minor), None)
    if new is not None:
        yield Blocker(
            kind="uncompared",
            sentence="something was posted that no run has compared yet",
            day=new.day,
            target_type="recon.reconciliation",
            target_id=str(reconciliation.pk),
        )


def _breaks(reconciliation: Reconciliation, *, last: date, terms: CertificationTerms) -> Iterator[Blocker]:
    live = Break.objects.filter(reconciliation=reconciliation, occurred_on__lte=last).exclude(state=BreakState.RESOLVED)
    waiting = list(live.order_by("occurred_on", "number"))
    old = [one for one in waiting if business_days_apart(one.occurred_on, last, calendar=reconciliation.calendar) > terms.break_days]
    if old:
        sentence = f"{_several(len(old))} older than {terms.break_days} business days: {_numbers(old)}"
        yield Blocker(kind="old_break", sentence=sentence, day=old[0].occurred_on, target_type="recon.break", target_id=str(old[0].pk))
    unowned = [one for one in waiting if one.assignee_id is None] if terms.owners_required else []
    if unowned:
        sentence = f"{_several(len(unowned))} without an owner: {_numbers(unowned)}"
        first = unowned[0]
        yield Blocker(kind="unowned_break", sentence=sentence, day=first.occurred_on, target_type="recon.break", target_id=str(first.pk))


def _several(count: int) -> str:
    return f"{count:,} live break is" if count == 1 else f"{count:,} live breaks are"


def _numbers(breaks: Sequence[Break]) -> str:
    more = f" and {len(breaks) - NAMED} more" if len(breaks) > NAMED else ""
    return ", ".join(one.public_number for one in breaks[:NAMED]) + more


def _named(days: Sequence[date]) -> str:
    more = f" and {len(days) - NAMED} more days" if len(days) > NAMED else ""
    return ", ".join(day.isoformat() for day in days[:NAMED]) + more


def days_between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]
