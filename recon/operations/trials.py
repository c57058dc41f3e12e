"""Trying rules as work that a person waits for: asked for, done by whoever is free, watched, and kept.

A few items are tried at once. More are tried by a worker, which says every other second how far it is from a connection of its own.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from threading import Event, Thread
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Q
from django.db.models.functions import Now

from audit.context import Origin, acting_from
from audit.operations import act, record_event
from ledgerops.lib.transactions import database_now, will_pass
from recon.matching.rules import MATCHING, Rules
from recon.models import Item, Match, MatchUndoing, NeverMatch, Reconciliation, RulesTrial, Run, RunStatus
from recon.operations.backtests import back_test, summary_of

# Of so many items what comes of rules is known before a page could say that it is being worked out.
AT_ONCE_MAX = 20_000
SILENCE = timedelta(minutes=2)
HEARTBEAT_SECONDS = 2.0
LIVE = (RunStatus.QUEUED, RunStatus.RUNNING)


def request_trial(*, reconciliation_id: int, rules: Rules, since: date | None, requested_by_id: int) -> RulesTrial:
    """Ask what rules make of what is open, and with a day of what was decided since; the same that waits already is returned.

    A reconciliation of few items is tried before this returns: whoever gets a trial that waits rings for a worker.
    """
    with act("recon.rules.tried", target_type="recon.reconciliation", target_id=reconciliation_id):
        same = RulesTrial.objects.filter(reconciliation=reconciliation_id, digest=rules.digest, since=since, status__in=LIVE)
        known = same.filter(requested_by=requested_by_id).first()
        if known is not None:
            return known
        trial = RulesTrial.objects.create(
            reconciliation_id=reconciliation_id,
            definition=rules.definition,
            digest=rules.digest,
            decided=since is not None,
            since=since,
            requested_by_id=requested_by_id,
            passes_total=sum(one.kind in MATCHING for one in rules.passes),
        )
        record_event(
            "recon.rules.tried",
            target_type="recon.reconciliation",
            target_id=reconciliation_id,
            after={"trial": str(trial.pk), "digest": rules.digest, "since": since.isoformat() if since else ""},
        )
    if not Item.objects.filter(reconciliation=reconciliation_id)[AT_ONCE_MAX : AT_ONCE_MAX + 1].exists():
        execute_trial(trial_id=trial.pk)
        trial.refresh_from_db()
    return trial


def execute_trial(*, trial_id: UUID) -> None:
    """Claim a trial and do it; one already taken is left alone. What cannot be tried ends as failed, and says why."""
    claim = _claim(trial_id)
    if claim is None:
        return
    trial = RulesTrial.objects.select_related("reconciliation__source__asset", "requested_by").get(pk=trial_id)
    person = trial.requested_by
    told: dict[str, Any] = {"passes_done": 0, "step": ""}
    with acting_from(lambda: Origin(user_id=person.pk, user_name=person.username)), _heartbeat(trial, claim=claim, told=told):
        try:
            rules = Rules.from_json(trial.definition)
            outcome = back_test(
                reconciliation=trial.reconciliation,
                rules=rules,
                since=trial.since,
                decided=trial.decided,
                at_pass=lambda done, name: told.update(passes_done=done, step=name),
            )
        except Exception as error:
            if not will_pass(error):
                _end(trial, claim=claim, status=RunStatus.FAILED, failure=f"{type(error).__name__}: {error}"[:500])
            raise
    result = summary_of(outcome, since=trial.since)
    _end(trial, claim=claim, status=RunStatus.COMPLETED, result=result, passes_done=trial.passes_total, step="")


def overdue_trials() -> list[UUID]:
    """Return the trials that wait for a worker: queued ones and those whose worker has gone silent."""
    return list(RulesTrial.objects.filter(_waiting()).order_by("id").values_list("pk", flat=True))


def kept_back_test(*, reconciliation: Reconciliation, digest: str, since: date) -> Mapping[str, Any] | None:
    """Return what the last back-test of these rules said, if nothing that it rests on has changed since; else nothing."""
    done = RulesTrial.objects.filter(reconciliation=reconciliation, digest=digest, since=since, status=RunStatus.COMPLETED)
    last = done.order_by("-id").first()
    if last is None or last.started_at is None:
        return None
    begun = last.started_at
    changed = (
        Run.objects.filter(reconciliation=reconciliation, requested_at__gte=begun).exists()
        or Run.objects.filter(reconciliation=reconciliation, finished_at__gte=begun).exists()
        or Match.objects.filter(reconciliation=reconciliation, made_at__gte=begun).exists()
        or MatchUndoing.objects.filter(match__reconciliation=reconciliation, undone_at__gte=begun).exists()
        or NeverMatch.objects.filter(left__reconciliation=reconciliation, said_at__gte=begun).exists()
    )
    result: Mapping[str, Any] = last.result
    return None if changed else result


def _waiting() -> Q:
    return Q(status=RunStatus.QUEUED) | Q(status=RunStatus.RUNNING, heartbeat_at__lt=Now() - SILENCE)


def _claim(trial_id: UUID) -> datetime | None:
    claim = database_now()
    taken = RulesTrial.objects.filter(_waiting(), pk=trial_id).update(status=RunStatus.RUNNING, started_at=claim, heartbeat_at=claim)
    return claim if taken else None


def _end(trial: RulesTrial, *, claim: datetime, **values: Any) -> None:
    """Keep what came of a trial; whoever was given up meanwhile keeps nothing."""
    own = RulesTrial.objects.filter(pk=trial.pk, status=RunStatus.RUNNING, started_at=claim)
    own.update(finished_at=Now(), heartbeat_at=Now(), **values)


@contextmanager
def _heartbeat(trial: RulesTrial, *, claim: datetime, told: Mapping[str, Any]) -> Iterator[None]:
    """Say every other second how far the work is, while the block runs: the work itself is one transaction."""
    stop = Event()

    def beat() -> None:
        try:
            while not stop.wait(HEARTBEAT_SECONDS):
                own = RulesTrial.objects.filter(pk=trial.pk, status=RunStatus.RUNNING, started_at=claim)
                own.update(heartbeat_at=Now(), **told)
        finally:
            connection.close()  # this thread's own

    thread = Thread(target=beat, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
