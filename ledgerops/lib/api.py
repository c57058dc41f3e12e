"""How refusals, permissions and pages meet the REST API."""

from typing import Any

from rest_framework import exceptions
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF


class KeysetPagination(CursorPagination):
    page_size = 50
    max_page_size = 500
    page_size_query_param = "limit"
    ordering = "-id"


class HoldsPermission(BasePermission):
    """Allow a request whose user's roles hold what the view names for its method in `required_permissions`."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        if not request.user.is_authenticated:
            return False
        required: dict[str, str | None] = view.required_permissions  # type: ignore[attr-defined]
        if request.method not in required:
            return request.method in ("OPTIONS", "HEAD")
        permission = required[request.method]
        return permission is None or request.user.has_perm(permission)


def refusal_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn a refusal into `{"error": {code, message, field, detail}}`; malformed input is 422, as everywhere."""
    if isinstance(error, Refusal):
        body = {"code": error.code, "message": str(error), "field": error.field, "detail": dict(error.detail)}
        return Response({"error": body}, status=STATUS_OF[error.kind])
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.status_code = 422
        body = {"code": "invalid", "message": "the request is not valid", "field": None, "detail": response.data}
    else:
        detail = getattr(error, "detail", str(error))
        code = getattr(detail, "code", "error")
        body = {"code": code, "message": str(detail), "field": None, "detail": {}}
    response.data = {"error": body}
    return response
