"""Keyset pages of a list: the cursor holds the order's values of the row at the edge, so the thousandth page costs what the first does."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Generic, TypeVar

from django.core.exceptions import EmptyResultSet, ValidationError
from django.db import connection
from django.db.models import Model, Q, QuerySet
from django.http import QueryDict

M = TypeVar("M", bound=Model)

PAGE_SIZE = 50
COUNTED_UP_TO = 1000
_SEPARATOR = "~"


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[M]):
    """The rows of one page and the addresses of its neighbours, empty where there is none."""

    rows: list[M]
    newer: str
    older: str


def page_of(queryset: QuerySet[M], *, query: QueryDict, order: Sequence[str], size: int = PAGE_SIZE) -> Page[M]:
    """Return the page that `?after=` or `?before=` names in the given order, which must be total and of one direction.

    A cursor that cannot be read gives the first page: it was written by hand or by an older version.
    """
    descending = order[0].startswith("-")
    assert all(field.startswith("-") == descending for field in order), "the order of a keyset has one direction"
    fields = [field.lstrip("-") for field in order]
    before = _values(queryset, fields, query.get("before", ""))
    after = None if before else _values(queryset, fields, query.get("after", ""))
    backwards = before is not None
    edge = before or after
    if edge is not None:
        queryset = queryset.filter(_beyond(fields, edge, upwards=descending == backwards))
    sign = "-" if descending != backwards else ""
    rows = list(queryset.order_by(*(sign + field for field in fields))[: size + 1])
    more = len(rows) > size
    rows = rows[:size]
    if backwards:
        rows.reverse()
    has_newer, has_older = (more, True) if backwards else (after is not None, more)
    return Page(
        rows=rows,
        newer=_address(query, before=_cursor(rows[0], fields)) if rows and has_newer else "",
        older=_address(query, after=_cursor(rows[-1], fields)) if rows and has_older else "",
    )


def reads_cursor(queryset: QuerySet[Any], *, cursor: str, order: Sequence[str]) -> bool:
    """Return whether a cursor belongs to a list in this order, for callers that must not be given the first page instead."""
    return _values(queryset, [field.lstrip("-") for field in order], cursor) is not None


def bounded_count(queryset: QuerySet[Any], *, limit: int = COUNTED_UP_TO) -> int:
    """Count rows, but no more than one above the limit."""
    return queryset.order_by().values("pk")[: limit + 1].count()


def bounded_counts(querysets: Sequence[QuerySet[Any]], *, limit: int = COUNTED_UP_TO) -> list[int]:
    """Count the rows of each in one round trip, as `bounded_count` does of one."""
    parts: list[str] = []
    values: list[Any] = []
    for queryset in querysets:
        try:
            statement, parameters = queryset.order_by().values("pk")[: limit + 1].query.sql_with_params()
        except EmptyResultSet:
            statement, parameters = "SELECT 1 WHERE false", ()
        parts.append(f"(SELECT count(*) FROM ({statement}) counted)")  # noqa: S608 (as the ORM wrote it)
        values += parameters
    if not parts:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(parts)}", values)
        return list(cursor.fetchone())


def counted(count: int, *, word: str, limit: int = COUNTED_UP_TO) -> str:
    """Return a bounded count in words: `12 proposals`, `1 proposal`, `more than 1,000 proposals`."""
    if count > limit:
        return f"more than {limit:,} {word}s"
    return f"{count:,} {word}{'' if count == 1 else 's'}"


def _beyond(fields: Sequence[str], edge: Sequence[Any], *, upwards: bool) -> Q:
    """Return the condition of the rows past the edge, compared as tuples are."""
    lookup = "gt" if upwards else "lt"
    condition = Q()
    for n in reversed(range(len(fields))):
        step = Q(**{f"{fields[n]}__{lookup}": edge[n]})
        condition = step | (Q(**{fields[n]: edge[n]}) & condition) if condition else step
    # Implied by the rest, and what lets an index begin at the edge: a choice between conditions does not.
    return condition if len(fields) == 1 else Q(**{f"{fields[0]}__{lookup}e": edge[0]}) & condition


def _cursor(row: Model, fields: Sequence[str]) -> str:
    values = (getattr(row, field) for field in fields)
    return _SEPARATOR.join(value.isoformat() if isinstance(value, date) else str(value) for value in values)


def _values(queryset: QuerySet[Any], fields: Sequence[str], cursor: str) -> list[Any] | None:
    parts = cursor.split(_SEPARATOR)
    if not cursor or len(parts) != len(fields) or "\0" in cursor:  # PostgreSQL takes no NUL
        return None
    try:
        return [_column(queryset, field).to_python(part) for field, part in zip(fields, parts, strict=True)]
    except ValidationError:
        return None


def _column(queryset: QuerySet[Any], field: str) -> Any:
    """Return the model's field of that name, or what the annotation of that name puts out."""
    annotation = queryset.query.annotations.get(field)
    return annotation.output_field if annotation is not None else queryset.model._meta.get_field(field)


def _address(query: QueryDict, **cursor: str) -> str:
    address = query.copy()
    for name in ("after", "before"):
        address.pop(name, None)
    for name, value in cursor.items():
        address[name] = value
    return f"?{address.urlencode()}"
