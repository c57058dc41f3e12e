"""Pages of reports."""

from django.urls import path

from recon.web.reports import lists, reconciliation

urlpatterns = [
    path("reconciliation/", reconciliation.report, name="report"),
    path("reconciliation/<slug:table>/export/", reconciliation.export, name="export_report"),
    path("reconciliation/rows/<slug:name>/", lists.rows, name="report_rows"),
    path("reconciliation/rows/<slug:name>/export/", lists.export, name="export_report_rows"),
]
