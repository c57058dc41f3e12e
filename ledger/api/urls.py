"""Routes of the books under /api/v1/."""

from django.urls import path

from ledger.api import registry_views, views

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
    path("entries", views.Entries.as_view()),
    path("entries/<uuid:entry_id>", views.EntryDetail.as_view()),
    path("accounts", views.Accounts.as_view()),
    path("accounts/<code:code>", views.AccountDetail.as_view()),
    path("accounts/<code:code>/postings", views.AccountPostings.as_view()),
    path("trial-balance", views.TrialBalanceOfDay.as_view()),
    path("assets", views.Assets.as_view()),
    path("periods", views.Periods.as_view()),
    path("periods/<int:period_id>/close", views.PeriodClose.as_view()),
]
