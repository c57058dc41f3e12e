"""How requests, refusals, permissions and pages meet the REST API."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from django.contrib.auth.models import AbstractUser
from django.core.exceptions import RequestDataTooBig
from django.db.models import Model, QuerySet
from drf_spectacular.contrib.knox_auth_token import KnoxTokenScheme
from drf_spectacular.utils import extend_schema_field
from rest_framework import exceptions, serializers
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView, exception_handler

from ledgerops.lib.api_edge import TooLarge
from ledgerops.lib.errors import Refusal
from ledgerops.lib.http import STATUS_OF, with_headers
from ledgerops.lib.money import AmountRefused, minor_from_string
from ledgerops.lib.paging import PAGE_SIZE, page_of, reads_cursor
from ledgerops.lib.transactions import busy_of

PAGE_MAXIMUM = 500
PAGING = frozenset({"after", "limit"})
_DIGITS = {"type": "string", "pattern": "^[0-9]{1,38}$"}
_SIGNED_DIGITS = {"type": "string", "pattern": "^-?[0-9]{1,38}$"}


class BearerTokenScheme(KnoxTokenScheme):  # type: ignore[no-untyped-call]
    target_class = "approvals.api.tokens.BearerTokenAuthentication"
    name = "token"


class Body(serializers.Serializer[Any]):
    """What a caller says, in a body or in a query: a name that is not known is refused, never ignored."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, Mapping):
            unknown = sorted(set(data) - set(self.fields))
            if unknown:
                raise serializers.ValidationError({name: serializers.ErrorDetail("there is no such field", "unknown") for name in unknown})
        return super().to_internal_value(data)


def user_of(request: Request) -> AbstractUser:
    """Return who asks; `HoldsPermission` has let nobody else through."""
    assert isinstance(request.user, AbstractUser)
    return request.user


def said(request: Request, body: type[Body]) -> dict[str, Any]:
    """Return the validated content of a request's body.

    :raises serializers.ValidationError: naming every field that is wrong.
    """
    return _read(body, request.data)


def asked(request: Request, filters: type[Body] = Body) -> dict[str, Any]:
    """Return the validated filters of a list's query; what pages it is read elsewhere.

    :raises serializers.ValidationError: for a filter that is unknown, wrong or said twice.
    """
    said_once = {}
    for name, values in request.query_params.lists():
        if len(values) > 1:
            raise serializers.ValidationError({name: "say it once"})
        if name not in PAGING:
            said_once[name] = values[0]
    return _read(filters, said_once)


@cache
def _reader(body: type[Body]) -> Body:
    """Return the one reader of a body: making its fields takes longer than reading with them, and they keep nothing of what they read."""
    return body()


def _read(body: type[Body], data: Any) -> dict[str, Any]:
    if data is None:
        raise serializers.ValidationError({"non_field_errors": serializers.ErrorDetail("No data provided", "null")})
    return dict(_reader(body).run_validation(data))


@extend_schema_field({**_DIGITS, "description": "minor units above zero, as a string of digits; the scale says how many are decimals"})
class AmountField(serializers.Field[int, Any, str, Any]):
    """A positive number of minor units, as text both ways: JSON numbers lose digits in most readers."""

    def to_internal_value(self, data: Any) -> int:
        try:
            return minor_from_string(data, field=str(self.field_name))
        except AmountRefused as refusal:
            raise serializers.ValidationError(str(refusal), code=refusal.code) from refusal

    def to_representation(self, value: Any) -> str:
        return str(int(value))


@extend_schema_field({**_SIGNED_DIGITS, "description": "signed minor units, as a string of digits"})
class MinorField(serializers.Field[int, Any, str, Any]):
    """A signed number of minor units, read only."""

    def __init__(self, **options: Any) -> None:
        super().__init__(read_only=True, **options)

    def to_representation(self, value: Any) -> str:
        return str(int(value))


class KeysetPagination(BasePagination):
    """Pages by `?after=&limit=` in the view's `ordering`, which is total and of one direction."""

    def paginate_queryset(self, queryset: QuerySet[Any], request: Request, view: APIView | None = None) -> list[Model]:  # type: ignore[override]
        order: Sequence[str] = view.ordering  # type: ignore[union-attr]
        cursor = request.query_params.get("after")
        if cursor is not None and not reads_cursor(queryset, cursor=cursor, order=order):
            raise serializers.ValidationError({"after": "this is not the cursor of a page of this list"})
        page = page_of(queryset, query=request.query_params, order=order, size=self._limit(request))
        self.next = request.build_absolute_uri(page.older) if page.older else None
        return page.rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"results": data, "next": self.next})

    def get_paginated_response_schema(self, schema: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["results", "next"],
            "properties": {
                "results": schema,
                "next": {"type": ["string", "null"], "format": "uri", "description": "the next page; null on the last"},
            },
        }

    def get_schema_operation_parameters(self, *_: Any) -> list[dict[str, Any]]:
        limit = {"type": "integer", "minimum": 1, "maximum": PAGE_MAXIMUM, "default": PAGE_SIZE}
        return [
            {
                "name": "after",
                "in": "query",
                "required": False,
                "schema": {"type": "string"},
                "description": "cursor, as `next` carries it",
            },
            {"name": "limit", "in": "query", "required": False, "schema": limit, "description": "rows on a page"},
        ]

    def _limit(self, request: Request) -> int:
        text = request.query_params.get("limit", str(PAGE_SIZE))
        if not (text.isascii() and text.isdigit() and len(text) < 5 and 1 <= int(text) <= PAGE_MAXIMUM):
            raise serializers.ValidationError({"limit": f"a whole number from 1 to {PAGE_MAXIMUM}"})
        return int(text)


class CodeConverter:
    """A code in a path: whatever is no slash and no control character, since PostgreSQL takes no NUL."""

    regex = r"[^/\x00-\x1f]{1,100}"

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


def refusal_response(error: Exception, context: dict[str, Any]) -> Response | None:
    """Turn every refusal into `{"error": {code, message, field, detail}}`; what is none is left to the handler of failures."""
    refusal = error if isinstance(error, Refusal) else busy_of(error)
    if refusal:
        answer = _error(STATUS_OF[refusal.kind], code=refusal.code, message=str(refusal), field=refusal.field, detail=dict(refusal.detail))
        return with_headers(answer, refusal=refusal)
    response = exception_handler(TooLarge() if isinstance(error, RequestDataTooBig) else error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        wrong = list(_flat(error.get_full_details()))
        first = wrong[0]
        return _error(422, code="invalid", message=first["message"], field=first["field"] or None, detail={"errors": wrong})
    said_of_it = response.data["detail"]
    response.data = _error(response.status_code, code=said_of_it.code, message=str(said_of_it), field=None, detail={}).data
    return response


_ERROR_SCHEMA = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "field", "detail"],
            "properties": {
                "code": {"type": "string", "description": "names the refusal; it never changes"},
                "message": {"type": "string", "description": "the sentence for a person"},
                "field": {"type": ["string", "null"], "description": "where, such as `lines[2].amount`; lines are counted from 1"},
                "detail": {"type": "object", "description": "values to act on; `errors` lists every field of a request that is not valid"},
            },
        }
    },
}


def describe_errors(result: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Add to the API's description that every operation may answer with an error (a hook of the generator)."""
    result["components"]["schemas"]["Error"] = _ERROR_SCHEMA
    content = {"application/json": {"schema": {"$ref": "#/components/schemas/Error"}}}
    described = {
        "description": "400 no JSON, 401 not signed in, 403 not allowed, 404 not there for you, 409 conflict, 413 too large, 415 not JSON, "
        "422 not valid, 429 too often, 503 held by somebody else: ask again after `Retry-After` seconds",
        "content": content,
    }
    for operations in result["paths"].values():
        for operation in operations.values():
            operation["responses"]["default"] = described
    return result


def _error(status: int, *, code: str, message: str, field: str | None, detail: Mapping[str, Any]) -> Response:
    return Response({"error": {"code": code, "message": message, "field": field, "detail": detail}}, status=status)


def _flat(details: Any, place: str = "") -> Iterator[dict[str, str]]:
    """Yield each error with its place, such as `lines[2].amount`; lines are counted from 1, as refusals of the books count them."""
    if isinstance(details, Mapping) and isinstance(details.get("message"), str):
        yield {"field": place, "code": details["code"], "message": details["message"]}
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            yield from _flat(inner, _within(place, name))
    else:
        for position, inner in enumerate(details):
            is_error = isinstance(inner, Mapping) and isinstance(inner.get("message"), str)
            yield from _flat(inner, place if is_error else _within(place, position))


def _within(place: str, name: str | int) -> str:
    if isinstance(name, int):
        return f"{place}[{name + 1}]"
    if name == "non_field_errors":
        return place
    return f"{place}.{name}" if place else name
