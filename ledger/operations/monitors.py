"""Balance monitors, and the alerts that people see to. Neither refuses anything."""

from uuid import UUID

from django.db import transaction

from audit.operations import act, record_event
from ledger.models import Account, Alert, AlertKind, BalanceMonitor, Comparison
from ledger.queries.controls import balances_with_tails
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now

MOST_MONITORS = 20
HIGHEST_LEVEL = 10**38


class MonitorInvalid(Refusal):
    code = "monitor_invalid"
    kind = RefusalKind.INVALID


class MonitorExists(Refusal):
    code = "monitor_exists"
    kind = RefusalKind.CONFLICT


class AlertSeenToAlready(Refusal):
    code = "alert_seen_to_already"
    kind = RefusalKind.CONFLICT


class NoteRequired(Refusal):
    code = "note_required"
    kind = RefusalKind.INVALID


def set_monitor(*, account_id: int, comparison: str, threshold_minor: int, set_by_id: int | None) -> BalanceMonitor:
    """Watch an account's balance for crossing a level; one that is beyond it already alerts when it crosses the next time.

    :raises MonitorInvalid: if there is no such comparison, or the level has more than 38 digits.
    :raises MonitorExists: if the account is watched for this level already, or for too many.
    """
    account = Account.objects.get(pk=account_id)
    with act("ledger.monitor.set", target_type="ledger.account", target_id=account.code):
        if comparison not in Comparison.values:
            raise MonitorInvalid("a balance is watched for falling below a level or rising above it", field="comparison")
        if abs(threshold_minor) >= HIGHEST_LEVEL:
            raise MonitorInvalid("a level has at most 38 digits", field="threshold")
        Account.objects.select_for_update(no_key=True).get(pk=account_id)
        watched = BalanceMonitor.objects.filter(account=account, active=True)
        if watched.filter(comparison=comparison, threshold_minor=threshold_minor).exists():
            raise MonitorExists("this level is watched already", field="threshold")
        if watched.count() >= MOST_MONITORS:
            raise MonitorExists(f"at most {MOST_MONITORS} levels of an account are watched", field="threshold")
        monitor = BalanceMonitor.objects.create(
            account=account,
            comparison=comparison,
            threshold_minor=threshold_minor,
            created_by_id=set_by_id,
            tripped=_is_beyond(comparison, held=balances_with_tails([account.pk])[account.pk], threshold=threshold_minor),
        )
        told = {"monitor": monitor.pk, "comparison": comparison, "threshold_minor": str(threshold_minor)}
        record_event("ledger.monitor.set", target_type="ledger.account", target_id=account.code, after=told)
        return monitor


def retire_monitor(*, monitor_id: int) -> None:
    """Stop watching a level; repeating it changes nothing."""
    monitor = BalanceMonitor.objects.select_related("account").get(pk=monitor_id)
    with act("ledger.monitor.retired", target_type="ledger.account", target_id=monitor.account.code):
        if BalanceMonitor.objects.filter(pk=monitor_id, active=True).update(active=False):
            record_event(
                "ledger.monitor.retired", target_type="ledger.account", target_id=monitor.account.code, after={"monitor": monitor_id}
            )


def check_monitors() -> int:
    """Compare every watched balance with its level and raise an alert for each that has crossed it; returns how many.

    Safe to run twice and by two at once: the alert is raised by whoever turns the monitor.
    """
    monitors = list(BalanceMonitor.objects.filter(active=True).select_related("account__asset").order_by("pk"))
    held = balances_with_tails({monitor.account_id for monitor in monitors})
    raised = 0
    for monitor in monitors:
        level, now = int(monitor.threshold_minor), held[monitor.account_id]
        beyond = _is_beyond(monitor.comparison, held=now, threshold=level)
        if beyond != monitor.tripped:
            raised += _turn(monitor, beyond=beyond, held=now)
    return raised


def _turn(monitor: BalanceMonitor, *, beyond: bool, held: int) -> int:
    with transaction.atomic():
        turned = BalanceMonitor.objects.filter(pk=monitor.pk, active=True, tripped=not beyond).update(tripped=beyond)
        if not (turned and beyond):
            return 0
        detail = {
            "monitor": monitor.pk,
            "comparison": monitor.comparison,
            "threshold_minor": str(int(monitor.threshold_minor)),
            "balance_minor": str(held),
        }
        alert = Alert.objects.create(kind=AlertKind.MONITOR, account=monitor.account, detail=detail)
        record_event(
            "ledger.alert.raised",
            target_type="ledger.account",
            target_id=monitor.account.code,
            after={"alert": str(alert.pk), "kind": AlertKind.MONITOR.value, **detail},
        )
        return 1


def _is_beyond(comparison: str, *, held: int, threshold: int) -> bool:
    return held < threshold if comparison == Comparison.BELOW else held > threshold


def see_to_alert(*, alert_id: UUID, note: str, seen_to_by_id: int) -> Alert:
    """Close an alert by saying what was done about it.

    :raises NoteRequired: if nothing is said.
    :raises AlertSeenToAlready: if somebody was first.
    """
    with act("ledger.alert.seen_to", target_type="ledger.alert", target_id=alert_id):
        if not note.strip():
            raise NoteRequired("say what was done about it", field="note")
        counted = Alert.objects.filter(pk=alert_id, seen_to_at__isnull=True).update(
            seen_to_at=database_now(), seen_to_by_id=seen_to_by_id, seen_to_note=note.strip()
        )
        if not counted:
            raise AlertSeenToAlready("somebody has seen to this alert already")
        record_event("ledger.alert.seen_to", target_type="ledger.alert", target_id=alert_id, reason=note.strip())
        return Alert.objects.get(pk=alert_id)
