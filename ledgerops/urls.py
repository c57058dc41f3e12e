"""Every page. An unlisted route does not exist; every view carries the permission it needs."""

from django.urls import include, path

from ledgerops import trail, views
from ledgerops.records.site import site as records

urlpatterns = [
    # First, since programs ask more often than people, and routes are tried in their order.
    path("api/v1/", include("ledgerops.api_urls")),
    path("", views.overview, name="overview"),
    path("search/", views.search, name="search"),
    path("trail/<uuid:entry_id>/", trail.trail, name="trail"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("healthz/live", views.live, name="live"),
    path("healthz/ready", views.ready, name="ready"),
    path("favicon.ico", views.favicon, name="favicon"),
    path("", include("recon.web.urls")),
    path("", include("approvals.web.urls")),
    path("", include("ledger.web.urls")),
    path("", include("audit.web.urls")),
    path("admin/", records.urls),
    path("account/", include("allauth.account.urls")),
    path("account/mfa/", include("allauth.mfa.urls")),
]

handler400 = views.malformed
handler403 = views.forbidden
handler404 = views.not_found
handler500 = views.failed
