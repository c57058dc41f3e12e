"""Every page a person can open, by who opens it; object pages are found by following the first link of their list."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PageCase:
    """`path` is opened; `follow` is then clicked, where a page belongs to one object."""

    name: str
    user: str
    path: str
    follow: str = ""


PAGES = [
    PageCase("overview", "analyst", "/"),
    PageCase("overview of an approver", "approver", "/"),
    PageCase("overview of an administrator", "administrator", "/"),
    PageCase("breaks", "analyst", "/breaks/"),
    PageCase("break of one side", "analyst", "/breaks/?type=missing_internal", "tbody th a, tbody td a"),
    PageCase("break of a pair", "analyst", "/breaks/?type=amount", "tbody th a, tbody td a"),
    PageCase("break seen by an auditor", "auditor", "/breaks/", "tbody th a, tbody td a"),
    PageCase("statements", "analyst", "/statements/"),
    PageCase("statement", "analyst", "/statements/", "tbody a[href^='/statements/']:not([href*='/files/'])"),
    PageCase("file", "analyst", "/statements/files/", "tbody a[href*='/files/']"),
    PageCase("upload", "analyst", "/statements/upload/"),
    PageCase("chains", "analyst", "/chains/"),
    PageCase("chain", "auditor", "/chains/", "tbody a.row-link"),
    PageCase("follow a chain", "analyst", "/chains/new/"),
    PageCase("runs", "analyst", "/runs/"),
    PageCase("run", "analyst", "/runs/", "tbody a[href^='/runs/']"),
    PageCase("new run", "analyst", "/runs/new/"),
    PageCase("approvals", "approver", "/approvals/"),
    PageCase("adjustments", "analyst", "/adjustments/"),
    PageCase("accounts", "controller", "/accounts/"),
    PageCase("account", "controller", "/accounts/", "tbody a[href^='/accounts/1']"),
    PageCase("account at a date", "controller", "/accounts/1010-USD/?order=effective&as_of=2026-11-10&known_at=2026-11-10T12:00"),
    PageCase("new account", "analyst", "/accounts/new/"),
    PageCase("chart from a file", "analyst", "/accounts/import/"),
    PageCase("hot accounts", "controller", "/accounts/hot/"),
    PageCase("change of an account", "analyst", "/accounts/1010-USD/change/"),
    PageCase("freeze of an account", "approver", "/accounts/1010-USD/freeze/"),
    PageCase("watched levels", "analyst", "/accounts/1010-USD/monitors/"),
    PageCase("alerts", "analyst", "/alerts/"),
    PageCase("switches", "controller", "/switches/"),
    PageCase("transactions", "analyst", "/transactions/"),
    PageCase("transaction with reports", "analyst", "/transactions/?reference=FOLLOW-DEPOSIT", "tbody a.row-link"),
    PageCase("transaction with a shortfall", "auditor", "/transactions/?reference=FOLLOW-RETURN", "tbody a.row-link"),
    PageCase("conversion", "auditor", "/transactions/?reference=FOLLOW-CONVERSION", "tbody a.row-link"),
    PageCase("convert", "analyst", "/transactions/convert/"),
    PageCase("keys", "auditor", "/transactions/keys/"),
    PageCase("holds", "analyst", "/holds/"),
    PageCase("hold", "analyst", "/holds/", "tbody a.row-link"),
    PageCase("place a hold", "analyst", "/holds/new/"),
    PageCase("transaction types", "auditor", "/transaction-types/"),
    PageCase("transaction type", "analyst", "/transaction-types/conversion/"),
    PageCase("ledger", "controller", "/ledger/"),
    PageCase("entry", "controller", "/ledger/", "a[href^='/ledger/entries/']"),
    PageCase("journals", "analyst", "/journals/"),
    PageCase("new journal", "analyst", "/journals/new/"),
    PageCase("journal upload", "analyst", "/journals/upload/"),
    PageCase("opening balances", "analyst", "/journals/opening/"),
    PageCase("recurring entries", "analyst", "/journals/recurring/"),
    PageCase("new recurring entry", "analyst", "/journals/recurring/new/"),
    PageCase("trail of an entry", "auditor", "/ledger/", "a[href^='/ledger/entries/']"),
    PageCase("trial balance", "controller", "/ledger/trial-balance/"),
    PageCase("two points of the trial balance", "controller", "/ledger/trial-balance/?compare_to=2026-10-31&detail=accounts"),
    PageCase("general ledger", "controller", "/ledger/general/"),
    PageCase("close", "controller", "/close/"),
    PageCase("checklist of a period", "controller", "/close/", "tbody a"),
    PageCase("trial balance of a period", "auditor", "/close/1/?tab=balances"),
    PageCase("integrity", "controller", "/integrity/"),
    PageCase("examination", "controller", "/integrity/", "tbody a[href^='/integrity/runs/']"),
    PageCase("parties", "analyst", "/parties/"),
    PageCase("party", "analyst", "/parties/", "tbody a.row-link"),
    PageCase("new party", "analyst", "/parties/new/"),
    PageCase("change of a party", "analyst", "/parties/PAYOUTS/change/"),
    PageCase("rates", "controller", "/rates/"),
    PageCase("rate", "controller", "/rates/", "tbody a[href^='/rates/']"),
    PageCase("positions", "controller", "/positions/"),
    PageCase("remeasurement", "controller", "/positions/remeasure/"),
    PageCase("balance sheet", "controller", "/ledger/balance-sheet/"),
    PageCase("year end", "controller", "/ledger/year-end/"),
    PageCase("audit log", "auditor", "/audit/"),
    PageCase("records", "auditor", "/admin/"),
    PageCase("records of a kind", "auditor", "/admin/ledger/journalentry/"),
    PageCase("record", "auditor", "/admin/ledger/journalentry/", "tbody a"),
    PageCase("search", "analyst", "/search/?q=harbor"),
    PageCase("preferences", "analyst", "/me/"),
    PageCase("two factors", "analyst", "/account/mfa/"),
    PageCase("style guide", "analyst", "/styleguide/"),
    PageCase("no such page", "analyst", "/no-such-page/"),
    PageCase("not allowed", "analyst", "/audit/"),
]
THEMES = ("light", "dark")
WIDTHS = (390, 1440)
OVERFLOW_WIDTHS = (320, 390, 768, 1024, 1280, 1440, 1920)
