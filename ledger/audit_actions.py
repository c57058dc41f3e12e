"""What this app writes on the trail."""

ACTIONS = {
    "ledger.asset.defined": "An asset was added to the ledger",
    "ledger.entity.defined": "A legal entity was added",
    "ledger.account_group.defined": "A group of accounts was added",
    "ledger.account.opened": "An account was opened in the chart of accounts",
    "ledger.period.opened": "An accounting period was opened",
    "ledger.period.closed": "An accounting period was closed: nothing more is posted into it",
    "ledger.transaction_type.defined": "A version of a transaction type's posting rules was registered",
    # A posted entry carries its actor and request and is its own record: only refusals are events.
    "ledger.transaction.recorded": "A transaction was offered for posting and refused",
    "ledger.statement.exported": "An account statement or list of entries was exported",
}
