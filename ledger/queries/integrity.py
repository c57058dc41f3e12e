"""Reading what the integrity checker found, and how an account's derived figures stand beside their postings."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from django.db import connection
from django.db.models import Count, Exists, Q, QuerySet

from ledger.models import Account, IntegrityFinding, IntegrityRun, JournalEntry
from ledger.queries import accounts_for, entities_for
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.sql import ClockTimestamp
from ledgerops.runtime.models import Function, Switch

if TYPE_CHECKING:
    from django.contrib.auth.models import AbstractUser

# The beat is a minute; three without a look is a checker that does not run.
LATE = timedelta(minutes=3)


class FindingNotFound(Refusal):
    code = "integrity_finding_not_found"
    kind = RefusalKind.NOT_FOUND


class IntegrityRunNotFound(Refusal):
    code = "integrity_run_not_found"
    kind = RefusalKind.NOT_FOUND


def findings_for(user: "AbstractUser") -> QuerySet[IntegrityFinding]:
    """Return the findings about accounts in the user's sight, newest first; those about more than one account are for who sees them all."""
    seen = accounts_for(user).order_by().values("pk")
    unseen = Account.objects.exclude(pk__in=seen).order_by()
    found = IntegrityFinding.objects.filter(Q(account__in=seen) | Q(account=None) & ~Exists(unseen))
    return found.select_related("account__asset", "first_run").order_by("-id")


def finding_for(user: "AbstractUser", *, finding_id: UUID) -> IntegrityFinding:
    """Return one finding.

    :raises FindingNotFound: if it does not exist or is about what the user has no sight of.
    """
    finding = findings_for(user).filter(pk=finding_id).first()
    if finding is None:
        raise FindingNotFound("there is no such finding in your scope")
    return finding


def integrity_runs(user: "AbstractUser") -> QuerySet[IntegrityRun]:
    """Return the examinations worth a row: the full ones, and the minute's that found something. They say how many, not what."""
    runs = IntegrityRun.objects.filter(Q(full=True) | Q(findings_count__gt=0)).order_by("-id")
    return runs if entities_for(user).exists() else runs.none()


def integrity_run(user: "AbstractUser", *, run_id: UUID) -> IntegrityRun:
    """Return one examination, of either kind.

    :raises IntegrityRunNotFound: if it does not exist, or the user has no sight of any entity.
    """
    run = IntegrityRun.objects.filter(pk=run_id).first() if entities_for(user).exists() else None
    if run is None:
        raise IntegrityRunNotFound("there is no such examination")
    return run


def ended_well(run: IntegrityRun) -> bool:
    """Return whether a run has been through all of its checks."""
    return run.finished_at is not None and all(step["state"] == "done" for step in run.progress)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """How far the standing proof of the books is: until when they were looked at, and what is open."""

    checked_until: datetime | None
    lag_seconds: int | None
    late: bool
    open_findings: int
    last_full: IntegrityRun | None
    active: IntegrityRun | None


def proof_for(user: "AbstractUser") -> Proof:
    """Return the state of the standing proof; findings are counted as far as the user sees."""
    minutes = IntegrityRun.objects.filter(full=False, finished_at__isnull=False).order_by("-id").values("pk")[:3]
    wholes = IntegrityRun.objects.filter(full=True).order_by("-id").values("pk")[:5]
    runs = list(IntegrityRun.objects.filter(Q(pk__in=minutes) | Q(pk__in=wholes)).annotate(now=ClockTimestamp()).order_by("-id"))
    fulls = [run for run in runs if run.full]
    looked = next((run for run in runs if not run.full and ended_well(run)), None)
    last_full = next((run for run in fulls if ended_well(run)), None)
    until = max((run.started_at for run in (looked, last_full) if run is not None), default=None)
    lag = None if until is None else runs[0].now - until
    return Proof(
        checked_until=until,
        lag_seconds=None if lag is None else max(int(lag.total_seconds()), 0),
        late=lag is None or lag > LATE,
        open_findings=findings_for(user).filter(resolved_at=None).count(),
        last_full=last_full,
        active=next((run for run in fulls if run.finished_at is None), None),
    )


def open_findings_by_check(user: "AbstractUser") -> dict[str, int]:
    """Return how many open findings each check has, of those the user sees."""
    counted = findings_for(user).filter(resolved_at=None).order_by().values("check_name").annotate(n=Count("pk"))
    return {row["check_name"]: row["n"] for row in counted}


def objects_looked_at(run: IntegrityRun | None) -> dict[str, int]:
    """Return how many objects each check of a run has looked at."""
    return {step["check"]: step["objects"] for step in run.progress if step["state"] == "done"} if run else {}


def entry_of(finding: IntegrityFinding) -> JournalEntry | None:
    """Return the entry that a finding is about, if it is about one that is there."""
    if finding.object_type not in ("ledger.journal_entry", "ledger.posting", "ledger.transaction"):
        return None
    return JournalEntry.objects.filter(pk=finding.object_id.partition("/")[0]).first()


def stops_about(finding: IntegrityFinding) -> list[Switch]:
    """Return what stops posting because of a finding: switches still set for its reason or on its account."""
    about = Q(reason=finding.sentence)
    if finding.account is not None:
        about |= Q(scope=f"account:{finding.account.code}")
    return list(Switch.objects.filter(about, function=Function.POSTING, lifted_at=None).order_by("scope"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One derived figure of an account: as it is stored and as its postings and holds say. Amounts in minor units, counts as they are."""

    name: str
    word: str
    stored: int
    derived: int
    is_amount: bool

    @property
    def difference(self) -> int:
        return self.stored - self.derived


_FIGURES = (
    ("debits", "Posted debits", True),
    ("credits", "Posted credits", True),
    ("version", "Postings", False),
    ("pending_debits", "Pending debits", True),
    ("pending_credits", "Pending credits", True),
    ("days", "Days that differ", False),
)
_STORED_AND_DERIVED = """
    WITH placed AS (
        SELECT p.effective_date, CASE p.direction WHEN 'debit' THEN p.amount_minor ELSE 0 END AS debit,
               CASE p.direction WHEN 'debit' THEN 0 ELSE p.amount_minor END AS credit
        FROM ledger_posting p WHERE p.account_id = %(account)s
          AND NOT EXISTS (SELECT 1 FROM ledger_posting_tail t WHERE t.entry_id = p.entry_id AND t.line = p.line)
    ), days AS (
        SELECT effective_date, sum(debit) AS debits, sum(credit) AS credits, count(*) AS n FROM placed GROUP BY effective_date
    )
    SELECT b.posted_debits_minor, coalesce(s.debits, 0), b.posted_credits_minor, coalesce(s.credits, 0), b.version, coalesce(s.n, 0),
           b.pending_debits_minor, coalesce(h.debits, 0), b.pending_credits_minor, coalesce(h.credits, 0), d.differ, 0
    FROM ledger_balance b
    CROSS JOIN (SELECT sum(debits) AS debits, sum(credits) AS credits, sum(n) AS n FROM days) s
    CROSS JOIN (
        SELECT sum(amount_minor - captured_minor - released_minor) FILTER (WHERE direction = 'debit') AS debits,
               sum(amount_minor - captured_minor - released_minor) FILTER (WHERE direction = 'credit') AS credits
        FROM ledger_hold WHERE account_id = %(account)s AND closed_at IS NULL) h
    CROSS JOIN (
        SELECT count(*) AS differ FROM days
        FULL JOIN (SELECT * FROM ledger_day_delta WHERE account_id = %(account)s) stored USING (effective_date)
        WHERE (days.debits, days.credits, days.n) IS DISTINCT FROM (stored.debits_minor, stored.credits_minor, stored.postings)) d
    WHERE b.account_id = %(account)s
"""


def derived_figures(account: Account) -> Sequence[Figure]:
    """Return an account's stored figures beside what rebuilding would make of them, read in one view of the books."""
    with connection.cursor() as cursor:
        cursor.execute(_STORED_AND_DERIVED, {"account": account.pk})
        values = [int(value) for value in cursor.fetchone()]
    return [
        Figure(name=name, word=word, stored=values[2 * n], derived=values[2 * n + 1], is_amount=is_amount)
        for n, (name, word, is_amount) in enumerate(_FIGURES)
    ]
