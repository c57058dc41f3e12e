"""How an open break is treated: as timing until a date, as a duplicate, or as an error of the statement. None of it resolves anything."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from django.db.models.functions import Now

from approvals.queries import reason_codes
from audit.operations import act, record_event
from ledgerops.lib.calendars import business_day_after, business_days_apart, is_business_day
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from recon.models import Break, Treatment, TreatmentKind
from recon.operations.breaks import refuse_overtaken
from recon.queries import account_of
from recon.resolution_queries import terms_of

NARRATIVE_MINIMUM = 10
NARRATIVE_MAXIMUM = 2000
REASON_MAX = 500
# Reasons of treatments stand in the governed list under these; no proposal is of such a kind.
REASONS_OF = {kind: f"recon.treatment.{kind.value}" for kind in TreatmentKind}


class TreatmentInvalid(Refusal):
    """What was asked can be no treatment; `field` says where."""

    code = "treatment_invalid"
    kind = RefusalKind.INVALID


class TreatmentRefused(Refusal):
    """The break is not treated in a way that could end."""

    code = "treatment_refused"
    kind = RefusalKind.CONFLICT


@dataclass(frozen=True, slots=True, kw_only=True)
class TreatmentRequest:
    """What an analyst fills in; only timing has a day `until`. `version` is the break's as they saw it."""

    break_id: UUID
    version: int
    kind: TreatmentKind
    reason_code: str
    narrative: str
    until: date | None = None


def treat_break(*, request: TreatmentRequest, treated_by_id: int) -> Treatment:
    """Treat an open break; its items stay open and in the roll-forward. A treatment that it had ends by this one.

    :raises BreakRefused: if the break has changed, or has a proposal or an end.
    :raises TreatmentInvalid: naming the field.
    """
    with act("recon.break.treated", target_type="recon.break", target_id=request.break_id):
        recon_break = _locked(request.break_id)
        refuse_overtaken(recon_break, version=request.version)
        _check(request, recon_break=recon_break)
        before = _end(recon_break, ended_by_id=treated_by_id, reason="Replaced by another treatment")
        treatment = Treatment.objects.create(
            recon_break=recon_break,
            kind=request.kind,
            reason_id=request.reason_code,
            narrative=request.narrative.strip(),
            until=request.until,
            accepted_by_id=treated_by_id,
        )
        _touch(recon_break)
        record_event(
            "recon.break.treated",
            target_type="recon.break",
            target_id=recon_break.pk,
            reason=request.reason_code,
            before={"treatment": before.kind} if before else None,
            after={
                "treatment": request.kind.value,
                "until": request.until.isoformat() if request.until else None,
                "narrative": treatment.narrative,
            },
        )
        return treatment


def end_treatment(*, break_id: UUID, version: int, ended_by_id: int, reason: str) -> Treatment:
    """Treat a break no longer.

    :raises BreakRefused: if the break has changed, or has a proposal or an end.
    :raises TreatmentRefused: if it is not treated.
    :raises TreatmentInvalid: without a reason.
    """
    with act("recon.break.treatment_ended", target_type="recon.break", target_id=break_id):
        recon_break = _locked(break_id)
        refuse_overtaken(recon_break, version=version)
        said = reason.strip()
        if not 0 < len(said) <= REASON_MAX:
            raise TreatmentInvalid(f"say why in 1 to {REASON_MAX} characters", field="reason")
        ended = _end(recon_break, ended_by_id=ended_by_id, reason=said)
        if ended is None:
            raise TreatmentRefused(f"{recon_break.public_number} is not treated in any way")
        _touch(recon_break)
        record_event(
            "recon.break.treatment_ended",
            target_type="recon.break",
            target_id=recon_break.pk,
            reason=said,
            before={"treatment": ended.kind, "until": ended.until.isoformat() if ended.until else None},
        )
        return ended


def last_day_of_timing(recon_break: Break, *, today: date) -> date | None:
    """Return the last day until which a break may be accepted as timing now; None where the terms of its asset say nothing."""
    terms = terms_of(account_of(recon_break))
    if terms is None or not terms.timing_days_maximum:
        return None
    return business_day_after(today, count=terms.timing_days_maximum, calendar=recon_break.reconciliation.calendar)


def _check(request: TreatmentRequest, *, recon_break: Break) -> None:
    if not reason_codes(kind=REASONS_OF[request.kind]).filter(code=request.reason_code).exists():
        raise TreatmentInvalid("choose a reason from the list", field="reason_code", value=request.reason_code)
    if not NARRATIVE_MINIMUM <= len(request.narrative.strip()) <= NARRATIVE_MAXIMUM:
        raise TreatmentInvalid(f"say why in at least {NARRATIVE_MINIMUM} characters", field="narrative")
    if request.kind == TreatmentKind.TIMING:
        _check_until(request.until, recon_break=recon_break)
    elif request.until is not None:
        raise TreatmentInvalid("only timing is accepted until a day", field="until")


def _check_until(until: date | None, *, recon_break: Break) -> None:
    today, calendar = database_now().date(), recon_break.reconciliation.calendar
    last = last_day_of_timing(recon_break, today=today)
    if last is None:
        raise TreatmentInvalid("nothing is accepted as timing in this asset", field="until")
    if until is None or until < today:
        raise TreatmentInvalid("say until which day, from today on", field="until")
    if not is_business_day(until, calendar=calendar):
        following = business_day_after(until, count=0, calendar=calendar)
        raise TreatmentInvalid(f"{until} is no business day; the next one is {following}", field="until")
    if until > last:
        days = business_days_apart(today, last, calendar=calendar)
        raise TreatmentInvalid(f"timing is accepted for at most {days} business days, until {last}", field="until", last=last.isoformat())


def _locked(break_id: UUID) -> Break:
    found = Break.objects.select_for_update(of=("self",)).select_related("reconciliation__source__account", "resolved_by__run")
    return found.get(pk=break_id)


def _end(recon_break: Break, *, ended_by_id: int, reason: str) -> Treatment | None:
    live = Treatment.objects.filter(recon_break=recon_break, ended_at=None).first()
    if live is not None:
        Treatment.objects.filter(pk=live.pk).update(ended_at=Now(), ended_by=ended_by_id, end_reason=reason)
    return live


def _touch(recon_break: Break) -> None:
    """Let what rests on the break's version see that it is treated otherwise now."""
    recon_break.version += 1
    recon_break.save(update_fields=["version"])


__all__ = [
    "REASONS_OF",
    "TreatmentInvalid",
    "TreatmentRefused",
    "TreatmentRequest",
    "end_treatment",
    "last_day_of_timing",
    "treat_break",
]
