"""Submitting, revising, withdrawing and expiring proposals."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import structlog
from django.db import IntegrityError, connection, transaction
from django.db.models.functions import Now

from approvals.canonical import canonical_json, digest_of
from approvals.models import OPEN_STATUSES, PolicyVersion, Proposal, ProposalStatus, ProposalVersion, ReasonCode
from approvals.queries import current_policy, eligible_approvers, in_sight_of
from approvals.registry import Command, handler_of
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import constraint_of, database_now, retried

NARRATIVE_MINIMUM = 20

log = structlog.get_logger(__name__)


class ProposalInvalid(Refusal):
    code = "proposal_invalid"
    kind = RefusalKind.INVALID


class ObjectHasOpenProposal(Refusal):
    code = "object_has_open_proposal"
    kind = RefusalKind.CONFLICT


class NobodyCouldApprove(Refusal):
    code = "nobody_could_approve"
    kind = RefusalKind.CONFLICT


class NotYours(Refusal):
    code = "proposal_not_yours"
    kind = RefusalKind.FORBIDDEN


class NotOpen(Refusal):
    code = "proposal_not_open"
    kind = RefusalKind.CONFLICT


class ExpiryIncomplete(Exception):
    """Some overdue proposals could not be ended: a failure of ours, told after the others were."""


def submit(*, kind: str, payload: Mapping[str, Any], maker_id: int) -> Proposal:
    """Store a command that waits for other people's approval, and hold what it is about.

    :raises Refusal: the handler's, naming the wrong field.
    :raises ProposalInvalid: if the reason code or the narrative is not acceptable.
    :raises ObjectHasOpenProposal: if another proposal about the same object waits.
    :raises NobodyCouldApprove: if no active person but the maker could decide it.
    """
    return retried(lambda: _submit_once(kind=kind, payload=payload, maker_id=maker_id))


def _submit_once(*, kind: str, payload: Mapping[str, Any], maker_id: int) -> Proposal:
    handler = handler_of(kind)
    with act("approvals.proposal.submitted", target_type="approvals.kind", target_id=kind):
        command = handler.check(payload=payload)
        policy = _policy_of(kind)
        _check_reason(command=command, kind=kind)
        with connection.cursor() as cursor:
            cursor.execute("SELECT nextval('approvals_proposal_number'), clock_timestamp()")
            number, now = cursor.fetchone()
        proposal = Proposal(
            number=number,
            kind=kind,
            title=command.title,
            maker_id=maker_id,
            scope=command.scope,
            target_type=command.target_type,
            target_id=command.target_id,
            locked_object=command.locked_object,
            expires_at=now + timedelta(hours=policy.expires_after_hours),
        )
        others = in_sight_of(proposal, users=eligible_approvers(proposal), limit=policy.required_approvals)
        if len(others) < policy.required_approvals:
            raise NobodyCouldApprove(f"this needs {policy.required_approvals} other people who may decide, and there are fewer")
        try:
            with transaction.atomic():
                proposal.save(force_insert=True)
        except IntegrityError as error:
            if constraint_of(error) != "approvals_one_open_proposal_per_object":
                raise
            raise ObjectHasOpenProposal("another proposal about this already waits for a decision") from error
        handler.hold(payload=command.payload)
        version = _store_version(proposal=proposal, n=1, command=command, policy=policy, submitted_by_id=maker_id)
        record_event(
            "approvals.proposal.submitted",
            target_type="approvals.proposal",
            target_id=proposal.pk,
            reason=command.reason_code,
            after={"number": proposal.number, "kind": kind, "title": command.title, "version": 1, "digest": version.digest},
            proposal_id=proposal.pk,
        )
        return proposal


def revise(*, proposal_id: UUID, payload: Mapping[str, Any], maker_id: int) -> Proposal:
    """Submit the next version after a checker asked for changes; earlier decisions stay with their version.

    :raises NotYours, NotOpen, ProposalInvalid: likewise the handler's refusals.
    """
    return retried(lambda: _revise_once(proposal_id=proposal_id, payload=payload, maker_id=maker_id))


def _revise_once(*, proposal_id: UUID, payload: Mapping[str, Any], maker_id: int) -> Proposal:
    with act("approvals.proposal.revised", target_type="approvals.proposal", target_id=proposal_id):
        proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
        if proposal.maker_id != maker_id:
            raise NotYours("only its maker may revise a proposal")
        if proposal.status != ProposalStatus.CHANGES_REQUESTED:
            raise NotOpen("a new version is possible once changes have been requested")
        if proposal.has_expired(at=_now()):
            raise NotOpen("this proposal has expired")
        handler = handler_of(proposal.kind)
        handler.release(payload=ProposalVersion.objects.get(proposal=proposal, n=proposal.current_version).payload)
        command = handler.check(payload=payload)
        if command.locked_object != proposal.locked_object:
            raise ProposalInvalid("a new version must be about the same object", field="payload")
        _check_reason(command=command, kind=proposal.kind)
        handler.hold(payload=command.payload)
        n = proposal.current_version + 1
        version = _store_version(proposal=proposal, n=n, command=command, policy=_policy_of(proposal.kind), submitted_by_id=maker_id)
        proposal.current_version, proposal.status, proposal.title = n, ProposalStatus.SUBMITTED, command.title
        proposal.save(update_fields=["current_version", "status", "title"])
        record_event(
            "approvals.proposal.revised",
            target_type="approvals.proposal",
            target_id=proposal.pk,
            before={"version": n - 1},
            after={"version": n, "digest": version.digest, "title": command.title},
            proposal_id=proposal.pk,
        )
        return proposal


def withdraw(*, proposal_id: UUID, maker_id: int, reason: str) -> Proposal:
    """End one's own open proposal; what it held is free again.

    :raises NotYours, NotOpen: if it is another's, or has ended.
    """
    with act("approvals.proposal.withdrawn", target_type="approvals.proposal", target_id=proposal_id):
        proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
        if proposal.maker_id != maker_id:
            raise NotYours("only its maker may withdraw a proposal")
        if not proposal.is_open:
            raise NotOpen("this proposal has ended")
        end_without_execution(proposal=proposal, status=ProposalStatus.WITHDRAWN, action="approvals.proposal.withdrawn", reason=reason)
        return proposal


def expire_overdue(*, limit: int = 200) -> int:
    """End open proposals whose time has run out; returns how many. Safe to run at any time and twice.

    :raises ExpiryIncomplete: when the others have ended, if some could not be.
    """
    overdue = Proposal.objects.filter(status__in=OPEN_STATUSES, expires_at__lte=Now()).order_by("expires_at").values_list("pk", flat=True)
    expired, failed = 0, []
    for proposal_id in overdue[:limit]:
        try:
            expired += _expire(proposal_id)
        except Exception:  # whatever is wrong with one, the objects that the others hold must become free
            log.exception("proposal_not_expired", proposal_id=str(proposal_id))
            failed.append(str(proposal_id))
    if failed:
        raise ExpiryIncomplete(f"{expired} overdue proposals have ended, {len(failed)} could not be: {', '.join(failed)}")
    return expired


def _expire(proposal_id: UUID) -> int:
    """End one proposal unless somebody else is at it or it has ended since; returns how many ended."""
    with act("approvals.proposal.expired", target_type="approvals.proposal", target_id=proposal_id):
        proposal = (
            Proposal.objects.select_for_update(skip_locked=True)
            .filter(pk=proposal_id, status__in=OPEN_STATUSES, expires_at__lte=Now())
            .first()
        )
        if proposal is None:
            return 0
        end_without_execution(
            proposal=proposal, status=ProposalStatus.EXPIRED, action="approvals.proposal.expired", reason="not decided in time"
        )
        return 1


def end_without_execution(*, proposal: Proposal, status: ProposalStatus, action: str, reason: str) -> None:
    """Give a locked, open proposal its end and free what it held."""
    before = proposal.status
    proposal.status, proposal.status_reason, proposal.closed_at = status, reason, _now()
    proposal.save(update_fields=["status", "status_reason", "closed_at"])
    version = ProposalVersion.objects.get(proposal=proposal, n=proposal.current_version)
    handler_of(proposal.kind).release(payload=version.payload)
    record_event(
        action,
        target_type="approvals.proposal",
        target_id=proposal.pk,
        reason=reason,
        before={"status": before},
        after={"status": status, "version": proposal.current_version, "digest": version.digest},
        proposal_id=proposal.pk,
    )


def _now() -> datetime:
    """Return the database's clock, which also says when proposals were made."""
    now = database_now()
    assert isinstance(now, datetime)
    return now


def _policy_of(kind: str) -> PolicyVersion:
    policy = current_policy(kind=kind)
    if policy is None:
        raise ProposalInvalid(f"no policy says who must approve {kind}, so nothing of that kind can be asked")
    return policy


def _check_reason(*, command: Command, kind: str) -> None:
    if not ReasonCode.objects.filter(code=command.reason_code, kind=kind, active=True).exists():
        raise ProposalInvalid("choose a reason from the list", field="reason_code", value=command.reason_code)
    if len(command.narrative.strip()) < NARRATIVE_MINIMUM:
        raise ProposalInvalid(f"say why in at least {NARRATIVE_MINIMUM} characters", field="narrative")


def _store_version(*, proposal: Proposal, n: int, command: Command, policy: PolicyVersion, submitted_by_id: int) -> ProposalVersion:
    canonical = canonical_json(command.payload)
    return ProposalVersion.objects.create(
        proposal=proposal,
        n=n,
        payload=dict(command.payload),
        canonical=canonical,
        digest=digest_of(canonical),
        preconditions=dict(command.preconditions),
        reason_code_id=command.reason_code,
        narrative=command.narrative,
        policy_version=policy,
        submitted_by_id=submitted_by_id,
    )
