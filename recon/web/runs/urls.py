"""Pages of runs."""

from django.urls import path

from recon.web.runs import challenges, views

urlpatterns = [
    path("", views.runs, name="runs"),
    path("new/", views.new_run, name="new_run"),
    path("challenges/", challenges.challenges, name="challenges"),
    path("challenges/<int:challenge_id>/seen/", challenges.see, name="challenge_seen"),
    path("challenges/matches/<uuid:match_id>/undo/", challenges.undo, name="undo_challenged"),
    path("request/", views.request_run, name="request_run"),
    path("<uuid:run_id>/", views.run, name="run"),
    path("<uuid:run_id>/cancel/", views.cancel, name="cancel_run"),
    path("<uuid:earlier_id>/compare/<uuid:later_id>/", views.compare, name="compare_runs"),
]
