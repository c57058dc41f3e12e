"""What people do with breaks in their queue: label, name the cause, put off, watch, give back; one by one or many at once.

None of it resolves anything, or touches an item.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from approvals.queries import reason_codes
from audit.operations import act, record_event
from ledgerops.lib.calendars import business_day_after
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from recon.models import Break, BreakLabel, BreakWatcher, HandoverMark
from recon.operations.breaks import BreakRefused

# Where the governed list of reasons keeps them; no proposal is of such a kind.
ROOT_CAUSES = "recon.break.root_cause"
LABELS = "recon.break.label"
SNOOZE_REASON_MAX = 200
SNOOZED_AT_MOST = 20
BULK_MAXIMUM = 1000


class BreakWorkInvalid(Refusal):
    """What was said of a break is not in the list, or cannot be; `field` says where."""

    code = "break_work_invalid"
    kind = RefusalKind.INVALID


def label_break(*, break_id: UUID, label: str, wanted: bool) -> None:
    """Put a label of the governed list on a break, or take it off; what is so already stays.

    :raises BreakWorkInvalid: if there is no such label.
    """
    with act("recon.break.labelled", target_type="recon.break", target_id=break_id):
        _refuse_unknown(LABELS, label, field="label")
        _locked(break_id)
        if wanted:
            _, changed = BreakLabel.objects.get_or_create(recon_break_id=break_id, label_id=label)
        else:
            changed = bool(BreakLabel.objects.filter(recon_break=break_id, label=label).delete()[0])
        if changed:
            after = {"label": label, "wanted": wanted}
            record_event("recon.break.labelled", target_type="recon.break", target_id=break_id, after=after)


def name_root_cause(*, break_id: UUID, cause: str | None) -> None:
    """Say what was found to be the root cause of a break, live or resolved, or that it is not known after all.

    :raises BreakWorkInvalid: if there is no such cause.
    """
    with act("recon.break.cause_named", target_type="recon.break", target_id=break_id):
        if cause is not None:
            _refuse_unknown(ROOT_CAUSES, cause, field="cause")
        recon_break = _locked(break_id)
        if recon_break.root_cause_id == cause:
            return
        before = recon_break.root_cause_id
        recon_break.root_cause_id = cause
        recon_break.save(update_fields=["root_cause"])
        record_event(
            "recon.break.cause_named", target_type="recon.break", target_id=break_id, before={"cause": before}, after={"cause": cause}
        )


def snooze_break(*, break_id: UUID, until: date, reason: str) -> None:
    """Put a break off to the end of a day, with a reason; it comes back by the clock.

    :raises BreakRefused: if it is resolved.
    :raises BreakWorkInvalid: if the day is past or too far, or nothing is said.
    """
    with act("recon.break.snoozed", target_type="recon.break", target_id=break_id):
        recon_break = _live(break_id)
        said = reason.strip()
        if not 0 < len(said) <= SNOOZE_REASON_MAX:
            raise BreakWorkInvalid(f"say why in 1 to {SNOOZE_REASON_MAX} characters", field="reason")
        today = database_now().date()
        last = business_day_after(today, count=SNOOZED_AT_MOST, calendar=recon_break.reconciliation.calendar)
        if not today <= until <= last:
            raise BreakWorkInvalid(f"it is put off to a day from today to {last}", field="until", last=last.isoformat())
        _write_snooze(recon_break, until=until, reason=said)
        record_event("recon.break.snoozed", target_type="recon.break", target_id=break_id, reason=said, after={"until": until.isoformat()})


def wake_break(*, break_id: UUID) -> None:
    """Look at a break again before the day to which it was put off."""
    with act("recon.break.woken", target_type="recon.break", target_id=break_id):
        recon_break = _locked(break_id)
        if recon_break.snoozed_until is None:
            return
        before = {"until": recon_break.snoozed_until.isoformat()}
        _write_snooze(recon_break, until=None, reason="")
        record_event("recon.break.woken", target_type="recon.break", target_id=break_id, before=before)


def watch_break(*, break_id: UUID, user_id: int, wanted: bool) -> None:
    """Let a person be told of what happens to a break, or no longer."""
    with act("recon.break.watched", target_type="recon.break", target_id=break_id):
        _locked(break_id)
        if wanted:
            _, changed = BreakWatcher.objects.get_or_create(recon_break_id=break_id, user_id=user_id)
        else:
            changed = bool(BreakWatcher.objects.filter(recon_break=break_id, user=user_id).delete()[0])
        if changed:
            record_event("recon.break.watched", target_type="recon.break", target_id=break_id, after={"user": user_id, "wanted": wanted})


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkOutcome:
    """What became of one break of several; `refusal` is empty where the act was done."""

    break_id: UUID
    refusal: str


def work_breaks(*, break_ids: Sequence[UUID], do: Callable[[UUID], object]) -> list[WorkOutcome]:
    """Do one thing to each of several breaks, each an act of its own: one that is refused does not hold back the rest.

    :raises BreakWorkInvalid: if there are more than are worked at once; nothing is done then.
    """
    if len(break_ids) > BULK_MAXIMUM:
        raise BreakWorkInvalid(f"at most {BULK_MAXIMUM:,} breaks are worked at once", field="breaks")
    outcomes = []
    for break_id in break_ids:
        try:
            do(break_id)
        except Refusal as refusal:
            outcomes.append(WorkOutcome(break_id=break_id, refusal=str(refusal)))
        else:
            outcomes.append(WorkOutcome(break_id=break_id, refusal=""))
    return outcomes


def mark_handover(*, user_id: int) -> HandoverMark:
    """Note that a person has seen what happened until now."""
    with act("recon.handover.seen", target_type="approvals.user", target_id=user_id):
        mark, _ = HandoverMark.objects.update_or_create(user_id=user_id, defaults={"seen_at": database_now()})
        record_event("recon.handover.seen", target_type="approvals.user", target_id=user_id, after={"seen_at": mark.seen_at.isoformat()})
        return mark


def _refuse_unknown(kind: str, code: str, *, field: str) -> None:
    if not reason_codes(kind=kind).filter(code=code).exists():
        raise BreakWorkInvalid("choose one of the list", field=field, value=code)


def _locked(break_id: UUID) -> Break:
    return Break.objects.select_for_update(of=("self",)).select_related("reconciliation").get(pk=break_id)


def _live(break_id: UUID) -> Break:
    recon_break = _locked(break_id)
    if not recon_break.is_live:
        raise BreakRefused(f"{recon_break.public_number} is resolved")
    return recon_break


def _write_snooze(recon_break: Break, *, until: date | None, reason: str) -> None:
    recon_break.snoozed_until, recon_break.snooze_reason = until, reason
    recon_break.save(update_fields=["snoozed_until", "snooze_reason"])
