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
    PageCase("runs", "analyst", "/runs/"),
    PageCase("run", "analyst", "/runs/", "tbody a[href^='/runs/']"),
    PageCase("new run", "analyst", "/runs/new/"),
    PageCase("approvals", "approver", "/approvals/"),
    PageCase("adjustments", "analyst", "/adjustments/"),
    PageCase("accounts", "controller", "/accounts/"),
    PageCase("account", "controller", "/accounts/", "tbody a[href^='/accounts/1']"),
    PageCase("ledger", "controller", "/ledger/"),
    PageCase("entry", "controller", "/ledger/", "a[href^='/ledger/entries/']"),
    PageCase("trail of an entry", "auditor", "/ledger/", "a[href^='/ledger/entries/']"),
    PageCase("trial balance", "controller", "/ledger/trial-balance/"),
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
