"""Reconciliation runs: collect what is new, take the passes in order, suggest and explain the rest.

The row is the queue. Every step is a transaction of its own, with the place up to which the run has come, so that a run whose worker is
lost at any point goes on there and ends as it would have.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Count, F, Q
from django.db.models.functions import Now

from audit.context import SYSTEM, Origin, acting_from
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried, will_pass
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.matching.rules import MATCHING, SUGGESTING, Pass, Rules
from recon.models import Match, MatchMethod, PassDemotion, Reconciliation, RulesStatus, RulesVersion, Run, RunStatus
from recon.operations import collecting, engine, explaining, leftover, suggesting

RECONCILIATION_LOCK = 4202
STEPS = ("collect", "match", "suggest", "explain")
# What a run says of itself where the last one left it nothing to do.
NOTHING_NEW = "nothing new"
# A pass may be wrong so often, in all or of a thousand, before it only suggests.
UNDONE_MAX, UNDONE_OF = 3, 1000
# A worker that is alive says so at every step; one that has been silent this long is gone.
SILENCE = timedelta(minutes=2)
# A person matched an item by hand while a step had it in view: the step looks again.
LOST_TO_A_PERSON = frozenset({"recon_item_is_matched_once", "recon_allocation_takes_what_is_there", "recon_match_balances"})


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


def cancel_run(*, run_id: UUID, asked_by_id: int) -> Run:
    """Stop a run: at once where it waits, else after the pass that it is at. What it has matched stands.

    :raises RunRefused: if it has ended already.
    """
    with act("recon.run.cancel_asked", target_type="recon.run", target_id=run_id):
        run = Run.objects.select_for_update().filter(pk=run_id).first()
        if run is None or not run.is_active:
            raise RunRefused("this run has ended already", field="run")
        Run.objects.filter(pk=run_id, cancel_asked_at=None).update(cancel_asked_by=asked_by_id, cancel_asked_at=Now())
        record_event("recon.run.cancel_asked", target_type="recon.run", target_id=run_id, after={"number": run.number})
        if run.status == RunStatus.QUEUED:
            _cancel(run)
        run.refresh_from_db()
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
        while retried(lambda: _take_step(run_id=run_id, claim=claim), lost_to=LOST_TO_A_PERSON):
            pass
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


def _take_step(*, run_id: UUID, claim: datetime) -> bool:
    """Do what comes next; false where nothing is left to do, or the run has been given to another worker, or was cancelled."""
    with act("recon.run.completed", target_type="recon.run", target_id=run_id):
        reconciliation_id = Run.objects.values_list("reconciliation_id", flat=True).get(pk=run_id)
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [RECONCILIATION_LOCK, reconciliation_id])
        run = Run.objects.select_related("reconciliation__source__account").get(pk=run_id)
        if (run.status, run.started_at) != (RunStatus.RUNNING, claim):
            return False
        if run.cancel_asked_at is not None:
            _cancel(run)
            return False
        goes_on = _collect(run) if not run.step else _go_on(run)
        Run.objects.filter(pk=run_id).update(heartbeat_at=Now())
        return goes_on


def _collect(run: Run) -> bool:
    """Take in what is new and fix the rules of this run; false where neither is anything new, and the run is at its end."""
    version = RulesVersion.objects.get(reconciliation=run.reconciliation, status=RulesStatus.ACTIVE)
    made = collecting.collect(reconciliation=run.reconciliation, run=run)
    _demote(run, version)
    passes = [one for one in Rules.from_json(version.definition).passes if one.kind in MATCHING]
    started = {"rules_version": version.number, "passes_total": len(passes), "passes_done": 0}
    watermark = collecting.watermark_of(reconciliation=run.reconciliation, rules=version)
    last = Run.objects.filter(reconciliation=run.reconciliation, status=RunStatus.COMPLETED).order_by("-finished_at").first()
    if not made and last is not None and last.watermark == watermark:
        Run.objects.filter(pk=run.pk).update(step=NOTHING_NEW, watermark=watermark, **started)
        _complete(run)
        return False
    Run.objects.filter(pk=run.pk).update(step=STEPS[0], **started)
    return True


def _go_on(run: Run) -> bool:
    """Take the next passes, or what comes after the last one; false once the run is complete."""
    version = RulesVersion.objects.get(reconciliation=run.reconciliation, number=run.rules_version)
    rules = Rules.from_json(version.definition)
    passes = [one for one in rules.passes if one.kind in MATCHING]
    if run.passes_done < len(passes):
        taken = _take_passes(run, version, rules, passes[run.passes_done :])
        Run.objects.filter(pk=run.pk).update(step="match", passes_done=F("passes_done") + taken)
    elif run.step != "suggest":
        only_suggest = [one for one in rules.passes if one.kind in SUGGESTING]
        suggesting.suggest(reconciliation=run.reconciliation, run=run, rules=rules, passes=only_suggest)
        Run.objects.filter(pk=run.pk).update(step="suggest")
    else:
        leftover.set_apart(reconciliation_id=run.reconciliation_id)
        engine.challenge(run=run)
        explaining.explain_the_rest(reconciliation=run.reconciliation, run=run)
        watermark = collecting.watermark_of(reconciliation=run.reconciliation, rules=version)
        Run.objects.filter(pk=run.pk).update(step="explain", watermark=watermark, items_done=F("items_total"))
        _complete(run)
        return False
    return True


def _take_passes(run: Run, version: RulesVersion, rules: Rules, passes: Sequence[Pass]) -> int:
    """Take passes until one has matched much, or somebody asks to cancel the run, and return how many were taken."""
    demoted = set(PassDemotion.objects.filter(rules=version).values_list("pass_id", flat=True))
    for n, one in enumerate(passes):
        done = engine.take_pass(
            run=run,
            version=version,
            rules=rules,
            one=one,
            position=run.passes_done + 1 + n,
            automatic=one.automatic and one.id not in demoted,
            follows=n > 0,
        )
        if done.items > engine.TOGETHER_MAX or Run.objects.filter(pk=run.pk, cancel_asked_at__isnull=False).exists():
            return n + 1
    return len(passes)


def _demote(run: Run, version: RulesVersion) -> None:
    """Let passes of which too many matches were undone by people only suggest, from now on."""
    of_rules = Match.objects.filter(reconciliation=run.reconciliation, method=MatchMethod.RULE, rules_version=version.number)
    undone = of_rules.filter(undoing__isnull=False).values("pass_id").annotate(times=Count("pk")).filter(times__gt=UNDONE_MAX)
    known = set(PassDemotion.objects.filter(rules=version).values_list("pass_id", flat=True))
    for pass_id, times in sorted(undone.values_list("pass_id", "times")):
        if pass_id in known:
            continue
        made = of_rules.filter(pass_id=pass_id).count()
        if times * UNDONE_OF > made:
            PassDemotion.objects.create(rules=version, pass_id=pass_id, matches_made=made, matches_undone=times)
            record_event(
                "recon.pass.demoted",
                target_type="recon.rules_version",
                target_id=version.pk,
                after={"pass": pass_id, "matches_made": made, "matches_undone": times},
            )


def _cancel(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status=RunStatus.CANCELLED, finished_at=Now())
    record_event(
        "recon.run.cancelled",
        target_type="recon.run",
        target_id=run.pk,
        after={"passes_done": run.passes_done, "matches_made": run.matches_made},
    )


def _complete(run: Run) -> None:
    Run.objects.filter(pk=run.pk).update(status=RunStatus.COMPLETED, finished_at=Now())
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
            "step": run.step,
        },
    )
