"""Routes of the books under /api/v1/."""

from django.urls import path

from ledger.api import account_views, journal_views, registry_views, views

urlpatterns = [
    path("transactions", registry_views.Transactions.as_view()),
    path("transactions/batch", registry_views.TransactionBatch.as_view()),
    path("transactions/dry-run", registry_views.TransactionDryRun.as_view()),
    path("transactions/keys", registry_views.KeyUses.as_view()),
    path("transactions/<uuid:transaction_id>", registry_views.TransactionDetail.as_view()),
    path("transactions/<uuid:transaction_id>/post", registry_views.TransactionPost.as_view()),
    path("transactions/<uuid:transaction_id>/events", registry_views.TransactionEvents.as_view()),
    path("holds", registry_views.Holds.as_view()),
    path("holds/<uuid:hold_id>", registry_views.HoldDetail.as_view()),
    path("holds/<uuid:hold_id>/capture", registry_views.HoldCapture.as_view()),
    path("holds/<uuid:hold_id>/release", registry_views.HoldRelease.as_view()),
    path("conversions", registry_views.Conversions.as_view()),
    path("transaction-types", registry_views.TransactionTypes.as_view()),
    path("journals", journal_views.Journals.as_view()),
    path("openings", journal_views.Openings.as_view()),
    path("recurring-entries", journal_views.RecurringEntries.as_view()),
    path("recurring-entries/<code:code>/stop", journal_views.RecurringStop.as_view()),
    path("entries/<uuid:entry_id>/reversals", journal_views.Reversals.as_view()),
    path("entries", views.Entries.as_view()),
    path("entries/<uuid:entry_id>", views.EntryDetail.as_view()),
    path("accounts", account_views.Accounts.as_view()),
    path("hot-accounts", account_views.HotAccounts.as_view()),
    path("chart", account_views.Chart.as_view()),
    path("chart/imports", account_views.ChartImports.as_view()),
    path("alerts", account_views.Alerts.as_view()),
    path("alerts/<uuid:alert_id>/seen-to", account_views.AlertSeenTo.as_view()),
    path("accounts/<code:code>/changes", account_views.AccountChanges.as_view()),
    path("accounts/<code:code>/freeze", account_views.AccountFreeze.as_view()),
    path("accounts/<code:code>/monitors", account_views.Monitors.as_view()),
    path("accounts/<code:code>/monitors/<int:monitor_id>/retire", account_views.MonitorRetirement.as_view()),
    path("accounts/<code:code>", views.AccountDetail.as_view()),
    path("accounts/<code:code>/postings", views.AccountPostings.as_view()),
    path("trial-balance", views.TrialBalanceOfDay.as_view()),
    path("assets", views.Assets.as_view()),
    path("periods", views.Periods.as_view()),
    path("periods/<int:period_id>/close", views.PeriodClose.as_view()),
]
