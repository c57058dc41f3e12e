"""Routes of the books under /api/v1/."""

from django.urls import path

from ledger.api import views

urlpatterns = [
    path("transactions", views.Transactions.as_view()),
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
