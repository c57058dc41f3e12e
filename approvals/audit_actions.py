"""What this app writes on the trail."""

ACTIONS = {
    "approvals.proposal.submitted": "A maker asked for an act that needs other people's approval",
    "approvals.proposal.revised": "A maker submitted a new version after changes were requested",
    "approvals.proposal.approved": "A checker approved one version of a proposal",
    "approvals.proposal.rejected": "A checker rejected one version of a proposal",
    "approvals.proposal.returned": "A checker asked the maker for changes",
    "approvals.proposal.withdrawn": "The maker took the proposal back",
    "approvals.proposal.expired": "A proposal ran out of time before it was decided",
    "approvals.proposal.executed": "An approved proposal was carried out",
    "approvals.proposal.failed": "An approved proposal could not be carried out: the world had changed or the books refused it",
    "approvals.role.granted": "A role was given to a user",
    "approvals.scope.granted": "A role was given sight of an entity, an account group or a source",
    "approvals.policy.defined": "A policy version says how many others must approve a kind of proposal",
    "approvals.reason_code.defined": "A reason was put on the governed list",
    "approvals.session.opened": "A user signed in",
    "approvals.session.closed": "A user signed out",
    "approvals.session.refused": "A sign-in was refused",
    "approvals.access.refused": "A user asked for a page or an act that their roles do not include",
    "approvals.switch.set": "A function was stopped, everywhere or in one scope",
    "approvals.switch.lifted": "What was stopped may go on, by an approved proposal",
    "approvals.token.issued": "An API token was issued",
}
