"""Reconciliation runs. The row is the queue; every step may be repeated, so a killed run is simply run again."""

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from audit.context import SYSTEM, Origin, acting_from
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried, will_pass
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.models import Reconciliation, Run, RunStatus
from recon.operations import explaining, passes

RECONCILIATION_LOCK = 4202
STEPS = ("collect", "match", "explain")
# A worker that is alive says so at every step; one that has been silent this long is gone.
SILENCE = timedelta(minutes=2)
# A person matched an item by hand while a step had it in view: the step looks again.
LOST_TO_A_PERSON = frozenset({"recon_item_is_matched_once"})


class RunRefused(Refusal):
    code = "run_refused"
    kind = RefusalKind.CONFLICT


def request_run(*, reconciliation_id: int, requested_by_id: int) -> Run:
    """Queue a run; if one waits already, that one is returned, since it will see the same items.

    :raises RunRefused: if there is no such reconciliation.
    """
    with act("recon.run.requested", target_type="recon.reconciliation", target_id=reconciliation_id):
        refuse_if_stopped(Function.MATCHING)
        reconciliation = Reconciliation.objects.filter(pk=reconciliation_id).first()
        if reconciliation is None:
            raise RunRefused(f"there is no reconciliation {reconciliation_id}", field="reconciliation")
        return queue_run(reconciliation=reconciliation, requested_by_id=requested_by_id)


def queue_run(*, reconciliation: Reconciliation, requested_by_id: int | None) -> Run:
    """Queue a run inside the caller's transaction."""
    waiting = Run.objects.filter(reconciliation=reconciliation, status=RunStatus.QUEUED).first()
    if waiting is not None:
        return waiting
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval('recon_run_number')")
        (number,) = cursor.fetchone()
    run = Run(number=number, reconciliation=reconciliation, requested_by_id=requested_by_id, rules_version=reconciliation.rules_version)
    try:
        with transaction.atomic():
            run.save(force_insert=True)
    except IntegrityError as error:
        if constraint_of(error) != "recon_one_queued_run_per_reconciliation":
            raise
        return Run.objects.get(reconciliation=reconciliation, status=RunStatus.QUEUED)
    record_event(
        "recon.run.requested", target_type="recon.run", target_id=run.pk, after={"number": number, "reconciliation": reconciliation.pk}
    )
    return run


def claim_run(*, run_id: UUID) -> datetime | None:
    """Take a queued run, or one whose worker has gone silent; None if somebody else has it or it has ended.

    The instant returned is the claim: whoever was given up and wakes up again finds another one on the run, and stops.
    """
    claimable = Q(status=RunStatus.QUEUED) | Q(status=RunStatus.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    claim = database_now()
    try:
        with transaction.atomic():
            taken = Run.objects.filter(claimable, pk=run_id).update(status=RunStatus.RUNNING, started_at=claim, heartbeat_at=claim)
    except IntegrityError as error:
        if constraint_of(error) != "recon_one_running_run_per_reconciliation":
            raise
        return None
    return claim if taken else None


def overdue_runs() -> list[UUID]:
    """Return the runs that wait for a worker: queued ones and those whose worker has gone silent."""
    waiting = Q(status=RunStatus.QUEUED) | Q(status=RunStatus.RUNNING, heartbeat_at__lt=Now() - SILENCE)
    return list(Run.objects.filter(waiting).order_by("id").values_list("pk", flat=True))


def execute_run(*, run_id: UUID) -> Run:
    """Claim a run and carry it through its steps, each in a transaction of its own; one already taken is left alone.

    A run that could not get a lock in time, or lost its server, is left to the sweep; one that cannot be done ends as failed.
    """
    claim = claim_run(run_id=run_id)
    if claim is not None:
        initiator = Run.objects.select_related("requested_by").get(pk=run_id).requested_by
        with acting_from(lambda: Origin(user_id=initiator.pk, user_name=initiator.username) if initiator else SYSTEM):
            _carry_through(run_id=run_id, claim=claim)
    return Run.objects.get(pk=run_id)


def _carry_through(*, run_id: UUID, claim: datetime) -> None:
    try:
        for step in STEPS:
            if not retried(lambda step=step: _take_step(run_id=run_id, claim=claim, step=step), lost_to=LOST_TO_A_PERSON):  # type: ignore[misc]
                break
    except Exception as error:
        if not will_pass(error):
            _fail(run_id=run_id, claim=claim, error=error)
        raise


def _fail(*, run_id: UUID, claim: datetime, error: Exception) -> None:
    with act("recon.run.failed", target_type="recon.run", target_id=run_id):
        failure = f"{type(error).__name__}: {error}"[:500]
        own = Run.objects.filter(pk=run_id, status=RunStatus.RUNNING, started_at=claim)
        if own.update(status=RunStatus.FAILED, finished_at=Now(), failure=failure):
            record_event("recon.run.failed", target_type="recon.run", target_id=run_id, outcome="failed", reason=type(error).__name__)


def _take_step(*, run_id: UUID, claim: datetime, step: str) -> bool:
    """Do one step; false, and nothing is done, if the run has been given to another worker."""
    with act("recon.run.completed", target_type="recon.run", target_id=run_id):
        reconciliation_id = Run.objects.values_list("reconciliation_id", flat=True).get(pk=run_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RECONCILIATION_LOCK, reconciliation_id])
        run = Run.objects.select_related("reconciliation__source__account").get(pk=run_id)
        if (run.status, run.started_at) != (RunStatus.RUNNING, claim):
            return False
        if step == "collect":
            passes.collect_ledger_items(reconciliation=run.reconciliation, run=run)
        elif step == "match":
            passes.match_exactly(reconciliation=run.reconciliation, run=run)
        else:
            explaining.explain_the_rest(reconciliation=run.reconciliation, run=run)
            _complete(run)
        Run.objects.filter(pk=run_id).update(step=step, heartbeat_at=Now())
        return True


def _complete(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=Now(), items_done=F("items_total"))
    run.refresh_from_db()
    record_event(
        "recon.run.completed",
        target_type="recon.run",
        target_id=run.pk,
        after={
            "matches_made": run.matches_made,
            "breaks_opened": run.breaks_opened,
            "breaks_resolved": run.breaks_resolved,
            "through_account_seq": run.through_account_seq,
            "rules_version": run.rules_version,
        },
    )
