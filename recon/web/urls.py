"""Pages of this app."""

from django.urls import URLPattern, URLResolver, include, path

from recon.web.sources import mappings

app_name = "recon"

urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("recon.web.days.urls")),
    path("breaks/", include("recon.web.breaks.urls")),
    path("breaks/", include("recon.web.resolutions.urls")),
    path("chains/", include("recon.web.chains.urls")),
    path("reconciliations/", include("recon.web.reconciliations.urls")),
    path("proofs/", include("recon.web.proofs.urls")),
    path("reports/", include("recon.web.reports.urls")),
    path("rules/", include("recon.web.rules.urls")),
    path("runs/", include("recon.web.runs.urls")),
    path("mappings/<uuid:mapping_id>/", mappings.mapping_by_id, name="mapping_of"),
    path("sources/", include("recon.web.sources.urls")),
    path("statements/", include("recon.web.statements.urls")),
]
