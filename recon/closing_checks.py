"""What reconciliation asks before a period of the books closes."""

from collections.abc import Mapping
from datetime import date, timedelta

from django.db.models import Count, Max, Min, Q

from ledger.models import AccountingPeriod
from ledger.operations.closing_checks import CheckResult, CheckSeverity, Found, first_of, register_closing_check, several
from ledgerops.lib import money
from ledgerops.lib.calendars import SATURDAY
from ledgerops.lib.transactions import database_now
from recon import feed_calendar
from recon.models import Break, BreakState, CertifiedDay, Feed, ProofStatus, Reconciliation, Source, Statement
from recon.queries import standings_of

NAMED = 5


def statements(period: AccountingPeriod) -> CheckResult:
    """Find sources whose statements do not prove the period up to its last business day; one that began later is none of it."""
    last = _last_business_day(period)
    sources = (
        Source.objects.filter(account__entity=period.entity_id)
        .select_related("account")
        .annotate(
            first=Min("statements__closing_date"),
            through=Max("statements__closing_date", filter=Q(statements__closing_date__lte=period.ends_on)),
        )
    )
    begun = [one for one in sources.order_by("code") if one.first is None or one.first <= period.ends_on]
    lacking = _behind({one.pk: one.through for one in begun}, period=period, last=last)
    missing = [one for one in begun if one.pk in lacking]
    unproven, named = first_of(
        Statement.objects.filter(Q(proof=ProofStatus.UNPROVEN) | ~Q(gap_minor=None) & ~Q(gap_minor=0))
        .filter(source__account__entity=period.entity_id, closing_date__gte=period.starts_on, closing_date__lte=period.ends_on)
        .select_related("source")
        .order_by("closing_date", "id")
    )
    said = [several(unproven, "statement") + " unproven or after a gap"] if unproven else []
    said += [f"{several(len(missing), 'source')} without a statement through {last}"] if missing else []
    return CheckResult(
        passed=not said,
        sentence="; ".join(said) or f"{several(len(begun), 'source')} proven through {last}",
        found=[
            *(
                Found(text=f"{one.name}, last {one.through or 'never'}", target_type="ledger.account", target_id=one.account.code)
                for one in missing[:NAMED]
            ),
            *(Found(text=f"{one.source.name}, {one.closing_date}", target_type="recon.statement", target_id=str(one.pk)) for one in named),
        ],
    )


def _behind(sources: Mapping[int, date | None], *, period: AccountingPeriod, last: date) -> set[int]:
    """Return which sources lack a day of the period: one that is expected and not waived, or else the last business day.

    `sources` gives the latest closing date of each up to the end of the period.
    """
    feeds = list(Feed.objects.filter(source__in=sources))
    days = feed_calendar.days_of(feeds, since=period.starts_on, until=period.ends_on, now=database_now())
    lacking = {source for source, expected in days.items() if any(day.statement is None and day.waiver is None for day in expected)}
    return lacking | {source for source, through in sources.items() if source not in days and (through is None or through < last)}


def unexplained(period: AccountingPeriod) -> CheckResult:
    """Find reconciliations in which neither open items nor postings to come explain how the two sides differ."""
    of_entity = Reconciliation.objects.filter(source__account__entity=period.entity_id, home=True)
    standings = standings_of(list(of_entity.select_related("source__asset", "source__account__balance").order_by("name")))
    wrong = [one for one in standings if one.unexplained_minor]
    return CheckResult(
        passed=not wrong,
        sentence=f"{several(len(wrong), 'reconciliation')} with an unexplained difference" if wrong else "Every difference is explained",
        found=[
            Found(
                text=f"{one.reconciliation.name}: "
                f"{money.grouped(one.unexplained_minor or 0, scale=one.reconciliation.source.asset.scale, signed=True)} "
                f"{one.reconciliation.source.asset.code}",
                target_type="ledger.account",
                target_id=one.reconciliation.source.account.code,
            )
            for one in wrong[:NAMED]
        ],
    )


def open_breaks(period: AccountingPeriod) -> CheckResult:
    waiting = Break.objects.filter(reconciliation__source__account__entity=period.entity_id, occurred_on__lte=period.ends_on).exclude(
        state=BreakState.RESOLVED
    )
    count, named = first_of(waiting.order_by("occurred_on", "number"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'break')} of its days or before open" if count else "No break of its days or before is open",
        found=[
            Found(text=f"{one.public_number}, {one.get_type_display()}", target_type="recon.break", target_id=str(one.pk)) for one in named
        ],
    )


def certificates(period: AccountingPeriod) -> CheckResult:
    """Find accounts of sources of which a day of the period, up to its last business day, is not certified; later ones have none."""
    last = _last_business_day(period)
    begins = Source.objects.filter(account__entity=period.entity_id).annotate(first=Min("statements__closing_date"))
    begun = list(begins.filter(first__lte=last).select_related("account").order_by("account__code"))
    live = CertifiedDay.objects.filter(reconciliation__source__in=begun, reconciliation__home=True, withdrawn_at=None)
    of_period = live.filter(day__range=(period.starts_on, last)).order_by().values_list("reconciliation__source")
    certified = dict(of_period.annotate(days=Count("pk")))
    lacking = [
        (one, missing)
        for one in begun
        if (missing := (last - max(period.starts_on, vars(one)["first"])).days + 1 - certified.get(one.pk, 0)) > 0
    ]
    return CheckResult(
        passed=not lacking,
        sentence=f"{several(len(lacking), 'account')} not certified through {last}"
        if lacking
        else f"Every account is certified through {last}",
        found=[
            Found(
                text=f"{one.account.code} {one.name}: {several(days, 'day')}", target_type="recon.account_day", target_id=one.account.code
            )
            for one, days in lacking[:NAMED]
        ],
    )


def _last_business_day(period: AccountingPeriod) -> date:
    last = period.ends_on
    while last.weekday() >= SATURDAY:
        last -= timedelta(days=1)
    return last


def register() -> None:
    """Add these checks to every checklist."""
    register_closing_check("statements", CheckSeverity.BLOCKER, "Statements", statements)
    register_closing_check("unexplained", CheckSeverity.BLOCKER, "Unexplained difference", unexplained)
    register_closing_check("certificates", CheckSeverity.WARNING, "Certificates", certificates)
    register_closing_check("open_breaks", CheckSeverity.WARNING, "Open breaks", open_breaks)
