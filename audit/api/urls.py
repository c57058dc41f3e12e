"""Routes of the trail under /api/v1/."""

from django.urls import path

from audit.api import views

urlpatterns = [
    path("audit/events", views.Events.as_view()),
    path("audit/actions", views.Actions.as_view()),
    path("audit/objects/<code:target_type>/<code:target_id>/timeline", views.Timeline.as_view()),
]
