"""Closing and reopening a period by proposal: what is checked when it is asked for, and again when it is carried out."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from ledger.models import AccountingPeriod, Close, PeriodStatus
from ledger.operations.closing_checks import ChecklistItem, checklist_of
from ledger.operations.periods import PeriodInvalid, PeriodRefused, carry_out_close, carry_out_reopening, locked_period
from ledger.queries.journals import scope_of
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now

CLOSE_PERIOD = "ledger.close_period"
REOPEN_PERIOD = "ledger.reopen_period"
CLOSE_REASON, REOPEN_REASON = "PERIOD_CLOSE", "PERIOD_REOPEN"
REASON_MINIMUM = 10


class PeriodNotReady(Refusal):
    """A blocker of the checklist does not hold; `detail["blockers"]` names each with its sentence."""

    code = "period_not_ready"
    kind = RefusalKind.CONFLICT


class ReasonMissing(Refusal):
    """A warning is passed over without saying why; `field` is `reasons.<name of the check>`."""

    code = "close_reason_missing"
    kind = RefusalKind.INVALID


def propose_close(*, period_id: int, reasons: Mapping[str, str], narrative: str, maker_id: int, revises: UUID | None = None) -> Proposal:
    """Ask for a period to be closed; `reasons` says by check why a warning is passed over. `revises` is the proposal to submit anew.

    :raises PeriodRefused, PeriodNotReady, ReasonMissing: if it cannot be closed as it stands.
    :raises Refusal: those of submitting.
    """
    payload = {"period": str(period_id), "reasons": dict(reasons), "reason_code": CLOSE_REASON, "narrative": narrative}
    return _submit(kind=CLOSE_PERIOD, payload=payload, maker_id=maker_id, revises=revises)


def propose_reopening(*, period_id: int, until: datetime, narrative: str, maker_id: int, revises: UUID | None = None) -> Proposal:
    """Ask for a closed period to take postings again until an instant. `revises` is the proposal to submit anew.

    :raises PeriodRefused, PeriodInvalid: if it is not closed, or the instant has passed.
    :raises Refusal: those of submitting.
    """
    payload = {"period": str(period_id), "until": until.isoformat(), "reason_code": REOPEN_REASON, "narrative": narrative}
    return _submit(kind=REOPEN_PERIOD, payload=payload, maker_id=maker_id, revises=revises)


def _submit(*, kind: str, payload: Mapping[str, Any], maker_id: int, revises: UUID | None) -> Proposal:
    if revises is not None:
        return approvals.revise(proposal_id=revises, payload=payload, maker_id=maker_id)
    return approvals.submit(kind=kind, payload=payload, maker_id=maker_id)


def check_close(*, payload: Mapping[str, Any]) -> Command:
    """Return the command to close a period, if its checklist lets it.

    :raises PeriodRefused, PeriodNotReady, ReasonMissing: naming what is in the way.
    """
    period = _period(payload)
    if period.status == PeriodStatus.CLOSED:
        raise PeriodRefused(f"the period {period} is closed", status=period.status)
    reasons = {name: str(text).strip() for name, text in dict(payload.get("reasons") or {}).items() if str(text).strip()}
    checklist = checklist_of(period, reasons=reasons)
    _refuse_blocked(checklist)
    for item in checklist:
        if item.warns and len(item.reason) < REASON_MINIMUM:
            raise ReasonMissing(
                f"{item.result.sentence}: say in at least {REASON_MINIMUM} characters why this is passed over", field=f"reasons.{item.name}"
            )
    kept = {item.name: item.reason for item in checklist if item.warns}
    return _command(
        period,
        payload={**payload, "reasons": kept},
        title=f"Close {_words(period)}",
        preconditions={"period": str(period.pk), "closes": _closes(period)},
    )


def check_reopening(*, payload: Mapping[str, Any]) -> Command:
    """Return the command to reopen a period.

    :raises PeriodRefused, PeriodInvalid: if it is not closed, or the end of the reopening is no instant to come.
    """
    period = _period(payload)
    if period.status != PeriodStatus.CLOSED:
        raise PeriodRefused(f"the period {period} is not closed", status=period.status)
    until = _until(payload)
    if until <= database_now():
        raise PeriodInvalid("say until when it is open again: an instant to come", field="until")
    return _command(
        period,
        payload={**payload, "until": until.isoformat()},
        title=f"Reopen {_words(period)} until {until:%Y-%m-%d %H:%M} UTC",
        preconditions={"period": str(period.pk), "closes": _closes(period)},
    )


def execute_close(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Close a period as it was approved: under its lock, with every blocker looked at again.

    :raises PreconditionChanged: if it was closed meanwhile, or something warns that nobody gave a reason for.
    :raises PeriodNotReady: if a blocker does not hold any more.
    """
    period = locked_period(period_id=int(payload["period"]))
    if period.status == PeriodStatus.CLOSED or _closes(period) != preconditions["closes"]:
        raise PreconditionChanged(f"the period {period} was closed meanwhile")
    checklist = checklist_of(period, reasons=payload["reasons"])
    _refuse_blocked(checklist)
    unexplained = [item.label for item in checklist if item.warns and not item.reason]
    if unexplained:
        raise PreconditionChanged(f"since this was proposed something came up that nobody gave a reason for: {', '.join(unexplained)}")
    carry_out_close(period=period, checklist=checklist, closed_by_id=checker_id, proposal_id=proposal_id)


def execute_reopening(*, payload: Mapping[str, Any], preconditions: Mapping[str, Any], proposal_id: UUID) -> None:
    """Reopen a period as it was approved.

    :raises PreconditionChanged: if it is not closed as it was, or the end of the reopening has passed.
    """
    period = locked_period(period_id=int(payload["period"]))
    if period.status != PeriodStatus.CLOSED or _closes(period) != preconditions["closes"]:
        raise PreconditionChanged(f"the period {period} was reopened or closed again meanwhile")
    until = _until(payload)
    if until <= database_now():
        raise PreconditionChanged("the time for which the period was to be open has passed")
    carry_out_reopening(period=period, ends_at=until, proposal_id=proposal_id)


def _command(period: AccountingPeriod, *, payload: Mapping[str, Any], title: str, preconditions: Mapping[str, Any]) -> Command:
    return Command(
        payload=payload,
        title=title,
        scope=scope_of(period.entity.code),
        target_type="ledger.period",
        target_id=str(period.pk),
        locked_object=f"ledger.period:{period.pk}",
        preconditions=preconditions,
        reason_code=str(payload.get("reason_code", "")),
        narrative=str(payload.get("narrative", "")),
    )


def _period(payload: Mapping[str, Any]) -> AccountingPeriod:
    text = str(payload.get("period", ""))
    known = AccountingPeriod.objects.select_related("entity").select_for_update(of=["self"])
    period = known.filter(pk=int(text)).first() if text.isascii() and text.isdigit() and len(text) < 10 else None
    if period is None:
        raise PeriodInvalid("there is no such period", field="period")
    return period


def _until(payload: Mapping[str, Any]) -> datetime:
    try:
        until = datetime.fromisoformat(str(payload.get("until", "")))
    except ValueError as error:
        raise PeriodInvalid("say until when it is open again: an instant with its zone", field="until") from error
    if until.tzinfo is None:
        raise PeriodInvalid("say until when it is open again: an instant with its zone", field="until")
    return until.astimezone(UTC)


def _closes(period: AccountingPeriod) -> int:
    return Close.objects.filter(period=period).count()


def _words(period: AccountingPeriod) -> str:
    return f"{period.starts_on} to {period.ends_on} of {period.entity.code}"


def _refuse_blocked(checklist: Sequence[ChecklistItem]) -> None:
    blockers = {item.name: item.result.sentence for item in checklist if item.blocks}
    if blockers:
        raise PeriodNotReady(f"the period is not ready to be closed: {'; '.join(blockers.values())}", blockers=blockers)
