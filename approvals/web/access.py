"""Refused access on the trail: who asked for a page or an act that their roles do not include."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from approvals import operations
from audit.context import refusals_recorded

FORBIDDEN = 403
TARGET_MAXIMUM = 100


class RefusedAccessMiddleware:
    """Record every 403 that a signed-in person is answered, unless the act that refused it has recorded it itself.

    It looks at the answer, not for the exception: pages, the API and the check of forms refuse each in their own way.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code == FORBIDDEN and request.user.is_authenticated and not refusals_recorded():
            permission = getattr(getattr(request.resolver_match, "func", None), "required_permission", None)
            operations.record_refused_access(path=request.path[:TARGET_MAXIMUM], method=request.method or "", permission=permission)
        return response
