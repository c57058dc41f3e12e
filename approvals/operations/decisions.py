"""Deciding a proposal and, with the last approval, carrying it out: one transaction."""

from uuid import UUID

from django.db import DatabaseError, IntegrityError, transaction

from approvals.models import Decision, DecisionOutcome, Execution, Proposal, ProposalStatus, ProposalVersion, User
from approvals.operations.proposals import end_without_execution
from approvals.operations.switches import LIFT_SWITCH
from approvals.queries import STANDING
from approvals.registry import PreconditionChanged, handler_of
from audit.operations import act, record_event
from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import TRANSIENT_SQLSTATES, constraint_of, database_now, retried, savepoint_with_constraints, sqlstate_of
from ledgerops.runtime.gate import refuse_if_stopped
from ledgerops.runtime.models import Function


class CheckerIsMaker(Refusal):
    code = "checker_is_maker"
    kind = RefusalKind.FORBIDDEN


class DecisionNotAllowed(Refusal):
    code = "decision_not_allowed"
    kind = RefusalKind.FORBIDDEN


class DecisionOutdated(Refusal):
    """The decision names another version or digest than the one that waits."""

    code = "decision_outdated"
    kind = RefusalKind.CONFLICT


class NotWaiting(Refusal):
    code = "proposal_not_waiting"
    kind = RefusalKind.CONFLICT


class DecidedAlready(Refusal):
    code = "decided_already"
    kind = RefusalKind.CONFLICT


class CommentRequired(Refusal):
    code = "comment_required"
    kind = RefusalKind.INVALID


_ACTIONS = {
    DecisionOutcome.APPROVE: "approvals.proposal.approved",
    DecisionOutcome.REQUEST_CHANGES: "approvals.proposal.returned",
    DecisionOutcome.REJECT: "approvals.proposal.rejected",
}


def decide(*, proposal_id: UUID, version: int, digest: str, outcome: DecisionOutcome, comment: str, approver_id: int) -> Proposal:
    """Record one person's word on exactly the version and digest they saw; the last approval needed carries it out.

    An execution that the books refuse leaves the decision standing and the proposal stale or failed, with the sentence.

    :raises CheckerIsMaker, DecisionNotAllowed: if this person may not decide this proposal.
    :raises NotWaiting, DecisionOutdated, DecidedAlready: if it is not waiting for this decision any more.
    :raises CommentRequired: if a refusal says nothing.
    :raises FunctionStopped: if this is the last approval needed and executions are stopped; then it is not recorded either.
    """
    return retried(
        lambda: _decide_once(
            proposal_id=proposal_id,
            version_number=version,
            digest=digest,
            outcome=outcome,
            comment=comment.strip(),
            approver_id=approver_id,
        )
    )


def _decide_once(
    *, proposal_id: UUID, version_number: int, digest: str, outcome: DecisionOutcome, comment: str, approver_id: int
) -> Proposal:
    with act(_ACTIONS[outcome], target_type="approvals.proposal", target_id=proposal_id):
        proposal = Proposal.objects.select_for_update().get(pk=proposal_id)
        approver = User.objects.get(pk=approver_id)
        version = ProposalVersion.objects.select_related("policy_version").get(proposal=proposal, n=proposal.current_version)
        _refuse_unfit(proposal=proposal, version=version, approver=approver, outcome=outcome, comment=comment)
        if (version.n, version.digest) != (version_number, digest):
            raise DecisionOutdated(
                f"version {version.n} is the current one; read it before you decide",
                current_version=version.n,
                current_digest=version.digest,
            )

        # Nothing is refused any more, but by the unique vote and by the execution itself.
        _store_decision(proposal=proposal, version=version, approver=approver, outcome=outcome, comment=comment)
        if outcome == DecisionOutcome.APPROVE:
            if _standing_approvals(proposal=proposal, version=version) >= version.policy_version.required_approvals:
                if proposal.kind != LIFT_SWITCH:  # or what is stopped could never go on
                    refuse_if_stopped(Function.EXECUTION)
                _execute(proposal=proposal, version=version, checker_id=approver.pk)
        elif outcome == DecisionOutcome.REQUEST_CHANGES:
            proposal.status, proposal.status_reason = ProposalStatus.CHANGES_REQUESTED, comment
            proposal.save(update_fields=["status", "status_reason"])
        else:
            end_without_execution(proposal=proposal, status=ProposalStatus.REJECTED, action=_ACTIONS[outcome], reason=comment)
        return proposal


def refuse_the_maker(*, proposal: Proposal, version: ProposalVersion, approver: User) -> None:
    """Refuse whoever made the proposal or submitted this version.

    :raises CheckerIsMaker: always for them; `approvals_checker_is_not_maker` is the same sentence in the database.
    """
    if approver.pk in (proposal.maker_id, version.submitted_by_id):
        raise CheckerIsMaker("you made this proposal, so somebody else must decide it")


def _refuse_unfit(*, proposal: Proposal, version: ProposalVersion, approver: User, outcome: DecisionOutcome, comment: str) -> None:
    refuse_the_maker(proposal=proposal, version=version, approver=approver)
    if why_not := _without_right(proposal=proposal, approver=approver):
        raise DecisionNotAllowed(why_not)
    if outcome != DecisionOutcome.APPROVE and not comment:
        raise CommentRequired("say why, so that the maker can act on it", field="comment")
    if proposal.status != ProposalStatus.SUBMITTED:
        raise NotWaiting(f"this proposal {STANDING[ProposalStatus(proposal.status)]}", status=proposal.status)
    now = database_now()
    if proposal.has_expired(at=now):
        raise NotWaiting("this proposal has expired", status=ProposalStatus.EXPIRED)


def _without_right(*, proposal: Proposal, approver: User) -> str:
    """Return why this person has no say in this proposal, or nothing."""
    if not approver.is_active or not approver.has_perm("approvals.decide_proposal"):
        return "your roles do not include deciding proposals"
    if proposal.scope not in handler_of(proposal.kind).scopes_for(user=approver):
        return "this proposal lies outside your scope"
    return ""


def _standing_approvals(*, proposal: Proposal, version: ProposalVersion) -> int:
    """Count the approvals of those who could still give them: who has left or lost the role since has no say in the posting."""
    given = Decision.objects.filter(version=version, outcome=DecisionOutcome.APPROVE).select_related("approver")
    return sum(not _without_right(proposal=proposal, approver=decision.approver) for decision in given)


def _store_decision(*, proposal: Proposal, version: ProposalVersion, approver: User, outcome: DecisionOutcome, comment: str) -> None:
    try:
        with transaction.atomic():
            Decision.objects.create(
                proposal=proposal,
                version=version,
                maker_id=proposal.maker_id,
                submitted_by_id=version.submitted_by_id,
                approver=approver,
                outcome=outcome,
                comment=comment,
            )
    except IntegrityError as error:
        if constraint_of(error) != "approvals_one_person_one_vote":
            raise
        raise DecidedAlready("you have decided this version already") from error
    if outcome != DecisionOutcome.REJECT:  # a rejection's event is written where the proposal ends
        record_event(
            _ACTIONS[outcome],
            target_type="approvals.proposal",
            target_id=proposal.pk,
            reason=comment,
            after={"version": version.n, "digest": version.digest, "policy_version": version.policy_version.n},
            proposal_id=proposal.pk,
        )


def _execute(*, proposal: Proposal, version: ProposalVersion, checker_id: int) -> None:
    handler = handler_of(proposal.kind)
    try:
        with savepoint_with_constraints():
            Execution.objects.create(proposal=proposal, version=version)
            handler.execute(payload=version.payload, preconditions=version.preconditions, proposal_id=proposal.pk, checker_id=checker_id)
    except PreconditionChanged as changed:
        _give_up(proposal=proposal, status=ProposalStatus.STALE, reason=str(changed))
        return
    except Refusal as refusal:
        _give_up(proposal=proposal, status=ProposalStatus.FAILED, reason=str(refusal))
        return
    except DatabaseError as error:
        # A guard refused what the operations let through; a lost race is tried again as a whole.
        if sqlstate_of(error) in TRANSIENT_SQLSTATES or constraint_of(error) is None:
            raise
        _give_up(proposal=proposal, status=ProposalStatus.FAILED, reason=f"refused by the guard {constraint_of(error)}")
        return
    proposal.status = ProposalStatus.EXECUTED
    proposal.closed_at = database_now()
    proposal.save(update_fields=["status", "closed_at"])
    record_event(
        "approvals.proposal.executed",
        target_type="approvals.proposal",
        target_id=proposal.pk,
        after={"version": version.n, "digest": version.digest},
        proposal_id=proposal.pk,
    )


def _give_up(*, proposal: Proposal, status: ProposalStatus, reason: str) -> None:
    end_without_execution(proposal=proposal, status=status, action="approvals.proposal.failed", reason=reason)
