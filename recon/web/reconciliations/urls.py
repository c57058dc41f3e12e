"""Pages of reconciliations."""

from django.urls import path

from recon.web.reconciliations import views

urlpatterns = [
    path("", views.reconciliations, name="reconciliations"),
    path("new/", views.new_reconciliation, name="new_reconciliation"),
    path("<int:reconciliation_id>/", views.reconciliation, name="reconciliation"),
]
