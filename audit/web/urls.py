"""Pages of this app."""

from django.urls import path

from audit.web import views

app_name = "audit"

urlpatterns = [
    path("audit/", views.events, name="events"),
    path("audit/objects/<str:target_type>/<path:target_id>/", views.about, name="object"),
]
