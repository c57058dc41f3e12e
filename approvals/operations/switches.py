"""Stopping a function at once, and letting it go on with a second person's approval."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction

from approvals.models import Proposal
from approvals.operations.proposals import submit
from approvals.registry import Command, PreconditionChanged, scope_exists
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now
from ledgerops.runtime.models import Function, Switch

LIFT_SWITCH = "approvals.lift_switch"
# Whoever may read proposals sees what is stopped: it concerns everybody.
SCOPE = "approvals.switches"
# Only entries are either approved or not: everything that an approval carries out is approved.
PASSES_APPROVED = frozenset({Function.POSTING})
# Everything else is stopped everywhere or not at all.
SCOPED = frozenset({Function.POSTING})


class SwitchInvalid(Refusal):
    code = "switch_invalid"
    kind = RefusalKind.INVALID


class SwitchSetAlready(Refusal):
    code = "switch_set_already"
    kind = RefusalKind.CONFLICT


class SwitchLifted(Refusal):
    code = "switch_lifted"
    kind = RefusalKind.CONFLICT


def set_switch(*, function: str, scope: str, reason: str, passes_approved: bool, set_by_id: int | None = None) -> Switch:
    """Stop a function everywhere (scope empty) or in one scope, from the moment this commits; nobody else is asked.

    `set_by_id` None is the system itself, for what its checks have found. `passes_approved` lets entries with an executed proposal
    through, so that what is wrong can be put right.

    :raises SwitchInvalid: naming the field.
    :raises SwitchSetAlready: if it is stopped there already.
    """
    with act("approvals.switch.set", target_type="runtime.switch", target_id=f"{function}/{scope}"):
        if function not in Function.values:
            raise SwitchInvalid("choose what is to stop", field="function")
        if not reason.strip():
            raise SwitchInvalid("say why, for those who meet the stop", field="reason")
        if scope and function not in SCOPED:
            raise SwitchInvalid(f"{Function(function).label.lower()} stops everywhere or not at all", field="scope")
        if scope and not scope_exists(scope):
            raise SwitchInvalid(f"there is no {scope.replace(':', ' ', 1)}"[:200], field="scope")
        if passes_approved and function not in PASSES_APPROVED:
            raise SwitchInvalid("only posting tells approved entries from others", field="passes_approved")
        try:
            with transaction.atomic():
                switch = Switch.objects.create(
                    function=function, scope=scope, reason=reason.strip(), passes_approved=passes_approved, set_by_id=set_by_id
                )
        except IntegrityError as error:
            if constraint_of(error) != "runtime_switch_is_set_once":
                raise
            raise SwitchSetAlready("this is stopped already", field="scope") from error
        record_event(
            "approvals.switch.set",
            target_type="runtime.switch",
            target_id=switch.pk,
            reason=switch.reason,
            after={"function": function, "scope": scope, "passes_approved": passes_approved},
        )
        return switch


def propose_lifting(*, switch_id: UUID, reason_code: str, narrative: str, maker_id: int) -> Proposal:
    """Ask that what a switch stops may go on.

    :raises SwitchLifted: if it does already.
    """
    payload = {"switch": str(switch_id), "reason_code": reason_code, "narrative": narrative.strip()}
    return submit(kind=LIFT_SWITCH, payload=payload, maker_id=maker_id)


def check_lifting(*, payload: Mapping[str, Any]) -> Command:
    """Understand a lifting against the switch as it is.

    :raises SwitchInvalid, SwitchLifted: if there is no such switch, or it is lifted.
    """
    switch = _locked(UUID(payload["switch"]))
    if switch.lifted_at is not None:
        raise SwitchLifted("this stop has been lifted")
    return Command(
        payload=payload,
        title=f"Let {switch.get_function_display().lower()} go on {where(switch.scope)}"[:200],
        scope=SCOPE,
        target_type="runtime.switch",
        target_id=str(switch.pk),
        locked_object=f"runtime.switch:{switch.pk}",
        preconditions={"reason": switch.reason},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def lift(*, payload: Mapping[str, Any], proposal_id: UUID, checker_id: int) -> None:
    """Lift a switch on its executed proposal, inside the caller's transaction.

    :raises PreconditionChanged: if it has been lifted meanwhile.
    """
    switch = _locked(UUID(payload["switch"]))
    if switch.lifted_at is not None:
        raise PreconditionChanged("this stop has been lifted meanwhile")
    switch.lifted_at, switch.lifted_by_id, switch.lift_proposal_id = database_now(), checker_id, proposal_id
    switch.save(update_fields=["lifted_at", "lifted_by_id", "lift_proposal_id"])
    record_event(
        "approvals.switch.lifted",
        target_type="runtime.switch",
        target_id=switch.pk,
        reason=payload["reason_code"],
        before={"function": switch.function, "scope": switch.scope},
        proposal_id=proposal_id,
    )


def where(scope: str) -> str:
    """Return a scope in words: `everywhere`, `for account 2010`."""
    return f"for {scope.replace(':', ' ', 1)}" if scope else "everywhere"


def _locked(switch_id: UUID) -> Switch:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM runtime_switch WHERE id = %s FOR UPDATE", [switch_id])
        if cursor.fetchone() is None:
            raise SwitchInvalid("there is no such switch", field="switch")
    return Switch.objects.get(pk=switch_id)
