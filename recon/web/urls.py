"""Pages of this app."""

from django.urls import URLPattern, URLResolver, include, path

app_name = "recon"

urlpatterns: list[URLPattern | URLResolver] = [
    path("breaks/", include("recon.web.breaks.urls")),
    path("runs/", include("recon.web.runs.urls")),
    path("statements/", include("recon.web.statements.urls")),
]
