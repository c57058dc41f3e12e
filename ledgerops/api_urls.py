"""Every route of the REST API, its description and the page that shows it."""

from typing import Any

from csp.decorators import csp_update
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, include, path, register_converter
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerSplitView

from ledgerops.lib.api import CodeConverter

register_converter(CodeConverter, "code")

# The one exception to the policy of all pages: the library's script sets style elements and shows images from data: addresses.
DOCS_POLICY: dict[str, Any] = {"style-src": ["'unsafe-inline'"], "img-src": ["data:"]}


class SchemaView(SpectacularJSONAPIView):
    required_permissions = {"GET": None}


class DocsView(SpectacularSwaggerSplitView):
    required_permissions = {"GET": None}
    url_name = "api-schema"


urlpatterns: list[URLPattern | URLResolver] = [
    path("", include("ledger.api.urls")),
    path("", include("recon.api.urls")),
    path("", include("approvals.api.urls")),
    path("", include("audit.api.urls")),
    path("schema/", SchemaView.as_view(), name="api-schema"),
    path("docs/", login_required(csp_update(DOCS_POLICY)(DocsView.as_view())), name="api-docs"),
]
