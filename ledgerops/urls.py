"""Every page. An unlisted route does not exist; every view carries the permission it needs."""

from django.urls import include, path

urlpatterns = [
    path("account/", include("allauth.account.urls")),
]
