"""Pages of this app."""

from django.urls import URLPattern

app_name = "recon"

urlpatterns: list[URLPattern] = []
