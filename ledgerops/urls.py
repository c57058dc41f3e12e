"""Every page. An unlisted route does not exist; every view carries the permission it needs."""

from django.urls import include, path

urlpatterns = [
    path("", include("recon.web.urls")),
    path("", include("approvals.web.urls")),
    path("", include("ledger.web.urls")),
    path("", include("audit.web.urls")),
    path("account/", include("allauth.account.urls")),
    path("account/mfa/", include("allauth.mfa.urls")),
]
