"""Accounting periods."""

from datetime import date

from django.db import connection
from django.db.models.functions import Now

from audit.operations import act, record_event
from ledger.models import AccountingPeriod, LegalEntity, PeriodStatus
from ledgerops.lib.errors import Refusal, RefusalKind

# Posting holds this lock shared for the period it posts into; see ledger/sql/post_entries_v1.sql.
PERIOD_LOCK = 4201


class PeriodRefused(Refusal):
    code = "period_refused"
    kind = RefusalKind.CONFLICT


def open_period(*, entity: str, starts_on: date, ends_on: date) -> AccountingPeriod:
    """Open a period of a legal entity; the same interval again returns the period as it is.

    :raises PeriodRefused: if the entity is unknown or another period overlaps.
    """
    with act("ledger.period.opened", target_type="ledger.period", target_id=f"{entity}/{starts_on}"):
        owner = LegalEntity.objects.filter(code=entity).first()
        if owner is None:
            raise PeriodRefused(f"there is no entity {entity}", field="entity")
        existing = AccountingPeriod.objects.filter(entity=owner, starts_on__lte=ends_on, ends_on__gte=starts_on).first()
        if existing is not None:
            if (existing.starts_on, existing.ends_on) == (starts_on, ends_on):
                return existing
            raise PeriodRefused(f"the period {existing.starts_on} to {existing.ends_on} overlaps", field="starts_on")
        period = AccountingPeriod.objects.create(entity=owner, starts_on=starts_on, ends_on=ends_on)
        record_event(
            "ledger.period.opened",
            target_type="ledger.period",
            target_id=period.pk,
            after={"entity": entity, "starts_on": starts_on, "ends_on": ends_on},
        )
        return period


def close_period(*, period_id: int) -> AccountingPeriod:
    """Close a period: waits for postings under way, then nothing is posted into it. Closing twice returns it as it is.

    :raises PeriodRefused: if there is no such period.
    """
    with act("ledger.period.closed", target_type="ledger.period", target_id=period_id):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [PERIOD_LOCK, period_id])
        period = AccountingPeriod.objects.filter(pk=period_id).first()
        if period is None:
            raise PeriodRefused(f"there is no period {period_id}", field="period_id")
        if period.status == PeriodStatus.CLOSED:
            return period
        AccountingPeriod.objects.filter(pk=period_id).update(status=PeriodStatus.CLOSED, closed_at=Now())
        record_event(
            "ledger.period.closed",
            target_type="ledger.period",
            target_id=period_id,
            before={"status": PeriodStatus.OPEN},
            after={"status": PeriodStatus.CLOSED},
        )
        period.refresh_from_db()
        return period
