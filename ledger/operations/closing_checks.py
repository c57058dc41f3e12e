"""What must hold before a period closes. Apps above register their own checks: they know the books, the books do not know them.

A blocker refuses the close. A warning may be passed over by somebody who says why; what they said is kept with the close.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet, Sum, Window

from approvals.models import OPEN_STATUSES, ProposalVersion
from ledger.models import (
    AccountingPeriod,
    Alert,
    AlertKind,
    DayDelta,
    Hold,
    IntegrityFinding,
    PeriodStatus,
    PostingTail,
    Transaction,
    TransactionStatus,
)
from ledgerops.lib import money

# How many things an item names; how many there are stands in its sentence.
NAMED = 5
CLOSING_TARGET = "ledger.period"


class CheckSeverity(StrEnum):
    BLOCKER = "blocker"
    WARNING = "warning"


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One thing that an item rests on; its target leads to the page that shows it."""

    text: str
    target_type: str = ""
    target_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    passed: bool
    sentence: str
    found: Sequence[Found] = ()


Check = Callable[[AccountingPeriod], CheckResult]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecklistItem:
    """One check as it came out, with the reason for passing it over where it warned."""

    name: str
    label: str
    severity: CheckSeverity
    result: CheckResult
    reason: str = ""

    @property
    def blocks(self) -> bool:
        return not self.result.passed and self.severity == CheckSeverity.BLOCKER

    @property
    def warns(self) -> bool:
        return not self.result.passed and self.severity == CheckSeverity.WARNING


_CHECKS: dict[str, tuple[CheckSeverity, str, Check]] = {}


def register_closing_check(name: str, severity: CheckSeverity, label: str, check: Check) -> None:
    """Add a check to every checklist, after those that are there."""
    assert name not in _CHECKS, f"two closing checks are named {name}"
    _CHECKS[name] = (severity, label, check)


def checklist_of(period: AccountingPeriod, *, reasons: Mapping[str, str] | None = None) -> list[ChecklistItem]:
    """Return every check as it stands now: blockers before warnings, otherwise in the order of registration."""
    said = reasons or {}
    items = [
        ChecklistItem(name=name, label=label, severity=severity, result=result, reason="" if result.passed else said.get(name, ""))
        for name, (severity, label, check) in _CHECKS.items()
        for result in [check(period)]
    ]
    return sorted(items, key=lambda item: item.severity != CheckSeverity.BLOCKER)


def as_json(items: Sequence[ChecklistItem]) -> list[dict[str, Any]]:
    """Return a checklist as a close keeps it."""
    return [
        {
            "name": item.name,
            "label": item.label,
            "severity": item.severity,
            "passed": item.result.passed,
            "sentence": item.result.sentence,
            "reason": item.reason,
            "found": [{"text": one.text, "target_type": one.target_type, "target_id": one.target_id} for one in item.result.found],
        }
        for item in items
    ]


def from_json(kept: Sequence[Mapping[str, Any]]) -> list[ChecklistItem]:
    """Return the checklist that a close kept."""
    return [
        ChecklistItem(
            name=item["name"],
            label=item["label"],
            severity=CheckSeverity(item["severity"]),
            result=CheckResult(passed=item["passed"], sentence=item["sentence"], found=[Found(**one) for one in item["found"]]),
            reason=item["reason"],
        )
        for item in kept
    ]


def first_of(rows: QuerySet[Any]) -> tuple[int, list[Any]]:
    """Return how many rows there are and the first of them, in one question."""
    named = list(rows.annotate(how_many=Window(Count("*")))[:NAMED])
    return (named[0].how_many if named else 0), named


def several(count: int, word: str) -> str:
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def _earlier_periods(period: AccountingPeriod) -> CheckResult:
    earlier = AccountingPeriod.objects.filter(entity=period.entity_id, ends_on__lt=period.starts_on).exclude(status=PeriodStatus.CLOSED)
    count, named = first_of(earlier.order_by("starts_on"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'earlier period')} not closed" if count else "Every earlier period is closed",
        found=[Found(text=str(one), target_type=CLOSING_TARGET, target_id=str(one.pk)) for one in named],
    )


def _integrity(period: AccountingPeriod) -> CheckResult:
    # A finding about no account is about the books as a whole.
    own = Q(account=None) | Q(account__entity=period.entity_id)
    count, named = first_of(IntegrityFinding.objects.filter(own, resolved_at=None).order_by("-id"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'integrity finding')} open" if count else "No integrity finding is open",
        found=[Found(text=one.sentence, target_type="ledger.integrity_finding", target_id=str(one.pk)) for one in named],
    )


def _tail(period: AccountingPeriod) -> CheckResult:
    tail = PostingTail.objects.filter(account__entity=period.entity_id, effective_date__lte=period.ends_on)
    waiting = list(tail.values("account__code").annotate(legs=Count("*")).order_by("account__code"))
    total = sum(one["legs"] for one in waiting)
    return CheckResult(
        passed=not waiting,
        sentence=f"{several(total, 'deferred leg')} not yet in a balance" if waiting else "Every deferred leg is in its balance",
        found=[
            Found(text=f"{one['account__code']}: {one['legs']:,}", target_type="ledger.account", target_id=one["account__code"])
            for one in waiting[:NAMED]
        ],
    )


def _zero(period: AccountingPeriod) -> CheckResult:
    sums = (
        DayDelta.objects.filter(account__entity=period.entity_id, effective_date__lte=period.ends_on)
        .values("account__asset__code", "account__asset__scale")
        .annotate(debits=Sum("debits_minor"), credits=Sum("credits_minor"))
        .order_by("account__asset__code")
    )
    assets = list(sums)
    wrong = [one for one in assets if one["debits"] != one["credits"]]
    return CheckResult(
        passed=not wrong,
        sentence=f"Debits differ from credits in {several(len(wrong), 'asset')}" if wrong else f"Zero in {several(len(assets), 'asset')}",
        found=[
            Found(
                text=f"{money.grouped(int(one['debits'] - one['credits']), scale=one['account__asset__scale'], signed=True)} "
                f"{one['account__asset__code']}"
            )
            for one in wrong
        ],
    )


def _proposals(period: AccountingPeriod) -> CheckResult:
    """Find open proposals that would post into the period; how it is to be closed or reopened is no such proposal."""
    versions = (
        ProposalVersion.objects.filter(proposal__status__in=OPEN_STATUSES, n=F("proposal__current_version"))
        .exclude(proposal__target_type=CLOSING_TARGET)
        .select_related("proposal")
        .order_by("proposal__number")
    )
    touching = [version.proposal for version in versions if _touches(version.payload, period)]
    count = len(touching)
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'proposal')} would post into it" if count else "No open proposal would post into it",
        found=[
            Found(text=f"{one.public_number}: {one.title}", target_type="approvals.proposal", target_id=str(one.pk))
            for one in touching[:NAMED]
        ],
    )


def _touches(payload: Mapping[str, Any], period: AccountingPeriod) -> bool:
    if str(payload.get("period", "")) == str(period.pk):
        return True
    entries = payload.get("entries") or [payload.get("entry") or {}]
    return any(
        entry.get("entity") == period.entity.code
        and period.starts_on.isoformat() <= str(entry.get("effective_date", "")) <= period.ends_on.isoformat()
        for entry in entries
    )


def _conflicts(period: AccountingPeriod) -> CheckResult:
    own = Transaction.objects.filter(pk=OuterRef("transaction_id"), entity=period.entity_id)
    alerts = Alert.objects.filter(Exists(own), kind=AlertKind.STATUS_CONFLICT, seen_to_at=None)
    count, named = first_of(alerts.order_by("-id"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'impossible status')} reported and not seen to" if count else "No reported status is in conflict",
        found=[
            Found(text=f"Transaction {one.transaction_id}", target_type="ledger.transaction", target_id=str(one.transaction_id))
            for one in named
        ],
    )


def _holds(period: AccountingPeriod) -> CheckResult:
    held = Hold.objects.filter(closed_at=None, account__entity=period.entity_id, transaction__created_at__date__lte=period.ends_on)
    count, named = first_of(held.select_related("account__asset").order_by("transaction_id"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'hold')} placed by its end still pending" if count else "No hold placed by its end is pending",
        found=[
            Found(
                text=f"{one.account.code}: {money.grouped(one.remaining_minor, scale=one.account.asset.scale)} {one.account.asset.code}",
                target_type="ledger.hold",
                target_id=str(one.pk),
            )
            for one in named
        ],
    )


def _initiated(period: AccountingPeriod) -> CheckResult:
    waiting = Transaction.objects.filter(
        status__in=[TransactionStatus.INITIATED, TransactionStatus.PENDING],
        entity=period.entity_id,
        hold=None,
        content__effective_date__lte=period.ends_on.isoformat(),
    )
    count, named = first_of(waiting.order_by("id"))
    return CheckResult(
        passed=not count,
        sentence=f"{several(count, 'transaction')} initiated and not posted" if count else "No transaction is initiated and not posted",
        found=[
            Found(text=one.content.get("description") or one.key, target_type="ledger.transaction", target_id=str(one.pk)) for one in named
        ],
    )


_OWN: Sequence[tuple[str, CheckSeverity, str, Check]] = (
    ("earlier_periods", CheckSeverity.BLOCKER, "Earlier periods", _earlier_periods),
    ("integrity", CheckSeverity.BLOCKER, "Integrity", _integrity),
    ("deferred_legs", CheckSeverity.BLOCKER, "Deferred legs", _tail),
    ("trial_balance", CheckSeverity.BLOCKER, "Trial balance", _zero),
    ("open_proposals", CheckSeverity.WARNING, "Proposals", _proposals),
    ("status_conflicts", CheckSeverity.WARNING, "Status conflicts", _conflicts),
    ("holds", CheckSeverity.WARNING, "Holds", _holds),
    ("initiated", CheckSeverity.WARNING, "Initiated transactions", _initiated),
)
for _name, _severity, _label, _check in _OWN:
    register_closing_check(_name, _severity, _label, _check)
