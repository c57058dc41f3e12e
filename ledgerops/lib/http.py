"""How refusals and permissions meet HTTP. The only file that knows statuses."""

from collections.abc import Callable
from typing import Any

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from ledgerops.lib.errors import Refusal, RefusalKind

STATUS_OF = {
    RefusalKind.INVALID: 422,
    RefusalKind.CONFLICT: 409,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
}
assert set(STATUS_OF) == set(RefusalKind)

View = Callable[..., HttpResponseBase]


def requires(permission: str | None) -> Callable[[View], View]:
    """Open a view to signed-in users whose roles hold `permission`; None opens it to every signed-in user.

    Every view carries the mark, so that a test can walk routes against roles.
    """

    def mark(view: View) -> View:
        guarded = permission_required(permission, raise_exception=True)(view) if permission else view
        guarded.required_permission = permission  # type: ignore[attr-defined]
        return guarded

    return mark


class RefusalMiddleware:
    """Answer a refusal that a view let through with its page or, for htmx, its fragment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        if not isinstance(error, Refusal):
            return None
        return refused(request, refusal=error)


def refused(request: HttpRequest, *, refusal: Refusal, **context: Any) -> HttpResponse:
    """Render a refusal: its sentence, its code, and the reference of the request."""
    fragment = "errors/fragment.html" if request.headers.get("HX-Request") else "errors/refusal.html"
    return render(request, fragment, {"refusal": refusal, **context}, status=STATUS_OF[refusal.kind])
