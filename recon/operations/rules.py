"""By which rules a reconciliation matches: drafted, tried on what was decided, and put in force by a second person."""

from collections.abc import Mapping as Json
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Max

from approvals import operations as approvals
from approvals.models import Proposal
from approvals.registry import Command, PreconditionChanged
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import database_now
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function
from recon.matching.rules import Rules, RulesRefused
from recon.models import Reconciliation, RulesStatus, RulesVersion
from recon.operations.backtests import back_test, summary_of
from recon.operations.corrections import scope_of
from recon.operations.trials import kept_back_test

APPROVE_RULES = "recon.approve_rules"
NOTE_MAX = 500


class RulesInvalid(Refusal):
    """The definition is no set of rules; `field` is the path of what is wrong in it."""

    code = "rules_invalid"
    kind = RefusalKind.INVALID


class RulesNotNew(Refusal):
    """The version is not in a state for this, or says what is in force already."""

    code = "rules_refused"
    kind = RefusalKind.CONFLICT


class RulesNotYours(Refusal):
    """Who drafted rules submits them: then whoever approves them is another person."""

    code = "rules_not_yours"
    kind = RefusalKind.FORBIDDEN


def checked_rules(definition: object) -> Rules:
    """Return the rules that a definition describes.

    :raises RulesInvalid: naming the first thing that is missing, unknown or wrong.
    """
    try:
        return Rules.from_json(definition)
    except RulesRefused as refused:
        raise RulesInvalid(f"{refused.field}: {refused}", field=refused.field) from refused


def draft_rules(*, reconciliation_id: int, definition: Json[str, Any], note: str = "", drafted_by_id: int) -> RulesVersion:
    """Keep a definition as the next version of a reconciliation's rules; the same person's same draft again returns the one there is.

    :raises RulesInvalid: naming what is wrong.
    :raises RulesNotNew: if these are the rules in force.
    """
    with act("recon.rules.drafted", target_type="recon.reconciliation", target_id=reconciliation_id):
        refuse_if_stopped(Function.MATCHING)
        rules = checked_rules(definition)
        if len(note.strip()) > NOTE_MAX:
            raise RulesInvalid(f"a note has at most {NOTE_MAX} characters", field="note")
        reconciliation = Reconciliation.objects.select_for_update(of=("self",), no_key=True).get(pk=reconciliation_id)
        versions = RulesVersion.objects.filter(reconciliation=reconciliation)
        active = versions.get(status=RulesStatus.ACTIVE)
        if active.digest == rules.digest:
            raise RulesNotNew(f"version {active.number} is in force and says just this", number=active.number)
        same = versions.filter(digest=rules.digest, status=RulesStatus.DRAFT, drafted_by=drafted_by_id, note=note.strip()).first()
        if same is not None:
            return same
        latest = versions.aggregate(number=Max("number"))["number"]
        version = versions.create(
            reconciliation=reconciliation,
            number=latest + 1,
            definition=rules.definition,
            digest=rules.digest,
            note=note.strip(),
            drafted_by_id=drafted_by_id,
        )
        record_event(
            "recon.rules.drafted",
            target_type="recon.rules_version",
            target_id=version.pk,
            after={"reconciliation": reconciliation.pk, "number": version.number, "digest": version.digest},
        )
        return version


def submit_rules(*, rules_id: UUID, reason_code: str, narrative: str, maker_id: int, since: date) -> Proposal:
    """Ask a second person to put a draft of one's own in force; what it makes of the decisions since a day goes with it.

    :raises RulesNotNew: if it is no draft any more.
    :raises RulesNotYours: if somebody else drafted it.
    :raises Refusal: the approvals' own.
    """
    payload = _asked(rules_id, reason_code=reason_code, narrative=narrative, maker_id=maker_id, since=since)
    return approvals.submit(kind=APPROVE_RULES, payload=payload, maker_id=maker_id)


def revise_rules(*, proposal_id: UUID, rules_id: UUID, reason_code: str, narrative: str, maker_id: int, since: date) -> Proposal:
    """Submit another draft after changes were requested; the version that was returned is not approved any more."""
    payload = _asked(rules_id, reason_code=reason_code, narrative=narrative, maker_id=maker_id, since=since)
    return approvals.revise(proposal_id=proposal_id, payload=payload, maker_id=maker_id)


def _asked(rules_id: UUID, *, reason_code: str, narrative: str, maker_id: int, since: date) -> dict[str, Any]:
    """Return the request, with the back-test where the version may be submitted at all: what is refused is refused before the work.

    One that was made before is taken where nothing has changed since.
    """
    version = RulesVersion.objects.select_related("reconciliation", "drafted_by").get(pk=rules_id)
    tried = None
    if version.status == RulesStatus.DRAFT and version.drafted_by_id == maker_id:
        tried = kept_back_test(reconciliation=version.reconciliation, digest=version.digest, since=since)
        if tried is None:
            rules = Rules.from_json(version.definition)
            tried = summary_of(back_test(reconciliation=version.reconciliation, rules=rules, since=since, decided=True), since=since)
    return {"rules": str(rules_id), "reason_code": reason_code, "narrative": narrative.strip(), "maker": maker_id, "backtest": tried}


def check_rules(*, payload: Json[str, Any]) -> Command:
    """Understand a request to put rules in force against the version as it is, locking it.

    :raises RulesNotNew, RulesNotYours: see `submit_rules`.
    """
    version = _locked(UUID(payload["rules"]))
    reconciliation = version.reconciliation
    if version.status != RulesStatus.DRAFT:
        raise RulesNotNew(f"version {version.number} is {version.get_status_display().lower()}, no draft")
    if version.drafted_by is None or version.drafted_by_id != payload["maker"]:
        name = version.drafted_by.shown_name if version.drafted_by else "nobody"
        raise RulesNotYours(f"version {version.number} is submitted by {name}, who drafted it")
    return Command(
        payload={
            **payload,
            "reconciliation": reconciliation.pk,
            "version": version.number,
            "digest": version.digest,
            "definition": version.definition,
        },
        title=f"Match {reconciliation.name} by version {version.number} of its rules"[:200],
        scope=scope_of(source_id=reconciliation.source_id),
        target_type="recon.reconciliation",
        target_id=str(reconciliation.pk),
        locked_object=f"recon.rules:{reconciliation.pk}",
        preconditions={"in_force": _active(reconciliation).number},
        reason_code=payload["reason_code"],
        narrative=payload["narrative"],
    )


def hold_rules(*, payload: Json[str, Any]) -> None:
    """Mark a version as waiting, with what trying it said."""
    waiting = RulesVersion.objects.filter(pk=UUID(payload["rules"]), status=RulesStatus.DRAFT)
    waiting.update(status=RulesStatus.SUBMITTED, backtest=payload["backtest"])


def release_rules(*, payload: Json[str, Any]) -> None:
    """A version whose proposal ended is not approved; the same definition may be drafted again."""
    RulesVersion.objects.filter(pk=UUID(payload["rules"]), status=RulesStatus.SUBMITTED).update(status=RulesStatus.REJECTED)


def put_in_force(*, payload: Json[str, Any], preconditions: Json[str, Any], proposal_id: UUID) -> None:
    """Let approved rules match from the next run on and retire those before, inside the caller's transaction.

    :raises PreconditionChanged: if other rules have come into force since this was proposed.
    """
    version = _locked(UUID(payload["rules"]))
    reconciliation = Reconciliation.objects.select_for_update(of=("self",), no_key=True).get(pk=version.reconciliation_id)
    active = _active(reconciliation)
    if active.number != preconditions["in_force"]:
        raise PreconditionChanged("other rules of this reconciliation have been approved since this was proposed")
    if version.status != RulesStatus.SUBMITTED:
        raise PreconditionChanged(f"version {version.number} is {version.get_status_display().lower()}")
    # Nothing is refused any more.
    now = database_now()
    active.status, active.retired_at = RulesStatus.RETIRED, now
    active.save(update_fields=["status", "retired_at"])
    version.status, version.proposal_id, version.activated_at = RulesStatus.ACTIVE, proposal_id, now
    version.save(update_fields=["status", "proposal_id", "activated_at"])
    reconciliation.rules_version = version.number
    reconciliation.save(update_fields=["rules_version"])
    record_event(
        "recon.rules.put_in_force",
        target_type="recon.rules_version",
        target_id=version.pk,
        before={"in_force": active.number},
        after={"reconciliation": reconciliation.pk, "number": version.number, "digest": version.digest},
        proposal_id=proposal_id,
    )


def _active(reconciliation: Reconciliation) -> RulesVersion:
    return RulesVersion.objects.get(reconciliation=reconciliation, status=RulesStatus.ACTIVE)


def _locked(rules_id: UUID) -> RulesVersion:
    return RulesVersion.objects.select_for_update(of=("self",)).select_related("reconciliation", "drafted_by").get(pk=rules_id)
