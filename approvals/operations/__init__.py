"""Asking, deciding, carrying out; people and their roles."""

from approvals.operations.access import record_refused_access
from approvals.operations.decisions import (
    CheckerIsMaker,
    CommentRequired,
    DecidedAlready,
    DecisionNotAllowed,
    DecisionOutdated,
    NotWaiting,
    decide,
)
from approvals.operations.people import add_user, define_policy, define_reason_code, define_role, grant_sight
from approvals.operations.proposals import (
    ExpiryIncomplete,
    NobodyCouldApprove,
    NotOpen,
    NotYours,
    ObjectHasOpenProposal,
    ProposalInvalid,
    expire_overdue,
    revise,
    submit,
    withdraw,
)
from approvals.operations.switches import (
    LIFT_SWITCH,
    SwitchInvalid,
    SwitchLifted,
    SwitchSetAlready,
    propose_lifting,
    set_switch,
)
from approvals.operations.tokens import NobodyOfThatName, issue_token

__all__ = [
    "LIFT_SWITCH",
    "CheckerIsMaker",
    "CommentRequired",
    "DecidedAlready",
    "DecisionNotAllowed",
    "DecisionOutdated",
    "ExpiryIncomplete",
    "NobodyCouldApprove",
    "NobodyOfThatName",
    "NotOpen",
    "NotWaiting",
    "NotYours",
    "ObjectHasOpenProposal",
    "ProposalInvalid",
    "SwitchInvalid",
    "SwitchLifted",
    "SwitchSetAlready",
    "add_user",
    "decide",
    "define_policy",
    "define_reason_code",
    "define_role",
    "expire_overdue",
    "grant_sight",
    "issue_token",
    "propose_lifting",
    "record_refused_access",
    "revise",
    "set_switch",
    "submit",
    "withdraw",
]
