"""Accounting periods: opening, locking, closing, reopening. Each waits for the postings under way in the period."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from django.db import connection
from django.db.models.functions import Now

from audit.operations import act, record_event
from audit.queries import timeline_of
from ledger.models import AccountingPeriod, LegalEntity, PeriodStatus
from ledger.operations.closing import restated_after, store_close
from ledger.operations.closing_checks import ChecklistItem, CheckResult, CheckSeverity, Found, as_json, checklist_of
from ledgerops.lib.errors import Refusal, RefusalKind

# Posting holds this lock shared for the period it posts into; see ledger/sql/post_entries_v1.sql.
PERIOD_LOCK = 4201
MONTHS = 12
REOPENING_ENDED = "ledger.period.reopening_ended"


class PeriodRefused(Refusal):
    code = "period_refused"
    kind = RefusalKind.CONFLICT


class PeriodInvalid(Refusal):
    """What was asked is no period, or no time to reopen one for; `field` says where."""

    code = "period_invalid"
    kind = RefusalKind.INVALID


def open_period(*, entity: str, starts_on: date, ends_on: date) -> AccountingPeriod:
    """Open a period of a legal entity; the same interval again returns the period as it is.

    :raises PeriodRefused: if the entity is unknown or another period overlaps.
    """
    with act("ledger.period.opened", target_type="ledger.period", target_id=f"{entity}/{starts_on}"):
        (period,) = _opened(entity=entity, intervals=[(starts_on, ends_on)])
        return period


def open_year(*, entity: str, starts_on: date) -> list[AccountingPeriod]:
    """Open the twelve months from a first day of a month in one act; months that are there already stay as they are.

    :raises PeriodInvalid: if it is no first day of a month.
    :raises PeriodRefused: if the entity is unknown or a period overlaps that is no such month; then none is opened.
    """
    with act("ledger.period.opened", target_type="ledger.period", target_id=f"{entity}/{starts_on}"):
        if starts_on.day != 1:
            raise PeriodInvalid("a year of months begins on the first day of a month", field="starts_on")
        firsts = [starts_on]
        for _ in range(MONTHS):
            firsts.append((firsts[-1] + timedelta(days=31)).replace(day=1))
        months = [(first, following - timedelta(days=1)) for first, following in pairwise(firsts)]
        return _opened(entity=entity, intervals=months)


def _opened(*, entity: str, intervals: Sequence[tuple[date, date]]) -> list[AccountingPeriod]:
    owner = LegalEntity.objects.filter(code=entity).first()
    if owner is None:
        raise PeriodRefused(f"there is no entity {entity}", field="entity")
    known = AccountingPeriod.objects.filter(entity=owner, starts_on__lte=intervals[-1][1], ends_on__gte=intervals[0][0])
    by_interval = {(one.starts_on, one.ends_on): one for one in known}
    for one in known:
        if (one.starts_on, one.ends_on) not in intervals:
            raise PeriodRefused(f"the period {one.starts_on} to {one.ends_on} overlaps", field="starts_on")
    periods = []
    for starts_on, ends_on in intervals:
        period = by_interval.get((starts_on, ends_on))
        if period is None:
            period = AccountingPeriod.objects.create(entity=owner, starts_on=starts_on, ends_on=ends_on)
            record_event(
                "ledger.period.opened",
                target_type="ledger.period",
                target_id=period.pk,
                after={"entity": entity, "starts_on": starts_on, "ends_on": ends_on},
            )
        periods.append(period)
    return periods


def soft_lock_period(*, period_id: int) -> AccountingPeriod:
    """Let only approved entries and the types that say so into a period; locking it again returns it as it is.

    :raises PeriodRefused: if there is no such period, it is closed, or it is open for a time only.
    """
    return _move(period_id=period_id, action="ledger.period.soft_locked", before=PeriodStatus.OPEN, after=PeriodStatus.SOFT_LOCKED)


def unlock_period(*, period_id: int) -> AccountingPeriod:
    """Take a soft lock off; a period without one is returned as it is.

    :raises PeriodRefused: if there is no such period or it is closed.
    """
    return _move(period_id=period_id, action="ledger.period.unlocked", before=PeriodStatus.SOFT_LOCKED, after=PeriodStatus.OPEN)


def _move(*, period_id: int, action: str, before: PeriodStatus, after: PeriodStatus) -> AccountingPeriod:
    with act(action, target_type="ledger.period", target_id=period_id):
        period = locked_period(period_id=period_id)
        if period.status == PeriodStatus.CLOSED:
            raise PeriodRefused(f"the period {period} is closed", status=period.status)
        if period.reopen_ends_at is not None:
            raise PeriodRefused(f"the period {period} is reopened for a time: what comes next is closing it again")
        if period.status == after:
            return period
        AccountingPeriod.objects.filter(pk=period_id).update(status=after)
        record_event(action, target_type="ledger.period", target_id=period_id, before={"status": before}, after={"status": after})
        period.refresh_from_db()
        return period


def close_period(*, period_id: int) -> AccountingPeriod:
    """Close a period as the system, without anybody's approval; closing twice returns it as it is.

    Waits for postings under way, then nothing is posted into it. What its checklist found is stored with it and refuses nothing: people
    close periods by proposal, where blockers do.

    :raises PeriodRefused: if there is no such period.
    """
    with act("ledger.period.closed", target_type="ledger.period", target_id=period_id):
        period = locked_period(period_id=period_id)
        if period.status == PeriodStatus.CLOSED:
            return period
        return carry_out_close(period=period, checklist=checklist_of(period), closed_by_id=None, proposal_id=None)


def carry_out_close(
    *, period: AccountingPeriod, checklist: Sequence[ChecklistItem], closed_by_id: int | None, proposal_id: UUID | None
) -> AccountingPeriod:
    """Store the trial balance of a period that `locked_period` returned and close it, in the caller's transaction.

    Later closed periods whose stored trial balance this changes get their next close in the same act.
    """
    before = period.status
    AccountingPeriod.objects.filter(pk=period.pk).update(status=PeriodStatus.CLOSED, closed_at=Now(), reopen_ends_at=None)
    close = store_close(period=period, checklist=as_json(checklist), closed_by_id=closed_by_id, proposal_id=proposal_id)
    record_event(
        "ledger.period.closed",
        target_type="ledger.period",
        target_id=period.pk,
        before={"status": before},
        after={"status": PeriodStatus.CLOSED, "close": close.n, "digest": close.digest, "passed_over": _passed_over(checklist)},
        proposal_id=proposal_id,
    )
    for later in restated_after(period=period):
        locked_period(period_id=later.pk)
        restated = store_close(
            period=later, checklist=as_json([_carried_forward(period)]), closed_by_id=closed_by_id, proposal_id=proposal_id
        )
        record_event(
            "ledger.period.restated",
            target_type="ledger.period",
            target_id=later.pk,
            after={"close": restated.n, "digest": restated.digest, "because_of": period.pk},
            proposal_id=proposal_id,
        )
    period.refresh_from_db()
    return period


def _carried_forward(period: AccountingPeriod) -> ChecklistItem:
    """Return what a later period's next close rests on: the close of the period that changed it."""
    found = [Found(text=str(period), target_type="ledger.period", target_id=str(period.pk))]
    return ChecklistItem(
        name="restated",
        label="Restated",
        severity=CheckSeverity.WARNING,
        result=CheckResult(passed=True, sentence=f"What changed in {period} is carried forward", found=found),
    )


def _passed_over(checklist: Sequence[ChecklistItem]) -> Mapping[str, str]:
    return {item.name: item.reason for item in checklist if not item.result.passed}


def carry_out_reopening(*, period: AccountingPeriod, ends_at: datetime, proposal_id: UUID) -> None:
    """Open a closed period that `locked_period` returned until an instant, in the transaction of the proposal that allows it."""
    AccountingPeriod.objects.filter(pk=period.pk).update(
        status=PeriodStatus.OPEN, closed_at=None, reopen_ends_at=ends_at, reopen_proposal_id=proposal_id
    )
    record_event(
        "ledger.period.reopened",
        target_type="ledger.period",
        target_id=period.pk,
        before={"status": PeriodStatus.CLOSED},
        after={"status": PeriodStatus.OPEN, "until": ends_at},
        proposal_id=proposal_id,
    )


def note_ended_reopenings() -> int:
    """Put on the trail that a reopened period's time is over and it is to be closed again; returns how many. Each is noted once."""
    ended = AccountingPeriod.objects.filter(reopen_ends_at__lte=Now()).exclude(status=PeriodStatus.CLOSED)
    noted = 0
    for period in ended.order_by("pk"):
        with act(REOPENING_ENDED, target_type="ledger.period", target_id=period.pk):
            locked_period(period_id=period.pk)
            known = timeline_of(target_type="ledger.period", target_id=period.pk).filter(
                action=REOPENING_ENDED, proposal_id=period.reopen_proposal_id
            )
            if known.exists():
                continue
            record_event(
                REOPENING_ENDED,
                target_type="ledger.period",
                target_id=period.pk,
                after={"ended_at": period.reopen_ends_at},
                proposal_id=period.reopen_proposal_id,
            )
            noted += 1
    return noted


def locked_period(*, period_id: int) -> AccountingPeriod:
    """Wait for the postings under way in a period, keep further ones out until this transaction ends, and return it.

    :raises PeriodRefused: if there is no such period.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PERIOD_LOCK, period_id])
    period = AccountingPeriod.objects.select_related("entity").filter(pk=period_id).first()
    if period is None:
        raise PeriodRefused(f"there is no period {period_id}", field="period_id")
    return period
