"""Pages of this app."""

from django.urls import path

from ledger.web import accounts, journal, trial_balance

app_name = "ledger"

urlpatterns = [
    path("accounts/", accounts.accounts, name="accounts"),
    path("accounts/<str:code>/", accounts.account, name="account"),
    path("accounts/<str:code>/export/", accounts.export_account, name="export_account"),
    path("ledger/", journal.entries, name="entries"),
    path("ledger/export/", journal.export_entries, name="export_entries"),
    path("ledger/entries/<uuid:entry_id>/", journal.entry, name="entry"),
    path("ledger/trial-balance/", trial_balance.trial_balance, name="trial_balance"),
    path("ledger/trial-balance/export/", trial_balance.export_trial_balance, name="export_trial_balance"),
]
