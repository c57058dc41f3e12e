"""How refusals and permissions meet HTTP. The only file that knows statuses."""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

from csp.constants import HEADER
from csp.middleware import CSPMiddleware
from csp.utils import build_policy
from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from ledgerops.lib.errors import Refusal, RefusalKind
from ledgerops.lib.transactions import busy_of

STATUS_OF = {
    RefusalKind.INVALID: 422,
    RefusalKind.CONFLICT: 409,
    RefusalKind.FORBIDDEN: 403,
    RefusalKind.NOT_FOUND: 404,
    RefusalKind.BUSY: 503,
}
assert set(STATUS_OF) == set(RefusalKind)
# Seconds after which asking again is worth it; for htmx, a script and a person alike.
_AGAIN_AFTER = {RefusalKind.BUSY: 1}

View = Callable[..., HttpResponseBase]
R = TypeVar("R", bound=HttpResponseBase)


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
    """Answer a refusal that a view let through, or a lock it did not get in time, with its page or, for htmx, its fragment."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        refusal = error if isinstance(error, Refusal) else busy_of(error)
        return refused(request, refusal=refusal) if refusal else None


class PolicyMiddleware(CSPMiddleware):
    """The library's own, which does not put the same policy together again for every answer."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        """Set the policy of all pages, unless the view has asked for another."""
        if request.__dict__.get("_csp_nonce") or any(name.startswith("_csp_") for name in response.__dict__):
            return super().process_response(request, response)
        response.headers.setdefault(HEADER, _policy_of_all())
        return response


@cache
def _policy_of_all() -> str:
    return build_policy()


def refused(request: HttpRequest, *, refusal: Refusal, **context: Any) -> HttpResponse:
    """Render a refusal: its sentence, its code, and the reference of the request."""
    fragment = "errors/fragment.html" if request.headers.get("HX-Request") else "errors/refusal.html"
    context = {"refusal": refusal, **context}
    return with_headers(render(request, fragment, context, status=STATUS_OF[refusal.kind]), refusal=refusal)


def with_headers(response: R, *, refusal: Refusal) -> R:
    """Return the response with what its headers say of a refusal: when to ask again."""
    if refusal.kind in _AGAIN_AFTER:
        response["Retry-After"] = str(_AGAIN_AFTER[refusal.kind])
    return response
