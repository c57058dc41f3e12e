"""Pages of runs."""

from django.urls import path

from recon.web.runs import views

urlpatterns = [
    path("", views.runs, name="runs"),
    path("new/", views.new_run, name="new_run"),
    path("request/", views.request_run, name="request_run"),
    path("<uuid:run_id>/", views.run, name="run"),
    path("<uuid:run_id>/cancel/", views.cancel, name="cancel_run"),
    path("<uuid:earlier_id>/compare/<uuid:later_id>/", views.compare, name="compare_runs"),
]
