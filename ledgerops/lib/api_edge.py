"""Who may ask and in what form: what every view of the REST API is made with.

Apart from `ledgerops.lib.api`, since the framework loads these before it has views.
"""

import json
from collections.abc import Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

from django.conf import settings
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

if TYPE_CHECKING:
    from rest_framework.views import APIView


class TooLarge(exceptions.APIException):
    status_code = 413
    default_code = "too_large"
    default_detail = "the body is larger than this route takes"


class HoldsPermission(BasePermission):
    """Allow a request whose user's roles hold what the view names for its method in `required_permissions`; None asks for no role.

    A method that the view has and does not name is refused; one that it does not have is left to be answered with 405.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        if not request.user.is_authenticated:
            return False
        required: Mapping[str, str | None] = view.required_permissions  # type: ignore[attr-defined]
        method = "GET" if request.method == "HEAD" else str(request.method)
        if method not in required:
            return not hasattr(view, method.lower())
        permission = required[method]
        self.message = f"your roles do not include {permission}"
        return permission is None or request.user.has_perm(permission)


class JSONOnly(BaseContentNegotiation):
    """Answer in the view's first form whatever the caller would rather have: there is one."""

    def select_parser(self, request: Request, parsers: Sequence[BaseParser]) -> BaseParser | None:  # type: ignore[override]
        content_type = str(request.content_type).partition(";")[0].strip().lower()
        return next((parser for parser in parsers if parser.media_type == content_type), None)

    def select_renderer(  # type: ignore[override]
        self, _request: Request, renderers: Sequence[BaseRenderer], *_: Any
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], str(renderers[0].media_type)


class StrictJSONParser(JSONParser):
    """Read a bounded body in which no name is said twice: of two amounts the caller means one."""

    maximum: int | None = None

    def parse(self, stream: IO[Any], *_: Any, **__: Any) -> Any:
        maximum = self.maximum or settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        content = stream.read(maximum + 1)
        if len(content) > maximum:
            raise TooLarge
        try:
            return json.loads(content.decode(), object_pairs_hook=_each_once, parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise exceptions.ParseError(f"the body is not JSON: {error}") from error


class BatchJSONParser(StrictJSONParser):
    """Read a body of ten thousand items."""

    maximum = 33_554_432


def _each_once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)!r} is said twice")
    return content


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
