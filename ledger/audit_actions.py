"""What this app writes on the trail."""

ACTIONS = {
    "ledger.asset.defined": "An asset was added to the ledger",
    "ledger.entity.defined": "A legal entity was added",
    "ledger.account_group.defined": "A group of accounts was added",
    "ledger.account.opened": "An account was opened in the chart of accounts",
    "ledger.period.opened": "An accounting period was opened",
    "ledger.period.soft_locked": "An accounting period was soft-locked: approved entries only",
    "ledger.period.unlocked": "An accounting period's soft lock was taken off",
    "ledger.period.closed": "An accounting period was closed: nothing more is posted into it",
    "ledger.period.restated": "A closed period's trial balance was stored again: an earlier period changed",
    "ledger.period.reopened": "A closed period was reopened for a time, on an approved proposal",
    "ledger.period.reopening_ended": "A reopened period's time was over: it is to be closed again",
    "ledger.transaction_type.defined": "A version of a transaction type's posting rules was registered",
    # A posted entry carries its actor and request and is its own record: only refusals are events.
    "ledger.transaction.recorded": "A transaction was offered for posting and refused",
    "ledger.batch.recorded": "A batch of transactions was offered as one and refused",
    "ledger.transaction.posted": "An initiated transaction was posted",
    "ledger.transaction.status_reported": "A source reported what became of a transaction",
    "ledger.hold.placed": "Money of an account was set aside",
    "ledger.hold.released": "Money set aside was given back",
    "ledger.hold.expired": "Holds whose time was over gave back what they kept",
    "ledger.statement.exported": "An account statement or list of entries was exported",
}
